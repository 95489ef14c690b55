"""Stored series, and orders that are trained in a second."""

import numpy as np
from sqlalchemy import insert

from foregate.service.store.tables import observations, series

QUICK = {"horizon": 3, "season_length": 6, "options": {"steps": 30, "hidden": 8, "start": "scratch"}, "held_out": 30}


def seasonal(n, seed=0, level=10.0, noise=0.3):
    """(n,) a season of six with a little noise."""
    rng = np.random.default_rng(seed)
    return level + 3 * np.sin(np.arange(n) * 2 * np.pi / 6) + noise * rng.normal(size=n)


def store(database, values, name="a", freq="1", start=0, step=1, season=6, at=0):
    """Write a series as it would have come in; its number."""

    def work(connection):
        row = {"name": name, "freq": freq, "season_length": season, "created_at": 0}
        number = connection.execute(insert(series).values(**row).returning(series.c.id)).scalar_one()
        add(connection, number, values, start, step, at)
        return number

    return database.write_now(work)


def add(connection, number, values, start=0, step=1, at=0):
    """More observations of a series; NaN is stored as missing."""
    common = {"series": number, "revision": 0, "received_at": at}
    rows = [
        {**common, "time": start + i * step, "value": None if np.isnan(v) else float(v)} for i, v in enumerate(values)
    ]
    connection.execute(insert(observations), rows)
