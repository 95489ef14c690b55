"""From a recipe and a panel to a fitted model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foregate.core import DataError, Panel, UsageError, require_regular
from foregate.data.columns import fit_columns
from foregate.data.inputs import Inputs, InputSpec
from foregate.forecasting.fitted import Fitted, raw_quantiles
from foregate.forecasting.intervals import Calibration
from foregate.models.network import Network, NetworkSpec
from foregate.pipeline.calibration import MOST_JUDGED, Outcomes, as_wide_as, calibrated, judged_series, judged_steps
from foregate.pipeline.instant import instant
from foregate.pipeline.plan import HoldOut, hold_out, plan_training, plan_unchecked, plan_window
from foregate.pipeline.prepare import choose_seasons, few_observations, shown_seasons, typical_scale
from foregate.pipeline.recipe import LEVELS, Recipe
from foregate.pipeline.report import FitReport
from foregate.pipeline.start import Start
from foregate.training.batches import Crops
from foregate.training.engine import TorchEngine
from foregate.training.loop import Progress, TrainingResult, batch_loss, train
from foregate.training.options import TrainingOptions

__all__ = ["fit", "new_network"]

FINISH_SHARE = 0.2
"""After the best weights are found, this share of the steps is trained once more with the held-out rows included."""
FINISH_RATE = 0.1
"""At this share of the learning rate."""
TRUSTS = (0.25, 0.5, 0.75)
"""Shares of what training changed that are tried, between none of it and all."""

Score = Callable[[Network], float]


def fit(
    recipe: Recipe,
    panel: Panel,
    *,
    start: Start | None = None,
    on_step: Callable[[Progress], None] | None = None,
    checkpoint: Path | None = None,
) -> tuple[Fitted, FitReport]:
    """Train the network on every origin of every series of a regular panel.

    1. The last origins of each series are held out where it is long enough (`hold_out`).
    2. The network begins with the weights of `start`; covariates enter through inputs that begin at zero, so that its
       first forecasts are the instant ones. It is trained on the rest; the averaged weights that score best on the
       held-out origins are kept, the first ones included.
    3. Between the first and the trained weights, the blend that scores best is taken (Wortsman et al. 2022).
    4. Intervals are calibrated on the held-out origins; as far as these are few, they are as wide as the instant
       forecaster's.
    5. Training goes on for a fifth of the steps at a tenth of the rate with the held-out rows included, so that the
       newest observations are learnt from too.

    Args:
        recipe: what to make.
        panel: what to learn from.
        start: pretrained weights; None, or a recipe that asks for other sizes, to train from scratch.
        on_step: told of every step.
        checkpoint: folder to write checkpoints to, and to go on from.

    Raises:
        DataError: nothing to learn from.
    """
    if recipe.effort == "instant":
        raise UsageError("effort must be one that trains, but got 'instant'. Use foregate.pipeline.instant for it.")
    require_regular(panel)
    seasons = choose_seasons(recipe, panel)
    held = hold_out(panel, recipe.horizon, max(seasons)) if recipe.validate else _nothing_held(panel)
    _require_trainable(panel, held, recipe.horizon)
    begun = start if start is not None and recipe.start == "pretrained" and start.serves(recipe) else None
    columns = fit_columns(panel.cut(held.limits), recipe.max_categories)
    spec = InputSpec(seasons, recipe.recent, plan_window(seasons), columns)
    inputs = Inputs(panel, spec)
    options = plan_training(recipe, panel, seasons, pretrained=begun is not None)
    network = new_network(recipe, spec, begun)
    levels = torch.tensor(LEVELS, dtype=torch.float32)
    judged = judged_series(held)
    score = _score(inputs, held, judged, options, recipe.horizon, levels)
    if begun is not None and score is None:
        options = plan_unchecked(recipe, options)
    crops = Crops(inputs, held.limits, recipe.horizon, options)
    first = {name: value.clone() for name, value in network.state_dict().items()} if begun is not None else None
    result = train(
        network, crops, levels, score=score, on_step=on_step, checkpoint=checkpoint, from_start=first is not None
    )
    trust, kept = 1.0, result.best_score
    if first is not None and score is not None:
        trust, kept = _blend(network, first, result, score)
    prior = None if begun is None else _instant_widths(recipe, begun, network, inputs, held, judged)
    said = _said(network, inputs, held, judged, recipe.horizon)
    calibration = calibrated(inputs, held, judged, recipe.horizon, said, prior)
    finish = 0 if score is None or not trust else _finish(network, inputs, options, result, recipe, levels)
    fitted = Fitted(TorchEngine(network), spec, LEVELS, calibration, recipe.horizon, typical_scale(inputs))
    report = FitReport(
        seasons=shown_seasons(seasons),
        parameters=sum(p.numel() for p in network.parameters()),
        training=result,
        finish_steps=finish,
        held_out=int((held.origins >= 0).any(1).sum()),
        start="scratch" if begun is None else begun.label,
        trust=trust,
        score=kept,
        notes=(*_notes(panel, held), *_start_notes(recipe, start, begun, trust)),
    )
    return fitted, report


def _nothing_held(panel: Panel) -> HoldOut:
    return HoldOut(panel.lengths, np.full((len(panel), 1), -1))


def _require_trainable(panel: Panel, held: HoldOut, horizon: int) -> None:
    rows = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1], panel.lengths)
    known = panel.mask & (rows < np.repeat(held.limits, panel.lengths))
    counts = np.bincount(panel.row_series[known], minlength=len(panel))
    if not (counts >= 2).any():
        raise DataError(
            f"at least one series must have 2 observed values to learn from, but got at most {counts.max(initial=0)}. "
            "Give longer series or a shorter horizon."
        )
    longest = int(panel.lengths.max())
    if horizon >= longest:
        raise DataError(
            f"the horizon must be shorter than the longest series, but got {horizon} steps for {longest} rows. "
            "Give a shorter horizon, fewer windows to score, or longer series; or effort='instant' for any."
        )


def new_network(recipe: Recipe, spec: InputSpec, start: Start | None = None) -> Network:
    """A network with first weights: those of a start, with zeros for covariates, or random ones.

    Random ones follow from the seed of the recipe alone.
    """
    own = {name: getattr(recipe, name) for name in ("hidden", "layers", "decoder")}
    if start is not None:
        own = {name: getattr(start.shape, name) for name in own}
    sizes = {name: size for name, size in own.items() if size is not None}
    shape = NetworkSpec(spec.n_features, spec.n_steps, spec.n_profiles, len(LEVELS), **sizes)
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
        torch.manual_seed(recipe.seed)
        network = Network(shape)
    if start is not None:
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                given = torch.tensor(start.weights[name])  # covariates are the last columns
                parameter.zero_()[tuple(slice(size) for size in given.shape)] = given
    return network


def _score(
    inputs: Inputs,
    held: HoldOut,
    judged: NDArray[np.int64],
    options: TrainingOptions,
    horizon: int,
    levels: Tensor,
) -> Score | None:
    """Mean loss over the held-out origins, on numbers prepared once; None where there is no outcome to judge by."""
    crops = Crops(inputs, inputs.panel.lengths, horizon, options)
    parts = np.array_split(judged, max(1, -(-len(judged) // 64)))
    batches = [crops.at(part, held.origins[part]) for part in parts if len(part)]
    sizes = [float(batch.weight.sum()) for batch in batches]
    if not sum(sizes):
        return None

    def score(network: Network) -> float:
        with torch.inference_mode():
            losses = [batch_loss(network, batch, levels).item() for batch in batches]
        return float(np.average(losses, weights=sizes))

    return score


def _blend(network: Network, first: Mapping[str, Tensor], result: TrainingResult, score: Score) -> tuple[float, float]:
    """Leave the best blend of first and trained weights in the network; how much was trusted, and its score.

    Weights along the line between a pretrained network and its fine-tuned self often forecast better than both ends,
    and never worse than the better one on what they are chosen by (WiSE-FT, Wortsman et al. 2022).
    """
    if not result.best_step:
        return 0.0, result.start_score
    trained = {name: value.clone() for name, value in network.state_dict().items()}
    found = {0.0: result.start_score, 1.0: result.best_score}

    def take(trust: float) -> None:
        network.load_state_dict({name: first[name].lerp(trained[name], trust) for name in trained})

    for trust in TRUSTS:
        take(trust)
        found[trust] = score(network)
    best = min(sorted(found), key=lambda trust: found[trust] if math.isfinite(found[trust]) else math.inf)
    if best == 1:
        network.load_state_dict(trained)
    else:
        take(best)
    return best, found[best]


def _said(network: Network, inputs: Inputs, held: HoldOut, judged: NDArray[np.int64], horizon: int) -> Outcomes:
    origins = np.full_like(held.origins, -1)
    origins[judged] = held.origins[judged]
    for _, _, rows, raw in raw_quantiles(TorchEngine(network), inputs, origins, judged_steps(horizon)):
        yield rows, raw
    network.train()


def _instant_widths(
    recipe: Recipe, begun: Start, network: Network, inputs: Inputs, held: HoldOut, judged: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(K, Q) factors at which intervals are as wide as those of the instant forecaster.

    Those are calibrated on half of the past, since nothing was learnt from it; a network that has just learnt a small
    panel by heart is too sure of itself, and the few windows that it was held back from can hardly tell.
    """
    panel, seasons = inputs.panel, shown_seasons(inputs.spec.seasons)  # which are not looked for again
    usual, _ = instant(replace(recipe, effort="instant", season_length=seasons), panel, begun)
    there = inputs if usual.reading is None else usual.reading.inputs
    its_own = there if there.spec == usual.spec else Inputs(panel, usual.spec)
    k, origins = judged_steps(recipe.horizon), np.full((len(panel), 1), -1)
    which = judged if len(judged) else np.arange(min(len(panel), MOST_JUDGED))
    origins[which, 0] = held.origins[which].max(1) if len(judged) else panel.lengths[which] - 1
    engines = (begun.engine, its_own), (TorchEngine(network), inputs)
    theirs, own = (np.concatenate([raw for *_, raw in raw_quantiles(e, i, origins, k)]) for e, i in engines)
    network.train()
    factors = usual.calibration.factors
    factors = factors[np.minimum(k, len(factors)) - 1]
    return as_wide_as(Calibration(factors).apply(theirs.astype(np.float64)), own)


