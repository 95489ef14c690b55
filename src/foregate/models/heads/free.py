"""Heads that assume no shape: a point, and quantiles.

Letters: Q quantiles, N outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import torch
from torch import Tensor
from torch.nn import functional

from foregate.core import UsageError, listed
from foregate.models.heads.base import Head, Units, check_levels
from foregate.models.names import PointLoss, head_outputs

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
    return (levels * error + functional.relu(-error)).mean(-1)  # the same, with less to remember for the gradient


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


@dataclass(frozen=True)
class Quantiles(Head):
    """Quantiles that cannot cross, trained by the pinball loss.

        z_0.5 = o_1                                            (1) the median
        z_q   = z_0.5 ± Σ softplus(o_j), steps from the median outwards to q     (2) the others

    Examples:
        >>> Quantiles((0.1, 0.5, 0.9)).said(torch.tensor([[2.0, 0.0, 1.0]]))
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
        steps = functional.softplus(raw)[..., 1:]  # of all, which lie side by side: quicker than of a part
        down, up = steps[..., :side].cumsum(-1).flip(-1), steps[..., side:].cumsum(-1)
        return torch.cat([median - down, median, median + up], -1)  # (2)

    def loss(self, raw: Tensor, target: Tensor, units: Units) -> Tensor:
        """The pinball loss (...,), averaged over the levels."""
        return pinball(target, self.said(raw), torch.tensor(self.levels, dtype=raw.dtype, device=raw.device))
