"""Kills a process that registers models and moves names, again and again, and looks what is there afterwards.

    python -m tests.service.registry.crash FOLDER KILLS SEED

A child says what it is about to do, does it, and says that it is done; it is killed at any moment. The next one first
looks: what was said to be done is there, to the byte; what was begun is there whole or not at all. Nothing is loaded
anew: children are forked from a process that opens nothing itself.
"""

import asyncio
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from foregate.service.registry.registry import Registry
from foregate.service.store.database import Database
from foregate.service.store.schema import migrate
from tests.service.registry.conftest import glance, write_model

MODELS, SIZE = ("a", "b"), 60_000
EARLY = 0.2
"""Share of the kills that come while a child opens what is there."""
LOOK_BACK = 40
"""So many of the versions that were answered are looked at by each child; by the last one, all."""


class Known:
    """What was answered, and what may have happened."""

    def __init__(self) -> None:
        self.versions: list[tuple[str, int, str]] = []
        self.champion: dict[str, int] = {}
        self.begun: list[dict] = []

    def hear(self, lines: list[dict]) -> None:
        """What a child said before it was killed."""
        for line in lines:
            if line["said"] == "begin":
                self.begun.append(line)
            elif line["said"] == "version":
                self.versions.append((line["model"], line["version"], line["sha256"]))
            elif line["said"] == "moved":
                self.champion[line["model"]] = line["version"]
                self.begun = [each for each in self.begun if each["model"] != line["model"] or each["what"] != "move"]
            elif line["said"] == "looked":  # what is there now is what there was to choose from
                self.champion, self.begun = line["champion"], []


async def look(registry: Registry, known: Known, *, everything: bool) -> dict[str, int]:
    """Fail if anything that was answered is not there, or anything that is there is not whole."""
    answered = known.versions if everything else known.versions[-LOOK_BACK:]
    there = {model: await registry.versions(model) for model in {model for model, _, _ in known.versions}}
    for model, number, sha256 in answered:
        version = there[model][number - 1]
        assert (version.version, version.sha256) == (number, sha256), f"{model} {number} is another one"
    champion = {}
    for model, versions in there.items():
        assert [each.version for each in versions] == list(range(1, len(versions) + 1)), "a number is missing"
        for each in versions if everything else versions[-LOOK_BACK:]:
            registry.packed(each)
        moves = await registry.history(model)
        found = next(iter(each.after for each in moves), None)
        alias = (await registry.aliases(model)).get("champion")
        assert (alias and alias[0]) == found, "the alias is not what its history says"
        allowed = {known.champion.get(model), *(each.get("version") for each in known.begun if each["model"] == model)}
        assert found in allowed, f"the champion of {model} is {found}, but must be one of {allowed}"
        if found is not None:
            champion[model] = found
            assert (registry.open(await registry.resolve(model)) / "model.json").is_file()
    return champion


async def work(folder: Path, known: Known, say, *, kill: bool, draw: random.Random) -> None:
    """Look, and then register and move until somebody ends it."""
    database = Database(f"sqlite:///{folder / 'foregate.db'}")
    migrate(database)
    registry = Registry(database, folder / "models", examine=glance)
    champion = await look(registry, known, everything=not kill)
    check = "integrity_check" if not kill else "quick_check"
    assert database.read_now(lambda c: c.exec_driver_sql(f"PRAGMA {check}").scalar()) == "ok"
    say(said="looked", champion=champion)
    source = folder / "source" / draw.randbytes(4).hex()
    while kill:
        model = draw.choice(MODELS)
        mark = draw.randbytes(8).hex()
        one = write_model(source.with_name(source.name + mark), mark, SIZE)
        version = await registry.register(model, one, source="upload", actor="me")
        say(said="version", model=model, version=version.version, sha256=version.sha256)
        for path in one.iterdir():
            path.unlink()
        one.rmdir()
        say(said="begin", what="move", model=model, version=version.version)
        await registry.move(model, "champion", version.version, actor="me", reason="newer")
        say(said="moved", model=model, version=version.version)
    database.close()


def child(folder: Path, known: Known, seed: int, *, kill: bool) -> tuple[int, int]:
    """A process that works, and where it says what it does."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    try:
        os.close(read)

        def say(**line) -> None:
            os.write(write, json.dumps(line).encode() + b"\n")

        try:
            asyncio.run(work(folder, known, say, kill=kill, draw=random.Random(seed)))
        except BaseException as error:
            say(said="failed", error=f"{type(error).__name__}: {error}")
    finally:
        os._exit(0)


def heard(read: int, first: bytes = b"") -> list[dict]:
    """All that a child said."""
    with os.fdopen(read, "rb") as pipe:
        return [json.loads(line) for line in (first + pipe.read()).splitlines()]


def main(folder: Path, kills: int, seed: int) -> None:
    """Kill that often, look, and say what was found as JSON."""
    (folder / "source").mkdir(parents=True)
    draw, known, busy = random.Random(seed), Known(), 0
    for i in range(kills):
        pid, read = child(folder, known, seed + i, kill=True)
        early = draw.random() < EARLY
        first = b"" if early else os.read(read, 1 << 16)  # it has looked
        time.sleep(draw.uniform(0, 0.2))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        lines = heard(read, first)
        busy += any(line["said"] == "looked" for line in lines)
        failed = [line["error"] for line in lines if line["said"] == "failed"]
        assert not failed, f"after {i} kills: {failed}"
        known.hear(lines)
    pid, read = child(folder, known, seed, kill=False)
    os.waitpid(pid, 0)
    lines = heard(read)
    assert [line["said"] for line in lines] == ["looked"], lines
    print(json.dumps({"kills": kills, "while working": busy, "versions": len(known.versions)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
