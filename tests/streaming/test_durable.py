"""Laws of a durable live forecaster: wherever it dies, what was answered is there, once."""

import datetime as dt
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from foregate import read
from foregate.core import ArtifactError, DataError, UsageError
from foregate.streaming import Durable, Live
from foregate.streaming.journal import Journal, digest
from tests.forecasting.networks import HORIZON, model
from tests.streaming.models import fitted
from tests.streaming.test_columns import history, row_of

MODEL = fitted()


class Killed(BaseException):
    """The end of a process."""


def opened(path, **options):
    return Durable(path, MODEL, lambda: Live(MODEL), **options)


def row(t, name="a"):
    return {"unique_id": name, "ds": t, "y": None if t % 5 == 3 else 10.0 + t % 4 + t / 7}


def plain(rows):
    live = Live(MODEL)
    for one in rows:
        live.update(one)
    return live


def same(one, other):
    """Bit for bit, and from the same rows."""
    assert one.ids == other.ids
    np.testing.assert_array_equal(one.expected(), other.expected())
    np.testing.assert_array_equal(one.forecast().values, other.forecast().values)


ROWS = [row(t, name) for t in range(12) for name in "ab"]
FEW = ROWS[:5]


@pytest.mark.parametrize("every", [1, 5, None])
def test_what_was_read_is_there_after_a_kill(tmp_path, every):
    """Without any end, the next process goes on bit for bit; with a proper end no entry is left."""
    for i in range(0, len(ROWS), 6):
        durable = opened(tmp_path / "s", every=every)
        assert durable.resumed == (i > 0)
        for one in ROWS[i : i + 6]:
            durable.update(one)
        durable._journal.close()  # as the kernel does
    with opened(tmp_path / "s") as durable:
        same(durable.live, plain(ROWS))
        durable.update(row(12))
    assert (tmp_path / "s.journal").read_bytes().count(b"\n") == 1
    same(Live.restore(MODEL, (tmp_path / "s").read_bytes()), plain([*ROWS, row(12)]))


