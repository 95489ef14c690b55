"""Kills a service while many clients write into it, again and again, and looks what is there afterwards.

    python -m tests.service.kills FOLDER KILLS SEED

The service is the real one, in a process of its own, forked from one that has loaded what it needs. Clients send one
request after the other, and send the one that was not answered again when the next service runs, as a client would.
After every kill a copy of the database is looked at: what was answered is there, once and as it was said, and no
request is there in part. The next service must forecast from its live sessions what follows from the stored rows.
"""

import asyncio
import json
import random
import shutil
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tests.service.forked import Forked

EARLY = 0.15
"""Share of the kills that come while a service starts."""
UNANSWERED = 0.2
"""Share of the others that may come before the first answer."""
SETTINGS = {
    "INGEST__SNAPSHOT_ROWS": "8",
    "INGEST__RESIDENT": "24",
    "INGEST__HORIZON": "3",
    "LIMITS__SECONDS": "15",
    "LIMITS__PER_MINUTE": "10000000",
}
"""Few states fit into memory, so that they are stored and made again all the time."""
BULK = 20
"""Rows of a bulk request."""
COMPARED = 6
"""Sessions that are compared with their rows after a kill; in the end, all."""

Rows = dict[int, float]


def value(name: str, t: int, again: int = 0) -> float:
    """Of a row: a season and what tells it from others."""
    return round(50 + 10 * np.sin(t * np.pi / 3) + (hash_of(name) + 7 * t + again) % 5, 3)


def hash_of(name: str) -> int:
    """The same in every process."""
    return sum(name.encode())


@dataclass
class Request:
    """A request that is sent until it is answered."""

    path: str
    body: dict[str, Any]
    rows: dict[str, Rows]
    """What it stores: series -> time -> value."""
    key: str | None = None
    """Of idempotency."""


@dataclass
class Client:
    """One of those that write: the requests that it makes, and what became of them."""

    requests: Iterator[Request]
    pending: Request | None = None

    async def run(self, port: int, key: str, known: "Known") -> None:
        """Send until the service is gone."""
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with closing(writer):
                while not known.over or self.pending is not None:
                    if self.pending is None:
                        self.pending = next(self.requests)
                    await self._send(reader, writer, key, known)

    async def _send(self, reader: Any, writer: Any, key: str, known: "Known") -> None:
        request = self.pending
        assert request is not None
        head = {"Authorization": f"Bearer {key}"} | ({"Idempotency-Key": request.key} if request.key else {})
        status, answer = await asyncio.wait_for(ask(reader, writer, "POST", request.path, request.body, head), 30)
        if status == 409 and "in-flight" in answer["type"]:  # of a service that was killed; its key is held for a while
            await asyncio.sleep(0.1)
            return
        if status in known.may_refuse or any(each in known.may_refuse for each in refusals(answer)):
            known.refused[status] += 1
            await asyncio.sleep(0.02)
            return
        assert status == 200, (request.path, status, answer)
        require_well(answer)
        known.answered(request)
        self.pending = None


def refusals(answer: dict[str, Any]) -> list[int]:
    """Of the steps of several sessions that were not done: why."""
    return [each["problem"]["status"] for each in answer.get("steps", ()) if each["stepped"] is None]


def require_well(answer: dict[str, Any]) -> None:
    """Fail unless everything that was sent is stored, now or before."""
    parts = [each["stepped"] for each in answer["steps"]] if "steps" in answer else [answer]
    for part in parts:
        assert part is not None, answer
        assert part["counts"].keys() <= {"stored", "duplicate", "revised"}, answer


async def ask(reader: Any, writer: Any, method: str, path: str, body: Any, head: dict[str, str]) -> tuple[int, Any]:
    """One request over a connection."""
    content = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Content-Length: {len(content)}"]
    lines += ["Content-Type: application/json", *(f"{name}: {said}" for name, said in head.items()), "", ""]
    writer.write("\r\n".join(lines).encode() + content)
    await writer.drain()
    top = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
    length = int(top.split("content-length:")[1].split("\r\n")[0])
    return int(top[9:12]), json.loads(await reader.readexactly(length))


