"""Tests of the work on a study, by one process and by several."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from foregate.core import ForegateError
from foregate.tuning import Choice, Space
from foregate.tuning import job as module
from foregate.tuning.job import read_job, run_together, work, write_job

PROGRAM = "import sys; from foregate.tuning.job import serve; serve(sys.argv[1], '')"


def finished(book):
    """Point -> score of the trials that came to an end, as text; a point that was finished twice is an error."""
    found = {}
    for trial in book.trials():
        if trial.state.name == "COMPLETE":
            key = json.dumps(trial.params, sort_keys=True)
            assert key not in found, "a trial was repeated"
            found[key] = trial.value
    return found


def test_a_job_survives_being_written_down(job, tmp_path):
    """A process is given the same part, recipe, space, search and study, to the bit."""
    made = job(seconds=3.5, measure="mae")
    write_job(made, tmp_path)
    again = read_job(tmp_path)
    assert (again.recipe, again.space, again.search, again.plan) == (made.recipe, made.space, made.search, made.plan)
    assert (again.prints, again.address) == (made.prints, made.address)
    assert again.part.values.tobytes() == made.part.values.tobytes()
    assert again.part.times.tobytes() == made.part.times.tobytes()
    assert again.part.freq == made.part.freq


def test_work_fills_the_grid(job):
    """One process tries every point once, and the default."""
    made = job(sampler="grid", n_trials=None)
    with made.book() as book:
        work(made, book, math.inf)
        assert len(finished(book)) == 7


def test_the_same_point_is_not_run_twice(job, monkeypatch):
    """A sampler may come to it again: the score is known, and the trial says whose it is."""
    made = job(Space({"rate": Choice(0.001, 0.01)}), n_trials=7)
    run = []
    score_of = module.tried.__globals__["score_of"]

    def counting(recipes, *rest):
        run.append(recipes["LSTM"].rate)
        return score_of(recipes, *rest)

    monkeypatch.setitem(module.tried.__globals__, "score_of", counting)
    with made.book() as book:
        work(made, book, math.inf)
        trials = book.trials()
    assert sorted(run, key=str) == [0.001, 0.01, None]
    assert len(trials) == 7
    repeated = [each for each in trials if each.user_attrs["reason"]]
    assert len(repeated) == 4
    for each in repeated:
        first = trials[int(each.user_attrs["reason"].removeprefix("the same as trial "))]
        assert (first.params, first.value) == (each.params, each.value)


def test_time_ends_the_work(job):
    """When it is up no trial is begun, and one that runs is left within a step of its training."""
    slow = job(Space({"rate": Choice(0.001, 0.002), "steps": 100_000, "training.checks": 1}), n_trials=9)
    began = time.monotonic()
    with slow.book() as book:
        book.begin()
        trial, _ = book.next()  # the default is quick
        book.finish(trial, 1.0, "COMPLETE")
        work(slow, book, began + 2)
        assert [each.state.name for each in book.trials()] == ["COMPLETE", "RUNNING"]
    assert time.monotonic() - began < 30
    with slow.book() as book:
        assert book.next()[0].number == 2
        assert [each.user_attrs.get("reason", "") for each in book.trials()] == ["", "interrupted", ""]


def test_a_failing_trial_does_not_end_the_study(job, monkeypatch):
    """It is recorded with its reason, and others go on."""
    score_of = module.tried.__globals__["score_of"]

    def sometimes(recipes, *rest):
        if recipes["LSTM"].rate == 0.01:
            raise ForegateError("this rate must not be")
        return score_of(recipes, *rest)

    monkeypatch.setitem(module.tried.__globals__, "score_of", sometimes)
    made = job(sampler="grid", n_trials=None)
    with made.book() as book:
        work(made, book, math.inf)
        reasons = [each.user_attrs["reason"] for each in book.trials() if each.state.name == "FAIL"]
        assert reasons == ["this rate must not be"] * 2
        assert len(finished(book)) == 5


@pytest.mark.parametrize("place", ["file", pytest.param("server", marks=pytest.mark.slow)])
def test_processes_share_one_study(job, tmp_path, request, place):
    """Both run trials, every point of the grid is tried once, and what is found is what one process finds."""
    address = None if place == "file" else request.getfixturevalue("server")
    few = Space({"rate": Choice(0.001, 0.01, 0.02, 0.05)})
    made = job(few, sampler="grid", n_trials=None, n_jobs=2, pruner="none", address=address)
    told = []
    with made.book() as book:
        run_together(made, math.inf, lambda: told.append(len(book.trials())))
        found = finished(book)
        workers = {trial.user_attrs["worker"] for trial in book.trials()}
    assert len(found) == 5
    assert len(workers) == 2
    assert told[-1] == 5
    alone = job(few, sampler="grid", n_trials=None, pruner="none", address=str(tmp_path / "alone.journal"))
    with alone.book() as book:
        work(alone, book, math.inf)
        assert finished(book) == found


@pytest.mark.parametrize("place", ["file", pytest.param("server", marks=pytest.mark.slow)])
def test_a_kill_loses_nothing(job, tmp_path, request, place):
    """After SIGKILL within a trial no finished one is repeated, and the whole is that of an undisturbed run."""
    address = None if place == "file" else request.getfixturevalue("server")
    space = Space({"rate": Choice(*(i / 1000 for i in range(1, 60))), "steps": 80})
    made = job(space, n_trials=4, seed=7, address=address, pruner="none")
    write_job(made, tmp_path)
    with made.book() as book:
        running = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)], stdin=subprocess.PIPE)
        try:
            while sum(each.state.name == "COMPLETE" for each in book.trials()) < 2:
                assert running.poll() is None
                time.sleep(0.02)
            while not any(each.state.name == "RUNNING" for each in book.trials()):
                assert running.poll() is None
                time.sleep(0.01)
        finally:
            running.send_signal(signal.SIGKILL)
            running.communicate()
        before = finished(book)
        running = [each.params for each in book.trials() if each.state.name == "RUNNING"]
    assert len(before) >= 2
    with made.book() as book:
        work(made, book, math.inf)
        after = finished(book)
        interrupted = [each.params for each in book.trials() if each.user_attrs.get("reason") == "interrupted"]
    assert len(after) == 4
    assert before.items() <= after.items()
    assert interrupted == running
    whole = job(space, n_trials=4, seed=7, address=str(tmp_path / "whole.journal"), pruner="none")
    with whole.book() as book:
        work(whole, book, math.inf)
        assert finished(book) == after


def test_processes_end_with_who_started_them(job, tmp_path):
    """If that one is killed, the others do not go on unseen."""
    made = job(Space({"rate": Choice(0.001, 0.002), "steps": 100_000}), n_trials=3)
    write_job(made, tmp_path)
    code = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {PROGRAM!r}, {str(tmp_path)!r}], stdin=subprocess.PIPE)
print(child.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.kill()
    parent.communicate()
    for _ in range(300):
        if not alive(child):
            break
        time.sleep(0.1)
    assert not alive(child)


def alive(process: int) -> bool:
    """Whether a process is there and is no zombie that nobody has asked after."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    place = Path(f"/proc/{process}/stat")
    return not place.exists() or place.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_process_that_fails_is_told(job, monkeypatch):
    """With what it said last."""
    monkeypatch.setattr(module, "_PROGRAM", "raise SystemExit('no such thing')")
    with pytest.raises(ForegateError, match=r"ended with code 1: no such thing\. The same call goes on"):
        run_together(job(n_jobs=1), math.inf, lambda: None)
