"""Laws of the live forecaster."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import ArtifactError, DataError, Frequency, Panel, UsageError
from foregate.data import forecast_frame, read, regularize
from foregate.streaming.arrivals import LONGEST_GAP
from foregate.streaming.live import Live
from tests.streaming.models import LEVELS, K, batch, close, fitted, forged, series

SEASONS = [(1, 1), (3, 1), (3, 7)]
FREQS = [1, 5, "h", "15min", "D", "B", "W", "MS", "ME", "QS"]


def grid(freq, start=0):
    """The time of a row, for rows counted from a first one."""
    freq = Frequency.parse(freq)
    first = (
        np.int64(7)
        if freq.is_integer
        else np.datetime64("2024-01-31T00:00" if freq.unit == "ME" else "2024-01-01", "us")
    )
    return lambda rows: freq.shift(np.asarray(first), np.asarray(rows) + start)


def rows_of(panel, which):
    """Rows of a panel as mappings."""
    names = panel.ids[panel.row_series[which]]
    y = [float(v) if seen else None for v, seen in zip(panel.values[which], panel.mask[which], strict=True)]
    return [
        {"unique_id": str(name), "ds": time.item() if time.dtype.kind == "M" else int(time), "y": value}
        for name, time, value in zip(names, panel.times[which], y, strict=True)
    ]


def some(values_of, freq=1, **more):
    first = grid(freq)(0)
    return Panel.from_arrays(
        [np.asarray(v, float) for v in values_of], ids=list("abcd")[: len(values_of)], freq=freq, start=first, **more
    )


def observed(live):
    """All forecasts, at the quantiles of the model."""
    return live.forecast(quantiles=LEVELS)


@settings(max_examples=80)
@given(st.lists(series, min_size=1, max_size=3), st.sampled_from(FREQS), st.sampled_from(SEASONS), st.integers(0, 9999))
def test_a_stream_is_a_batch(histories, freq, seasons, seed):
    """After any updates in any chunks and order, with gaps, repeats and new series, the forecast is that of a batch."""
    histories = [np.r_[5.0, h[:-1], 5.0] if np.isnan(h).all() else h for h in histories]
    histories = [np.r_[h[np.flatnonzero(~np.isnan(h))[0] :]] for h in histories]  # a series begins when it is seen
    panel, model, rng = some(histories, freq), fitted(seasons), np.random.default_rng(seed)
    live, done = Live(model, freq=freq), np.zeros(len(panel), np.int64)
    left_out = ~panel.mask & (rng.random(len(panel.mask)) < 0.5)
    left_out[panel.offsets[1:] - 1] = False  # or else nobody would know that the time has passed
    while (done < panel.lengths).any():
        ends = done + rng.integers(0, panel.lengths - done, endpoint=True)
        begins = np.maximum(done - rng.integers(0, 4, len(panel)) * (done > 0), 0)
        rows = np.concatenate([panel.offsets[i] + np.arange(begins[i], ends[i]) for i in range(len(panel))])
        rows = rng.permutation(rows[~left_out[rows]])
        live.update(rows_of(panel, rows))
        known = [
            live._carried.state.rows[live._carried.roster.numbers[n]] if n in live.ids else 0
            for n in panel.ids.tolist()
        ]
        done = np.array(known)
    said = observed(live)
    panel = panel.take([panel.ids.tolist().index(name) for name in live.ids])
    close(said.values, batch(model, panel), panel)
    np.testing.assert_array_equal(said.ids, panel.ids)
    np.testing.assert_array_equal(said.times, panel.future_times(K))
    np.testing.assert_array_equal(said.cutoffs, panel.last_times)
    np.testing.assert_array_equal(live.expected(), panel.future_times(1)[:, 0])


@given(st.lists(series, min_size=1, max_size=3), st.sampled_from(SEASONS), st.integers(0, 9999))
def test_a_panel_is_where_a_stream_goes_on(histories, seasons, seed):
    """Started with part of each series and updated with the rest, the forecast is that of the whole."""
    histories = [np.r_[1.0, h] for h in histories]
    panel, model = some(histories, "D"), fitted(seasons)
    cut = np.random.default_rng(seed).integers(0, panel.lengths, endpoint=True)
    live = Live.start(model, panel.cut(cut))
    live.update(panel.between(cut, panel.lengths))
    panel = panel.take([panel.ids.tolist().index(name) for name in live.ids])
    close(observed(live).values, model.forecast(panel, K, LEVELS).values, panel)


def test_all_ways_of_giving_rows_are_one():
    """One mapping at a time, several, columns, frames of three libraries, and a panel: the same forecast to the bit."""
    pd, pa = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    panel, model = some([[3.0, np.nan, 5.0, 4.0], [8.0, 1.0, 2.5]], "h"), fitted()
    names = panel.ids[panel.row_series].tolist()
    y = [None if np.isnan(v) else v for v in np.where(panel.mask, panel.values.astype(float), np.nan)]
    columns = {"unique_id": names, "ds": panel.times.tolist(), "y": y}
    ways = [
        rows_of(panel, np.arange(7)),
        columns,
        pl.DataFrame(columns),
        pd.DataFrame(columns),
        pa.table(columns),
        panel,
    ]
    one_by_one = Live(model, freq="h")
    for row in rows_of(panel, np.arange(7)):
        one_by_one.update(row)
    expected = observed(one_by_one).values
    for rows in ways:
        live = Live(model, freq="h")
        update = live.update(rows)
        assert (update.read, update.skipped, update.repeated, update.new) == (7, 0, 0, ("a", "b"))
        np.testing.assert_allclose(observed(live).values, expected, rtol=1e-6)


@pytest.mark.parametrize(("zone", "freq"), [("Europe/Berlin", "h"), ("Europe/Berlin", "D"), ("America/New_York", "W")])
def test_zoned_times_are_those_of_the_panel(zone, freq):
    """Times with a zone go on from a panel that was read with one, also over a change of the clock."""
    times = pl.datetime_range(
        pl.datetime(2024, 3, 1),
        pl.datetime(2024, 5, 31),
        "1h" if freq == "h" else "1d" if freq == "D" else "1w",
        time_zone=zone,
        eager=True,
    )
    frame = pl.DataFrame({"ds": times, "y": np.arange(len(times)) % 7 + 1.0})
    whole = regularize(read(frame, freq=freq))
    live = Live.start(fitted(), regularize(read(frame[:-5], freq=freq)))
    last = frame[-5:].to_dicts()
    assert live.update(last[0]).read == 1
    assert live.update([{"ds": row["ds"].isoformat(), "y": row["y"]} for row in last[1:3]]).skipped == 0
    assert live.update(frame[-4:]).repeated == 2
    close(observed(live).values, batch(fitted(), whole), whole)
    assert forecast_frame(observed(live), live.spec)["ds"].dtype == frame["ds"].dtype


def test_what_is_left_out_is_missing():
    """A jump by whole steps, and a time without a value, are read as missing; the update says how many."""
    panel, model = some([[3.0, 4.0, np.nan, np.nan, 5.0, np.nan]]), fitted()
    live = Live(model)
    update = live.update([{"unique_id": "a", "ds": t, "y": y} for t, y in ((7, 3.0), (8, 4.0), (11, 5.0), (12, None))])
    assert (update.read, update.skipped) == (4, 2)
    close(observed(live).values, batch(model, panel), panel)


def started(*, freq="h"):
    live = Live(fitted((3, 7)), freq=freq)
    time = grid(freq)
    live.update([{"unique_id": "a", "ds": time(t).item(), "y": 10.0 + t % 3} for t in range(30)])
    return live, time


def unchanged(live, attempt, error, match):
    """The attempt is refused, and not a bit is changed."""
    before, ids = live.snapshot(), live.ids
    with pytest.raises(error, match=match):
        attempt()
    assert live.snapshot() == before
    assert live.ids == ids


@pytest.mark.parametrize(
    ("at", "y", "match"),
    [
        (29, 99.0, "got 99 at 2024-01-02 05:00:00 of 'a', whose next time is 2024-01-02 06:00:00: where 12 was read"),
        (29, None, "a missing value at .* where 12 was read"),
        (2, 5.0, "got 5 at 2024-01-01 02:00:00 .* next time is 2024-01-02 06:00:00: which is past"),
        (-3, 5.0, "at 2023-12-31 21:00:00 .*: which is past"),
        (30.5, 5.0, "between two steps of h"),
        (33 + LONGEST_GAP, 5.0, "more than 100,000 steps ahead"),
        (30, np.inf, "'y' must be a finite number"),
        (30, 1e39, "'y' must be a finite number"),
        (30, True, "'y' must be a finite number"),
        (30, "7", "'y' must be a finite number"),
    ],
)
def test_what_cannot_be_taken_changes_nothing(at, y, match):
    """Late, contradicting, between steps, too far, or no number: refused with what is expected, and nothing is changed.

    Good observations of the same call are not read either.
    """
    live, time = started()
    wrong = {"unique_id": "a", "ds": (time(0) + np.timedelta64(int(at * 60), "m")).item(), "y": y}
    fine = [{"unique_id": "a", "ds": time(31).item(), "y": 1.0}, {"unique_id": "new", "ds": time(0).item(), "y": 1.0}]
    unchanged(live, lambda: live.update(wrong), DataError, match)
    unchanged(live, lambda: live.update([*fine, wrong]), DataError, match)


@pytest.mark.parametrize("y", [np.inf, -np.inf, 1e39])
def test_a_table_of_what_is_no_number_changes_nothing(y):
    """Numbers that no series can hold are refused in columns as they are in rows."""
    live, time = started()
    table = {"unique_id": ["a", "a"], "ds": [time(30).item(), time(31).item()], "y": [1.0, y]}
    unchanged(live, lambda: live.update(table), DataError, "must hold finite numbers")
    unchanged(live, lambda: live.update(pl.DataFrame(table)), DataError, "must hold finite numbers")


@pytest.mark.parametrize("y", [[1.0, "3"], [1.0], [1.0, 10**400], [1.0, {}]])
def test_columns_that_are_no_table_change_nothing(y):
    """Values of several kinds, and columns of several lengths, are told as what they are."""
    live, time = started()
    rows = {"unique_id": ["a", "b"], "ds": [time(30).item(), time(31).item()], "y": y}
    unchanged(
        live, lambda: live.update(rows), DataError, "columns must be of one length and each of one kind of values"
    )


def test_no_rows_are_no_rows():
    """However nothing is given, nothing is read, and nothing is wrong with it."""
    live, _ = started()
    before = live.snapshot()
    columns = {"unique_id": [], "ds": [], "y": []}
    for nothing in ([], columns, pl.DataFrame(columns, schema={"unique_id": str, "ds": pl.Datetime, "y": float})):
        assert live.update(nothing).ids == ()
    assert live.snapshot() == before


def test_two_values_for_one_time_are_refused():
    """Also within one call; the same twice is read once."""
    live, time = started()
    twice = [{"unique_id": "a", "ds": time(30).item(), "y": y} for y in (1.0, 2.0)]
    unchanged(live, lambda: live.update(twice), DataError, "got 2 at .*: beside 1 for the same time. Keep one of them")
    update = live.update([twice[0], twice[0]])
    assert (update.read, update.repeated) == (1, 1)


def test_what_is_known_is_ignored():
    """Values that were read come again without harm, as they were given: in float64 or rounded, missing or not."""
    live = Live(fitted((3, 7)))
    rows = [{"ds": t, "y": None if t == 4 else 0.1 * t} for t in range(9)]
    live.update(rows)
    before = live.snapshot()
    update = live.update(rows[2:])
    assert (update.read, update.repeated, update.skipped, update.new) == (0, 7, 0, ())
    assert live.update([]).ids == ()
    assert live.snapshot() == before


@pytest.mark.parametrize(
    ("row", "error", "match"),
    [
        ({"unique_id": "a", "y": 1}, DataError, "must have 'ds', 'y', but 'ds' is not among 'unique_id', 'y'"),
        ({"unique_id": "a", "ds": 3}, DataError, "but 'y' is not among"),
        ({"unique_id": None, "ds": "x", "y": 1}, DataError, "'ds' must be a date or a timestamp such as .* 'x'"),
        ({"unique_id": "a", "ds": 20240105, "y": 1}, DataError, "'ds' must be a date"),
        ({"unique_id": "", "ds": "2024-01-05", "y": 1}, DataError, "'unique_id' must be text or a whole number"),
        ({"unique_id": 1.5, "ds": "2024-01-05", "y": 1}, DataError, "'unique_id' must be text or a whole number"),
        ([3], UsageError, "observations must be mappings"),
        (3, UsageError, "type int"),
        (pl.DataFrame({"ds": ["2024-01-05"], "y": ["many"]}), DataError, "column 'y' must hold numbers"),
    ],
)
def test_what_is_no_observation_is_told(row, error, match):
    """A row that lacks something, or says it in another way, is told apart."""
    live, _ = started()
    unchanged(live, lambda: live.update(row), error, match)


def test_whole_numbers_and_dates_are_not_mixed():
    """A stream that counts steps refuses dates, and says how to have them."""
    live = Live(fitted())
    unchanged(live, lambda: live.update({"ds": "2024-01-05", "y": 1}), DataError, "start with a frequency")
    assert live.update([{"unique_id": 5, "ds": 3.0, "y": 1}, {"unique_id": "5", "ds": np.int64(4), "y": 1}]).read == 2
    assert live.ids == ("5",)


def test_series_are_asked_for_by_name():
    """Some series, in the order asked for, say what they say among all; the forecast does not depend on the others."""
    panel = some([[3.0, 4, 5, 6], [8.0, 1, 2], [5.0] * 9], "D")
    live = Live.start(fitted(), panel)
    everything, two = observed(live), live.forecast(quantiles=LEVELS, ids=["c", "a"])
    np.testing.assert_allclose(two.values, everything.values[[2, 0]], rtol=1e-6)
    assert two.ids.tolist() == ["c", "a"]
    assert live.forecast(2, level=80, ids="b").values.shape == (1, 2, 3)
    assert live.forecast(quantiles=[0.2]).quantiles == (0.2, 0.5)
    with pytest.raises(DataError, match="must have been seen before they are asked for, but got 'x'"):
        live.forecast(ids=["a", "x"])
    with pytest.raises(UsageError, match="horizon must be"):
        live.forecast(0)


def test_series_of_nothing_are_left_out_and_told():
    """Without any observation there is no forecast: told in a note, or an error where it was asked for by name."""
    live = Live(fitted())
    with pytest.raises(DataError, match="none at all"):
        live.forecast()
    live.update([{"unique_id": "a", "ds": 0, "y": None}, {"unique_id": "b", "ds": 5, "y": 3}])
    said = live.forecast()
    assert said.ids.tolist() == ["b"]
    assert said.notes[0] == "left out, for lack of any observation: 'a'."
    assert "for lack of 3 observations: 'b'" in said.notes[1]
    with pytest.raises(DataError, match="none in 'a'"):
        live.forecast(ids=["a", "b"])


@pytest.mark.parametrize("length", [1, 2, 3])
def test_few_observations_are_forecast_as_in_a_batch(length):
    """Series of one, two and three observations are forecast by the rule that the fitted model has for them."""
    panel, model = some([[4.0, 6.0, 5.0][:length], [-4.0, 0.0, 5.0][:length]]), fitted()
    said, expected = observed(Live.start(model, panel)), model.forecast(panel, K, LEVELS)
    close(said.values, expected.values, panel)
    assert said.notes == expected.notes


def test_a_peek_is_an_update_that_never_was():
    """It says what the forecast would be after an update, and leaves everything as it was."""
    live, time = started()
    live.update([{"unique_id": "b", "ds": time(t).item(), "y": 2.0 * t} for t in range(6)])
    row = {"unique_id": "a", "ds": time(30).item(), "y": 50.0}
    new = [{"unique_id": "c", "ds": time(t).item(), "y": 3.0} for t in range(4)]
    before, said = live.snapshot(), live.peek(row, 4, level=80)
    both, first = live.peek(row, ids=["b", "a"]), live.peek(new, 2)
    assert live.snapshot() == before
    assert (said.ids.tolist(), both.ids.tolist(), first.ids.tolist()) == (["a"], ["b", "a"], ["c"])
    with pytest.raises(DataError, match="which is past"):
        live.peek({**row, "ds": time(1).item()})
    live.update([row, *new])
    np.testing.assert_array_equal(said.values, live.forecast(4, level=80, ids="a").values)
    np.testing.assert_allclose(both.values, live.forecast(ids=["b", "a"]).values, rtol=1e-6)
    np.testing.assert_allclose(first.values, live.forecast(2, ids="c").values, rtol=1e-6)


def test_rows_without_an_id_belong_to_the_only_series():
    """Where there is one series or none, an id can be left out; where there are several, it cannot."""
    live = Live(fitted())
    live.update([{"ds": t, "y": 1.0} for t in range(3)])
    live.update(pl.DataFrame({"ds": [3], "y": [2.0]}))
    assert live.ids == ("y",)
    live.update({"unique_id": "other", "ds": 0, "y": 1})
    for row in ({"ds": 4, "y": 1.0}, pl.DataFrame({"ds": [4], "y": [2.0]})):
        unchanged(live, lambda row=row: live.update(row), DataError, "unique_id")


def test_one_among_many_costs_what_one_costs():
    """An update and a forecast of one series touch no other: thousands of series, and not a row of theirs is read."""
    panel = Panel.from_arrays([np.arange(3.0)] * 3000)
    live = Live.start(fitted(), panel)
    read = []
    encode = live.fitted.engine.encode
    live.fitted.engine.encode = lambda features, *given: read.append(len(features)) or encode(features, *given)
    live.update({"unique_id": "s7", "ds": 3, "y": 3})
    assert read == [1]
    assert live.forecast(ids="s7").values.shape == (1, K, 1)


def test_forks_go_their_own_ways():
    """What happens to one copy changes nothing in the other."""
    live, time = started()
    twin, before = live.fork(), observed(live)
    twin.update(
        [{"unique_id": "b", "ds": time(3).item(), "y": 1.0}, {"unique_id": "a", "ds": time(33).item(), "y": 0.0}]
    )
    np.testing.assert_array_equal(observed(live).values, before.values)
    assert (live.ids, twin.ids) == (("a",), ("a", "b"))


@given(st.lists(series, min_size=1, max_size=3), st.sampled_from(FREQS), st.integers(0, 40))
def test_a_snapshot_goes_on_where_it_was_taken(histories, freq, cut):
    """Restored, a state says the same to the bit, now and after any more observations."""
    panel, model = some([np.r_[1.0, h] for h in histories], freq), fitted((3, 7))
    live = Live.start(model, panel.cut(np.minimum(cut + 1, panel.lengths)))
    twin = Live.restore(model, live.snapshot())
    np.testing.assert_array_equal(observed(twin).values, observed(live).values)
    rest = panel.between(np.minimum(cut + 1, panel.lengths), panel.lengths)
    for each in (live, twin):
        each.update(rest)
    np.testing.assert_array_equal(observed(twin).values, observed(live).values)
    assert twin.snapshot() == live.snapshot()
    assert (twin.ids, twin.freq, twin.spec) == (live.ids, live.freq, live.spec)


def test_snapshots_are_small_and_belong_to_a_model():
    """A few KiB per series; another model, other seasons, and damage are refused."""
    live, _ = started()
    snapshot = live.snapshot()
    assert len(snapshot) < 8_000
    for other in (fitted((3, 7), seed=8), fitted((3, 8)), fitted((3, 7), window=21)):
        with pytest.raises(ArtifactError, match=r"the snapshot must be of the model .*, but got one of"):
            Live.restore(other, snapshot)
    for damaged in (b"", snapshot[:100], snapshot[:-5], b"x" * 500, snapshot.replace(b'"ids"', b'"sdi"')):
        with pytest.raises(ArtifactError, match="damaged"):
            Live.restore(fitted((3, 7)), damaged)
    with pytest.raises(ArtifactError, match="must be of version 4, but got 9"):
        Live.restore(fitted((3, 7)), snapshot.replace(b'"schema": 4', b'"schema": 9'))


def test_no_bit_of_a_snapshot_may_change():
    """What is damaged anywhere, in a number of the state as in a name, is refused, and never forecast from."""
    live, _ = started()
    live.watch()
    live.allow_late(4)
    snapshot, rng = live.snapshot(), np.random.default_rng(0)
    begin = 8 + int.from_bytes(snapshot[:8], "little")  # where the numbers are
    for place in [*rng.integers(begin, len(snapshot), 40), *rng.integers(0, begin, 20)]:
        damaged = bytearray(snapshot)
        damaged[place] ^= 1 << rng.integers(8)
        try:
            found = Live.restore(fitted((3, 7)), bytes(damaged))
        except ArtifactError:
            continue
        assert place < begin, "a number"
        assert found.snapshot() == snapshot, "blanks of the header say nothing"


def test_a_snapshot_names_each_series_once():
    """Two series of one name cannot be told apart, and are refused."""
    snapshot = Live.start(fitted((3, 7)), some([range(9), range(9)])).snapshot()
    twice = forged(snapshot, b'["a", "b"]', b'["a", "a"]')
    with pytest.raises(ArtifactError, match="damaged"):
        Live.restore(fitted((3, 7)), twice)


def test_memory_does_not_grow():
    """However long a stream goes on, the state and its snapshot stay as large as they are."""
    live, time = started()
    sizes = set()
    for t in range(30, 600, 19):
        live.update([{"unique_id": "a", "ds": time(r).item(), "y": r % 5} for r in range(t, t + 19)])
        sizes.add(sum(array.nbytes for array in live._carried.state.arrays.values()))
    assert len(sizes) == 1


def test_no_input_is_changed():
    """Neither mappings nor arrays that are given are written to."""
    times, y = np.arange(5), np.array([1.0, np.nan, 3, 2, 1])
    columns = {"ds": times, "y": y}
    for array in (times, y):
        array.flags.writeable = False
    Live(fitted()).update(columns)
    row = {"ds": 3, "y": 4.0}
    Live(fitted()).update(row)
    assert row == {"ds": 3, "y": 4.0}


def test_uneven_panels_are_refused():
    """A panel with gaps has to be cleaned first, as everywhere."""
    uneven = read(pl.DataFrame({"ds": [1, 2, 5], "y": [1.0, 2, 3]}), freq=1)
    with pytest.raises(DataError, match="must be evenly spaced"):
        Live.start(fitted(), uneven)


def test_a_gap_is_counted_from_the_row_before(monkeypatch):
    """Many rows may come in one call, however far the last lies from what was known; no step of it may be too long."""
    monkeypatch.setattr("foregate.streaming.arrivals.LONGEST_GAP", 50)
    live = Live(fitted())
    assert live.update([{"ds": t, "y": 1} for t in (0, 40, 80, 120)]).skipped == 3 * 39
    unchanged(live, lambda: live.update([{"ds": t, "y": 1} for t in (150, 210)]), DataError, "more than 50 steps ahead")


def test_many_series_and_steps_are_forecast_a_part_at_a_time(monkeypatch):
    """Whatever fits into memory at once, every series gets its own forecast."""
    panel = Panel.from_arrays([np.arange(1.0, 9) * (i + 1) for i in range(7)])
    live = Live.start(fitted(), panel)
    whole = live.forecast(5, quantiles=LEVELS)
    monkeypatch.setattr("foregate.forecasting.origins.DECODER_CELLS", 10)
    parts = live.forecast(5, quantiles=LEVELS)
    assert parts.ids.tolist() == whole.ids.tolist()
    close(parts.values, whole.values, panel)


def test_a_model_of_counts_takes_no_other_numbers():
    """Neither at the start nor later; nothing of the call has been read then."""
    model = fitted()
    plain = replace(model, spec=replace(model.spec, plain=True))
    live = Live.start(plain, Panel.from_arrays([np.arange(9.0)], ids=["a"]))
    unchanged(live, lambda: live.update({"unique_id": "b", "ds": 9, "y": 2.5}), DataError, r"whole numbers .* 'b'")
    with pytest.raises(DataError, match="got -1 and the like in 1 row of 1 series"):
        Live.start(plain, Panel.from_arrays([np.array([1.0, -1.0])]))
