"""Laws of the carried state."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Panel
from foregate.data.inputs import Inputs
from foregate.forecasting.origins import decode_origins
from foregate.forecasting.state import ROOM, State
from tests.streaming.models import LEVELS, K, batch, close, fitted, series

panels = st.lists(series, min_size=1, max_size=3).map(Panel.from_arrays)


def said(model, state):
    numbers, k = np.arange(len(state)), np.arange(1, K + 1)
    view, out = state.view(numbers), np.empty((len(numbers), K, len(LEVELS)))
    for part, raw in decode_origins(model.engine, view, numbers, *state.last(numbers), k):
        out[part] = model.restored(view, numbers[part], raw, LEVELS)
    return out


@given(panels, st.sampled_from([(1, 1), (3, 1), (3, 7)]), st.integers(0, 9999))
def test_chunks_of_any_size_are_one_pass(panel, seasons, seed):
    """Read in chunks of any size, in any order of the series, the state forecasts as one pass over the same rows."""
    model, rng = fitted(seasons), np.random.default_rng(seed)
    state = State(model.engine, model.spec)
    numbers, done = state.add(len(panel)), np.zeros(len(panel), np.int64)
    while (done < panel.lengths).any():
        steps = rng.integers(0, panel.lengths - done, endpoint=True)
        which = rng.permutation(np.flatnonzero(steps))
        lengths = steps[which]
        rows = [panel.offsets[i] + done[i] + np.arange(n) for i, n in zip(which, lengths, strict=True)]
        rows = np.concatenate([*rows, np.zeros(0, np.int64)]).astype(np.int64)
        state.read(numbers[which], lengths, panel.values[rows], panel.mask[rows])
        done[which] += lengths
    np.testing.assert_array_equal(state.rows, panel.lengths)
    close(said(model, state), batch(model, panel), panel)


@given(panels)
def test_forecasts_of_any_size_end_where_those_of_one_pass_do(panel):
    """What a network says far beyond all proportion is brought back to the same bounds as in a batch."""
    model = fitted()
    state = State(model.engine, model.spec)
    state.read(state.add(len(panel)), panel.lengths, panel.values, panel.mask)
    far = np.full((len(panel), 1, 2), [-1e9, 1e9])
    whole = Inputs(panel, model.spec).restore(panel.offsets[1:] - 1, far)
    close(state.view(np.arange(len(panel))).restore(np.arange(len(panel)), far), whole, panel)


@pytest.mark.parametrize("seasons", [(1, 1), (24, 168)])
def test_long_histories_are_one_pass(seasons):
    """The same over many turns of the tape, one row at a time and at once, with series that change their units."""
    rng, t = np.random.default_rng(0), np.arange(5 * (ROOM + 170))
    plain = 100 + 10 * np.sin(t / 24 * 2 * np.pi) + rng.normal(0, 2, len(t))
    falling = np.where(t < 400, plain, plain - 100)
    holes = np.where(rng.random(len(t)) < 0.3, np.nan, plain)
    panel = Panel.from_arrays([plain, falling[:700], holes[:431]])
    model = fitted(seasons)
    expected = batch(model, panel)
    at_once = State(model.engine, model.spec)
    at_once.read(at_once.add(3), panel.lengths, panel.values, panel.mask)
    close(said(model, at_once), expected, panel)
    slowly = State(model.engine, model.spec)
    numbers = slowly.add(3)
    for row in range(int(panel.lengths.max())):
        which = np.flatnonzero(row < panel.lengths)
        rows = panel.offsets[which] + row
        slowly.read(numbers[which], np.ones(len(which), np.int64), panel.values[rows], panel.mask[rows])
    close(said(model, slowly), expected, panel)


def test_memory_does_not_grow():
    """However many rows are read, the state stays as large as it was."""
    model = fitted((3, 7))
    state = State(model.engine, model.spec)
    state.add(2)
    size = sum(array.nbytes for array in state.arrays.values())
    for _ in range(3):
        state.read(np.arange(2), np.array([500, 300]), np.ones(800, np.float32), np.ones(800, np.bool_))
    assert sum(array.nbytes for array in state.arrays.values()) == size


def test_copies_are_independent():
    """What is read by a copy changes nothing in the original, and the other way round."""
    model = fitted((3, 1))
    state = State(model.engine, model.spec)
    state.read(state.add(1), np.array([9]), np.arange(9, dtype=np.float32), np.ones(9, np.bool_))
    before, twin = said(model, state), state.take(np.array([0]))
    twin.read(np.array([0]), np.array([1]), np.array([50], np.float32), np.array([True]))
    np.testing.assert_array_equal(said(model, state), before)
    after = said(model, twin)
    state.read(np.array([0]), np.array([2]), np.zeros(2, np.float32), np.array([True, False]))
    np.testing.assert_array_equal(said(model, twin), after)
    assert not np.array_equal(before, after)


def test_rows_are_remembered_for_a_season():
    """The latest values are known as they came, NaN where nothing was observed; older and later rows are not."""
    model = fitted((3, 7))
    state = State(model.engine, model.spec)
    y = np.arange(300, dtype=np.float32) - 5
    state.read(state.add(1), np.array([300]), y, np.arange(300) != 298)
    assert [state.kept(0, row) for row in (299, 297, 299 - model.spec.lookback)] == [294, 292, 294 - 8]
    assert np.isnan(state.kept(0, 298))
    assert state.kept(0, 300) is state.kept(0, 10) is None
