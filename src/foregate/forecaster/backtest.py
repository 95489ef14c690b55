"""What a forecaster would have said of the past, beside what simple methods would."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from foregate.core import Fit, Panel, UsageError, asked, at_least
from foregate.data import read, regularize, require_freq, split_known_future
from foregate.evaluation import Backtest, Plan, Scheme, baseline
from foregate.evaluation import backtest as run_backtest
from foregate.forecaster.estimator import Forecaster
from foregate.forecasting.fitted import Fitted
from foregate.pipeline.plan import plan_weights

__all__ = ["INSTANT", "backtest"]

INSTANT = "LSTM-instant"
"""What the pretrained network, without any training, is called where it is compared with others."""


@dataclass(frozen=True)
class Trainer:
    """The fit function of a forecaster: other processes can be sent it."""

    params: Mapping[str, Any]
    """What `Forecaster` is made with."""

    def __call__(self, panel: Panel) -> Fitted:
        """The model, trained on a panel."""
        return Forecaster(**self.params).fit(panel).fitted_


@dataclass(frozen=True)
class AtOnce:
    """The fit function of the pretrained network that would be the beginning of that forecaster, untrained."""

    model: Forecaster

    def __call__(self, panel: Panel) -> Fitted:
        """The model, with seasons and intervals found on a panel."""
        options = {"weights": plan_weights(self.model._recipe(), panel)}
        own = {"effort": "instant", "model": None, "options": options}
        return Trainer(self.model.get_params() | own)(panel)


def backtest(  # noqa: PLR0913 - all that there is to say of the windows
    model: Forecaster,
    data: Any,
    *,
    n_windows: int = 1,
    step: int | None = None,
    scheme: Scheme = "expanding",
    train_rows: int | None = None,
    gap: int = 0,
    refit: bool | int | None = None,
    level: Sequence[float] | float = (80, 95),
    baselines: Sequence[str] | None = None,
    processes: int = 1,
) -> Backtest:
    """Forecast windows of the past with a forecaster and baselines, and keep what came beside what was said.

    The forecaster is trained anew on what came before the first window (and again as `refit` says), whether it was
    fitted or not, so that no answer was seen; `model` itself stays as it is.

    Args:
        model: settings of the forecaster.
        data: a panel, or anything that `foregate.read` takes.
        n_windows: windows per series; the newest ends with its last row.
        step: rows between two origins; the horizon when not given.
        scheme: what may be known at an origin. ``expanding``: every earlier row. ``rolling``: the last `train_rows`.
            ``blocked``: each series is cut into `n_windows` equal blocks that share no row; the end of a block is
            forecast from its beginning.
        train_rows: rows of every training part in ``rolling``.
        gap: rows between the last known row and the first that is forecast: how late data arrives.
        refit: False to train once, True at every origin, n at every n-th; once when not given, but at every origin of
            ``blocked``.
        level: central intervals to score, in percent.
        baselines: names of models to compare with: ``LSTM-instant``, the pretrained network without training, and those
            of `foregate.evaluation.BASELINES`. If not given ``LSTM-instant``, unless `model` is just that, and
            ``SeasonalNaive``.
        processes: how many trainings may go on at once, each in a process of its own with its share of the cores. The
            result is the same to the bit, as long as a process has as many threads (``OMP_NUM_THREADS``). A script that
            asks for several must keep what it runs under ``if __name__ == "__main__":``.

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
    at_least(1, processes=processes)
    recipe = model._recipe()
    plan = Plan(recipe.horizon, n_windows, step, gap, levels=levels, refit=refit, scheme=scheme, train_rows=train_rows)
    panel, _ = split_known_future(read(data, freq=model.freq))
    panel = regularize(require_freq(panel))
    season = plan.season_of(panel) if recipe.season_length is None else max([*recipe.season_length[:1], 1])
    if baselines is None:
        baselines = ("SeasonalNaive",) if recipe.effort == "instant" else (INSTANT, "SeasonalNaive")
    if processes > 1:  # several progress lines on one terminal would overwrite one another
        model = Forecaster(**(model.get_params() | {"verbose": False}))
    contenders: dict[str, Fit] = {"LSTM": Trainer(model.get_params())}
    for name in baselines:
        contenders[name] = AtOnce(model) if name == INSTANT else baseline(name, season=season, besides=[INSTANT])
    return run_backtest(contenders, panel, replace(plan, season=season), processes=processes)
