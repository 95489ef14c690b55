"""One network, from its first weights to those that forecast; a forecaster may have several."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foregate.data.inputs import Inputs, InputSpec
from foregate.models.forget import retention
from foregate.models.network import Network, make_network, rows_there
from foregate.models.spec import NetworkSpec
from foregate.pipeline.augmented import AugmentedCrops
from foregate.pipeline.judge import batch_score
from foregate.pipeline.plan import HoldOut, plan_training, plan_unchecked
from foregate.pipeline.recipe import LEVELS, Recipe
from foregate.pipeline.start import Start
from foregate.training.batches import Batch, Crops, Source
from foregate.training.events import Callback
from foregate.training.loop import TrainingResult, train
from foregate.training.options import TrainingOptions
from foregate.training.result import Judged
from foregate.training.run import Score
from foregate.training.streams import Streams

__all__ = ["Member", "Task", "new_network", "prepared", "train_member"]

FINISH_SHARE = 0.2
"""After the best weights are found, this share of the steps is trained once more with the held-out rows included."""
FINISH_RATE = 0.1
"""At this share of the learning rate."""
WRITTEN_STEPS, WINDOWS, LEAST_ORIGINS = 384, 3, 4
"""Where every origin costs much, there are fewer: so many that the steps written from each crop are about 384, and
its windows together 3 times as long as it is; but no fewer than 4."""
TRUSTS = (0.25, 0.5, 0.75)
"""Shares of what training changed that are tried, between none of it and all."""


@dataclass(frozen=True)
class Task:
    """What there is to learn from, and to be judged by."""

    inputs: Inputs
    """Of the panel."""
    held: HoldOut
    """What is kept from training."""
    judged: NDArray[np.int64]
    """Numbers of the series whose held-out origins are used."""
    weights: NDArray[np.float32] | None = None
    """(N,) how much each row counts as a target; None for all alike."""


@dataclass(frozen=True)
class Member:
    """A trained network."""

    network: Network
    """With the weights that are kept."""
    start: str
    """What it began with: the name of pretrained weights, ``own`` for those of an earlier fit, or ``scratch``."""
    options: TrainingOptions
    """Of the run."""
    result: TrainingResult
    """How the run went."""
    trust: float
    """Share of what training changed that was kept, 0 to 1."""
    score: float
    """Loss on the held-out origins; infinite without any."""

    @property
    def horizon(self) -> int | None:
        """Steps ahead that are trained; None for all that are asked for."""
        return 1 if self.network.spec.built.strategy == "recursive" else None

    def finish(self, task: Task, horizon: int) -> int:
        """Train on with the held-out rows included, so that the newest observations are learnt from too; steps done."""
        steps = round(FINISH_SHARE * self.result.kept_step)
        if math.isinf(self.score) or not self.trust or not steps:
            return 0
        seed, rate = self.options.seed + 1, FINISH_RATE * self.options.rate
        options = replace(self.options, steps=steps, rate=rate, seed=seed)
        every = task.inputs.panel.lengths
        train(self.network, Crops(task.inputs, every, self.horizon or horizon, options, weights=task.weights))
        self.network.cpu().eval()  # as the engine has it that runs it already
        return steps


def train_member(
    recipe: Recipe,
    task: Task,
    start: Start | Network | None,
    *,
    callbacks: Sequence[Callback] = (),
    checkpoint: Path | None = None,
) -> Member:
    """Train a network on all but the held-out rows.

    Args:
        recipe: what to make.
        task: what to learn from.
        start: pretrained weights; a network that is trained on; None for random weights.
        callbacks: told of every event.
        checkpoint: folder to write checkpoints to, and to go on from.
    """
    network, options, horizon = prepared(recipe, task, start)
    score = _score(task, options, horizon)
    if start is not None and score is None:
        options = plan_unchecked(recipe, options)
    stride = 1 if recipe.augment is None else recipe.augment.stride
    crops = Crops(task.inputs, task.held.limits, horizon, options, weights=task.weights, stride=stride)
    source: Source = crops
    if recipe.augment is not None and recipe.augment.changes:
        source = AugmentedCrops(crops, recipe.augment)
    elif options.stateful:
        source = Streams(crops)
    first = {name: value.clone() for name, value in network.state_dict().items()} if start is not None else None
    seen = score or partial(_gates, batch=crops.draw(0))  # without a score too there is something to see
    result = train(
        network, source, score=seen, callbacks=callbacks, checkpoint=checkpoint, from_start=first is not None
    )
    network.cpu()  # wherever it was trained, it forecasts here
    trust, kept = 1.0, result.kept_score
    if first is not None and score is not None:
        trust, kept = _blend(network, first, result, score)
    label = "own" if isinstance(start, Network) else "scratch" if start is None else start.label
    return Member(network, label, options, result, trust, kept)


def prepared(recipe: Recipe, task: Task, start: Start | Network | None) -> tuple[Network, TrainingOptions, int]:
    """The network with its first weights, the options of its run, and the steps ahead that it is trained for."""
    panel, spec = task.inputs.panel, task.inputs.spec
    network = copy.deepcopy(start) if isinstance(start, Network) else new_network(recipe, spec, start)
    strategy = network.spec.built.strategy
    options = plan_training(recipe, panel, spec.seasons, pretrained=start is not None)
    every = options.every_step or strategy == "seq2seq"
    options = replace(options, every_step=every, origins=_origins(network, recipe.horizon, options))
    return network, options, 1 if strategy == "recursive" else recipe.horizon


def new_network(recipe: Recipe, spec: InputSpec, start: Start | None = None) -> Network:
    """A network with first weights: those of a start, with zeros for covariates and the time, or random ones.

    Random ones follow from the seed of the recipe alone.
    """
    own = {name: getattr(recipe if start is None else start.shape, name) for name in ("hidden", "decoder")}
    sizes = {name: size for name, size in own.items() if size is not None}
    layers = recipe.layers if start is None else start.shape.built.layers
    built = recipe.model.resolve(layers, spec.seasons, recipe.horizon)
    shape = NetworkSpec(spec.n_features, spec.n_steps, spec.n_profiles, LEVELS, **sizes, built=built)
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
        torch.manual_seed(recipe.seed)
        network = make_network(shape)
    if start is not None:
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                given = torch.tensor(start.weights[name])  # what it was not told comes last
                parameter.zero_()[tuple(slice(size) for size in given.shape)] = given
    return network


def _score(task: Task, options: TrainingOptions, horizon: int) -> Score | None:
    """Mean loss over the held-out origins, on numbers prepared once, and what the gates do; None where there is no
    outcome to judge by."""
    crops = Crops(task.inputs, task.inputs.panel.lengths, horizon, options, weights=task.weights)
    parts = np.array_split(task.judged, max(1, -(-len(task.judged) // 64)))
    batches = [crops.at(part, task.held.origins[part]) for part in parts if len(part)]
    sizes = [float(batch.weight.sum()) for batch in batches]
    if not sum(sizes):
        return None

    def score(network: Network) -> Judged:
        losses = [batch_score(network.eval(), batch) for batch in batches]
        found = float(np.average(losses, weights=sizes))
        return _gates(network, batches[0], found if math.isfinite(found) else math.nan)  # infinite would be: no judge

    return score


def _gates(network: Network, batch: Batch, score: float = math.inf) -> Judged:
    """A score, and what the forget gates do while they read a batch."""
    with torch.inference_mode():
        features = torch.from_numpy(batch.features).to(network.device)
        valid = rows_there(features)
        gates = [retention(f, valid[:, : f.shape[1]]) for f in network.forget_activations(features)]
    return Judged(score, tuple(gate.mean for gate in gates), tuple(gate.half_life for gate in gates))


def _blend(network: Network, first: Mapping[str, Tensor], result: TrainingResult, score: Score) -> tuple[float, float]:
    """Leave the best blend of first and trained weights in the network; how much was trusted, and its score.

    Weights along the line between a pretrained network and its fine-tuned self often forecast better than both ends,
    and never worse than the better one on what they are chosen by (WiSE-FT, Wortsman et al. 2022).
    """
    if not result.kept_step:
        return 0.0, result.start_score
    trained = {name: value.clone() for name, value in network.state_dict().items()}
    found = {0.0: result.start_score, 1.0: result.kept_score}

    def take(trust: float) -> None:
        network.load_state_dict({name: first[name].lerp(trained[name], trust) for name in trained})

    for trust in TRUSTS:
        take(trust)
        found[trust] = as_score(score(network))
    best = min(sorted(found), key=lambda trust: found[trust] if math.isfinite(found[trust]) else math.inf)
    if best == 1:
        network.load_state_dict(trained)
    else:
        take(best)
    return best, found[best]


def _origins(network: Network, horizon: int, options: TrainingOptions) -> int:
    """Origins of a crop: fewer where each costs steps of a recurrent decoder, or a window or look back of its own."""
    built, most = network.spec.built, options.origins
    if built.strategy == "seq2seq":
        most = min(most, WRITTEN_STEPS // horizon)
    if built.rows_back:
        most = min(most, WINDOWS * options.crop // built.rows_back)
    return max(most, min(LEAST_ORIGINS, options.origins))


def as_score(found: float | Judged) -> float:
    """The score alone."""
    return found.score if isinstance(found, Judged) else found
