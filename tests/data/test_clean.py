"""Laws of `foregate.data.clean`."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import Covariate, DataError, Panel, UsageError
from foregate.data.clean import Change, Hampel, clean, hampel_bounds

FILLS = ["linear", "forward", "seasonal"]
values = st.lists(st.one_of(st.none(), st.floats(-100, 100, width=32)), min_size=1, max_size=40)
panels = st.lists(values, min_size=1, max_size=3).map(
    lambda rows: Panel.from_arrays([np.array([np.nan if y is None else y for y in row]) for row in rows], freq="h")
)


def gapped() -> Panel:
    """Two series of days: a gap of two days in the first, a repeated day in the second."""
    days = ["2024-01-01", "2024-01-02", "2024-01-05", "2024-01-01", "2024-01-02", "2024-01-02", "2024-01-03"]
    return Panel(
        ids=np.array(["a", "b"]),
        offsets=np.array([0, 3, 7]),
        values=np.array([1, 2, 5, 1, 2, 4, 3], np.float32),
        mask=np.ones(7, bool),
        times=np.array(days, "datetime64[us]"),
        covariates={"x": Covariate("past", np.arange(7, dtype=np.float32))},
    ).with_freq("D")


@given(panels, st.sampled_from(["mask", *FILLS]), st.booleans())
@settings(max_examples=50, deadline=None)
def test_nothing_observed_is_changed_and_every_filled_value_is_listed(panel, missing, causal):
    """Filling leaves observed values alone, lists exactly what it filled, and fills all after the first observed."""
    before = (panel.values.copy(), panel.mask.copy())
    cleaned = clean(panel, missing=missing, causal=causal, season=3)
    now = cleaned.panel
    assert np.array_equal(now.values[panel.mask], panel.values[panel.mask])
    assert cleaned.counts.get("filled", 0) == now.mask.sum() - panel.mask.sum()
    assert np.all(np.isfinite(now.values))
    for i in range(len(panel)):
        seen = ~np.isnan(panel.series(i))
        expected = seen if missing == "mask" else np.logical_or.accumulate(seen)
        assert np.array_equal(~np.isnan(now.series(i)), expected)
    assert np.array_equal(panel.values, before[0])
    assert np.array_equal(panel.mask, before[1])


@given(panels, st.sampled_from(["mask", *FILLS]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_cleaning_twice_changes_nothing_more(panel, missing, causal):
    """A cleaned panel is clean."""
    once = clean(panel, missing=missing, causal=causal, season=3).panel
    twice = clean(once, missing=missing, causal=causal, season=3)
    assert twice.counts == {}
    assert twice.panel.notes == once.notes
    assert np.array_equal(twice.panel.values, once.values)


@given(values, st.integers(1, 40), st.sampled_from(FILLS), st.sampled_from(["keep", "mask", "winsorise"]), st.data())
@settings(max_examples=60, deadline=None)
def test_causal_cleaning_does_not_look_ahead(row, origin, missing, outliers, data):
    """Change, hide or add anything after a row: what was made of the rows up to it is bit-identical."""
    y = np.array([np.nan if v is None else v for v in row])
    origin = min(origin, len(y))
    later = data.draw(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6, width=32)), max_size=10))
    other = np.concatenate([y[:origin], [np.nan if v is None else v for v in later]])
    options = {"missing": missing, "outliers": outliers, "causal": True, "season": 4, "hampel": Hampel(2, 3.0)}
    one, two = (clean(Panel.from_arrays([s]), **options).panel.series(0)[:origin] for s in (y, other))
    assert np.array_equal(one, two, equal_nan=True)


@given(panels, st.sampled_from(FILLS), st.booleans())
@settings(max_examples=30, deadline=None)
def test_a_series_is_filled_alone_as_among_others(panel, missing, causal):
    """What is filled in a series does not depend on which others are in the panel."""
    together = clean(panel, missing=missing, causal=causal, season=3).panel
    for i in range(len(panel)):
        alone = clean(panel.take([i]), missing=missing, causal=causal, season=3).panel
        assert np.allclose(alone.series(0), together.series(i), equal_nan=True, atol=1e-4)


def test_lines_are_lines():
    """On a ramp linear filling is exact inside; causally the last step is followed once and then held."""
    ramp = np.arange(8.0)
    y = np.where(np.isin(ramp, [2, 3, 4, 7]), np.nan, ramp)
    assert np.allclose(clean(Panel.from_arrays([y]), missing="linear").panel.series(0), [0, 1, 2, 3, 4, 5, 6, 6])
    causal = clean(Panel.from_arrays([y]), missing="linear", causal=True).panel.series(0)
    assert np.allclose(causal, [0, 1, 2, 2, 2, 5, 6, 7])


def test_a_line_does_not_begin_in_the_series_before():
    """With one observed value of its own a series is held, whatever its neighbour in the panel did."""
    panel = Panel.from_arrays([np.array([0.0, 100.0]), np.array([5.0, np.nan, np.nan])])
    assert clean(panel, missing="linear", causal=True).panel.series(1).tolist() == [5, 5, 5]


def test_causal_bounds_do_not_know_the_noise_to_come():
    """The bounds at a row are the same whether calm or storm follows."""
    rng = np.random.default_rng(0)
    calm = np.tile([1.0, 1.0, 1.0, 2.0], 20)
    storm = np.concatenate([calm[:40], rng.normal(0, 1000, 40)])
    for seasons in ((), (4,)):
        bounds = [hampel_bounds(Panel.from_arrays([y]), seasons, causal=True) for y in (calm, storm)]
        assert np.array_equal(bounds[0][0][:40], bounds[1][0][:40])
        assert np.array_equal(bounds[0][1][:40], bounds[1][1][:40])
    assert np.isfinite(bounds[0][1][39])


def test_seasons_are_filled_by_season():
    """On a repeated profile seasonal filling is near from both sides, and causally exact after one season."""
    profile = np.tile([0.0, 5.0, -3.0, 9.0], 6)
    y = profile.copy()
    y[[5, 9, 10, 14]] = np.nan
    for causal in (False, True):
        filled = clean(Panel.from_arrays([y]), missing="seasonal", season=4, causal=causal).panel.series(0)
        assert np.allclose(filled, profile, atol=1.0 if not causal else 1e-6)
    assert clean(Panel.from_arrays([y]), missing="forward").panel.series(0)[5] == 0.0


def test_seasonal_filling_keeps_demand_above_zero():
    """A series that is never negative is not filled with negative values; one that is, may be."""
    day = np.tile([0.0, 0.0, 40.0, 80.0], 10)
    day[20:24] = [0, 0, 1, 1]
    y = day.copy()
    y[[20, 21]] = np.nan
    y[22:24] = 0.5
    assert np.all(clean(Panel.from_arrays([y]), missing="seasonal", season=4).panel.series(0) >= 0)
    assert np.any(clean(Panel.from_arrays([y - 1]), missing="seasonal", season=4).panel.series(0)[[20, 21]] < -1)


def test_the_season_is_found_when_it_is_not_given_and_missed_when_there_is_none():
    """Seasonal filling takes the season of the data, and says so when the data has none."""
    rng = np.random.default_rng(0)
    y = np.tile(rng.normal(size=12), 12) + rng.normal(size=144) / 9
    holed = y.copy()
    holed[[50, 70]] = np.nan
    panel = Panel.from_arrays([holed], freq="MS")
    filled = clean(panel, missing="seasonal").panel.series(0)
    assert np.allclose(filled, y, atol=0.6)
    with pytest.raises(DataError, match=r"season must be known .* Give it: season=24, or choose missing=\"linear\""):
        clean(Panel.from_arrays([rng.normal(size=100)]), missing="seasonal")
    with pytest.raises(DataError, match="season must be known"):
        clean(Panel.from_arrays([y]), missing="seasonal", causal=True)


@pytest.mark.parametrize(("how", "kept", "x"), [("first", 2, 4), ("last", 4, 5), ("mean", 3, 4.5)])
def test_repeats_are_settled_as_asked(how, kept, x):
    """Of two rows of one time the first, the last or their mean stays, covariates alike, and the other is listed."""
    cleaned = clean(gapped(), duplicates=how)
    assert cleaned.panel.series(1).tolist() == [1, kept, 3]
    assert cleaned.panel.covariates["x"].values[5:].tolist() == [3, x, 6]
    assert cleaned.counts == {"repeat": 1, "gap": 2}
    assert cleaned.panel.notes[0].startswith("1 repeated timestamp in 1 series: the")
    assert cleaned.changes[0].id == "b"


def test_repeats_are_refused_unless_something_is_said_about_them():
    """By default a repeated timestamp is an error that names the choices."""
    with pytest.raises(DataError, match=r"1 row in 1 series \('b'; first at 2024-01-02.* Say which to keep"):
        clean(gapped())


def test_of_repeats_one_that_was_observed_is_kept():
    """A missing value does not win over an observed one of the same time."""
    panel = gapped()
    panel = replace(panel, mask=np.array([1, 1, 1, 1, 0, 1, 1], bool))
    assert clean(panel, duplicates="first").panel.series(1).tolist() == [1, 4, 3]


def test_gaps_are_listed_with_their_times():
    """Each added row is a change from nothing to nothing at its own time."""
    cleaned = clean(gapped().take([0]))
    assert [(c.kind, c.id, str(c.time)[:10]) for c in cleaned.changes] == [
        ("gap", "a", "2024-01-03"),
        ("gap", "a", "2024-01-04"),
    ]
    assert cleaned.panel.is_regular


def test_outliers_are_flagged_hidden_or_moved_and_nothing_else_is():
    """The one spike in a noisy season is found, rush hours are not, and each treatment does what it says."""
    rng = np.random.default_rng(2)
    y = np.tile(np.r_[np.zeros(20), 30, 60, 30, 0], 12) + rng.normal(size=288)
    y[100] = 40.0
    panel = Panel.from_arrays([y], freq="h")
    for how in ("flag", "mask", "winsorise"):
        cleaned = clean(panel, outliers=how)
        assert [c.time for c in cleaned.changes] == [panel.times[100]]
        now = cleaned.panel.series(0)
        others = np.delete(np.arange(288), 100)
        assert np.array_equal(now[others], panel.series(0)[others])
        assert {"flag": now[100] == 40, "mask": np.isnan(now[100]), "winsorise": 0 < now[100] < 40}[how]
    assert clean(panel).counts == {}
    hidden = clean(panel, outliers="mask", missing="linear")
    assert hidden.counts == {"outlier": 1, "filled": 1}


def test_the_window_of_the_hampel_filter_is_the_textbook_one():
    """In the middle of a series without seasons the bounds equal those computed value by value."""
    rng = np.random.default_rng(4)
    y = rng.normal(size=60).astype(np.float32).astype(float)
    low, high = hampel_bounds(Panel.from_arrays([y]), options=Hampel(3, 4.0))
    floor = np.sqrt((np.diff(y) ** 2).mean() / 2)
    for t in range(3, 57):
        window = y[t - 3 : t + 4]
        spread = max(1.4826 * np.median(np.abs(window - np.median(window))), floor)
        assert np.allclose([low[t], high[t]], np.median(window) + np.array([-4, 4]) * spread, atol=1e-5)


def test_a_sale_among_zeros_is_no_outlier_and_noise_has_few():
    """Intermittent counts and plain noise are left alone."""
    rng = np.random.default_rng(6)
    for y in (rng.poisson(0.2, 2000), rng.normal(size=2000), rng.normal(size=2000).cumsum()):
        assert clean(Panel.from_arrays([y.astype(float)]), outliers="flag").counts.get("outlier", 0) < 10


def test_all_changes_are_in_the_frame_and_the_first_thousand_are_objects():
    """Large numbers of changes are summarised; the table has a row for each."""
    pytest.importorskip("polars")
    y = np.where(np.arange(5000) % 2 == 0, np.arange(5000.0), np.nan)
    cleaned = clean(Panel.from_arrays([y]), missing="forward")
    assert len(cleaned.changes) == 1000
    assert cleaned.changes[0] == Change("filled", "s0", 1, pytest.approx(np.nan, nan_ok=True), 0.0)
    frame = cleaned.changes_frame()
    assert frame.columns == ["kind", "id", "time", "old", "new"]
    assert frame.height == cleaned.counts["filled"] == 2500
    assert frame["old"].null_count() == 2500
    assert cleaned.panel.notes == ("2,500 missing values in 1 series: filled with the value before.",)
    assert clean(cleaned.panel).changes_frame().height == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"missing": "guess"}, r"missing must be one of 'mask', 'linear', 'forward', 'seasonal', but got 'guess'"),
        ({"duplicates": "any"}, r"duplicates must be one of 'error', 'first', 'last', 'mean', but got 'any'"),
        ({"outliers": "drop"}, r"outliers must be one of 'keep', 'flag', 'mask', 'winsorise', but got 'drop'"),
        ({"season": 0}, r"season must be at least 1 step, but got 0"),
    ],
)
def test_unknown_choices_are_refused(options, message):
    """An argument that does not exist gets the list of those that do."""
    with pytest.raises(UsageError, match=message):
        clean(gapped(), **options)


def test_impossible_filters_are_refused():
    """A window without neighbours or a threshold of nothing cannot be meant."""
    with pytest.raises(UsageError, match=r"half_window must be at least 1, but got 0"):
        Hampel(half_window=0)
    with pytest.raises(UsageError, match=r"threshold must be above 0, but got -1"):
        Hampel(threshold=-1)
