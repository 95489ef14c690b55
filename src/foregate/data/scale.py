"""Bring series to a common scale and back: per series, learnt from the training part only, inverted exactly.

A scaled value is (f(y) - level) / spread, where f is a transform that tames skew and level and spread are statistics of
the series. Everything is computed in float64, so the way back is exact to far below the resolution of float32.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Panel, UsageError
from foregate.data.statistics import POSITIVE_SHARE

__all__ = ["FittedScaler", "Scaler", "choose_transform", "running_scaler"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Kind = Literal["causal", "standard", "minmax", "robust"]
Transform = Literal["identity", "log", "log1p", "arcsinh"]
TRANSFORMS: tuple[Transform, ...] = get_args(Transform)
"""The transforms in the order of the codes that `FittedScaler.codes` holds."""
SKEWED = 0.5
"""Skewness from which a distribution counts as at least moderately skewed (Bulmer, Principles of Statistics, 1979)."""
NEGLIGIBLE = 1e-12
"""A spread below this share of the level is rounding error: the series counts as constant."""


@dataclass(frozen=True)
class FittedScaler:
    """Scales values of M series (or of M rows, from `running_scaler`) and brings them back."""

    level: FloatArray
    """(M,) subtracted, in transformed units; 0 for a series never observed."""
    spread: FloatArray
    """(M,) divided by, in transformed units; positive, also for constant series."""
    codes: NDArray[np.int8]
    """(M,) the transform of each, as its place in `TRANSFORMS`."""
    unit: FloatArray
    """(M,) what values are divided by before log1p and arcsinh: their typical size; 1 for the others."""

    def transform(self, values: NDArray[np.floating], index: IntArray) -> FloatArray:
        """Scaled values, NaN where `values` is NaN.

        Args:
            values: in the units of the data, shape (…, any further axes).
            index: (…) whose scale to use: numbers of series (`panel.row_series` for all rows of a panel), or of rows
                for a running scaler.

        Raises:
            DataError: a value lies outside what the logarithm can take.
        """
        level, spread, unit, code = self._spread_out(np.ndim(values), index)
        y = np.asarray(values, np.float64) / unit
        codes = np.unique(code)
        for number in codes[codes > 0]:
            chosen = np.broadcast_to(code == number, y.shape)
            self._refuse_outside(TRANSFORMS[number], y[chosen])
            y[chosen] = _FORWARD[TRANSFORMS[number]](y[chosen])
        scaled: FloatArray = (y - level) / spread
        return scaled

    def inverse(self, scaled: NDArray[np.floating], index: IntArray) -> FloatArray:
        """Values in the units of the data from scaled ones; shapes as in `transform`."""
        level, spread, unit, code = self._spread_out(np.ndim(scaled), index)
        y = np.asarray(scaled, np.float64) * spread + level
        codes = np.unique(code)
        for number in codes[codes > 0]:
            chosen = np.broadcast_to(code == number, y.shape)
            y[chosen] = _BACKWARD[TRANSFORMS[number]](y[chosen])
        values: FloatArray = y * unit
        return values

    def apply(self, panel: Panel) -> Panel:
        """The panel with scaled values: of the series that were fitted, in the same order, of any length."""
        seen = panel.mask
        values = np.zeros(len(seen), np.float32)
        values[seen] = self.transform(panel.values[seen], panel.row_series[seen])
        return replace(panel, values=values)

    def _spread_out(self, ndim: int, index: IntArray) -> tuple[FloatArray, FloatArray, FloatArray, NDArray[np.int8]]:
        index = np.asarray(index)
        index = index.reshape(index.shape + (1,) * (ndim - index.ndim))
        return self.level[index], self.spread[index], self.unit[index], self.codes[index]

    @staticmethod
    def _refuse_outside(name: Transform, y: FloatArray) -> None:
        least = {"log": 0.0, "log1p": -1.0}.get(name, -np.inf)
        outside = int(np.sum(y <= least))
        if outside:
            raise DataError(
                f"values must be above {least:g} typical sizes of their series for the transform {name!r}, but got "
                f"{outside} that are not. Choose the transform 'arcsinh' or 'identity', which take every number."
            )


_FORWARD: dict[Transform, Callable[[FloatArray], FloatArray]] = {
    "log": np.log,
    "log1p": np.log1p,
    "arcsinh": np.arcsinh,
}
_BACKWARD: dict[Transform, Callable[[FloatArray], FloatArray]] = {"log": np.exp, "log1p": np.expm1, "arcsinh": np.sinh}


@dataclass(frozen=True)
class Scaler:
    """How to scale; `fit` learns the numbers for it.

    Examples:
        >>> panel = Panel.from_arrays([np.array([1.0, 3, 5, 100]), np.array([7.0, 7, 7, 7])])
        >>> fitted = Scaler("standard").fit(panel, until=np.array([3, 3]))
        >>> fitted.level
        array([3., 7.])
        >>> scaled = fitted.transform(panel.values, panel.row_series)
        >>> np.allclose(fitted.inverse(scaled, panel.row_series), panel.values)
        True
    """

    kind: Kind = "causal"
    """Level and spread: ``causal`` last observed value and mean absolute change from one observation to the next;
    ``standard`` mean and standard deviation; ``minmax`` smallest value and range; ``robust`` median and interquartile
    range."""
    transform: Transform | Literal["auto"] = "identity"
    """Applied first: ``log``, ``log1p`` and ``arcsinh`` (of values in units of their typical size), ``identity``, or
    ``auto`` for each series' own by `choose_transform`."""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("kind", self.kind, get_args(Kind)),
            ("transform", self.transform, (*TRANSFORMS, "auto")),
        ):
            if value not in known:
                raise UsageError(f"{name} must be one of {', '.join(known)}, but got {value!r}.")

    def fit(self, panel: Panel, until: IntArray | None = None) -> FittedScaler:
        """Learn the scale of every series.

        Args:
            panel: the series; what is not observed is not read.
            until: (S,) how many rows of each series may be learnt from; all if not given.

        Raises:
            DataError: the values of a series do not suit the transform that was named.
        """
        seen = _observed(panel, until)
        n = len(panel)
        named = self.transform
        codes = _choose(seen, n) if named == "auto" else np.full(n, TRANSFORMS.index(named), np.int8)
        sized = np.isin(codes, [TRANSFORMS.index("log1p"), TRANSFORMS.index("arcsinh")])
        size = _mean(np.abs(seen.values), seen.series, n)
        blank = FittedScaler(np.zeros(n), np.ones(n), codes, np.where(sized & (size > 0), size, 1.0))
        seen = seen._replace(values=blank.transform(seen.values, seen.series))
        level, spread = _STATISTICS[self.kind](seen, n)
        return replace(blank, level=level, spread=_never_zero(spread, level, codes))


