"""The work on a study, by one process or by several that share it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from foregate.core import ForegateError, Panel
from foregate.evaluation import Plan
from foregate.persistence.codec import decode
from foregate.persistence.history import Outline, pack_history, unpack_history
from foregate.pipeline.recipe import Recipe
from foregate.tuning.names import applied
from foregate.tuning.search import Search
from foregate.tuning.space import Space
from foregate.tuning.space_file import space_of
from foregate.tuning.study import Book, open_book
from foregate.tuning.trial import Watch, tried

__all__ = ["Job", "Say", "read_job", "run_together", "work", "write_job"]

Say = Callable[[str], None]
POLL = 0.5
"""Seconds between two looks at what others do."""
ARRAYS, WORDS = "part.safetensors", "job.json"
"""Files that a process is given."""


@dataclass(frozen=True)
class Job:
    """All that there is to know for running trials; nothing of the test part is in it."""

    part: Panel
    """The training part."""
    recipe: Recipe
    """The default."""
    space: Space
    """What is tried, checked."""
    search: Search
    """How."""
    plan: Plan
    """Origins that trials are scored at."""
    address: str
    """Of the study: a path, or a URL."""
    prints: Mapping[str, str]
    """What makes it the same study, see `foregate.tuning.search.fingerprint`."""

    def book(self) -> contextlib.AbstractContextManager[Book]:
        """The study, open."""
        checks = self.recipe.training.get("checks", 20)
        return open_book(self.address, self.prints, self.space, self.search, checks=checks)


def work(job: Job, book: Book, deadline: float, told: Callable[[], None] = lambda: None) -> None:
    """Run trials until the budget is spent and nobody else runs one.

    Args:
        job: what to do.
        book: the study.
        deadline: by `time.monotonic`; infinite for none.
        told: called after every trial.
    """
    book.begin()
    while time.monotonic() < deadline:
        task = book.next()
        if task == "done":
            return
        if isinstance(task, str):
            time.sleep(POLL)
            told()
            continue
        trial, point = task
        same = None if point is None else book.known(trial)
        if same is not None:  # the same settings on the same data come to the same score
            book.finish(trial, same.value, "COMPLETE", seconds=0.0, reason=f"the same as trial {same.number}")
            told()
            continue
        recipe = job.recipe if point is None else applied(job.recipe, job.space.fixed | point)
        # Hyperband counts checks from 1 on, and so has to compare all with all.
        kind = int(job.search.pruner == "median" and (recipe.start == "scratch" or not recipe.model.is_pretrained))
        watch = Watch(trial, deadline, prunes=point is not None, kind=kind)
        outcome = tried(trial, recipe, job.part, job.plan, job.search.measure, watch)
        if outcome.state == "RUNNING":  # nobody says what came of it, so that the next call takes it up
            return
        facts: dict[str, Any] = {"seconds": outcome.seconds, "reason": outcome.reason}
        book.finish(trial, outcome.value, outcome.state, **facts)
        told()


def run_together(job: Job, deadline: float, told: Callable[[], None]) -> None:
    """Let several processes work on the study of a job, and wait until all have done.

    They end when this one does, however that happens.

    Raises:
        ForegateError: one of them failed.
    """
    cores = max(1, (os.cpu_count() or 1) // job.search.n_jobs)
    threads = {name: os.environ.get(name, str(cores)) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    left = "" if deadline == float("inf") else str(max(0.0, deadline - time.monotonic()))
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        write_job(job, Path(folder))
        errors = [Path(folder, f"errors-{i}") for i in range(job.search.n_jobs)]
        running = []
        for place in errors:
            file = stack.enter_context(place.open("wb"))
            command = [sys.executable, "-c", _PROGRAM, folder, left]
            each = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=file, env=os.environ | threads)
            stack.callback(_end, each)
            running.append(each)
        while any(each.poll() is None for each in running):
            time.sleep(POLL)
            told()
        for each, place in zip(running, errors, strict=True):
            if each.returncode:
                said = place.read_text(errors="replace").strip().splitlines()
                raise ForegateError(
                    f"every process of the search must end well, but one ended with code {each.returncode}: "
                    f"{said[-1] if said else 'it said nothing'}. The same call goes on from there."
                )


def write_job(job: Job, folder: Path) -> None:
    """Put a job into a folder."""
    outline, arrays = pack_history(job.part)
    (folder / ARRAYS).write_bytes(arrays)
    words = {
        "outline": asdict(outline),
        "recipe": asdict(job.recipe),
        "space": job.space.document(),
        "search": asdict(job.search),
        "plan": asdict(job.plan),
        "address": job.address,
        "prints": dict(job.prints),
    }
    (folder / WORDS).write_text(json.dumps(words), encoding="utf-8")


def read_job(folder: Path) -> Job:
    """A job from a folder."""
    words = json.loads((folder / WORDS).read_text(encoding="utf-8"))
    part = unpack_history(decode(Outline, words["outline"], "the part"), (folder / ARRAYS).read_bytes())
    return Job(
        part=part,
        recipe=decode(Recipe, words["recipe"], "the recipe"),
        space=space_of(words["space"]),
        search=Search(**words["search"]),
        plan=_plan(words["plan"]),
        address=words["address"],
        prints=words["prints"],
    )


def _plan(words: dict[str, Any]) -> Plan:
    several = {name: tuple(words[name]) for name in ("levels", "quantiles")}
    return Plan(**(words | several))


def serve(folder: str, left: str) -> None:
    """What a process does that was started for a job: work until it is done, or until whoever started it is gone."""
    threading.Thread(target=_until_alone, daemon=True).start()
    job = read_job(Path(folder))
    deadline = time.monotonic() + float(left) if left else float("inf")
    with job.book() as book:
        work(job, book, deadline)


_PROGRAM = "import sys; from foregate.tuning.job import serve; serve(*sys.argv[1:])"


def _until_alone() -> None:
    """End at once when nobody holds the other end of standard input any more."""
    while os.read(0, 1):  # without a buffer, whose lock would be in the way when the process ends by itself
        pass
    os._exit(1)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
