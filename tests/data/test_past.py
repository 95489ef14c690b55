"""Laws of what is carried into the next rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.data import past as module
from foregate.data.past import Past, TracksPast, read_in_parts
from foregate.data.statistics import NoRows, nothing_carried, read

WINDOW = 20
values = st.lists(
    st.one_of(st.floats(-100, 100, width=32), st.just(np.nan), st.sampled_from([0.0, 3.0, 3.0])),
    min_size=1,
    max_size=40,
)


@given(
    st.lists(values, min_size=1, max_size=3), st.sampled_from([(1, 1), (3, 1), (3, 7)]), st.integers(1, 60), st.data()
)
def test_parts_are_the_whole(histories, seasons, cells, data):
    """However few cells are read at once, and wherever reading is taken up, every statistic has the same bits."""
    length = min(map(len, histories))
    y = np.array([history[:length] for history in histories]) * np.pi  # so that no sum of them is exact
    mask = ~np.isnan(y)
    y, units = np.where(mask, y, 0), np.arange(len(y)) % 2 == 1
    whole, _ = read(y, mask, units, seasons, WINDOW, nothing_carried(len(y)), NoRows(len(y)))
    cut = data.draw(st.integers(0, length))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CELLS_AT_ONCE", cells)
        begun = Past.room(len(y), max(seasons)).tracks.take(np.zeros(len(y), np.int64))
        parts = []
        for some in (slice(0, cut), slice(cut, length)):
            for now, told, after in read_in_parts(y[:, some], mask[:, some], units, seasons, WINDOW, begun):
                parts.append(told)
                begun = after
                assert len(y) * (now.stop - now.start) <= max(cells, len(y))
    for name, array in whole.items():
        found = np.concatenate([part[name] for part in parts], 1)
        np.testing.assert_array_equal(found, array, err_msg=name)


def bits(past):
    return [array.tobytes() for array in (past.log, past.tracks.carried, *past.tracks.rows.values())]


def test_a_past_is_kept_in_its_place():
    """What is written at a place is what is taken from there; the first place stays without a past."""
    room, rng, other = Past.room(6, 5), np.random.default_rng(0), Past.room(2, 5)
    for array in (other.log, other.tracks.carried["level"], *other.tracks.rows.values()):
        array[:] = rng.random(array.shape) < 0.5
    room.write(np.array([4, 2]), other)
    assert bits(room.take(np.array([4, 2]))) == bits(other)
    assert bits(room.take(np.array([2, 4]))) != bits(other)
    assert bits(room.take(np.array([0]))) == bits(Past(np.ones(1, np.bool_), TracksPast.nothing(2, 5)))