def running_scaler(panel: Panel) -> FittedScaler:
    """The causal scale at every row: the scaler that `Scaler("causal")` would fit if that row were the last one known.

    Its index is the number of a row in the panel, so that the scale of any origin is at hand without looking ahead.

    Examples:
        >>> running = running_scaler(Panel.from_arrays([np.array([1.0, 3, 2])]))
        >>> running.level, running.spread
        (array([1., 3., 2.]), array([1. , 2. , 1.5]))
    """
    values, mask = panel.values.astype(np.float64), panel.mask
    rows = np.arange(len(values))
    first = np.repeat(panel.offsets[:-1], panel.lengths)
    last = np.maximum.accumulate(np.where(mask, rows, -1))
    known = last >= first
    level = np.where(known, values[last], 0.0)
    before = np.concatenate([[-1], last[:-1]])
    changed = mask & (before >= first)
    change = np.where(changed, np.abs(values - values[before]), 0.0)
    total, count = np.empty(len(rows)), np.empty(len(rows))
    for begin, end in zip(panel.offsets[:-1].tolist(), panel.offsets[1:].tolist(), strict=True):
        np.cumsum(change[begin:end], out=total[begin:end])  # by series, so that none feels another's rounding
        np.cumsum(changed[begin:end], out=count[begin:end])
    codes = np.zeros(len(rows), np.int8)
    spread = _never_zero(total / np.maximum(count, 1), level, codes)
    return FittedScaler(level, spread, codes, np.ones(len(rows)))


def choose_transform(panel: Panel, until: IntArray | None = None) -> NDArray[np.str_]:
    """(S,) the transform that suits each series, by sign and skewness of its first `until` rows.

    Not skewed: ``identity``. Skewed and clearly positive: ``log``; with zeros or values near zero: ``log1p``; with
    negative values: ``arcsinh``.

    Examples:
        >>> choose_transform(Panel.from_arrays([2 ** np.arange(6.0), np.arange(6.0), np.array([0, 0, 9.0])]))
        array(['log', 'identity', 'log1p'], dtype='<U8')
    """
    return np.array(TRANSFORMS)[_choose(_observed(panel, until), len(panel))]


