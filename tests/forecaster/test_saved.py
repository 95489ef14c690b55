"""Loaded is saved."""

import numpy as np
import polars as pl
import pytest

from foregate.core import ArtifactError
from foregate.forecaster import Forecaster, load
from tests.forecaster.models import HORIZON, SMALL, ahead, table


@pytest.mark.parametrize("runtime", ["torch", "onnx", "auto"])
def test_loaded_is_saved(fitted, priced, tmp_path, runtime):
    """Loaded again, a forecaster says what it said, of its own panel and of others, with the same parameters."""
    for name, model in (("plain", fitted), ("priced", priced)):
        future = ahead() if model is priced else None
        model.save(tmp_path / name)
        again = load(tmp_path / name, runtime=runtime)
        one, other = (each.forecast(level=[80], future=future) for each in (model, again))
        np.testing.assert_array_equal(one.times, other.times)
        if runtime == "onnx":
            np.testing.assert_allclose(one.values, other.values, rtol=1e-5)
        else:
            np.testing.assert_array_equal(one.values, other.values)
        assert again.horizon == model.horizon
        assert again.get_params()["options"] == {**SMALL}
        assert isinstance(again.predict(future=future), pl.DataFrame)
        again.set_params(seed=2)


def test_a_loaded_forecaster_can_be_fitted_again(fitted, tmp_path):
    """Its parameters are complete: the same data gives the same forecaster."""
    fitted.save(tmp_path / "model")
    again = load(tmp_path / "model")
    again.verbose = False
    assert again.fit(table()).predict().equals(fitted.predict())


def test_a_model_is_not_overwritten_unasked(fitted, tmp_path):
    """A folder that is there stays as it is unless `overwrite` is said."""
    fitted.save(tmp_path / "model")
    with pytest.raises(ArtifactError):
        fitted.save(tmp_path / "model")
    fitted.save(tmp_path / "model", overwrite=True)


def test_an_instant_forecaster_is_loaded_as_it_was_saved(tmp_path):
    """To the bit, without being told by which runtime; and it goes on with newer rows and what it was fitted on."""
    model = Forecaster.pretrained(HORIZON).fit(table(days=50))
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.effort == "instant"
    for data in (None, table()):
        assert again.predict(data, level=[80]).equals(model.predict(data, level=[80]))
