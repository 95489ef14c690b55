"""Weights to forecast with at once: those that are shipped, others in a folder, or a network in training."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from foregate.data.inputs import InputSpec
from foregate.pipeline.start import Start

if TYPE_CHECKING:
    from foregate.models.network import Network

__all__ = ["WHICH", "start_of", "start_with"]

MOST_RECENT = 64
WHICH = ("best", "average", "network")
"""What a checkpoint holds: the best weights, their average, and the last ones."""


def start_of(weights: str, which: str = WHICH[0]) -> Start:
    """Weights of a shipped size, from a folder of such, or from a checkpoint of a run.

    The shape of a network in training is read off its weights.
    """
    from foregate.persistence.shipped import load_shipped, read_start, shipped_sizes
    from foregate.training.checkpoints import FILE

    if weights in shipped_sizes():
        return load_shipped(weights)
    path = Path(weights)
    if path.is_dir() and not (path / FILE).exists():
        return read_start(path)
    file = path / FILE if path.is_dir() else path
    if not file.exists():
        sizes = ", ".join(shipped_sizes())
        sys.exit(f"weights must be one of {sizes}, or a folder of weights or of a checkpoint, but there is no {file}.")
    return _in_training(file, which)


def _in_training(file: Path, which: str) -> Start:
    from safetensors.torch import load_file

    from foregate.pipeline.pretraining import Pretraining
    from foregate.training.options import TrainingOptions

    weights = {n.removeprefix(f"{which}."): w for n, w in load_file(file).items() if n.startswith(f"{which}.")}
    try:
        hidden, n_features = weights["encoder.inputs.weight"].shape
        decoder = len(weights["decoder.step.weight"])
        layers = len({name.split(".")[2] for name in weights if name.startswith("encoder.layers.")})
        recent = next(r for r in range(1, MOST_RECENT) if InputSpec(recent=r).n_features == n_features)
        network = Pretraining(TrainingOptions(1), hidden, layers, decoder, recent).network()
        network.load_state_dict(weights)
    except (KeyError, RuntimeError, StopIteration):
        sys.exit(
            f"{file} must be of a run of `foregate pretrain` with today's network and inputs, but got another. "
            "Train it again, or use the code that it was trained with."
        )
    raw = file.read_bytes()
    run = json.loads(json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]["run"])
    step = run["best_step"] if which == "best" else run["step"]
    return start_with(network, recent, str(file.parent), f"{which} at step {step}")


def start_with(network: Network, recent: int, name: str, version: str) -> Start:
    """A network that is in memory, as what to start from."""
    from foregate.training.engine import TorchEngine

    arrays = {each: value.detach().numpy() for each, value in network.state_dict().items()}
    return Start(network.spec, arrays, TorchEngine(network), recent, name, version)
