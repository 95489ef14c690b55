"""Tests of `foregate export`."""

import json

import numpy as np
import polars as pl
import pytest

from foregate import Forecaster
from tests.cli.conftest import contents
from tests.persistence.strangers import Stranger


def test_a_model_becomes_graphs(run, model):
    """The folder has both graphs and the manifest, of the steps and quantiles that were asked for, and they run."""
    result = run("export", "model", "exported", "--horizon", "4", "--quantiles", "0.1,0.5,0.9")
    assert [word in result.stdout for word in ("forecast.onnx", "manifest.json", "step.onnx")] == [True] * 3
    stranger = Stranger(model.parent / "exported")
    stranger.read([3.5], days=[19_000.0])
    assert stranger.forecast().shape == (1, 4, 3)
    np.testing.assert_allclose(stranger.forecast()[:, :, 1], 3.5)


def test_json_tells_where_they_are(run, model):
    """One document on standard output, for programs."""
    said = json.loads(run("export", "model", "exported", "--json").stdout)
    assert said == {
        "model": "model",
        "exported": "exported",
        "files": ["forecast.onnx", "manifest.json", "step.onnx"],
    }
    assert run("export", "model", "exported", "--overwrite", "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("none", "exported"), 1, "a model must be a folder, but got none"),
        (("model", "exported", "--horizon", "0"), 2, "horizon must be a whole number"),
        (("model", "exported", "--quantiles", "half"), 2, "--quantiles must be numbers such as 0.1,0.5,0.9"),
        (("model", "exported", "--quantiles", "0.5,1"), 2, "quantiles must be between 0 and 1, but got 1"),
        (("model", "model"), 2, "'model' is there"),
        (("model", "model", "--overwrite"), 1, "must have the file"),
        (("counts", "exported"), 1, "must say its quantiles in a fixed number of operations"),
    ],
)
def test_what_is_wrong_is_told(run, model, words, code, said):
    """Wrong use is 2, a problem with the model 1, each in one sentence, and nothing is written."""
    if words[0] == "counts":
        counts = Forecaster(2, model="negative-binomial", options={"steps": 1, "hidden": 4}, effort="fast")
        rows = {"unique_id": ["a"] * 40, "ds": range(40), "y": [float(i % 5) for i in range(40)]}
        counts.fit(pl.DataFrame(rows)).save("counts")
    before = contents(model.parent)
    assert said in run("export", *words, "--quiet", code=code).stderr
    assert contents(model.parent) == before
