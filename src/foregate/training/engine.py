"""The network run by torch: arrays in, arrays out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from foregate.core import Ahead as Asked
from foregate.core import Manner, UsageError
from foregate.models.decoders import Ahead
from foregate.models.network import Network
from foregate.models.spec import NetworkSpec

__all__ = ["TorchEngine", "require_device"]

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]


class TorchEngine:
    """See `foregate.core.Engine`."""

    def __init__(self, network: Network) -> None:
        self.network = network.eval()

    @property
    def shape(self) -> NetworkSpec:
        """Its sizes, and what it is made of."""
        return self.network.spec

    @property
    def manner(self) -> Manner:
        """How it forecasts."""
        return self.network.spec.manner

    @property
    def carries(self) -> int:
        """C, how many numbers of a series are carried on."""
        return self.network.carries

    @property
    def width(self) -> int:
        """W, numbers of a state."""
        return self.network.width

    def weights(self) -> dict[str, Float32Array]:
        """Its parameters."""
        return {name: values.detach().cpu().numpy() for name, values in self.network.state_dict().items()}

    def encode(
        self, features: Float32Array, columns: IntArray, carried: Float32Array | None = None
    ) -> tuple[Float32Array, Float32Array]:
        """Features (B, T, F) to states (B, O, W) at columns (B, O) and what to carry on (B, C)."""
        with torch.inference_mode():
            before = None if carried is None else torch.from_numpy(carried)
            states, after = self.network.encode(torch.from_numpy(features), torch.from_numpy(columns), before)
        return states.numpy(), after.numpy()

    def decode(self, states: Float32Array, features: Float32Array, ahead: Asked) -> Float32Array:
        """States (B, W) and features (B, F) to what is said of the steps ahead (B, K, N)."""
        k, steps, paths, *_ = map(torch.from_numpy, ahead)
        with torch.inference_mode():
            raw = self.network.decode(torch.from_numpy(states), torch.from_numpy(features), Ahead(k, steps, paths))
            said: Float32Array = self.network.head.said(raw).numpy()
        return said


def require_device(name: str) -> None:
    """Refuse a device that torch does not know or cannot use here.

    Raises:
        UsageError: says what torch says.
    """
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"device must be one that torch can use here, but got {name!r}: {reason} Give for example 'cpu' or 'cuda'."
        ) from error
