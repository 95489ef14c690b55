"""`export`: what people call to make a forecaster run anywhere."""

import datetime as dt
import math
import sys

import numpy as np
import pytest

from foregate import Forecaster, MissingExtraError, ModelError, NotFittedError, UsageError, export
from foregate.core import Panel
from foregate.data import generate
from tests.persistence.strangers import Stranger

SMALL = {"steps": 2, "hidden": 8, "members": 2, "start": "scratch"}


def hourly(rows=150):
    """A load of two series, one of them with gaps."""
    t = np.arange(rows)
    load = 100 + 20 * np.sin(t * 2 * np.pi / 24) + np.random.default_rng(0).normal(0, 2, rows)
    holes = load - 90
    holes[5::7] = np.nan
    return Panel.from_arrays([load, holes], freq="h", start=np.datetime64("2024-01-01", "us"))


def test_a_fitted_forecaster_runs_anywhere(tmp_path):
    """A pair of networks, which are told the time, forecasts what `predict` does, from the same rows."""
    panel = hourly()
    model = Forecaster(5, season_length=24, options=SMALL).fit(panel)
    export(model, tmp_path / "graphs")
    stranger = Stranger(tmp_path / "graphs", 2)
    assert len(model.fitted_.engine.engines) == 2
    first = (dt.date(2024, 1, 1) - dt.date(1970, 1, 1)).days
    values = np.where(panel.mask, panel.values, np.nan).reshape(2, -1)
    for row, value in enumerate(values.T):
        stranger.read(value, days=[first + row * stranger.manifest["days_per_row"]] * 2)
    expected, found = model.forecast(quantiles=model.fitted_.levels).values, stranger.forecast()
    assert np.all(np.abs(found - expected) <= 1e-5 * np.abs(expected).max((1, 2), keepdims=True))


def test_a_pretrained_forecaster_needs_no_data(tmp_path):
    """What may start a stream from nothing may be exported from nothing, and says the same."""
    model = Forecaster.pretrained(3, season_length=4)
    export(model, tmp_path / "graphs", quantiles=[0.1, 0.5, 0.9])
    stranger, live = Stranger(tmp_path / "graphs"), model.live()
    for row in range(30):
        value = 10 + row % 4 + math.sin(row)
        stranger.read([value])
        live.update({"unique_id": "a", "ds": row, "y": value})
    np.testing.assert_allclose(stranger.forecast(), live.forecast(quantiles=[0.1, 0.5, 0.9]).values, rtol=1e-5)


def test_a_saved_model_is_exported_as_it_is(tmp_path):
    """A folder will do for a model; the graphs are those of the model that was saved."""
    model = Forecaster.pretrained(3).fit(generate(2, 60))
    model.save(tmp_path / "model")
    for given, name in ((model, "one"), (str(tmp_path / "model"), "other")):
        export(given, tmp_path / name, horizon=2)
    for name in ("step.onnx", "forecast.onnx"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def test_what_is_not_installed_is_told(tmp_path, monkeypatch):
    """Without the onnx package the message names the extra that brings it, and nothing is written."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"exporting a model.*foregate\[train\]"):
        export(Forecaster.pretrained(3), tmp_path / "graphs")
    assert not (tmp_path / "graphs").exists()


def test_what_cannot_be_exported_is_refused(tmp_path):
    """A forecaster that was never fitted, a model of several targets, and what is no forecaster."""
    with pytest.raises(NotFittedError):
        export(Forecaster(3), tmp_path / "graphs")
    with pytest.raises(UsageError, match="model must be a forecaster or the folder of one, but got int"):
        export(3, tmp_path / "graphs")
    rows = {"unique_id": ["a"] * 40, "ds": range(40), "load": np.sin(np.arange(40.0)), "price": np.arange(40.0)}
    import polars as pl

    model = Forecaster.pretrained(3).fit(pl.DataFrame(rows), target_cols=["load", "price"])
    with pytest.raises(ModelError, match=r"must have one target to be exported as graphs, but got several: .*load"):
        export(model, tmp_path / "graphs")