def dying(monkeypatch, at, after):
    """Let the process die at the call of that number to the system: before it, half through a write, or after it."""
    calls = iter(range(10_000))

    def wrapped(function, halved=False):
        def call(*given):
            if next(calls) != at:
                return function(*given)
            if after:
                function(*given)
            elif halved:
                function(given[0], given[1][: len(given[1]) // 2])
            raise Killed

        return call

    monkeypatch.setattr(os, "write", wrapped(os.write, halved=True))
    monkeypatch.setattr(os, "ftruncate", wrapped(os.ftruncate))
    monkeypatch.setattr(os, "fsync", wrapped(lambda _: None))  # whose time is all that it costs here
    monkeypatch.setattr(Path, "replace", wrapped(Path.replace))


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("fsync", [False, True])
def test_it_may_die_anywhere(tmp_path, monkeypatch, after, fsync):
    """Killed at every single call to the system, snapshots included: what was answered is in, and nothing twice."""
    deaths = 0
    for at in range(10_000):
        path = tmp_path / f"s{at}"
        answered, died, durable = 0, False, None
        with monkeypatch.context() as patched:
            dying(patched, at, after)
            try:
                durable = opened(path, every=2, fsync=fsync)
                for one in FEW:
                    durable.update(one)
                    answered += 1
            except Killed:
                died = True
        if died:
            deaths += 1
            if durable is not None:
                durable._journal.close()
            durable = opened(path, every=2)
        known = int(np.sum(durable.live.expected()))  # all series begin at 0
        assert answered <= known <= answered + 1
        for one in FEW[answered:]:  # sent again; what had come in is told to be known
            assert durable.update(one).read == (0 if one is FEW[answered] and known > answered else 1)
        same(durable.live, plain(FEW))
        durable.close()
        if not died:
            break
    assert deaths > 15


def test_refusals_are_not_written(tmp_path):
    """What is refused leaves the journal as it was."""
    with opened(tmp_path / "s") as durable:
        durable.update(row(0))
        before = (tmp_path / "s.journal").read_bytes()
        for wrong in ({"unique_id": "a", "ds": 0, "y": 99.0}, {"unique_id": "a", "ds": 1, "y": "many"}):
            with pytest.raises(DataError):
                durable.update(wrong)
        assert (tmp_path / "s.journal").read_bytes() == before


def test_every_kind_of_rows(tmp_path):
    """Whatever a live forecaster takes is read, and read again, as it does; only files are to be read first."""
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    columns = {"unique_id": ["a"] * 6, "ds": [start + dt.timedelta(hours=t) for t in range(6)], "y": np.arange(6.0)}
    frame = pl.DataFrame(columns)
    naive = [time.replace(tzinfo=None) for time in columns["ds"]]
    kinds = {
        "polars": frame,
        "pandas": pd.DataFrame({**columns, "ds": pd.to_datetime(columns["ds"])}),
        "arrow": frame.to_arrow(),
        "panel": read(frame, freq="h"),
        "columns": columns,
        "arrays": {**columns, "ds": np.array(naive, "datetime64[ns]"), "y": pl.Series(range(6))},
        "rows": frame.to_dicts(),
        "numpy": [{"unique_id": "a", "ds": np.datetime64(t), "y": np.float32(i)} for i, t in enumerate(naive)],
    }
    whole = Live(MODEL, freq="h")
    whole.update(columns)
    for name, rows in kinds.items():
        durable = Durable(tmp_path / name, MODEL, lambda: Live(MODEL, freq="h"))
        assert durable.update(rows).read == 6
        same(durable.live, whole)
        durable._journal.close()
        with Durable(tmp_path / name, MODEL, lambda: Live(MODEL, freq="h")) as again:
            same(again.live, whole)
            with pytest.raises(UsageError, match="the name of a file"):
                again.update("rows.csv")
            with pytest.raises(DataError, match="'y' must be"):
                again.update({"unique_id": "a", "ds": "2024-01-01T06:00", "y": object()})


def test_what_has_no_words_in_json_is_refused(tmp_path):
    """What a live forecaster refuses does not become the name of a series; every kind of number is one."""
    with opened(tmp_path / "s") as durable:
        for name in (b"a", {1}, object()):
            with pytest.raises(DataError, match="'unique_id' must be text or a whole number"):
                durable.update(row(12) | {"unique_id": name})
        with pytest.raises(DataError, match="an observation must have"):
            durable.update(row(t) for t in range(3))
        durable.update(row(11) | {"what nobody reads": b"a"})
        for t, y in ((12, np.longdouble(3)), (13, np.float32(3)), (14, Fraction(3)), (15, np.array([3], "g"))):
            given = row(t) | {"y": y}
            durable.update({key: [value] for key, value in given.items()} | {"y": y} if t == 15 else given)
            assert durable.live._carried.state.kept(0, t - 11) == 3


def test_every_operation_is_done_again(tmp_path):
    """Late values, corrections and ends are there after a kill, bit for bit, and what is refused is not."""
    durable, live = opened(tmp_path / "s"), Live(MODEL)
    for each in (durable.live, live):
        each.allow_late(6)
    durable.save()
    for each in (durable, live):
        for one in ROWS:
            each.update(one)
        each.update(row(15))
        assert each.update(row(14)).late == 1
        assert each.correct([{**row(11), "y": 3.0}, {**row(12), "y": 5.0}]).late == 2
        each.drop("b")
        for wrong in ({**row(20), "y": 3.0}, {**row(1), "y": 3.0}):
            with pytest.raises(DataError):
                each.correct(wrong)
        with pytest.raises(DataError, match="'b'"):
            each.drop(("a", "b"))
        each.update(row(3, "c"))
        each.drop(["c"])
    durable._journal.close()
    with opened(tmp_path / "s") as again:
        same(again.live, live)
        assert again.replayed == len(ROWS) + 6
        assert again.correct({**row(14), "y": 4.0}).late == 1


def test_what_is_announced_is_there(tmp_path):
    """Covariates that come with observations, and ahead of them, are there after a kill."""
    panel, columns = history()
    told = model(columns=columns)
    whole = Live.start(told, panel.cut(np.array([20, 10])))
    durable = Durable(tmp_path / "s", told, whole.fork)
    for each in (durable, whole):
        each.update([row_of(panel, 0, t) for t in (20, 21)])
        each.announce([row_of(panel, s, t, target=False) for s, n in ((0, 22), (1, 10)) for t in range(n, n + HORIZON)])
    durable._journal.close()
    with Durable(tmp_path / "s", told, whole.fork) as again:
        same(again.live, whole)


def test_what_else_changes_it_is_saved(tmp_path):
    """A watch that is begun, and saved, is there after a kill, and goes on."""
    durable = opened(tmp_path / "s")
    durable.live.watch(3)
    durable.save()
    for one in ROWS:
        durable.update(one)
    durable._journal.close()
    live = Live(MODEL)
    live.watch(3)
    for one in ROWS:
        live.update(one)
    with opened(tmp_path / "s") as again:
        assert again.live.scores().equals(live.scores())
        same(again.live, live)


def test_snapshots_come_as_often_as_asked(tmp_path):
    """The journal never holds more observations than were to lie between two snapshots."""
    with opened(tmp_path / "s", every=4) as durable:
        for t in range(20):
            durable.update(row(t))
            assert (tmp_path / "s.journal").read_bytes().count(b"\n") == 1 + (t + 1) % 4
        durable.update([row(t) for t in range(20, 30)])
        assert (tmp_path / "s.journal").read_bytes().count(b"\n") == 1


def test_a_full_disk_ends_it(tmp_path, monkeypatch):
    """Where an entry cannot be written nothing goes on, and what was answered before is there."""
    durable = opened(tmp_path / "s")
    durable.update(row(0))
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda file, text: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space left"):
            durable.update(row(1))
    with pytest.raises(UsageError, match="must be open"):
        durable.update(row(1))
    durable.close()
    with opened(tmp_path / "s") as again:
        same(again.live, plain([row(0)]))


def test_what_does_not_belong_together_is_told(tmp_path):
    """A snapshot that is gone or another's, entries that are refused now, a second holder, no folder."""
    durable = opened(tmp_path / "s")
    durable.update(row(0))
    with pytest.raises(UsageError, match="held by another"):
        opened(tmp_path / "s")
    kept = (tmp_path / "s").read_bytes()
    durable._journal.close()
    (tmp_path / "s").unlink()
    with pytest.raises(ArtifactError, match="must follow the snapshot beside it"):
        opened(tmp_path / "s")
    (tmp_path / "s").write_bytes(plain(ROWS).snapshot())
    with pytest.raises(ArtifactError, match="must follow the snapshot beside it"):
        opened(tmp_path / "s")
    (tmp_path / "s").write_bytes(kept)
    opened(tmp_path / "s").close()
    for wrong in ({"op": "update", "rows": {"ds": "x", "y": 1}}, {"op": "forget", "rows": 1}):
        journal = Journal(tmp_path / "s.journal")
        journal.begin(digest((tmp_path / "s").read_bytes()))
        journal.append(wrong)
        journal.close()
        before = (tmp_path / "s").read_bytes(), (tmp_path / "s.journal").read_bytes()
        with pytest.raises(ArtifactError, match="must be as it was done, but is refused now"):
            opened(tmp_path / "s")
        assert ((tmp_path / "s").read_bytes(), (tmp_path / "s.journal").read_bytes()) == before
    with pytest.raises(UsageError, match="must be a file in a folder that exists"):
        opened(tmp_path / "no" / "s")
    with pytest.raises(UsageError, match="every must be"):
        opened(tmp_path / "s", every=0)
