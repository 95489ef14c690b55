"""Laws of what the network is told, and of the way back."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Covariate, Panel
from foregate.data import inputs as module
from foregate.data.clock import Clock
from foregate.data.columns import fit_columns
from foregate.data.input_spec import NEIGHBOURS
from foregate.data.inputs import (
    FURTHEST_SEASON,
    LEAST_ERROR,
    MOST_SPANS,
    MOST_TIMES,
    TREND_REACH,
    Inputs,
    InputSpec,
    squash,
)
from foregate.data.tracks import LINEAR, LOG

SPEC = InputSpec(seasons=(3, 7), recent=4, window=20)
K = np.arange(1, 16)
sizes = st.floats(-1e5, 1e5, width=32).map(lambda x: round(x, 6))
numbers = st.one_of(sizes, st.just(np.nan), st.sampled_from([0.0, 5.0, 6.0, 7.5]))
positive = st.one_of(st.floats(1, 1e3, width=32), st.just(np.nan))
series = st.one_of(*(st.lists(each, min_size=1, max_size=24).map(np.array) for each in (numbers, positive)))
panels = st.lists(series, min_size=1, max_size=3).map(Panel.from_arrays)
specs = st.sampled_from([SPEC, InputSpec((1, 1), 1, 50), InputSpec((2, 1), 3, 50), InputSpec((4, 8), 12, 60)])


def lively(lengths=(60, 35, 48), *, seed=0):
    """Series with a season of 3 and 7, level, noise and holes; one crosses zero."""
    rng = np.random.default_rng(seed)
    made = []
    for i, n in enumerate(lengths):
        t = np.arange(n)
        y = 20 * (i != 1) + np.sin(2 * np.pi * t / 3) + 2 * np.cos(2 * np.pi * t / 7) + rng.normal(0, 0.3, n)
        made.append(np.where(rng.random(n) < 0.15, np.nan, y))
    return Panel.from_arrays(made)


def told(inputs, rows):
    """All that the network is told at rows, and a way back, as arrays with a leading axis of rows."""
    steps, profiles = inputs.steps(rows, K)
    return [inputs.features(rows), steps, profiles, inputs.restore(rows, profiles)]


def assert_same_bits(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def with_columns(panel):
    """The panel with a covariate of every role and kind."""
    rng = np.random.default_rng(5)
    n, s = len(panel.values), len(panel)
    columns = {
        "size": Covariate("static", rng.normal(3, 2, s).astype(np.float32)),
        "kind": Covariate("static", (np.arange(s) % 2).astype(np.float32), ("a", "b")),
        "rain": Covariate("past", rng.normal(0, 1, n).astype(np.float32)),
        "price": Covariate("future", rng.normal(10, 3, n).astype(np.float32)),
        "promo": Covariate("future", rng.integers(0, 3, n).astype(np.float32), ("no", "yes", "more")),
    }
    return replace(panel, covariates=columns)


@given(panels, specs, st.data())
def test_nothing_looks_ahead(panel, spec, data):
    """Change all that comes after a row: features, steps and the way back at rows up to it stay to the bit."""
    length = len(panel.values)
    cut = np.array([data.draw(st.integers(0, int(n))) for n in panel.lengths])
    known = np.arange(length) - panel.offsets[panel.row_series] < cut[panel.row_series]
    junk = np.array(data.draw(st.lists(numbers, min_size=length, max_size=length)))
    changed = replace(
        panel,
        values=np.where(known, panel.values, np.nan_to_num(junk)).astype(np.float32),
        mask=np.where(known, panel.mask, ~np.isnan(junk)),
    )
    rows = np.flatnonzero(known)
    before = told(Inputs(panel, spec), rows)
    assert_same_bits(before, told(Inputs(changed, spec), rows))
    assert_same_bits(before, told(Inputs(panel.cut(cut), spec), np.arange(len(rows))))


@given(panels, specs)
def test_a_series_is_told_alone(panel, spec):
    """What is told of a series does not depend on the series beside it."""
    together = Inputs(panel, spec)
    for i in range(len(panel)):
        rows = np.arange(panel.offsets[i], panel.offsets[i + 1])
        assert_same_bits(told(together, rows), told(Inputs(panel.take([i]), spec), np.arange(len(rows))))


@given(panels, specs, st.sampled_from([np.nan, np.inf, -7.0]))
def test_what_lies_under_the_mask_is_not_told(panel, spec, junk):
    """Anything may stand where nothing was observed, and all that is told is finite."""
    spoiled = replace(panel, values=np.where(panel.mask, panel.values, junk).astype(np.float32))
    rows = np.arange(len(panel.values))
    said = told(Inputs(panel, spec), rows)
    assert_same_bits(said, told(Inputs(spoiled, spec), rows))
    assert all(np.all(np.isfinite(each)) for each in said)
    target, there = Inputs(panel, spec).targets(rows, K)
    spoiled_target, spoiled_there = Inputs(spoiled, spec).targets(rows, K)
    assert_same_bits([target, there], [spoiled_target, spoiled_there])


def bounds(inputs, row):
    """The least and the greatest that may be forecast from a row, by plain Python."""
    panel = inputs.panel
    seen = np.arange(panel.offsets[panel.row_series[row]], row + 1)
    seen = panel.values[seen][panel.mask[seen]].astype(float)
    if not len(seen):
        return -np.inf, np.inf
    least, most = min(seen), max(seen)
    if inputs.tracks.unit[row] == LOG:
        times = min((most / least) ** MOST_SPANS, MOST_TIMES)
        return least / times, most * times
    low = least - MOST_SPANS * (most - least)
    return low if least < 0 else max(low, 0), most + MOST_SPANS * (most - least)


@given(panels, st.sampled_from([3.0, 300.0, 1e9]))
def test_nothing_is_forecast_out_of_all_proportion(panel, far):
    """However far out the network's outputs lie, the way back ends ten ranges beyond what was seen, or a thousandfold
    in logarithms; and it goes that far."""
    inputs = Inputs(panel, SPEC)
    rows = np.flatnonzero(inputs.tracks.age[inputs.tracks.row] > 0)
    down, up = inputs.restore(rows, np.full((len(rows), 1, 2), [-far, far]))[:, 0].T
    for row, least, most in zip(rows, down, up, strict=True):
        low, high = bounds(inputs, row)
        slack = 1e-4 * max(abs(low), abs(high))
        assert low - slack <= least <= most <= high + slack
        if far == 1e9:
            np.testing.assert_allclose([least, most], [low, high], atol=slack)


@given(panels, specs)
def test_targets_lead_back_to_the_values(panel, spec):
    """restore(targets) is what came, where it was observed, not out of all proportion, and clearly positive in
    logarithms."""
    inputs = Inputs(panel, spec)
    rows = np.arange(len(panel.values))
    target, there = inputs.targets(rows, K)
    back = inputs.restore(rows, target[..., None])[..., 0]
    ends = panel.offsets[1:][panel.row_series]
    later = rows[:, None] + K
    inside = later < ends[:, None]
    came = panel.values[np.minimum(later, len(rows) - 1)].astype(np.float64)
    least = inputs.tracks.least[inputs.tracks.row][:, None]
    low, high = (np.array([bounds(inputs, row) for row in rows]).T)[..., None]
    expected = np.clip(np.where(least >= 0, np.maximum(came, 0), came), low, high)
    changed = (inputs.tracks.scale[inputs.tracks.row] > 0)[:, None]
    np.testing.assert_array_equal(there, inside & changed & panel.mask[np.minimum(later, len(rows) - 1)])
    unit = inputs.tracks.unit
    plain = there & ((unit == LINEAR)[:, None] | (unit[np.minimum(later, len(rows) - 1)] == LOG))
    size = np.maximum(np.abs(expected), np.abs(inputs.tracks.level[inputs.tracks.row])[:, None])
    assert np.all(np.abs(back - expected)[plain] <= 3e-5 * size[plain])


def test_each_step_has_the_value_of_its_own_row():
    """Where the value is the row number, the target k steps ahead leads back to that row number and no other."""
    panel = Panel.from_arrays([np.arange(1.0, 31), np.arange(1.0, 12)])
    inputs = Inputs(panel, SPEC)
    rows = np.array([5, 20, 35])
    target, there = inputs.targets(rows, K)
    back = inputs.restore(rows, target[..., None])[..., 0]
    expected = rows[:, None] - np.array([0, 0, 30])[:, None] + 1 + K
    np.testing.assert_allclose(back[there], expected[there], rtol=1e-5)
    assert there.sum(1).tolist() == [15, 9, 5]


@pytest.mark.parametrize("a", [2.0**-8, 1024.0])
def test_units_do_not_matter(a):
    """a·y is told to the bit as y, in logarithms and in plain units, and leads back to a times as much."""
    panel = lively((50, 40))
    scaled = replace(panel, values=(panel.values * np.float32(a)).astype(np.float32))
    rows = np.arange(len(panel.values))
    features, steps, profiles, back = told(Inputs(panel, SPEC), rows)
    other_features, other_steps, other_profiles, other_back = told(Inputs(scaled, SPEC), rows)
    assert set(Inputs(panel, SPEC).tracks.unit) == {LINEAR, LOG}
    assert_same_bits([features, steps, profiles], [other_features, other_steps, other_profiles])
    known = Inputs(panel, SPEC).tracks.age[Inputs(panel, SPEC).tracks.row] > 0
    np.testing.assert_array_equal(back[known] * a, other_back[known])


@pytest.mark.parametrize("a", [1e-6, 1000.0])
def test_units_do_not_matter_but_for_rounding(a):
    """The same for other factors, within what float32 says of the values."""
    panel = lively((50,))
    scaled = replace(panel, values=(panel.values * np.float32(a)).astype(np.float32))
    rows = np.arange(5, len(panel.values))
    features, steps, profiles, back = told(Inputs(panel, SPEC), rows)
    other = told(Inputs(scaled, SPEC), rows)
    for one, two in zip((features, steps, profiles), other, strict=False):
        np.testing.assert_allclose(one, two, atol=2e-5)
    np.testing.assert_allclose(back * a, other[3], rtol=1e-5)


def slow_features(panel, i, t, inputs):
    """The encoder's input at row t of series i without covariates, value by value."""
    tracks, spec, begin = inputs.tracks, inputs.spec, int(panel.offsets[i])
    r, start = tracks.row[begin + t], tracks.begin[begin + t]
    level, scale = tracks.level[r], tracks.scale[r] or 1
    short, long = spec.seasons
    told = [(tracks.z[r - lag] - level) / scale if r - lag >= start else 0 for lag in range(1, spec.recent + 1)]
    for m in (short, long, 2 * short):
        for j in NEIGHBOURS:
            lag = m + j
            absent = m == 1 or (m == 2 and short == 1) or r - lag < start or lag <= 0
            absent = absent or (lag > spec.recent and not tracks.mask[r - lag])
            told.append(0 if absent else (tracks.z[r - lag] - level) / scale)
    told += [(value - level) / scale for value in (tracks.mean[r], *tracks.smooth[r])]
    told += [slope * short / scale for slope in tracks.slope[r]]
    there = long > 1 and r - long >= start
    told.append((tracks.season_mean[r, 0] - tracks.season_mean[r - long, 0]) / scale if there else 0)
    told = list(squash(np.array(told)))
    told += [0 if np.isnan(error) else np.log(error / scale + LEAST_ERROR) for error in tracks.errors[r]]
    told += [np.log1p(tracks.age[r]) / 5, np.log(short) / 3, np.log(long) / 3]
    told += [np.log(max(tracks.relative[r], 1e-6)) / 5, tracks.unit[begin + t], tracks.mask[r]]
    return [*told, np.log1p(tracks.gap[r]), tracks.zeros[r], *(tracks.count[r] > 0)]


