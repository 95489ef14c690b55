"""From a recipe and a panel to a fitted model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from foregate.core import DataError, Panel
from foregate.data.columns import fit_columns
from foregate.data.inputs import Inputs, InputSpec
from foregate.data.seasons import find_seasons
from foregate.forecasting.fitted import LEAST_OBSERVATIONS, Fitted, raw_quantiles, short_series_notes
from foregate.forecasting.intervals import Calibration, Evidence, calibrate
from foregate.models.network import Network, NetworkSpec
from foregate.pipeline.plan import HoldOut, hold_out, plan_training, plan_window
from foregate.pipeline.recipe import LEVELS, Recipe
from foregate.training.batches import Crops
from foregate.training.engine import TorchEngine
from foregate.training.loop import Progress, TrainingResult, batch_loss, train
from foregate.training.options import TrainingOptions

__all__ = ["FitReport", "fit", "new_network"]

MOST_JUDGED = 512
"""Of larger panels so many series, evenly spread, are used to validate and calibrate."""
FINISH_SHARE = 0.2
"""After the best weights are found, this share of the steps is trained once more with the held-out rows included."""
FINISH_RATE = 0.1
"""At this share of the learning rate."""


@dataclass(frozen=True)
class FitReport:
    """What happened in a fit."""

    seasons: tuple[int, ...]
    """Season lengths the network was told, in rows."""
    parameters: int
    """Weights of the network."""
    training: TrainingResult
    """Of the main run, on all but the held-out rows."""
    finish_steps: int
    """Steps trained afterwards with the held-out rows included."""
    held_out: int
    """Series that gave held-out origins."""
    notes: tuple[str, ...]
    """What the reader should know, one sentence each."""


def fit(
    recipe: Recipe,
    panel: Panel,
    *,
    on_step: Callable[[Progress], None] | None = None,
    checkpoint: Path | None = None,
) -> tuple[Fitted, FitReport]:
    """Train the network on every origin of every series of a regular panel.

    1. The last origins of each series are held out where it is long enough (`hold_out`).
    2. The network is trained on the rest; the averaged weights that score best on the held-out origins are kept.
    3. Intervals are calibrated on the held-out origins.
    4. Training goes on for a fifth of the steps at a tenth of the rate with the held-out rows included, so that the
       newest observations are learnt from too.

    Raises:
        DataError: nothing to learn from.
    """
    if not panel.is_regular:
        raise DataError("the panel must be evenly spaced, but got gaps or no frequency. Use foregate.clean first.")
    seasons = _seasons(recipe, panel)
    held = hold_out(panel, recipe.horizon, max(seasons)) if recipe.validate else _nothing_held(panel)
    _require_trainable(panel, held, recipe.horizon)
    spec = InputSpec(seasons, recipe.recent, plan_window(seasons), fit_columns(panel.cut(held.limits)))
    inputs = Inputs(panel, spec)
    options = plan_training(recipe, panel, seasons)
    network = new_network(recipe, spec)
    levels = torch.tensor(LEVELS, dtype=torch.float32)
    judged = _judged(held)
    score = _score(inputs, held, judged, options, recipe.horizon, levels)
    crops = Crops(inputs, held.limits, recipe.horizon, options)
    result = train(network, crops, levels, score=score, on_step=on_step, checkpoint=checkpoint)
    calibration = _calibrate(network, inputs, held, judged, recipe.horizon)
    finish = 0 if score is None else _finish(network, inputs, options, result, recipe, levels)
    relative = inputs.tracks.relative[inputs.tracks.row[panel.offsets[1:] - 1]]
    typical = float(np.median(relative[relative > 0])) if (relative > 0).any() else 0.1
    fitted = Fitted(TorchEngine(network), spec, LEVELS, calibration, recipe.horizon, typical)
    size = sum(p.numel() for p in network.parameters())
    shown = tuple(m for m in seasons if m > 1)
    return fitted, FitReport(shown, size, result, finish, int((held.origins >= 0).any(1).sum()), _notes(panel, held))


def _seasons(recipe: Recipe, panel: Panel) -> tuple[int, int]:
    found = find_seasons(panel) if recipe.season_length is None else recipe.season_length
    return tuple([*found, 1, 1][:2])  # type: ignore[return-value]


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
            "Give a shorter horizon, fewer windows to score, or longer series."
        )


def new_network(recipe: Recipe, spec: InputSpec) -> Network:
    """A network of the sizes of the recipe, with first weights that follow from its seed alone."""
    shape = NetworkSpec(
        spec.n_features, spec.n_steps, spec.n_profiles, len(LEVELS), recipe.hidden, recipe.layers, recipe.decoder
    )
    with torch.random.fork_rng(devices=[]):  # the caller's random numbers stay as they were
        torch.manual_seed(recipe.seed)
        return Network(shape)


def _judged(held: HoldOut) -> NDArray[np.int64]:
    """Numbers of the series whose held-out origins are used."""
    able = np.flatnonzero((held.origins >= 0).any(1))
    if len(able) <= MOST_JUDGED:
        return able
    return able[np.linspace(0, len(able) - 1, MOST_JUDGED).astype(np.int64)]


def _score(
    inputs: Inputs,
    held: HoldOut,
    judged: NDArray[np.int64],
    options: TrainingOptions,
    horizon: int,
    levels: torch.Tensor,
) -> Callable[[Network], float] | None:
    """Mean loss over the held-out origins, on numbers prepared once; None where there is no outcome to judge by."""
    crops = Crops(inputs, inputs.panel.lengths, horizon, options)
    parts = np.array_split(judged, max(1, -(-len(judged) // 64)))
    batches = [crops.at(part, held.origins[part]) for part in parts if len(part)]
    sizes = [float(batch.weight.sum()) for batch in batches]
    if not sum(sizes):
        return None

    def score(network: Network) -> float:
        losses = [batch_loss(network, batch, levels).item() for batch in batches]
        return float(np.average(losses, weights=sizes))

    return score


def _calibrate(network: Network, inputs: Inputs, held: HoldOut, judged: NDArray[np.int64], horizon: int) -> Calibration:
    origins = np.full_like(held.origins, -1)
    origins[judged] = held.origins[judged]
    outcomes, quantiles, observed = [], [], []
    k = np.arange(1, horizon + 1)
    for _, _, rows, raw in raw_quantiles(TorchEngine(network), inputs, origins, k):
        target, there = inputs.targets(rows, k)
        outcomes.append(target)
        quantiles.append(raw)
        observed.append(there)
    network.train()
    if not outcomes:
        return Calibration(np.ones((1, len(LEVELS))))
    first, last = held.limits[judged] - 1, held.origins[judged].max(1)
    evidence = Evidence(len(judged), 1 + float(np.mean(last - first)) / horizon)
    return calibrate(np.concatenate(outcomes), np.concatenate(quantiles), np.concatenate(observed), LEVELS, evidence)


def _finish(
    network: Network,
    inputs: Inputs,
    options: TrainingOptions,
    result: TrainingResult,
    recipe: Recipe,
    levels: torch.Tensor,
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
    observed = np.bincount(panel.row_series[panel.mask], minlength=len(panel))
    return (*notes, *short_series_notes(panel.ids[observed < LEAST_OBSERVATIONS]))
