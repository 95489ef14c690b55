"""Pictures of a search, one function each; what they draw are numbers that `Tuning` has as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from foregate.reporting.canvas import BROAD, SMALL, light, log_axis, new_axes, own_settings, step_axis
from foregate.tuning.dimensions import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "courses_picture",
    "history_picture",
    "importance_picture",
    "interaction_picture",
    "pair_picture",
    "slice_picture",
]

Size = tuple[int, int]
BARS = (BROAD[0] * 2 // 3, 90)
"""Width of a picture of bars, whose height grows with them."""
MOST_BARS = 12
"""Settings, or pairs of them, that a picture has room for."""
WIDE = 20
"""From so many times the least on, numbers are told by their magnitude."""


def history_picture(scores: NDArray[np.float64], default: float, measure: str, size: Size = BROAD) -> Figure:
    """Every trial's score in order, the best so far, and the default.

    Args:
        scores: (n,) of trials in order; NaN where one is not complete.
        default: score of the default.
        measure: what it is called.
        size: width and height in pixels, as everywhere below.
    """
    with own_settings():
        figure, axes = new_axes(size)
        number = np.arange(len(scores))
        known = np.isfinite(scores)
        best = np.fmin.accumulate(scores)
        axes.plot(number[known], scores[known], "o", ms=4, color=light("soft"), label="trials")
        axes.step(number, best, where="post", color=light("model-0"), linewidth=2, label="best so far")
        if np.isfinite(default):
            axes.axhline(default, color=light("model-1"), linewidth=1.5, linestyle=(0, (5, 2)), label="default")
        _within(axes, scores[known])
        step_axis(axes, "trial")
        axes.set_ylabel(measure)
        axes.legend(frameon=False, fontsize=11, labelcolor=light("soft"))
        return figure


def courses_picture(
    courses: Sequence[NDArray[np.float64]], ended: Sequence[bool], best: int, size: Size = BROAD
) -> Figure:
    """Validation scores of trials as they were trained, and where some were stopped.

    Args:
        courses: of each trial (checks,), those of several networks one after the other with NaN between.
        ended: whether it came to its end; others were stopped.
        best: number of the winner among them.
    """
    with own_settings():
        figure, axes = new_axes(size)
        for i, course in enumerate(courses):
            if not len(course):
                continue
            checks = np.arange(1, len(course) + 1) - np.cumsum(np.isnan(course))
            style: dict[str, Any] = {"color": light("soft"), "linewidth": 0.8, "alpha": 0.7}
            if i == best:
                style = {"color": light("model-0"), "linewidth": 2.2, "zorder": 3}
            axes.plot(checks, course, **style)
            if not ended[i]:
                axes.plot(checks[-1:], course[-1:], "x", ms=6, color=light("bad"))
        _within(axes, np.concatenate([np.empty(0), *courses]))
        step_axis(axes, "validation check; × stopped there, blue the winner")
        axes.set_ylabel("validation score")
        return figure


def importance_picture(importance: Mapping[str, float], size: Size = BARS) -> Figure:
    """A bar per setting, the one that mattered most at the top.

    Args:
        importance: setting -> share.
    """
    return _bars(list(importance), list(importance.values()), "share of what mattered", size)


def interaction_picture(interaction: Mapping[tuple[str, str], float], size: Size = BARS) -> Figure:
    """A bar per two settings, those that explain most together beyond one by one at the top.

    Args:
        interaction: two settings -> share.
    """
    names = [f"{first} × {second}" for first, second in interaction]
    return _bars(names, list(interaction.values()), "explained together beyond one by one", size)


def slice_picture(name: str, values: Sequence[Any], scores: NDArray[np.float64], measure: str) -> Figure:
    """The scores of complete trials by the value of one setting.

    Args:
        name: of the setting.
        values: of these trials.
        scores: (n,) of these.
        measure: what the score is called.
    """
    with own_settings():
        figure, axes = new_axes(SMALL)
        places = _places(axes, values, "x")
        axes.plot(places, scores, "o", ms=5, color=light("model-0"), alpha=0.7)
        _within(axes, scores)
        axes.set_xlabel(name)
        axes.set_ylabel(measure)
        axes.margins(x=0.08)
        return figure


def pair_picture(
    names: tuple[str, str],
    values: tuple[Sequence[Any], Sequence[Any]],
    scores: NDArray[np.float64],
    measure: str,
    size: Size = (SMALL[0] * 4 // 3, SMALL[1] * 4 // 3),
) -> Figure:
    """The scores of complete trials by the values of two settings: the darker the better.

    Args:
        names: of the two.
        values: of these trials, for each of the two.
        scores: (n,) of these.
        measure: what the score is called.
    """
    with own_settings():
        figure, axes = new_axes(size)
        x, y = _places(axes, values[0], "x"), _places(axes, values[1], "y")
        most = np.quantile(scores, 0.9)  # so that absurd scores do not take all colours
        dots = axes.scatter(x, y, c=np.minimum(scores, most), cmap="cividis", s=42, edgecolors=light("soft"))
        figure.colorbar(dots, label=measure)
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1])
        axes.margins(0.1)
        return figure


def _bars(names: list[str], shares: list[float], meaning: str, size: Size) -> Figure:
    with own_settings():
        names, shares = names[:MOST_BARS][::-1], shares[:MOST_BARS][::-1]
        figure, axes = new_axes((size[0], max(size[1], 90 + 26 * len(names))))
        axes.barh(names, shares, color=light("model-0"), height=0.7)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x", color=light("line"), linewidth=0.8)
        axes.set_xlim(0, max([*shares, 1e-9]) * 1.05)
        axes.set_xlabel(meaning)
        return figure


def _places(axes: Axes, values: Sequence[Any], which: Literal["x", "y"]) -> NDArray[np.float64]:
    """(n,) where values are on an axis, ``x`` or ``y``, whose ticks tell them: numbers as such, others side by side."""
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        places = np.array(values, np.float64)
        if places.min() > 0 and places.max() / places.min() > WIDE:
            log_axis(axes, places, which)
        return places
    texts = sorted({label(value) for value in values})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_ticks(range(len(texts)), [text.strip('"') for text in texts])
    return np.array([texts.index(label(value)) for value in values], np.float64)


def _within(axes: Axes, scores: NDArray[np.float64]) -> None:
    """Let absurd scores lie outside, so that the others can be told apart."""
    known = scores[np.isfinite(scores)]
    if not len(known):
        return
    low, middle, high = np.quantile(known, [0, 0.5, 1])
    most = middle + 3 * (middle - low)
    if high > most > low:
        axes.set_ylim(low - 0.08 * (most - low), most)
