"""Laws of tables that are sent: what can be read is stored, and what is hostile is refused within its limits."""

import asyncio
import json
import random
import struct
import time
import zlib

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from foregate.service.observations.importing import import_table
from foregate.service.observations.shapes import Table
from foregate.service.problems import Problem
from tests.service.sessions.worlds import World


class Holder:
    """What an import needs of a service."""

    def __init__(self, world):
        self.settings, self.fleet = world.settings, world.fleet


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path, parse_seconds=20, parse_bytes=1 << 30)
    made.settings = made.settings.model_copy(update={"data_dir": tmp_path})
    yield made
    assert list((tmp_path / "tmp").iterdir()) == []
    made.close()


def sent(world, content, kind, **said):
    async def pieces():
        for i in range(0, len(content), 1 << 20):
            yield content[i : i + (1 << 20)]

    return asyncio.run(import_table(Holder(world), pieces(), Table(format=kind, **said)))


def made(world, *names, freq="h"):
    asyncio.run(world.series(*names, freq=freq))


def stored(world, name):
    return [row[1] for row in asyncio.run(world.stored(name))]


CSV = """\ufeffseries,more,time,value\r
a,x,2023-01-01T00:00:00Z,1.5\r
a,"y,
y",2023-01-01 02:00,\r
b,z,2023-01-01,-2\r
"""


def test_tables_of_every_kind_say_the_same(world, tmp_path):
    """The same rows are the same as CSV, Parquet and lines of JSON, and again they are no news."""
    made(world, "a", "b")
    taken = sent(world, CSV.encode(), "csv")
    assert taken.counts == {"stored": 3}
    frame = pl.read_csv(CSV.encode())
    frame.write_parquet(tmp_path / "x.parquet")
    content = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").unlink()
    assert sent(world, content, "parquet").counts == {"duplicate": 3}
    lines = "\n".join(json.dumps(row) for row in frame.to_dicts())
    assert sent(world, lines.encode(), "ndjson").counts == {"duplicate": 3}
    assert stored(world, "a") == [1.5, None]
    assert stored(world, "b") == [-2.0]


def test_long_tables_are_stored_in_parts_and_told_by_their_rows(world):
    """More rows than a part are all stored, and what is refused is told by its place in the table."""
    made(world, "a", freq=1)
    rows = [f"a,{i},{i % 7}" for i in range(12_000)]
    rows[7000], rows[11_000] = "none,1,1", "a,7,999"
    taken = sent(world, "\n".join(["name,t,y", *rows]).encode(), "csv", series="name", time="t", value="y")
    assert taken.counts == {"stored": 11_998, "invalid": 1, "conflict": 1}
    assert [place for place, _, _ in taken.told] == [7000, 11_000]


HOSTILE = {
    "no table": ("csv", b""),
    "other columns": ("csv", b"a,b\n1,2\n"),
    "a column twice": ("csv", b"series,time,value,value\n"),
    "many columns": ("csv", b"series,time,value," + b"a," * 1_000_000 + b"\n"),
    "an open quote": ("csv", b'series,time,value\n"' + b"a,1,1\n" * 100_000),
    "one large field": ("csv", b"series,time,value\n" + b"a" * 30_000_000),
    "other lengths": ("csv", b"series,time,value\na,1\n"),
    "no text": ("csv", b"series,time,value\n\xff\xfe,1,1\n"),
    "no number": ("csv", b"series,time,value\na,1,=1+1\n"),
    "infinity": ("csv", b"series,time,value\na,1,1e999\n"),
    "deep lines": ("ndjson", b"[" * 60_000 + b"\n"),
    "no objects": ("ndjson", b"[1,2,3]\n"),
    "a list": ("ndjson", b'{"series": ["a"], "time": {"a": 1}, "value": 1}\n'),
    "a large number": ("ndjson", b'{"series": "a", "time": 1' + b"0" * 5000 + b', "value": 1}\n'),
    "no Parquet": ("parquet", b"PAR1" + b"\0" * 100 + b"PAR1"),
    "a large footer": ("parquet", b"PAR1" + b"\0" * 100 + struct.pack("<I", 2**31 - 1) + b"PAR1"),
    "a gzip": ("csv", zlib.compress(b"series,time,value\n" + b"a,1,1\n" * 100)),
}


