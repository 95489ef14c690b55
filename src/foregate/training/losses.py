"""Losses over forked origins, with masks."""

from __future__ import annotations

from torch import Tensor

__all__ = ["masked_mean"]


def masked_mean(loss: Tensor, weight: Tensor) -> Tensor:
    """Mean of `loss` weighted by `weight` of the same shape; 0 where nothing counts."""
    return (loss * weight).sum() / weight.sum().clamp(min=1e-9)
