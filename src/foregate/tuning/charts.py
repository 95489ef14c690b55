"""The pictures of a suggestion, one function each: a figure that pyplot does not know, and what it shows in words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from foregate.core import UsageError
from foregate.data.dependence import LagCurve
from foregate.reporting.canvas import (
    BROAD,
    SMALL,
    inline_svg,
    light,
    log_axis,
    new_axes,
    own_settings,
    step_axis,
    value_axis,
)
from foregate.reporting.page import (
    WORDS,
    Cell,
    chart,
    grid,
    items,
    key,
    number,
    page,
    section,
    swatch,
    table,
)
from foregate.reporting.theme import STYLE
from foregate.tuning.lookbacks import LookbackScore
from foregate.tuning.rates import RateCurve
from foregate.tuning.suggestion import Suggestion

if TYPE_CHECKING:
    import polars
    from matplotlib.figure import Figure

__all__ = ["draw_lags", "draw_lookbacks", "draw_rates", "in_words", "page_of", "pictures"]

Size = tuple[int, int]
Key = tuple[tuple[str, tuple[str, str], bool], ...]

BAND = 0.17
"""How dark a band is."""
_KEYS: dict[str, Key] = {
    "autocorrelation": (
        ("what chance can do", ("model-0", ""), True),
        ("beyond it", ("model-1", ""), False),
        ("within it", ("soft", ""), False),
    ),
    "lookbacks": (("error, and one standard error of how far it is behind the best", ("model-0", ""), False),),
    "rates": (
        ("loss, as a share of the first", ("model-0", ""), False),
        ("suggested", ("good", ""), False),
        ("here it blows up", ("bad", "5 2"), False),
    ),
}
"""What lines stand for: name, colour and dash, whether it is a band; those of one curve over the lag hold for all."""


def draw_lags(curve: LagCurve, size: Size = BROAD) -> Figure:
    """A stem per lag, those outside the band dark, and the band.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with own_settings():
        figure, axes = new_axes(size)
        shown = np.isin(curve.lags, curve.shown)
        low = np.maximum(curve.low, min(0.0, float(curve.values.min())))
        axes.fill_between(curve.lags, low, curve.high, color=light("model-0"), alpha=BAND, linewidth=0)
        for which, role in ((~shown, "soft"), (shown, "model-1")):
            axes.vlines(curve.lags[which], 0, curve.values[which], color=light(role), linewidth=1.6)
            axes.plot(curve.lags[which], curve.values[which], "o", ms=3, color=light(role), markeredgewidth=0)
        axes.axhline(0, color=light("soft"), linewidth=0.8)
        step_axis(axes, "lag in steps")
        axes.set_ylabel("nats" if curve.name == "mutual information" else "")
        value_axis(axes)
    return figure


def draw_lookbacks(scores: tuple[LookbackScore, ...], size: Size = BROAD) -> Figure:
    """The error of every length that was tried, with one standard error of how far it is behind the best.

    Raises:
        UsageError: none was tried.
        MissingExtraError: matplotlib is not installed.
    """
    if not scores:
        raise UsageError("scores must hold at least one, but got none. Leave out train=False.")
    ordered = sorted(scores, key=lambda score: (score.rows or 0, score.name), reverse=True)
    with own_settings():
        figure, axes = new_axes(size)
        at = np.arange(len(ordered))
        errors, doubts = np.array([(score.error, score.doubt) for score in ordered]).T
        axes.errorbar(errors, at, xerr=doubts, fmt="o", ms=6, color=light("model-0"), capsize=4)
        axes.axvline(errors.min(), color=light("soft"), linewidth=0.8, linestyle=(0, (2, 2)))
        axes.set_yticks(at, [score.name for score in ordered])
        axes.margins(x=0.05, y=0.1)
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel("MASE")
    return figure