PLACES = {"page": (b"\x15\xd8\x04", b"\x15\xfe\xff\xff\xff\x0f"), "footer": (b"\x16\xd8\x04", b"\x16\xfe\x7f")}
"""Where 300 values are counted, and what may stand there instead: 2^31 - 1, or 8191, which is as long."""


@pytest.mark.parametrize("place", PLACES)
def test_parquet_that_counts_wrongly_is_not_believed(world, tmp_path, place):
    """A file whose page or footer says that there are more values than there are is read so far, or refused."""
    made(world, "a", freq=1)
    columns = {"series": ["a"] * 300, "time": np.arange(300), "value": np.arange(300.0)}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet", compression="none", use_dictionary=False)
    content = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").unlink()
    told, instead = PLACES[place]
    assert told in content
    forged = content.replace(told, instead, 1 if place == "page" else -1)
    try:
        found = sent(world, forged, "parquet").counts
    except Problem as problem:
        found = {str(problem.status): 0}
    assert found in ({"stored": 300}, {"422": 0})
    assert len(stored(world, "a")) == found.get("stored", 0)


@pytest.mark.slow
def test_parquet_with_anything_changed_is_read_or_refused(world, tmp_path):
    """Of 150 files with bytes changed anywhere each is stored, as far as it can be read, or refused."""
    made(world, "a", freq=1)
    columns = {"series": ["a"] * 300, "time": np.arange(300), "value": np.arange(300.0)}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet", compression="zstd")
    content = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").unlink()
    draw, told = random.Random(0), []
    for _ in range(150):
        changed = bytearray(content)
        for _ in range(draw.choice((1, 3))):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        try:
            told.append(set(sent(world, bytes(changed), "parquet").counts))
        except Problem as problem:
            told.append({problem.status})
    assert set().union(*told) <= {"stored", "duplicate", "conflict", "invalid", 422}
    assert told.count({422}) > 30


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tables_are_refused(world, name):
    """A table that cannot be read is a problem, soon, and nothing of it is stored."""
    made(world, "a", freq=1)
    kind, content = HOSTILE[name]
    began = time.perf_counter()
    with pytest.raises(Problem, match="the table must be one that can be read") as caught:
        sent(world, content, kind)
    assert caught.value.status == 422
    assert time.perf_counter() - began < 20
    assert stored(world, "a") == []


def test_parquet_that_is_much_larger_than_it_looks_is_refused(world, tmp_path):
    """A small file in which one long text stands a hundred thousand times is refused by the limits."""
    made(world, "a", freq=1)
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(100_000, np.int32)), pa.array(["a" * 1_000_000]))
    numbers = pa.array(np.arange(100_000))
    pq.write_table(pa.table({"series": texts, "time": numbers, "value": numbers}), tmp_path / "bomb.parquet")
    content = (tmp_path / "bomb.parquet").read_bytes()
    (tmp_path / "bomb.parquet").unlink()
    assert len(content) < 2_000_000
    with pytest.raises(Problem, match=r"too much memory|can be read"):
        sent(world, content, "parquet")


def test_what_takes_too_long_is_ended(world):
    """Reading that does not end in time is ended, with the process that does it."""
    world.settings = world.settings.model_copy(
        update={"ingest": world.settings.ingest.model_copy(update={"parse_seconds": 0.05})}
    )
    with pytest.raises(Problem, match=r"it took more than 0\.05 s"):
        sent(world, b"series,time,value\n" + b"a,1,1\n" * 1_000_000, "csv")
