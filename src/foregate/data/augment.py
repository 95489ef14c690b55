"""Augmentation: series to train on, made a little different each time, so that a small panel is not learnt by heart.

What is changed are the values of a panel before the inputs of the network are computed, because those are causal
statistics of the values. Everything is off unless asked for. Letters: S series, N values in all series together.

Source: Um et al. 2017, "Data augmentation of wearable sensor data for Parkinson's disease monitoring using
convolutional neural networks" (jittering, scaling, time-warping, magnitude-warping).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Panel, UsageError, at_least

__all__ = ["Augment", "augmented", "strided"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

STEEPEST = 0.6
"""Two neighbouring knots of a time warp differ by at most this share of the rows between them, so that a smooth step
from one to the other, which is 1.5 times as steep in its middle, never turns time back."""


@dataclass(frozen=True)
class Augment:
    """How much training series are changed; nothing unless asked for.

    Examples:
        >>> Augment(jitter=0.1).changes, Augment(stride=4).changes
        (True, False)
    """

    jitter: float = 0.0
    """Standard deviation of noise added to every value, in units of its series' mean absolute change per row."""
    scaling: float = 0.0
    """Standard deviation of the logarithm of a factor that a whole series is multiplied by."""
    time_warp: float = 0.0
    """Standard deviation, in rows, of how far a curve through the knots moves values in time. Seasons move with it."""
    magnitude_warp: float = 0.0
    """Standard deviation of the logarithm of a factor that follows a curve through the knots."""
    knot: int = 48
    """Rows between two knots of the curves."""
    stride: int = 1
    """Origins are taken every so many rows only, see `strided`."""

    def __post_init__(self) -> None:
        at_least(2, knot=self.knot)
        at_least(1, stride=self.stride)
        for name in ("jitter", "scaling", "time_warp", "magnitude_warp"):
            amount = getattr(self, name)
            if isinstance(amount, bool) or not isinstance(amount, (int, float)) or not 0 <= amount < math.inf:
                raise UsageError(f"{name} must be a number of 0 or more, but got {amount!r}. Give 0 to do without it.")

    @property
    def changes(self) -> bool:
        """Whether values change."""
        return any(getattr(self, f.name) for f in fields(self) if f.name not in ("knot", "stride"))


def augmented(panel: Panel, limits: IntArray, augment: Augment, rng: np.random.Generator) -> Panel:
    """The panel with changed values in the rows that are trained on.

    Warps come first, then noise, then the factor of the whole series. What is missing stays missing and is not read;
    rows from the limit of a series on keep their bits, and nothing of them enters the others. A series without negative
    values does not fall below half of its least one but by its factor, so that counts and prices remain such; whole
    numbers do not stay whole.

    Args:
        panel: regular.
        limits: (S,) rows of each series that may be changed; the rest is held out.
        augment: how much.
        rng: of the step, for example ``np.random.default_rng([seed, step])``; the same draws the same.

    Raises:
        UsageError: there are not as many limits as series.
        DataError: time is to be warped in a panel with covariates that go along with it.

    Examples:
        >>> panel = Panel.from_arrays([np.arange(6.0)])
        >>> other = augmented(panel, np.array([4]), Augment(scaling=0.5), np.random.default_rng(0))
        >>> (other.values[1:4] / panel.values[1:4]).round(3), other.values[4:]
        (array([1.065, 1.065, 1.065], dtype=float32), array([4., 5.], dtype=float32))
    """
    if len(limits) != len(panel):
        raise UsageError(f"limits must have an entry for each of {len(panel)} series, but got {len(limits)}.")
    moving = sorted(name for name, c in panel.covariates.items() if c.role != "static")
    if augment.time_warp and moving:
        raise DataError(
            f"a panel whose time is warped must have no covariates that go along with time, but got {moving[0]!r}. "
            "Use time_warp=0 with them."
        )
    if not augment.changes:
        return panel
    training = _Training.of(panel, np.clip(limits, 0, panel.lengths))
    values = training.values
    if augment.time_warp:
        values = training.moved(training.curve(augment.time_warp, augment.knot, rng, moves=True))
    if augment.magnitude_warp:
        values = values * np.exp(training.curve(augment.magnitude_warp, augment.knot, rng))
    if augment.jitter:
        noise = augment.jitter * rng.standard_normal(len(values))
        values = values + noise * training.of_series(training.mean_change())
    values = np.maximum(values, training.of_series(training.floor()))
    if augment.scaling:
        values = values * training.of_series(np.exp(augment.scaling * rng.standard_normal(len(panel))))
    changed = panel.values.copy()
    changed[training.rows] = values
    return replace(panel, values=changed)


