"""The training loop: forked origins, planned learning rate, averaged weights, early stopping, exact resume."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foregate.core import UsageError
from foregate.models.decoders import Ahead
from foregate.models.heads import Units
from foregate.models.network import Network
from foregate.training.batches import Batch, Source
from foregate.training.checkpoints import read_checkpoint, write_checkpoint
from foregate.training.events import Callback, Event, EventName
from foregate.training.losses import masked_mean
from foregate.training.memory import freed_memory_kept
from foregate.training.options import Arithmetic
from foregate.training.precision import arithmetic
from foregate.training.processes import team_of
from foregate.training.result import TrainingResult
from foregate.training.run import Run, Score

__all__ = ["TrainingResult", "batch_loss", "batch_outputs", "train"]


def train(
    network: Network,
    crops: Source,
    *,
    score: Score | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: Path | None = None,
    from_start: bool = False,
) -> TrainingResult:
    """Train `network` in place and leave the best averaged weights in it, or the last ones.

    Of several processes that `torchrun` has started each draws its share of the batches; the first one scores, tells
    and writes, and all end with the same weights.

    Args:
        network: with its first weights.
        crops: where batches come from, and the options of the run.
        score: validation score of a network, lower is better, or that and what else there is to see of it (`Judged`);
            None to keep the last weights.
        callbacks: told of every event, one after the other.
        checkpoint: folder to write a checkpoint to at every check, and to resume from if it holds one.
        from_start: the first weights are worth something: they are scored too, and kept if nothing better comes.

    Raises:
        ModelError: the loss or the score is no longer a number.
        ArtifactError: the checkpoint is damaged, or of another run.
        UsageError: there is no such optimizer, or fewer crops in a batch than processes.
    """
    options = crops.options
    team = team_of(options.device)
    if options.stateful and team.size > 1:
        raise UsageError(
            f"stateful training must have one process, whose state is carried from batch to batch, but got {team.size}."
        )
    team.same_weights(network.to(team.device))
    run = Run(network, options, team)
    start_score = run.check_start(score) if from_start and score is not None else math.inf
    data = 0 if checkpoint is None else fingerprint_of(network, crops)
    if checkpoint is not None and from_start:  # what was trained from other weights cannot go on from these
        for value in network.state_dict().values():
            data = zlib.crc32(value.cpu().numpy().tobytes(), data)
    if checkpoint is not None and (saved := read_checkpoint(checkpoint, options, data)):
        run.restore(saved)
    team.wait()  # nobody writes before everybody has read
    tell = _Teller(run, callbacks if team.leads else ())
    tell("started")

    precision = arithmetic(options.precision, network)

    def loss_of(batch: Batch) -> Tensor:
        loss, run.carried = carried_loss(network, batch, precision, run.carried)
        return loss

    with freed_memory_kept():
        while run.step < options.steps and not run.stopped:
            loss = run.advance(crops.draw(run.step), loss_of)
            checked = run.step % options.check_every == 0 or run.step == options.steps
            improved = run.check(score) if checked else False
            if checked and checkpoint is not None and team.leads:
                write_checkpoint(checkpoint, run.checkpoint(data))
            tell("step", loss)
            if checked:
                tell("checked", loss)
            if improved:
                tell("improved", loss)
    if run.stopped and run.step < options.steps:
        tell("stopped")
    result = run.result(start_score)
    tell("finished")
    return result


def fingerprint_of(network: Network, crops: Source) -> int:
    """The same number for the same kind of network, the same data and what is made of them."""
    return zlib.crc32(repr(network.spec).encode(), crops.fingerprint)


class _Teller:
    """Tells callbacks of what happens in a run."""

    def __init__(self, run: Run, callbacks: Sequence[Callback]) -> None:
        self.run, self.callbacks = run, callbacks
        self.began, self.first = time.perf_counter(), run.step
        self.loss: float | None = None

    def __call__(self, name: EventName, loss: float | None = None) -> None:
        if not self.callbacks:
            return
        run = self.run
        self.loss = self.loss if loss is None else loss
        begun = self.loss is not None
        latest = run.history[-1].score if run.history else math.inf
        event = Event(
            name,
            run.step,
            run.options.steps,
            self.loss,
            latest if math.isfinite(latest) else None,
            run.rate if begun else None,
            run.norm if begun else None,
            (run.step - self.first) / (time.perf_counter() - self.began),
            run.history,
            norms=run.norms_by_part if begun else None,
        )
        for callback in self.callbacks:
            callback(event)


def batch_loss(network: Network, batch: Batch, precision: Arithmetic = "float32") -> Tensor:
    """Weighted loss of the network's head over all origins and steps of a batch."""
    return carried_loss(network, batch, precision)[0]


def carried_loss(
    network: Network, batch: Batch, precision: Arithmetic = "float32", carried: Tensor | None = None
) -> tuple[Tensor, Tensor | None]:
    """The same, and what is carried on (B, C) to the next batch, if crops of this one go on from `carried`."""

    def there(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(network.device).flatten(0, 1)

    units = Units(there(batch.level).unsqueeze(-1), there(batch.scale).unsqueeze(-1))
    outputs, after = batch_outputs(network, batch, precision, carried)
    loss = network.head.loss(outputs, there(batch.target), units)
    penalty = network.penalty(torch.from_numpy(batch.features).to(network.device), _begun(batch, carried))
    return masked_mean(loss, there(batch.weight)) + penalty, None if batch.carry is None else after.detach()


def batch_outputs(
    network: Network, batch: Batch, precision: Arithmetic = "float32", carried: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """What the head is told (B·O, K, N) of every origin and step of a batch, and the state after it (B, C)."""
    device = network.device

    def there(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(device)

    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        states, after = network.encode(there(batch.features), there(batch.column), _begun(batch, carried))
    came = there(batch.target).masked_fill(there(batch.weight) == 0, math.nan)
    ahead = Ahead(there(batch.k), *(each.flatten(0, 1) for each in (there(batch.steps), there(batch.paths), came)))
    outputs = network.decode(states.float().flatten(0, 1), there(batch.origin_features).flatten(0, 1), ahead)
    return outputs, after


def _begun(batch: Batch, carried: Tensor | None) -> Tensor | None:
    """What the crops of a batch go on from: the state after the batch before, or nothing."""
    if batch.carry is None or carried is None:
        return None
    return carried * torch.from_numpy(batch.carry).to(carried.device)
