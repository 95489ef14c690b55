"""The table of speed says what was measured, by turns, and in which direction it was asked for."""

import json
import sys

import numpy as np
import pytest

from benchmarks import speed
from benchmarks.speed import MEASURES, Row, made_up, ratio, table


def test_a_row_knows_its_direction():
    """More is better, unless the figure is the most that something may cost."""
    assert Row("gain", 2, 2.5).reached
    assert not Row("gain", 2, 1.5).reached
    assert Row("cost", 3, 2.5, most=True).reached
    assert not Row("cost", 3, 3.5, most=True).reached


def test_the_table_says_what_was_asked():
    """A line per row; without a word on whether it was reached where nothing was asked for."""
    said = table([Row("cost", 3, 3.456, most=True, note="on 414 series"), Row("other", 0, 1.0)]).splitlines()
    assert said[2:] == ["| cost | 3 at most | 3.46 | no | on 414 series |", "| other | none | 1 |  |  |"]


def test_tasks_take_turns(monkeypatch):
    """So that what slows the machine down for a while slows both; the first turn does not count."""
    done = []
    monkeypatch.setattr(speed, "_seconds", lambda task: task() or {"a": 9.0, "b": 3.0}[done[-1]] + (len(done) < 3))
    assert ratio(lambda: done.append("a"), lambda: done.append("b"), times=2) == (3.0, 9.0, 3.0)
    assert done == ["a", "b"] * 3


def test_made_up_series_end_after_what_is_asked():
    """Every series has as many rows as are known, and the steps that are asked for."""
    job = made_up(3, 100)
    assert (job.windows, len(job.ids)) == (1, 3)
    np.testing.assert_array_equal(job.known, 100)
    assert len(job.past(0)) == 300
    assert job.came().shape == (3, 1, speed.HORIZON)


def test_a_gpu_is_not_required(monkeypatch):
    """Where there is none there is no row."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert list(MEASURES["gpu"]()) == []


def test_shares_of_a_step_add_up():
    """The LSTM, the drawing of the batch and all else make a whole step."""
    pytest.importorskip("torch")
    parts = speed._profiled(speed._steps("float32", batch=4, crop=50, hidden=8), times=1)
    assert set(parts) == {"LSTM", "drawing", "else"}
    assert sum(parts.values()) == pytest.approx(1)
    assert min(parts.values()) > 0


def test_what_was_measured_is_recorded(tmp_path, monkeypatch, capsys):
    """A line of JSON per run, and the table."""
    monkeypatch.setitem(MEASURES, "share", lambda: iter([Row("some", 2, 3.0)]))
    monkeypatch.setattr(sys, "argv", ["speed", "share", "--log", str(tmp_path / "log.jsonl")])
    for _ in range(2):
        speed.main()
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["rows"][0]["measured"] for line in lines] == [3.0, 3.0]
    assert "| some | 2 at least | 3 | yes |" in capsys.readouterr().out
