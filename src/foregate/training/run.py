"""Everything that changes while training, in one place, so that a run can be stopped and taken up again to the bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor

from foregate.core import ModelError
from foregate.models.network import Network
from foregate.training.batches import Batch
from foregate.training.checkpoints import Checkpoint
from foregate.training.optimizers import limit_gradient, load_optimizer, new_optimizer, optimizer_tensors, pull_to_zero
from foregate.training.options import Keep, TrainingOptions
from foregate.training.processes import Team
from foregate.training.result import Judged, Record, TrainingResult, Weights
from foregate.training.schedules import learning_rate

__all__ = ["Run", "Score"]

Score = Callable[[Network], float | Judged]
"""Validation score of a network, lower is better; or that and what else was seen."""


class Run:
    """A run of training, step by step.

    Args:
        network: with its first weights, where it is to be trained.
        options: of the run.
        team: the processes that train together.
    """

    def __init__(self, network: Network, options: TrainingOptions, team: Team) -> None:
        self.network, self.options, self.team = network.train(), options, team
        self.optimizer = new_optimizer(network, options)
        self.averaged = {name: value.clone() for name, value in network.state_dict().items()}
        self.best = {name: value.clone() for name, value in self.averaged.items()}
        self.step, self.best_step, self.best_score = 0, 0, math.inf
        self.history: tuple[Record, ...] = ()
        self.losses: list[float] = []
        self.norms: list[float] = []
        self.rate, self.norm = math.nan, math.nan
        self.carried: Tensor | None = None
        """(B, C) the state after the latest batch, if the next one goes on from it."""

    @property
    def stopped(self) -> bool:
        """Whether the last checks brought nothing better."""
        checks_since = sum(record.step > self.best_step for record in self.history)
        return checks_since >= self.options.patience and math.isfinite(self.best_score)

    def advance(self, batch: Batch, loss_of: Callable[[Batch], Tensor]) -> float:
        """One step of the optimizer, with this process's share of a batch; the loss of the whole batch.

        Raises:
            ModelError: it is no number.
        """
        share = self.team.share(batch)
        weight = float(share.weight.sum())
        options, parameters = self.options, list(self.network.parameters())
        scores = (record.score if math.isfinite(record.score) else record.loss for record in self.history)
        self.rate = learning_rate(self.step, options, scores)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        self.network.at(self.step / options.steps)
        with _seeded(options.seed, self.step, self.team.rank, parameters[0].device):
            loss = loss_of(share)
            value = self.team.mean(loss.item(), weight)
            if not math.isfinite(value):
                raise ModelError(
                    f"the training loss must be a number, but got {value} at step {self.step}. Lower the learning rate."
                )
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            self.team.average_gradients(parameters, weight)
            pull_to_zero(parameters, options.l1)
            self.norm = limit_gradient(parameters, value=options.clip_value, norm=options.clip)
            self.optimizer.step()
        self.step += 1
        self.losses.append(value)
        self.norms.append(self.norm)
        self._average()
        return value

    def norms_by_part(self) -> dict[str, float]:
        """Norms of the gradient of the latest step by the modules that have weights, before it was limited as a whole.

        Where single numbers were limited, norms are those of what they became.
        """
        squares: dict[str, float] = {}
        for name, parameter in self.network.named_parameters():
            if parameter.grad is not None:
                part = name.rpartition(".")[0]
                squares[part] = squares.get(part, 0.0) + parameter.grad.double().square().sum().item()
        limited = math.sqrt(sum(squares.values()))
        factor = self.norm / limited if limited > 0 and not self.options.clip_value else 1.0
        return {part: factor * math.sqrt(square) for part, square in squares.items()}

    def _average(self) -> None:
        # Short at first, so that the start is forgotten.
        memory = min(self.options.averaging, self.step / (self.step + 9))
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                self.averaged[name].lerp_(value, 1 - memory)
            else:
                self.averaged[name].copy_(value)

    def check_start(self, score: Score) -> float:
        """Score the first weights, which are the best so far."""
        self.best_score = self._judged(score).score
        return self.best_score

    def check(self, score: Score | None) -> bool:
        """Score the averaged weights and keep them if they are the best so far; whether they are."""
        judged = Judged()
        if score is not None:
            own = {name: each.clone() for name, each in self.network.state_dict().items()}
            self.network.load_state_dict(self.averaged)
            judged = self._judged(score)
            self.network.load_state_dict(own)
        value = judged.score
        loss, norm = (sum(numbers) / len(numbers) for numbers in (self.losses, self.norms))
        self.history += (Record(self.step, loss, value, self.rate, norm, judged.forget, judged.half_life),)
        self.losses.clear()
        self.norms.clear()
        better = value < self.best_score or math.isinf(value)
        if better:
            self.best = {name: each.clone() for name, each in self.averaged.items()}
            self.best_step, self.best_score = self.step, value
        return better

    def _judged(self, score: Score) -> Judged:
        """What the first process finds; the others hear of the score alone."""
        found = Judged()

        def look() -> float:
            nonlocal found
            with torch.inference_mode():
                given = score(self.network.eval())
            self.network.train()
            if not isinstance(given, Judged) and not math.isfinite(given):
                raise ModelError(
                    f"the validation score must be a number, but got {given} at step {self.step}. "
                    "Lower the learning rate."
                )
            found = given if isinstance(given, Judged) else Judged(given)
            return found.score

        value = self.team.said(look)
        return found if self.team.leads else Judged(value)

    def result(self, start_score: float) -> TrainingResult:
        """How it went; the weights that were to be kept are now in the network."""
        kept: dict[Keep, dict[str, Tensor]] = {"best": self.best, "last": self.averaged}
        self.network.load_state_dict(kept[self.options.keep])
        weights: dict[Keep, Weights] = {
            keep: {name: value.cpu().numpy() for name, value in tensors.items()} for keep, tensors in kept.items()
        }
        return TrainingResult(
            self.step, self.best_step, self.best_score, self.history, start_score, self.options.keep, weights
        )

    def checkpoint(self, data: int) -> Checkpoint:
        """All that is needed to go on; to be taken after a check."""
        parts = {"network": self.network.state_dict(), "average": self.averaged, "best": self.best}
        parts["optimizer"] = optimizer_tensors(self.optimizer)
        tensors = {f"{part}.{name}": value for part, values in parts.items() for name, value in values.items()}
        tensors |= {} if self.carried is None else {"carried": self.carried}
        return Checkpoint(self.options, data, self.step, self.best_step, self.best_score, self.history, tensors)

    def restore(self, saved: Checkpoint) -> None:
        """Go on from a checkpoint of the same network."""

        def part(prefix: str) -> dict[str, Tensor]:
            return {n.removeprefix(prefix): v for n, v in saved.tensors.items() if n.startswith(prefix)}

        self.network.load_state_dict(part("network."))
        device = next(self.network.parameters()).device
        self.averaged, self.best = ({n: v.to(device) for n, v in part(p).items()} for p in ("average.", "best."))
        self.step, self.best_step, self.best_score = saved.step, saved.best_step, saved.best_score
        self.history = saved.history
        self.carried = saved.tensors["carried"].to(device) if "carried" in saved.tensors else None
        load_optimizer(self.optimizer, part("optimizer."))


@contextmanager
def _seeded(seed: int, step: int, rank: int, device: torch.device) -> Iterator[None]:
    """What torch draws inside follows from the seed, the step and the process; outside nothing has changed."""
    number = int(np.random.SeedSequence([seed, step, rank]).generate_state(1, np.uint64)[0])
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        torch.default_generator.manual_seed(number)
        if on_gpu:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(number)
        yield
