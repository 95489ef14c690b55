"""Law: saved = loaded = exported."""

import numpy as np
import pytest

from foregate.core import Panel
from foregate.persistence import Artifact, load_model, save_model
from foregate.pipeline.fit import fit
from foregate.pipeline.recipe import Recipe

QUANTILES = (0.05, 0.5, 0.77)


@pytest.fixture(scope="module", params=[(), (4,), (3, 12)], ids=str)
def model(request, tmp_path_factory):
    """A fitted model and the folder it was saved in."""
    rng = np.random.default_rng(0)
    panel = Panel.from_arrays([50 + np.cumsum(rng.normal(size=n)) for n in (60, 45)])
    recipe = Recipe(horizon=4, season_length=request.param, steps=3, hidden=8, decoder=8)
    made = Artifact(fit(recipe, panel)[0], recipe, panel, {})
    folder = tmp_path_factory.mktemp("saved") / "model"
    save_model(folder, made)
    return made, folder


def panels():
    """Panels unlike the one the model was made with: one value, a long series, missing values, many series."""
    rng = np.random.default_rng(2)
    gappy = np.where(rng.random(80) < 0.3, np.nan, rng.normal(size=80) * 1e4)
    yield Panel.from_arrays([np.array([3.0])])
    yield Panel.from_arrays([np.cumsum(rng.normal(size=5_000)), gappy])
    yield Panel.from_arrays([rng.gamma(1, size=n) for n in rng.integers(1, 40, 257)])


@pytest.mark.parametrize("horizon", [1, 4, 720])
def test_loaded_by_torch_is_the_same_to_the_bit(model, horizon):
    """A model that was saved and loaded forecasts any panel bit for bit as before."""
    made, folder = model
    loaded = load_model(folder, runtime="torch")
    for panel in (made.history, *panels()):
        before = made.fitted.forecast(panel, horizon, QUANTILES)
        after = loaded.fitted.forecast(panel, horizon, QUANTILES)
        np.testing.assert_array_equal(after.values, before.values)


@pytest.mark.parametrize("horizon", [1, 4, 720])
def test_exported_is_the_same_within_1e_5(model, horizon):
    """ONNX Runtime forecasts any panel, at any horizon, within 1e-5 of each series' size."""
    made, folder = model
    loaded = load_model(folder, runtime="onnx")
    for panel in (made.history, *panels()):
        before = made.fitted.forecast(panel, horizon, QUANTILES).values
        after = loaded.fitted.forecast(panel, horizon, QUANTILES).values
        size = np.abs(before).max((1, 2), keepdims=True)
        assert (np.abs(after - before) <= 1e-5 * size).all()
