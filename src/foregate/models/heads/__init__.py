"""Heads: what a decoder's outputs say of the future, and what it costs when something else comes."""

from __future__ import annotations

from foregate.core import UsageError, listed
from foregate.models.heads.base import Head, Units
from foregate.models.heads.bells import Gaussian, Mixture, StudentT
from foregate.models.heads.counts import NegativeBinomial
from foregate.models.heads.free import Point, Quantiles, pinball
from foregate.models.names import HEADS, HeadName, PointLoss

__all__ = [
    "Gaussian",
    "Head",
    "Mixture",
    "NegativeBinomial",
    "Point",
    "Quantiles",
    "StudentT",
    "Units",
    "make_head",
    "pinball",
]


def make_head(name: HeadName, levels: tuple[float, ...], components: int = 3, loss: PointLoss = "mae") -> Head:
    """The head of that name.

    Args:
        name: one of `foregate.models.names.HEADS`.
        levels: probabilities of a head of quantiles; no other reads them.
        components: M, of a mixture.
        loss: what a point is trained by.

    Raises:
        UsageError: there is no such head, or it cannot be made so.

    Examples:
        >>> make_head("mixture", levels=(0.1, 0.5, 0.9), components=2)
        Mixture(components=2)
    """
    match name:
        case "point":
            return Point(loss)
        case "quantiles":
            return Quantiles(levels)
        case "gaussian":
            return Gaussian()
        case "student-t":
            return StudentT()
        case "negative-binomial":
            return NegativeBinomial()
        case "mixture":
            return Mixture(components)
    raise UsageError(f"A head must be one of {listed(HEADS, most=len(HEADS))}, but got {name!r}.")