@dataclass
class Known:
    """What was answered."""

    stored: dict[str, Rows] = field(default_factory=dict)
    """Series -> time -> value."""
    fresh: list[Request] = field(default_factory=list)
    """Answered since somebody looked."""
    answers: int = 0
    over: bool = False
    may_refuse: set[int] = field(default_factory=set)
    """Statuses after which a client sends the same again."""
    refused: Counter[int] = field(default_factory=Counter)

    def answered(self, request: Request) -> None:
        """Remember."""
        self.answers += 1
        self.fresh.append(request)
        for name, rows in request.rows.items():
            self.stored.setdefault(name, {}).update(rows)


def steps(name: str, draw: random.Random) -> Iterator[Request]:
    """One to three observations at a time, each told to come next."""
    t = 0
    while True:
        rows = {t + i: value(name, t + i) for i in range(draw.choice((1, 1, 1, 2, 3)))}
        body = {"observations": moments(rows), "expected_seq": t}
        yield Request(f"/v1/sessions/{name}/observations", body, {name: rows})
        t += len(rows)


def changes(name: str, draw: random.Random) -> Iterator[Request]:
    """Observations that are left out, come late, and are changed."""
    t, left = 0, list[int]()
    while True:
        what = draw.random()
        if what < 0.2:
            left.append(t)
            t += 1
        if what < 0.4 and len(left) > 1:
            at, again = left.pop(), 0
        elif what < 0.6 and t:
            at, again = draw.randrange(max(0, t - 20), t), draw.randrange(1, 5)
            left = [each for each in left if each != at]
        else:
            at, again, t = t, 0, t + 1
        rows = {at: value(name, at, again)}
        body = {"observations": moments(rows), "revise": True}
        yield Request(f"/v1/sessions/{name}/observations", body, {name: rows})


def together(names: list[str]) -> Iterator[Request]:
    """The next observation of several sessions."""
    t = 0
    while True:
        rows = {name: {t: value(name, t)} for name in names}
        many = [{"series": name, "observations": moments(own), "expected_seq": t} for name, own in rows.items()]
        yield Request("/v1/sessions:step", {"steps": many}, rows)
        t += 1


def bulk(names: list[str], draw: random.Random, *, keys: bool) -> Iterator[Request]:
    """Many observations of several series at once."""
    t, each = 0, BULK // len(names)
    while True:
        rows = {name: {t + i: value(name, t + i) for i in range(each)} for name in names}
        told = [{"series": name} | row for name, own in rows.items() for row in moments(own)]
        yield Request("/v1/observations", {"observations": told}, rows, draw.randbytes(8).hex() if keys else None)
        t += each


def moments(rows: Rows) -> list[dict[str, Any]]:
    """Rows as JSON has them."""
    return [{"time": t, "value": told} for t, told in rows.items()]


