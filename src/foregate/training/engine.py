"""The network run by torch: arrays in, arrays out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from foregate.core import UsageError
from foregate.models.network import Network

__all__ = ["TorchEngine", "require_device"]

Float32Array = NDArray[np.float32]


class TorchEngine:
    """See `foregate.core.Engine`."""

    def __init__(self, network: Network) -> None:
        self.network = network.eval()

    def weights(self) -> dict[str, Float32Array]:
        """Its parameters."""
        return {name: values.detach().cpu().numpy() for name, values in self.network.state_dict().items()}

    def encode(self, features: Float32Array, carried: Float32Array | None = None) -> tuple[Float32Array, Float32Array]:
        """Features (B, T, F) to states (B, T, H) and what to carry on (2L, B, H)."""
        with torch.inference_mode():
            before = None if carried is None else torch.from_numpy(carried)
            states, after = self.network.encode(torch.from_numpy(features), before)
        return states.numpy(), after.numpy()

    def decode(
        self, states: Float32Array, features: Float32Array, steps: Float32Array, profiles: Float32Array
    ) -> Float32Array:
        """States (B, H), features (B, F), steps (B, K, S) and paths (B, K, P) to quantiles (B, K, Q)."""
        with torch.inference_mode():
            given = (torch.from_numpy(a) for a in (states, features, steps, profiles))
            quantiles: Float32Array = self.network.decode(*given).numpy()
        return quantiles


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
