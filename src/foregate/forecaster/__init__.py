"""`Forecaster`, the estimator that people use: a thin face over the layers below; saved and scored."""

from foregate.forecaster.backtest import INSTANT, backtest
from foregate.forecaster.estimator import Forecaster
from foregate.forecaster.portable import export
from foregate.forecaster.saved import load

__all__ = ["INSTANT", "Forecaster", "backtest", "export", "load"]
