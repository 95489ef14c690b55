"""Checkpoints of a run: safetensors and JSON in one folder, replaced in one move."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from foregate.core import ArtifactError
from foregate.core.files import write_atomically
from foregate.training.options import TrainingOptions
from foregate.training.result import Record

__all__ = ["Checkpoint", "read_checkpoint", "write_checkpoint"]

FILE = "checkpoint.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """All that a run needs to go on as if it had never stopped."""

    options: TrainingOptions
    """Of the run."""
    data: int
    """Fingerprint of what is trained on, `Crops.fingerprint`."""
    step: int
    """Steps done."""
    best_step: int
    """The step of the best weights."""
    best_score: float
    """Their validation score."""
    history: tuple[Record, ...]
    """See `TrainingResult`."""
    tensors: dict[str, Tensor]
    """Weights, averages, best weights and optimizer state."""


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write the checkpoint into `folder`, in place of the one before."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers = {  # infinite ones as Python's json has them: nobody else reads this
        "options": asdict(checkpoint.options),
        "data": checkpoint.data,
        "step": checkpoint.step,
        "best_step": checkpoint.best_step,
        "best_score": checkpoint.best_score,
        "history": [asdict(record) for record in checkpoint.history],
    }
    tensors = {name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}
    write_atomically(folder / FILE, save(tensors, {"run": json.dumps(numbers)}))


def read_checkpoint(folder: Path, options: TrainingOptions, data: int) -> Checkpoint | None:
    """The checkpoint in `folder`, or None if there is none.

    Raises:
        ArtifactError: it is damaged, or of a run with other options or on other data.
    """
    path = folder / FILE
    if not path.exists():
        return None
    raw = path.read_bytes()
    try:
        tensors = load(raw)
        header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
        numbers = json.loads(header["__metadata__"]["run"])
        saved = Checkpoint(
            options=TrainingOptions(**numbers["options"]),
            data=numbers["data"],
            step=numbers["step"],
            best_step=numbers["best_step"],
            best_score=numbers["best_score"],
            history=tuple(_record(each) for each in numbers["history"]),
            tensors=tensors,
        )
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{path} must be a checkpoint of a training run, but got a damaged file ({error}). Delete it to start anew."
        ) from error
    if saved.options != options:
        raise ArtifactError(
            f"{path} must be of a run with the same options, but got {saved.options} instead of {options}. "
            "Give another checkpoint folder, or delete it to start anew."
        )
    if saved.data != data:
        raise ArtifactError(
            f"{path} must be of a run of the same network on the same data, seasons and horizon, from the same "
            "weights, but got one of another. Give another checkpoint folder, or delete it to start anew."
        )
    return saved


def _record(numbers: dict[str, Any]) -> Record:
    """A record from JSON, which has lists for tuples."""
    given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in numbers.items()}
    return Record(**given)
