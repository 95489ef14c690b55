"""A forecaster for a panel in one pass, with pretrained weights as they are: nothing is trained. No torch."""

from __future__ import annotations

import math

import numpy as np

from foregate.core import Frequency, Panel, UsageError, evenly, listed, require_regular
from foregate.data.inputs import Inputs
from foregate.data.targets import given_roles
from foregate.forecasting.fitted import SERIES_AT_ONCE, Fitted, Reading
from foregate.forecasting.origins import decode_origins, read_origins
from foregate.pipeline.calibration import MOST_JUDGED, Outcomes, calibrated, judged_series, judged_steps, no_calibration
from foregate.pipeline.plan import HoldOut, hold_out, plan_window
from foregate.pipeline.prepare import (
    USUAL_CHANGE,
    choose_seasons,
    few_observations,
    season_pair,
    shown_seasons,
    typical_scale,
)
from foregate.pipeline.recipe import Recipe
from foregate.pipeline.report import FitReport
from foregate.pipeline.start import Start
from foregate.training.result import TrainingResult

__all__ = ["instant", "untold"]

MOST_HELD_OUT = 0.5
"""Share of a series' rows that intervals may be calibrated on: nothing was learnt from any of them."""


def instant(recipe: Recipe, panel: Panel, start: Start) -> tuple[Fitted, FitReport]:
    """A forecaster of any regular panel: one point or many, any horizon, nothing refused for being short.

    Seasons are those of the recipe, or found. The network reads every series once, and on the way is asked at past
    origins; what came there stretches or tightens its intervals (conformal calibration). Where there are too few of
    these, intervals are the network's own. Covariates are not read.

    Args:
        recipe: what to make; what it says of training plays no part.
        panel: what to forecast.
        start: the pretrained weights.

    Raises:
        DataError: the panel is not evenly spaced.
        UsageError: the recipe asks for other sizes than those of the weights.
    """
    require_regular(panel)
    if not start.serves(recipe):
        own = start.shape
        raise UsageError(
            f"hidden, layers, decoder and recent must be those of the pretrained weights ({own.hidden}, "
            f"{own.built.layers}, {own.decoder} and {start.recent}) or not be given for effort='instant', but got "
            "others. Leave them out."
        )
    seasons = choose_seasons(recipe, panel)
    held = hold_out(panel, recipe.horizon, max(seasons), MOST_HELD_OUT)
    part, held = _sample(panel, held)
    inputs = Inputs(part, start.spec(seasons, plan_window(seasons)))
    judged = judged_series(held)
    reading = Reading(
        start.engine,
        inputs,
        np.empty((len(part), start.engine.width), np.float32),
        np.empty((len(part), start.shape.n_features), np.float32),
    )
    whole = part is panel
    said = _said(start, reading, held, recipe.horizon, to_the_end=whole)
    fitted = Fitted(
        engine=start.engine,
        spec=inputs.spec,
        calibration=calibrated(inputs, held, judged, recipe.horizon, said),
        horizon=recipe.horizon,
        typical_scale=typical_scale(inputs),
        reading=reading if whole else None,
    )
    report = FitReport(
        seasons=shown_seasons(seasons),
        parameters=sum(value.size for value in start.weights.values()),
        training=TrainingResult(),
        finish_steps=0,
        held_out=len(judged),
        start=start.label,
        trust=0.0,
        score=math.inf,
        notes=_notes(panel, held),
    )
    return fitted, report


def untold(recipe: Recipe, freq: Frequency, start: Start) -> Fitted:
    """The pretrained forecaster of series that nothing is known of yet: its intervals are the network's own.

    Args:
        recipe: says the horizon, and the seasons.
        freq: step between rows; the seasons that usually go with it are taken where the recipe says none.
        start: the pretrained weights.
    """
    seasons = freq.seasons() if recipe.season_length is None else recipe.season_length
    pair = season_pair(seasons)
    spec = start.spec(pair, plan_window(pair))
    return Fitted(start.engine, spec, no_calibration(), recipe.horizon, USUAL_CHANGE)


def _sample(panel: Panel, held: HoldOut) -> tuple[Panel, HoldOut]:
    """Of a large panel some series to calibrate on, evenly spread over those that have held-out origins."""
    if len(panel) <= SERIES_AT_ONCE:
        return panel, held
    able = np.flatnonzero((held.origins >= 0).any(1))
    able = able if len(able) else np.arange(len(panel))
    which = able[evenly(len(able), MOST_JUDGED)]
    return panel.take(which), HoldOut(held.limits[which], held.origins[which])


def _said(start: Start, reading: Reading, held: HoldOut, horizon: int, *, to_the_end: bool) -> Outcomes:
    """Forecasts at the held-out origins; in the same pass, the reading of the panel to its end is filled in."""
    inputs, k = reading.inputs, judged_steps(horizon)
    last = inputs.panel.lengths[:, None] - 1 if to_the_end else np.zeros((len(held.origins), 0), np.int64)
    ends = held.origins.shape[1]
    for series, column, rows, states, features in read_origins(start.engine, inputs, np.hstack([held.origins, last])):
        past = column < ends
        reading.states[series[~past]], reading.features[series[~past]] = states[~past], features[~past]
        rows, states, features = rows[past], states[past], features[past]
        for some, raw in decode_origins(start.engine, inputs, rows, states, features, k):
            yield rows[some], raw


def _notes(panel: Panel, held: HoldOut) -> tuple[str, ...]:
    notes = list(panel.notes)
    if not (held.origins >= 0).any():
        notes.append("no series is long enough to check intervals on its past: they are the network's own.")
    given = given_roles(((name, c.role) for name, c in panel.covariates.items()), panel.spec)
    if panel.spec.target_cols:
        notes.append(
            f"targets {listed(panel.spec.target_cols)} are forecast each by itself by an instant forecaster. Choose "
            "another effort to learn from what the others do."
        )
    if given:
        notes.append(
            f"covariates {listed(given)} are not read by an instant forecaster. Choose another effort to "
            "learn from them."
        )
    return (*notes, *few_observations(panel))
