"""The pictures, one function each: arrays in, a figure out. Names and keys are text of the page around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.reporting.canvas import light, line, new_axes, power, step_axis, value_axis
from foregate.reporting.figures import Curve
from foregate.reporting.theme import LINES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["bars", "curves", "decades", "heat_map"]

FloatArray = NDArray[np.floating[Any]]
_DASHED = (0, (2, 2))
_LEAST = 1e-8
"""Shares below this are drawn at the lower edge of a logarithmic picture."""


def heat_map(values: FloatArray, size: tuple[int, int], *, first: float, label: str, rows: str) -> Figure:
    """Numbers (H, T) as shades: 0 is empty, 1 is full blue, -1 full orange.

    Args:
        values: from -1 to 1, a row for each line from the top; NaN is empty.
        size: width and height in pixels.
        first: where the first column stands on the axis; the last one stands at 0 if this is negative, and they are
            one apart.
        label: of the axis of columns.
        rows: what the lines are.
    """
    figure, axes = new_axes(size)
    shares = np.nan_to_num(np.clip(values, -1, 1))
    rgba = np.empty((*shares.shape, 4), np.uint8)
    for channel in range(3):
        ends = [int(light(role)[1 + 2 * channel : 3 + 2 * channel], 16) for role in ("model-1", "model-0")]
        rgba[..., channel] = np.where(shares < 0, ends[0], ends[1])
    rgba[..., 3] = np.rint(255 * np.abs(shares))
    T = values.shape[1]
    extent = (first - 0.5, first + T - 0.5, values.shape[0] + 0.5, 0.5)
    axes.imshow(rgba, aspect="auto", interpolation="none", extent=extent)
    axes.grid(visible=False)
    axes.set_ylabel(rows)
    axes.set_yticks([])
    step_axis(axes, label)
    return figure


def curves(
    lines: Sequence[Curve],
    size: tuple[int, int],
    *,
    label: str,
    marks: Sequence[float] = (),
    rules: Sequence[float] = (),
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Lines over steps; dotted verticals at `marks`, dotted rules at `rules`."""
    figure, axes = new_axes(size)
    _lines(axes, lines, marks, rules)
    low, high = axes.get_ylim()
    axes.set_ylim(*(limits or (min(low, 0), high if high > min(low, 0) else 1.0)))
    step_axis(axes, label)
    value_axis(axes)
    return figure


def decades(
    lines: Sequence[Curve], size: tuple[int, int], *, label: str, marks: Sequence[float] = (), rules: Sequence[float]
) -> Figure:
    """Lines of positive numbers over steps, each decade as high as any other; what is 0 lies at the lower edge."""
    from matplotlib.ticker import LogLocator

    figure, axes = new_axes(size)
    shown = [Curve(c.x, np.maximum(c.y, _LEAST), c.colour, c.dash) for c in lines]
    _lines(axes, shown, marks, rules)
    axes.set_yscale("log")
    known = np.concatenate([c.y[np.isfinite(c.y)] for c in shown] or [np.ones(1)])
    ends = [*known.tolist(), *rules, 1.0]
    low, high = (10.0 ** rounded(np.log10(end)) for rounded, end in ((np.floor, min(ends)), (np.ceil, max(ends))))
    high = max(high, 10 * low)
    axes.set_ylim(low, high)
    ticks = [t for t in LogLocator(numticks=6).tick_values(low, high) if low <= t <= high]
    axes.set_yticks(ticks, [power(t) for t in ticks])
    axes.minorticks_off()
    step_axis(axes, label)
    return figure


def bars(counts: FloatArray, names: Sequence[str], size: tuple[int, int], *, label: str) -> Figure:
    """Bars beside one another, a group (N,) for each of (C, N), under the names (N,) of their places."""
    figure, axes = new_axes(size)
    groups, places = counts.shape
    width = 0.8 / groups
    for c in range(groups):
        x = np.arange(places) - 0.4 + (c + 0.5) * width
        axes.bar(x, counts[c], width * 0.92, color=light(f"model-{c % len(LINES)}"), linewidth=0)
    axes.set_xticks(np.arange(places), list(names))
    axes.set_xlabel(label)
    value_axis(axes)
    return figure


def _lines(axes: Axes, shown: Sequence[Curve], marks: Sequence[float], rules: Sequence[float]) -> None:
    for mark in marks:
        axes.axvline(mark, color=light("soft"), linewidth=0.8, linestyle=_DASHED, zorder=0)
    for rule in rules:
        axes.axhline(rule, color=light("soft"), linewidth=0.9, linestyle=_DASHED, zorder=1)
    for order, one in enumerate(shown):
        style = {"color": light(f"model-{one.colour}"), "linestyle": LINES[one.dash], "linewidth": 2}
        line(axes, one.x, one.y, **style, zorder=9 - min(order, 5))
