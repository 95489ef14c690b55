"""What a forecaster would have said of the past, beside what simple methods would."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from foregate.core import Fit, Panel, UsageError, asked
from foregate.data import read, regularize, require_freq, split_known_future
from foregate.evaluation import Backtest, Plan, baseline
from foregate.evaluation import backtest as run_backtest
from foregate.forecaster.estimator import Forecaster
from foregate.forecasting.fitted import Fitted
from foregate.pipeline.plan import plan_weights

__all__ = ["INSTANT", "backtest"]

INSTANT = "LSTM-instant"
"""What the pretrained network, without any training, is called where it is compared with others."""


def backtest(
    model: Forecaster,
    data: Any,
    *,
    n_windows: int = 1,
    step: int | None = None,
    refit: bool | int = False,
    level: Sequence[float] | float = (80, 95),
    baselines: Sequence[str] | None = None,
) -> Backtest:
    """Forecast windows of the past with a forecaster and baselines, and keep what came beside what was said.

    The forecaster is trained anew on what came before the first window (and again as `refit` says), whether it was
    fitted or not, so that no answer was seen; `model` itself stays as it is.

    Args:
        model: settings of the forecaster.
        data: a panel, or anything that `foregate.read` takes.
        n_windows: windows per series; the newest ends with its last row.
        step: rows between two origins; the horizon when not given.
        refit: False to train once, True at every origin, n at every n-th.
        level: central intervals to score, in percent.
        baselines: names of models to compare with: ``LSTM-instant``, the pretrained network without training, and those
            of `foregate.evaluation.BASELINES`. If not given ``LSTM-instant``, unless `model` is just that, and
            ``SeasonalNaive``.

    Examples:
        >>> from foregate.data import generate
        >>> from foregate.evaluation import scoreboard
        >>> model = Forecaster(horizon=3, season_length=12, options={"steps": 2, "hidden": 8})
        >>> board = scoreboard(backtest(model, generate(2, 60), n_windows=2))
        >>> [score.model for score in board.scores]
        ['LSTM', 'LSTM-instant', 'SeasonalNaive']
    """
    if not isinstance(model, Forecaster):
        raise UsageError(f"model must be a Forecaster, but got {model!r}. Give for example Forecaster(horizon=28).")
    if isinstance(baselines, str) or not isinstance(baselines, Iterable | None):
        raise UsageError(f'baselines must be a list of names, but got {baselines!r}. Give for example ["Naive"].')
    levels, _ = asked(level, None)
    panel, _ = split_known_future(read(data, freq=model.freq))
    panel = regularize(require_freq(panel))
    recipe = model._recipe()
    plan = Plan(recipe.horizon, n_windows, step, refit=refit, levels=levels)

    def train(part: Panel) -> Fitted:
        return Forecaster(**model.get_params()).fit(part).fitted_

    def at_once(part: Panel) -> Fitted:
        own = {"effort": "instant", "model": None, "options": {"weights": plan_weights(recipe, part)}}
        return Forecaster(**(model.get_params() | own)).fit(part).fitted_

    season = plan.season_of(panel) if recipe.season_length is None else max([*recipe.season_length[:1], 1])
    if baselines is None:
        baselines = ("SeasonalNaive",) if recipe.effort == "instant" else (INSTANT, "SeasonalNaive")
    contenders: dict[str, Fit] = {"LSTM": train}
    for name in baselines:
        contenders[name] = at_once if name == INSTANT else baseline(name, season=season, besides=[INSTANT])
    return run_backtest(contenders, panel, replace(plan, season=season))
