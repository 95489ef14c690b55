"""Laws of `foregate.data.grid`."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foregate.core import Covariate, DataError, Panel
from foregate.data.grid import regularize

FREQS = ["h", "30min", "D", "B", "W", "MS", "QS", "ME", "YS", 1, 3]


def panel_with_gaps(keep: list[list[bool]], freq: str | int = "h") -> tuple[Panel, Panel]:
    """A regular panel whose values are their own row numbers, and the same with the rows not kept taken out."""
    starts = {"B": "2024-01-01", "ME": "2024-01-31"}
    start = None if isinstance(freq, int) else np.datetime64(starts.get(freq, "2024-03-01"), "us")
    whole = Panel.from_arrays([np.arange(len(k), dtype=float) for k in keep], freq=freq, start=start)
    covariate = Covariate("future", np.arange(len(whole.values), dtype=np.float32))
    whole = replace(whole, covariates={"x": covariate})
    kept = np.concatenate([np.asarray(k) for k in keep])
    rest = replace(
        whole,
        offsets=np.concatenate([[0], np.cumsum([sum(k) for k in keep])]),
        values=whole.values[kept],
        mask=whole.mask[kept],
        times=whole.times[kept],
        covariates={"x": replace(covariate, values=covariate.values[kept])},
    )
    return whole, rest


keeps = st.lists(
    st.lists(st.booleans(), min_size=0, max_size=12).map(lambda k: [True, *k, True]), min_size=1, max_size=4
)


@given(keeps, st.sampled_from(FREQS))
@settings(max_examples=50, deadline=None)
def test_a_regular_panel_has_every_step_and_the_observed_rows_unchanged(keep, freq):
    """Removing inner rows and regularising gives the whole grid back, masked where rows were removed."""
    whole, rest = panel_with_gaps(keep, freq)
    seen = np.arange(len(rest.values)) % 3 > 0
    regular = regularize(replace(rest, mask=seen))
    kept = np.concatenate([np.asarray(k) for k in keep])
    assert regular.is_regular
    assert np.array_equal(regular.times, whole.times)
    assert np.array_equal(np.flatnonzero(regular.mask), np.flatnonzero(kept)[seen])
    assert np.array_equal(regular.values, np.where(kept, whole.values, 0))
    assert np.array_equal(np.isnan(regular.covariates["x"].values), ~kept)


def test_a_regular_panel_comes_back_itself():
    """Regularising twice changes nothing, not even the object, and adds no second note."""
    _, rest = panel_with_gaps([[True, False, True]])
    regular = regularize(rest)
    assert regularize(regular) is regular
    assert regular.notes == ("1 missing hour in 1 series was made explicit as a missing value.",)


def test_static_covariates_and_the_input_stay_as_they_are():
    """Static values are not spread over rows, and the panel given is not touched."""
    _, rest = panel_with_gaps([[True, False, True], [True, True]])
    rest = replace(rest, covariates={"size": Covariate("static", np.array([1, 2], np.float32))})
    before = rest.values.copy()
    regular = regularize(rest)
    assert np.array_equal(regular.covariates["size"].values, [1, 2])
    assert np.array_equal(rest.values, before)
    assert len(rest.times) == 4


def test_an_empty_series_stays_empty():
    """A series without rows has no grid and stays without rows."""
    _, rest = panel_with_gaps([[True, False, True]])
    rest = replace(rest, ids=np.array(["none", "s0"]), offsets=np.array([0, 0, 2]))
    assert regularize(rest).lengths.tolist() == [0, 3]


def test_what_cannot_be_made_regular_is_refused_with_its_place_and_the_fix():
    """Unknown frequency, repeats, rows between steps or out of order, and absurd gaps each get their own sentence."""
    panel = Panel.from_arrays([np.ones(3), np.ones(3)], ids=["a", "b"], freq="h")

    def shifted(row: int, minutes: int) -> Panel:
        times = panel.times.copy()
        times[row] += np.timedelta64(minutes, "m")
        return replace(panel, times=times)

    with pytest.raises(DataError, match=r"freq must be known .* but got none\. Give it when reading"):
        regularize(replace(panel, freq=None))
    with pytest.raises(DataError, match=r"unique within a series, but got 1 row in 1 series \('b'; first at .*mean"):
        regularize(shifted(4, -60))
    with pytest.raises(DataError, match=r"must step by 'h' .* but got 1 row in 1 series \('a'; .*between two steps"):
        regularize(shifted(1, 7))
    with pytest.raises(DataError, match=r"in order of time within a series, but got 1 row in 1 series \('a'"):
        regularize(shifted(1, 180))
    with pytest.raises(DataError, match=r"sensible size, but got .* most of them in series 'b'\. Check its first"):
        regularize(shifted(5, 60 * 20_000_000))


def test_a_series_of_another_frequency_is_refused():
    """A series whose rows all lie several steps apart is not full of gaps: it has another frequency, and is named."""
    hours = np.datetime64("2024-01-01", "us") + np.arange(30) * np.timedelta64(1, "h")
    days = np.datetime64("2024-01-01", "us") + np.arange(5) * np.timedelta64(24, "h")
    panel = Panel(
        ids=np.array(["by hour", "by day"]),
        offsets=np.array([0, 30, 35]),
        values=np.ones(35, np.float32),
        mask=np.ones(35, bool),
        times=np.concatenate([hours, days]),
    ).with_freq("h")
    with pytest.raises(DataError, match=r"must step by 'h', but got 1 of 2 that step by several .*: 'by day'\."):
        regularize(panel)
    assert regularize(panel.cut(np.array([30, 4]))).is_regular  # too few to tell
