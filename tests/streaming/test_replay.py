"""Laws of origins that wait for their outcomes: what is kept of one is what training would see of it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import Panel
from foregate.data.inputs import Inputs
from foregate.forecasting.state import State
from foregate.streaming import replay as module
from foregate.streaming.replay import Replay, blocks, learnt_steps
from foregate.streaming.rows import Rows
from tests.streaming.models import K, fitted, series


def store(model, horizon=K):
    state = State(model.engine, model.spec)
    return state, Replay(state, horizon, learnt_steps(horizon, every=False))


def read_all(panel, state, replay, rng):
    """Read a panel in chunks of any lengths, as a live forecaster that learns does; what came, in turn."""
    numbers, done, moved = state.add(len(panel)), np.zeros(len(panel), np.int64), []
    while (done < panel.lengths).any():
        ends = np.minimum(done + rng.integers(0, 8, len(panel)), panel.lengths)
        part = panel.between(done, ends)
        on = ends > done
        rows = Rows(numbers[on], (ends - done)[on], part.values, part.mask)
        for each in blocks(rows, done[on] + numbers[on], replay.stride):
            state.read(*each)
            replay.came(each, state.rows[each[0]] - each[1])
            moved.append(replay.completed(state.rows))
            replay.record(state, each[0])
        done = ends
    return np.unique(np.concatenate(moved)) if moved else np.zeros(0, np.int64)


@settings(max_examples=40)
@given(st.lists(series, min_size=1, max_size=3), st.integers(0, 999))
def test_an_origin_is_what_training_sees_of_it(histories, seed):
    """Features, steps, paths, units and targets are those of a batch over the whole history, however rows have come."""
    panel, model = Panel.from_arrays([np.append(h, [5.0, 7.0]) for h in histories]), fitted()
    state, replay = store(model)
    places = read_all(panel, state, replay, np.random.default_rng(seed))
    a, inputs = replay.arrays, Inputs(panel, model.spec)
    rows = panel.offsets[a["series"][places]] + a["row"][places] - 1
    target, there = inputs.targets(rows, replay.k)
    steps, paths = inputs.steps(rows, replay.k)
    units = inputs.units(rows)
    same_units = inputs.tracks.unit[rows] == inputs.tracks.unit[panel.offsets[1:] - 1][a["series"][places]]
    np.testing.assert_array_equal(~np.isnan(a["target"][places])[same_units], there[same_units])
    for name, wanted in (("steps", steps), ("paths", paths), ("level", units.level), ("scale", units.scale)):
        np.testing.assert_allclose(a[name][places], wanted, rtol=2e-4, atol=2e-4, err_msg=name)
    size = np.maximum(1, np.abs(target))
    assert np.all(np.abs(np.where(there, a["target"][places] - target, 0) / size)[same_units] < 1e-3)
    np.testing.assert_allclose(a["features"][places], inputs.features(rows), rtol=2e-3, atol=2e-3)


@given(st.integers(0, 500), st.integers(1, 60), st.integers(0, 10_000))
def test_nothing_is_held_out_that_was_trained_on(number, horizon, row):
    """No outcome of an origin that is held out is one of an origin that is trained on; there are some of both."""
    _, replay = store(fitted(), horizon)
    rows = row + np.arange(16 * horizon)
    role = replay._role(np.full(len(rows), number), rows)
    outcomes = [set((rows[role == each][:, None] + np.arange(horizon)).ravel().tolist()) for each in (0, 1)]
    assert not outcomes[0] & outcomes[1]
    assert all(outcomes)
    assert (role == 0).sum() > 2 * (role == 1).sum() > 0


def test_origins_of_many_series_are_a_share_of_them(monkeypatch):
    """There is room for what comes, and series take turns; the same origins wherever a series stands in a call."""
    monkeypatch.setattr(module, "WAITING", 60)
    model, rng = fitted(), np.random.default_rng(0)
    panel = Panel.from_arrays([rng.normal(50, 3, 90) for _ in range(120)])
    state, replay = store(model)
    read_all(panel, state, replay, rng)
    assert 20 < len(replay.waiting) <= 60
    assert len(np.unique(replay.arrays["series"])) > 60


@pytest.mark.parametrize(("still", "there"), [(10_000, True), (50, False)])
def test_a_series_that_has_ended_makes_room(monkeypatch, still, there):
    """What has stood still for long gives way to what goes on, when there is no other room; what has not, does not."""
    monkeypatch.setattr(module, "WAITING", 8)
    rng = np.random.default_rng(0)
    state, replay = store(fitted())
    read_all(Panel.from_arrays([rng.normal(50, 3, 30) for _ in range(2)]), state, replay, rng)
    replay.arrays["series"][: replay.places], replay.arrays["row"][: replay.places] = 1, 30
    replay.arrays["moved"][: replay.places], replay.counts[0] = 60, 60 + still
    for row in rng.normal(50, 3, 6 * K):
        rows = np.array([0]), np.ones(1, np.int64), np.array([row], np.float32), np.ones(1, np.bool_)
        state.read(*rows)
        replay.record(state, np.array([0]))
    assert (0 in replay.arrays["series"][: replay.places]) == there


def test_a_copy_of_some_series_waits_for_those():
    """Numbers are those of the copy, and neither changes the other."""
    rng = np.random.default_rng(0)
    state, replay = store(fitted())
    read_all(Panel.from_arrays([rng.normal(50, 3, 30 + i) for i in range(4)]), state, replay, rng)
    twin = replay.take(np.array([3, 1]))
    owners = replay.arrays["series"][replay.waiting]
    assert len(twin.waiting) == np.isin(owners, [3, 1]).sum() > 0
    place = twin.waiting[0]
    assert owners[replay.waiting == place] == [3, 1][twin.arrays["series"][place]]
    twin.arrays["row"][:] = 0
    assert replay.arrays["row"].any()
    np.testing.assert_array_equal(replay.take(np.arange(4)).arrays["series"], replay.arrays["series"])


def test_what_is_no_longer_so_is_forgotten():
    """Origins of a series whose rows have been changed wait no longer; the others do."""
    rng = np.random.default_rng(0)
    state, replay = store(fitted())
    read_all(Panel.from_arrays([rng.normal(50, 3, 30 + i) for i in range(3)]), state, replay, rng)
    replay.forget(np.array([1]))
    assert set(replay.arrays["series"][replay.waiting].tolist()) == {0, 2}


@pytest.mark.parametrize("lengths", [(7, 1, 12), (1,), (3, 3)])
def test_blocks_are_the_rows_in_order(lengths):
    """Cut at the stride, nothing twice and nothing left out."""
    n, at = sum(lengths), np.arange(sum(lengths))
    rows = Rows(np.arange(len(lengths)) + 4, np.array(lengths), at.astype(np.float32), at % 2 == 0)
    begins, found = np.array([5, 2, 9])[: len(lengths)], {}
    for numbers, size, values_of, mask in blocks(rows, begins, 3):
        assert size.sum() == len(values_of) == len(mask)
        assert (size <= 3).all()
        for number, own in zip(numbers.tolist(), np.split(values_of, np.cumsum(size)[:-1]), strict=True):
            found.setdefault(number, []).append(own)
    for number, begin, parts in zip(rows[0], begins, (found[each] for each in rows[0]), strict=True):
        assert all((begin + end) % 3 == 0 for end in np.cumsum([len(p) for p in parts])[:-1]), number
    assert np.concatenate([np.concatenate(found[each]) for each in rows[0]]).tolist() == list(range(n))


def test_wide_states_and_long_horizons_take_no_more_room(monkeypatch):
    """Fewer origins are kept where each is large."""
    _, usual = store(fitted())
    monkeypatch.setattr(module, "NUMBERS", 50_000)
    state, small = store(fitted())
    assert 8 <= small.places < usual.places
    assert sum(array.size for array in small.arrays.values()) <= 60_000
    assert len(learnt_steps(300, every=False)) == module.MOST_STEPS
    assert len(learnt_steps(300, every=True)) == 300
    assert len(state) == 0
