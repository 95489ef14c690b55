"""What the tests of the report tell of: panels, forecasts and backtests without a network."""

import numpy as np

from foregate.core import Panel
from foregate.data import audit
from foregate.evaluation import Drift, Naive, Plan, SeasonalNaive, backtest, scoreboard
from foregate.reporting import ReportInput

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
FACTS = {
    "seasons": [4],
    "parameters": 1234,
    "steps": 40,
    "best_step": 20,
    "finish_steps": 4,
    "held_out_series": 2,
    "history": [
        {"step": 10, "loss": 0.9, "score": 0.8},
        {"step": 20, "loss": 0.5, "score": 0.6},
        {"step": 30, "loss": 0.4, "score": None},
    ],
    "seconds": 1.25,
    "notes": ["one gap was made explicit."],
}


def panel_of(n_series=3, length=60, *, freq="D", ids=None, seed=0):
    """Seasonal series with a gap of missing values in the first."""
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    series = [10 + s + 3 * np.sin(np.pi * t / 2) + rng.normal(0, 0.5, length) for s in range(n_series)]
    series[0][5:8] = np.nan
    return Panel.from_arrays(series, freq=freq, ids=ids)


def told_of(panel, *, horizon=4, n_windows=3, name="LSTM", **options):
    """A whole report; Drift plays the network."""
    models = {name: Drift(), "SeasonalNaive": SeasonalNaive(4), "Naive": Naive()}
    result = backtest(models, panel, Plan(horizon, n_windows, season=4))
    return ReportInput(
        **{
            "title": "Sales",
            "panel": panel,
            "audit": audit(panel),
            "forecast": Drift().forecast(panel, horizon, QUANTILES),
            "backtest": result,
            "scoreboard": scoreboard(result),
            "model": FACTS,
            "name": name,
            "notes": ("read from a file.",),
            **options,
        }
    )