def strided(origins: IntArray, stride: int) -> IntArray:
    """The nearest rows at or before the origins that are whole numbers of strides from the beginning of their series.

    Args:
        origins: rows within their series, of any shape.
        stride: rows between two origins.

    Examples:
        >>> strided(np.array([0, 5, 11]), stride=4)
        array([0, 4, 8])
    """
    at_least(1, stride=stride)
    kept: IntArray = origins - origins % stride
    return kept


@dataclass(frozen=True)
class _Training:
    """The observed rows that are trained on, M of them, in order."""

    rows: IntArray
    """(M,) where they are in the panel."""
    series: IntArray
    """(M,) whose they are."""
    place: IntArray
    """(M,) their rows within their series."""
    values: FloatArray
    """(M,)"""
    limits: IntArray
    """(S,) rows that each series may have."""

    @classmethod
    def of(cls, panel: Panel, limits: IntArray) -> _Training:
        series = panel.row_series
        place = np.arange(len(series)) - panel.offsets[series]
        rows = np.flatnonzero(panel.mask & (place < limits[series]))
        return cls(rows, series[rows], place[rows], panel.values[rows].astype(np.float64), limits)

    def of_series(self, numbers: FloatArray) -> FloatArray:
        """A number (S,) of each series at each of its rows (M,)."""
        found: FloatArray = numbers[self.series]
        return found

    def mean_change(self) -> FloatArray:
        """(S,) mean absolute change from one observed row to the next; 0 where there is none."""
        within = np.diff(self.series) == 0
        sizes = np.abs(np.diff(self.values))[within]
        whose, S = self.series[1:][within], len(self.limits)
        found: FloatArray = np.bincount(whose, sizes, S) / np.maximum(np.bincount(whose, minlength=S), 1)
        return found

    def floor(self) -> FloatArray:
        """(S,) what values must not fall below: half of the least one; nothing where there are negative ones."""
        least = np.full(len(self.limits), np.inf)
        np.minimum.at(least, self.series, self.values)
        return np.where(least >= 0, least / 2, -np.inf)

    def curve(self, amount: float, knot: int, rng: np.random.Generator, *, moves: bool = False) -> FloatArray:
        """(M,) a smooth curve through normal numbers with the standard deviation `amount`, every `knot` rows.

        Between two knots it goes as 3u² - 2u³, so that it has no kinks. One that moves values in time begins and ends
        at 0 in every series, and never turns time back.
        """
        pieces = np.maximum(1, -(-(self.limits - 1) // knot))
        begins = np.concatenate([[0], np.cumsum(pieces + 1)])
        heights = amount * rng.standard_normal(begins[-1])
        apart = np.maximum(self.limits - 1, 1) / pieces  # rows between two knots
        if moves:
            most = STEEPEST / 2 * np.repeat(apart, pieces + 1)
            heights = np.clip(heights, -most, most)
            heights[begins[:-1]] = heights[begins[1:] - 1] = 0
        at = self.place / self.of_series(apart)
        left = np.minimum(at.astype(np.int64), pieces[self.series] - 1)
        u = at - left
        blend = u * u * (3 - 2 * u)
        first = begins[self.series] + left
        curve: FloatArray = heights[first] * (1 - blend) + heights[first + 1] * blend
        return curve

    def moved(self, by: FloatArray) -> FloatArray:
        """(M,) the values that stand `by` rows further on, interpolated between observed ones of the same series."""
        first = np.searchsorted(self.series, self.series, side="left")
        last = np.searchsorted(self.series, self.series, side="right") - 1
        sought = self.rows + by
        left = np.clip(np.searchsorted(self.rows, sought, side="right") - 1, first, last)
        right = np.minimum(left + 1, last)
        gap = self.rows[right] - self.rows[left]
        share = np.clip((sought - self.rows[left]) / np.maximum(gap, 1), 0, 1)
        moved: FloatArray = self.values[left] * (1 - share) + self.values[right] * share
        return moved
