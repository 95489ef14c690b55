"""Heads that assume no shape: a point, and quantiles.

Letters: Q quantiles, N outputs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor
from torch.nn import functional

from foregate.core import UsageError, listed
from foregate.models.heads.base import Head, Units, check_levels, normal_draws
from foregate.models.names import PointLoss, head_outputs
from foregate.models.special import normal_scores

__all__ = ["Point", "Quantiles", "pinball"]


def pinball(target: Tensor, quantiles: Tensor, levels: Tensor) -> Tensor:
    """Pinball loss of ordered quantiles, averaged over them (Koenker and Bassett 1978).

        L_q(y, f) = max(q (y - f), (q - 1) (y - f))

    Args:
        target: (..., K) what came.
        quantiles: (..., K, Q) what was forecast.
        levels: (Q,) probabilities.

    Returns:
        (..., K)
    """
    error = target.unsqueeze(-1) - quantiles
    return (levels * error).maximum((levels - 1) * error).mean(-1)


@dataclass(frozen=True)
class Point(Head):
    """One number and no distribution.

        z = o_1                                   (1) the point

    Examples:
        >>> units = Units(torch.zeros(1), torch.ones(1))
        >>> Point("mae").loss(torch.tensor([[2.0]]), torch.tensor([5.0]), units)
        tensor([3.])
    """

    error: PointLoss = "mae"
    """What is made small: "mse" squared errors, "mae" absolute ones, "huber" squared up to one unit of scale and
    absolute beyond it."""

    def __post_init__(self) -> None:
        if self.error not in get_args(PointLoss):
            raise UsageError(f"A point's loss must be one of {listed(get_args(PointLoss))}, but got {self.error!r}.")

    @property
    def n_outputs(self) -> int:
        """1."""
        return head_outputs("point", 1, 1)

    def loss(self, raw: Tensor, target: Tensor, units: Units) -> Tensor:
        """The error (...,), of the kind that was chosen."""
        point = raw[..., 0]  # (1)
        if self.error == "mse":
            return functional.mse_loss(point, target, reduction="none")
        if self.error == "mae":
            return functional.l1_loss(point, target, reduction="none")
        return functional.huber_loss(point, target, reduction="none")

    def mean(self, raw: Tensor, units: Units) -> Tensor:
        """The point (...,)."""
        return raw[..., 0]

    def sample(self, raw: Tensor, n: int, generator: torch.Generator, units: Units) -> Tensor:
        """The point n times (n, ...): it knows no other outcome."""
        return raw[..., 0].expand(n, *raw.shape[:-1])

    def _quantiles(self, raw: Tensor, levels: Sequence[float], units: Units) -> Tensor:
        if tuple(levels) != (0.5,):
            raise UsageError(
                f"levels must be [0.5] of a head that gives a point and no distribution, but got {list(levels)}. "
                "Choose another head for intervals."
            )
        return raw


@dataclass(frozen=True)
class Quantiles(Head):
    """Quantiles that cannot cross, trained by the pinball loss.

        z_0.5 = o_1                                            (1) the median
        z_q   = z_0.5 ± Σ softplus(o_j), steps from the median outwards to q     (2) the others

    Between its levels, and beyond the outermost, quantiles are linear in the normal score.

    Examples:
        >>> units = Units(torch.zeros(1), torch.ones(1))
        >>> Quantiles((0.1, 0.5, 0.9)).quantiles(torch.tensor([[2.0, 0.0, 1.0]]), [0.1, 0.5, 0.9], units)
        tensor([[1.3069, 2.0000, 3.3133]])
    """

    levels: tuple[float, ...]
    """Probabilities of the quantiles, ascending, as many below the median as above it."""

    def __post_init__(self) -> None:
        check_levels(self.levels)
        if len(self.levels) % 2 == 0 or self.levels[len(self.levels) // 2] != 0.5:
            raise UsageError(
                f"levels must have 0.5 in the middle, but got {list(self.levels)}. "
                "Give as many below the median as above."
            )

    @property
    def n_outputs(self) -> int:
        """Q."""
        return head_outputs("quantiles", len(self.levels), 1)

    def said(self, raw: Tensor) -> Tensor:
        """Quantiles (..., Q) at the head's own levels, in order."""
        median, side = raw[..., :1], len(self.levels) // 2  # (1)
        steps = functional.softplus(raw[..., 1:])
        down, up = steps[..., :side].cumsum(-1).flip(-1), steps[..., side:].cumsum(-1)
        return torch.cat([median - down, median, median + up], -1)  # (2)

    def loss(self, raw: Tensor, target: Tensor, units: Units) -> Tensor:
        """The pinball loss (...,), averaged over the levels."""
        return pinball(target, self.said(raw), torch.tensor(self.levels, dtype=raw.dtype, device=raw.device))

    def mean(self, raw: Tensor, units: Units) -> Tensor:
        """The mean (...,) of all quantiles, which is one of the head's own ones weighted."""
        if len(self.levels) == 1:
            return raw[..., 0]
        many = [(i + 0.5) / 1000 for i in range(1000)]
        return self._quantiles(raw, many, units).mean(-1)

    def sample(self, raw: Tensor, n: int, generator: torch.Generator, units: Units) -> Tensor:
        """Draws (n, ...): the quantiles at normal scores that are drawn."""
        if len(self.levels) == 1:
            return raw[..., 0].expand(n, *raw.shape[:-1])
        z = normal_draws(raw, n, generator)
        known = torch.tensor(normal_scores(self.levels), dtype=raw.dtype, device=raw.device)
        left = torch.searchsorted(known, z).clamp(1, len(self.levels) - 1) - 1
        own = self.said(raw).expand(n, *raw.shape)
        low, high = (own.gather(-1, i.unsqueeze(-1)).squeeze(-1) for i in (left, left + 1))
        return low + (z - known[left]) / (known[left + 1] - known[left]) * (high - low)

    def _quantiles(self, raw: Tensor, levels: Sequence[float], units: Units) -> Tensor:
        own = self.said(raw)
        if tuple(levels) == self.levels:
            return own
        if len(self.levels) == 1:
            raise UsageError(
                f"levels must be {list(self.levels)} of a head that has no other, but got {list(levels)}. "
                "Give the head levels on both sides of the median."
            )
        left = [min(max(bisect_left(self.levels, p), 1), len(self.levels) - 1) - 1 for p in levels]
        known, asked = normal_scores(self.levels), normal_scores(levels)
        share = torch.tensor(
            [(z - known[i]) / (known[i + 1] - known[i]) for z, i in zip(asked, left, strict=True)],
            dtype=raw.dtype,
            device=raw.device,
        )
        low, high = own[..., left], own[..., [i + 1 for i in left]]
        return torch.where(share == 1, high, low + share * (high - low))
