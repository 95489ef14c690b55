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
