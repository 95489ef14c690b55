"""The loop, unattended: a regime change is found, challengers are trained, judged and promoted, and errors come back.

Hourly electricity demand (vic_elec where FOREGATE_DATA has it, else a made one) is replayed row by row: the champion
forecasts after every row, actuals follow, and nobody does anything else. Then the world changes: demand is turned over,
larger, and six hours late. Trainings follow the alarm as its rows come, each with more of them; what is judged is the
champion in the end, when the loop has settled, on the newest rows, which were not used to train or choose any.

It is compared with an oracle: one that was told of the change, and is trained by the same recipe, effort and number of
steps on the same number of rows of the new world, up to the same one. For what more rows would have brought, a second
oracle is trained on all rows of the new world up to those that are judged; and the first champion shows what happens
where nobody does anything.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.service.rows import Options, Row
from foregate import Forecaster, Panel, load
from foregate.service.drift.keeper import Keeper
from foregate.service.jobs.queue import Jobs, Wanted
from foregate.service.jobs.worker import Worker
from foregate.service.metrics import Metrics
from foregate.service.registry.registry import Registry
from foregate.service.settings import Settings
from foregate.service.store.database import Database
from foregate.service.store.schema import migrate
from foregate.service.store.tables import alias_events, drift_events, forecasts, jobs, observations, series

HOUR = 3_600_000_000
LEVELS = (0.1, 0.5, 0.9)
BEFORE, CALM, AFTER, LAST = 4000, 240, 1992, 360
CHUNK = 24
STEPS = 100
ORDER = {
    "horizon": 24,
    "season_length": 24,
    "held_out": 1008,
    "rows": 4000,
    "options": {"weights": "tiny", "steps": STEPS},
}


def run(options: Options) -> list[Row]:
    """Replay, and tell what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(_replay(Path(folder)))
    oracle = found["oracle"]
    ratio = found["live"] / oracle
    first, more = found["first"] / oracle, found["live"] / found["oracle_all"]
    got = (
        f"once settled {ratio:.3f} of the error of an oracle of the same recipe with {STEPS} steps and "
        f"{found['rows']} rows of the new regime (with all {found['all']} rows: {more:.3f}; the first champion: "
        f"{first:.2f}); alarm after {found['alarm']} rows, promoted after {found['promoted']}, {found['jobs']} jobs"
    )
    return [Row("loop after a regime change, unattended", "error within 10 % of the oracle's", got, ratio <= 1.1)]


class World:
    """Demand, before and after it changes."""

    def __init__(self) -> None:
        y = _demand()[: BEFORE + CALM + AFTER]
        self.change = BEFORE + CALM
        turned = 1.5 * (2 * y.mean() - np.roll(y, 6))
        self.values = np.append(y[: self.change], turned[self.change :])

    def panel(self, begin: int, end: int) -> Panel:
        """Some of its rows."""
        start = np.datetime64(begin * HOUR, "us")
        return Panel.from_arrays([self.values[begin:end]], ids=["demand"], freq="h", start=np.asarray(start))


async def _replay(folder: Path) -> dict[str, Any]:
    world, clock = World(), [BEFORE * HOUR]
    settings = Settings(data_dir=folder, watch={"review_rows": 150})
    database = Database(settings.database_url)
    migrate(database)
    registry = Registry(database, folder / "models", lambda: clock[0])
    parts = {"settings": settings, "database": database, "metrics": Metrics(), "clock": lambda: clock[0]}
    keeper = Keeper(SimpleNamespace(**parts))  # type: ignore[arg-type]
    queue = Jobs(database, lambda: clock[0])
    worker = Worker(queue, registry, folder / "jobs")
    worker.on_job = lambda job, what: print(f"row {clock[0] // HOUR}: job {job.id} ({job.trigger}): {what}", flush=True)
    number = database.write_now(_new_series)
    _observe(database, number, world, 0, BEFORE)
    await queue.submit(Wanted("retrain", "demand", "person", {"series": ["demand"], **ORDER}, "benchmark"))
    await worker.step()
    first = await _champion(registry)
    for row in range(BEFORE, len(world.values) - CHUNK + 1, CHUNK):
        champion = await _champion(registry)
        _forecast(database, number, world, row, champion, clock[0])
        clock[0] = (row + CHUNK) * HOUR
        _observe(database, number, world, row, row + CHUNK)
        while await keeper.step():
            pass
        await keeper.look()
        while await worker.step():
            pass
    await registry.refresh()
    found = await _compared(database, registry, world, first)
    database.close()
    return found


async def _champion(registry: Registry) -> Any:
    """The champion, or the first challenger where none was promoted."""
    await registry.refresh()
    aliases = await registry.aliases("demand")
    number = aliases.get("champion", aliases.get("challenger", (0, 0)))[0]
    version = await registry.resolve("demand", number)
    if "champion" not in aliases:
        print(version.metrics["reason"], flush=True)
        await registry.move("demand", "champion", number, actor="benchmark", reason="the first", revision=0)
    return version.version, load(registry.open(version), runtime="onnx").fitted_


