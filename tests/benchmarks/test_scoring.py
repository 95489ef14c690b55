"""Figures are what their definitions say."""

import numpy as np
import polars as pl
import pytest

from benchmarks.job import QUANTILES, Job
from benchmarks.scoring import figures

Q = np.array(QUANTILES)


def job_of(*series, horizon=2, season=1, known=None, name="m1_yearly"):
    """A job of series that end with what came."""
    rows = pl.concat(
        [
            pl.DataFrame({"unique_id": f"s{i}", "ds": range(len(y)), "y": np.array(y, float)})
            for i, y in enumerate(series)
        ]
    )
    ends = [[len(y) - horizon] for y in series] if known is None else known
    return Job(name, horizon, season, (), "1", rows, np.array(ends, np.int64))


def said_of(job, value, spread=0.0):
    """Quantiles that lie evenly around a value."""
    return np.full((*job.known.shape, job.horizon, 1), float(value)) + spread * (Q - 0.5)


def test_a_forecast_that_comes_true_errs_by_nothing():
    """And its intervals, however narrow, hold what came."""
    job = job_of([1, 2, 3, 7, 7], [5, 1, 5, 7, 7])
    found = figures(job, said_of(job, 7))
    assert (found["mase"], found["crps"], found["mse"], found["smape"]) == (0, 0, 0, 0)
    assert (found["covers80"], found["covers95"]) == (100, 100)


def test_errors_are_over_the_change_of_what_was_known():
    """Of the first series by 1 a row, of the second by 4: errors of 3 count 3 and 0.75."""
    job = job_of([1, 2, 3, 10, 10], [5, 1, 5, 10, 10])
    found = figures(job, said_of(job, 7))
    assert found["mase"] == pytest.approx((3 + 0.75) / 2)
    assert found["crps"] == pytest.approx(found["mase"])  # of a point mass the two are one
    assert found["mse"] == pytest.approx(9)


def test_each_window_has_the_scale_of_its_own_past():
    """Two windows of a series that calmed down."""
    job = job_of([0, 10, 0, 0, 0, 5, 5], known=[[3, 5]])
    assert figures(job, said_of(job, 0))["mase"] == pytest.approx((0 / 10 + 5 / 5) / 2)


def test_what_is_missing_or_not_asked_is_not_scored():
    """A step that nobody observed, and steps beyond those of a window."""
    gap = job_of([1, 2, 3, np.nan, 4])
    assert figures(gap, said_of(gap, 3))["mae"] == 1
    job = job_of([1, 2, 3, 9, 4])
    job = Job(**{**job.__dict__, "asked": np.array([1])})
    assert figures(job, said_of(job, 9))["mae"] == 0


def test_coverage_is_a_share_of_what_came():
    """Intervals of 80 % reach from 3 to 11, those of 95 % to 11.75."""
    job = job_of([1, 2, 3, 11.5, 6])
    found = figures(job, said_of(job, 7, spread=10))
    assert (found["covers80"], found["covers95"]) == (50, 100)


def test_a_forecast_that_is_no_number_is_not_scored_around():
    """It is an error, with how many there are."""
    job = job_of([1, 2, 3, 4, 5])
    with pytest.raises(SystemExit, match="must be finite, but got"):
        figures(job, said_of(job, np.nan))
