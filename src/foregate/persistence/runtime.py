"""The network run by ONNX Runtime: arrays in, arrays out, no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import Ahead, ArtifactError, Manner
from foregate.models.spec import NetworkSpec
from foregate.persistence.export import Port, Ports, Weights, decoder_ports, encoder_ports

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
        self.network = network
        self.threads = _default_threads() if threads is None else threads
        _require_decoder(network)
        ports = decoder_ports(network.shape)
        self._asks, self._outputs = tuple(ports.inputs), int(ports.outputs["said"].axes[-1])
        self._encoder = self._start(encoder_ports(network.shape), network.encoder)
        self._decoder = self._start(ports, network.decoder)

    @property
    def shape(self) -> NetworkSpec:
        """Its sizes, and what it is made of."""
        return self.network.shape

    @property
    def manner(self) -> Manner:
        """How it forecasts."""
        return self.network.shape.manner

    @property
    def carries(self) -> int:
        """C, how many numbers of a series are carried on."""
        return self.network.shape.carries

    @property
    def width(self) -> int:
        """W, numbers of a state."""
        return self.network.shape.width

    def weights(self) -> Weights:
        """Its parameters."""
        return self.network.weights

    def encode(
        self, features: Float32Array, columns: NDArray[np.int64], carried: Float32Array | None = None
    ) -> tuple[Float32Array, Float32Array]:
        """Features (B, T, F) to states (B, O, W) at columns (B, O) and what to carry on (B, C)."""
        B, n = columns.shape
        if carried is None:
            carried = np.zeros((B, self.carries), np.float32)
        if not features.size:  # a recurrent layer without anything to read ends the process
            return np.zeros((B, n, self.width), np.float32), carried
        given = {"features": features, "columns": columns if n else np.zeros((B, 1), np.int64), "carried": carried}
        states, after = _ran(self._encoder, "encoder", ["states", "after"], given)
        if states.shape != (B, max(n, 1), self.width) or after.shape != (B, self.carries):
            raise _other("encoder", f"{states.shape} and {after.shape}")
        return states[:, :n], after

    def decode(self, states: Float32Array, features: Float32Array, ahead: Ahead) -> Float32Array:
        """States (B, W) and features (B, F) to what is said of the steps ahead (B, K, N)."""
        if not len(states) or not len(ahead.k):
            return np.zeros((len(states), len(ahead.k), self._outputs), np.float32)
        known = {"states": states, "features": features, "k": ahead.k, "steps": ahead.steps, "paths": ahead.paths}
        (said,) = _ran(self._decoder, "decoder", ["said"], {name: known[name] for name in self._asks})
        if said.shape != (len(states), len(ahead.k), self._outputs):
            raise _other("decoder", str(said.shape))
        return said

    def _start(self, ports: Ports, graph: bytes) -> Any:
        """A session that takes and gives these arrays."""
        # Unless somebody wants it, nobody is told who runs which model, and no number of this machine is written into
        # the home folder: ONNX Runtime asks this when it is loaded.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # one would be kept for every size of a batch there has been
        options.log_severity_level = 4  # what it has to say is raised
        try:
            session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no base class of their own
            reason = str(error).splitlines()[0]
            raise ArtifactError(
                f"{ports.name}.onnx must be a graph that ONNX Runtime can run, but got {reason} Save the model anew."
            ) from error
        _require_arrays(f"inputs of {ports.name}.onnx", ports.inputs, session.get_inputs())
        _require_arrays(f"outputs of {ports.name}.onnx", ports.outputs, session.get_outputs())
        return session


def _ran(session: Any, name: str, outputs: list[str], given: Mapping[str, Any]) -> list[Float32Array]:
    """What a graph says.

    Raises:
        ArtifactError: it cannot be run with these arrays, though they are such as it says that it takes.
    """
    try:
        found: list[Float32Array] = session.run(outputs, given)
    except Exception as error:  # its exceptions have no base class of their own
        raise _other(name, str(error).splitlines()[0]) from error
    return found


def _other(name: str, got: str) -> ArtifactError:
    return ArtifactError(
        f"{name}.onnx must give an array for any number of series and steps, but got {got:.300}. Save the model anew."
    )


def _require_decoder(network: StoredNetwork) -> None:
    """Refuse weights of another width of the decoder, which shows in no array that goes in or out."""
    inner = ("decoder.mid.weight", "decoder.step.weight")
    found = {len(values) for name, values in network.weights.items() if name.endswith(inner)}
    if found != {network.shape.decoder}:
        raise ArtifactError(
            f"the decoder must be {network.shape.decoder} wide, as the network's sizes say, but got weights of "
            f"{sorted(found)}. Save the model anew."
        )


def _require_arrays(what: str, wanted: Mapping[str, Port], found: Sequence[Any]) -> None:
    """Refuse arrays of other names, types or lengths; axes of any length may go by any letter."""
    expected = {name: _said(port.kind, port.axes) for name, port in wanted.items()}
    there = {each.name: _said(each.type.removeprefix("tensor(").removesuffix(")"), each.shape) for each in found}
    if there != expected:
        raise ArtifactError(f"the {what} must be {_listed(expected)}, but got {_listed(there)}. Save the model anew.")


def _said(kind: str, axes: Sequence[str | int | None]) -> str:
    return f"{kind}[{', '.join(str(n) if isinstance(n, int) else '·' for n in axes)}]"


def _listed(arrays: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {array}" for name, array in arrays.items())


def _default_threads() -> int:
    wish = os.environ.get("OMP_NUM_THREADS", "")
    if wish.isdigit() and int(wish) > 0:
        return int(wish)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
