"""A quick look at weights sees what the runner's instant effort would say, on fewer series."""

import numpy as np
import polars as pl
import pytest

from benchmarks import look
from benchmarks.cases import CASES, Case
from benchmarks.contenders import own
from benchmarks.job import QUANTILES, Job
from benchmarks.networks import start_of
from benchmarks.scoring import figures


def made(series=3, windows=4):
    """Waves of different lengths in an order of their own; the last series has no origin in the first window."""
    rng = np.random.default_rng(0)
    parts, known = [], []
    for i in range(series):
        length = 60 + 4 * i
        y = 50 + 10 * np.sin(np.arange(length) * np.pi / 6) + rng.normal(size=length)
        parts.append(pl.DataFrame({"unique_id": f"s{(i + 1) % series}", "ds": range(length), "y": y}))
        known.append([length - 6 - 3 * w for w in reversed(range(windows))])
    known = np.array(known)
    known[-1, 0] = 0
    return Job("made", 6, 12, (12,), "1", pl.concat(parts), known)


@pytest.fixture(autouse=True)
def _case(monkeypatch):
    monkeypatch.setitem(CASES, "made", Case("made up", "", 6, 12))


def test_a_sample_is_a_part_of_the_job(monkeypatch):
    """Series from first to last, whose origins and values are those of the whole job."""
    monkeypatch.setattr(look, "SERIES", 3)
    job = made(7, 5)
    some = look.sampled(job)
    assert some.ids == [job.ids[i] for i in (0, 3, 6)]
    np.testing.assert_array_equal(some.known, job.known[[0, 3, 6]])
    np.testing.assert_array_equal(some.came(), job.came()[[0, 3, 6]])
    assert look.sampled(some).rows.equals(some.rows)


def test_it_sees_what_the_runner_would():
    """The same weights say the same through the runner's contender."""
    job = made()
    seen = look._seen(job, start_of("tiny"))
    said = own.answer(job, {"effort": "instant", "options": {"weights": "tiny"}}, 0)
    found = figures(job, said.values)
    assert (seen.mase, seen.covers80) == (found["mase"], found["covers80"])
    assert seen.ratio == seen.mase / seen.naive


def test_the_seasonal_naive_forecast_is_the_last_season():
    """At every origin, of the series that has it."""
    job = made()
    median = look._naive(job)[..., QUANTILES.index(0.5)]
    for i, name in enumerate(job.ids):
        y = job.rows.filter(pl.col("unique_id") == name)["y"].to_numpy()
        for window in range(job.windows):
            known = job.known[i, window]
            if known:
                np.testing.assert_allclose(median[i, window], y[known - 12 : known - 6], rtol=1e-6)


def test_groups_are_of_sets_that_there_are():
    """Each set once; means are geometric, over all and over each group."""
    names = [name for group in look.GROUPS.values() for name in group]
    assert set(names) <= set(CASES)
    assert len(set(names)) == len(names)
    weekly = {name: 4.0 if name == "m4_weekly" else 1.0 for name in names}
    assert look.summary(weekly) == pytest.approx(
        [4 ** (1 / len(names)), *(4.0 if g == "weekly" else 1 for g in look.GROUPS)]
    )
