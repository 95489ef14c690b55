"""What the loggers write, also when a run is taken up again."""

import csv
import math
import sys
from pathlib import Path

import pytest

from foregate.core import MissingExtraError, UsageError
from foregate.training.events import Event
from foregate.training.loggers import CsvLogger, TensorBoardLogger
from foregate.training.result import Record

RECORDS = tuple(Record(5 * i, 1 / i, 0.5 / i, 1e-3, 0.25, (0.5, 0.75), (1.0, math.inf)) for i in range(1, 5))


def told(log, first=0, last=4, *place):
    """A run from one check to another, without its end; of which network it is."""
    log(Event("started", 5 * first, 20, None, None, None, None, 0.0, RECORDS[:first], *place))
    for i in range(first, last):
        for step in range(5 * i + 1, 5 * i + 6):
            log(Event("step", step, 20, 0.5, None, 1e-3, 0.25, 9.0, RECORDS[:i], *place))
        log(Event("checked", 5 * i + 5, 20, 0.5, None, 1e-3, 0.25, 9.0, RECORDS[: i + 1], *place))


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_appears_at_every_check(tmp_path):
    """After each check the file has its row, numbers to the last digit, empty where there is none."""
    path = tmp_path / "log.csv"
    log = CsvLogger(path)
    for last in range(1, 5):
        told(log, last - 1, last)
        found = rows(path)
        assert len(found) == last
    assert [float(row["loss"]) for row in found] == [record.loss for record in RECORDS]
    assert found[0] == {
        "member": "0",
        "step": "5",
        "loss": "1.0",
        "score": "0.5",
        "rate": "0.001",
        "gradient_norm": "0.25",
        "forget_0": "0.5",
        "forget_1": "0.75",
        "half_life_0": "1.0",
        "half_life_1": "",
    }
    assert [each.name for each in tmp_path.iterdir()] == ["log.csv"]


@pytest.mark.parametrize("written", [0, 1, 2, 3, 4])
def test_a_file_taken_up_again_is_that_of_a_run_that_never_stopped(tmp_path, written):
    """Whether the file has fewer rows than the checkpoint knows, or more, or was cut, the end is the same."""
    whole, resumed = tmp_path / "whole.csv", tmp_path / "resumed.csv"
    told(CsvLogger(whole))
    told(CsvLogger(resumed), 0, written)
    with resumed.open("a") as file:
        file.write("25,0.")
    told(CsvLogger(resumed), 2, 4)
    assert resumed.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("again", [False, True])
def test_every_network_keeps_its_rows(tmp_path, again):
    """Of several networks the file has all checks, in order, also when the second is taken up after its first check."""
    log = CsvLogger(tmp_path / "log.csv")
    told(log, 0, 4, 0, 2)
    told(log, 0, 1 if again else 3, 1, 2)
    if again:
        log = CsvLogger(tmp_path / "log.csv")
        told(log, 4, 4, 0, 2)
        told(log, 1, 3, 1, 2)
    found = [(row["member"], row["step"]) for row in rows(tmp_path / "log.csv")]
    assert found == [("0", str(5 * i)) for i in range(1, 5)] + [("1", str(5 * i)) for i in range(1, 4)]


def test_networks_of_other_sizes_share_a_file(tmp_path):
    """Where one has more layers to tell of than another, the columns are those of all."""
    log = CsvLogger(tmp_path / "log.csv")
    log(Event("checked", 5, 5, history=(Record(5, 0.5),), members=2))
    log(Event("checked", 5, 5, history=(Record(5, 0.5, forget=(0.5,), half_life=(1.0,)),), member=1, members=2))
    assert [row["forget_0"] for row in rows(tmp_path / "log.csv")] == ["", "0.5"]


def test_a_new_run_begins_the_file_anew(tmp_path):
    """What another run wrote is not mixed with this one."""
    path = tmp_path / "log.csv"
    told(CsvLogger(path))
    CsvLogger(path)(Event("started", 0, 20))
    assert path.read_text() == ""


@pytest.mark.parametrize("place", [".", "missing/log.csv"])
def test_a_place_that_cannot_be_written_is_refused(tmp_path, place):
    """Before anything is trained."""
    with pytest.raises(UsageError, match="path must be a file in a folder that exists, but got"):
        CsvLogger(tmp_path / place)


def test_without_tensorboard_the_extra_is_named(tmp_path, monkeypatch):
    """Whoever asks for it and has it not is told what to install."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match=r'pip install "foregate\[tensorboard\]"'):
        TensorBoardLogger(tmp_path)


def shown(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """What TensorBoard would show."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    seen = EventAccumulator(str(folder), purge_orphaned_data=True)
    seen.Reload()
    return {name: [(each.step, each.value) for each in seen.Scalars(name)] for name in seen.Tags()["scalars"]}


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_shows_steps_and_checks(tmp_path):
    """Every step has its loss, rate and gradient norm, every check its score; a step is shown once, resumed or not."""
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    told(TensorBoardLogger(tmp_path), 0, 3)
    log = TensorBoardLogger(tmp_path)
    told(log, 2, 4)
    log(Event("finished", 20, 20))
    found = shown(tmp_path)
    assert [step for step, _ in found["step/loss"]] == list(range(1, 21))
    assert found["check/score"] == [(record.step, pytest.approx(record.score)) for record in RECORDS]
    assert "check/half_life_1" not in found


@pytest.mark.filterwarnings("ignore")
def test_tensorboard_shows_networks_apart(tmp_path):
    """Each of several networks has a folder of its own, so that no step is shown twice."""
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    log = TensorBoardLogger(tmp_path)
    for member, last in ((0, 3), (1, 2)):
        told(log, 0, last, member, 2)
        log(Event("finished", 20, 20, member=member, members=2))
    for member, last in ((0, 3), (1, 2)):
        assert [step for step, _ in shown(tmp_path / f"member_{member}")["check/loss"]] == [
            5 * i + 5 for i in range(last)
        ]
