"""Networks on disk and what runs them: torch where it is installed, ONNX Runtime everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from foregate.core import ArtifactError, Engine, MissingExtraError, UsageError
from foregate.forecasting.ensemble import Ensemble
from foregate.persistence.export import decoder_graph, encoder_graph
from foregate.persistence.runtime import OnnxEngine, StoredNetwork
from foregate.persistence.tensors import Form

if TYPE_CHECKING:
    from foregate.models.network import Network

__all__ = [
    "DECODER",
    "ENCODER",
    "WEIGHT",
    "WEIGHTS",
    "as_torch",
    "require_runtime",
    "start_engine",
    "start_together",
    "stored",
    "stored_network",
]

WEIGHTS, ENCODER, DECODER = "weights.safetensors", "encoder.onnx", "decoder.onnx"
"""The files of a network."""
WEIGHT = Form(np.float32, None)
"""What every array of a network's weights must be; its name and shape are for torch to judge."""
RUNTIMES = ("auto", "torch", "onnx")


def require_runtime(runtime: str) -> None:
    """Refuse a runtime that there is not.

    Raises:
        UsageError: lists those that there are.
    """
    if runtime not in RUNTIMES:
        raise UsageError(f"runtime must be one of {', '.join(RUNTIMES)}, but got {runtime!r}. Choose one of these.")


def stored(engine: Engine) -> tuple[list[StoredNetwork], tuple[float, ...] | None]:
    """The networks behind an engine, with their graphs, and their shares where they say a mean; see `Ensemble`.

    Raises:
        UsageError: the engine is of another kind.
        MissingExtraError: the network is one of torch, and the onnx package is not installed.
    """
    if isinstance(engine, Ensemble):
        return [network for member in engine.engines for network in stored(member)[0]], engine.shares
    if isinstance(engine, OnnxEngine):
        return [engine.network], None
    from foregate.training.engine import TorchEngine

    if not isinstance(engine, TorchEngine):
        raise UsageError(f"the engine must be one of torch or ONNX, but got {type(engine).__name__}.")
    return [stored_network(engine.network)], None


def stored_network(network: Network) -> StoredNetwork:
    """A network of torch with its graphs.

    Raises:
        MissingExtraError: the onnx package is not installed.
    """
    weights = {name: values.detach().cpu().numpy() for name, values in network.state_dict().items()}
    shape = network.spec
    return StoredNetwork(shape, weights, encoder_graph(shape, weights), decoder_graph(shape, weights))


def as_torch(engine: Engine) -> Engine:
    """The same networks run by torch.

    Raises:
        MissingExtraError: torch is not installed.
    """
    return start_together(*stored(engine), "torch")


def start_together(networks: Sequence[StoredNetwork], shares: tuple[float, ...] | None, runtime: str) -> Engine:
    """What runs one stored network or several; see `start_engine` and `Ensemble`."""
    engines = [start_engine(network, runtime) for network in networks]
    return engines[0] if len(engines) == 1 else Ensemble(engines, shares)


def start_engine(network: StoredNetwork, runtime: str) -> Engine:
    """What runs a stored network.

    Args:
        network: from a folder.
        runtime: ``torch``, ``onnx``, or ``auto`` for torch where it is installed.

    Raises:
        MissingExtraError: torch is asked for, and not installed.
        ArtifactError: a graph is damaged, or the weights are not of this network.
    """
    if runtime == "onnx":
        return OnnxEngine(network)
    try:
        import torch
    except ImportError as error:
        if runtime == "auto":
            return OnnxEngine(network)
        raise MissingExtraError("running a model with torch", "train") from error
    from foregate.models.network import make_network
    from foregate.training.engine import TorchEngine

    weights = {name: torch.tensor(values) for name, values in network.weights.items()}
    try:
        with torch.random.fork_rng(devices=[]):  # the first weights, replaced at once, are drawn from a fork
            made = make_network(network.shape)
        made.load_state_dict(weights)
    except (RuntimeError, UsageError) as error:  # lists what is missing, unknown or of another shape
        reason = " ".join(str(error).split())
        raise ArtifactError(f"{WEIGHTS} must be of its network, but got {reason:.300} Save the model anew.") from error
    return TorchEngine(made)
