"""A challenger is trained on what is stored, and judged on what neither it nor the champion was trained on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Model, Panel, Times
from foregate.evaluation import Backtest, Plan, SeasonalNaive, backtest
from foregate.monitoring import Reference, reference
from foregate.service.jobs.gate import Verdict, judge

if TYPE_CHECKING:
    from foregate.forecaster import Forecaster
    from foregate.forecasting.fitted import Fitted
    from foregate.training.events import Callback

__all__ = ["Made", "Opponent", "Order", "make", "review"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ORIGINS = 60
"""Origins of the forecasts by which a challenger is judged, about, where there are enough rows."""
LEAST_ORIGINS = 10
"""From fewer of them nothing can be said."""
COVERAGE = 80
PRETRAINED = "tiny"
"""The network that answers where no model was trained yet."""
LEAST_ERRORS = 100
"""Errors without which a reference says nothing of errors. Below 1000 they are the first that a watch learns from."""
MOST_HELD = 1000
"""Rows that are held out of long series: as many errors are known then as a watch needs to begin with."""
LEAST_VALUES = 100
"""Values without which there is no reference at all."""
LEAST_INPUTS = 1000
"""Values without which a reference says nothing of inputs: a few days look like no other ones."""
HELD_PART = 4
"""After a change one row in so many is held out, so that most of what is known of it can be learnt."""


@dataclass(frozen=True)
class Order:
    """What is to be trained."""

    horizon: int
    """Steps ahead."""
    season_length: int | None = None
    """In steps; None: as the series say, or found in the data."""
    effort: str = "fast"
    warm: bool = False
    """Train on with the champion's weights instead of beginning anew."""
    seed: int = 0
    rows: int = 20_000
    """Newest steps of each series that are taken."""
    held_out: int | None = None
    """Newest steps of each that nobody is trained on; None: a tenth, 2 horizons at least, 20 or 1000 at most."""
    margin: float = 0.02
    """Share of an opponent's error that must be saved."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of the recipe."""
    since: int | None = None
    """A time, as stored, at which it was seen that the world had changed: what came after it is what is learnt."""


@dataclass(frozen=True)
class Opponent:
    """The champion. How far it knows each series its model says."""

    folder: Path | None
    """Of the model; None: the pretrained network, which knows none of them."""


@dataclass(frozen=True)
class Made:
    """A challenger, and what is to be said of it."""

    verdict: Verdict
    metrics: dict[str, Any]
    reference: bytes


def make(panel: Panel, order: Order, opponent: Opponent, folder: Path, tell: Callback) -> Made:
    """Train a challenger, compare it with the champion and the seasonal naive forecast, and save it.

    After a change (`Order.since`) it learns the rows since then alone. As many rows before are read, so that the first
    of the new ones are not forecast from nothing, and count for nothing; at most a quarter of the new ones is held out.
    Whether that was wise, for instance where there was no change, is for the comparison to say.

    Args:
        panel: all series, to their newest rows.
        order: what is to be trained.
        opponent: the champion.
        folder: ``checkpoint`` and ``model`` are made in it; a training that was stopped goes on from there.
        tell: told of every event of training; what it raises ends the training.

    Raises:
        DataError: the series are too short, or too little of them is unknown to the champion.
    """
    from foregate.forecaster import Forecaster, load

    unseen = _unseen(panel, opponent)
    plan = _plan(panel, order, unseen)
    held = int((plan.n_windows - 1) * (plan.step or 1) + plan.horizon)
    known = panel.cut(np.maximum(panel.lengths - held, 0))
    known, counts = _learnt(known.take(np.flatnonzero(known.lengths > plan.horizon)), order)
    settings = {"freq": panel.freq, "season_length": order.season_length, "seed": order.seed, "verbose": False}
    run: dict[str, Any] = {"weights": counts, "checkpoint": folder / "checkpoint", "callbacks": [tell]}
    champion = _champion(opponent, order, known, settings)
    if order.warm and opponent.folder is not None:
        challenger = load(opponent.folder, runtime="torch")
        challenger.fit(known, warm=True, **run)
    else:
        challenger = Forecaster(order.horizon, effort=order.effort, options=dict(order.options) or None, **settings)  # type: ignore[arg-type]
        challenger.fit(known, **run)
    challenger.save(folder / "model", overwrite=True)
    season = _season(challenger, plan, panel)
    contenders: dict[str, Model] = {
        "challenger": challenger.fitted_,
        "champion": champion,
        "SeasonalNaive": SeasonalNaive(season),
    }
    found = backtest(contenders, panel, plan)
    there = _judged(found, panel, unseen if order.since is None else np.maximum(unseen, order.since))
    errors = {name: _errors(found, name, there) for name in contenders}
    opponents = {name: errors[name] for name in ("champion", "SeasonalNaive")}
    verdict = judge(errors["challenger"], opponents, margin=order.margin)
    metrics = {
        "mase": {name: _rounded(each.mean()) if len(each) else None for name, each in errors.items()},
        "coverage": {name: _rounded(_covered(found, name, there)) for name in errors},
        "origins": int(there.any((0, 2)).sum()),
        "held_out": held,
        "trained_until": int(known.last_times.astype(np.int64).max()),
        "judged_until": int(panel.last_times.astype(np.int64).max()),
        "series": len(known),
        "rows": len(known.values) if counts is None else int(np.count_nonzero(counts)),
        "order": {**asdict(order), "options": dict(order.options)},
    }
    return Made(verdict, metrics, _reference(challenger.fitted_, panel, order, held))


