"""The charts, one function each. They hold numbers and times only: names and keys are text of the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import Forecast, Panel, Times, UsageError
from foregate.reporting.canvas import (
    BROAD,
    SMALL,
    light,
    line,
    new_axes,
    own_settings,
    positions,
    step_axis,
    time_axis,
    value_axis,
)
from foregate.reporting.theme import LINES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "SHADES",
    "Curve",
    "Fan",
    "Overlay",
    "draw_coverage",
    "draw_curves",
    "draw_fan",
    "draw_overlay",
    "fan_chart",
    "fan_of",
]

SHADES = (0.34, 0.17, 0.10, 0.06)
"""Opacity of the bands, narrowest first."""


@dataclass(frozen=True)
class Fan:
    """A forecast of one series, and what came before."""

    past_times: Times
    """(T,)"""
    past: NDArray[np.float64]
    """(T,) NaN where missing."""
    times: Times
    """(K,)"""
    median: NDArray[np.float64]
    """(K,)"""
    bands: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]]
    """Lower and upper bounds (K,), the narrowest interval first."""


@dataclass(frozen=True)
class Overlay:
    """What came, and what models had said of it at W origins."""

    times: Times
    """(T,)"""
    actual: NDArray[np.float64]
    """(T,) NaN where missing."""
    cutoffs: Times
    """(W,) the last known time of each window."""
    said_times: Times
    """(W, K)"""
    said: Mapping[int, NDArray[np.float64]]
    """Number of the model's colour -> medians (W, K); the first is drawn on top."""
    band: tuple[NDArray[np.float64], NDArray[np.float64]] | None
    """Lower and upper bounds (W, K) of the first model's interval."""


@dataclass(frozen=True)
class Curve:
    """A line over steps."""

    x: NDArray[Any]
    """(n,)"""
    y: NDArray[np.float64]
    """(n,) NaN where not defined."""
    colour: int = 0
    """Number of the colour in the theme."""
    dash: int = 0
    """Number of the dash pattern in the theme."""


def fan_chart(
    panel: Panel,
    forecast: Forecast,
    series: int = 0,
    *,
    level: Sequence[float] = (80, 95),
    history: int | None = None,
    title: str = "",
    size: tuple[int, int] = BROAD,
) -> Figure:
    """The last stretch of one series and its forecast: the median in bands of its intervals.

    Args:
        panel: the history.
        forecast: forecasts of series of the panel.
        series: number of the series in the forecast.
        level: intervals to show, in percent; their bounds must have been forecast.
        history: rows of history to show; four horizons, at least 60, when not given.
        title: shown above.
        size: width and height in pixels at 72 dpi.

    Returns:
        A matplotlib figure that pyplot does not know: ``figure.savefig("forecast.svg")``.

    Raises:
        UsageError: the forecast or the panel has no such series, or a bound was not forecast.
        MissingExtraError: matplotlib is not installed.

    Examples:
        >>> from foregate.evaluation import Drift
        >>> panel = Panel.from_arrays([np.arange(20.0)], freq="D")
        >>> figure = fan_chart(panel, Drift().forecast(panel, 5, [0.025, 0.1, 0.5, 0.9, 0.975]))
        >>> figure.get_size_inches() * 72
        array([1050.,  330.])
    """
    with own_settings():
        figure = draw_fan(fan_of(panel, forecast, series, level=level, history=history), size)
        _label(figure, title, sorted(level))
        return figure


