"""Batches drawn ahead by other processes, while this one trains."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from foregate.training.batches import Batch, Source
from foregate.training.options import TrainingOptions

__all__ = ["Ahead", "drawn_ahead"]

DEPTH = 3
"""Batches that are under way per process."""


@dataclass
class Ahead:
    """The batches of another source, asked for before they are needed: a `foregate.training.batches.Source`."""

    source: Source
    """Where they come from; sent to the processes, so it must be picklable."""
    pool: ProcessPoolExecutor
    """The processes."""
    depth: int
    """Batches that are asked for ahead."""
    waiting: dict[int, Future[Batch]] = field(default_factory=dict)
    """Step -> its batch, to come."""

    @property
    def options(self) -> TrainingOptions:
        """Of the run."""
        return self.source.options

    @property
    def fingerprint(self) -> int:
        """The same number for the same data."""
        return self.source.fingerprint

    def draw(self, step: int) -> Batch:
        """The batch of training step `step`, the same numbers as the source draws itself."""
        for ahead in range(step, min(step + self.depth, self.options.steps)):
            if ahead not in self.waiting:
                self.waiting[ahead] = self.pool.submit(self.source.draw, ahead)
        return self.waiting.pop(step).result()


@contextmanager
def drawn_ahead(source: Source, processes: int) -> Iterator[Source]:
    """Draw the batches of a source in other processes; in this one if there are none.

    Args:
        source: picklable, and small.
        processes: how many; 0 for none.
    """
    if processes == 0:
        yield source
        return
    # Forked processes inherit locks of torch's threads in whatever state they are: start them afresh.
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield Ahead(source, pool, DEPTH * processes)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
