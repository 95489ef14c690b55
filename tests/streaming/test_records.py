"""Laws of parts of live forecasters, of joining them, and of records."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import ArtifactError, DataError, UsageError
from foregate.streaming.live import Live
from foregate.streaming.records import HEAD, Recorder
from tests.forecasting.networks import model
from tests.streaming.models import LEVELS, K, fitted, series
from tests.streaming.obvious import obvious
from tests.streaming.test_columns import history, row_of

NAMES = "abcde"
MADE = [fitted, obvious]


def ticks(begin, end, names=NAMES, seed=0):
    rng = np.random.default_rng(seed)
    return [
        {"unique_id": name, "ds": t, "y": None if rng.random() < 0.1 else float(5 + t % 3 + rng.normal())}
        for t in range(begin, end)
        for name in names
    ]


def started(made=obvious, rows=20):
    live = Live(made((3, 7)))
    live.update(ticks(0, 1) + [{"unique_id": name, "ds": 1, "y": 5.0} for name in NAMES] + ticks(2, rows))
    return live


def same(one, other, ids):
    """Both say the same to the bit, and expect the same next."""
    for name in ids:
        one_said, other_said = (live.forecast(K, quantiles=LEVELS, ids=name) for live in (one, other))
        np.testing.assert_array_equal(one_said.values, other_said.values)
    np.testing.assert_array_equal(one.expected(ids), other.expected(ids))


@settings(max_examples=30)
@given(st.lists(series, min_size=2, max_size=5), st.permutations(NAMES), st.integers(0, 5), st.sampled_from(MADE))
def test_parts_that_are_joined_are_the_whole(histories, order, cut, made):
    """However a live forecaster is taken apart and joined, it goes on as the whole one does."""
    whole = Live(made((3, 7)))
    names = [name for name in order if name in NAMES[: len(histories)]]
    rows = [
        {"unique_id": NAMES[i], "ds": t, "y": None if np.isnan(y) else float(y)}
        for i, each in enumerate(histories)
        for t, y in enumerate(np.r_[5.0, each])
    ]
    whole.update(rows)
    joined, other = whole.part(names[:cut]), whole.part(names[cut:])
    joined.join(other)
    assert joined.ids == tuple(names)
    for live in (whole, joined):
        live.update([{"unique_id": n, "ds": 100, "y": 7.0} for n in names])
        live.update({"unique_id": names[-1], "ds": 101, "y": 8.0})
    same(joined, whole, names)


def test_a_part_is_independent():
    """What a part reads changes nothing where it was taken from, and what it was joined to changes nothing in it."""
    whole = started()
    part, rest = whole.part(["b"]), whole.part(["a", "c"])
    before = whole.forecast(K, ids="b").values
    part.update({"unique_id": "b", "ds": 20, "y": 100.0})
    rest.join(part)
    rest.update({"unique_id": "b", "ds": 21, "y": -100.0})
    np.testing.assert_array_equal(whole.forecast(K, ids="b").values, before)
    assert whole.expected("b") == [20]
    assert part.expected("b") == [21]
    assert rest.expected("b") == [22]


def test_what_may_be_late_and_what_is_watched_is_joined_too():
    """Late rows of series that were taken in are read in their place, and scores go on."""
    whole = started()
    whole.allow_late(6)
    whole.watch(level=80)
    whole.update(ticks(20, 30, seed=1))
    joined, other = whole.part(["c", "a"]), whole.part(["e", "b", "d"])
    joined.join(other)
    rows = [{"unique_id": n, "ds": 33, "y": 6.0} for n in NAMES] + [{"unique_id": "b", "ds": 34, "y": 6.0}]
    for live in (whole, joined):
        live.update(rows)
        assert live.update([{"unique_id": n, "ds": 31, "y": 9.0} for n in "bca"]).late == 3
    same(whole, joined, list("abcde"))
    assert whole.scores(list("abcde")).equals(joined.scores(list("abcde")))


def test_covariates_are_joined_and_recorded():
    """Series with covariates of every role go on from a part, a join and a record as if nothing had happened."""
    panel, columns = history((30, 30))
    kind = model("direct", columns=columns, seasons=(3, 7))
    whole = Live(kind)
    whole.update([row_of(panel, s, t) for s in (0, 1) for t in range(20)])
    whole.announce([row_of(panel, 1, t, target=False) for t in range(20, 29)])
    recorder = Recorder(kind, whole.freq, whole.spec)
    written = [recorder.written(whole.part([name]), [name])[0] for name in ("s1", "s0")]
    assert len(written[0]) != len(written[1])
    read = recorder.read(["s1", "s0"], written)
    joined = whole.part("s1")
    joined.join(whole.part("s0"))
    for live in (whole, joined, read):
        live.announce([row_of(panel, 0, t, target=False) for t in range(20, 29)])
        live.update([row_of(panel, s, 20) for s in (0, 1)])
    for live in (joined, read):
        assert live.ids == ("s1", "s0")
        said, expected = (each.forecast(5, quantiles=LEVELS, ids=["s0", "s1"]).values for each in (live, whole))
        np.testing.assert_allclose(said, expected, rtol=1e-6)


@pytest.mark.parametrize("made", MADE)
def test_a_record_is_the_state(made):
    """A series that is read from its record goes on to the bit as the one that was written, in any order."""
    whole = started(made)
    recorder = Recorder(whole.fitted, whole.freq, whole.spec)
    records = dict(zip("dab", recorder.written(whole, list("dab")), strict=True))
    read = recorder.read(list("bad"), [records[name] for name in "bad"])
    for live in (whole, read):
        live.update(ticks(20, 23, "abd", seed=2))
    same(whole, read, list("abd"))


def test_what_cannot_be_joined_is_said():
    """Other models, frequencies and habits, and series that are there already, are refused, and nothing is changed."""
    live, model_ = started(), obvious((3, 7))
    with pytest.raises(DataError, match=r"series must be new to be taken in, but got 'a', 'b'.*Drop them"):
        live.join(live.part(["a", "b"]))
    with pytest.raises(UsageError, match="must be of one model to be joined"):
        live.join(Live(fitted((3, 7))))
    with pytest.raises(UsageError, match="must have the same freq to be joined, but got 1 and 2"):
        live.join(Live(model_, freq=2))
    late = Live(model_)
    late.allow_late(3)
    with pytest.raises(UsageError, match="the same rows that may be late to be joined, but got 0 and 3"):
        live.join(late)
    watched = Live(model_)
    watched.watch(3)
    with pytest.raises(UsageError, match="the same watched horizon to be joined, but got None and 3"):
        live.join(watched)
    with pytest.raises(DataError, match="named once, but got 'a', 'a'"):
        live.part(["a", "a"])
    assert live.ids == tuple(NAMES)


def test_records_that_are_damaged_are_refused():
    """A record that is cut, longer, of another model or of impossible rows is refused."""
    live = started()
    recorder = Recorder(live.fitted, live.freq, live.spec)
    record = recorder.written(live, ["a"])[0]
    for wrong in (record[:-3], record + b"1"):
        with pytest.raises(ArtifactError, match="records must be whole"):
            recorder.read(["a"], [wrong])
    for wrong in (b"", b"x" * len(record)):
        with pytest.raises(ArtifactError, match="must be"):
            recorder.read(["a"], [wrong])
    other = Recorder(fitted((3, 7)), live.freq, live.spec)
    with pytest.raises(ArtifactError, match="of this model, frequency and version"):
        other.read(["a"], [record])
    live.watch(3)
    with pytest.raises(UsageError, match="Use snapshot"):
        recorder.written(live, ["a"])
    assert HEAD.itemsize == 32
