"""Tests of studies: budgets, what is taken up again, and what is refused."""

import pytest

from foregate.core import DataError, UsageError
from foregate.tuning import Choice, Space
from foregate.tuning.study import check_address, open_book


def run(book, *, stop_after=99):
    """Take trials and finish each with its number as the score; those points that were begun."""
    book.begin()
    points = []
    while not isinstance(task := book.next(), str):
        trial, point = task
        points.append(point)
        if len(points) > stop_after:
            return points
        book.finish(trial, float(trial.number), "COMPLETE", seconds=0.0, reason="")
    return points


def test_the_default_comes_first_and_the_budget_is_kept(job):
    """So many trials and no more, the first of them the default, which has no point."""
    with job(n_trials=4).book() as book:
        points = run(book)
        assert points[0] is None
        assert len(points) == 4
        assert None not in points[1:]
        assert book.next() == "done"


def test_a_larger_budget_goes_on(job):
    """Trials of before count, and nothing of them is run again."""
    with job(n_trials=2).book() as book:
        run(book)
    with job(n_trials=5).book() as book:
        assert len(run(book)) == 3
        assert len(book.counted()) == 5


@pytest.mark.parametrize("n_trials", [None, 4])
def test_a_grid_is_visited_once(job, n_trials):
    """Every point once, in whatever pieces; or as many as the budget has."""
    with job(sampler="grid", n_trials=n_trials).book() as book:
        first = run(book, stop_after=2)[:-1]  # the last one is not finished
    with job(sampler="grid", n_trials=n_trials).book() as book:
        points = [point for point in first + run(book) if point is not None]
    assert len({str(point) for point in points}) == len(points) == (6 if n_trials is None else 3)


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_what_was_running_is_taken_up_anew(job, sampler, tmp_path):
    """A study that was stopped in the middle of a trial has in the end the points of one that never stopped."""
    words = {"sampler": sampler, "n_trials": 14, "space": Space({"recent": Choice(*range(1, 90))})}
    with job(**words, address=str(tmp_path / "whole.journal")).book() as book:
        expected = run(book)
    with job(**words).book() as book:
        first = run(book, stop_after=6)
    with job(**words).book() as book:
        rest = run(book)
        assert len(book.trials()) == 15, "one was interrupted"
    assert first[:-1] + rest == expected
    assert first[-1] == rest[0]


def test_others_are_waited_for(job):
    """While another process runs the last trial nobody says that all is done; if it dies, its trial is free."""
    one, other = job(n_trials=1), job(n_trials=1)
    with other.book() as second:
        with one.book() as first:
            first.begin()
            trial, point = first.next()
            assert second.next() == "wait"
        again, same = second.next()  # `first` is closed, as if it had died
        assert (same, again.number) == (point, 1)
        second.finish(again, 1.0, "COMPLETE")
        first.study.set_user_attr("late", True)
        first.finish(trial, 0.0, "COMPLETE")  # who was taken for dead is not heard any more
        assert [each.state.name for each in second.trials()] == ["FAIL", "COMPLETE"]


def test_same_seed_same_points(job, tmp_path):
    """Another seed gives others."""
    found = []
    for i, seed in enumerate((3, 3, 4)):
        space = Space({"rate": Choice(*(j / 1000 for j in range(1, 90)))})
        with job(space, seed=seed, n_trials=6, address=str(tmp_path / f"{i}.journal")).book() as book:
            found.append(run(book))
    assert found[0] == found[1] != found[2]


def test_another_study_is_refused(job):
    """A journal of other settings is not gone on with; the message says what differs."""
    with job().book() as book:
        run(book)
    with (
        pytest.raises(UsageError, match=r"but it differs in 'space'.* name another file"),
        job(Space({"rate": Choice(0.1, 0.2)})).book(),
    ):
        pass


def test_a_torn_line_is_mended(job, tmp_path):
    """What was being written when the machine stopped is left out, and the study goes on."""
    with job(n_trials=2).book() as book:
        run(book)
    with (tmp_path / "study.journal").open("ab") as file:
        file.write(b'{"op_code":4,"study')
    with job(n_trials=3).book() as book:
        assert len(run(book)) == 1
    with job(n_trials=3).book() as book:
        assert len(book.counted()) == 3


@pytest.mark.parametrize("content", [b"a,b\n1,2\n", b"\x89PNG\n"])
def test_what_is_no_journal_is_refused(job, tmp_path, content):
    """And stays as it is."""
    path = tmp_path / "study.journal"
    path.write_bytes(content)
    with pytest.raises(DataError, match="must be the journal of a study"), job().book():
        pass
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("address", "match"),
    [
        ("mysql://host/name", "must be a file or the address of a PostgreSQL server"),
        (".", "must be a file in a folder that exists"),
        ("nowhere/study.journal", "must be a file in a folder that exists"),
    ],
)
def test_places_for_studies(address, match, tmp_path, monkeypatch):
    """Other servers, folders, and files in folders that are not there are refused."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=match):
        check_address(address)


def test_a_server_that_does_not_answer_is_told(job):
    """In one sentence."""
    made = job()
    address = "postgresql://nobody:secret@127.0.0.1:9/none"
    with (
        pytest.raises(DataError, match="the server of the study must answer") as caught,
        open_book(address, made.prints, made.space, made.search),
    ):
        pass
    assert "secret" not in str(caught.value)


def test_a_server_has_several_studies(job, server):
    """Each is gone on with by itself, and nothing but its own settings says which it is."""
    with job(address=server, n_trials=3).book() as book:
        run(book, stop_after=1)
    with job(Space({"rate": Choice(0.1, 0.2)}), address=server, n_trials=2).book() as book:
        assert len(run(book)) == 2
    with job(address=server, n_trials=3).book() as book:
        assert len(run(book)) == 2
        assert len(book.counted()) == 3
