"""Heads of a shape: a normal distribution, Student's t, and mixtures of normal distributions.

Letters: o outputs of the decoder, M components.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from foregate.core import at_least
from foregate.models.heads.base import Head, Units, positive
from foregate.models.names import LEAST_FREEDOM, head_outputs
from foregate.models.special import log_beta

__all__ = ["Gaussian", "Mixture", "StudentT"]


@dataclass(frozen=True)
class Gaussian(Head):
    """A normal distribution.

        μ = o_1                                             (1)
        σ = softplus(o_2) + 10^-3                           (2)
        loss = log σ + (z - μ)² / (2 σ²) + log √(2π)        (3)

    Examples:
        >>> units = Units(torch.zeros(1), torch.ones(1))
        >>> Gaussian().loss(torch.tensor([[2.0, 0.0]]), torch.tensor([2.0]), units)
        tensor([0.5539])
    """

    @property
    def n_outputs(self) -> int:
        """2."""
        return head_outputs("gaussian", 1, 1)

    def loss(self, raw: Tensor, target: Tensor, units: Units) -> Tensor:
        """The negative log-likelihood (...,)."""
        return _normal_loss(raw[..., 0], positive(raw[..., 1]), target)  # (1), (2), (3)


@dataclass(frozen=True)
class StudentT(Head):
    """Student's t, moved and stretched: tails as heavy as the data asks for.

        μ = o_1                                             (1)
        σ = softplus(o_2) + 10^-3                           (2)
        ν = softplus(o_3) + 2.01                            (3)
        loss = log B(1/2, ν/2) + log √ν + log σ + (ν + 1)/2 log(1 + (z - μ)² / (ν σ²))    (4)

    Examples:
        >>> units = Units(torch.zeros(1), torch.ones(1))
        >>> StudentT().loss(torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([2.0]), units)
        tensor([0.6445])
    """

    @property
    def n_outputs(self) -> int:
        """3."""
        return head_outputs("student-t", 1, 1)

    def parts(self, raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """μ, σ and ν, each (...,)."""
        location, spread, freedom = raw.unbind(-1)
        return location, positive(spread), functional.softplus(freedom) + LEAST_FREEDOM  # (1), (2), (3)

    def loss(self, raw: Tensor, target: Tensor, units: Units) -> Tensor:
        """The negative log-likelihood (...,)."""
        location, spread, freedom = self.parts(raw)
        constant = log_beta(torch.full_like(freedom, 0.5), freedom / 2).to(raw.dtype) + 0.5 * freedom.log()
        far = ((target - location) / spread) ** 2
        return constant + spread.log() + (freedom + 1) / 2 * torch.log1p(far / freedom)  # (4)


@dataclass(frozen=True)
class Mixture(Head):
    """M normal distributions, each with a share: outcomes with more than one peak, or skewed ones.

        π   = softmax(o_2 … o_{M+1})                        (1)
        μ_m = o_1 + o_{M+1+m}                               (2)
        σ_m = softplus(o_{2M+1+m}) + 10^-3                  (3)
        loss = -log Σ_m π_m N(z; μ_m, σ_m²)                 (4)

    Examples:
        >>> units, two_peaks = Units(torch.zeros(1), torch.ones(1)), torch.tensor([[2.0, 0, 1, -5, 5, -1, -1]])
        >>> Mixture(2).loss(two_peaks.expand(3, -1), torch.tensor([-3.0, 2.0, 7.0]), units)
        tensor([1.0747e+00, 1.2633e+02, 7.4671e-02])
    """

    components: int = 3
    """M."""

    def __post_init__(self) -> None:
        at_least(1, components=self.components)

    @property
    def n_outputs(self) -> int:
        """1 + 3 M."""
        return head_outputs("mixture", 1, self.components)

    def parts(self, raw: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """log π, μ and σ, each (..., M)."""
        location, shares, offsets, spreads = torch.split(raw, [1, *[self.components] * 3], -1)
        return torch.log_softmax(shares, -1), location + offsets, positive(spreads)  # (1), (2), (3)

    def loss(self, raw: Tensor, target: Tensor, units: Units) -> Tensor:
        """The negative log-likelihood (...,)."""
        shares, means, spreads = self.parts(raw)
        return -torch.logsumexp(shares - _normal_loss(means, spreads, target.unsqueeze(-1)), -1)  # (4)


def _normal_loss(mean: Tensor, spread: Tensor, target: Tensor) -> Tensor:
    """The negative logarithm of a normal density."""
    return spread.log() + 0.5 * ((target - mean) / spread) ** 2 + 0.5 * math.log(2 * math.pi)