def review(panel: Panel, order: Order, champion: Path, before: Opponent, since: int) -> Verdict:
    """Whether the version before would have been better than the champion on what came since that was made.

    Neither was trained on these rows: both forecast them as they would have live, from every row up to each origin.

    Args:
        panel: all series, to their newest rows.
        order: horizon, margin and seed.
        champion: folder of the champion.
        before: the version before.
        since: the newest time that the champion was trained or judged on.

    Returns:
        a verdict on the version before: promoted, where it must come back.

    Raises:
        DataError: too little has come since.
    """
    from foregate.forecaster import load

    everything = replace(order, held_out=len(panel.values), since=None)
    unseen = np.maximum(_unseen(panel, before), since)
    plan = _plan(panel, everything, unseen)
    known = panel.cut(np.maximum(panel.lengths - plan.n_windows * (plan.step or 1) - plan.horizon + 1, 0))
    settings = {"freq": panel.freq, "season_length": order.season_length, "seed": order.seed, "verbose": False}
    contenders: dict[str, Model] = {
        "champion": load(champion, runtime="onnx").fitted_,
        "before": _champion(before, order, known, settings),
    }
    found = backtest(contenders, panel, plan)
    there = _judged(found, panel, unseen)
    errors = {name: _errors(found, name, there) for name in contenders}
    return judge(errors["before"], {"champion": errors["champion"]}, margin=0.0)


def _unseen(panel: Panel, opponent: Opponent) -> IntArray:
    """(S,) time after which the rows of each series are unknown to the champion, as stored.

    The model says so of every series by itself, whoever made it. Where one series goes on while another has ended, the
    newest time that was trained on says nothing of the other one's rows.
    """
    from foregate.forecaster import load

    never = np.iinfo(np.int64).min
    if opponent.folder is None:
        return np.full(len(panel), never)
    own = load(opponent.folder, runtime="onnx").panel_
    known = dict(zip(own.ids.tolist(), own.last_times.astype(np.int64).tolist(), strict=True))
    return np.array([known.get(name, never) for name in panel.ids.tolist()], np.int64)


