"""Outliers by the Hampel filter: far from the median of the neighbours, in units of their spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel, UsageError

__all__ = ["Hampel", "hampel_bounds"]

Floats = NDArray[np.float64]

BLOCK = 32_768
"""Rows worked on at a time, so that their windows stay in the cache."""
TO_SIGMA = 1.4826
"""Median absolute deviation to standard deviation, for the normal distribution."""


@dataclass(frozen=True)
class Hampel:
    """How far from its neighbours a value must be to count as an outlier."""

    half_window: int = 5
    """Neighbours on each side, in steps and again in seasons; a causal window takes twice as many from the past."""
    threshold: float = 5.0
    """Distance from the median in units of the local spread."""

    def __post_init__(self) -> None:
        if self.half_window < 1:
            raise UsageError(f"half_window must be at least 1, but got {self.half_window}. Give for example 5.")
        if not self.threshold > 0:
            raise UsageError(f"threshold must be above 0, but got {self.threshold}. Give for example 5.")


def hampel_bounds(
    panel: Panel, seasons: Sequence[int] = (), options: Hampel | None = None, *, causal: bool = False
) -> tuple[Floats, Floats]:
    """Bounds (N,) and (N,) outside of which a value is an outlier; infinite where there are too few neighbours.

    The bounds are the median of the neighbours plus and minus `threshold` times their spread, which is the larger of
    the median absolute deviation (as a standard deviation) and the noise that the changes of the series speak for (von
    Neumann's estimate, from one value to the next or from season to season, whichever is less); so a sale among zeros
    is no outlier by itself. With seasons a value must also stand out from the same phase in the seasons around: rush
    hours are no outliers. Nothing hidden by the mask is read.

    Args:
        panel: Regular where seasons are given.
        seasons: Season lengths in steps.
        options: Window and threshold.
        causal: Use only the value itself and those before it.

    References:
        F. R. Hampel (1974), The influence curve and its role in robust estimation. J. von Neumann et al. (1941), The
        mean square successive difference.

    Examples:
        >>> y = np.tile([1.0, 2.0], 50)
        >>> y[30] = 50
        >>> low, high = hampel_bounds(Panel.from_arrays([y]))
        >>> np.flatnonzero((y < low) | (y > high))
        array([30])
    """
    options = options or Hampel()
    floor = np.fmin.reduce([_noise_of_changes(panel, stride, causal=causal) for stride in (1, *seasons)])
    low, high = np.full((2, len(panel.values)), np.nan)
    flat = np.where(panel.mask, panel.values, np.float32(np.inf)).astype(np.float32)
    for stride in (1, *seasons):
        for start in range(0, len(flat), BLOCK):
            rows = slice(start, min(start + BLOCK, len(flat)))
            median, spread = _median_and_spread(panel, flat, rows, stride, options, causal=causal)
            reach = options.threshold * np.maximum(spread, floor[rows])
            low[rows] = np.fmin(low[rows], median - reach)
            high[rows] = np.fmax(high[rows], median + reach)
    return np.where(np.isnan(low), -np.inf, low), np.where(np.isnan(high), np.inf, high)


def _median_and_spread(
    panel: Panel, flat: NDArray[np.float32], rows: slice, stride: int, options: Hampel, *, causal: bool
) -> tuple[Floats, Floats]:
    """Median and scaled median absolute deviation of the neighbours of `rows`; NaN where under half are observed."""
    k = options.half_window
    at = np.arange(rows.start, rows.stop)
    series = np.searchsorted(panel.offsets, at, side="right") - 1
    begin, end = panel.offsets[series], panel.offsets[series + 1]
    window = np.full((2 * k + 1, len(at)), np.inf, np.float32)
    for column, step in enumerate(range(-2 * k if causal else -k, 1 if causal else k + 1)):
        near = at + step * stride
        inside = (near >= begin) & (near < end)
        window[column, inside] = flat[near[inside]]
    count = np.isfinite(window).sum(0)
    median = _median(window, count)
    spread = _median(np.abs(window - median.astype(np.float32)), count)
    enough = count > k
    return np.where(enough, median, np.nan), np.where(enough, TO_SIGMA * spread, np.nan)


def _median(window: NDArray[np.float32], count: NDArray[np.int64]) -> Floats:
    """Medians over axis 0 of the first `count` values in order; infinities, which come last, are not counted.

    Sorts by exchanging neighbours (odd-even transposition), each exchange over all columns at once: for windows this
    small much faster than sorting window by window.
    """
    ordered = window.copy()
    for turn in range(len(ordered)):
        first, second = ordered[turn % 2 : -1 : 2], ordered[turn % 2 + 1 :: 2]
        smaller = np.minimum(first, second)
        np.maximum(first, second, out=second)
        first[...] = smaller
    columns = np.arange(ordered.shape[1])
    high, low = np.minimum(count // 2, len(ordered) - 1), np.maximum((count - 1) // 2, 0)
    middle: Floats = (ordered[low, columns].astype(np.float64) + ordered[high, columns]) / 2
    return np.where(count > 0, middle, 0.0)


def _noise_of_changes(panel: Panel, stride: int, *, causal: bool) -> Floats:
    """(N,) root of half the mean squared change over `stride` steps: of the series, or of what came before the row.

    NaN where there is no pair to judge by.
    """
    n = len(panel.values)
    begin = np.repeat(panel.offsets[:-1], panel.lengths)
    at = np.arange(n)
    pair = panel.mask & (at - stride >= begin)
    pair[stride:] &= panel.mask[:-stride]
    square = np.zeros(n)
    square[stride:] = (panel.values[stride:].astype(np.float64) - panel.values[:-stride]) ** 2 / 2
    square = np.where(pair, square, 0)
    sums, counts = np.concatenate([[0.0], np.cumsum(square)]), np.concatenate([[0], np.cumsum(pair)])
    end = at if causal else np.repeat(panel.offsets[1:], panel.lengths)
    count = counts[end] - counts[begin]
    mean = np.maximum(sums[end] - sums[begin], 0) / np.maximum(count, 1)
    return np.where(count > 0, np.sqrt(mean), np.nan)
