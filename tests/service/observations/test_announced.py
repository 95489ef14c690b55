"""Laws of what is known ahead of series."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import Frequency
from foregate.service.observations.announced import FURTHEST, Lacking, announce, lacking, page, told, with_told
from foregate.service.problems import Problem
from tests.service.databases import database, server, server_url, url
from tests.service.drift.made import actual, new_series

__all__ = ["database", "server", "server_url", "url"]

ONE = Frequency.parse(1)


def put(database, number, rows):
    return database.write_now(lambda c: announce(c, number, ONE, rows, 0))


def test_what_was_told_last_is_known(database):
    """Each covariate of each time is known as it was told last, and nothing of other series."""
    a, b = new_series(database, "a"), new_series(database, "b")
    assert put(database, a, {1: {"x": 1.0, "y": "low"}, 2: {"x": 1.0}}) == 3
    assert put(database, a, {2: {"x": 2.5, "y": None}, 1: {"x": 1.0}}) == 2
    put(database, b, {2: {"x": 9.0}})
    spans = {a: (None, 2), b: (0, 1)}
    known = {1: {"x": 1.0, "y": "low"}, 2: {"x": 2.5, "y": None}}
    assert database.read_now(lambda c: told(c, spans)) == {a: known, b: {}}
    assert database.read_now(lambda c: told(c, {a: (1, 5)})) == {a: {2: known[2]}}
    assert database.read_now(lambda c: page(c, a, None, 1)) == ({1: known[1]}, True)
    assert database.read_now(lambda c: page(c, a, 1, 10)) == ({2: known[2]}, False)


def test_what_is_stored_cannot_be_announced(database):
    """Of a time up to the newest row nothing else can be told, all or nothing of a call; the same is no news."""
    number = new_series(database)
    put(database, number, {1: {"x": 1.0}, 2: {"x": 1.0}})
    actual(database, number, 1, 5.0)
    assert put(database, number, {1: {"x": 1.0}, 2: {"x": 1.0}}) == 0
    for rows in ({1: {"x": 2.0}, 3: {"x": 1.0}}, {0: {"x": 1.0}, 3: {"x": 1.0}}):
        with pytest.raises(Problem, match="must be of times after 1, the newest row"):
            put(database, number, rows)
    assert database.read_now(lambda c: told(c, {number: (2, 9)})) == {number: {}}
    with pytest.raises(Problem, match="at most 10,000 steps ahead"):
        put(database, number, {2 + FURTHEST: {"x": 1.0}})


rows = st.dictionaries(st.integers(0, 12), st.sampled_from([None, '{"x":1.0}', '{"y":2.0}']), min_size=1)
known = st.dictionaries(st.integers(0, 14), st.sampled_from([{"x": 5.0}, {"x": 6.0, "y": 7.0}]))


@given(rows, known, st.integers(0, 12))
def test_rows_read_in_parts_are_rows_read_at_once(own, known, cut):
    """Wherever reading is taken up, rows have the same covariates, and the same steps between them are there."""
    given = [(time, float(time), text) for time, text in sorted(own.items())]
    whole = with_told(given, known)
    first, second = [row for row in given if row[0] <= cut], [row for row in given if row[0] > cut]
    parts = with_told(first, known) + (with_told(second, known, first[-1][0]) if first else with_told(second, known))
    assert parts == whole
    times = [time for time, _, _ in whole]
    assert times == sorted({*own, *(time for time in known if min(own) < time < max(own))})
    assert with_told(given, {}) == given


def test_what_lacks_is_named():
    """Times and covariates of which nothing is known are told, in the words of the series."""
    found = lacking({1: {"x": None}, 2: {"y": 1.0}}, [1, 2, 3], ["x", "y"])
    assert found == {1: ["y"], 2: ["x"], 3: ["x", "y"]}
    problem = Lacking("shop", ONE, found).problem()
    assert problem.detail.startswith("future of 'shop' must be known for all steps")
    assert "of 'y', 'x' at '1', '2', '3'" in problem.detail
