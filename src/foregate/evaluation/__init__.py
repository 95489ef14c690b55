"""Metrics, baselines, backtests and the scoreboard. No torch."""

from foregate.evaluation.backtest import Backtest, backtest
from foregate.evaluation.baselines import Drift, Naive, SeasonalNaive
from foregate.evaluation.metrics import ERRORS, Outcomes, mase_scale, measure
from foregate.evaluation.plan import SCHEMES, Plan, Scheme
from foregate.evaluation.rolling import Contender, Seconds
from foregate.evaluation.scoreboard import REFERENCE, Score, Scoreboard, scoreboard
from foregate.evaluation.statistical import BASELINES, baseline, statistical

__all__ = [
    "BASELINES",
    "ERRORS",
    "REFERENCE",
    "SCHEMES",
    "Backtest",
    "Contender",
    "Drift",
    "Naive",
    "Outcomes",
    "Plan",
    "Scheme",
    "Score",
    "Scoreboard",
    "SeasonalNaive",
    "Seconds",
    "backtest",
    "baseline",
    "mase_scale",
    "measure",
    "scoreboard",
    "statistical",
]
