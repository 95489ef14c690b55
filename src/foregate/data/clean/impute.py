"""Fill what is missing: linear, forward or seasonal, from both sides or from the past alone."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel

__all__ = ["Missing", "filled"]

Missing = Literal["mask", "linear", "forward", "seasonal"]
Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


def filled(panel: Panel, missing: Missing, season: int, *, causal: bool) -> Floats:
    """Values (N,) with the missing ones filled in; NaN where there was nothing to go by. See `foregate.data.clean`."""
    values = np.where(panel.mask, panel.values.astype(np.float64), np.nan)
    if missing == "mask":
        return values
    if missing == "linear":
        guess = _extrapolated(panel, values) if causal else _interpolated(panel, values)
    elif missing == "seasonal":
        guess = _last_season(panel, values, season) if causal else _on_profile(panel, values, season)
    else:
        guess = _held(panel, values)
    return np.where(panel.mask, values, guess)


def _before(panel: Panel, mask: NDArray[np.bool_]) -> Rows:
    """(N,) the last row marked in `mask` at or before each row of the same series; -1 where there is none."""
    rows = np.maximum.accumulate(np.where(mask, np.arange(len(mask)), -1))
    return np.where(rows >= np.repeat(panel.offsets[:-1], panel.lengths), rows, -1)


def _after(panel: Panel, mask: NDArray[np.bool_]) -> Rows:
    """(N,) the first row marked in `mask` at or after each row of the same series; -1 where there is none."""
    n = len(mask)
    rows = np.minimum.accumulate(np.where(mask, np.arange(n), n)[::-1])[::-1]
    return np.where(rows < np.repeat(panel.offsets[1:], panel.lengths), rows, -1)


def _held(panel: Panel, values: Floats) -> Floats:
    last = _before(panel, panel.mask)
    return np.where(last >= 0, values[last], np.nan)


def _interpolated(panel: Panel, values: Floats) -> Floats:
    last, following = _before(panel, panel.mask), _after(panel, panel.mask)
    share = (np.arange(len(values)) - last) / np.maximum(following - last, 1)
    between = values[last] * (1 - share) + values[following] * share
    return np.where((last >= 0) & (following >= 0), between, np.where(last >= 0, values[last], np.nan))


def _extrapolated(panel: Panel, values: Floats) -> Floats:
    """The line through the last two observed values, followed as far as these two lie apart, then held."""
    last = _before(panel, panel.mask)
    previous = np.concatenate([[-1], last[:-1]])[last]  # the last observed row before the last one …
    begin = np.repeat(panel.offsets[:-1], panel.lengths)
    known = (last >= 0) & (previous >= begin)  # … if it is in the same series
    apart = np.where(known, last - previous, 1)
    slope = np.where(known, values[last] - values[previous], 0) / apart
    ahead = np.minimum(np.arange(len(values)) - last, apart)
    return np.where(last >= 0, values[last] + slope * ahead, np.nan)


def _last_season(panel: Panel, values: Floats, season: int) -> Floats:
    """The last observed value of the same phase, else the last observed value."""
    position = np.arange(len(values)) - np.repeat(panel.offsets[:-1], panel.lengths)
    order = np.lexsort((position, position % season, panel.row_series))  # each phase of each series in a row
    group = (panel.row_series * season + position % season)[order]
    rows = np.maximum.accumulate(np.where(panel.mask[order], np.arange(len(order)), -1))
    same = (rows >= 0) & (group[rows] == group)
    seasonal = np.full(len(values), np.nan)
    seasonal[order] = np.where(same, values[order][rows], np.nan)
    return np.where(np.isnan(seasonal), _held(panel, values), seasonal)


def _on_profile(panel: Panel, values: Floats, season: int) -> Floats:
    """The seasonal profile of the series plus what lies between the remainders on both sides.

    A series that is never below 0 stays so: demand does not turn negative in a quiet night.
    """
    position = np.arange(len(values)) - np.repeat(panel.offsets[:-1], panel.lengths)
    phase = panel.row_series * season + position % season
    above = np.where(panel.mask, values - _level(panel, values, season), 0)
    count = np.bincount(phase[panel.mask], minlength=len(panel) * season)
    profile = np.bincount(phase, above, minlength=len(panel) * season) / np.maximum(count, 1)
    expected = profile[phase]
    guess = _interpolated(panel, values - expected) + expected
    negative = np.bincount(panel.row_series, panel.mask & (values < 0), minlength=len(panel)) > 0
    return np.asarray(np.where(negative[panel.row_series], guess, np.maximum(guess, 0)))


def _level(panel: Panel, values: Floats, season: int) -> Floats:
    """(N,) mean of the observed values in the season around each row; shorter windows at the ends."""
    begin, end = np.repeat(panel.offsets[:-1], panel.lengths), np.repeat(panel.offsets[1:], panel.lengths)
    at = np.arange(len(values))
    low, high = np.maximum(at - season // 2, begin), np.minimum(at - season // 2 + season, end)
    total = np.concatenate([[0.0], np.cumsum(np.where(panel.mask, values, 0))])
    count = np.concatenate([[0], np.cumsum(panel.mask)])
    return np.asarray((total[high] - total[low]) / np.maximum(count[high] - count[low], 1))
