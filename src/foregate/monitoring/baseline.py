"""What errors look like while all is well, so that it can be seen when they no longer do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError

__all__ = ["LEAST", "Baseline"]

FloatArray = NDArray[np.float64]

LEAST = 100
"""Fewer errors than these say too little of what is usual."""
MOST_LIKE_BEFORE = 0.95
"""An error is taken to carry on at most so much of the one before."""
CLIPPED = 5.0
"""Standardised errors beyond count as this: one outlier is no drift."""


@dataclass(frozen=True)
class Baseline:
    """Errors in control: an autoregression of first order.

    The errors of neighbouring forecasts resemble one another. Detectors that expect independent values would raise a
    false alarm at every run of them, so what is watched is the part of an error that the one before does not explain.

    Examples:
        >>> errors = np.random.default_rng(0).normal(2.0, 3.0, 1000)
        >>> usual = Baseline.of(errors)
        >>> abs(usual.centre - 2) < 0.3, abs(usual.scale - 3) < 0.3, usual.phi < 0.2
        (True, True, True)
    """

    centre: float
    """Their mean: a bias that has always been there is no drift."""
    phi: float
    """Share of an error's deviation that carries on to the next, 0 to 0.95."""
    scale: float
    """Standard deviation of what the error before does not explain."""
    n: int
    """How many errors this was found on."""

    @classmethod
    def of(cls, errors: FloatArray) -> Baseline:
        """From errors (T,) in order of time.

        Raises:
            DataError: they are fewer than 100, not all finite, or all the same.
        """
        if len(errors) < LEAST or not np.isfinite(errors).all():
            raise DataError(
                f"errors must be at least {LEAST} finite numbers, but got {len(errors)} of shape {errors.shape}."
            )
        with np.errstate(over="ignore", invalid="ignore"):
            centre = float(errors.mean())
            around = errors - centre
            variance = float(around @ around) / len(errors)
        if not np.isfinite(variance):
            raise DataError("errors must be numbers whose squares are numbers too, but got larger ones.")
        if variance <= (1e-12 * (1 + abs(centre))) ** 2:
            raise DataError(
                "errors must differ from one another, but got the same ones. Give errors of real forecasts."
            )
        found = float(around[1:] @ around[:-1]) / (variance * len(errors))
        phi = float(np.clip(found + (1 + 3 * found) / len(errors), 0, MOST_LIKE_BEFORE))  # (1) without its bias
        unexplained = around[1:] - phi * around[:-1]
        return cls(centre, phi, float(np.sqrt((unexplained**2).mean())), len(errors))

    def unexplained(self, error: FloatArray, before: FloatArray) -> FloatArray:
        """What the error before does not explain, in units of its standard deviation; within ±5.

        Args:
            error: (B,) errors.
            before: (B,) the one before each; NaN where there is none.
        """
        around = np.where(np.isnan(before), 0.0, before - self.centre)
        first = np.where(np.isnan(before), np.sqrt(1 - self.phi**2), 1.0)  # the first one varies more than a next one
        found: FloatArray = (error - self.centre - self.phi * around) * first / self.scale
        return np.clip(found, -CLIPPED, CLIPPED)
