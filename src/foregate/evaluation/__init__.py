"""Metrics, baselines, backtests and the scoreboard. No torch."""

from foregate.evaluation.backtest import Backtest, backtest
from foregate.evaluation.baselines import Drift, Naive, SeasonalNaive
from foregate.evaluation.calibration import Calibration, calibration
from foregate.evaluation.comparison import Comparison, compare
from foregate.evaluation.metrics import ERRORS, Outcomes, mase_scale, measure
from foregate.evaluation.plan import SCHEMES, Plan, Scheme
from foregate.evaluation.rolling import Contender, Seconds
from foregate.evaluation.scoreboard import REFERENCE, Score, Scoreboard, scoreboard
from foregate.evaluation.significance import DieboldMariano, Ranks, diebold_mariano, rank
from foregate.evaluation.statistical import BASELINES, baseline, statistical

__all__ = [
    "BASELINES",
    "ERRORS",
    "REFERENCE",
    "SCHEMES",
    "Backtest",
    "Calibration",
    "Comparison",
    "Contender",
    "DieboldMariano",
    "Drift",
    "Naive",
    "Outcomes",
    "Plan",
    "Ranks",
    "Scheme",
    "Score",
    "Scoreboard",
    "SeasonalNaive",
    "Seconds",
    "backtest",
    "baseline",
    "calibration",
    "compare",
    "diebold_mariano",
    "mase_scale",
    "measure",
    "rank",
    "scoreboard",
    "statistical",
]
