"""From a recipe and a panel to a fitted model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Engine, Panel, UsageError, require_regular
from foregate.data.columns import fit_columns
from foregate.data.inputs import Inputs, InputSpec
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.fitted import Fitted, require_counts
from foregate.forecasting.intervals import Calibration
from foregate.forecasting.origins import raw_quantiles
from foregate.models.network import Network
from foregate.pipeline.calibration import (
    MOST_JUDGED,
    Outcomes,
    as_wide_as,
    calibrated,
    evidence_of,
    judged_series,
    judged_steps,
)
from foregate.pipeline.instant import instant
from foregate.pipeline.member import Member, Task, new_network, train_member
from foregate.pipeline.plan import FURTHEST, HoldOut, hold_out, plan_clock, plan_members, plan_window
from foregate.pipeline.prepare import choose_seasons, few_observations, shown_seasons, typical_scale
from foregate.pipeline.recipe import Recipe
from foregate.pipeline.report import FitReport
from foregate.pipeline.start import Start
from foregate.pipeline.warm import networks_of
from foregate.training.engine import TorchEngine, require_device
from foregate.training.events import Callback, numbered
from foregate.training.weights import row_weights

__all__ = ["fit", "input_spec", "new_network"]

SHARPNESS = 8
"""Members weigh in proportion to their score to the power of minus this: a tenth worse is half as much."""
LEAST_DOUBT = 0.25
"""A pretrained network as it was has its share of the forecast, the doubt that held-out windows leave, from here on."""


def fit(
    recipe: Recipe,
    panel: Panel,
    *,
    start: Start | None = None,
    callbacks: Sequence[Callback] = (),
    checkpoint: Path | None = None,
    weights: Mapping[str, float] | Sequence[float] | None = None,
    warm: Fitted | None = None,
) -> tuple[Fitted, FitReport]:
    """Train one network or several on every origin of every series of a regular panel.

    1. The last origins of each series are held out where it is long enough (`hold_out`).
    2. A network begins with the weights of `start`, or random ones (`plan_members` says which); covariates and the time
       enter through inputs that begin at zero, so that the first forecasts of `start` are the instant ones. It is
       trained on the rest; the averaged weights that score best on the held-out origins are kept, those of `start`
       included.
    3. Between these and the trained weights, the blend that scores best is taken (Wortsman et al. 2022).
    4. Of several networks, the forecast is the median, or the mean weighted by how they score. Where less than ten
       windows could be held out to tell how they score, `start` as it was keeps a share of it.
    5. Intervals are calibrated on the held-out origins; as far as these are few, they are as wide as the instant
       forecaster's.
    6. Training goes on for a fifth of the steps at a tenth of the rate with the held-out rows included, so that the
       newest observations are learnt from too.

    Args:
        recipe: what to make.
        panel: what to learn from.
        start: pretrained weights; None, or a recipe that asks for another network, to train from scratch.
        callbacks: told of every event of each main run, and of which network it is; see `foregate.training.events`.
        checkpoint: folder to write checkpoints to, and to go on from.
        weights: how much series (by id) or rows count in the loss, see `foregate.training.weights.row_weights`.
        warm: a model, run by torch, whose networks are trained on: with its seasons, its covariates and their scales.

    Raises:
        DataError: nothing to learn from, or a covariate that `warm` has is missing.
        UsageError: the recipe asks for nothing to be trained, or for another model than `warm` is; or wrong weights.
    """
    if recipe.effort == "instant":
        raise UsageError("effort must be one that trains, but got 'instant'. Use foregate.pipeline.instant for it.")
    require_device(recipe.training.get("device", "cpu"))
    require_regular(panel)
    counted = None if weights is None else row_weights(panel, weights)
    before = () if warm is None else networks_of(warm, recipe, panel)
    seasons = choose_seasons(recipe, panel) if warm is None else warm.spec.seasons
    held = hold_out(panel, recipe.horizon, max(seasons)) if recipe.validate else _nothing_held(panel)
    _require_trainable(panel, held, recipe, counted)
    if recipe.model.head == "negative-binomial":
        require_counts(panel)
    begun = start if start is not None and recipe.start == "pretrained" and start.serves(recipe) else None
    inputs = Inputs(panel, input_spec(recipe, panel, held, seasons) if warm is None else warm.spec)
    task = Task(inputs, held, judged_series(held), counted)
    members = []
    plans = plan_members(
        recipe, pretrained=begun is not None, checked=len(task.judged) > 0, members=len(before) or None
    )
    for i, own in enumerate(plans):
        place = checkpoint if checkpoint is None or not i else checkpoint / str(i + 1)
        first = before[i] if before else begun if own.start == "pretrained" else None
        told = numbered(callbacks, i, len(plans))
        members.append(train_member(own, task, first, callbacks=told, checkpoint=place))
    doubt = _doubt(recipe, task) if begun is not None and not before else 0.0
    engine = _together(members, recipe, *([new_network(recipe, inputs.spec, begun)] if doubt else []), doubt=doubt)
    prior = None if begun is None else _instant_widths(recipe, begun, engine, task)
    said = _said(engine, task, recipe.horizon)
    calibration = calibrated(inputs, held, task.judged, recipe.horizon, said, prior)
    finish = sum(member.finish(task, recipe.horizon) for member in members)
    fitted = Fitted(engine, inputs.spec, calibration, recipe.horizon, typical_scale(inputs))
    best = min(members, key=lambda member: member.score)
    report = FitReport(
        seasons=shown_seasons(seasons),
        parameters=sum(p.numel() for member in members for p in member.network.parameters()),
        training=best.result,
        finish_steps=finish,
        held_out=int((held.origins >= 0).any(1).sum()),
        start=best.start,
        trust=best.trust,
        score=best.score,
        members=tuple(_described(member) for member in members) if len(members) > 1 else (),
        notes=(*_notes(panel, held), *_start_notes(recipe, start, best, alone=len(members) == 1), *_doubts(doubt)),
    )
    return fitted, report


def input_spec(recipe: Recipe, panel: Panel, held: HoldOut, seasons: tuple[int, int]) -> InputSpec:
    """What the network is told, with covariates as they were in the training part."""
    columns = fit_columns(panel.cut(held.limits), recipe.max_categories) if panel.covariates else ()
    counts = recipe.model.head == "negative-binomial"
    clock = plan_clock(recipe, panel, seasons)
    return InputSpec(seasons, recipe.recent, plan_window(seasons), counts, columns, clock)


def _doubt(recipe: Recipe, task: Task) -> float:
    """The share of the forecast that the pretrained network keeps, since little was held out; 0 where enough was."""
    chosen = recipe.members is not None or recipe.combine == "median"
    if chosen or recipe.horizon > FURTHEST or not len(task.judged):
        return 0.0
    doubt = evidence_of(task.held, task.judged, recipe.horizon).doubt
    return doubt if doubt >= LEAST_DOUBT else 0.0


def _doubts(doubt: float) -> tuple[str, ...]:
    told = f"few windows could be held out: {doubt:.0%} of the forecast is what the pretrained weights said before."
    return (told,) if doubt else ()


def _together(members: Sequence[Member], recipe: Recipe, *beside: Network, doubt: float) -> Engine:
    """What runs all members, now and when they have been trained on, and beside them what has the rest of the say."""
    engines = [TorchEngine(network) for network in (*(member.network for member in members), *beside)]
    if len(engines) == 1:
        return engines[0]
    scores = np.array([member.score for member in members])
    known = np.isfinite(scores).all() and (scores > 0).all()
    weights = (scores.min() / scores) ** SHARPNESS if known else np.ones(len(scores))
    shares = [*((1 - doubt) * weights / weights.sum()).tolist(), *[doubt] * len(beside)]
    return Ensemble(engines, None if recipe.combine == "median" else tuple(shares))


def _described(member: Member) -> dict[str, Any]:
    return {
        "start": member.start,
        "seed": member.options.seed,
        "steps": member.result.steps,
        "validation": member.score if np.isfinite(member.score) else None,
    }


def _nothing_held(panel: Panel) -> HoldOut:
    return HoldOut(panel.lengths, np.full((len(panel), 1), -1))


def _require_trainable(panel: Panel, held: HoldOut, recipe: Recipe, weights: NDArray[np.float32] | None) -> None:
    rows = np.arange(len(panel.values)) - np.repeat(panel.offsets[:-1], panel.lengths)
    known = panel.mask & (rows < np.repeat(held.limits, panel.lengths))
    counts = np.bincount(panel.row_series[known], minlength=len(panel))
    if not (counts >= 2).any():
        raise DataError(
            f"at least one series must have 2 observed values to learn from, but got at most {counts.max(initial=0)}. "
            "Give longer series or a shorter horizon."
        )
    if weights is not None and not weights[known].any():
        raise UsageError(
            f"weights must be above 0 for some row that is trained on, but got 0 for all {int(known.sum()):,} of them: "
            "the last rows of each series are held out. Give these rows weight, or validate=False to hold out none."
        )
    longest = int(panel.lengths.max())
    if recipe.horizon >= longest:
        raise DataError(
            f"the horizon must be shorter than the longest series, but got {recipe.horizon} steps for {longest} rows. "
            "Give a shorter horizon, fewer windows to score, or longer series; or effort='instant' for any."
        )
    if (recipe.model.lookback or 0) > longest:
        raise DataError(
            f"lookback must be at most the rows of the longest series, but got {recipe.model.lookback} for {longest} "
            "rows. Give a shorter lookback, or leave it out."
        )


def _said(engine: Engine, task: Task, horizon: int) -> Outcomes:
    origins = np.full_like(task.held.origins, -1)
    origins[task.judged] = task.held.origins[task.judged]
    for _, _, rows, raw in raw_quantiles(engine, task.inputs, origins, judged_steps(horizon)):
        yield rows, raw


def _instant_widths(recipe: Recipe, begun: Start, engine: Engine, task: Task) -> NDArray[np.float64]:
    """(K, Q) factors at which intervals are as wide as those of the instant forecaster.

    Those are calibrated on half of the past, since nothing was learnt from it; a network that has just learnt a small
    panel by heart is too sure of itself, and the few windows that it was held back from can hardly tell.
    """
    inputs, held, judged = task.inputs, task.held, task.judged
    panel, seasons = inputs.panel, shown_seasons(inputs.spec.seasons)  # which are not looked for again
    usual, _ = instant(Recipe(recipe.horizon, seasons, "instant", recent=recipe.recent), panel, begun)
    there = inputs if usual.reading is None else usual.reading.inputs
    its_own = there if there.spec == usual.spec else Inputs(panel, usual.spec)
    k, origins = judged_steps(recipe.horizon), np.full((len(panel), 1), -1)
    which = judged if len(judged) else np.arange(min(len(panel), MOST_JUDGED))
    origins[which, 0] = held.origins[which].max(1) if len(judged) else panel.lengths[which] - 1
    engines = (begun.engine, its_own), (engine, inputs)
    theirs, own = (np.concatenate([raw for *_, raw in raw_quantiles(e, i, origins, k)]) for e, i in engines)
    return as_wide_as(Calibration(usual.calibration.at(k)).apply(theirs.astype(np.float64)), own)


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


def _differences(recipe: Recipe, start: Start) -> Iterator[str]:
    """What a recipe asks for that pretrained weights are not of."""
    if not recipe.model.is_pretrained:
        yield f"{recipe.model.label} is asked for, and they are of the usual one"
    own = start.shape
    sizes = ("hidden", own.hidden), ("layers", own.built.layers), ("decoder", own.decoder), ("recent", start.recent)
    for name, size in sizes:
        if getattr(recipe, name) not in (None, size):
            yield f"{name} is {size}, and {getattr(recipe, name)} is asked for"


def _start_notes(recipe: Recipe, start: Start | None, best: Member, *, alone: bool) -> tuple[str, ...]:
    """What became of the pretrained weights, where it is not the usual."""
    if best.start == "own":
        return ("training went on from the weights that the model had.",)
    if best.start == "scratch":
        if start is None or recipe.start == "scratch":
            return ()
        if start.serves(recipe):
            far = f"trained from scratch: {recipe.horizon} steps ahead are further than the {FURTHEST} of pretraining."
            return (far,) if recipe.horizon > FURTHEST else ()
        return (
            f"trained from scratch, since the pretrained weights {start.name!r} are of another network: "
            f"{', '.join(_differences(recipe, start))}.",
        )
    if best.trust == 0:
        said = "training brought nothing that did better on the held-out origins than the pretrained weights: "
        return (said + ("forecasts are the instant ones." if alone else "they are used beside those from scratch."),)
    if best.trust < 1:
        return (
            f"a blend of {1 - best.trust:.0%} pretrained and {best.trust:.0%} trained weights did best on the held-out "
            "origins, and is used.",
        )
    return ()
