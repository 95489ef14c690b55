"""Thresholds at which detectors raise a false alarm as seldom as they are told to, found on errors of the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.monitoring.baseline import Baseline
from foregate.monitoring.detectors import Detector

__all__ = ["thresholds"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
REPLICATES = 1000
STEPS = 2000
BLOCK = 25
"""Values that are drawn together, so that what makes neighbours alike stays in them."""
PARTS = 20
"""Samples are drawn in so many parts: all at once they would take a server's memory for good."""
CAUTION = 10.0
"""So many times more seldom than asked for."""


def thresholds(
    detectors: Sequence[Detector], errors: FloatArray, outside: FloatArray, every: float, *, seed: int = 0
) -> dict[str, float]:
    """For each detector the threshold at which all of them together raise one false alarm in `every` values.

    Streams are drawn from what was seen, in blocks (a moving-block bootstrap). What was seen is a sample, and what is
    usual was found on it: so for each stream a sample of that size is drawn too, and what is usual found anew on that.
    Streams are thus as far from what is taken to be usual as chance may have it. Alarms in control come like rare
    events: a stream of T values is without one with probability exp(-T / run length), from which follows the rate at
    which a threshold is crossed. Thresholds are set for a third of the rate that was asked for, since what was seen is
    not all that can happen.

    Args:
        detectors: with names that differ.
        errors: (n,) in control, in order of time.
        outside: (n,) 1 where the actual lay outside of its interval.
        every: values in which one false alarm is expected, of all detectors together.
        seed: same seed, same thresholds.

    Source: Künsch, "The jackknife and the bootstrap for general stationary observations" (1989).

    Examples:
        >>> from foregate.monitoring.detectors import Cusum
        >>> noise = np.random.default_rng(0).normal(size=2000)
        >>> 8 < thresholds([Cusum()], noise, noise * 0, every=10_000)["cusum"] < 18
        True
    """
    rng = np.random.default_rng(seed)
    usual, excess = _found_anew(errors, outside, rng)
    wider, inside = np.sqrt(len(errors) / (len(errors) - BLOCK)), float(outside.mean())
    missed = (
        inside + (outside - inside) * wider
    )  # (1) blocks of a sample vary less about its mean than about the true one
    states = [detector.start(REPLICATES) for detector in detectors]
    most = np.zeros((len(detectors), REPLICATES))
    for begin in rng.integers(1, len(errors) - BLOCK + 1, (STEPS // BLOCK, REPLICATES)):
        for at in (begin + i for i in range(BLOCK)):
            value, out = usual.unexplained(errors[at], errors[at - 1]) * wider, missed[at] - excess  # (1)
            for row, detector, state in zip(most, detectors, states, strict=True):
                np.maximum(row, detector.step(state, value, out), out=row)
    rate = 1 / (CAUTION * every * len(detectors))
    return {detector.name: _at_rate(row, rate) for detector, row in zip(detectors, most, strict=True)}


def _found_anew(errors: FloatArray, outside: FloatArray, rng: np.random.Generator) -> tuple[Baseline, FloatArray]:
    """What is taken to be usual on R samples as large as the given one, and how far the share outside is off there."""
    n = len(errors)
    whole, found = Baseline.of(errors), []
    for blocks in np.array_split(rng.integers(1, n - BLOCK + 1, (REPLICATES, max(1, n // BLOCK))), PARTS):
        at: IntArray = (blocks[..., None] + np.arange(BLOCK)).reshape(len(blocks), -1)
        centre = errors[at].mean(1)
        now, before = errors[at] - centre[:, None], errors[at - 1] - centre[:, None]
        products = [(one * other).mean(1) for one, other in ((now, now), (now, before), (before, before))]
        found.append((centre, *products, outside[at].mean(1)))
    joined: list[Any] = [np.concatenate(each) for each in zip(*found, strict=True)]
    centre, square, product, earlier, missed = joined
    drawn = product / square
    phi = np.clip(drawn - drawn.mean() + whole.phi, 0, 0.95)
    scale = np.sqrt(square - 2 * phi * product + phi**2 * earlier)
    excess: FloatArray = missed - outside.mean()
    return Baseline(centre, phi, scale, n), excess


def _at_rate(most: FloatArray, rate: float) -> float:
    """The threshold that is crossed at a rate per value, from the largest statistics of streams.

    The logarithm of the rate falls about as a straight line does: one line through many quantiles is less of a matter
    of chance than the outermost of them.
    """
    at = np.linspace(0.5, 0.97, 24)
    heights, rates = np.quantile(most, at), np.log(-np.log(at) / STEPS)
    if np.ptp(heights) < 1e-9:  # the statistic does not vary: of intervals that were never missed, for instance
        return max(2 * float(heights[0]), 1.0)
    slope, intercept = np.polyfit(heights, rates, 1)
    return max(float((np.log(rate) - intercept) / slope), float(heights[-1]))