def _plan(panel: Panel, order: Order, unseen: IntArray) -> Plan:
    """Rolling origins over the newest rows, which the champion was not trained on."""
    longest = int(panel.lengths.max())
    least = LEAST_ORIGINS + order.horizon - 1
    most = max(20 * order.horizon, MOST_HELD)
    held = order.held_out or int(np.clip(longest // 10, max(2 * order.horizon, least), most))
    if order.since is not None:
        held = min(held, max(least, int(_newer(panel, order.since).max()) // HELD_PART))
    held = min(held, int(_newer(panel, unseen).max()), longest - 2 * order.horizon)
    step = max(1, (held - order.horizon) // (ORIGINS - 1))
    while order.horizon < (order.season_length or 1) and math.gcd(step, order.season_length or 1) > 1:
        step -= 1  # every part of the season is forecast
    windows = (held - order.horizon) // step + 1
    if windows < LEAST_ORIGINS:
        raise DataError(
            f"there must be {least} rows that the champion was not trained on, and as many "
            f"before, but got {held} of {longest}. Wait for more observations."
        )
    return Plan(order.horizon, windows, step, levels=(COVERAGE,))


def _learnt(known: Panel, order: Order) -> tuple[Panel, list[float] | None]:
    """What is trained on, and how much each row counts: after a change the rows since, and as many before to read."""
    if order.since is None:
        return known, None
    new = _newer(known, order.since)
    kept = np.flatnonzero(new > order.horizon)
    if not len(kept):
        return known, None
    known, new = known.take(kept), new[kept]
    known = known.between(known.lengths - 2 * new, known.lengths)
    return known, (known.times.astype(np.int64) > order.since).astype(float).tolist()


def _newer(panel: Panel, time: int | IntArray) -> IntArray:
    """(S,) rows of each series after a time, or one for each series, as stored."""
    after = np.repeat(np.broadcast_to(time, len(panel)), panel.lengths)
    found: IntArray = np.add.reduceat((panel.times.astype(np.int64) > after).astype(np.int64), panel.offsets[:-1])
    return found


def _champion(opponent: Opponent, order: Order, known: Panel, settings: Mapping[str, Any]) -> Fitted:
    from foregate.forecaster import Forecaster, load

    if opponent.folder is None:
        told = {"effort": "instant", "options": {"weights": PRETRAINED}}
        return Forecaster(order.horizon, **told, **settings).fit(known).fitted_  # type: ignore[arg-type]
    return load(opponent.folder, runtime="onnx").fitted_


def _season(model: Forecaster, plan: Plan, panel: Panel) -> int:
    """Of the seasonal naive forecast: the model's own."""
    found = model.report_.get("seasons") or [plan.season_of(panel)]
    return max(1, int(found[0] if isinstance(found, list | tuple) else found))


def _judged(found: Backtest, panel: Panel, after: IntArray) -> NDArray[np.bool_]:
    """(S, W, K) which forecasts count: their actuals came after the time of their series, and there is a scale."""
    of = dict(zip(panel.ids.tolist(), after.tolist(), strict=True))
    own = np.array([of[name] for name in found.ids.tolist()], np.int64)
    new = found.times.astype(np.int64) > own[:, None, None]
    counted: NDArray[np.bool_] = new & np.isfinite(found.actual) & (found.scale[:, :, None] > 0)
    return counted


def _errors(found: Backtest, name: str, there: NDArray[np.bool_]) -> FloatArray:
    """(T,) mean absolute error of the medians at each time, each by the scale of its series, in order of time."""
    median = found.plan.all_quantiles.index(0.5)
    off = np.abs(found.forecasts[name][..., median] - found.actual)[there]
    off /= np.broadcast_to(found.scale[:, :, None], there.shape)[there]
    _, time = np.unique(found.times[there], return_inverse=True)
    mean: FloatArray = np.bincount(time, off) / np.bincount(time)
    return mean


def _covered(found: Backtest, name: str, there: NDArray[np.bool_]) -> float:
    levels = found.plan.all_quantiles
    low, high = (found.forecasts[name][..., levels.index(round(q, 10))] for q in (0.1, 0.9))
    return float(((low <= found.actual) & (found.actual <= high))[there].mean()) if there.any() else float("nan")


def _by_time(values: FloatArray, times: Times, there: NDArray[np.bool_]) -> FloatArray:
    """(S, T) values in columns of one time each, of the newest times, as many as before; NaN where there is none."""
    every, column = np.unique(times[there], return_inverse=True)
    found = np.full((len(values), len(every)), np.nan)
    found[np.nonzero(there)[0], column] = values[there]
    return found[:, -values.shape[1] :]


def _since(panel: Panel, time: int) -> Panel:
    """The rows after a time; where these are too few to say how large values are, the newest that are enough."""
    new = _newer(panel, time)
    found = panel.between(panel.lengths - new, panel.lengths)
    if np.count_nonzero(found.mask) >= LEAST_VALUES:
        return found
    return panel.between(np.maximum(panel.lengths - np.maximum(new, LEAST_VALUES), 0), panel.lengths)


def _rounded(value: float | np.floating[Any]) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def _reference(model: Fitted, panel: Panel, order: Order, held: int) -> bytes:
    """Inputs, since the change where there was one, and errors one step ahead of the rows that are held out."""
    origins = panel.lengths[:, None] - 1 - np.arange(held, 0, -1)
    origins = np.where(origins >= 0, origins, -1)
    said = model.forecast_origins(panel, origins, 1, (0.1, 0.5, 0.9))[:, :, 0]
    rows = np.minimum(panel.offsets[:-1, None] + origins + 1, len(panel.values) - 1)
    there = (origins >= 0) & panel.mask[rows]
    actual = np.where(there, panel.values[rows].astype(np.float64), np.nan)
    errors, outside = said[..., 1] - actual, ((actual < said[..., 0]) | (actual > said[..., 2])).astype(np.float64)
    errors, outside = (_by_time(each, panel.times[rows], there) for each in (errors, outside))
    kept = held >= LEAST_ERRORS
    if order.since is not None:
        panel = _since(panel, order.since)
    enough = np.count_nonzero(panel.mask) >= LEAST_INPUTS
    try:
        made = reference(panel, errors if kept else None, outside if kept else None)
    except DataError:  # so few values, or none that vary, have nothing usual
        return Reference().to_bytes()
    return (made if enough else replace(made, inputs={})).to_bytes()
