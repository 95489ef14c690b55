"""The training loop: forked origins, planned learning rate, averaged weights, early stopping, exact resume."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foregate.core import ArtifactError, ModelError, listed
from foregate.models.decoders import Ahead
from foregate.models.heads import Units
from foregate.models.network import Network
from foregate.training.batches import Batch, Source
from foregate.training.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from foregate.training.losses import masked_mean
from foregate.training.options import Precision, TrainingOptions
from foregate.training.result import TrainingResult

__all__ = ["Progress", "TrainingResult", "train"]

WARM_UP = 0.1
"""Share of the steps over which the learning rate rises."""
LAST_RATE = 1e-3
"""The learning rate ends at this share of its highest value."""


@dataclass(frozen=True)
class Progress:
    """What is known after a step; handed to `on_step`."""

    step: int
    """Steps done."""
    steps: int
    """Steps at most."""
    loss: float
    """Training loss of the step."""
    score: float | None
    """Latest validation score, lower is better; None before the first check or without validation."""
    steps_per_second: float
    """Speed so far."""


def train(
    network: Network,
    crops: Source,
    *,
    score: Callable[[Network], float] | None = None,
    on_step: Callable[[Progress], None] | None = None,
    checkpoint: Path | None = None,
    from_start: bool = False,
) -> TrainingResult:
    """Train `network` in place and leave the best averaged weights in it.

    Args:
        network: with its first weights.
        crops: where batches come from, and the options of the run.
        score: validation score of a network, lower is better; None to keep the last weights.
        on_step: told of every step.
        checkpoint: folder to write a checkpoint to at every check, and to resume from if it holds one.
        from_start: the first weights are worth something: they are scored too, and kept if nothing better comes.

    Raises:
        ModelError: the loss or the score is no longer a number.
        ArtifactError: the checkpoint is damaged, or of another run.
    """
    run = _Run(network.to(crops.options.device), crops.options)
    start_score = run.check_start(score) if from_start and score is not None else math.inf
    data = 0 if checkpoint is None else crops.fingerprint
    if checkpoint is not None and from_start:  # what was trained from other weights cannot go on from these
        for value in network.state_dict().values():
            data = zlib.crc32(value.cpu().numpy().tobytes(), data)
    if checkpoint is not None and (saved := read_checkpoint(checkpoint, crops.options, data)):
        run.restore(saved)
    began, first = time.perf_counter(), run.step
    while run.step < crops.options.steps and not run.stopped:
        loss = run.advance(crops.draw(run.step))
        checked = run.step % crops.options.check_every == 0 or run.step == crops.options.steps
        if checked:
            run.check(score)
            if checkpoint is not None:
                write_checkpoint(checkpoint, run.checkpoint(data))
        if on_step is not None:
            speed = (run.step - first) / (time.perf_counter() - began)
            latest = run.history[-1][2] if run.history and score is not None else None
            on_step(Progress(run.step, crops.options.steps, loss, latest, speed))
    network.load_state_dict(run.best)
    return TrainingResult(run.step, run.best_step, run.best_score, tuple(run.history), start_score)


def learning_rate(step: int, options: TrainingOptions) -> float:
    """Linear warm-up, then a half cosine (Loshchilov and Hutter 2017), as a function of the step alone."""
    warm = max(1, round(WARM_UP * options.steps))
    if step < warm:
        return options.rate * (step + 1) / warm
    done = (step - warm) / max(1, options.steps - warm)
    return options.rate * (LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * done)))


def batch_loss(network: Network, batch: Batch, precision: Precision = "float32") -> Tensor:
    """Weighted loss of the network's head over all origins and steps of a batch."""

    def there(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(network.device).flatten(0, 1)

    units = Units(there(batch.level).unsqueeze(-1), there(batch.scale).unsqueeze(-1))
    with _drawing_from(batch.seed, network.device):
        loss = network.head.loss(batch_outputs(network, batch, precision), there(batch.target), units)
        penalty = network.penalty(torch.from_numpy(batch.features).to(network.device))
        return masked_mean(loss, there(batch.weight)) + penalty


def batch_outputs(network: Network, batch: Batch, precision: Precision = "float32") -> Tensor:
    """What the head is told (B·O, K, N) of every origin and step of a batch."""
    device = network.device

    def there(array: NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(array).to(device)

    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        states, _ = network.encode(there(batch.features), there(batch.column))
    came = there(batch.target).masked_fill(there(batch.weight) == 0, math.nan)
    ahead = Ahead(there(batch.k), *(each.flatten(0, 1) for each in (there(batch.steps), there(batch.paths), came)))
    return network.decode(states.float().flatten(0, 1), there(batch.origin_features).flatten(0, 1), ahead)


@contextmanager
def _drawing_from(seed: int, device: torch.device) -> Iterator[None]:
    """While this lasts, torch draws from a seed; afterwards as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


class _Run:
    """Everything that changes while training, so that a run can be stopped and taken up again to the bit."""

    def __init__(self, network: Network, options: TrainingOptions) -> None:
        self.network, self.options = network.train(), options
        self.optimizer = torch.optim.AdamW(network.parameters(), options.rate, weight_decay=options.decay)
        self.average = {name: value.clone() for name, value in network.state_dict().items()}
        self.best = {name: value.clone() for name, value in self.average.items()}
        self.step, self.best_step, self.best_score = 0, 0, math.inf
        self.history: list[tuple[int, float, float]] = []
        self.losses: list[float] = []

    @property
    def stopped(self) -> bool:
        """Whether the last checks brought nothing better."""
        checks_since = sum(step > self.best_step for step, _, _ in self.history)
        return checks_since >= self.options.patience and math.isfinite(self.best_score)

    def advance(self, batch: Batch) -> float:
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.step, self.options)
        self.network.at(self.step / self.options.steps)
        loss = batch_loss(self.network, batch, self.options.precision)
        value = loss.item()
        if not math.isfinite(value):
            raise ModelError(
                f"the training loss must be a number, but got {value} at step {self.step}. Lower the learning rate."
            )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), self.options.clip)
        self.optimizer.step()
        self.step += 1
        memory = min(
            self.options.averaging, self.step / (self.step + 9)
        )  # short at first, so that the start is forgotten
        for name, parameter in self.network.state_dict().items():
            self.average[name].lerp_(parameter, 1 - memory)
        self.losses.append(value)
        return value

    def check_start(self, score: Callable[[Network], float]) -> float:
        """Score the first weights, which are the best so far."""
        self.best_score = self._scored(score)
        return self.best_score

    def check(self, score: Callable[[Network], float] | None) -> None:
        """Score the averaged weights and keep them if they are the best so far."""
        value = math.inf
        if score is not None:
            own = {name: parameter.clone() for name, parameter in self.network.state_dict().items()}
            self.network.load_state_dict(self.average)
            value = self._scored(score)
            self.network.load_state_dict(own)
        self.history.append((self.step, sum(self.losses) / len(self.losses), value))
        self.losses.clear()
        if value < self.best_score or score is None:
            self.best = {name: parameter.clone() for name, parameter in self.average.items()}
            self.best_step, self.best_score = self.step, value

    def _scored(self, score: Callable[[Network], float]) -> float:
        with torch.inference_mode():
            value = score(self.network.eval())
        self.network.train()
        if not math.isfinite(value):
            raise ModelError(
                f"the validation score must be a number, but got {value} at step {self.step}. Lower the learning rate."
            )
        return value

    def checkpoint(self, data: int) -> Checkpoint:
        tensors = {f"network.{n}": v for n, v in self.network.state_dict().items()}
        tensors |= {f"average.{n}": v for n, v in self.average.items()}
        tensors |= {f"best.{n}": v for n, v in self.best.items()}
        for i, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{n}": v for n, v in state.items()}
        return Checkpoint(self.options, data, self.step, self.best_step, self.best_score, tuple(self.history), tensors)

    def restore(self, saved: Checkpoint) -> None:
        def part(prefix: str) -> dict[str, Tensor]:
            return {n.removeprefix(prefix): v for n, v in saved.tensors.items() if n.startswith(prefix)}

        network = part("network.")
        own, given = ({n: tuple(v.shape) for n, v in all_.items()} for all_ in (self.network.state_dict(), network))
        if own != given:
            differing = listed(sorted(n for n in own.keys() | given.keys() if own.get(n) != given.get(n)))
            raise ArtifactError(
                f"the checkpoint must be of a network of the same shape, but got another one: {differing} differ. "
                "Give another checkpoint folder, or delete it to start anew."
            )
        self.network.load_state_dict(network)
        device = self.options.device
        self.average, self.best = ({n: v.to(device) for n, v in part(p).items()} for p in ("average.", "best."))
        self.step, self.best_step, self.best_score = saved.step, saved.best_step, saved.best_score
        self.history = list(saved.history)
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in part("optimizer.").items():
            i, field_name = name.split(".", 1)
            state.setdefault(int(i), {})[field_name] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
