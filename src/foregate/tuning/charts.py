"""The pictures of a suggestion, one function each: a figure that pyplot does not know, and what it shows in words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from foregate.core import UsageError
from foregate.data.dependence import LagCurve
from foregate.reporting.canvas import BROAD, inline_svg, light, new_axes, own_settings, step_axis, value_axis
from foregate.reporting.page import chart, items, number, page, section, table
from foregate.reporting.theme import STYLE
from foregate.tuning.lookbacks import LookbackScore
from foregate.tuning.rates import RateCurve
from foregate.tuning.suggestion import Suggestion

if TYPE_CHECKING:
    import polars
    from matplotlib.figure import Figure

__all__ = ["draw_lags", "draw_lookbacks", "draw_rates", "in_words", "page_of", "pictures"]

Size = tuple[int, int]


def draw_lags(curve: LagCurve, size: Size = BROAD) -> Figure:
    """A stem per lag, those outside the band dark, and the band.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    with own_settings():
        figure, axes = new_axes(size)
        shown = np.isin(curve.lags, curve.shown)
        low = np.maximum(curve.low, min(0.0, float(curve.values.min())))
        axes.fill_between(curve.lags, low, curve.high, color=light("model-0"), alpha=0.17, linewidth=0)
        for which, role in ((~shown, "soft"), (shown, "model-1")):
            axes.vlines(curve.lags[which], 0, curve.values[which], color=light(role), linewidth=1.6)
            axes.plot(curve.lags[which], curve.values[which], "o", ms=3, color=light(role), markeredgewidth=0)
        axes.axhline(0, color=light("soft"), linewidth=0.8)
        step_axis(axes, "lag in steps")
        axes.set_ylabel(f"{curve.name}{', nats' if curve.name == 'mutual information' else ''}")
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
    ordered = sorted(scores, key=lambda score: (score.rows or 0, score.name))
    with own_settings():
        figure, axes = new_axes(size)
        at = np.arange(len(ordered))
        errors, doubts = np.array([(score.error, score.doubt) for score in ordered]).T
        axes.errorbar(at, errors, doubts, fmt="o", ms=6, color=light("model-0"), capsize=4)
        axes.axhline(errors.min(), color=light("soft"), linewidth=0.8, linestyle=(0, (2, 2)))
        axes.set_xticks(at, [score.name for score in ordered])
        axes.set_ylabel("MASE")
        value_axis(axes)
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
        axes.set_xscale("log")
        axes.set_xlabel("learning rate")
        axes.set_ylabel("loss / first loss")
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
    frames, charts = found.frames(), []
    with own_settings():
        for key, (figure, words) in pictures(found).items():
            numbers = _sheet(frames[key], words)
            svg = inline_svg(figure, key.replace("_", "-"), words)
            charts.append(chart([svg], key.replace("_", " ").capitalize(), note=words, numbers=numbers))
    title = f"Suggested for {name}, {found.horizon} steps ahead"
    what = found.model or "the universal network"
    return page(
        title,
        STYLE,
        f"<header><h1>{escape(title)}</h1>"
        f'<p class="verdict">{escape(f"{what[0].upper()}{what[1:]}; a window would have {found.lookback:,} rows.")}</p>'
        f'<p class="lead">{escape(found.reason)}</p></header>',
        section("lengths", "The length, asked in several ways", _sheet(frames["lengths"], "What each way says")),
        section("settings", "Sizes and learning rate", _sheet(frames["settings"], "Settings")),
        section("pictures", "Pictures", *charts),
        items(found.notes),
    )


def _sheet(frame: polars.DataFrame, caption: str) -> str:
    return table(frame.columns, [[_cell(value) for value in row] for row in frame.rows()], caption=caption)


def _cell(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "" if not value else "yes"
    return number(value) if isinstance(value, float) else str(value)
