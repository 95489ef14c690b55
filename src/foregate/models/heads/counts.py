"""A head for counts: whole numbers from 0 on, in the units of the data.

Letters: o outputs of the decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from foregate.models.heads.base import Head, Units, positive
from foregate.models.names import LEAST_EXCESS, LEAST_MEAN, head_outputs
from foregate.models.special import log_beta

__all__ = ["NegativeBinomial"]


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
    The units must be plain: y is no logarithm.

    Examples:
        >>> units = Units(level=torch.tensor([4.0]), scale=torch.tensor([2.0]))
        >>> NegativeBinomial().loss(torch.tensor([[0.0, 0.0]]), torch.tensor([0.0]), units)
        tensor([1.1255])
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
        mean = (scale * functional.softplus(level / scale + place)).clamp_min(LEAST_MEAN)  # (2)
        return mean, mean**2 / ((scale * positive(spread)) ** 2 + LEAST_EXCESS * mean)  # (3), (4)

    def loss(self, raw: Tensor, target: Tensor, units: Units) -> Tensor:
        """The negative log-likelihood (...,) of the count that the target stands for."""
        mean, size = self.parts(raw, units)
        y = (units.level.double() + units.scale.double() * target.double()).round().clamp_min(0)  # (1)
        return (-_log_probability(y, mean, size) - units.scale.double().log()).to(raw.dtype)  # (5)


def _log_probability(y: Tensor, mean: Tensor, size: Tensor) -> Tensor:
    """log P(y), for what lies between two counts too; Γ(y + 1) Γ(r) / Γ(y + r) is (y + r) B(y + 1, r)."""
    ways = (y + size).log() + log_beta(y + 1, size)
    return -ways - size * torch.log1p(mean / size) - y * torch.log1p(size / mean)
