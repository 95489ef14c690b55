"""Quantiles of counts: the negative binomial distribution in NumPy alone, in double precision.

Letters: C cells, each with a distribution of its own, P probabilities of each, J bins.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from foregate.forecasting.special import stirling_error

__all__ = ["count_quantiles", "log_probability"]

FloatArray = NDArray[np.float64]

CERTAIN = 1e-9
"""Quantiles are not told apart beyond this probability and its complement."""
ONE_BY_ONE = 720.0
"""Where hardly any outcome exceeds this, probabilities of all counts are summed one after the other; that of 0 is then
still a number."""
BINS = 64
"""Of equal width and of growing width, as many of each, where counts are greater."""
BEYOND = 12.0
"""What lies below the first bin has less than e^-12 times the lowest probability that is told apart."""
LEAST_SLOPE, MOST_SLOPE = 1e-8, 700.0
"""Of the logarithm of probabilities from one end of a bin to the other."""
CLOSE = 0.01
"""Relative distance of two numbers below which their deviance is taken from a series."""
SERIES = 1 / 7, 1 / 5, 1 / 3


def count_quantiles(mean: FloatArray, size: FloatArray, p: FloatArray) -> FloatArray:
    """Quantiles of negative binomial distributions: the least count that as large a share of outcomes does not exceed.

    Small counts are exact. Great ones lie in bins, whose probability is told from two places in each, by Gauss's rule
    for sums, and in a bin probabilities rise or fall by a constant factor.

    Args:
        mean: (C,) μ above 0.
        size: (C,) r above 0; the variance is μ + μ²/r.
        p: (C, P) between 0 and 1.

    Returns:
        (C, P) whole numbers.

    Examples:
        >>> count_quantiles(np.array([4.0]), np.array([2.0]), np.array([[0.1, 0.5, 0.9]]))
        array([[0., 3., 9.]])
    """
    p = np.clip(p, CERTAIN, 1 - CERTAIN)
    highest = _reach(mean, size)[1]
    few = highest <= ONE_BY_ONE
    out = np.empty(p.shape)
    out[few] = _summed(mean[few], size[few], p[few], int(highest[few].max(initial=0)))
    out[~few] = _binned(mean[~few], size[~few], p[~few])
    return out


def _reach(mean: FloatArray, size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Counts (C,) between which practically all outcomes lie.

    The ends are bounds of a gamma mixture's tails (Boucheron, Lugosi and Massart 2013, section 2.4).
    """
    spread, beyond = np.sqrt(mean + mean * (mean / size)), -math.log(CERTAIN)
    low = np.floor(np.maximum(mean - math.sqrt(2 * (BEYOND + beyond)) * spread, 0))
    return low, np.ceil(mean + math.sqrt(2 * beyond) * spread + (mean / size + 1) * beyond)


def _summed(mean: FloatArray, size: FloatArray, p: FloatArray, highest: int) -> FloatArray:
    """By P(y + 1) = P(y) (y + r) / (y + 1) μ / (r + μ), until every probability is reached."""
    share = mean / (size + mean)
    mass = np.exp(-size * np.log1p(mean / size))
    upto, out = mass.copy(), np.zeros(p.shape)
    for y in range(highest):
        missing = upto[:, None] < p
        if not missing.any():
            break
        out += missing
        mass = mass * ((y + size) / (y + 1) * share)
        upto += mass
    return out


def _binned(mean: FloatArray, size: FloatArray, p: FloatArray) -> FloatArray:
    """From bins; in each the logarithms of probabilities lie on a line through the two that are known."""
    edges = _edges(mean, size)
    first, width = edges[:, :-1], np.diff(edges, axis=1)
    middle, away = first + (width - 1) / 2, np.sqrt(np.maximum(width**2 - 1, 0) / 12)
    places = np.stack([np.maximum(middle - away, 0), middle + away])
    low, high = np.exp(log_probability(places, mean[:, None], size[:, None]))
    mass = width * (low + high) / 2
    upto = mass.cumsum(1)
    mass, upto = mass / upto[:, -1:], upto / upto[:, -1:]
    bins = np.minimum((upto[:, None, :] < p[:, :, None]).sum(-1), mass.shape[1] - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.nan_to_num(np.log(high / low) / (2 * away) * width, posinf=MOST_SLOPE, neginf=-MOST_SLOPE)
    first, width, mass, upto, slope = (np.take_along_axis(each, bins, 1) for each in (first, width, mass, upto, slope))
    inside = np.clip((p - (upto - mass)) / np.maximum(mass, 1e-300), 0, 1)
    slope = np.clip(np.where(np.abs(slope) < LEAST_SLOPE, LEAST_SLOPE, slope), -MOST_SLOPE, MOST_SLOPE)
    share = np.log1p(inside * np.expm1(slope)) / slope
    return np.asarray(first + np.clip(np.ceil(share * width) - 1, 0, np.maximum(width - 1, 0)))


def _edges(mean: FloatArray, size: FloatArray) -> FloatArray:
    """The first count of every bin and one past the last, (C, J + 1).

    Bins grow in width with their distance from the lower end, as a size below 1 needs, and half of them do not, as a
    large one does.
    """
    low, high = (each[:, None] for each in _reach(mean, size))
    even = np.linspace(0, 1, BINS)
    edges = np.concatenate([low + (high - low) * even, low + np.expm1(np.log1p(high - low) * even)], 1)
    return np.concatenate([np.sort(np.floor(edges), 1), high + 1], 1)


def log_probability(y: FloatArray, mean: FloatArray, size: FloatArray) -> FloatArray:
    """log P(y) of the negative binomial distribution, for what lies between two counts too (Loader 2000).

    Large terms are taken together before they are reckoned, so that no digits are lost however large numbers are.

    Args:
        y: not negative.
        mean: μ above 0.
        size: r above 0.

    Examples:
        >>> log_probability(np.array([0.0, 1.0]), np.array([1.0]), np.array([1.0])).round(4).tolist()
        [-0.6931, -1.3863]
    """
    z = np.where(y > 0, y, 1)
    both, gap = size + z, size / (size + mean) * (mean - z)
    nearer = (mean - z) / (size + mean + both), -gap / (2 * z + gap)
    far = _deviance(size, gap, nearer[0], (size + mean) / both)
    far += _deviance(z, -gap, nearer[1], z / mean * ((size + mean) / both))
    errors = stirling_error(both) - stirling_error(size) - stirling_error(z)
    ways = 0.5 * (np.log(size / both) - np.log(2 * math.pi * z)) + errors
    return np.where(y > 0, ways - far, -size * np.log1p(mean / size))


def _deviance(x: FloatArray, gap: FloatArray, part: FloatArray, ratio: FloatArray) -> FloatArray:
    """x log(x / m) - x + m from gap = x - m, part = gap / (x + m) and ratio = x / m."""
    square = part * part
    series = np.zeros_like(square)
    for each in SERIES:
        series = (series + each) * square
    return np.where(np.abs(part) < CLOSE, gap * part + 2 * x * part * series, x * np.log(ratio) - gap)
