"""Whether what comes in still looks like what a model was trained on: shares of bins, compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError

__all__ = ["Histogram", "InputWatch", "ks", "psi"]

FloatArray = NDArray[np.float64]

BINS = 20
LEAST_SHARE = 1e-4
"""A bin counts for at least so much: the index would be infinite where one has become empty."""
WINDOW = 2000
"""Values that are compared, unless the reference has fewer than five times as many."""
REPLICATES = 400
FLOORS = {"psi": 0.25, "ks": 0.1}
"""Smaller differences are no drift, however sure one is of them; 0.25 is what is usual for PSI."""
MISSING_FLOOR = 0.1


def psi(expected: FloatArray, found: FloatArray) -> float:
    """Population stability index of two sets of shares; 0: the same, above 0.25: another population.

    Examples:
        >>> psi(np.array([0.5, 0.5]), np.array([0.5, 0.5]))
        0.0
        >>> round(psi(np.array([0.5, 0.5]), np.array([0.8, 0.2])), 3)
        0.416
    """
    a, b = np.maximum(expected, LEAST_SHARE), np.maximum(found, LEAST_SHARE)
    return float(((b - a) * np.log(b / a)).sum())


def ks(expected: FloatArray, found: FloatArray) -> float:
    """Kolmogorov and Smirnov's distance of two sets of shares: how far apart their sums get at most.

    Examples:
        >>> round(ks(np.array([0.5, 0.5]), np.array([0.8, 0.2])), 3)
        0.3
    """
    return float(np.abs(np.cumsum(expected) - np.cumsum(found)).max())


@dataclass(frozen=True)
class Histogram:
    """What values of one input looked like: edges of bins that held equal shares, and how they vary by chance."""

    edges: tuple[float, ...]
    """Between BINS bins; the outermost bins are open."""
    shares: tuple[float, ...]
    """Of the bins, of the values that are not missing."""
    missing: float
    """Share of the values that are missing."""
    window: int
    """Values that are compared with them at once."""
    thresholds: Mapping[str, float]
    """``psi``, ``ks`` and ``missing``: what windows of the reference itself stay below."""

    @classmethod
    def of(cls, values: FloatArray) -> Histogram:
        """From values in order of time, NaN where missing.

        How far a window of them lies from all is found on the windows of the reference itself, so that seasons and
        neighbours that are alike are no drift.

        Raises:
            DataError: fewer than 100 values are there.
        """
        there = values[~np.isnan(values)]
        if len(there) < 100:
            raise DataError(f"the reference must have at least 100 values, but got {len(there)}. Give more rows.")
        edges = np.unique(np.quantile(there, np.arange(1, BINS) / BINS))
        window = int(min(WINDOW, max(50, len(values) // 5)))
        counts = np.append(np.zeros((1, len(edges) + 2)), np.cumsum(_one_hot(values, edges), axis=0), axis=0)
        total = counts[-1]
        shares, missing = total[:-1] / total[:-1].sum(), float(total[-1] / total.sum())
        begins = np.linspace(0, len(values) - window, min(REPLICATES, len(values) - window + 1)).astype(np.int64)
        apart = [_apart(shares, missing, row) for row in counts[begins + window] - counts[begins]]
        most = {name: max(each[name] for each in apart) for name in ("psi", "ks", "missing")}
        floors = {**FLOORS, "missing": MISSING_FLOOR}
        own = {name: max(1.5 * most[name], floor) for name, floor in floors.items()}
        return cls(tuple(edges.tolist()), tuple(shares.tolist()), missing, window, own)

    def counts(self, values: FloatArray) -> FloatArray:
        """How many of some values lie in each bin, and last how many are missing."""
        found: FloatArray = _one_hot(values, np.array(self.edges)).sum(0)
        return found

    def scores(self, counts: FloatArray) -> dict[str, float]:
        """Each difference by its threshold; 1 is an alarm."""
        apart = _apart(np.array(self.shares), self.missing, counts)
        return {name: apart[name] / self.thresholds[name] for name in apart}


class InputWatch:
    """Counts the newest values of one input in bins, and compares them with the reference.

    Two halves of a window are kept: the older one is forgotten when the newer is full.

    Args:
        reference: what the values are compared with.
        state: of an earlier watch, see `state`.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> watch = InputWatch(Histogram.of(rng.normal(size=5000)))
        >>> max(watch.update(rng.normal(size=1500)).values()) < 1
        True
        >>> watch.update(rng.normal(2, 1, size=1000))["psi"] > 1
        True
    """

    def __init__(self, reference: Histogram, state: Mapping[str, Any] | None = None) -> None:
        self.reference = reference
        bins = len(reference.shares) + 1
        said = state or {"older": [0.0] * bins, "newer": [0.0] * bins}
        self._older, self._newer = np.array(said["older"], float), np.array(said["newer"], float)
        if self._older.shape != (bins,) or self._newer.shape != (bins,):
            raise DataError(f"the state must be of {bins} bins, but got {self._older.shape}. Begin anew.")

    def update(self, values: FloatArray) -> dict[str, float]:
        """Read values, NaN where missing; each score by its threshold, or nothing while too few values came."""
        half = self.reference.window // 2
        for begin in range(0, len(values), half):
            self._newer = self._newer + self.reference.counts(values[begin : begin + half])
            if self._newer.sum() >= half:
                self._older, self._newer = self._newer, np.zeros_like(self._newer)
        both = self._older + self._newer
        return {} if both.sum() < half else self.reference.scores(both)

    def state(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return {"older": self._older.tolist(), "newer": self._newer.tolist()}


def _one_hot(values: FloatArray, edges: FloatArray) -> FloatArray:
    """(n, bins + 1): 1 in the bin of each value, in the last column where it is missing."""
    missing = np.isnan(values)
    column = np.where(missing, len(edges) + 1, np.searchsorted(edges, np.where(missing, 0, values), side="right"))
    rows: FloatArray = np.zeros((len(values), len(edges) + 2))
    rows[np.arange(len(values)), column] = 1
    return rows


def _apart(shares: FloatArray, missing: float, counts: FloatArray) -> dict[str, float]:
    there = counts[:-1].sum()
    gone = abs(float(counts[-1] / max(counts.sum(), 1)) - missing)
    if there == 0:
        return {"psi": 0.0, "ks": 0.0, "missing": gone}
    found = counts[:-1] / there
    return {"psi": psi(shares, found), "ks": ks(shares, found), "missing": gone}