class World:
    """Clients, a folder, and the services that come and go."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.draw, self.known, self.key = folder, random.Random(seed), Known(), ""
        folder.mkdir(parents=True, exist_ok=True)
        own = {name: random.Random(f"{seed} {name}") for name in "abcd"}
        self.whole = [f"a{i}" for i in range(22)] + [f"m{i}" for i in range(12)] + [f"p{i}" for i in range(6)]
        self.changed = [f"c{i}" for i in range(8)]
        self.plain = [f"b{i}" for i in range(16)]
        made = [steps(f"a{i}", own["a"]) for i in range(22)]
        made += [changes(name, own["c"]) for name in self.changed]
        made += [together([f"m{3 * i + j}" for j in range(3)]) for i in range(4)]
        made += [bulk([f"p{i}"], own["b"], keys=False) for i in range(6)]
        made += [bulk([f"b{2 * i}", f"b{2 * i + 1}"], own["d"], keys=i < 2) for i in range(8)]
        self.clients = [Client(each) for each in made]

    async def first(self) -> None:
        """The first service, which is not killed: make the series and open the sessions."""
        process = Forked(self.folder / "data", **SETTINGS)
        process.wait()
        self.key = process.key
        series = [{"name": name, "freq": "1", "season_length": 6} for name in self.whole + self.changed + self.plain]
        await self.asked(process.port, "POST", "/v1/series", {"series": series})
        await self.asked(process.port, "POST", "/v1/sessions", {"series": self.whole})
        await self.asked(process.port, "POST", "/v1/sessions", {"series": self.changed, "late": "rebuild"})
        self.end(process)

    async def life(self, *, kill: bool) -> bool:
        """One service, from its start to its end; whether it came so far that it answered."""
        process, early = Forked(self.folder / "data", **SETTINGS), kill and self.draw.random() < EARLY
        try:
            if early:
                await asyncio.sleep(self.draw.uniform(0, 1.5))
                return False
            process.wait()
            await self.compare(process.port, self.draw.sample(self.whole + self.changed, COMPARED))
            self.known.over = not kill
            working = [asyncio.create_task(each.run(process.port, self.key, self.known)) for each in self.clients]
            if kill:
                await self.until_answered()
                await asyncio.sleep(self.draw.uniform(0, 0.5))
                process.process.kill()
            await asyncio.gather(*working)
            if not kill:
                await self.compare(process.port, self.whole + self.changed)
            return True
        finally:
            self.end(process)

    async def until_answered(self) -> None:
        """Mostly, wait for an answer, however slow the machine is; otherwise for nothing."""
        before, patience = self.known.answers, time.monotonic() + 10
        if self.draw.random() < UNANSWERED:
            return
        while self.known.answers == before and time.monotonic() < patience:
            await asyncio.sleep(0.01)

    def end(self, process: Forked) -> None:
        """Kill a service, and see that it did not end by itself."""
        ended = process.process.poll()
        assert ended in (None, -9), process.said(process.errors)
        process.process.kill()
        process.process.wait()
        process.log.close()
        process.errors.close()

    async def asked(self, port: int, method: str, path: str, body: Any = None) -> Any:
        """The answer to one request."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with closing(writer):
            status, answer = await ask(reader, writer, method, path, body, {"Authorization": f"Bearer {self.key}"})
        assert status == 200, (path, status, answer)
        return answer

    async def compare(self, port: int, names: list[str]) -> None:
        """Fail if a session says something else than what follows from the rows that are stored."""
        with closing(sqlite3.connect(f"file:{self.folder / 'data' / 'foregate.db'}?mode=ro", uri=True)) as there:
            rows = {name: dict(of(there, name)) for name in names}
        names = [name for name in names if rows[name]]
        if not names:
            return
        histories = [
            {"name": n, "values": [rows[n].get(t) for t in range(min(rows[n]), max(rows[n]) + 1)]} for n in names
        ]
        body = {"horizon": 3, "season_length": 6, "freq": "1", "quantiles": [0.1, 0.5, 0.9], "histories": histories}
        anew = await self.asked(port, "POST", "/v1/forecasts", body)
        for name, other in zip(names, anew["forecasts"], strict=True):
            said = await self.asked(port, "GET", f"/v1/sessions/{name}/forecast?horizon=3&quantiles=0.1,0.5,0.9")
            assert said["origin"] == max(rows[name]), f"{name} has not read all that is stored"
            np.testing.assert_allclose(said["values"], other["values"], rtol=1e-3, err_msg=name)

    def copy(self) -> sqlite3.Connection:
        """A copy of the database that a service has left, so that looking at it does nothing to it."""
        there = self.folder / "copy"
        shutil.rmtree(there, ignore_errors=True)
        there.mkdir()
        for each in ("foregate.db", "foregate.db-wal"):
            with suppress(FileNotFoundError):
                shutil.copy(self.folder / "data" / each, there / each)
        return sqlite3.connect(there / "foregate.db")

    def look(self, *, everything: bool = False) -> None:
        """Fail if anything that was answered is not there, is there twice, or if a request is there in part."""
        waiting = [each.pending for each in self.clients if each.pending is not None]
        known, fresh, self.known.fresh = self.known, self.known.fresh, []
        with closing(self.copy()) as copy:
            assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            names = known.stored.keys() if everything else {name for each in fresh for name in each.rows}
            for name in names:
                there = dict(of(copy, name))
                sent = {t: told for each in waiting for t, told in each.rows.get(name, {}).items()}
                wanted = known.stored[name]
                wrong = [t for t, told in wanted.items() if there.get(t) not in (told, sent.get(t, told))]
                assert not wrong, f"{name} at {wrong[:5]} was answered, but is not there as it was said"
                more = {t: there[t] for t in there.keys() - wanted.keys()}
                assert all(sent.get(t) == told for t, told in more.items()), f"{name}: {more} was never sent"
                assert len(more) in (0, len([t for t in sent if t not in wanted])), f"{name} has a part of a request"
            for name in self.whole:
                require_in_step(copy, name)
            for name in self.changed:
                require_read(copy, name)


