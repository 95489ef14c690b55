"""The fits of a backtest, one after the other or side by side in several processes, with the same result.

A fit and the windows that it serves depend on nothing else, so they can be made anywhere in any order. Processes are
started afresh and share the cores evenly, each with as many threads, unless ``OMP_NUM_THREADS`` says how many. Sums
that are divided among another number of threads may differ in their last bits: whoever needs these sets it.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.reduction import ForkingPickler

from foregate.core import Model, UsageError
from foregate.evaluation.plan import Course
from foregate.evaluation.rolling import Contender, Run, Stretch, assemble, fits, serve

__all__ = ["carry_out"]

Named = tuple[str | None, Contender]
_THREADS = "OMP_NUM_THREADS"
"""What torch, NumPy and ONNX Runtime go by when they start."""
_given: tuple[Sequence[Contender], Course]
"""In a process of the pool: what it works on."""


def carry_out(contenders: Sequence[Named], course: Course, processes: int = 1) -> list[Run]:
    """Send every contender through all windows of a course.

    Args:
        contenders: names, None for the model's own, and what to test.
        course: the windows.
        processes: how many fits may go on at once, each in a process of its own; 1 for none but this one.

    Raises:
        UsageError: a fit function cannot be sent to another process.
        ModelError: see `foregate.evaluation.rolling.serve`.
    """
    tasks = [(n, first) for n, (_, contender) in enumerate(contenders) for first in fits(contender, course)]
    fitted = [(n, first) for n, first in tasks if not isinstance(contenders[n][1], Model)]
    if processes == 1 or len(fitted) < 2:
        done = {task: serve(contenders[task[0]][1], course, task[1]) for task in tasks}
    else:
        for name, contender in contenders:
            _require_sendable(name, contender)
        with _pool(min(processes, len(fitted)), ([contender for _, contender in contenders], course)) as pool:
            waiting: dict[tuple[int, int], Future[Stretch]] = {task: pool.submit(_serve, *task) for task in fitted}
            done = {task: serve(contenders[task[0]][1], course, task[1]) for task in tasks if task not in waiting}
            done |= {task: stretch.result() for task, stretch in waiting.items()}
    return [
        assemble(name, contender, [done[n, first] for first in fits(contender, course)])
        for n, (name, contender) in enumerate(contenders)
    ]


@contextmanager
def _pool(processes: int, given: tuple[Sequence[Contender], Course]) -> Iterator[ProcessPoolExecutor]:
    """Processes that have been given what they work on, and their share of the cores."""
    # Forked processes inherit locks of threads in whatever state they are: start them afresh.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=_take, initargs=given)
    told = _THREADS in os.environ
    if not told:
        os.environ[_THREADS] = str(max(1, _cores() // processes))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if not told:
            del os.environ[_THREADS]


def _cores() -> int:
    """Cores that this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable is not None else os.cpu_count() or 1


def _take(contenders: Sequence[Contender], course: Course) -> None:
    global _given
    _given = contenders, course


def _serve(number: int, first: int) -> Stretch:
    contenders, course = _given
    return serve(contenders[number], course, first)


def _require_sendable(name: str | None, contender: Contender) -> None:
    try:
        ForkingPickler.dumps(contender)
    except Exception as error:  # whatever stands in the way, it cannot be sent
        raise UsageError(
            f"models must be fit functions that other processes can import for processes > 1, but got "
            f"{name or contender!r}: {error}. Define it at the top of a module, or leave processes at 1."
        ) from error
