"""Panels of the lab end where they must, and each seed draws its own."""

import numpy as np
import pytest

from benchmarks import cases
from benchmarks.lab import data
from benchmarks.lab.data import CLASSES, PANELS, WORDS, classes, panel
from benchmarks.lab.scale import SCALES

TINY = SCALES["tiny"]
MADE = [name for name in PANELS if name.startswith("made")]


@pytest.mark.parametrize("name", MADE)
def test_made_up_panels_are_those_of_their_seed(name):
    """The same seed draws the same, another one another; nothing is missing, and the last step asked for is the end."""
    one, again, other = (panel(name, TINY, seed) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(one.values, again.values, strict=True))
    assert not np.array_equal(one.values[0], other.values[0])
    for y, n in zip(one.values, one.trained, strict=True):
        assert np.isfinite(y).all()
        assert n + one.origins[-1] + one.horizon == len(y)
    assert (one.scales > 0).all()


def test_who_knows_what_came_does_not_err():
    """Errors of what came are 0, and those of what lies one scale beside it 1, at every step."""
    given = panel("made hours", TINY, 0)
    assert given.errors(given.came())["mase"] == 0
    beside = given.errors(given.came() + given.scales[:, None, None])
    assert beside["mase"] == beside["rmsse"] == pytest.approx(1)
    assert beside["steps"] == [pytest.approx(1)] * given.horizon


def test_an_echo_comes_back():
    """After 60 steps nine tenths of a value are there again, and after 30 nothing of it."""
    y = panel("made echo", SCALES["small"], 0).values[0]
    assert np.corrcoef(y[60:], y[:-60])[0, 1] == pytest.approx(0.9, abs=0.08)
    assert abs(np.corrcoef(y[30:], y[:-30])[0, 1]) < 0.25


@pytest.mark.parametrize("name", [name for name in CLASSES if name.startswith("made")])
def test_made_up_classes_are_judged_by_half(name):
    """Of each class; what is judged is not learnt from, and each seed judges others."""
    given = classes(name, 0)
    for label in np.unique(given.y):
        assert abs(given.judged[given.y == label].mean() - 0.5) < 0.01
    assert not np.array_equal(given.judged, classes(name, 1).judged)


@pytest.mark.parametrize("name", [name for name in PANELS if not name.startswith("made")])
def test_no_test_part_is_read(name, data_dir, monkeypatch):
    """No file of a test part is opened, and every value lies before the windows of the final print."""
    read = cases.table

    def table(of, part="train"):
        assert part == "train", f"{of}: the test part was opened"
        return read(of, part)

    monkeypatch.setattr(cases, "table", table)
    given = panel(name, TINY, 0)
    monkeypatch.undo()
    job = cases.CASES[name].job(name, test=True)
    y = np.nan_to_num(job.rows["y"].to_numpy().astype(np.float64), nan=np.inf)
    ends = job.starts[:-1] + job.known[:, 0]
    before = [y[a:b] for a, b in zip(job.starts[:-1], ends, strict=True)]
    for values in given.values:
        tail = values[-given.horizon :]
        assert any(_within(tail, past) for past in before)


def _within(tail, past):
    windows = np.lib.stride_tricks.sliding_window_view(past, len(tail))
    return bool(np.isclose(windows, tail, rtol=1e-5).sum(1).max() >= 0.8 * len(tail))  # missing values were filled in


@pytest.mark.parametrize("name", [name for name in CLASSES if not name.startswith("made")])
def test_labelled_sequences_come_from_their_training_part(name, data_dir, monkeypatch):
    """Of the files of a set of sequences, the test part stays closed."""
    read = data.table
    monkeypatch.setattr(data, "table", lambda of, part="train": read(of) if part == "train" else pytest.fail(of))
    given = classes(name, 0)
    assert given.x.shape[0] == len(given.y) <= data.MOST_SEQUENCES
    assert np.isfinite(given.x).all()


def test_every_set_has_words():
    """The page says what each of them is."""
    assert set(WORDS) == {*PANELS, *CLASSES}
