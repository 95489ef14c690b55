"""A service that forecasts, and nothing else."""

import numpy as np
import polars as pl
import pytest

from foregate import Forecaster
from foregate.persistence.shipped import SHIPPED
from foregate.service.forecasts.oip import routes as inference
from foregate.service.forecasts.routes import routes as forecasts
from foregate.service.forecasts.served import Served
from tests.service.fakes import lab
from tests.service.forecasts.fakes import FakeRegistry


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """The folder of a model of daily series, with a covariate of every kind."""
    rng, rows = np.random.default_rng(0), 60
    days = np.datetime64("2024-01-01") + np.arange(rows)
    parts = [
        pl.DataFrame(
            {
                "unique_id": [name] * rows,
                "ds": days,
                "y": size + rng.normal(size=rows) + np.arange(rows) % 7,
                "shop": [kind] * rows,
                "price": rng.uniform(1, 2, rows),
                "open": (np.arange(rows) % 7 < 6).astype(float),
            }
        )
        for name, size, kind in (("a", 10, "big"), ("b", 20, "small"))
    ]
    model = Forecaster(horizon=4, season_length=7, options={"steps": 2, "hidden": 8})
    roles = {"shop": "static", "price": "past", "open": "future"}
    folder = tmp_path_factory.mktemp("models") / "trained"
    model.fit(pl.concat(parts), covariates=roles).save(folder)
    return folder


@pytest.fixture
def registry():
    """The pretrained model, in two sizes, of which the smaller one is champion."""
    made = FakeRegistry()
    made.add("pretrained", SHIPPED / "tiny", "champion")
    made.add("pretrained", SHIPPED / "base", "challenger")
    return made


@pytest.fixture
def service(tmp_path, registry):
    """A service with the routes of forecasts."""

    def parts(service):
        service.registry = registry
        service.served = Served(registry, service.settings, service.metrics)

    with lab(tmp_path, forecasts, inference, parts=parts) as one:
        one.run(one.service.served.start())
        yield one
        one.run(one.service.served.close())
