"""The network run by ONNX Runtime: arrays in, arrays out, no torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import ArtifactError
from foregate.models.spec import NetworkSpec
from foregate.persistence.export import Weights

__all__ = ["OnnxEngine", "StoredNetwork"]

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class StoredNetwork:
    """A network as it lies in a folder."""

    shape: NetworkSpec
    """Its sizes."""
    weights: Weights
    """Its parameters, float32."""
    encoder: bytes
    """ONNX graph of `Engine.encode`."""
    decoder: bytes
    """ONNX graph of `Engine.decode`."""


class OnnxEngine:
    """See `foregate.core.Engine`."""

    def __init__(self, network: StoredNetwork, threads: int | None = None) -> None:
        """Start two sessions.

        Args:
            network: as saved.
            threads: of each session; None for OMP_NUM_THREADS, which torch obeys too, or else one per usable core.

        Raises:
            ArtifactError: a graph is damaged, or is not of this network.
        """
        s = network.shape
        self.network = network
        self.threads = _default_threads() if threads is None else threads
        self._encoder = self._start(
            "encoder",
            network.encoder,
            {"features": (s.n_features, 2), "carried": (s.hidden, 2)},
            {"states": (s.hidden, 2), "after": (s.hidden, 2)},
        )
        self._decoder = self._start(
            "decoder",
            network.decoder,
            {
                "states": (s.hidden, 1),
                "features": (s.n_features, 1),
                "steps": (s.n_steps, 2),
                "profiles": (s.n_profiles, 2),
            },
            {"quantiles": (s.n_quantiles, 2)},
        )

    def weights(self) -> Weights:
        """Its parameters."""
        return self.network.weights

    def encode(self, features: Float32Array, carried: Float32Array | None = None) -> tuple[Float32Array, Float32Array]:
        """Features (B, T, F) to states (B, T, H) and what to carry on (2L, B, H)."""
        if carried is None:
            s = self.network.shape
            carried = np.zeros((2 * s.layers, len(features), s.hidden), np.float32)
        states, after = self._encoder.run(["states", "after"], {"features": features, "carried": carried})
        return states, after

    def decode(
        self, states: Float32Array, features: Float32Array, steps: Float32Array, profiles: Float32Array
    ) -> Float32Array:
        """States (B, H), features (B, F), steps (B, K, S) and paths (B, K, P) to quantiles (B, K, Q)."""
        given = {"states": states, "features": features, "steps": steps, "profiles": profiles}
        quantiles: Float32Array = self._decoder.run(["quantiles"], given)[0]
        return quantiles

    def _start(
        self, name: str, graph: bytes, inputs: dict[str, tuple[int, int]], outputs: dict[str, tuple[int, int]]
    ) -> Any:
        """A session whose arrays have the given last axis and number of free axes before it."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what it has to say is raised
        try:
            session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no base class of their own
            reason = str(error).splitlines()[0]
            raise ArtifactError(
                f"{name}.onnx must be a graph that ONNX Runtime can run, but got {reason} Save the model anew."
            ) from error
        for kind, wanted, found in (
            ("inputs", inputs, session.get_inputs()),
            ("outputs", outputs, session.get_outputs()),
        ):
            _require_arrays(f"{kind} of {name}.onnx", wanted, found)
        return session


def _require_arrays(what: str, wanted: dict[str, tuple[int, int]], found: Sequence[Any]) -> None:
    expected = {name: ("tensor(float)", free + 1, last) for name, (last, free) in wanted.items()}
    there = {each.name: (each.type, len(each.shape), each.shape[-1] if each.shape else None) for each in found}
    if there != expected:
        raise ArtifactError(f"the {what} must be {expected}, but got {there}. Save the model anew.")


def _default_threads() -> int:
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdigit() and int(wish) > 0:
        return int(wish)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
