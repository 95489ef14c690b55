"""Laws of all sessions under whatever comes: any order of calls, restarts, and processes that are killed."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from foregate.core import DataError
from foregate.service.problems import Problem
from tests.service.sessions.test_fleet import close, replayed, said
from tests.service.sessions.worlds import World
from tests.streaming.models import fitted

LATE = ("reject", "record", "rebuild")


class Sessions(RuleBasedStateMachine):
    """Three sessions, one of each policy, beside a plain account of what they must have read."""

    names = Bundle("names")

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        self.runner = asyncio.Runner()
        self.world = World(Path(self.folder.name), resident=2, snapshot_rows=4, gap_rows=30)
        self.stored = {name: {} for name in LATE}
        self.read = {name: {} for name in LATE}
        self.version = 1
        self.run(self.world.series(*LATE))
        for name in LATE:
            self.run(self.world.open(name, late=name))

    def run(self, work):
        return self.runner.run(work)

    def expected(self, name, time, value, revise):
        """What becomes of a row: its outcome, and the account is brought up to date."""
        stored, read = self.stored[name], self.read[name]
        if time in stored:
            if stored[time] == value:
                return "duplicate"
            if name != "rebuild" or not revise:
                return None
            stored[time] = read[time] = value
            return "revised"
        if read and time < max(read):
            if name == "reject":
                return None
            stored[time] = value
            if name == "rebuild":
                read[time] = value
                return "stored"
            return "recorded"
        if read and time - max(read) > 30:
            return None
        stored[time] = read[time] = value
        return "stored"

    @rule(name=st.sampled_from(LATE), ahead=st.integers(-6, 40), value=st.integers(1, 9), revise=st.booleans())
    def step(self, name, ahead, value, revise):
        """One observation, in its time or not."""
        row = max(self.read[name], default=0) + ahead, float(value)
        outcome = self.expected(name, *row, revise)
        if outcome is None:
            with pytest.raises((Problem, DataError), match="must"):
                self.run(self.world.step(name, row, revise=revise))
            return
        stepped = self.run(self.world.step(name, row, revise=revise))
        assert stepped.counts == {outcome: 1}
        if outcome in ("stored", "revised"):
            self.says(name, said(stepped))

    @rule(name=st.sampled_from(LATE), steps=st.integers(1, 9), value=st.integers(1, 9))
    def ingest(self, name, steps, value):
        """Several observations past the session."""
        last = max(self.read[name], default=0)
        rows = [(name, last + 1 + i, float(value + i % 2)) for i in range(steps)]
        for row in rows:
            self.expected(*row, False)
        assert self.run(self.world.take(*rows)).counts == {"stored": steps}

    @rule(name=st.sampled_from(LATE))
    def ask(self, name):
        """A forecast."""
        if self.read[name]:
            self.says(name, self.run(self.world.fleet.forecast([name], 3))[0].values)
        else:
            with pytest.raises(Problem, match="must have an observed value"):
                self.run(self.world.fleet.forecast([name], 3))

    @rule(well=st.booleans())
    def restart(self, well):
        """The process ends, well or not, and another one begins."""
        if well:
            self.run(self.world.fleet.stop())
        self.world.fleet = self.world.made()

    @rule()
    def move(self):
        """The alias names the other version."""
        self.version = 3 - self.version
        self.world.champion(self.version)
        self.run(self.world.fleet.mover.sweep())
        self.read["record"] = dict(self.stored["record"])  # what came late is read with all the rest now

    def says(self, name, values):
        model = None if self.version == 1 else fitted((3, 1), seed=8)
        close(values, replayed(sorted(self.read[name].items()), model))

    def teardown(self):
        if hasattr(self, "world"):
            for name in LATE:
                rows = self.run(self.world.stored(name))
                assert {time: value for time, value, _ in rows} == self.stored[name]
            self.run(self.world.fleet.stop())
            self.runner.close()
            self.world.close()
            self.folder.cleanup()


def test_whatever_is_asked():
    """After any steps, bulk ingests, forecasts, restarts and moves a session has read what it must have read."""
    run_state_machine_as_test(Sessions, settings=settings(max_examples=8, stateful_step_count=20, deadline=None))


@pytest.mark.slow
def test_whatever_is_asked_for_long():
    """The same, for long."""
    run_state_machine_as_test(Sessions, settings=settings(max_examples=300, stateful_step_count=40, deadline=None))


CHILD = """
import asyncio, sys
from pathlib import Path
from tests.service.sessions.worlds import World

