"""What a network says of the steps ahead as a distribution: quantiles, a mean and draws, in NumPy alone.

Letters: K steps ahead, N numbers that are said of one, Q quantiles, M components, C cells: steps of all origins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from foregate.core import Manner, UsageError, listed
from foregate.forecasting.counts import count_quantiles
from foregate.forecasting.intervals import check_probabilities, interpolate_quantiles
from foregate.forecasting.special import mixture_quantiles, normal_cdf, normal_score, student_quantiles, student_table
from foregate.models.names import HEADS, LEAST_EXCESS, LEAST_FREEDOM, LEAST_MEAN, LEAST_SPREAD, HeadName

__all__ = ["Distribution", "components", "count_parameters"]

FloatArray = NDArray[np.float64]
Floats = NDArray[np.floating]
Law = Callable[..., FloatArray]

SPREAD_OF_ONE = 1.25
"""The standard deviation of a normal number whose mean size is 1, which is what a unit of scale is; √(π/2)."""
CELLS = {"student-t": 4096, "mixture": 4096, "negative-binomial": 512}
"""Reckoned at once, which bounds memory."""


@dataclass(frozen=True)
class Distribution:
    """What the numbers mean that a network with this head says, in units of each origin's scale above its level.

    - ``point`` knows no distribution. Its quantiles are those of a random walk around it, z + 1.25 √k z_p, for a unit
      of scale is the mean size of a change from one step to the next. Calibration makes them as wide as errors are.
    - ``quantiles`` are what was said, linear in the normal score between the levels and beyond. A median alone is a
      point.
    - ``gaussian``, ``student-t``, ``mixture`` and ``negative-binomial`` are what `foregate.models.heads` learns by the
      same names. Only counts read `level` and `scale`: they are whole numbers y = level + scale z from 0 on.

    For all of them quantiles never cross and are finite, and `sample` is the inverse of the distribution function, so
    that numbers that are uniform on 0 to 1 become draws.

    Examples:
        >>> said = np.array([[[2.0, 0.0]]], np.float32)
        >>> normal, k, level, scale = Distribution("gaussian", (0.5,)), np.array([1]), np.zeros(1), np.ones(1)
        >>> normal.quantiles(said, (0.1, 0.5, 0.9), k, level, scale).round(4)
        array([[[1.1104, 2.    , 2.8896]]])
        >>> normal.sample(said, np.array([[0.1]]), k, level, scale).round(4)
        array([[1.1104]])
    """

    head: HeadName
    """One of `foregate.models.names.HEADS`."""
    levels: tuple[float, ...]
    """Q probabilities of a head of quantiles, ascending; no other head reads them."""

    @classmethod
    def of(cls, manner: Manner) -> Distribution:
        """Of what a network of this manner says."""
        return cls(cast(HeadName, manner.head), manner.levels)

    def __post_init__(self) -> None:
        if self.head not in HEADS:
            raise UsageError(f"A head must be one of {listed(HEADS, most=len(HEADS))}, but got {self.head!r}.")

    def quantiles(
        self, said: Floats, asked: Sequence[float], k: NDArray[np.int64], level: Floats, scale: Floats
    ) -> FloatArray:
        """Quantiles at the probabilities that are asked for.

        Args:
            said: (..., K, N)
            asked: P probabilities between 0 and 1, in any order.
            k: (K,) how far ahead, from 1 on.
            level: (...,) what 0 stands for, in units of the data.
            scale: (...,) what 1 stands for above it; positive.

        Returns:
            (..., K, P)

        Raises:
            UsageError: what is asked for is no probability.
        """
        p = np.asarray(asked, np.float64)
        check_probabilities(p)
        if self.head == "quantiles" and tuple(asked) == self.levels:
            return said.astype(np.float64)
        found, order = self._at(said, p, k, level, scale), np.argsort(p)
        # roundings may differ by the last digit, where probabilities hardly do
        found[..., order] = np.maximum.accumulate(found[..., order], -1)
        return found

    def sample(self, said: Floats, u: Floats, k: NDArray[np.int64], level: Floats, scale: Floats) -> FloatArray:
        """Values that a share u of outcomes does not exceed: draws, where u are uniform numbers.

        Args:
            said: (..., K, N)
            u: between 0 and 1, broadcast against (..., K); axes before these are draws.
            k: (K,) how far ahead, from 1 on.
            level: (...,) what 0 stands for, in units of the data.
            scale: (...,) what 1 stands for above it; positive.

        Returns:
            As u and (..., K) broadcast.

        Raises:
            UsageError: u is not between 0 and 1.
        """
        cells, probabilities = said.shape[:-1], u.astype(np.float64)
        check_probabilities(probabilities)
        shape = np.broadcast_shapes(u.shape, cells)
        flat = np.broadcast_to(probabilities, shape).reshape(-1, *shape[len(shape) - len(cells) :])
        own = np.broadcast_to(said, (*flat.shape[1:], said.shape[-1]))
        return np.moveaxis(self._at(own, np.moveaxis(flat, 0, -1), k, level, scale), -1, 0).reshape(shape)

    def mean(self, said: Floats, level: Floats, scale: Floats) -> FloatArray:
        """Expected values (..., K) of what was said (..., K, N), with units as in `quantiles`."""
        exact = said.astype(np.float64)
        if self.head == "mixture":
            shares, offsets, _ = components(exact)
            return np.asarray(exact[..., 0] + (shares * offsets).sum(-1))
        if self.head == "negative-binomial":
            count = count_parameters(exact, level, scale)[0]
            return (count - level[..., None]) / scale[..., None]
        if self.head == "quantiles" and len(self.levels) > 1:
            return np.asarray(exact @ _weights(self.levels))
        return np.asarray(exact[..., 0])

    def _at(self, said: Floats, p: FloatArray, k: NDArray[np.int64], level: Floats, scale: Floats) -> FloatArray:
        """Quantiles (..., K, P) at probabilities (P,) of all cells, or (..., K, P) of each."""
        exact = said.astype(np.float64)
        place = exact[..., :1]
        if self.head == "gaussian":
            return place + _positive(exact[..., 1:]) * normal_score(p)
        if self.head == "student-t":
            freedom = np.logaddexp(0, exact[..., 2]) + LEAST_FREEDOM
            t = student_table(freedom, p) if p.ndim == 1 else self._cellwise(_student, p, freedom)
            return place + _positive(exact[..., 1:2]) * t
        if self.head == "mixture":
            return place + self._cellwise(_mixture, p, *components(exact))
        if self.head == "negative-binomial":
            count = self._cellwise(count_quantiles, p, *count_parameters(exact, level, scale))
            return (count - level[..., None, None]) / scale[..., None, None]
        if self.head == "quantiles" and len(self.levels) > 1:
            return interpolate_quantiles(exact, self.levels, p)
        return place + SPREAD_OF_ONE * np.sqrt(k)[:, None] * normal_score(p)

    def _cellwise(self, law: Law, p: FloatArray, *parts: FloatArray) -> FloatArray:
        """Quantiles (..., K, P) of parts (..., K) or (..., K, M), some cells at a time."""
        cells = parts[0].shape if self.head != "mixture" else parts[0].shape[:-1]
        own = np.broadcast_to(p, (*cells, p.shape[-1])).reshape(-1, p.shape[-1])
        flat = [each.reshape(len(own), *each.shape[len(cells) :]) for each in parts]
        out, size = np.empty(own.shape), CELLS[self.head]
        for some in (slice(i, i + size) for i in range(0, len(own), size)):
            out[some] = law(*(each[some] for each in flat), own[some])
        return out.reshape(*cells, p.shape[-1])


def _positive(raw: FloatArray) -> FloatArray:
    """A spread in units of scale, as the heads have it."""
    return np.logaddexp(0, raw) + LEAST_SPREAD


def components(said: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """π, μ above the place and σ of a mixture, each (..., M)."""
    shares, offsets, spreads = np.split(said[..., 1:], 3, -1)
    shares = np.exp(shares - shares.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True), offsets, _positive(spreads)


def count_parameters(said: FloatArray, level: Floats, scale: Floats) -> tuple[FloatArray, FloatArray]:
    """Mean μ and size r of counts, each (..., K)."""
    zero, one = level.astype(np.float64)[..., None], scale.astype(np.float64)[..., None]
    mean = np.maximum(one * np.logaddexp(0, zero / one + said[..., 0]), LEAST_MEAN)
    return mean, mean**2 / ((one * _positive(said[..., 1])) ** 2 + LEAST_EXCESS * mean)


def _student(freedom: FloatArray, p: FloatArray) -> FloatArray:
    return student_quantiles(freedom[:, None], p)


def _mixture(shares: FloatArray, means: FloatArray, spreads: FloatArray, p: FloatArray) -> FloatArray:
    """Quantiles (C, P) of mixtures of components (C, M)."""
    w, m, s = (np.repeat(each.T, p.shape[-1], axis=1) for each in (shares, means, spreads))
    return mixture_quantiles(w, m, s, p.ravel()).reshape(p.shape)


def _weights(levels: Sequence[float]) -> FloatArray:
    """What each quantile (Q,) counts in the mean, if values between and beyond are linear in the normal score."""
    known, p = normal_score(levels), np.array(levels)
    ends = np.concatenate([[-np.inf], known[1:-1], [np.inf]])  # of the lines through two neighbours each
    mass = np.diff(normal_cdf(ends))
    moment = -np.diff(np.exp(-0.5 * ends**2)) / np.sqrt(2 * np.pi)
    share = (moment - known[:-1] * mass) / np.diff(known)
    weights = np.zeros(len(p))
    weights[:-1] += mass - share
    weights[1:] += share
    return weights
