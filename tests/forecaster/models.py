"""A small forecaster, and tables for it to be fitted on."""

import math
from datetime import date, timedelta

import numpy as np
import polars as pl

from foregate.forecaster import Forecaster

SMALL = {"steps": 3, "hidden": 6, "decoder": 5, "batch": 8, "crop": 30}
HORIZON = 4


def small(horizon=HORIZON, **changes):
    return Forecaster(horizon, **{"season_length": 7, "options": SMALL, "verbose": False, **changes})


def table(ids=("a", "b"), days=60, *, seed=0, **columns):
    """A long polars table of daily series; columns given as functions of the day number."""
    rng = np.random.default_rng(seed)
    rows = {"unique_id": [], "ds": [], "y": []} | {name: [] for name in columns}
    for n, i in enumerate(ids):
        for t in range(days):
            rows["unique_id"].append(i)
            rows["ds"].append(date(2024, 1, 1) + timedelta(t))
            rows["y"].append(10.0 * (n + 1) + math.sin(2 * math.pi * t / 7) + rng.normal(0, 0.2))
            for name, column in columns.items():
                rows[name].append(column(t))
    return pl.DataFrame(rows)


def price(t):
    """A price that varies from day to day."""
    return 10.0 + t % 5


def ahead(ids=("a", "b"), days=60, steps=HORIZON, column=price):
    """The table of what is known of the days after."""
    rows = [(i, date(2024, 1, 1) + timedelta(days + k), column(days + k)) for i in ids for k in range(steps)]
    return pl.DataFrame(rows, schema=["unique_id", "ds", "price"], orient="row")
