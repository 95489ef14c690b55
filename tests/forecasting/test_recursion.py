"""Laws of forecasts that feed on themselves."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Ahead
from foregate.data.inputs import Inputs
from foregate.forecasting import recursion as module
from foregate.forecasting.distributions import Distribution
from foregate.forecasting.recursion import rolled, rolled_paths, states_at
from tests.forecasting.networks import HORIZON, LEVELS, RECURSIVE, close, counts, model, told

ways = pytest.mark.parametrize("label", RECURSIVE)
ORIGINS = np.array([[29, 12, 6], [13, 9, 5], [21, 20, 4]])
EARLIER = np.array([[20, 12, 6], [8, 7, 5], [15, 10, 4]])
"""Those leave a horizon inside the panel."""


def cut_at(panel, origins, future=None):
    """The panel as it was at one origin of each series, and what was known then of the steps ahead."""
    rows = (panel.offsets[:-1] + origins)[:, None] + np.arange(1, HORIZON + 1)
    ahead = {name: c.values[rows] for name, c in panel.covariates.items() if c.role == "future"}
    return panel.cut(origins + 1), ahead or None


@ways
def test_an_origin_inside_is_the_end_of_what_was_cut_there(label):
    """From inside a panel the forecast is that of the panel cut at the origin, to the rounding of float32."""
    panel, made = counts(), model(label)
    inside = made.forecast_origins(panel, ORIGINS, HORIZON, LEVELS)
    for o in range(ORIGINS.shape[1]):
        past, _ = cut_at(panel, ORIGINS[:, o])
        close(inside[:, o], made.forecast(past, HORIZON, LEVELS).values)


@ways
def test_with_covariates_too(label):
    """So it is where static, past and known-future covariates are read, of which the future ones are given."""
    panel, columns = told(counts())
    made, origins = model(label, columns=columns), EARLIER
    inside = made.forecast_origins(panel, origins, HORIZON, LEVELS)
    for o in range(origins.shape[1]):
        past, ahead = cut_at(panel, origins[:, o])
        close(inside[:, o], made.forecast(past, HORIZON, LEVELS, ahead).values)


def test_past_covariates_after_the_origin_are_never_read():
    """Change them, and all targets, behind the origins: not a bit of the forecasts changes; future ones do count."""
    panel, columns = told(counts())
    made = model("recursive+draws=20", columns=columns)
    origins = EARLIER[:, :1]
    before = made.forecast_origins(panel, origins, HORIZON, LEVELS)
    later = np.arange(len(panel.values)) > (panel.offsets[:-1] + origins[:, 0])[panel.row_series]
    assert later.any()

    def changed(*names):
        given = dict(panel.covariates)
        for name in names:
            given[name] = replace(given[name], values=np.where(later, 1, given[name].values).astype(np.float32))
        return replace(panel, covariates=given, values=np.where(later, 1e6, panel.values).astype(np.float32))

    said = made.forecast_origins(changed("seen", "sky"), origins, HORIZON, LEVELS)
    np.testing.assert_array_equal(said, before)
    assert not np.array_equal(made.forecast_origins(changed("price"), origins, HORIZON, LEVELS), before)


@pytest.mark.parametrize("label", [label for label in RECURSIVE if "draws=0" not in label])
def test_the_first_step_is_what_was_said_of_it(label):
    """At the first step the draws lie evenly over the distribution: its quantiles between are those of one step."""
    panel, made = counts(), model(label)
    inputs = Inputs(panel, made.spec)
    state = states_at(made.engine, inputs, np.arange(3), panel.offsets[1:] - 1)
    numbers, one = np.arange(3), np.ones(1, np.int64)
    view, n = state.view(numbers), 40
    units = view.units(numbers)
    said = made.engine.decode(*state.last(numbers), Ahead(one, *view.steps(numbers, one), *units))
    evenly = ((np.arange(n) + 0.5) / n).tolist()
    whole = view.restore(numbers, Distribution.of(made.engine.manner).quantiles(said, evenly, one, *units))
    drawn = np.sort(rolled_paths(state, numbers, 2, n)[:, :, 0], 1)
    np.testing.assert_allclose(drawn, whole[:, 0], rtol=1e-5, atol=1e-6)


@ways
def test_quantiles_never_cross_and_are_finite(label):
    """Far ahead as well."""
    panel, made = counts(), model(label)
    said = made.forecast(panel, 40, (0.01, 0.1, 0.5, 0.9, 0.99)).values
    assert np.all(np.isfinite(said))
    assert np.all(np.diff(said) >= 0)


@ways
def test_the_order_and_number_of_series_do_not_matter(label, monkeypatch):
    """Alone, in another order, or a few at a time, every series has the same forecast."""
    panel, made = counts(), model(label)
    expected = made.forecast(panel, HORIZON, LEVELS).values
    for which in ([1], [2, 0], [1, 2, 0]):
        close(made.forecast(panel.take(which), HORIZON, LEVELS).values, expected[which])
    monkeypatch.setattr(module, "TWINS", 1)
    close(made.forecast(panel, HORIZON, LEVELS).values, expected)
    close(made.forecast_origins(panel, panel.lengths[:, None] - 1, HORIZON, LEVELS)[:, 0], expected)


@ways
def test_a_forecast_leaves_the_state_as_it_was(label):
    """What was fed back was read by copies: said twice, it is the same."""
    panel, made = counts(), model(label)
    state = states_at(made.engine, Inputs(panel, made.spec), np.arange(3), panel.offsets[1:] - 1)
    arrays = {name: array.copy() for name, array in state.arrays.items()}
    k = np.arange(1, HORIZON + 1)
    one, other = rolled(state, np.arange(3), k), rolled(state, np.arange(3), k)
    np.testing.assert_array_equal(one, other)
    for name, array in arrays.items():
        assert state.arrays[name].tobytes() == array.tobytes(), name


@ways
def test_some_steps_are_those_of_all(label):
    """Asked for a few steps, it says of them what it says of all."""
    panel, made = counts(), model(label)
    state = states_at(made.engine, Inputs(panel, made.spec), np.arange(3), panel.offsets[1:] - 1)
    every = rolled(state, np.arange(3), np.arange(1, HORIZON + 1))
    np.testing.assert_allclose(rolled(state, np.arange(3), np.array([2, 5])), every[:, [1, 4]], rtol=1e-6, atol=1e-6)


def test_fed_back_medians_have_intervals_that_grow():
    """Without draws, the quantiles of a step lie as far off as its own say, times the root of how far ahead it is."""
    panel, made = counts(), model("recursive+draws=0")
    state = states_at(made.engine, Inputs(panel, made.spec), np.arange(3), panel.offsets[1:] - 1)
    view = state.view(np.arange(3))
    said = rolled(state, np.arange(3), np.arange(1, HORIZON + 1))
    own = view.relative(np.arange(3), module._medians(state, np.arange(3), HORIZON))
    np.testing.assert_allclose(said[..., 2], own[..., 2], rtol=1e-6)
    root = np.sqrt(np.arange(1, HORIZON + 1))[:, None]
    np.testing.assert_allclose(said - said[..., 2:3], root * (own - own[..., 2:3]), rtol=1e-6)


def test_draws_follow_from_the_seed():
    """Same seed, same futures; another seed, others, with the same first step."""
    panel, made = counts(), model("recursive+draws=20")
    state = states_at(made.engine, Inputs(panel, made.spec), np.arange(3), panel.offsets[1:] - 1)
    one, same, other = (rolled_paths(state, np.arange(3), HORIZON, 30, [[seed]] * 3) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one[..., -1], other[..., -1])
    np.testing.assert_array_equal(np.sort(one[..., 0], 1), np.sort(other[..., 0], 1))


def test_counts_stay_counts():
    """What a model of counts feeds back are whole numbers from 0 on."""
    panel, made = counts(), model("recursive+negative-binomial+draws=20")
    state = states_at(made.engine, Inputs(panel, made.spec), np.arange(3), panel.offsets[1:] - 1)
    paths = rolled_paths(state, np.arange(3), HORIZON, 30)
    np.testing.assert_allclose(paths, np.round(paths), atol=1e-4)
    assert paths.min() >= 0
