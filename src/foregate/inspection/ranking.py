"""A picture of what matters most: a bar for each name, the largest on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foregate.reporting.canvas import light, new_axes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MOST_BARS", "ranked"]

MOST_LETTERS = 26
MOST_BARS = 10
"""Bars of a picture; what is smaller stands in the table behind it."""


def ranked(
    names: Sequence[str],
    sizes: NDArray[np.float64],
    size: tuple[int, int],
    *,
    label: str,
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> Figure:
    """Horizontal bars from the top, with an interval where there is one.

    Args:
        names: (N,) of the bars; the first so many are shown.
        sizes: (N,) their lengths.
        size: width and height in pixels.
        label: of the axis.
        bounds: (N,) and (N,), NaN where unknown.
    """
    figure, axes = new_axes(size)
    n = min(len(names), MOST_BARS)
    places = np.arange(n)
    axes.barh(places, sizes[:n], 0.7, color=light("model-0"), linewidth=0)
    if bounds is not None:
        known = np.isfinite(bounds[0][:n]) & np.isfinite(bounds[1][:n])
        axes.hlines(places[known], bounds[0][:n][known], bounds[1][:n][known], color=light("ink"), linewidth=1.2)
    axes.set_yticks(places, [_short(name) for name in names[:n]])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x", color=light("line"), linewidth=0.8)
    axes.axvline(0, color=light("soft"), linewidth=0.8)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel(label)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"
