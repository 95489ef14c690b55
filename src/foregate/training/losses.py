"""Losses over forked origins, with masks."""

from __future__ import annotations

from torch import Tensor

__all__ = ["masked_mean", "pinball"]


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


def masked_mean(loss: Tensor, weight: Tensor) -> Tensor:
    """Mean of `loss` weighted by `weight` of the same shape; 0 where nothing counts."""
    return (loss * weight).sum() / weight.sum().clamp(min=1e-9)
