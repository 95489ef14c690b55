"""What looking into a model takes is measured on a model of the size that is asked for."""

from benchmarks.inspection import fitted, gates_seconds, page_seconds, panel_of


def test_longer_series_take_longer():
    """Gates of many steps more than those of a few."""
    assert 0 < gates_seconds(20, 4, 2) < gates_seconds(20_000, 4, 2)


def test_every_part_is_timed(monkeypatch):
    """The ways to look in, and writing what was seen."""
    monkeypatch.setattr("foregate.inspection.subject.Scope.probes", 2)
    told = dict(page_seconds(fitted(panel_of(2, 60))))
    assert list(told) == ["memory", "gates", "gradients", "attention", "drawing and writing"]
    assert min(told.values()) >= 0
