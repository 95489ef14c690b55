"""Live sessions: the states of many series, which move on with every observation and outlive the process.

A session is the live state of a series. What it has read is what is stored; its state is in memory while it is used,
and is made again from a stored state and the observations after it whenever it is not. Every step is one transaction:
the observation, the session that moves on if it is still where it was thought to be, and the forecast that was made.
Answered means committed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from foregate.core import ForegateError, Frequency
from foregate.service.context import now
from foregate.service.metrics import Metrics
from foregate.service.observations.announced import told
from foregate.service.observations.catalog import Catalog
from foregate.service.observations.intake import Intake
from foregate.service.problems import Problem
from foregate.service.sessions.answers import Said, Stepped, event_of, kept_row, said_again, said_of
from foregate.service.sessions.crew import Crew
from foregate.service.sessions.events import Hub
from foregate.service.sessions.late import no_session, out_of_sequence, settled
from foregate.service.sessions.moves import Mover
from foregate.service.sessions.opening import Opening
from foregate.service.sessions.residents import Residents, Step, state_of
from foregate.service.sessions.rows import Move, Moved, Position, Stored, Written, load, save, write
from foregate.service.sessions.turns import Order, Turns
from foregate.service.settings import Settings
from foregate.service.store.database import Database
from foregate.service.store.failures import half_done
from foregate.service.times import later

if TYPE_CHECKING:
    from foregate.service.forecasts.served import Served
    from foregate.service.registry.registry import Registry

__all__ = ["Fleet"]

TRIES = 8
"""So often a step is tried again where another process was faster."""
SAVED_TOGETHER = 512


class Fleet:
    """All sessions.

    Args:
        database: where they are.
        served: the models, and the thread that asks them.
        registry: where versions and aliases are kept.
        settings: of the service.
        metrics: what counts.
        clock: microseconds since 1970.
    """

    def __init__(
        self,
        database: Database,
        served: Served,
        registry: Registry,
        settings: Settings,
        metrics: Metrics,
        clock: Callable[[], int] = now,
    ) -> None:
        chosen = settings.ingest
        self.database, self.served, self.registry, self.settings = database, served, registry, chosen
        self.metrics, self.clock = metrics, clock
        self.catalog = Catalog(database, clock)
        """The series."""
        self.intake = Intake(database, self.catalog, metrics, clock, chosen.future_days)
        """Takes in observations of any series."""
        self.residents = Residents(chosen.resident, chosen.snapshot_rows, chosen.gap_rows)
        self.quantiles = tuple(sorted({0.5, *chosen.quantiles}))
        """Of the forecasts that sessions make after every observation."""
        self.turns = Turns(self._work, chosen.together, chosen.queue)
        crew = Crew(database, served, registry, chosen, metrics, clock, self.catalog, self.residents, self.turns)
        self.crew = crew
        self.opening = Opening(crew)
        """Opens and closes sessions."""
        self.mover = Mover(crew, self.opening)
        """Moves sessions to other versions."""
        self.hub = Hub(database)
        """Tells what happens."""
        self.intake.on_news = self.turns.refresh

    async def start(self) -> None:
        """Follow the aliases, and move those sessions that are behind them."""
        self.metrics.sessions.set(await self.opening.count())
        await self.hub.start()
        self.mover.start()

    async def stop(self) -> None:
        """Do what waits, and store the states that are in memory."""
        await self.hub.stop()
        await self.mover.stop()
        await self.turns.close()
        ids = list(self.residents.seats)
        for i in range(0, len(ids), SAVED_TOGETHER):
            some = [name for name in ids[i : i + SAVED_TOGETHER] if name in self.residents.seats]
            await self._save(await self.served.run(self.residents.states, some))

    async def step(self, order: Order) -> Stepped:
        """Let a session read, and answer when that is committed.

        Raises:
            Problem: there is no such session, an observation came late or differs from what was read, or the caller
                thinks the session to be elsewhere.
            ForegateError: an observation cannot be read.
        """
        stepped: Stepped = await self.turns.ask(order)
        return stepped

    async def forecast(
        self, names: Sequence[str], horizon: int, quantiles: Sequence[float] | None = None
    ) -> list[Said]:
        """What sessions say now; nothing is changed.

        Args:
            names: of the series.
            horizon: steps.
            quantiles: probabilities in ascending order; the usual ones when not given.

        Raises:
            Problem: there is no such series or session, or it has nothing to say yet.
        """
        known = await self.catalog.all_known(names)
        wanted = self.quantiles if quantiles is None else tuple(sorted({0.5, *quantiles}))
        loop = asyncio.get_running_loop()
        orders = [
            Order(known[name].id, "forecast", loop.create_future(), name, horizon=horizon, quantiles=wanted)
            for name in names
        ]
        self.turns.put(orders)
        answers = await asyncio.gather(*(order.done for order in orders), return_exceptions=True)
        said: list[Said] = []
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
            said.append(answer if quantiles is None else _of(answer, tuple(quantiles)))
        return said

    async def live(self, names: Sequence[str]) -> set[str]:
        """Those of some series that have a session."""
        known = await self.catalog.known(names)
        there = await self.opening.there([each.id for each in known.values()])
        return {name for name, each in known.items() if each.id in there}

    async def _work(self, orders: list[Order]) -> None:
        """Do the orders of a batch; see `Turns`."""
        began = asyncio.get_running_loop().time()
        unsure = {order.series for order in orders if order.kind != "step"}
        left = orders
        for _ in range(TRIES):
            await self._have(left, unsure)
            left = [order for order in left if not order.done.done()]
            try:
                await self._do([order for order in left if not self._is_late(order)])
            except Moved:
                self.metrics.conflicts.inc()
                unsure = {order.series for order in left}
                continue
            for order in left:
                if not order.done.done():
                    await self._settle(order)
            break
        else:
            raise _busy()
        await self._make_room()
        for order in orders:
            if order.kind == "step":
                self.metrics.steps.observe(asyncio.get_running_loop().time() - began)

    def _is_late(self, order: Order) -> bool:
        """Whether an order brings what is not simply next, which takes the longer way."""
        last = self.residents.seats[order.series].stored.time
        return bool(order.rows) and last is not None and order.rows[0][0] <= last

    async def _have(self, orders: Sequence[Order], unsure: set[int]) -> None:
        """Have the states of sessions in memory; of those that are unsure, look whether they are what is stored.

        Orders whose session is not there, or has no state, are answered.
        """
        seats, anew = self.residents.seats, frozenset[int]()
        by_series = {order.series: order for order in orders}
        wanted: dict[int, Position | None] = {
            name: seats[name].position if name in seats else None
            for name in by_series
            if name in unsure or name not in seats
        }
        while wanted:
            found = await self.database.read(partial(load, wanted=wanted, most=self.settings.warm_rows, anew=anew))
            for name in wanted.keys() - found.keys():
                await self.served.run(self.residents.drop, [name])
                self._answer(by_series[name], no_session(by_series[name].name))
            stored = list(found.values())
            wrong = await self.served.run(self.residents.take_in, stored, await self.crew.fitted(stored))
            for name, error in wrong.items():
                if error is not None:
                    self._answer(by_series[name], error)
            again = [name for name, error in wrong.items() if error is None]
            wanted, anew = dict.fromkeys(again), frozenset(again)

    async def _do(self, orders: Sequence[Order]) -> None:
        """Let sessions read what is next, and forecast; answer when that is committed.

        Raises:
            Moved: one of them was not where it was thought to be; nothing of it has happened.
        """
        seats = self.residents.seats
        going = []
        for order in orders:
            seq = seats[order.series].stored.seq
            if order.expected is not None and order.expected != seq:
                self._answer(order, out_of_sequence(seats[order.series].stored, order.expected, seq))
            else:
                going.append(order)
        steps = [self._step_of(order) for order in going]
        before = {order.series: seats[order.series].position for order in going}
        await self._tell(steps)
        try:
            await self.served.run(self.residents.step, steps)
            written, answers = self._written(going, steps, before)
            if written.moves or written.forecasts:
                await self.database.write(partial(write, written=written))
        except BaseException:
            await asyncio.shield(self.served.run(self.residents.drop, [order.series for order in going]))
            raise
        for order, answer in zip(going, answers, strict=True):
            self._answer(order, answer)
        self.metrics.resident.set(len(seats))

    async def _tell(self, steps: Sequence[Step]) -> None:
        """Look up what was announced of the times that are read and forecast, for models that are told the future."""
        spans = {}
        for step in steps:
            stored = self.residents.seats[step.series].stored
            last = step.rows[-1][0] if step.rows else stored.time
            if last is not None and self.residents.told_ahead(step.series):
                spans[step.series] = stored.time, later(last, step.horizon, Frequency.parse(stored.freq))
        if spans:
            known = await self.database.read(partial(told, spans=spans))
            for step in steps:
                step.known = known.get(step.series, {})

    def _step_of(self, order: Order) -> Step:
        """What an order asks of a session."""
        if order.kind == "forecast":
            return Step(order.series, (), order.horizon, order.quantiles)
        return Step(order.series, order.rows, self.residents.seats[order.series].stored.horizon, self.quantiles)

    def _written(
        self, orders: Sequence[Order], steps: Sequence[Step], before: dict[int, Position]
    ) -> tuple[Written, list[Any]]:
        """What a batch writes, and what it answers."""
        written, answers, at = Written(), list[Any](), self.clock()
        for order, step in zip(orders, steps, strict=True):
            stored = self.residents.seats[order.series].stored
            said = said_of(stored, step)
            if step.failed is not None:
                answers.append(step.failed)
                continue
            if order.rows:
                _moved(written, order, before[order.series], stored, at)
                if self.residents.told_ahead(order.series):
                    _read_with(written, step, before[order.series])
            if step.record is not None:
                written.states.append(state_of(stored, step.record))
            if said is not None and order.kind != "forecast":
                written.forecasts.append(kept_row(order.series, said, step.scale, at))
                written.events.append(event_of(said, at))
            answers.append(self._told(order, step, stored, said))
        return written, answers

    def _told(self, order: Order, step: Step, stored: Stored, said: Said | None) -> Any:
        if order.kind == "step":
            self.metrics.ingested.labels("stored").inc(len(order.rows))
            return Stepped(
                stored.name,
                stored.model,
                stored.version,
                stored.seq,
                order.rows[-1][0],
                Frequency.parse(stored.freq),
                {"stored": len(order.rows)},
                said,
            )
        if said is None and order.kind == "forecast" and step.unsaid is not None:
            return step.unsaid
        if said is None and order.kind == "forecast":
            detail = f"series {stored.name!r} must have an observed value to be forecast, but has none. Send one first."
            return Problem(409, "nothing-observed", detail)
        return said

    async def _settle(self, order: Order) -> None:
        """Do what came late, again or changed."""
        stored = self.residents.seats[order.series].stored
        try:
            done = await self.database.write(partial(settled, order=order, stored=stored, now=self.clock()))
        except (Problem, ForegateError) as error:
            self._answer(order, error)
            return
        said = None
        freq = Frequency.parse(stored.freq)
        # Where something failed after the rows were stored, nothing was said of them yet.
        unsaid = done.latest and done.forecast is None and stored.horizon > 0
        if done.changed or unsaid:
            with half_done():
                said = await self._reread(order.series)
            stored = self.residents.seats[order.series].stored
        elif done.forecast is not None:
            said = said_again(done.forecast, stored.name, freq, done.seq)
        for outcome, rows in done.counts.items():
            self.metrics.ingested.labels(outcome).inc(rows)
        model, version = (said.model, said.version) if said else (stored.model, stored.version)
        seq, last = (stored.seq if done.changed else done.seq), order.rows[-1][0]
        self._answer(order, Stepped(stored.name, model, version, seq, last, freq, done.counts, said))

    async def _reread(self, series: int) -> Said | None:
        """Have a session read what is stored, and say what follows from it."""
        for _ in range(TRIES):
            order = Order(series, "refresh", asyncio.get_running_loop().create_future())
            await self._have([order], {series})
            try:
                if not order.done.done():
                    await self._do([order])
            except Moved:
                self.metrics.conflicts.inc()
                continue
            said: Said | None = await order.done
            return said
        raise _busy()

    def _answer(self, order: Order, answer: Any) -> None:
        """Say what became of an order, unless nobody waits for it any more."""
        if order.done.done():
            return
        if isinstance(answer, Exception):
            order.done.set_exception(answer)
        else:
            order.done.set_result(answer)

    async def _make_room(self) -> None:
        """Store and forget states where there are too many."""
        gone = self.residents.surplus(self.turns.busy)
        if gone:
            with self.turns.claimed(gone):
                await self._save(await self.served.run(self.residents.evict, gone))

    async def _save(self, states: list[dict[str, Any]]) -> None:
        """Store states; where that fails nothing is lost, since they can be made again."""
        if states:
            with contextlib.suppress(ForegateError):
                await self.database.write(partial(save, states=states))


def _moved(written: Written, order: Order, before: Position, stored: Stored, at: int) -> None:
    """What a session that moves on writes."""
    written.moves.append(Move(order.series, before.version, before.seq, stored.seq, stored.time))
    for i, (time, value, covariates) in enumerate(order.rows):
        written.rows.append(
            {
                "series": order.series,
                "time": time,
                "value": value,
                "covariates": covariates,
                "revision": 0,
                "seq": before.seq + i + 1,
                "received_at": at,
            }
        )


def _read_with(written: Written, step: Step, before: Position) -> None:
    """What was read with the rows of a session, which must not have changed when they are written."""
    last = step.rows[-1][0]
    own = {time: columns for time, columns in step.known.items() if time <= last}
    written.known[step.series] = before.time, last, own


def _of(said: Said, quantiles: tuple[float, ...]) -> Said:
    """Some of the quantiles of a forecast."""
    if quantiles == said.quantiles:
        return said
    return replace(said, quantiles=quantiles, values=said.values[:, [said.quantiles.index(q) for q in quantiles]])


def _busy() -> Problem:
    return Problem(503, "busy", "a session must be left alone for a moment, but others move it on all the time.")
