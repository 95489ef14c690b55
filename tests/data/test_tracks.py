"""Laws of the causal statistics."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Panel
from foregate.data.statistics import (
    LEAST_SCALE,
    NEWEST_SEASON_WEIGHTS,
    POSITIVE_SHARE,
    SLOPES,
    SMOOTHING,
)
from foregate.data.tracks import LINEAR, LOG, make_tracks

SEASONS, WINDOW = (3, 7), 20
PER_ROW = (
    *("anchor", "z", "level", "scale", "relative", "mean", "smooth", "slope", "errors", "age", "gap", "zeros"),
    *("least", "most"),
)
PER_SEASON = ("profile", "season_mean", "count")
sizes = st.floats(-1e6, 1e6, width=32).map(lambda x: round(x, 6))
numbers = st.one_of(sizes, st.just(np.nan), st.sampled_from([0.0, 5.0, 5.0, 6.0, 7.5]))
positive = st.one_of(st.floats(1, 1e3, width=32), st.just(np.nan))
series = st.one_of(*(st.lists(each, min_size=1, max_size=30).map(np.array) for each in (numbers, positive)))
panels = st.lists(series, min_size=1, max_size=4).map(Panel.from_arrays)


def at_rows(tracks, rows):
    """What the tracks say at panel rows: name -> array."""
    r = tracks.row[rows]
    return {name: getattr(tracks, name)[r] for name in (*PER_ROW, *PER_SEASON, "mask")} | {"unit": tracks.unit[rows]}


def assert_same_bits(one, other):
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def decayed(values, rows, rate):
    """Weighted mean of values at rows, the newest with weight 1."""
    weight = (1 - rate) ** (max(rows, default=0) - np.array(rows))
    return float((weight * values).sum() / weight.sum()) if len(rows) else 0.0


def memory(z, season, seen):
    """What the seasonal memory holds at the last row of z, row by row: mean, profiles, count and what it expected."""
    profile, count, mean = np.zeros((season, 2)), np.zeros(season), 0.0
    for t in range(len(z)):
        phase = t % season
        expected = mean + profile[phase] if count[phase] and t else np.full(2, np.nan)
        last = [z[i] for i in range(max(0, t - season + 1), t + 1) if seen[i]]
        mean = sum(last) / max(1, len(last))
        if seen[t]:
            count[phase] += 1
            weight = np.maximum(1 / count[phase], NEWEST_SEASON_WEIGHTS)
            profile[phase] += weight * (z[t] - mean - profile[phase])
    return mean, profile[phase], count[phase], expected


def slopes(z, seen):
    """Averages of the change per row over a short season, at the last row of z."""
    m = SEASONS[0]
    both = [i for i in range(m, len(z)) if seen[i] and seen[i - m]]
    changes = np.array([(z[i] - z[i - m]) / m for i in both])
    return [decayed(changes, both, rate / np.sqrt(m)) for rate in SLOPES]


def errors(z, seen):
    """Average errors at the last row of z of everything that a forecast can be made of."""
    found = []
    for t in range(1, len(z)):
        back = [z[t - m] if t >= m and seen[t - m] else np.nan for m in SEASONS]
        known = [memory(z[: t + 1], m, seen)[3] for m in SEASONS]
        known += [np.array(back[0]) + SEASONS[0] * np.array(slopes(z[:t], seen) if seen[t - 1] else [np.nan] * 2)]
        found.append(np.abs(z[t] - np.concatenate([back, *known])) if seen[t] else np.full(8, np.nan))
    columns = np.reshape(found, (-1, 8)).T
    there = [np.flatnonzero(~np.isnan(column)) for column in columns]
    return [decayed(c[i], i, 1 / WINDOW) if len(i) else np.nan for c, i in zip(columns, there, strict=True)]


def told(history):
    """The same statistics of the last row of one series, from their definitions, in plain Python."""
    rows = [i for i, y in enumerate(history) if not np.isnan(y)]
    seen, y = ~np.isnan(history), [history[i] for i in rows]
    clearly = all(
        min(y[: n + 1]) > 0 and min(y[: n + 1]) >= POSITIVE_SHARE * np.mean(y[: n + 1]) for n in range(len(y))
    )
    anchor = y[0] if clearly and y else 1.0
    z = [float(np.log(v / anchor)) for v in y] if clearly else y
    filled, level = [], 0.0
    for i in range(len(history)):
        level = z[rows.index(i)] if i in rows else level
        filled.append(level)
    change = [abs(b - a) / np.sqrt(j - i) for a, b, i, j in zip(z, z[1:], rows, rows[1:], strict=False)]
    raw = [decayed(np.array(change[:n]), rows[1 : n + 1], 1 / WINDOW) for n in range(1, len(change) + 1)]
    scale = max(raw[-1], LEAST_SCALE * max(raw)) if raw else 0.0
    size = decayed(np.abs(y), rows, 1 / WINDOW)
    remembered = [memory(filled, m, seen) for m in SEASONS]
    return {
        "unit": LOG if clearly else LINEAR,
        "anchor": anchor,
        "z": filled[-1],
        "level": level,
        "scale": scale,
        "relative": scale if clearly else scale / (size or 1),
        "mean": decayed(np.array(z), rows, 1 / WINDOW),
        "smooth": [decayed(np.array(z), rows, rate) for rate in SMOOTHING],
        "slope": slopes(filled, seen),
        "errors": errors(filled, seen),
        "age": len(rows),
        "gap": len(history) - 1 - (rows[-1] if rows else -1),
        "zeros": decayed(np.array(y) == 0, rows, 1 / WINDOW),
        "least": min(y, default=np.inf),
        "most": max(y, default=-np.inf),
        "season_mean": [mean for mean, _, _, _ in remembered],
        "profile": np.concatenate([profile for _, profile, _, _ in remembered]),
        "count": [count for _, _, count, _ in remembered],
    }


@given(series)
def test_every_statistic_is_what_its_definition_says(values):
    """At every row the fast statistics are those of a slow Python twin that reads the rows up to it one by one."""
    panel = Panel.from_arrays([values])
    fast = at_rows(make_tracks(panel, SEASONS, WINDOW), np.arange(len(values)))
    size = max(1.0, np.abs(np.nan_to_num(values)).max())
    for t in range(len(values)):
        for name, expected in told(panel.series(0)[: t + 1]).items():
            np.testing.assert_allclose(fast[name][t], expected, rtol=1e-5, atol=2e-6 * size, err_msg=f"{name} at {t}")


@given(panels, st.data())
def test_nothing_looks_ahead(panel, data):
    """Change all that comes after a row, its values and what is missing: up to that row not a bit changes."""
    before = make_tracks(panel, SEASONS, WINDOW)
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
    assert_same_bits(at_rows(before, rows), at_rows(make_tracks(changed, SEASONS, WINDOW), rows))
    short = panel.cut(cut)
    assert_same_bits(at_rows(before, rows), at_rows(make_tracks(short, SEASONS, WINDOW), np.arange(len(rows))))


@given(panels, st.randoms())
def test_a_series_is_read_alone(panel, random):
    """Which series stand beside it, and where, changes not a bit of what is known of a series."""
    together = make_tracks(panel, SEASONS, WINDOW)
    order = list(range(len(panel)))
    random.shuffle(order)
    for which in ([order[0]], order):
        rows = np.concatenate([np.arange(panel.offsets[i], panel.offsets[i + 1]) for i in which])
        alone = make_tracks(panel.take(which), SEASONS, WINDOW)
        assert_same_bits(at_rows(together, rows), at_rows(alone, np.arange(len(rows))))


def test_lengths_and_padding_do_not_matter():
    """The same holds of long series beside much shorter and longer ones."""
    rng = np.random.default_rng(0)
    lengths = (1, 2, 127, 128, 129, 391, 20, 500)
    panel = Panel.from_arrays([np.where(rng.random(n) < 0.2, np.nan, rng.normal(5, 3, n)) for n in lengths])
    together = make_tracks(panel, (12, 52), 100)
    for i in range(len(panel)):
        rows = np.arange(panel.offsets[i], panel.offsets[i + 1])
        alone = make_tracks(panel.take([i]), (12, 52), 100)
        assert_same_bits(at_rows(together, rows), at_rows(alone, np.arange(len(rows))))


@given(panels, st.sampled_from([np.nan, np.inf, -7.0]))
def test_what_lies_under_the_mask_is_not_read(panel, junk):
    """Anything may stand where nothing was observed."""
    rows = np.arange(len(panel.values))
    spoiled = replace(panel, values=np.where(panel.mask, panel.values, junk).astype(np.float32))
    one, other = (make_tracks(each, SEASONS, WINDOW) for each in (panel, spoiled))
    assert_same_bits(at_rows(one, rows), at_rows(other, rows))


@given(panels, st.sampled_from([2.0**-10, 4.0, 1024.0]))
def test_plain_units_scale_exactly(panel, a):
    """In plain units, a·y has a times the statistics of y, to the bit for powers of two; shares and counts stay."""
    panel = replace(panel, values=np.where(np.abs(panel.values) < 1e-6, 0, panel.values).astype(np.float32))
    rows = np.arange(len(panel.values))
    one = at_rows(make_tracks(panel, SEASONS, WINDOW), rows)
    scaled = replace(panel, values=(panel.values * np.float32(a)).astype(np.float32))
    other = at_rows(make_tracks(scaled, SEASONS, WINDOW), rows)
    np.testing.assert_array_equal(one["unit"], other["unit"])
    plain = one["unit"] == LINEAR
    for name in ("z", "level", "scale", "mean", "smooth", "slope", "errors", "season_mean", "profile", "least"):
        np.testing.assert_array_equal(one[name][plain] * np.float32(a), other[name][plain], err_msg=name)
    for name in ("relative", "age", "gap", "zeros", "count"):
        np.testing.assert_array_equal(one[name][plain], other[name][plain], err_msg=name)


@given(st.lists(positive, min_size=1, max_size=30), st.sampled_from([1e-6, 3.0, 1e6]))
def test_logarithms_have_no_units(values, a):
    """In logarithms, a·y has the statistics of y, and a times the anchor."""
    one, other = (make_tracks(Panel.from_arrays([np.array(values) * factor]), SEASONS, WINDOW) for factor in (1.0, a))
    told_apart = one.unit == other.unit  # at the very edge of what is clearly positive, rounding may decide
    known = told_apart & (one.age[one.row] > 0) & (one.unit == LOG)
    for name in (
        "z",
        "level",
        "mean",
        "smooth",
        "slope",
        "errors",
        "scale",
        "profile",
        "season_mean",
        "relative",
        "zeros",
        "count",
        "age",
    ):
        pair = (getattr(each, name)[each.row][known] for each in (one, other))
        np.testing.assert_allclose(*pair, atol=1e-6, rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(other.anchor[other.row][known], a * one.anchor[one.row][known], rtol=1e-6)


def test_units_change_once_and_never_back():
    """A series is read in logarithms until the first value that is not clearly positive, and in plain values after."""
    values = np.array([np.nan, 5.0, 6.0, 4.0, 0.0, 5.0, 6.0])
    tracks = make_tracks(Panel.from_arrays([values, values[1:4], -values]), SEASONS, WINDOW)
    assert tracks.unit.tolist() == [LOG] * 4 + [LINEAR] * 3 + [LOG] * 3 + [LOG] + [LINEAR] * 6
    assert len(set(tracks.end.tolist())) == 2 + 1 + 2, "the first series and the last have a track in both units"
    after = tracks.row[4]
    assert tracks.level[after] == 0
    assert tracks.least[after] == 0
    np.testing.assert_allclose(tracks.mean[after], told(values[:5])["mean"], rtol=1e-6)


@pytest.mark.parametrize("a", [1e-6, 1.0, 1e6])
def test_a_fall_to_zero_means_the_same_in_all_units(a):
    """Seen from rows in logarithms, a value of zero or below lies far down, and equally far in every unit."""
    values = np.array([5.0, 6.0, 5.0, 0.0, -3.0, 1e-30, 5.0])
    tracks = make_tracks(Panel.from_arrays([values * a]), SEASONS, WINDOW)
    below = tracks.z[tracks.begin[0] + np.array([3, 4, 5])]
    mean_size = np.array([16 / 4, 19 / 5, 19 / 6])
    np.testing.assert_allclose(below, np.log(POSITIVE_SHARE * mean_size / 5), atol=1e-5)


def test_averages_hold_through_gaps_of_any_length():
    """What was learnt before a gap is still known after it, however long nothing was observed."""
    values = np.r_[[100.0, 102.0, 101.0], np.full(5000, np.nan)]
    tracks = make_tracks(Panel.from_arrays([values]), SEASONS, WINDOW)
    for name in ("level", "mean", "smooth", "slope", "errors", "scale", "age", "zeros", "least"):
        said = getattr(tracks, name)
        np.testing.assert_array_equal(said[2:], np.broadcast_to(said[2], said[2:].shape), err_msg=name)
    np.testing.assert_array_equal(tracks.gap[2:], np.arange(5001))


def test_series_of_nothing_and_of_one_row():
    """Nothing observed yet is age 0 and level 0; one row has a level and no scale; an empty series has no rows."""
    panel = Panel.from_arrays([np.array([np.nan, np.nan]), np.array([7.0]), np.array([]), np.array([np.nan, 2.0])])
    said = at_rows(make_tracks(panel, SEASONS, WINDOW), np.arange(5))
    assert said["age"].tolist() == [0, 0, 1, 0, 1]
    assert said["scale"].tolist() == [0] * 5
    np.testing.assert_allclose(said["level"], [0, 0, 0, 0, 0])
    np.testing.assert_array_equal(said["anchor"], [1, 1, 7, 1, 2])
    assert said["gap"].tolist() == [1, 2, 0, 1, 0]


@pytest.mark.parametrize("level", [0.0, 500.0])
def test_a_flat_stretch_keeps_a_scale(level):
    """However long nothing changes, the scale stays at a share of its highest value so far."""
    panel = Panel.from_arrays([np.r_[level, level + 100, level, level + 100, np.full(300, level + 100)]])
    scale = make_tracks(panel, (1, 1), WINDOW).scale
    np.testing.assert_allclose(scale[-100:], LEAST_SCALE * scale.max(), rtol=1e-6)


def test_a_constant_series_has_no_scale():
    """Where nothing changes, nothing is invented: scale 0, and the level is the value."""
    tracks = make_tracks(Panel.from_arrays([np.full(50, 3.0), np.zeros(50)]), SEASONS, WINDOW)
    assert not tracks.scale.any()
    assert not np.any(tracks.profile > 1e-6)
    np.testing.assert_array_equal(tracks.zeros[tracks.row].reshape(2, 50)[:, 9], [0, 1])


def test_every_array_has_its_place():
    """Rows of all tracks are filled, and every panel row points inside its own track."""
    rng = np.random.default_rng(2)
    tracks = make_tracks(Panel.from_arrays([rng.normal(0, 1, 40), rng.random(30) + 1]), SEASONS, WINDOW)
    assert np.all((tracks.begin <= tracks.row) & (tracks.row < tracks.end))
    for each in fields(tracks):
        array = getattr(tracks, each.name)
        assert len(array) in (len(tracks.z), 70)
        assert each.name == "errors" or not np.any(np.isnan(array.astype(float)))
