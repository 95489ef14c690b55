"""Heads of a shape: a normal distribution, Student's t, and mixtures of normal distributions.

Letters: o outputs of the decoder, Q quantiles, M components.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from foregate.core import at_least
from foregate.models.heads.base import Head, Units, normal_draws, positive, uniform_draws
from foregate.models.names import head_outputs
from foregate.models.special import log_beta, mixture_quantiles, normal_scores, student_quantiles

__all__ = ["Gaussian", "Mixture", "StudentT"]

LEAST_FREEDOM = 2.01
"""Above 2, so that there is a variance."""


@dataclass(frozen=True)
class Gaussian(Head):
    """A normal distribution.

        μ = o_1                                             (1)
        σ = softplus(o_2) + 10^-3                           (2)
        loss = log σ + (z - μ)² / (2 σ²) + log √(2π)        (3)

    Examples:
        >>> units = Units(torch.zeros(1), torch.ones(1))
        >>> Gaussian().quantiles(torch.tensor([[2.0, 0.0]]), [0.1, 0.5, 0.9], units)
        tensor([[1.1104, 2.0000, 2.8896]])
    """

    @property
    def n_outputs(self) -> int:
        """2."""
        return head_outputs("gaussian", 1, 1)

    def loss(self, raw: Tensor, target: Tensor, units: Units) -> Tensor:
        """The negative log-likelihood (...,)."""
        return _normal_loss(raw[..., 0], positive(raw[..., 1]), target)  # (1), (2), (3)

    def mean(self, raw: Tensor, units: Units) -> Tensor:
        """μ (...,)."""
        return raw[..., 0]

    def sample(self, raw: Tensor, n: int, generator: torch.Generator, units: Units) -> Tensor:
        """Draws (n, ...)."""
        return raw[..., 0] + positive(raw[..., 1]) * normal_draws(raw, n, generator)

    def _quantiles(self, raw: Tensor, levels: Sequence[float], units: Units) -> Tensor:
        scores = torch.tensor(normal_scores(levels), dtype=raw.dtype, device=raw.device)
        return raw[..., :1] + positive(raw[..., 1:]) * scores


@dataclass(frozen=True)
class StudentT(Head):
    """Student's t, moved and stretched: tails as heavy as the data asks for.

        μ = o_1                                             (1)
        σ = softplus(o_2) + 10^-3                           (2)
        ν = softplus(o_3) + 2.01                            (3)
        loss = log B(1/2, ν/2) + log √ν + log σ + (ν + 1)/2 log(1 + (z - μ)² / (ν σ²))    (4)

    Examples:
        >>> units = Units(torch.zeros(1), torch.ones(1))
        >>> StudentT().quantiles(torch.tensor([[2.0, 0.0, 0.0]]), [0.1, 0.5, 0.9], units)
        tensor([[0.8286, 2.0000, 3.1714]])
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

    def mean(self, raw: Tensor, units: Units) -> Tensor:
        """μ (...,)."""
        return raw[..., 0]

    def sample(self, raw: Tensor, n: int, generator: torch.Generator, units: Units) -> Tensor:
        """Draws (n, ...) by the polar method (Bailey 1994)."""
        location, spread, freedom = self.parts(raw)
        u, v = uniform_draws(raw, n, generator), uniform_draws(raw, n, generator)
        away = (freedom * torch.expm1(-2 / freedom * u.log())).sqrt() * (2 * math.pi * v).cos()
        return location + spread * away.to(raw.dtype)

    def _quantiles(self, raw: Tensor, levels: Sequence[float], units: Units) -> Tensor:
        location, spread, freedom = (each.unsqueeze(-1) for each in self.parts(raw))
        return location + spread * student_quantiles(freedom.squeeze(-1), levels)


@dataclass(frozen=True)
class Mixture(Head):
    """M normal distributions, each with a share: outcomes with more than one peak, or skewed ones.

        π   = softmax(o_2 … o_{M+1})                        (1)
        μ_m = o_1 + o_{M+1+m}                               (2)
        σ_m = softplus(o_{2M+1+m}) + 10^-3                  (3)
        loss = -log Σ_m π_m N(z; μ_m, σ_m²)                 (4)

    Examples:
        >>> units, two_peaks = Units(torch.zeros(1), torch.ones(1)), torch.tensor([[2.0, 0, 1, -5, 5, -1, -1]])
        >>> Mixture(2).quantiles(two_peaks, [0.1, 0.5, 0.9], units)
        tensor([[-3.1028,  6.8495,  7.3441]])
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

    def mean(self, raw: Tensor, units: Units) -> Tensor:
        """Σ_m π_m μ_m (...,)."""
        shares, means, _ = self.parts(raw)
        return (shares.exp() * means).sum(-1)

    def sample(self, raw: Tensor, n: int, generator: torch.Generator, units: Units) -> Tensor:
        """Draws (n, ...): a component by its share, then a number from it."""
        shares, means, spreads = self.parts(raw)
        u = uniform_draws(raw, n, generator).unsqueeze(-1)
        upto = shares.double().exp().cumsum(-1)
        chosen = (upto < u).sum(-1, keepdim=True).clamp_max(self.components - 1)
        mean, spread = (each.expand(n, *each.shape).gather(-1, chosen).squeeze(-1) for each in (means, spreads))
        return mean + spread * normal_draws(raw, n, generator)

    def _quantiles(self, raw: Tensor, levels: Sequence[float], units: Units) -> Tensor:
        shares, means, spreads = self.parts(raw)
        return mixture_quantiles(shares.exp(), means, spreads, levels)


def _normal_loss(mean: Tensor, spread: Tensor, target: Tensor) -> Tensor:
    """The negative logarithm of a normal density."""
    return spread.log() + 0.5 * ((target - mean) / spread) ** 2 + 0.5 * math.log(2 * math.pi)
