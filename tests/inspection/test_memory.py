"""Laws of memory: half-lives are those of the gates, and influence is what moving an observation does."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Frequency, Panel
from foregate.inspection.activations import LayerGates
from foregate.inspection.gates import gates_of
from foregate.inspection.memory import Memory, half_lives, influence, lag_grid, memory_of
from foregate.inspection.subject import Scope, subject_of
from tests.forecaster.models import SMALL, price, small, table
from tests.inspection.materials import KINDS, counts, panel_of, subject


def moved_by_hand(given, panel, origins, lags):
    """The same, by forecasting a panel anew for every observation that is moved, in units of the data."""
    fitted, found = given.fitted, np.full((len(panel), len(lags)), np.nan)
    before = fitted.forecast_origins(panel, origins[:, None], fitted.horizon, [0.5])
    for s, origin in enumerate(origins):
        for g, lag in enumerate(lags):
            row = panel.offsets[s] + origin - lag
            if lag <= origin and panel.mask[row]:
                values = panel.values.copy()
                values[row] += 0.5
                after = fitted.forecast_origins(replace(panel, values=values), origins[:, None], fitted.horizon, [0.5])
                found[s, g] = np.abs(after - before)[s].mean() / 0.5
    return found


@pytest.mark.parametrize("label", [*KINDS, "negative-binomial"])
@pytest.mark.parametrize("columns", [False, True])
def test_influence_is_what_moving_an_observation_does(label, columns, monkeypatch):
    """Carried on from a state that was read once, it is that of reading everything anew; covariates known ahead too."""
    panel = counts((40, 9, 33)) if label == "negative-binomial" or columns else panel_of(40, 9, 33)
    given = subject(label, panel, columns=columns)
    origins, lags = given.origins(given.panel), np.array([0, 1, 2, 5, 14, 20, 30])
    got = influence(given, given.panel, lags)
    if label == "negative-binomial":
        assert np.isfinite(got).any()
        return
    monkeypatch.setattr("foregate.inspection.memory._unit", lambda inputs, rows: np.full(len(rows), 0.5))
    got = influence(given, given.panel, lags)
    expected = moved_by_hand(given, given.panel, origins, lags)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-4 * np.nanmax(expected))


def test_influence_knows_the_time_and_the_known_future(monkeypatch):
    """Of a trained model that is told the day of the week, and a price that is known ahead, by hand as well."""
    model = small(horizon=3, options=SMALL | {"members": 2, "clock": True})
    given = subject_of(model.fit(table(price=price), covariates={"price": "future"}), scope=Scope(lags=20))
    assert given.fitted.spec.clock
    panel, lags = given.panel, np.array([0, 1, 7, 13, 20])
    monkeypatch.setattr("foregate.inspection.memory._unit", lambda inputs, rows: np.full(len(rows), 0.5))
    got = influence(given, panel, lags)
    expected = moved_by_hand(given, panel, given.origins(panel), lags)
    np.testing.assert_allclose(got, expected, rtol=2e-3, atol=2e-4 * np.nanmax(expected))


def test_half_lives_are_those_of_the_mean_logarithm():
    """A gate that takes turns keeps the product of what it does; a shut one keeps nothing, an open one all."""
    turns = np.tile([0.5, 0.125], 8)
    values = np.stack([turns, np.full(16, 0.5**0.1), np.ones(16), np.zeros(16)], 1)[None].astype(np.float32)
    values = np.concatenate([values, np.full_like(values, np.nan)])  # a series that was not there
    found = half_lives([LayerGates("network", 1, "lstm", 1, {"forget": values})])
    np.testing.assert_allclose(found["half_life"].to_numpy(), [0.5, 10, np.inf, 0], rtol=1e-5)
    dilated = half_lives([LayerGates("network", 2, "gru", 7, {"update": values})])
    np.testing.assert_allclose(dilated["half_life"].to_numpy(), [3.5, 70, np.inf, 0], rtol=1e-5)


def test_a_cell_without_gates_has_no_half_life():
    """Of a simple network the table of units is empty, and the page says so."""
    given = subject("rnn-tanh", lags=12)
    memory = memory_of(given, gates_of(given))
    assert memory.units.is_empty()
    assert memory.kept.is_empty()
    assert "no half-lives" in memory.section().paragraphs[0]
    assert len(memory.section().pictures) == 1


def memory(influence, lags=None, **changes):
    lags = np.arange(influence.shape[1]) if lags is None else lags
    ids = np.array([f"s{i}" for i in range(len(influence))])
    return Memory(half_lives([]), lags, influence, ids, Frequency.parse("h"), **changes)


def test_reach_is_the_furthest_lag_that_still_counts():
    """A twentieth of the most influential lag, over all series, in rows and in time, of what is known."""
    seen = memory(np.array([[8.0, 10, 0.6, 0.4], [12, 10, np.nan, 0.4]]), np.array([0, 1, 24, 48]))
    np.testing.assert_allclose(seen.overall, [10, 10, 0.6, 0.4])
    assert (seen.reach, seen.reach_time) == (24, "1 day")
    assert seen.effective["share"].to_list() == pytest.approx([1, 1, 0.06, 0.04])
    assert memory(np.zeros((1, 3))).reach == 0
    assert memory(np.full((1, 3), np.nan)).share.tolist() == [0, 0, 0]


def test_what_is_kept_halves_with_every_half_life():
    """The curve of a layer is the mean of its units' powers of a half."""
    values = np.full((1, 4, 2), 0.5, np.float32)
    values[..., 1] = 1
    kept = replace(memory(np.ones((1, 3))), units=half_lives([LayerGates("n", 1, "lstm", 1, {"forget": values})])).kept
    assert kept["kept"].to_list() == pytest.approx([1, 0.75, 0.625])


def test_lags_are_dense_near_and_at_seasons():
    """Few enough, ascending, each once, none beyond the furthest, with the first ones and the seasons among them."""
    for furthest, seasons in ((5, ()), (71, (24,)), (336, (24, 168)), (5000, (365,)), (100, (500,))):
        grid = lag_grid(furthest, seasons)
        assert (np.diff(grid) > 0).all()
        assert grid[0] == 0
        assert grid[-1] == furthest
        assert set(range(min(furthest, 20))) <= set(grid.tolist())
        assert {m for m in seasons if m <= furthest} <= set(grid.tolist())
        assert len(grid) <= 100


def test_series_that_are_too_short_are_measured_as_far_as_they_go():
    """A panel of series of a few rows has influences at those lags; one of a single observation has that."""
    given = subject("lstm", Panel.from_arrays([np.array([1.0, 3, 2, 4]), np.array([5.0])], freq="D"))
    found = memory_of(given, gates_of(given))
    assert found.lags.tolist() == [0, 1, 2, 3]
    assert np.isfinite(found.influence).sum(1).tolist() in ([4, 1], [4])
