"""What a series had shown up to an origin: the last value seen at each phase, and how much it moves.

Everything is causal: an answer at a row is computed from that row and earlier ones of the same series alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel

__all__ = ["clean_values", "last_seen", "moves", "sums_until"]


def clean_values(panel: Panel) -> NDArray[np.float64]:
    """(N,) the target as float64, 0 where it was not observed, whatever lies there."""
    return np.where(panel.mask, panel.values, 0).astype(np.float64)


def last_seen(panel: Panel, season: int) -> NDArray[np.int64]:
    """(N + 1,) for each row, the newest observed row at or before it at the same phase; -1 if there is none.

    The last entry is -1, so that the answer -1 can be looked up again.

    Examples:
        >>> last_seen(Panel.from_arrays([np.array([1.0, 2.0, np.nan, 4.0])]), season=2)
        array([ 0,  1,  0,  3, -1])
    """
    rows = np.arange(len(panel.values), dtype=np.int64)
    seen = np.append(rows, -1)
    missing = rows[~panel.mask]
    earlier = missing - season
    seen[missing] = np.where(earlier >= panel.offsets[:-1][panel.row_series[missing]], earlier, -1)
    while len(missing):  # each round doubles how far back a missing row looks: a long hole costs few rounds
        further = seen[seen[missing]]
        moved = further != seen[missing]
        seen[missing] = further
        missing = missing[moved]
    return seen


def moves(panel: Panel, lag: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(N,) how far the target moved over `lag` rows, 0 where one end is missing, and (N,) where both ends are there.

    Examples:
        >>> moves(Panel.from_arrays([np.array([1.0, 4.0, np.nan, 5.0])]), lag=1)
        (array([0., 3., 0., 0.]), array([False,  True, False, False]))
    """
    n = len(panel.values)
    moved, known = np.zeros(n), np.zeros(n, np.bool_)
    if lag < n:
        series, values = panel.row_series, clean_values(panel)
        known[lag:] = panel.mask[lag:] & panel.mask[:-lag] & (series[lag:] == series[:-lag])
        moved[lag:] = np.where(known[lag:], values[lag:] - values[:-lag], 0)
    return moved, known


def sums_until(
    rows: NDArray[np.float64],
    panel: Panel,
    origins: NDArray[np.int64],
    begins: NDArray[np.int64] | None = None,
) -> NDArray[np.float64]:
    """(S, O) sums of the entries of `rows` (N,) from the beginning of each series up to and including each origin.

    With `begins` (S, O), from those rows of the series on; 0 where they lie behind the origin. Each sum is taken on its
    own and not as a difference of running totals, so that no other series and no later row can touch even its last bit.
    """
    starts = np.zeros_like(origins) if begins is None else np.minimum(begins, origins + 1)
    bounds = panel.offsets[:-1, None, None] + np.stack([starts, origins + 1], axis=-1)
    sums: NDArray[np.float64] = np.add.reduceat(np.append(rows, 0.0), bounds.reshape(-1))[::2]
    # Between two equal bounds reduceat gives an entry instead of nothing.
    return np.where(starts > origins, 0.0, sums.reshape(origins.shape))
