"""The models that answer: loaded beside the traffic, switched in one step, asked on one thread."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from foregate.core import Frequency
from foregate.core.errors import ForegateError
from foregate.service.forecasts.batcher import Batcher, Rules
from foregate.service.forecasts.bodies import Forecasted, History
from foregate.service.forecasts.histories import span_of
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
Key = tuple[str, int]
"""A model, and a version."""
CHAMPION = "champion"
RETRY_SECONDS = 30.0
"""Between two attempts to load a version that could not be loaded."""

ROWS_TOGETHER = 8192
"""Rows that are read and steps that are forecast by one call of a model, about; a larger request takes several."""
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
        self._loaded: OrderedDict[Key, Ready] = OrderedDict()
        self._loading: dict[Key, asyncio.Task[Ready]] = {}
        self._broken: dict[Key, tuple[float, str]] = {}
        self._following: set[asyncio.Task[None]] = set()
        chosen = settings.forecasts
        rules = Rules(chosen.batch, ROWS_TOGETHER, chosen.wait_ms / 1000, chosen.queue, chosen.patience_ms / 1000)
        self.batcher = Batcher[Kind, Part, list[Forecasted]](self._compute, self.run, rules, metrics)

    async def start(self) -> None:
        """Load the model that is asked where none is named, and follow the registry."""
        os.environ["OMP_NUM_THREADS"] = str(self._settings.forecasts.threads)  # the runtime asks this
        self._registry.on_move.append(self._moved)
        with suppress(Problem):  # without it, nothing is ready; but it can be uploaded
            await self.ready(self._settings.forecasts.model)

    async def close(self) -> None:
        """Answer what waits, and end the threads."""
        if self._moved in self._registry.on_move:
            self._registry.on_move.remove(self._moved)
        await self.batcher.close()
        tasks = [*self._loading.values(), *self._following]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._thread.shutdown()
        self._loader.shutdown()

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """What a function gives, called on the thread of the models, one at a time."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *arguments)

    async def ready(self, model: str, which: str | int = CHAMPION) -> Ready:
        """A version that is loaded; at once where it is already.

        Args:
            model: its name.
            which: a version's number, or an alias.

        Raises:
            Problem: there is none, or it cannot be loaded.
        """
        try:
            version = await self._registry.resolve(model, which)
        except Problem:
            self._aliases.pop((model, str(which)), None)
            raise
        key = model, version.version
        found, before = self._loaded.get(key), self._aliases.get((model, str(which)))
        if found is None:
            if before is not None:
                self._follow(model, str(which), version)
                return before
            found = await asyncio.shield(self._begin(version))
        else:
            self._loaded.move_to_end(key)
        if found is not before and isinstance(which, str):
            self._switch((model, which), found)
        return found

    async def forecast(self, ready: Ready, asked: Asked, deadline: float = math.inf) -> list[Forecasted]:
        """Forecasts of series, in their order. Many are computed some at a time, so that others get their turn.

        Args:
            ready: the version that is asked.
            asked: what is wanted.
            deadline: on the monotonic clock; what would be answered later is refused at once.

        Raises:
            Problem: too much waits already, or is asked.
            ForegateError: something is not as it must be.
        """
        fitted = ready.fitted(asked.freq, asked.seasons)
        rows = self._settings.limits.rows
        reach = reach_of(fitted, asked.horizon)
        read = max(self._settings.forecasts.history, fitted.spec.lookback)
        kind = Kind(ready, asked.freq, asked.seasons, reach, asked.quantiles, rows, read)
        answers: list[Forecasted] = []
        spans = [span_of(history, asked.freq) for history in asked.histories]
        if sum(spans) > rows:
            detail = f"rows must be at most {rows:,}, those left out among them, but got {sum(spans):,}. Ask for less."
            raise Problem(422, "too-much", detail, limit=rows)
        for part in _parts(asked, [min(span, read) for span in spans]):
            answers += await self.batcher.ask(kind, part, weight=part.weight, deadline=deadline)
        return answers

    def _begin(self, version: Version) -> asyncio.Task[Ready]:
        """The task that loads a version, once however many wait for it."""
        key = version.model, version.version
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.create_task(self._open(version))
            task.add_done_callback(lambda done: self._loading.pop(key, None))
        return task

    async def _open(self, version: Version) -> Ready:
        key = version.model, version.version
        since, why = self._broken.get(key, (-math.inf, ""))
        if time.monotonic() - since < RETRY_SECONDS:
            raise _unreadable(version, why)
        try:
            ready = await asyncio.get_running_loop().run_in_executor(self._loader, self._load, version)
        except (ForegateError, OSError) as error:
            log.exception("version %s of %s cannot be loaded", version.version, version.model)
            self._broken[key] = time.monotonic(), str(error)
            raise _unreadable(version, str(error)) from error
        self._broken.pop(key, None)
        self._loaded[key] = ready
        self._forget()
        return ready

    def _load(self, version: Version) -> Ready:
        began = time.perf_counter()
        ready = open_ready(version, self._registry.open(version))
        log.info("loaded %s %s in %.3f s", version.model, version.version, time.perf_counter() - began)
        return ready

    def _forget(self) -> None:
        """Let go of the versions that were not asked for the longest, beyond as many as are kept; of none with an
        alias that somebody asked for."""
        called = {id(ready) for ready in self._aliases.values()}
        spare = [key for key, ready in self._loaded.items() if id(ready) not in called]
        for key in spare[: max(0, len(spare) - 1 - self._settings.forecasts.spare)]:
            del self._loaded[key]

    def _moved(self, model: str, alias: str, version: Version) -> None:
        """An alias has moved; if somebody asks for it, what it has moved to is loaded before the next one does."""
        if (model, alias) in self._aliases:
            self._follow(model, alias, version)

    def _follow(self, model: str, alias: str, version: Version) -> None:
        """Load a version beside the traffic; if it cannot be loaded, the one before goes on."""
        key = model, version.version
        since, _ = self._broken.get(key, (-math.inf, ""))
        if key in self._loading or time.monotonic() - since < RETRY_SECONDS:
            return

        async def follow() -> None:
            with suppress(Problem):
                await self._begin(version)
                await self.ready(model, alias)  # whatever it has moved to meanwhile

        task = asyncio.create_task(follow())
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    def _switch(self, key: Alias, ready: Ready) -> None:
        self._aliases[key] = ready
        self._forget()
        if key[1] == CHAMPION:
            self._metrics.champion.labels(key[0]).set(ready.version.version)

    def _compute(self, kind: Kind, parts: Sequence[Part]) -> list[list[Forecasted] | Exception]:
        with self._metrics.inference.labels(kind.ready.version.model).time():
            return compute(kind, parts)


def _unreadable(version: Version, why: str) -> Problem:
    detail = f"version {version.version} of {version.model!r} must be sound, but it cannot be loaded: {why}"
    return Problem(503, "model-unreadable", detail)


def _parts(asked: Asked, spans: Sequence[int]) -> Iterator[Part]:
    """Consecutive series with about ROWS_TOGETHER rows and steps together."""
    begin, weight = 0, 0
    for i, span in enumerate(spans):
        own = span + asked.horizon
        if i > begin and weight + own > ROWS_TOGETHER:
            yield Part(asked.histories[begin:i], asked.names[begin:i], asked.horizon, weight)
            begin, weight = i, 0
        weight += own
    yield Part(asked.histories[begin:], asked.names[begin:], asked.horizon, weight)
