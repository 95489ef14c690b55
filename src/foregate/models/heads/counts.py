"""A head for counts: whole numbers from 0 on, in the units of the data.

Letters: o outputs of the decoder, Q quantiles, J bins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from foregate.models.heads.base import Head, Units, positive
from foregate.models.names import head_outputs
from foregate.models.special import log_beta

__all__ = ["NegativeBinomial"]

LEAST_EXCESS = 1e-3
"""Share of the mean that the variance exceeds it by at least: a size without end would be Poisson's distribution."""
BINS = 128
"""Of equal width and of growing width, as many of each: while counts are fewer, each has its own."""
BEYOND = 12.0
"""What lies below the first bin has less than e^-12 times the lowest probability that is asked for."""
MOST = 1e18
"""Draws at rates beyond this, about the most that 64 bits can count to, are the rates themselves."""


@dataclass(frozen=True)
class NegativeBinomial(Head):
    """The negative binomial distribution: counts, more spread out than Poisson's (as in Salinas et al. 2020).

    Outputs mean the same as those of other heads, a place and a spread in units of scale, whatever the size of the
    counts. The softplus of the mean is that line itself where it lies high above 0.

        y = level + scale z                                      (1) the count, rounded
        μ = scale softplus(level / scale + o_1)                  (2) the mean, above 0
        s = scale (softplus(o_2) + 10^-3)                        (3) the spread beyond Poisson's
        r = μ² / (s² + μ / 1000)                                 (4) the size: the variance is μ + μ²/r = 1.001 μ + s²
        loss = log Γ(y + 1) + log Γ(r) - log Γ(y + r) + r log(1 + μ/r) - y log(μ / (r + μ)) + log(1/scale)    (5)

    Loss (5) without its last term is -log P(y); with it, it is a density in units of scale, as that of the other heads.
    The units must be plain: y is no logarithm. Quantiles are whole numbers y, told as z.

    Examples:
        >>> units = Units(level=torch.tensor([4.0]), scale=torch.tensor([2.0]))
        >>> z = NegativeBinomial().quantiles(torch.tensor([[0.0, 0.0]]), [0.1, 0.5, 0.9], units)
        >>> 4 + 2 * z
        tensor([[1., 4., 8.]])
    """

    counts: ClassVar[bool] = True

    @property
    def n_outputs(self) -> int:
        """2."""
        return head_outputs("negative-binomial", 1, 1)

    def parts(self, raw: Tensor, units: Units) -> tuple[Tensor, Tensor]:
        """Mean μ and size r of the count, each (...,), in double precision."""
        level, scale = units.level.double(), units.scale.double()
        place, spread = raw.double().unbind(-1)
        mean = scale * functional.softplus(level / scale + place)  # (2)
        return mean, mean**2 / ((scale * positive(spread)) ** 2 + LEAST_EXCESS * mean)  # (3), (4)

    def loss(self, raw: Tensor, target: Tensor, units: Units) -> Tensor:
        """The negative log-likelihood (...,) of the count that the target stands for."""
        mean, size = self.parts(raw, units)
        y = (units.level.double() + units.scale.double() * target.double()).round().clamp_min(0)  # (1)
        return (-_log_probability(y, mean, size) - units.scale.double().log()).to(raw.dtype)  # (5)

    def mean(self, raw: Tensor, units: Units) -> Tensor:
        """The expected count (...,), in units of scale."""
        return _told(self.parts(raw, units)[0], units).to(raw.dtype)

    def sample(self, raw: Tensor, n: int, generator: torch.Generator, units: Units) -> Tensor:
        """Draws (n, ...): a rate from a gamma distribution, and a Poisson count at that rate."""
        mean, size = (each.expand(n, *each.shape) for each in self.parts(raw, units))
        rate = torch._standard_gamma(size, generator=generator) * (mean / size)
        counts = torch.poisson(rate.clamp_max(MOST), generator=generator)
        return _told(torch.where(rate > MOST, rate, counts), units).to(raw.dtype)

    def _quantiles(self, raw: Tensor, levels: Sequence[float], units: Units) -> Tensor:
        """The least count whose share of outcomes, together with lesser ones, reaches each level.

        Counts are laid into bins, one each where there are few. The probability of a wide bin is told from two places
        in it, by Gauss's rule for sums: exact for one count and for two. Its counts share it equally.
        """
        mean, size = (each.unsqueeze(-1) for each in self.parts(raw, units))
        edges = _edges(mean, size, levels)  # (..., J + 1)
        first, width = edges[..., :-1], edges.diff(dim=-1)
        middle, away = first + (width - 1) / 2, ((width**2 - 1).clamp_min(0) / 12).sqrt()
        places = torch.stack([middle - away, middle + away]).clamp_min(0)
        mass = width * _log_probability(places, mean, size).exp().mean(0)
        upto = mass.cumsum(-1)
        wanted = torch.tensor(levels, dtype=torch.float64, device=raw.device)
        bin_ = (upto.unsqueeze(-2) < wanted.unsqueeze(-1)).sum(-1).clamp_max(mass.shape[-1] - 1)  # (..., Q)
        first, width, mass, upto = (each.gather(-1, bin_) for each in (first, width, mass, upto))
        inside = (wanted - (upto - mass)) / mass.clamp_min(1e-300) * width
        y = first + (inside.ceil() - 1).clamp_min(0).minimum(width - 1)
        return _told(y, Units(units.level.unsqueeze(-1), units.scale.unsqueeze(-1)))


def _log_probability(y: Tensor, mean: Tensor, size: Tensor) -> Tensor:
    """log P(y), for what lies between two counts too; Γ(y + 1) Γ(r) / Γ(y + r) is (y + r) B(y + 1, r)."""
    ways = (y + size).log() + log_beta(y + 1, size)
    return -ways - size * torch.log1p(mean / size) - y * torch.log1p(size / mean)


def _told(y: Tensor, units: Units) -> Tensor:
    """A count in units of scale above the level."""
    return (y - units.level.double()) / units.scale.double()


def _edges(mean: Tensor, size: Tensor, levels: Sequence[float]) -> Tensor:
    """The first count of every bin and one past the last, (..., J + 1), around all quantiles from (..., 1) parameters.

    The ends are bounds of a gamma mixture's tails (Boucheron, Lugosi and Massart 2013, section 2.4). Bins grow in
    width with their distance from the lower end, as a size below 1 needs, and half of them do not, as a large one does.
    """
    variance, beyond = mean + mean**2 / size, -math.log1p(-levels[-1])
    low = (mean - (2 * variance * (BEYOND - math.log(levels[0]))).sqrt()).clamp_min(0).floor()
    high = (mean + (2 * variance * beyond).sqrt() + (mean / size + 1) * beyond).ceil()
    even = torch.linspace(0, 1, BINS, dtype=torch.float64, device=mean.device)
    growing = torch.expm1((high - low).log1p() * even)
    edges = torch.cat([low + (high - low) * even, low + growing], -1).floor().sort(-1).values
    return torch.cat([edges, high + 1], -1)
