"""The network run by torch: arrays in, arrays out."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from foregate.models.network import Network

__all__ = ["TorchEngine"]

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
