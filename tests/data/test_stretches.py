"""Laws of the stretches that large panels are read in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Panel
from foregate.data import stretches as module
from foregate.data.stretches import Marks
from foregate.data.tracks import make_tracks
from tests.data.test_tracks import at_rows

SEASONS, WINDOW, LOOKBACK = (3, 7), 20, 8
lengths = st.lists(st.integers(0, 60), min_size=1, max_size=4)


@pytest.fixture(scope="module", autouse=True)
def _near():
    """Marks that lie so near that short series have some."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LEAST_APART", 5)
        patch.setattr(module, "SEASONS_APART", 1)
        patch.setattr(module, "BEYOND", 2)
        yield


def made(sizes, seed=0):
    """Series with holes; some begin late, some become zero or are negative, and in some 1 is little only at first."""
    rng, out = np.random.default_rng(seed), []
    for i, n in enumerate(sizes):
        kind = (i + seed) % 4
        y = (10 + rng.normal(0, 1, n)) if kind < 3 else np.r_[1000.0, np.ones(n)][:n]
        y[n // 2 :] *= (1, 0, -1, 1)[kind]
        y[1:][rng.random(max(n - 1, 0)) < 0.2] = np.nan
        y[n // 3 : n // 3 + 9] = np.nan
        y[: (0, 9, 3)[i % 3] * (kind < 3)] = np.nan
        out.append(y)
    return Panel.from_arrays(out)


def marks_of(panel, **changes):
    return Marks(panel, SEASONS, WINDOW, LOOKBACK, **{"plain": False} | changes)


def some_rows(panel, data):
    return np.array(data.draw(st.lists(st.integers(0, len(panel.values) - 1), min_size=1, max_size=6)))


@given(lengths.filter(any), st.integers(0, 9), st.data())
def test_stretches_lie_around_what_is_asked(sizes, ahead, data):
    """Each row is there with all that is looked back on and the rows ahead; stretches are apart, and of one series."""
    panel = made(sizes)
    marks, rows = marks_of(panel), some_rows(panel, data)
    found = marks.around(rows, ahead)
    assert (found.begins < found.ends).all()
    assert (found.begins[1:] >= found.ends[:-1]).all()
    assert marks.hold(found, rows, ahead)
    held, series = set(found.rows.tolist()), panel.row_series[rows]
    for row, begin, end in zip(rows, panel.offsets[series], panel.offsets[series + 1], strict=True):
        assert set(range(max(begin, row - LOOKBACK), min(end, row + ahead + 1))) <= held
    np.testing.assert_array_equal(panel.row_series[found.rows], np.repeat(found.series, found.ends - found.begins))
    np.testing.assert_array_equal(found.rows[found.places(rows)], rows)
    assert found.places(np.array([-1])) == -1


def test_what_is_not_there_is_not_held():
    """Rows before, after or between stretches are not held, nor those whose past or future is not there."""
    panel = made((60, 60))
    marks = marks_of(panel)
    found = marks.around(np.array([30, 70]), 0)
    assert found.begins.tolist() == [21, 60]  # marks lie 7 rows apart
    assert found.ends.tolist() == [33, 73]
    for row, ahead, there in (
        (29, 0, True),
        (28, 0, False),
        (32, 0, True),
        (32, 1, False),
        (60, 0, True),
        (119, 0, False),
    ):
        assert marks.hold(found, np.array([row]), ahead) == there, row
    last = marks.around(np.array([118]), 0)
    assert marks.hold(last, np.array([119]), 9), "behind the end of a series nothing is missing"


@given(lengths.filter(any), st.booleans(), st.data())
def test_stretches_have_the_bits_of_the_whole(sizes, plain, data):
    """Whatever was read before, the tracks of a stretch are those of the whole panel."""
    panel = made(sizes, seed=data.draw(st.integers(0, 9)))
    whole, marks = make_tracks(panel, SEASONS, WINDOW, plain=plain), marks_of(panel, plain=plain)
    for _ in range(3):
        rows = some_rows(panel, data)
        stretches = marks.around(rows, 2)
        tracks = marks.tracks(stretches)
        found, expected = at_rows(tracks, stretches.places(stretches.rows)), at_rows(whole, stretches.rows)
        for name, array in found.items():
            np.testing.assert_array_equal(array, expected[name], err_msg=name)
        rows, seen = stretches.rows, found["age"] > 0
        own, first = (rows - t.row[at] + t.begin[at] for t, at in ((tracks, stretches.places(rows)), (whole, rows)))
        there = np.repeat(stretches.begins, stretches.ends - stretches.begins)
        np.testing.assert_array_equal(own[seen], np.maximum(first, there)[seen], err_msg="what is looked back on")


def test_what_was_read_is_not_read_again(monkeypatch):
    """The second time nothing before a stretch is read; for one further on, reading goes on from the last mark."""
    panel, read = made((60,)), []
    marks, own = marks_of(panel), module.read_in_parts
    monkeypatch.setattr(
        module, "read_in_parts", lambda values, *rest: read.append(values.shape[1]) or own(values, *rest)
    )
    for row, pieces in ((40, 4), (40, 0), (55, 2), (10, 0)):
        read.clear()
        marks.tracks(marks.around(np.array([row]), 0))
        assert read == [7] * pieces