def _forecast(database: Database, number: int, world: World, row: int, champion: Any, at: int) -> None:
    """What the champion says after every row of the next day, knowing the rows up to each alone."""
    version, model = champion
    begin = max(0, row - 2000)
    panel = world.panel(begin, row + CHUNK)
    origins = np.arange(row - 1, row - 1 + CHUNK) - begin
    said = model.forecast_origins(panel, origins[None], 24, LEVELS)[0]
    scale = float(np.abs(np.diff(world.values[begin:row], n=1)).mean())
    common = {"series": number, "model": "demand", "version": version, "horizon": 24, "scale": scale}
    common |= {"quantiles": json.dumps(LEVELS), "made_at": at}
    rows = [
        {
            **common,
            "origin": (row - 1 + i) * HOUR,
            "until": (row + 23 + i) * HOUR,
            "values": said[i].astype("<f4").tobytes(),
        }
        for i in range(CHUNK)
    ]
    known = database.read_now(
        lambda c: {o for (o,) in c.execute(forecasts.select().with_only_columns(forecasts.c.origin))}
    )
    database.write_now(lambda c: c.execute(forecasts.insert(), [r for r in rows if r["origin"] not in known]) and None)


def _new_series(connection: Any) -> int:
    row = {"name": "demand", "freq": "h", "season_length": 24, "created_at": 0}
    return int(connection.execute(series.insert().values(**row).returning(series.c.id)).scalar_one())


def _observe(database: Database, number: int, world: World, begin: int, end: int) -> None:
    rows = [
        {"series": number, "time": t * HOUR, "value": float(world.values[t]), "revision": 0, "received_at": end * HOUR}
        for t in range(begin, end)
    ]
    database.write_now(lambda c: c.execute(observations.insert(), rows) and None)


async def _compared(database: Database, registry: Registry, world: World, first: Any) -> dict[str, Any]:
    """Errors on the newest rows, which none was trained on or chosen by."""
    alarms = database.read_now(lambda c: c.execute(drift_events.select()).all())
    for each in alarms:
        print(f"row {each.at // HOUR}: alarm of version {each.version}, {each.detector}, {each.detail}", flush=True)
    moves = database.read_now(lambda c: [(r.at // HOUR, r.reason) for r in c.execute(alias_events.select())])
    for at, reason in moves:
        print(f"row {at}: {reason}")
    end = len(world.values)
    version, champion = await _champion(registry)
    own = await registry.resolve("demand", version)
    begin, until = end - LAST, int(own.metrics["trained_until"]) // HOUR + 1
    assert int(own.metrics["judged_until"]) // HOUR < begin, "the newest rows must not have been used to choose"
    rows = min(int(own.metrics["rows"]), until - world.change)
    models = {"live": champion, "first": first[1]}
    for name, since, to in (("oracle", until - rows, until), ("oracle_all", world.change, begin)):
        oracle = Forecaster(24, effort="fast", season_length=24, options=dict(ORDER["options"]), verbose=False)  # type: ignore[call-overload]
        models[name] = oracle.fit(world.panel(since, to)).fitted_
    panel, origins = world.panel(begin - 1000, end), np.arange(begin - 1, end - 24) - (begin - 1000)
    ahead = origins[:, None] + 1 + np.arange(24)
    errors: dict[str, Any] = {
        name: float(
            np.abs(model.forecast_origins(panel, origins[None], 24, LEVELS)[0, ..., 1] - panel.series(0)[ahead]).mean()
        )
        for name, model in models.items()
    }
    done = database.read_now(lambda c: [(r.kind, r.trigger, r.state) for r in c.execute(jobs.select())])
    times = [json.loads(each.detail)["time"] // HOUR for each in alarms if each.kind != "input"]
    late = [at - world.change for at in times if at >= world.change]
    promoted = [at - world.change for at, reason in moves if at >= world.change and reason.startswith("promoted")]
    return errors | {
        "alarm": late[:1],
        "promoted": promoted,
        "jobs": len(done),
        "rows": rows,
        "all": begin - world.change,
    }


def _demand() -> np.ndarray[Any, Any]:
    path = Path(os.environ.get("FOREGATE_DATA", "none")) / "vic_elec" / "train.parquet"
    if path.exists():
        import polars as pl

        y = pl.read_parquet(path)["y"].to_numpy().astype(np.float64)
        return y[: len(y) // 2 * 2].reshape(-1, 2).mean(1)
    t, rng = np.arange(BEFORE + CALM + AFTER), np.random.default_rng(0)
    week = np.where((t // 24) % 7 < 5, 1.0, 0.8)
    wander = np.convolve(rng.normal(size=len(t) + 48), np.ones(49) / 7, "valid")
    return 4500 + week * (800 * np.sin(2 * np.pi * t / 24) + 300 * np.sin(4 * np.pi * t / 24)) + 60 * wander
