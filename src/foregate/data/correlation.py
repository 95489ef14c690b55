"""Correlation between the rows of series that lie some steps apart, in many series at once, whatever is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel, evenly

__all__ = ["Bools", "Floats", "Sample", "alike", "autocorrelation", "clipped", "differences"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

BLOCK = 500_000
"""Values worked on at a time, which bounds memory."""


@dataclass(frozen=True)
class Sample:
    """A deterministic sample of series, each standardised, padded to the longest: values and what was observed."""

    values: Floats
    """(S, T)"""
    seen: Bools
    """(S, T)"""
    lengths: NDArray[np.int64]
    """(S,)"""

    @classmethod
    def of(cls, panel: Panel, most_series: int, most_rows: int, least: int = 1) -> Self:
        """The last rows of some series of a regular panel, evenly spread over it.

        Args:
            panel: the series.
            most_series: at most so many.
            most_rows: at most so many rows of all of them together …
            least: … but so many of each, if it has them.
        """
        which = evenly(len(panel), most_series)
        cap = max(most_rows // max(len(which), 1), least)
        part = panel.take(which).tail(cap)
        values = np.zeros((len(part), int(part.lengths.max(initial=1))))
        seen = np.zeros(values.shape, np.bool_)
        series = part.row_series
        position = np.arange(len(part.values)) - part.offsets[1:][series] + values.shape[1]  # aligned at the end
        values[series, position] = np.where(part.mask, part.values, 0)
        seen[series, position] = part.mask
        count = np.maximum(seen.sum(1, keepdims=True), 1)
        values = np.where(seen, values - values.sum(1, keepdims=True) / count, 0)
        spread = np.sqrt((values**2).sum(1, keepdims=True) / count)
        return cls(values / np.where(spread > 0, spread, 1), seen, part.lengths)

    def rows_in_series_of(self, length: int) -> float:
        """Share of the rows that lie in series of at least `length` rows."""
        return float(self.lengths[self.lengths >= length].sum() / max(self.lengths.sum(), 1))

    def blocks(self) -> Iterator[tuple[Floats, Bools]]:
        """Values and what was observed, a few series at a time."""
        step = max(1, BLOCK // self.values.shape[1])
        for i in range(0, len(self.values), step):
            yield self.values[i : i + step], self.seen[i : i + step]


def clipped(values: Floats, seen: Bools) -> Floats:
    """Values within five robust standard deviations, so that no single spike decides."""
    usual = 1.4826 * np.nanmedian(
        np.where(seen.any(1, keepdims=True) & ~seen, np.nan, np.abs(values)), 1, keepdims=True
    )
    spread = np.sqrt((values**2 * seen).sum(1, keepdims=True) / np.maximum(seen.sum(1, keepdims=True), 1))
    bound = 5 * np.where(usual > 0, usual, spread)
    return np.clip(values, -bound, bound)


def differences(values: Floats, seen: Bools, lag: int) -> tuple[Floats, Bools]:
    """Differences over `lag` steps (S, T - lag), and which of them were observed at both ends."""
    if lag >= values.shape[1]:
        return np.zeros_like(values), np.zeros_like(seen)
    return values[:, lag:] - values[:, :-lag], seen[:, lag:] & seen[:, :-lag]


def autocorrelation(values: Floats, seen: Bools, most: int) -> tuple[Floats, Floats]:
    """Autocorrelation (S, most+1) over the pairs that were both observed, and how many pairs there were."""
    steps = values.shape[1]
    size = 1 << int(np.ceil(np.log2(2 * steps)))
    count = np.maximum(seen.sum(1, keepdims=True), 1)
    centred = np.where(seen, values - (values * seen).sum(1, keepdims=True) / count, 0)
    products = np.fft.irfft(np.abs(np.fft.rfft(centred, size)) ** 2, size)[:, : most + 1]
    pairs = np.round(np.fft.irfft(np.abs(np.fft.rfft(seen.astype(np.float64), size)) ** 2, size)[:, : most + 1])
    variance = products[:, :1] / count
    possible = (pairs > 0) & (variance > 1e-12)
    return np.divide(products, pairs * variance, out=np.zeros_like(products), where=possible), np.where(
        possible, pairs, 0
    )


def alike(values: Floats, seen: Bools) -> float:
    """Mean squared correlation between two different series, beyond what chance makes."""
    if len(values) < 2:
        return 0.0
    unit = values * seen
    norm = np.sqrt((unit**2).sum(1, keepdims=True))
    unit = np.divide(unit, norm, out=np.zeros_like(unit), where=norm > 0)
    squared = (unit @ unit.T) ** 2
    pairs = len(values) * (len(values) - 1)
    between = (squared.sum() - np.trace(squared)) / pairs
    return float(np.clip(between - 1 / max(seen.sum(1).mean(), 1), 0, 1))