def of(copy: sqlite3.Connection, name: str) -> list[tuple[int, float]]:
    """Stored rows of a series."""
    query = "SELECT time, value FROM observations JOIN series ON id = series WHERE name = ? ORDER BY time"
    found = copy.execute(query, (name,)).fetchall()
    assert len({t for t, _ in found}) == len(found), f"{name} has a row twice"
    return found


SESSION = "SELECT s.series, s.seq, s.last_time FROM sessions s JOIN series ON id = s.series WHERE name = ?"


def require_in_step(copy: sqlite3.Connection, name: str) -> None:
    """Fail unless a session of one row after the other has numbered each of them once."""
    number, seq, last = copy.execute(SESSION, (name,)).fetchone()
    rows = copy.execute("SELECT time, seq FROM observations WHERE series = ? ORDER BY time", (number,)).fetchall()
    assert rows == [(t, t + 1) for t in range(seq)], f"{name} has other rows than it has numbered"
    assert last == (seq - 1 if seq else None), f"{name} is elsewhere than its rows"
    origins = [row[0] for row in copy.execute("SELECT origin FROM forecasts WHERE series = ?", (number,))]
    assert len(set(origins)) == len(origins), f"{name} made a forecast twice"
    assert all(origin < seq for origin in origins), f"{name} has a forecast from nowhere"
    state = copy.execute("SELECT seq, time FROM session_states WHERE series = ?", (number,)).fetchone()
    assert state is None or (state[0] <= seq and state[1] == (state[0] - 1 if state[0] else None)), name


def require_read(copy: sqlite3.Connection, name: str) -> None:
    """Fail unless a session that reads again is where its last row is."""
    number, seq, last = copy.execute(SESSION, (name,)).fetchone()
    query = "SELECT count(*), max(time), count(seq), max(seq) FROM observations WHERE series = ?"
    n, latest, numbered, highest = copy.execute(query, (number,)).fetchone()
    assert (last, numbered) == (latest, n), f"{name} has not numbered all its rows"
    assert seq >= n, f"{name} has more rows than it has read"
    assert highest is None or highest <= seq, f"{name} has a row of the future"


async def main(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """Kill that often, and say what was found."""
    world, began, working = World(folder, seed), time.monotonic(), 0
    await world.first()
    for done in range(kills):
        working += await world.life(kill=True)
        world.look()
        if done % 10 == 9:
            print(f"{done + 1} kills, {world.known.answers} answers", file=sys.stderr, flush=True)
    await world.life(kill=False)
    world.look(everything=True)
    assert not any(each.pending for each in world.clients)
    rows = sum(map(len, world.known.stored.values()))
    seconds = round(time.monotonic() - began)
    return {"kills": kills, "working": working, "answers": world.known.answers, "rows": rows, "seconds": seconds}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))))
