"""What all heads have in common: the interface, the units, and how outputs become positive numbers.

Quantiles, means and draws are in `foregate.forecasting.distributions`, for those who only run networks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import pairwise
from typing import ClassVar, NamedTuple

from torch import Tensor
from torch.nn import functional

from foregate.core import UsageError
from foregate.models.names import LEAST_SPREAD

__all__ = ["Head", "Units", "check_levels", "positive"]


class Units(NamedTuple):
    """What a forecast z is told in: y = level + scale z is the value in the units of the data.

    Both (...,), broadcast against targets: (B, 1) beside targets (B, K).
    """

    level: Tensor
    """What z = 0 stands for."""
    scale: Tensor
    """What z = 1 stands above it, positive."""


def positive(raw: Tensor) -> Tensor:
    """A number above LEAST_SPREAD for any output, growing in proportion to large ones."""
    return functional.softplus(raw) + LEAST_SPREAD


def check_levels(levels: Sequence[float]) -> None:
    """Refuse probabilities that are none, or do not ascend.

    Raises:
        UsageError: says which.

    Examples:
        >>> check_levels([0.1, 0.5, 0.9])
    """
    if not levels or not all(0 < p < 1 for p in levels) or not all(low < high for low, high in pairwise(levels)):
        raise UsageError(
            f"levels must be ascending probabilities between 0 and 1, but got {list(levels)}. "
            "Give for example levels=[0.1, 0.5, 0.9]."
        )


class Head(ABC):
    """Turns the N outputs of a decoder for one step into a distribution to be trained, in units of the origin's scale.

    The first output is where the distribution lies: add to it, and the distribution moves by as much (that of counts,
    which stays above 0, by nearly as much). A head has no weights of its own, and every step stands alone.
    """

    counts: ClassVar[bool] = False
    """Whether outcomes are whole numbers in the units of the data. Then `units` are read, and y is level + scale z;
    for all other heads they may be anything."""

    @property
    @abstractmethod
    def n_outputs(self) -> int:
        """N, outputs of the decoder for one step."""

    def said(self, raw: Tensor) -> Tensor:
        """What leaves the network (..., N): parameters of a distribution, unless the head says otherwise."""
        return raw

    @abstractmethod
    def loss(self, raw: Tensor, target: Tensor, units: Units) -> Tensor:
        """How bad the distribution of outputs (..., N) is where the target (...,) came: (...,), lower is better.

        The negative logarithm of the likelihood where there is one; the head's own error where there is none.
        """
