"""Pieces of work of the registry that no other test sees alone."""

import pytest

from foregate.service.problems import Problem
from foregate.service.registry import rows
from foregate.service.registry.blobs import Blob
from foregate.service.registry.rows import Entry, Kept, Step


def entry(**more):
    return Entry(**{"model": "m", "metrics": {}, "reference": None, "source": "upload", "actor": "me"} | more)


def kept(mark):
    return Kept(Blob(mark * 64, 1), {}, 5)


def test_work_done_twice_has_its_effect_once(database):
    """A transaction that is undone and done again leaves one version and one move."""

    def work(connection):
        return rows.add(connection, entry(alias="champion"), kept("a"))

    def undone(connection):
        work(connection)
        raise KeyError("undone")

    with pytest.raises(KeyError):
        database.write_now(undone)
    version, revision = database.write_now(work)
    assert (version.version, revision) == (1, 1)
    assert len(database.read_now(lambda c: rows.history(c, "m"))) == 1


def test_a_move_that_is_refused_leaves_the_rest_of_nothing(database):
    """If the move fails that belongs to a registration, there is no registration."""

    def work(connection):
        rows.add(connection, entry(alias="x"), kept("a"))
        rows.move(connection, Step("m", "x", 9, "me", "", 6))

    with pytest.raises(Problem):
        database.write_now(work)
    assert database.read_now(rows.models) == []
    assert database.read_now(rows.checksums) == set()


def test_checksums_are_of_all_versions(database):
    """Every file that a version names is named, once."""
    for mark in "aba":
        database.write_now(lambda c, mark=mark: rows.add(c, entry(alias=None), kept(mark)))
    assert database.read_now(rows.checksums) == {"a" * 64, "b" * 64}
