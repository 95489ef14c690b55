"""Pictures of a search, one function each; what they draw are arrays that `Tuning` has as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.reporting.canvas import BROAD, SMALL, light, new_axes, own_settings, step_axis
from foregate.tuning.dimensions import label

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from foregate.tuning.result import Tuning

__all__ = [
    "courses_picture",
    "history_picture",
    "importance_picture",
    "interaction_picture",
    "pictures",
    "slice_picture",
]

MOST_BARS = 12
"""Settings, or pairs of them, that a picture has room for."""


def history_picture(scores: NDArray[np.float64], default: float, measure: str) -> Figure:
    """Every trial's score in order, the best so far, and the default.

    Args:
        scores: (n,) of trials in order; NaN where one is not complete.
        default: score of the default.
        measure: what it is called.
    """
    with own_settings():
        figure, axes = new_axes(BROAD)
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
        axes.legend(frameon=False, fontsize=11)
        return figure


def courses_picture(courses: Sequence[NDArray[np.float64]], ended: Sequence[bool], best: int) -> Figure:
    """Validation scores of trials as they were trained, and where some were stopped.

    Args:
        courses: of each trial (checks,).
        ended: whether it came to its end; others were stopped.
        best: number of the winner among them.
    """
    with own_settings():
        figure, axes = new_axes(BROAD)
        for i, course in enumerate(courses):
            if not len(course):
                continue
            checks = np.arange(1, len(course) + 1)
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


def importance_picture(importance: Mapping[str, float]) -> Figure:
    """A bar per setting, the one that mattered most at the top.

    Args:
        importance: setting -> share.
    """
    return _bars(list(importance), list(importance.values()), "share of what mattered")


def interaction_picture(interaction: Mapping[tuple[str, str], float]) -> Figure:
    """A bar per two settings, those that explain most together beyond one by one at the top.

    Args:
        interaction: two settings -> share.
    """
    names = [f"{first} × {second}" for first, second in interaction]
    return _bars(names, list(interaction.values()), "explained together beyond one by one")


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
        numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values)
        if numbers:
            places = np.array(values, np.float64)
            low, high = places.min(), places.max()
            if low > 0 and high / low > 20:
                axes.set_xscale("log")
        else:
            texts = sorted({label(value) for value in values})
            places = np.array([texts.index(label(value)) for value in values], np.float64)
            axes.set_xticks(range(len(texts)), [text.strip('"') for text in texts])
        axes.plot(places, scores, "o", ms=5, color=light("model-0"), alpha=0.7)
        _within(axes, scores)
        axes.set_xlabel(name)
        axes.set_ylabel(measure)
        axes.margins(x=0.08)
        return figure


def pictures(tuning: Tuning) -> dict[str, Figure]:
    """All pictures of a search, by name; those with nothing to show are left out.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    trials = [trial for trial in tuning.trials if trial.state != "interrupted"]
    scores = np.array([np.nan if trial.score is None else trial.score for trial in trials])
    default = next((trial.score for trial in trials if trial.default and trial.score is not None), np.nan)
    measure = tuning.gain.measure
    courses = [np.array(list((trial.validation or {}).values()), np.float64) for trial in trials]
    drawn = {"history": history_picture(scores, default, measure)}
    if any(map(len, courses)):
        ended = [trial.state != "pruned" for trial in trials]
        drawn["courses"] = courses_picture(courses, ended, trials.index(tuning.winner))
    if tuning.importance:
        drawn["importances"] = importance_picture(tuning.importance)
    if tuning.interaction:
        drawn["interactions"] = interaction_picture(tuning.interaction)
    for name in dict.fromkeys(name for trial in trials for name in trial.point):
        own = [trial for trial in trials if trial.score is not None and name in trial.point]
        if len({label(trial.point[name]) for trial in own}) > 1:
            values = [trial.point[name] for trial in own]
            drawn[f"setting-{name}"] = slice_picture(name, values, np.array([t.score for t in own]), measure)
    return drawn


def _bars(names: list[str], shares: list[float], meaning: str) -> Figure:
    with own_settings():
        names, shares = names[:MOST_BARS][::-1], shares[:MOST_BARS][::-1]
        figure, axes = new_axes((BROAD[0] * 2 // 3, 90 + 26 * len(names)))
        axes.barh(names, shares, color=light("model-0"), height=0.7)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x", color=light("line"), linewidth=0.8)
        axes.set_xlim(0, max([*shares, 1e-9]) * 1.05)
        axes.set_xlabel(meaning)
        return figure


def _within(axes: Axes, scores: NDArray[np.float64]) -> None:
    """Let absurd scores lie outside, so that the others can be told apart."""
    known = scores[np.isfinite(scores)]
    if not len(known):
        return
    low, middle, high = np.quantile(known, [0, 0.5, 1])
    most = middle + 3 * (middle - low)
    if high > most > low:
        axes.set_ylim(low - 0.08 * (most - low), most)
