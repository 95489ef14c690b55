"""The growth benchmark makes up what it says, and its tables say what was told."""

import numpy as np
import pytest

from benchmarks.growth import SIZES, series, table, typical_step, write_panel
from foregate import read


def test_series_are_the_same_whatever_is_beside_them():
    """A series is known by its number: made up with others or alone, it has the same positive values."""
    together = series(0, 5, 60)
    np.testing.assert_array_equal(series(3, 2, 60), together[3:])
    assert (together > 0).all()
    assert len(np.unique(together[:, 0])) == 5


def test_the_written_panel_is_what_was_made_up(tmp_path, monkeypatch):
    """Parts of it follow one another in one table of regular series."""
    monkeypatch.setattr("benchmarks.growth.TOGETHER", 2)
    write_panel(tmp_path / "panel.parquet", 5, 30)
    panel = read(tmp_path / "panel.parquet")
    assert panel.is_regular
    assert panel.lengths.tolist() == [30] * 5
    np.testing.assert_array_equal(panel.values.reshape(5, 30), series(0, 5, 30).astype(np.float32))


def test_a_step_is_timed_without_what_lies_between():
    """Checks and what comes after them do not count."""
    seen = [("started", 0.0), ("step", 5.0), ("step", 6.0), ("checked", 60.0), ("improved", 61.0), ("step", 62.0)]
    assert typical_step(seen) == pytest.approx(1)


def test_tables_have_a_line_per_size():
    """Seconds of processor and peaks are taken over all stages; memory beyond the data from what was held before."""
    part = {"seconds": 2.0, "cpu": 1.0, "peak_mib": 300.0}
    panels = {"table": "panels", "read": part, "fit": part | {"peak_mib": 900.0}, "predict": part, "steps": 3}
    history = {"table": "histories", "before_mib": 250.0, "step": 0.25, "fit": part, "predict": part}
    said = table([panels | {"size": 2_000}, panels | {"size": 1_000}, history | {"size": 10}])
    assert "| 1,000 | 1.0 | 1.0 | 1.0 | 3.0 | 6 | 900 |\n| 2,000 | 1.0 | 1.0 | 1.0 | 1.5 | 6 | 900 |" in said
    assert said.endswith("| 10 | 0.250 | 1.0 | 1.0 | 50 |")
    assert set(SIZES) == {"panels", "histories"}
