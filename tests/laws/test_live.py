"""A live forecaster says what its model says in one batch pass, whatever runs the network."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Frequency
from foregate.persistence import load_shipped, shipped_sizes
from foregate.pipeline.instant import instant, untold
from foregate.pipeline.recipe import Recipe
from foregate.streaming import Live
from tests.laws.battery import QUANTILES, SEASON, lively, troubled

RUNTIMES = ("onnx", "torch")
HORIZON = 30


def started(size, runtime):
    if runtime == "torch":
        pytest.importorskip("torch")
    return load_shipped(size, runtime=runtime)


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize("size", shipped_sizes())
@pytest.mark.parametrize("make", [lively, troubled])
@pytest.mark.parametrize("seasons", [(), (SEASON,), (SEASON, 12)])
def test_a_stream_of_the_shipped_network_is_a_batch(size, runtime, make, seasons):
    """From a panel and then row by row, within 1e-5 of one pass over everything, calibrated intervals included."""
    panel = replace(make(), covariates={})
    recipe = Recipe(HORIZON, seasons, "instant")
    fitted, _ = instant(recipe, panel, started(size, runtime))
    expected = fitted.forecast(panel, HORIZON, QUANTILES).values
    live = Live.start(fitted, panel.cut(panel.lengths // 2))
    for row in range(int(panel.lengths.max())):
        begins = np.maximum(panel.lengths // 2, row)
        live.update(panel.between(begins, np.maximum(begins, np.minimum(panel.lengths, row + 1))))
    size_of = np.abs(expected).max((1, 2), keepdims=True)
    assert np.all(np.abs(live.forecast(quantiles=QUANTILES).values - expected) <= 1e-5 * size_of)


@pytest.mark.parametrize("size", shipped_sizes())
def test_a_state_goes_from_one_engine_to_the_other(size):
    """A snapshot belongs to the weights, not to what runs them."""
    live, other = (
        Live(untold(Recipe(3, (SEASON,), "instant"), Frequency.parse(1), started(size, runtime)))
        for runtime in RUNTIMES
    )
    panel = lively()
    live.update(panel)
    moved = Live.restore(other.fitted, live.snapshot())
    np.testing.assert_allclose(moved.forecast().values, live.forecast().values, rtol=1e-5)
