"""The paper that charts are drawn on: settings, axes, and the way into the page.

Charts are drawn on figures of their own, under matplotlib's default settings whatever those of the caller are, which
are as they were afterwards. One unit of length is one pixel of the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from io import StringIO
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from foregate.core import MissingExtraError, Times
from foregate.reporting.theme import COLOURS, themed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "BROAD",
    "SMALL",
    "inline_svg",
    "light",
    "line",
    "log_axis",
    "new_axes",
    "own_settings",
    "positions",
    "power",
    "step_axis",
    "time_axis",
    "value_axis",
]

SMALL = (420, 236)
"""Width and height of a chart that stands beside others, or on a phone, in pixels."""
BROAD = (1050, 330)
"""Width and height of a chart over the whole page."""
_PER_INCH = 72
_FEW_DECADES = 100.0
_ROUND = (1, 2, 2.5, 5, 10)
_OFFSETS = ["", "%Y", "%b %Y", "%d %b %Y", "%d %b %Y", "%d %b %Y %H:%M"]
"""What is said once below the axis where ticks are years, months, days, hours, minutes, seconds."""
_DATELESS = {"Creator": None, "Date": None, "Format": None, "Type": None}


def drawing() -> Any:
    """Matplotlib; asked for before long work, so that its absence is told first.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        raise MissingExtraError("Drawing charts", "train") from None
    return mpl


@contextmanager
def own_settings() -> Iterator[None]:
    """Matplotlib's defaults and ours, for a while.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    mpl = drawing()
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "axes.edgecolor": light("line"),
                "axes.labelcolor": light("soft"),
                "font.size": 12,
                "path.simplify_threshold": 0.3,
                "svg.fonttype": "none",  # text stays text: it is searched, read aloud, and small
                "svg.hashsalt": "foregate",
                "text.parse_math": False,
                "xtick.color": light("line"),
                "xtick.labelcolor": light("soft"),
                "ytick.color": light("line"),
                "ytick.labelcolor": light("soft"),
            }
        )
        yield


def light(role: str) -> str:
    """The colour of a role on a light page."""
    return COLOURS[role][0]


def new_axes(size: tuple[int, int]) -> tuple[Figure, Axes]:
    """Empty axes on a figure that pyplot does not know."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(size[0] / _PER_INCH, size[1] / _PER_INCH), dpi=_PER_INCH, layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03)  # type: ignore[union-attr, call-arg]
    axes = figure.add_subplot()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="y", color=light("line"), linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.01, y=0.08)
    return figure, axes


def positions(times: Times) -> NDArray[np.float64]:
    """Times as places on an axis: days since 1970, or the integers themselves."""
    if np.issubdtype(times.dtype, np.datetime64):
        return times.astype("datetime64[us]").astype(np.int64) / 86_400e6
    return times.astype(np.float64)


def time_axis(axes: Axes, times: Times, size: tuple[int, int]) -> None:
    """Ticks at round dates, each told as briefly as can be; or at round integers."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.ticker import MaxNLocator

    most = 7 if size[0] <= SMALL[0] else 11  # with fewer than 7 there is no round step between half a day and a day
    if np.issubdtype(times.dtype, np.datetime64):
        locator = AutoDateLocator(minticks=3, maxticks=most)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_locator(locator)
        formatter = ConciseDateFormatter(locator, offset_formats=_OFFSETS)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_formatter(formatter)
        axes.xaxis.get_offset_text().set_color(light("soft"))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(most, integer=True, steps=_ROUND))


def step_axis(axes: Axes, label: str) -> None:
    """Ticks at round whole steps."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=_ROUND))
    axes.set_xlabel(label)


def value_axis(axes: Axes, ticks: Sequence[float] | None = None, unit: str = "") -> None:
    """Up to five round ticks, all told to the same digit, millions as M; or the `ticks` given."""
    from matplotlib.ticker import MaxNLocator

    low, high = axes.get_ylim()
    if ticks is None:
        ticks = [t for t in MaxNLocator(5, steps=_ROUND).tick_values(low, high) if low <= t <= high]
    axes.set_yticks(ticks, [one + unit for one in _told(ticks)])
    axes.set_ylim(low, high)


def log_axis(axes: Axes, values: NDArray[np.float64], which: Literal["x", "y"] = "x") -> None:
    """Each decade as wide as any other, told in plain text: powers of ten, and between them where there are few.

    Args:
        axes: whose scale it is to be.
        values: positive numbers that are shown.
        which: of its two axes.
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis, scale = (axes.xaxis, axes.set_xscale) if which == "x" else (axes.yaxis, axes.set_yscale)
    scale("log")
    few = values.max() < _FEW_DECADES * values.min()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,), numticks=6))
    axis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
    axis.set_minor_locator(NullLocator())


def power(value: float) -> str:
    """A positive number in few letters, by its power of ten where it is very small or large.

    Examples:
        >>> power(0.01), power(1e-6), power(2e-4), power(50)
        ('0.01', '10⁻⁶', '2·10⁻⁴', '50')
    """
    digits, _, exponent = f"{value:.0e}".partition("e")
    if abs(int(exponent)) <= 2:
        return f"{value:g}"
    raised = "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return raised if digits == "1" else f"{digits}·{raised}"


def _told(ticks: Sequence[float]) -> list[str]:
    most = max((abs(t) for t in ticks), default=0.0)
    if most >= 1e12 or 0 < most < 1e-4:
        return [f"{t:.3g}" for t in ticks]
    scale, suffix = next(((s, name) for s, name in ((1e9, " bn"), (1e6, " M")) if most >= s), (1.0, ""))
    step = min(np.diff(ticks), default=1.0) / scale
    places = max(0, -int(np.floor(np.log10(step) + 1e-9))) if step > 0 else 0
    if any(abs(t / scale * 10**places - round(t / scale * 10**places)) > 1e-6 for t in ticks):
        places += 1  # steps of 2.5
    return [f"{t / scale:,.{places}f}{suffix if t else ''}".replace("-", "−") for t in ticks]


def inline_svg(figure: Figure, key: str, label: str) -> str:
    """The figure as an SVG element of a page: colours of the theme, no names that another element could have.

    Args:
        figure: drawn on `new_axes`.
        key: a word of letters, digits and dashes, different for every element of the page.
        label: what it shows.
    """
    out = StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata=_DATELESS)
    text = out.getvalue()
    body = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")]
    body = re.sub(r"<!--.*?-->|<style.*?</style>|<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{key}-", body)
    body = re.sub(r"\s*\n\s*", "\n", body).replace("xlink:href", "href")
    body = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d+\.\d{2})\d+", r"\1", tag[0]), body)  # places, but no text
    body = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", body)
    width, height = (round(inches * _PER_INCH) for inches in figure.get_size_inches())
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{key}-title">'
        f'<title id="{key}-title">{escape(label)}</title>{themed(body)}</svg>'
    )


def line(axes: Axes, x: NDArray[Any], y: NDArray[np.float64], **style: Any) -> None:
    """A line that breaks where values are missing; a value between two missing ones is a dot."""
    axes.plot(x, y, **style)
    known = np.concatenate([[False], np.isfinite(y), [False]])
    alone = known[1:-1] & ~known[:-2] & ~known[2:]
    if alone.any():
        axes.plot(x[alone], y[alone], "o", ms=2.5, color=style["color"], markeredgewidth=0)
