"""What another target of the same series has done, in units of its own past: a past covariate that never looks ahead.

A target that goes with another one may be of any size and unit, and of another size in every series, so its values say
nothing to one network for all. Its moves do: how far it went since it was last seen, and how far it is from where it
usually is, both in units of how far it usually moves.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foregate.data.statistics import LEAST_SCALE
from foregate.data.tracks import padded

__all__ = ["MOVES", "moves", "squash"]

IntArray = NDArray[np.int64]
Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

MOVES = 3
"""Width of what is told at a row."""
WINDOW = 200
"""Rows that "usually" reaches back."""


def squash(x: FloatArray | Float32Array) -> Float32Array:
    """Signed log(1 + |x|): keeps units of scale near zero and tames outliers.

    Examples:
        >>> squash(np.array([0.0, -np.expm1(2)]))
        array([ 0., -2.], dtype=float32)
    """
    return (np.sign(x) * np.log1p(np.abs(x))).astype(np.float32)


def moves(values: Float32Array, offsets: IntArray) -> Float32Array:
    """What is told of a series that goes with another one: (N, 3) from N rows, each from itself and earlier ones alone.

    Args:
        values: (N,) rows of all series, NaN where missing.
        offsets: (S+1,) series i holds the rows offsets[i] to offsets[i+1].

    Returns:
        the change since the last observation, and the distance from the mean of the last 200 rows, both over the mean
        absolute change in these rows and squashed; and whether there is an observation. All zeros where there is none.

    Examples:
        >>> moves(np.array([5, 5, np.nan, 6], np.float32), np.array([0, 4])).round(2)
        array([[0.  , 0.  , 1.  ],
               [0.  , 0.  , 1.  ],
               [0.  , 0.  , 0.  ],
               [1.1 , 0.85, 1.  ]], dtype=float32)
    """
    out = np.zeros((len(values), MOVES), np.float32)
    for rows, valid in padded(offsets[:-1], np.diff(offsets)):
        told = _moves(np.where(valid, values[rows], np.nan).astype(np.float64))
        out[rows[valid]] = told[valid]
    return out


def _moves(x: FloatArray) -> Float32Array:
    """Values (B, T), NaN where missing, to what is told of them (B, T, 3)."""
    seen = ~np.isnan(x)
    latest = np.maximum.accumulate(np.where(seen, np.arange(x.shape[1]), -1), 1)
    before = np.concatenate([np.full((len(x), 1), -1), latest[:, :-1]], 1)
    moved = seen & (before >= 0)
    change = np.where(moved, x - np.take_along_axis(x, np.maximum(before, 0), 1), 0)
    scale = _usual(np.abs(change), moved)
    scale = np.maximum(scale, LEAST_SCALE * np.maximum.accumulate(scale, 1))
    known = np.where(seen, x, 0)
    told = moved & (scale > 0)
    unit = np.where(told, scale, 1)
    numbers = (change / unit, np.where(told, (known - _usual(known, seen)) / unit, 0))
    return np.stack([*map(squash, numbers), seen], -1).astype(np.float32)


def _usual(values: FloatArray, there: BoolArray) -> FloatArray:
    """Mean of the last WINDOW columns up to each, of those that are there; values elsewhere must be 0."""
    total, count = np.cumsum(values, 1), np.cumsum(there, 1, dtype=np.float64)
    for sums in (total, count):
        sums[:, WINDOW:] -= sums[:, :-WINDOW].copy()
    return total / np.maximum(count, 1)
