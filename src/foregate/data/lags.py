"""Values before a row as the network is told them: recent ones, and those of seasons ago."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.data.input_spec import InputSpec
from foregate.data.tracks import Tracks

__all__ = ["lagged"]

IntArray = NDArray[np.int64]
Float32Array = NDArray[np.float32]

FEW_ROWS = 100
"""Rows whose lags are looked up together."""


def lagged(
    tracks: Tracks, spec: InputSpec, rows: IntArray, level: Float32Array, scale: Float32Array
) -> Iterator[NDArray[Any]]:
    """Values at the lags of rows (...) over their scale above their level, some at a time (..., n), as `spec.lags` are.

    Of few rows all lags are looked up together; of many, one by one, so that what is reckoned stays in the cache.
    """
    known = tracks.row[rows], tracks.begin[rows], level, scale
    if rows.size > FEW_ROWS:
        yield from (_at(tracks, lag, lag <= spec.recent, *known)[..., None] for lag in spec.lags)
    else:
        lags = np.array(spec.lags)
        yield _at(tracks, lags, lags <= spec.recent, *(each[..., None] for each in known))


def _at(tracks: Tracks, lags: Any, recent: Any, *known: NDArray[Any]) -> NDArray[Any]:
    """Values so many rows before rows of which row, begin, level and scale are known.

    A seasonal lag that was not observed says nothing; a recent one holds the last level.
    """
    r, begin, level, scale = known
    back = r - lags
    there = (back >= begin) & (lags > 0)
    back = np.maximum(back, 0)
    if recent is not True:
        there &= tracks.mask[back] | recent
    return np.where(there, (tracks.z[back] - level) / scale, 0)