@pytest.mark.parametrize("spec", [SPEC, InputSpec((1, 1), 3, 50), InputSpec((2, 5), 1, 50), InputSpec((4, 1), 12, 50)])
def test_features_are_what_a_slow_twin_says(spec):
    """Every feature of every row agrees with plain Python that looks lags up one by one."""
    panel = lively((20, 12))
    inputs = Inputs(panel, spec)
    for i in range(len(panel)):
        for t in range(int(panel.lengths[i])):
            fast = inputs.features(np.array([panel.offsets[i] + t]))[0]
            np.testing.assert_allclose(fast, slow_features(panel, i, t, inputs), rtol=1e-5, atol=1e-5)


def slow_steps(inputs, i, t, k):
    """Step features and paths of step k from row t of series i, value by value."""
    tracks, spec, begin = inputs.tracks, inputs.spec, int(inputs.panel.offsets[i])
    r, start = tracks.row[begin + t], tracks.begin[begin + t]
    origin = r - t  # the track row of the series' first row
    level, scale = tracks.level[r], tracks.scale[r] or 1
    short, long = spec.seasons
    paths, known = [], []
    for which, m, seasons in ((0, short, 1), (0, short, 2), (1, long, 1)):
        source = t + k
        while source > t:
            source -= m
        source -= (seasons - 1) * m
        if origin + source < start or (m == 1 and seasons > 1):
            paths.append(0)
            known.append(0)
            continue
        row = origin + source
        seen = bool(tracks.mask[row])
        remembered = tracks.season_mean[r, which] + tracks.profile[row, 2 * which]
        value = tracks.z[row] if seen or m == 1 else remembered
        paths.append((value - level) / scale)
        known.append(seen)
    moved = 0
    if r - long >= start and long > 1:
        moved = min(-(-k // long), 2) * (tracks.season_mean[r, 0] - tracks.season_mean[r - long, 0])
    paths.append(paths[-1] + moved / scale)
    for which, m in enumerate((short, long)):
        source = t + k
        while source > t:
            source -= m
        count = tracks.count[origin + source, which] if origin + source >= start and m > 1 else 0
        if count:
            kept = tracks.profile[origin + source, 2 * which : 2 * which + 2]
            paths += [(tracks.season_mean[r, which] + each - level) / scale for each in kept]
        else:
            paths += [0, 0]
        known.append(np.log1p(count) / 2)
    told = [*squash(np.array(paths)), *known]
    told += [np.log1p(k) / 3, np.sqrt(k) / 5, min(k / short, FURTHEST_SEASON) / 8, (k - 1) % short / short]
    paths += [slope * min(k, TREND_REACH * tracks.age[r]) / scale for slope in tracks.slope[r]]
    return told, [*paths, *((value - level) / scale for value in (tracks.mean[r], *tracks.smooth[r]))]


@pytest.mark.parametrize("spec", [SPEC, InputSpec((1, 1), 3, 50), InputSpec((4, 1), 12, 50)])
def test_steps_are_what_a_slow_twin_says(spec):
    """Every step feature and candidate path agrees with plain Python that walks back season by season."""
    panel = lively((20, 12))
    inputs = Inputs(panel, spec)
    for i in range(len(panel)):
        for t in range(int(panel.lengths[i])):
            ahead = np.array([*K, 40, 300])
            fast, paths = inputs.steps(np.array([panel.offsets[i] + t]), ahead)
            for j, k in enumerate(ahead):
                step, path = slow_steps(inputs, i, t, int(k))
                np.testing.assert_allclose(fast[0, j], step, rtol=1e-5, atol=1e-5, err_msg=f"row {t}, step {k}")
                np.testing.assert_allclose(paths[0, j], path, rtol=1e-5, atol=1e-5, err_msg=f"row {t}, step {k}")


@pytest.mark.parametrize("clock", [Clock(), Clock(0.5, (1.0, 7.0))])
@pytest.mark.parametrize("columns", [False, True])
@pytest.mark.parametrize("seasons", [(1, 1), (3, 1), (3, 7)])
def test_every_column_is_written(seasons, columns, clock, monkeypatch):
    """The widths that the spec promises are those that are filled: no column is left as it was found in memory."""
    panel = with_columns(lively()) if columns else lively()
    spec = InputSpec(seasons, columns=fit_columns(panel) if columns else (), clock=clock)
    inputs = Inputs(panel, spec)
    monkeypatch.setattr(module.np, "empty", lambda shape, dtype=float: np.full(shape, np.nan, dtype))
    features = inputs.features(np.arange(len(panel.values)))
    steps, profiles = inputs.steps(np.arange(len(panel.values)), K)
    assert features.shape[-1] == spec.n_features
    assert steps.shape[-1] == spec.n_steps
    assert profiles.shape[-1] == spec.n_profiles
    for said in (features, steps, profiles):
        assert said.dtype == np.float32
        assert not np.any(np.isnan(said))


def test_the_time_comes_after_all_else():
    """Told or not, the other columns are the same, covariates too."""
    panel = with_columns(lively())
    without = InputSpec((3, 7), columns=fit_columns(panel))
    rows = np.arange(len(panel.values))
    clock = Clock(0.5, (1.0, 7.0))
    plain, timed = (told(Inputs(panel, spec), rows) for spec in (without, replace(without, clock=clock)))
    for one, other in zip(plain, timed, strict=True):
        np.testing.assert_array_equal(one, other[..., : one.shape[-1]])
    assert [other.shape[-1] - one.shape[-1] for one, other in zip(plain, timed, strict=True)][:2] == [4, 4]


def test_padding_is_zeros():
    """Row -1 stands for nothing, whatever shape the rows come in."""
    inputs = Inputs(with_columns(lively()), InputSpec((3, 7), columns=fit_columns(with_columns(lively()))))
    rows = np.array([[-1, 4, 5], [-1, -1, 61]])
    said = inputs.features(rows)
    assert not said[rows < 0].any()
    np.testing.assert_array_equal(said[rows >= 0], inputs.features(np.array([4, 5, 61])))


def test_the_newest_value_is_told():
    """Change the last observation: features, steps or the way back at its row change."""
    panel = lively((40,))
    last = int(np.flatnonzero(panel.mask)[-1])
    changed = replace(panel, values=np.where(np.arange(40) == last, panel.values + 1, panel.values).astype(np.float32))
    for one, other in zip(*(told(Inputs(each, SPEC), np.array([last])) for each in (panel, changed)), strict=True):
        assert not np.array_equal(one, other)


def test_what_was_never_negative_is_not_forecast_to_be():
    """From rows that have seen no negative value the way back ends at zero; from others it goes below."""
    panel = Panel.from_arrays([np.array([3.0, 0.0, 2.0, 1.0, -1.0, 2.0])])
    far_down = np.full((6, 1, 1), -50.0)
    back = Inputs(panel, SPEC).restore(np.arange(6), far_down)[:, 0, 0]
    assert np.all(back[:4] >= 0)
    assert np.all(back[4:] < 0)


def test_a_constant_series_leads_back_to_its_value():
    """Where nothing has changed there is no unit: nothing is a target, and every output is the value itself."""
    panel = Panel.from_arrays([np.full(9, 7.0), np.r_[np.zeros(5), 900.0]])
    inputs = Inputs(panel, SPEC)
    assert not inputs.targets(np.arange(14), K)[1].any()
    back = inputs.restore(np.arange(14), np.full((14, 3, 1), 2.5))
    np.testing.assert_allclose(back[:9], 7, rtol=1e-6)
    np.testing.assert_array_equal(back[9:], 0)


def test_huge_outputs_stay_finite():
    """The exponential of a far output does not overflow."""
    inputs = Inputs(lively((40,)), SPEC)
    assert np.all(np.isfinite(inputs.restore(np.arange(40), np.full((40, 1, 1), 1e9))))


@given(panels)
def test_asking_in_another_shape_changes_nothing(panel):
    """Rows asked one by one, or as a grid, are told the same; so are steps asked one by one."""
    inputs = Inputs(panel, SPEC)
    rows = np.arange(len(panel.values))
    features, (steps, profiles) = inputs.features(rows), inputs.steps(rows, K)
    np.testing.assert_array_equal(inputs.features(rows[:, None])[:, 0], features)
    np.testing.assert_array_equal(np.stack([inputs.features(r[None])[0] for r in rows]), features)
    one = [inputs.steps(rows[:, None], K[j : j + 1]) for j in range(len(K))]
    np.testing.assert_array_equal(np.concatenate([step[:, 0] for step, _ in one], 1), steps)
    np.testing.assert_array_equal(np.concatenate([path[:, 0] for _, path in one], 1), profiles)


@given(panels)
def test_outputs_come_back_from_the_values_they_meant(panel):
    """Values of the data, told as outputs, lead back to themselves, and outputs within bounds to themselves."""
    inputs = Inputs(panel, SPEC)
    rows = np.flatnonzero(inputs.tracks.age[inputs.tracks.here] > 2)
    outputs = np.linspace(-1.5, 1.5, 8).reshape(1, 2, 4).repeat(len(rows), 0)
    values = inputs.restore(rows, outputs)
    again = inputs.restore(rows, inputs.relative(rows, values))
    size = np.abs(values).max(initial=1e-6)
    np.testing.assert_allclose(again, values, rtol=1e-4, atol=1e-5 * size)


def test_units_say_what_a_number_means():
    """In plain values an output z is level + scale z; 0 is the level, and 1 a unit of scale above it."""
    panel = Panel.from_arrays([np.random.default_rng(0).normal(0, 3, 60)])
    inputs, rows = Inputs(panel, SPEC), np.arange(20, 60)
    level, scale = inputs.units(rows)
    said = inputs.restore(rows, np.tile([[[0.0, 1.0]]], (40, 1, 1)))[:, 0]
    np.testing.assert_allclose(said, np.stack([level, level + scale], -1), rtol=1e-4, atol=1e-4)
    assert np.all(scale > 0)


def test_counts_are_read_in_plain_values():
    """Where the series are counts none is read in logarithms, however positive; else that one is."""
    panel = Panel.from_arrays([np.random.default_rng(0).poisson(50, 60).astype(float)])
    units = [Inputs(panel, replace(SPEC, plain=plain)).tracks.unit for plain in (True, False)]
    assert set(units[0].tolist()) == {LINEAR}
    assert LOG in units[1]


@given(panels, specs, st.data())
def test_large_panels_are_told_the_same(panel, spec, data):
    """Prepared where it is asked for, in any order, a panel is told as when it is prepared as a whole, to the bit."""
    panel = with_columns(panel)
    spec = replace(spec, columns=fit_columns(panel))
    whole = Inputs(panel, spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "ROWS_KEPT", 0)
        patch.setattr("foregate.data.stretches.LEAST_APART", 2)
        patch.setattr("foregate.data.stretches.SEASONS_APART", 1)
        patch.setattr("foregate.data.stretches.BEYOND", data.draw(st.integers(0, 3)))
        parts = Inputs(panel, spec)
        for _ in range(3):
            rows = np.array(data.draw(st.lists(st.integers(-1, len(panel.values) - 1), min_size=1, max_size=9)))
            assert_same_bits([whole.features(rows)], [parts.features(rows)])
            rows = np.maximum(rows, 0)
            assert_same_bits(told(whole, rows), told(parts, rows))
            for asked in ("units", "targets"):
                given_k = (K,) if asked == "targets" else ()
                assert_same_bits(getattr(whole, asked)(rows, *given_k), getattr(parts, asked)(rows, *given_k))


def held_at_most(series, drawn, monkeypatch):
    """Bytes that inputs of so many series take, while the same few of them are drawn."""
    monkeypatch.setattr(module, "ROWS_KEPT", 1000)
    panel = Panel.from_arrays(list(np.random.default_rng(0).normal(5, 1, (series, 50))))
    tracemalloc.start()
    inputs = Inputs(panel, SPEC)
    for first in range(0, drawn, 4):
        rows = np.arange(50 * first, 50 * (first + 4))
        inputs.features(rows)
        inputs.targets(rows, K)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_series_that_are_not_drawn(monkeypatch):
    """Ten times as many series cost some numbers for each, and nothing for their rows."""
    few, many = (held_at_most(series, 8, monkeypatch) for series in (300, 3_000))
    assert many - few < 2_700 * 50, "about a byte per row"


def test_memory_does_not_grow_with_series_that_were_drawn_before(monkeypatch):
    """However many series are drawn one after the other, only the latest are held."""
    few, many = (held_at_most(300, drawn, monkeypatch) for drawn in (8, 300))
    assert many < 1.2 * few
