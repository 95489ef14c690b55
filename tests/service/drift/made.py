"""Stored forecasts and actuals."""

import json

import numpy as np
from sqlalchemy import insert

from foregate.service.store.tables import forecasts, observations, series

LEVELS = (0.1, 0.5, 0.9)


def new_series(database, name="a", freq="1", segment=""):
    """The number of a series."""
    row = {"name": name, "freq": freq, "segment": segment, "created_at": 0}
    return database.write_now(lambda c: c.execute(insert(series).values(**row).returning(series.c.id)).scalar_one())


def forecast(database, number, origin, values, *, version=1, step=1, scale=1.0, at=0, model="m"):
    """Store a forecast: (K, 3) quantiles."""
    values = np.asarray(values, "<f4")
    row = {"series": number, "origin": origin, "until": origin + len(values) * step, "model": model, "made_at": at}
    row |= {"version": version, "horizon": len(values), "quantiles": json.dumps(LEVELS), "values": values.tobytes()}
    database.write_now(lambda c: c.execute(insert(forecasts).values(**row, scale=scale)) and None)


def actual(database, number, time, value, at=1):
    """Store an observation."""
    row = {"series": number, "time": time, "value": value, "revision": 0, "received_at": at}
    database.write_now(lambda c: c.execute(insert(observations).values(**row)) and None)


def shifted(database, number):
    """Forecasts of version 1 of m, and actuals that are like them for 1050 steps and 4 higher for the 40 after."""
    rng = np.random.default_rng(0)
    values = np.append(rng.normal(size=1050), rng.normal(4, 1, size=40))
    band = np.array([[-1.0, 0.0, 1.0]], "<f4").tobytes()

    def work(connection):
        common = {"series": number, "model": "m", "version": 1, "horizon": 1, "quantiles": json.dumps(LEVELS)}
        common |= {"values": band, "scale": 1.0, "made_at": 0}
        origins = range(len(values))
        connection.execute(insert(forecasts), [{**common, "origin": t, "until": t + 1} for t in origins])
        actuals = [{"series": number, "time": t + 1, "value": float(values[t])} for t in origins]
        connection.execute(insert(observations), [{**row, "revision": 0, "received_at": 1} for row in actuals])

    database.write_now(work)