def _label(figure: Figure, title: str, levels: Sequence[float]) -> None:
    """Title and key on the figure itself, for where there is no page around it."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    entries: list[tuple[Line2D | Patch, str]] = [
        (Line2D([], [], color=light("ink"), linewidth=1.3), "history"),
        (Line2D([], [], color=light("model-0"), linewidth=2), "forecast (median)"),
    ]
    entries += [
        (Patch(facecolor=light("model-0"), alpha=shade, linewidth=0), f"{one:g} % interval")
        for one, shade in zip(levels, SHADES, strict=False)
    ]
    axes = figure.axes[0]
    figure.get_layout_engine().set(w_pad=0.2, h_pad=0.15)  # type: ignore[union-attr, call-arg]
    axes.set_title(title, loc="left", color=light("ink"), weight="bold", size=15, pad=32)
    axes.legend(
        [picture for picture, _ in entries],
        [name for _, name in entries],
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=len(entries),
        frameon=False,
        labelcolor=light("soft"),
        handlelength=1.6,
        columnspacing=1.4,
    )


def fan_of(panel: Panel, forecast: Forecast, series: int, *, level: Sequence[float], history: int | None = None) -> Fan:
    """What a fan chart of series number `series` of the forecast shows."""
    if not 0 <= series < len(forecast.ids):
        raise UsageError(f"series must be a number from 0 to {len(forecast.ids) - 1}, but got {series}.")
    found = np.flatnonzero(panel.ids == forecast.ids[series])
    if not len(found):
        raise UsageError(
            f"panel must hold the series that was forecast, but got none named {str(forecast.ids[series])!r}."
        )
    i = int(found[0])
    length = max(60, 4 * forecast.horizon) if history is None else max(1, history)
    bounds = [forecast.interval(one) for one in sorted(level)]
    return Fan(
        past_times=panel.times[panel.offsets[i] : panel.offsets[i + 1]][-length:],
        past=panel.series(i)[-length:],
        times=forecast.times[series],
        median=forecast.median[series],
        bands=[(low[series], high[series]) for low, high in bounds],
    )


def draw_fan(fan: Fan, size: tuple[int, int] = SMALL) -> Figure:
    """History in ink, the median in the first colour, its intervals as shades of it, from the last value on."""
    figure, axes = new_axes(size)
    past_x, x = positions(fan.past_times), positions(fan.times)
    line(axes, past_x, fan.past, color=light("ink"), linewidth=1.3)
    bands, median = list(fan.bands), fan.median
    if len(fan.past) and np.isfinite(fan.past[-1]):
        last = fan.past[-1:]
        x, median = np.concatenate([past_x[-1:], x]), np.concatenate([last, median])
        bands = [(np.concatenate([last, low]), np.concatenate([last, high])) for low, high in bands]
    for (low, high), shade in zip(bands, SHADES, strict=False):
        _band(axes, x, low, high, shade)
    axes.plot(x, median, color=light("model-0"), linewidth=2, marker="o" if len(fan.times) == 1 else None, ms=4)
    if len(past_x):
        axes.axvline(past_x[-1], color=light("soft"), linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    time_axis(axes, fan.times, size)
    value_axis(axes)
    return figure


def _band(axes: Axes, x: NDArray[Any], low: NDArray[np.float64], high: NDArray[np.float64], shade: float) -> None:
    if len(x) == 1:
        axes.vlines(x, low, high, color=light("model-0"), alpha=shade, linewidth=6)
    else:
        axes.fill_between(x, low, high, color=light("model-0"), alpha=shade, linewidth=0)


def draw_overlay(overlay: Overlay, size: tuple[int, int] = SMALL) -> Figure:
    """What came in ink, and on it the medians of the models at each origin with the interval of the first."""
    figure, axes = new_axes(size)
    line(axes, positions(overlay.times), overlay.actual, color=light("ink"), linewidth=1.3, zorder=3)
    x = positions(overlay.said_times)
    for place, (colour, medians) in enumerate(overlay.said.items()):
        for w in range(len(x)):
            if place == 0 and overlay.band is not None:
                _band(axes, x[w], overlay.band[0][w], overlay.band[1][w], SHADES[1])
            axes.plot(
                x[w],
                medians[w],
                color=light(f"model-{colour}"),
                linestyle=LINES[colour],
                linewidth=2 if place == 0 else 1.5,
                marker="o" if x.shape[1] == 1 else None,
                ms=4,
                zorder=5 - place,
            )
    for cutoff in positions(overlay.cutoffs):
        axes.axvline(cutoff, color=light("soft"), linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    time_axis(axes, overlay.times, size)
    value_axis(axes)
    return figure


def draw_curves(
    curves: Sequence[Curve], label: str, *, mark: float | None = None, size: tuple[int, int] = SMALL
) -> Figure:
    """Lines over steps, from 0 up where they are errors or widths; a vertical line at `mark`."""
    figure, axes = new_axes(size)
    _draw(axes, curves)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0) if np.isfinite(low) else 0, high)
    if mark is not None:
        axes.axvline(mark, color=light("soft"), linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    step_axis(axes, label)
    value_axis(axes)
    return figure


def draw_coverage(
    curves: Sequence[Curve], levels: Sequence[float], label: str, steps: int, size: tuple[int, int] = SMALL
) -> Figure:
    """Percent of the outcomes inside each interval at steps 1 to `steps`, and a rule at what it should be."""
    figure, axes = new_axes(size)
    axes.grid(visible=False)
    for level in levels:
        axes.axhline(level, color=light("soft"), linewidth=0.9, linestyle=(0, (2, 2)), zorder=1)
    _draw(axes, curves)
    least = min([*levels, *(float(np.nanmin(c.y)) for c in curves if np.isfinite(c.y).any())])
    floor = 10 * np.floor(max(least - 8, 0) / 10)
    axes.set_ylim(floor, 102)
    axes.set_xlim(0.7, steps + 0.3)
    between = [t for t in np.arange(floor, 101, 20 if floor < 50 else 10) if all(abs(t - one) >= 6 for one in levels)]
    step_axis(axes, label)
    value_axis(axes, sorted([*between, *levels]), " %")
    return figure


def _draw(axes: Axes, curves: Sequence[Curve]) -> None:
    for order, curve in enumerate(curves):
        axes.plot(
            curve.x,
            curve.y,
            color=light(f"model-{curve.colour}"),
            linestyle=LINES[curve.dash],
            linewidth=2,
            marker="o" if len(curve.x) <= 12 else None,
            ms=4,
            zorder=9 - min(order, 5),
        )
