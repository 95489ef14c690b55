"""What looking into a model takes is measured on a model of the size that is asked for."""

from benchmarks.inspection import Taken, fitted, gates, page, panel_of
from foregate.inspection.look import PARTS


def test_longer_series_take_longer():
    """Gates of many steps more than those of a few."""
    assert 0 < gates(20, 4, 2).processor < gates(20_000, 4, 2).processor


def test_every_part_is_timed(monkeypatch):
    """The ways to look in, and writing what was seen."""
    monkeypatch.setattr("foregate.inspection.subject.Scope.probes", 2)
    told = dict(page(fitted(panel_of(2, 60))))
    assert list(told) == [*PARTS, "drawing and writing"]
    assert min(taken.wall for taken in told.values()) >= 0
    assert str(Taken(1.5, 0.25)) == "1.50 s (0.25 s of processor)"
