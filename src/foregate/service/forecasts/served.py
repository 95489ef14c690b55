"""The models that answer: loaded beside the traffic, switched in one step, asked on one thread."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from foregate.core import Frequency
from foregate.core.errors import ArtifactError
from foregate.service.forecasts.batcher import Batcher, Rules
from foregate.service.forecasts.bodies import Forecasted, History
from foregate.service.forecasts.models import Ready, Seasons, open_ready
from foregate.service.forecasts.together import Kind, Part, compute, reach_of
from foregate.service.problems import Problem

if TYPE_CHECKING:
    from foregate.service.metrics import Metrics
    from foregate.service.registry.registry import Registry, Version
    from foregate.service.settings import Settings

__all__ = ["Asked", "Served"]

T = TypeVar("T")
Alias = tuple[str, str]
"""A model, and what one of its versions is called."""

ROWS_TOGETHER = 8192
"""Rows that are read and steps that are forecast by one call of a model, about; a larger request takes several."""
SWITCH_SECONDS = 0.0005
"""So long at most one thread keeps another from running Python: the event loop shall not wait for a model."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """What is wanted of series."""

    histories: Sequence[History]
    names: Sequence[str]
    """Of the series, each once."""
    freq: Frequency
    seasons: Seasons | None
    horizon: int
    quantiles: tuple[float, ...]
    """Ascending."""


class Served:
    """The versions that are loaded, and the thread that asks them.

    Args:
        registry: where versions and aliases are kept.
        settings: of the service.
        metrics: of the service.
    """

    def __init__(self, registry: Registry, settings: Settings, metrics: Metrics) -> None:
        self._registry, self._settings, self._metrics = registry, settings, metrics
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inference")
        self._loader = ThreadPoolExecutor(1, thread_name_prefix="model-load")
        self._aliases: dict[Alias, Ready] = {}
        self._wanted: dict[Alias, Version] = {}
        self._loaded: OrderedDict[tuple[str, int], Ready] = OrderedDict()
        self._tasks: dict[tuple[str, str | int], asyncio.Task[Ready]] = {}
        self._following: dict[Alias, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        chosen = settings.forecasts
        rules = Rules(chosen.batch, ROWS_TOGETHER, chosen.wait_ms / 1000, chosen.queue, chosen.patience_ms / 1000)
        self.batcher = Batcher[Kind, Part, list[Forecasted]](self._compute, self.run, rules, metrics)

    async def start(self) -> None:
        """Load the model that is asked where none is named, and follow the registry."""
        os.environ["OMP_NUM_THREADS"] = str(self._settings.forecasts.threads)  # the runtime asks this
        sys.setswitchinterval(SWITCH_SECONDS)
        self._loop = asyncio.get_running_loop()
        self._registry.on_move.append(self._moved)
        await self.ready(self._settings.forecasts.model)

    async def close(self) -> None:
        """Answer what waits, and end the threads."""
        if self._moved in self._registry.on_move:
            self._registry.on_move.remove(self._moved)
        await self.batcher.close()
        tasks = [*self._tasks.values(), *self._following.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._thread.shutdown()
        self._loader.shutdown()

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """What a function gives, called on the thread of the models, one at a time."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    async def ready(self, model: str, which: str | int = "champion") -> Ready:
        """A version that is loaded; at once where it is already.

        Args:
            model: its name.
            which: a version's number, or an alias.

        Raises:
            Problem: there is none, or it cannot be loaded.
        """
        key = model, which
        known = self._known(key)
        if known is not None:
            return known
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(self._first(model, which))
            task.add_done_callback(lambda done: self._tasks.pop(key, None))
        return await asyncio.shield(task)

    async def forecast(self, ready: Ready, asked: Asked) -> list[Forecasted]:
        """Forecasts of series, in their order. Many are computed some at a time, so that others get their turn.

        Raises:
            Problem: too much waits already.
            ForegateError: something is not as it must be.
        """
        fitted = ready.fitted(asked.freq, asked.seasons)
        rows = self._settings.limits.rows
        reach = reach_of(fitted, asked.horizon)
        kind = Kind(ready, asked.freq, asked.seasons, reach, asked.quantiles, rows)
        answers: list[Forecasted] = []
        for part in _parts(asked):
            answers += await self.batcher.ask(kind, part, weight=part.weight)
        return answers

    def _known(self, key: tuple[str, str | int]) -> Ready | None:
        model, which = key
        if isinstance(which, str):
            return self._aliases.get((model, which))
        found = self._loaded.get((model, which))
        if found is not None:
            self._loaded.move_to_end((model, which))
        return found

    async def _first(self, model: str, which: str | int) -> Ready:
        """See `ready`: of what nobody has asked for before."""
        version = await self._registry.resolve(model, which)
        try:
            ready = await self._open(version)
        except ArtifactError as error:
            detail = f"version {version.version} of {model!r} must be sound, but it is not: {error}"
            raise Problem(503, "model-unreadable", detail) from error
        if isinstance(which, int):
            return ready
        if (model, which) not in self._aliases:  # where it has moved on meanwhile, that is newer
            self._switch((model, which), ready)
        return self._aliases[model, which]

    async def _open(self, version: Version) -> Ready:
        key = version.model, version.version
        known = self._loaded.get(key)
        if known is None:
            loop = asyncio.get_running_loop()
            known = await loop.run_in_executor(self._loader, self._load, version)
            self._loaded[key] = known
        self._loaded.move_to_end(key)
        self._forget()
        return known

    def _load(self, version: Version) -> Ready:
        began = time.perf_counter()
        ready = open_ready(version, self._registry.open(version))
        log.info("loaded %s %s in %.3f s", version.model, version.version, time.perf_counter() - began)
        return ready

    def _forget(self) -> None:
        """Let go of versions that were not asked for the longest, beyond as many as are kept; none that has an alias."""
        called = {id(ready) for ready in self._aliases.values()}
        spare = [key for key, ready in self._loaded.items() if id(ready) not in called]
        for key in spare[: max(0, len(spare) - self._settings.forecasts.spare)]:
            del self._loaded[key]

    def _moved(self, model: str, alias: str, version: Version) -> None:
        """An alias has moved; called by the registry, on whichever thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._follow, (model, alias), version)

    def _follow(self, key: Alias, version: Version) -> None:
        if key not in self._aliases and key not in self._tasks:
            return  # nobody has asked for it; it is looked up when somebody does
        self._wanted[key] = version
        if key not in self._following:
            self._following[key] = asyncio.create_task(self._catch_up(key))

    async def _catch_up(self, key: Alias) -> None:
        """Load what an alias has moved to, and switch; a version that cannot be loaded leaves the one that answers."""
        while (version := self._wanted.pop(key, None)) is not None:
            try:
                ready = await self._open(version)
            except Exception:
                log.exception("version %s of %s cannot be loaded; the one before goes on", version.version, key[0])
                continue
            if key not in self._wanted:
                self._switch(key, ready)
        del self._following[key]

    def _switch(self, key: Alias, ready: Ready) -> None:
        self._aliases[key] = ready
        self._forget()
        if key[1] == "champion":
            self._metrics.champion.labels(key[0]).set(ready.version.version)

    def _compute(self, kind: Kind, parts: Sequence[Part]) -> list[list[Forecasted] | Exception]:
        with self._metrics.inference.labels(kind.ready.version.model).time():
            return compute(kind, parts)


def _parts(asked: Asked) -> Iterator[Part]:
    """Consecutive series with about ROWS_TOGETHER rows and steps together."""
    begin, weight = 0, 0
    for i, history in enumerate(asked.histories):
        own = len(history.values) + asked.horizon
        if i > begin and weight + own > ROWS_TOGETHER:
            yield Part(asked.histories[begin:i], asked.names[begin:i], asked.horizon)
            begin, weight = i, 0
        weight += own
    yield Part(asked.histories[begin:], asked.names[begin:], asked.horizon)