def draw_rates(curve: RateCurve, size: Size = BROAD) -> Figure:
    """The loss while the rate rises, smoothed and as it was, with the suggestion and where it rises again.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with own_settings():
        figure, axes = new_axes(size)
        axes.plot(curve.rates, curve.losses, "o", ms=2.5, color=light("soft"), markeredgewidth=0)
        axes.plot(curve.rates, curve.smoothed, color=light("model-0"), linewidth=2)
        for rate, role, dash in ((curve.suggestion, "good", "-"), (curve.ceiling, "bad", (0, (5, 2)))):
            if rate is not None:
                axes.axvline(rate, color=light(role), linewidth=1.6, linestyle=dash)
        log_axis(axes, curve.rates)
        axes.set_xlabel("learning rate")
        value_axis(axes)
    return figure


def in_words(about: LagCurve | RateCurve | tuple[LookbackScore, ...]) -> str:
    """What a picture shows, for those who do not see it."""
    if isinstance(about, LagCurve):
        shown = ", ".join(map(str, about.shown[:8])) + (" and more" if len(about.shown) > 8 else "")
        return f"{about.name} at lags 1 to {len(about.values)}; outside the band of chance: {shown or 'none'}."
    if isinstance(about, RateCurve):
        at = "nowhere" if about.suggestion is None else f"at {about.suggestion:.1e}"
        rises = (
            "it never rises above where it began" if about.ceiling is None else f"it blows up at {about.ceiling:.1e}"
        )
        return f"Loss while the learning rate rises to {about.rates[-1]:.1e}: suggested {at}; {rises}."
    told = ", ".join(f"{score.name} {score.error:.3g}" for score in about)
    return f"Mean absolute scaled error of lengths that were tried, best first: {told}."


def pictures(found: Suggestion, size: Size = BROAD) -> dict[str, tuple[Figure, str]]:
    """Every picture there is of a suggestion: its name, the figure, and what it shows in words.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    drawn = {
        c.name.replace(" ", "_"): (draw_lags(c, size), in_words(c)) for c in (found.lags.curves if found.lags else ())
    }
    if found.scores:
        drawn["lookbacks"] = draw_lookbacks(found.scores, size), in_words(found.scores)
    if found.rates is not None and len(found.rates.rates):
        drawn["rates"] = draw_rates(found.rates, size), in_words(found.rates)
    return drawn


def page_of(found: Suggestion, name: str) -> str:
    """Everything as one page that needs nothing else: what is suggested and why, every picture, the table behind it.

    Args:
        found: what is suggested.
        name: what the data is called.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with own_settings():
        charts = _charts(found)
    title = f"Suggested for {name}, {found.horizon} steps ahead"
    what = "The universal network" if found.model is None else f"Try {found.model}"
    return page(
        title,
        STYLE,
        f"<header><h1>{escape(title)}</h1>"
        f'<p class="verdict">{escape(f"{what}; a window would have {found.lookback:,} rows.")}</p>'
        f'<p class="lead">{escape(_begun(found.reason))}</p></header>',
        section(
            "lengths", "The length, asked in several ways", _sheet(found.frames()["lengths"], "What each way says")
        ),
        section("settings", "Sizes and learning rate", _sheet(found.frames()["settings"], "Settings")),
        section("pictures", "Pictures", *charts),
        items(map(_begun, found.notes)),
    )


def _charts(found: Suggestion) -> list[str]:
    """Every picture twice, for a wide page and for a phone, with its key and the table behind it."""
    frames, charts, small = found.frames(), [], pictures(found, SMALL)
    for name, (figure, words) in pictures(found).items():
        slug = name.replace("_", "-")
        svgs = [inline_svg(figure, slug, words), inline_svg(small[name][0], f"{slug}-narrow", words)]
        entries = _KEYS.get(name, _KEYS["autocorrelation"])
        told = key((swatch(*line, shade=BAND if band else 1, band=band), label) for label, line, band in entries)
        title = name.replace("_", " ").capitalize()
        numbers = _sheet(frames[name], title)
        charts.append(grid([chart([told + svg for svg in svgs], title, note=_begun(words), numbers=numbers)]))
    return charts


def _sheet(frame: polars.DataFrame, caption: str) -> str:
    head = [name.replace("_", " ") for name in frame.columns]
    return table(head, [[_cell(value) for value in row] for row in frame.rows()], caption=caption)


def _cell(value: object) -> Cell:
    if isinstance(value, bool) or value is None:
        return "" if not value else "yes"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() else number(value)
    return (value, WORDS) if isinstance(value, str) else str(value)


def _begun(text: str) -> str:
    """A sentence with a capital at its beginning."""
    return text[:1].upper() + text[1:]
