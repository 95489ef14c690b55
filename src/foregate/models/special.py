"""The logarithm of the beta function by plain tensor operations, with no loop whose length depends on the data.

It reckons in double precision, whatever it is given.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["log_beta"]

SHIFT = 8
"""Stirling's series is taken this far above an argument."""
STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)


def log_beta(a: Tensor, b: Tensor) -> Tensor:
    """log B(a, b) = log Γ(a) + log Γ(b) - log Γ(a + b) for a, b > 0.

    Stirling's series at a + 8 and b + 8, brought back by Γ(x + 1) = x Γ(x). The large terms of the three logarithms are
    taken together, so that no digits are lost where one argument is many times the other.

    Examples:
        >>> log_beta(torch.tensor([2.0]), torch.tensor([3.0])).exp() * 12
        tensor([1.0000], dtype=torch.float64)
    """
    a, b = a.double(), b.double()
    both = a + b
    steps = sum(((both + i) / (a + i) * ((both + SHIFT + i) / (b + i))).log() for i in range(SHIFT))
    low, high, both = a.minimum(b) + SHIFT, a.maximum(b) + SHIFT, both + 2 * SHIFT
    large = (low - 0.5) * (low / both).log() + (high - 0.5) * torch.log1p(-low / both) - 0.5 * both.log()
    return large + 0.5 * math.log(2 * math.pi) + _stirling(low) + _stirling(high) - _stirling(both) + steps


def _stirling(x: Tensor) -> Tensor:
    """What log Γ(x) has beyond (x - 1/2) log x - x + log √(2π)."""
    return torch.stack([c * x ** -(2 * i + 1) for i, c in enumerate(STIRLING)]).sum(0)
