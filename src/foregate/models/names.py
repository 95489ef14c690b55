"""What attention and heads are called, and what no parameter of a distribution falls below. No torch."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from typing import Literal

from foregate.core import UsageError, listed

__all__ = [
    "ATTENTIONS",
    "HEADS",
    "LEAST_EXCESS",
    "LEAST_FREEDOM",
    "LEAST_MEAN",
    "LEAST_SPREAD",
    "POINT_LOSSES",
    "AttentionName",
    "HeadName",
    "PointLoss",
    "check_name",
    "head_outputs",
    "meant",
]

AttentionName = Literal["additive", "dot", "general", "multi-head"]
HeadName = Literal["point", "quantiles", "gaussian", "student-t", "negative-binomial", "mixture"]
PointLoss = Literal["mse", "mae", "huber"]

ATTENTIONS: dict[AttentionName, str] = {
    "additive": "a small network compares the query with every state (Bahdanau et al. 2015)",
    "dot": "the inner product of the query and every state (Luong et al. 2015)",
    "general": "the inner product after a learnt matrix (Luong et al. 2015)",
    "multi-head": "several scaled inner products side by side, each in its own projection (Vaswani et al. 2017)",
}
"""The name of every attention, and what it does."""

HEADS: dict[HeadName, str] = {
    "point": "one number and no distribution, trained by squared, absolute or Huber errors",
    "quantiles": "quantiles that cannot cross, of no assumed shape, trained by the pinball loss",
    "gaussian": "a normal distribution",
    "student-t": "a bell with tails as heavy as the data asks for",
    "negative-binomial": "counts: whole numbers from 0, more spread out than Poisson's",
    "mixture": "several normal distributions, for outcomes with more than one peak",
}
"""The name of every head, and what it says of the future."""

POINT_LOSSES: dict[PointLoss, str] = {
    "mse": "squared errors: the mean",
    "mae": "absolute errors: the median",
    "huber": "squared within one unit of scale, absolute beyond it (Huber 1964)",
}
"""The losses that a point can be trained by, and what they ask for."""

LEAST_SPREAD = 1e-3
"""In units of scale: no distribution is narrower, so that a stretch without any change cannot make a loss endless."""
LEAST_FREEDOM = 2.01
"""Degrees of freedom of Student's t: above 2, so that there is a variance."""
LEAST_EXCESS = 1e-3
"""Share of a mean count that the variance exceeds it by at least: a size without end would be Poisson's."""
LEAST_MEAN = 1e-60
"""Of counts, so that there are a logarithm and its gradients."""


def head_outputs(head: HeadName, n_quantiles: int, components: int) -> int:
    """How many outputs of a decoder a head reads for one step.

    Args:
        head: its name.
        n_quantiles: Q, of a head of quantiles.
        components: M, of a mixture.

    Examples:
        >>> head_outputs("student-t", n_quantiles=9, components=3)
        3
    """
    outputs: dict[HeadName, int] = {
        "point": 1,
        "quantiles": n_quantiles,
        "gaussian": 2,
        "student-t": 3,
        "negative-binomial": 2,
        "mixture": 1 + 3 * components,
    }
    return outputs[head]


def check_name(what: str, name: object, known: Collection[str]) -> None:
    """Refuse a name that there is not.

    Raises:
        UsageError: says which there are, and guesses at what was meant.

    Examples:
        >>> check_name("attention", "dot", ATTENTIONS)
    """
    if name not in tuple(known):
        raise UsageError(
            f"{what} must be one of {listed(known, most=len(known))}, but got {name!r}.{meant(name, known)}"
        )


def meant(word: object, known: Collection[str]) -> str:
    """A guess at what was meant by a name that there is not; empty where nothing is like it.

    Examples:
        >>> meant("Gauss", HEADS)
        " Did you mean 'gaussian'?"
    """
    near = get_close_matches(str(word).lower(), list(known), 1)
    return f" Did you mean {near[0]!r}?" if near else ""
