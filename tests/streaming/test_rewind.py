"""Laws of late observations, corrections and series that end."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import DataError, Panel, UsageError
from foregate.data.inputs import Inputs
from foregate.streaming.live import Live
from tests.streaming.models import LEVELS, batch, close, fitted, series
from tests.streaming.obvious import obvious

SHORT_WAY = [fitted, obvious]


def observation(name, t, y):
    return {"unique_id": name, "ds": t, "y": None if np.isnan(y) else float(y)}


def read_at_once(model, panel):
    """Forecasts (S, K, Q) after the last rows of a panel, whatever was observed."""
    return model._at(Inputs(panel, model.spec), (panel.lengths - 1)[:, None], 9, model.levels)[:, 0]


@settings(max_examples=60)
@given(st.lists(series, min_size=1, max_size=3), st.integers(1, 12), st.sampled_from(SHORT_WAY), st.integers(0, 9999))
def test_what_comes_late_is_read_in_its_place(histories, reach, made, seed):
    """However values are delayed within reach, one by one or many at once, the forecast is that of their time."""
    rng, model = np.random.default_rng(seed), made((3, 7))
    histories = [np.r_[5.0, h, 5.0] for h in histories]  # observed at both ends, or nobody would know how long it is
    live = Live(model)
    live.allow_late(reach)
    coming = []
    for i, history in enumerate(histories):
        for t, y in enumerate(history):
            last = t in (0, len(history) - 1)
            late = 0 if last else min(int(rng.integers(0, reach)), len(history) - 1 - t)
            coming.append((t + late + rng.choice([0, 0.5]) * (not last), "abc"[i], t, y))
    coming.sort(key=lambda each: each[0])
    while coming:
        some, coming = np.split(np.array(coming, object), [int(rng.integers(1, 6))])
        live.update([observation(name, t, y) for _, name, t, y in some])
        coming = [tuple(each) for each in coming]
    panel = Panel.from_arrays(histories, ids=list("abc")[: len(histories)])
    order = [live.ids.index(name) for name in panel.ids]
    close(live.forecast(9, quantiles=model.levels).values[order], read_at_once(model, panel), panel)


@settings(max_examples=40)
@given(st.lists(series, min_size=1, max_size=2), st.integers(1, 9), st.booleans(), st.integers(0, 9999))
def test_a_corrected_stream_is_that_of_the_corrected_values(histories, reach, started, seed):
    """Values replaced, taken back and filled in, again and again, are as if they had come so in their time."""
    rng, model = np.random.default_rng(seed), obvious((3, 1))
    truth = [np.r_[1.0, h, 2.0] for h in histories]
    panel = Panel.from_arrays(truth, ids=list("ab")[: len(truth)])
    live = Live.start(model, panel, allow_late=reach) if started else Live(model)
    if not started:
        live.allow_late(reach)
        live.update(panel)
    for _ in range(6):
        i = int(rng.integers(len(truth)))
        back = int(rng.integers(1, min(reach, len(truth[i]) - 1) + 1))
        value = float(rng.choice([np.nan, 3.0, -7.5, 0.0, truth[i][-back]]))
        changed = live.correct(observation(panel.ids[i], len(truth[i]) - back, value))
        assert changed.late + changed.repeated == 1
        truth[i][-back] = value
        if rng.random() < 0.5:
            truth[i] = np.append(truth[i], 4.0)
            live.update(observation(panel.ids[i], len(truth[i]) - 1, 4.0))
    panel = Panel.from_arrays(truth, ids=panel.ids.tolist())
    if any(np.isnan(each).all() for each in truth):
        return
    close(live.forecast(9, quantiles=model.levels).values, read_at_once(model, panel), panel)


def test_without_leave_what_is_late_is_refused():
    """The message says what is expected, and how to let it in; nothing has changed."""
    live = Live(fitted())
    live.update([observation("a", t, 1.0 + t) for t in (0, 1, 3)])
    before = live.snapshot()
    with pytest.raises(DataError, match=r"whose next time is 4: where a missing value was read.*allow_late"):
        live.update(observation("a", 2, 5.0))
    with pytest.raises(UsageError, match=r"correct must come after allow_late\(rows\)"):
        live.correct(observation("a", 1, 5.0))
    assert live.snapshot() == before


def test_reach_is_kept_to():
    """At least so many rows can be changed, what lies further back cannot, and the first such time is named."""
    live = Live(fitted())
    live.allow_late(3)
    live.update([observation("a", t, 1.0 + t % 4) for t in range(0, 40, 2)])
    with pytest.raises(DataError, match=r"before 3[0-6], the first time that may still be changed"):
        live.update(observation("a", 15, 5.0))
    assert [live.update(observation("a", t, 5.0)).late for t in (37, 37)] == [1, 0]
    with pytest.raises(DataError, match=r"where 5 was read.*correct"):
        live.update(observation("a", 37, 6.0))
    with pytest.raises(DataError, match=r"which has not been read. Update with it"):
        live.correct(observation("a", 39, 6.0))
    with pytest.raises(DataError, match=r"must have been seen before|which has not been read"):
        live.correct(observation("b", 1, 6.0))
    with pytest.raises(UsageError, match="rows must be a whole number of at least 0, but got -1"):
        live.allow_late(-1)


def test_a_call_that_is_refused_changes_nothing():
    """A late value beside one that is wrong is not read."""
    live = Live(obvious((3, 7)))
    live.allow_late(10)
    live.update([observation("a", t, 1.0 + t % 4) for t in range(0, 20, 2)])
    before = live.snapshot()
    with pytest.raises(DataError):
        live.update([observation("a", 15, 2.0), observation("a", 14, 99.0)])
    assert live.snapshot() == before


@pytest.mark.parametrize("made", SHORT_WAY)
def test_copies_and_snapshots_can_be_corrected_too(made):
    """What may be changed goes along, and copies do not share it."""
    live = Live(made((3, 7)))
    live.allow_late(5)
    live.update([observation(name, t, 1.0 + t % 4) for t in range(30) for name in "ab"])
    fork, restored = live.fork(), Live.restore(made((3, 7)), live.snapshot())
    before = live.snapshot()
    for twin in (fork, restored):
        assert twin.correct(observation("b", 27, 9.0)).late == 1
    assert live.snapshot() == before
    assert fork.snapshot() == restored.snapshot() != before
    assert (fork.forecast().values == restored.forecast().values).all()


def test_a_watched_stream_goes_on_being_scored():
    """Late values are not scored themselves, and what comes after them is."""
    live = Live(obvious((3, 7)))
    live.allow_late(6)
    live.watch(3, level=80)
    live.update([observation("a", t, 1.0 + t % 4) for t in range(0, 30) if t != 27])
    n = live.scores()["n"].to_list()
    live.update(observation("a", 27, 3.0))
    assert live.scores()["n"].to_list() == n
    live.update(observation("a", 30, 3.0))
    assert live.scores()["n"].to_list() == [n[0] + 1, n[1] + 1, n[2]], "from row 27 nothing was forecast in time"


def test_memory_does_not_grow():
    """However long the stream, what is kept for going back has the same size."""
    live = Live(obvious((3, 7)))
    live.allow_late(8)
    sizes = set()
    for t in range(400):
        live.update(observation("a", t, 1.0 + t % 4))
        sizes.add((live._carried.rewind.values.shape, len(live.snapshot()) // 1000) if t > 50 else None)
    assert len(sizes) == 2


def test_a_series_that_ends_is_forgotten():
    """The others stay as they are, and one of its name that comes later is new."""
    live = Live(obvious((3, 7)))
    live.allow_late(5)
    live.watch(2)
    live.update([observation(name, t, 1.0 + t % 4 + ord(name)) for t in range(30) for name in "abc"])
    others = live.forecast(ids=["a", "c"])
    live.drop("b")
    assert live.ids == ("a", "c")
    assert (live.forecast().values == others.values).all()
    assert live.update(observation("b", 5, 1.0)).new == ("b",)
    assert live.correct(observation("c", 29, 50.0)).late == 1
    live.drop(["a", "b", "c"])
    assert len(live) == 0
    with pytest.raises(DataError, match="must have been seen before they are asked for, but got 'a'"):
        live.drop("a")


def test_batches_are_as_quick_as_ever():
    """Of very many rows at once only the last ones are kept."""
    live = Live(fitted((3, 7)))
    live.allow_late(4)
    y = np.random.default_rng(0).normal(10, 1, 5_000)
    live.update(Panel.from_arrays([y], ids=["a"]))
    live.correct(observation("a", 4_997, 12.0))
    y[4_997] = 12.0
    panel = Panel.from_arrays([y], ids=["a"])
    close(live.forecast(9, quantiles=LEVELS).values, batch(live.fitted, panel), panel)