def _finish(
    network: Network,
    inputs: Inputs,
    options: TrainingOptions,
    result: TrainingResult,
    recipe: Recipe,
    levels: Tensor,
) -> int:
    steps = round(FINISH_SHARE * result.best_step)
    if steps:
        again = replace(options, steps=steps, rate=FINISH_RATE * options.rate, seed=options.seed + 1)
        train(network, Crops(inputs, inputs.panel.lengths, recipe.horizon, again), levels)
    return steps


def _notes(panel: Panel, held: HoldOut) -> tuple[str, ...]:
    without = int((held.origins < 0).all(1).sum())
    notes = list(panel.notes)
    if without == len(panel):
        notes.append(
            "no series is long enough to hold anything out: weights are the last ones, intervals not calibrated."
        )
    elif without:
        notes.append(
            f"{without} of {len(panel)} series are too short to hold anything out; they were trained on whole."
        )
    return (*notes, *few_observations(panel))


def _start_notes(recipe: Recipe, start: Start | None, begun: Start | None, trust: float) -> tuple[str, ...]:
    """What became of the pretrained weights, where it is not the usual."""
    if begun is None:
        if start is None or recipe.start == "scratch":
            return ()
        own = start.shape
        return (
            f"trained from scratch, since other sizes were given than those of the pretrained weights {start.name!r} "
            f"(hidden {own.hidden}, layers {own.layers}, decoder {own.decoder}, recent {start.recent}).",
        )
    if trust == 0:
        return (
            "training brought nothing that did better on the held-out origins than the pretrained weights: forecasts "
            "are the instant ones.",
        )
    if trust < 1:
        return (
            f"a blend of {1 - trust:.0%} pretrained and {trust:.0%} trained weights did best on the held-out origins, "
            "and is used.",
        )
    return ()