class _Observed(NamedTuple):
    values: FloatArray
    series: IntArray


def _observed(panel: Panel, until: IntArray | None) -> _Observed:
    """The observed values of the training part, series after series."""
    seen, series = panel.mask, panel.row_series
    if until is not None:
        position = np.arange(len(series)) - panel.offsets[series]
        seen = seen & (position < np.asarray(until)[series])
    return _Observed(panel.values[seen].astype(np.float64), series[seen])


def _mean(values: FloatArray, series: IntArray, n: int) -> FloatArray:
    """Mean per series, summed row by row so that it does not depend on the other series; 0 without values."""
    return np.bincount(series, values, n) / np.maximum(np.bincount(series, minlength=n), 1)


def _segments(seen: _Observed, n: int) -> tuple[IntArray, IntArray]:
    """The series that have values, and where in `seen` each begins."""
    counts = np.bincount(seen.series, minlength=n)
    some = np.flatnonzero(counts)
    return some, (np.cumsum(counts) - counts)[some]


def _causal(seen: _Observed, n: int) -> tuple[FloatArray, FloatArray]:
    level = np.zeros(n)
    level[seen.series] = seen.values  # the last one written stays
    same = seen.series[1:] == seen.series[:-1]
    return level, _mean(np.abs(np.diff(seen.values))[same], seen.series[1:][same], n)


def _standard(seen: _Observed, n: int) -> tuple[FloatArray, FloatArray]:
    mean = _mean(seen.values, seen.series, n)
    return mean, np.sqrt(_mean((seen.values - mean[seen.series]) ** 2, seen.series, n))


def _minmax(seen: _Observed, n: int) -> tuple[FloatArray, FloatArray]:
    least, most = np.zeros(n), np.zeros(n)
    some, begins = _segments(seen, n)
    if len(some):
        least[some], most[some] = np.minimum.reduceat(seen.values, begins), np.maximum.reduceat(seen.values, begins)
    return least, most - least


def _robust(seen: _Observed, n: int) -> tuple[FloatArray, FloatArray]:
    """Median and interquartile range; the mean absolute deviation where more than half of the values are equal."""
    ordered = seen.values.copy()
    some, begins = _segments(seen, n)
    ends = np.append(begins, len(ordered))[1:]
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        ordered[begin:end].sort()
    last = ends - begins - 1
    quartiles = np.zeros((3, n))
    for row, share in zip(quartiles, (0.25, 0.5, 0.75), strict=True):
        place = share * last
        low, weight = begins + place.astype(np.int64), place % 1
        row[some] = ordered[low] * (1 - weight) + ordered[np.minimum(low + 1, begins + last)] * weight
    median, spread = quartiles[1], quartiles[2] - quartiles[0]
    deviation = _mean(np.abs(seen.values - median[seen.series]), seen.series, n)
    return median, np.where(spread > NEGLIGIBLE * np.abs(median), spread, deviation)


_STATISTICS: dict[Kind, Callable[[_Observed, int], tuple[FloatArray, FloatArray]]] = {
    "causal": _causal,
    "standard": _standard,
    "minmax": _minmax,
    "robust": _robust,
}


def _never_zero(spread: FloatArray, level: FloatArray, codes: NDArray[np.int8]) -> FloatArray:
    """The spread, and for constant series the size of their level (1 for a level of zero, or in transformed units)."""
    size = np.where((codes == 0) & (level != 0), np.abs(level), 1.0)
    return np.where(spread > NEGLIGIBLE * np.abs(level), spread, size)


def _choose(seen: _Observed, n: int) -> NDArray[np.int8]:
    mean, deviation = _standard(seen, n)
    least, spread = _minmax(seen, n)
    safe = np.where(deviation > NEGLIGIBLE * np.abs(mean), deviation, np.inf)
    skewness = _mean(((seen.values - mean[seen.series]) / safe[seen.series]) ** 3, seen.series, n)
    positive = (least > 0) & (least >= POSITIVE_SHARE * mean)
    names = np.select([positive & (skewness > SKEWED), (least >= 0) & (skewness > SKEWED)], [1, 2], 3)
    plain = (np.abs(skewness) <= SKEWED) | ((least >= 0) & (skewness <= SKEWED)) | (spread == 0)
    return np.where(plain, 0, names).astype(np.int8)