async def main(folder, begin):
    world = World(Path(folder), snapshot_rows=5, resident=3)
    names = [f"s{i}" for i in range(6)]
    await world.series(*names)
    await world.open(*names)
    async def send(name):
        session = await world.session(name)
        t = session.seq
        while True:
            stepped = await world.step(name, (t, float(t * 7 % 11)), expected=t)
            print(name, t, stepped.seq, flush=True)
            t += 1
    async def ingest():
        known, t = "bulk", 0
        await world.series(known)
        while True:
            rows = [(known, begin + t * 10 + i, float(i)) for i in range(10)]
            taken = await world.take(*rows)
            for row in rows:
                print(*row[:2], 0, flush=True)
            t += 1
    await asyncio.gather(ingest(), *map(send, names))

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def killed(folder, kills, seed=0):
    """Kill a process that ingests so many times; everything that it acknowledged."""
    rng, told = random.Random(seed), []
    for kill in range(kills):
        command = [sys.executable, "-c", CHILD, str(folder), str(kill * 1_000_000)]
        with (folder / "told").open("w+") as out:
            process = subprocess.Popen(command, stdout=out, env=os.environ | {"OMP_NUM_THREADS": "1"})
            until = time.monotonic() + 60
            while not (folder / "told").stat().st_size and process.poll() is None and time.monotonic() < until:
                time.sleep(0.005)
            time.sleep(rng.random() * 0.3)
            process.send_signal(signal.SIGKILL)
            process.wait()
            out.seek(0)
            lines = out.read().splitlines(keepends=True)
        assert lines, "the process must have begun to answer before it was killed"
        told += [line.split() for line in lines if line.endswith("\n")]
    return told


def check_killed(folder, kills):
    told = killed(folder, kills)
    world = World(folder, snapshot_rows=5)

    async def check():
        assert await world.database.read(lambda c: c.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"
        for name in [f"s{i}" for i in range(6)]:
            rows, session = await world.stored(name), await world.session(name)
            assert [row[0] for row in rows] == list(range(len(rows)))  # none twice, none left out
            assert [row[2] for row in rows] == list(range(1, len(rows) + 1))
            assert (session.seq, session.last_time) == (len(rows), len(rows) - 1)
            acknowledged = [int(t) for who, t, _ in told if who == name]
            assert max(acknowledged, default=-1) < len(rows)
            assert len(set(acknowledged)) == len(acknowledged)
            if rows:
                close(said((await world.fleet.forecast([name], 3))[0]), replayed([row[:2] for row in rows]))
        bulk = {row[0] for row in await world.stored("bulk")}
        assert {int(t) for who, t, _ in told if who == "bulk"} <= bulk
        assert np.isin(np.array(sorted(bulk)) % 10, np.arange(10)).all()
        assert all((time // 10) * 10 + i in bulk for time in bulk for i in range(10))  # calls are whole

    asyncio.run(check())
    world.close()
    return len(told)


def test_nothing_acknowledged_is_lost_when_a_process_is_killed(tmp_path):
    """After kills at any moment all that was acknowledged is stored once, and the states are those of the rows."""
    assert check_killed(tmp_path, 2) > 8


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_in_300_kills(tmp_path):
    """The same, 300 times."""
    assert check_killed(tmp_path, 300) > 3000
