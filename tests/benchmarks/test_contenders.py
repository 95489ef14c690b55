"""Every contender is asked the same, can be found, and is never shown what comes after an origin."""

import ast
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benchmarks.contenders.names import CONTENDERS, contender
from benchmarks.contenders.own import excerpts, refitted
from benchmarks.contenders.windows import Windows, filled, first_fit, period, whole
from benchmarks.job import Job, Said
from foregate import Panel
from tests.house import REPOSITORY

FOLDER = REPOSITORY / "benchmarks" / "contenders"
REQUIREMENTS = REPOSITORY / "benchmarks" / "peers" / "requirements.txt"
PEERS = {each.module: each.library for each in CONTENDERS.values() if each.peer}


def made(*, step="1d", gaps=True):
    """Three series of different lengths with two covariates and three origins, of which the last series has two."""
    rng = np.random.default_rng(0)
    rows = []
    for name, length in (("b", 40), ("a", 31), ("c", 26)):
        start = pl.datetime(2024, 1, 1)
        times = pl.select(pl.datetime_range(start, start.dt.offset_by(f"{length - 1}d"), "1d")).to_series()
        y = rng.normal(size=length).astype(np.float32)
        part = pl.DataFrame({"ds": np.arange(length) if step == "1" else times, "y": y})
        part = part.with_columns(unique_id=pl.lit(name), price=pl.Series(rng.normal(size=length)), seen=pl.col("y") * 2)
        if gaps:
            part = part.with_columns(y=pl.when(pl.int_range(pl.len()) % 7 == 3).then(None).otherwise("y"))
        rows.append(part.select("unique_id", "ds", "y", "price", "seen"))
    known = np.array([[29, 32, 36], [20, 23, 27], [0, 18, 22]])
    covariates = {"price": "future", "seen": "past"}
    return Job("made", 4, 7, (7,), step, pl.concat(rows), known, covariates, quantiles=(0.1, 0.5, 0.9))


def tree(module):
    return ast.parse((FOLDER / f"{module}.py").read_text())


@pytest.mark.parametrize("name", CONTENDERS)
def test_every_contender_can_be_asked(name):
    """The module that a contender names has `answer(job, settings, seed)`."""
    functions = {node.name: node for node in tree(CONTENDERS[name].module).body if isinstance(node, ast.FunctionDef)}
    assert [each.arg for each in functions["answer"].args.args] == ["job", "settings", "seed"]


@pytest.mark.parametrize("module", [*PEERS, "windows"])
def test_peers_know_nothing_of_foregate(module):
    """They run where Foregate is not installed: of this repository they import the job and its windows alone."""
    nodes = list(ast.walk(tree(module)))
    found = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    found |= {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    assert not {name for name in found if name.split(".")[0] == "foregate"}
    ours = {name for name in found if name.startswith("benchmarks")}
    assert ours <= {"benchmarks.job", "benchmarks.contenders.windows"}


def test_requirements_are_exact():
    """Every line pins a version, and every peer's library is among them."""
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+", line)] == []
    pinned = {re.split(r"\[|==", line)[0].lower() for line in lines}
    assert {*PEERS.values(), "torch", "numpy", "polars", "pyarrow"} <= pinned


def test_files_hold_the_whole_job(tmp_path):
    """What is loaded asks the same as what was saved."""
    job = replace(made(), asked=np.array([4, 3, 2]), validation=5)
    job.save(tmp_path)
    again = Job.load(tmp_path)
    assert again.rows.equals(job.rows)
    np.testing.assert_array_equal(again.known, job.known)
    np.testing.assert_array_equal(again.asked, job.asked)
    np.testing.assert_array_equal(again.came(), job.came())
    names = ("name", "horizon", "season", "seasons", "step", "quantiles", "validation", "covariates")
    assert [getattr(again, name) for name in names] == [getattr(job, name) for name in names]


@pytest.mark.parametrize("most", [None, 5])
def test_the_past_ends_at_the_origin(most):
    """Of each series present, the last rows up to its origin and none after; of the others nothing."""
    job = made()
    for window in range(job.windows):
        past, ahead = job.past(window, most), job.ahead(window)
        assert past["unique_id"].unique(maintain_order=True).to_list() == [job.ids[i] for i in job.present(window)]
        for series in job.present(window):
            rows = job.rows.filter(pl.col("unique_id") == job.ids[series])
            known = job.known[series, window]
            want = rows[max(0, known - (most or known)) : known]
            assert past.filter(pl.col("unique_id") == job.ids[series]).equals(want)
            times = ahead.filter(pl.col("unique_id") == job.ids[series])["ds"]
            assert times.to_list() == rows["ds"][known : known + job.horizon].to_list()
    assert set(job.ahead(0).columns) == {"unique_id", "ds", "price"}


def test_nothing_after_an_origin_is_handed_over():
    """Whatever comes later, targets and covariates of the past that a library is handed at an origin are the same."""
    job = made()
    for window in range(job.windows):
        later = pl.Series(after(job, window))
        changed = (pl.when(later).then(1e6).otherwise(name).alias(name) for name in ("y", "seen"))
        other = replace(job, rows=job.rows.with_columns(changed))
        here, there = (Windows(whole(each), [window]).past() for each in (job, other))
        assert here.equals(there)
        assert here["y"].null_count() == 0


def after(job, window):
    """Of each row, whether it comes after the origin of its series."""
    counts = np.concatenate([np.arange(n) for n in np.diff(job.starts)])
    return counts >= np.repeat(job.known[:, window], np.diff(job.starts))


@pytest.mark.parametrize("rows", [1, 100, 10_000])
def test_windows_find_their_way_back(rows):
    """However windows are parted, values put by the names of series end where series and window say."""
    job = whole(made())
    said = np.full((3, 3, 4, 2), np.nan)
    for windows in Windows.all(job, 5, rows=rows):
        past, ahead = windows.past(5), windows.ahead()
        names = past["unique_id"].unique(maintain_order=True).to_list()
        assert names == sorted(names) == ahead["unique_id"].unique(maintain_order=True).to_list()
        assert past["unique_id"].n_unique() * 5 == len(past)
        numbers = np.array([[int(part) for part in name.split("/")] for name in names])
        windows.put(said, names, np.broadcast_to(numbers[:, None], (len(names), 4, 2)))
    window, series = np.meshgrid(np.arange(3), np.arange(3))
    there = job.known > 0
    np.testing.assert_array_equal(said[there][:, 0], np.stack([window, series], -1)[there])
    assert np.isnan(said[~there]).all()
    assert Said(said, 0, 0).values.shape[:2] == job.known.shape


def test_a_fit_sees_the_first_origins():
    """What a model is fitted on once ends at the first window."""
    job = whole(made())
    assert first_fit(job)["ds"].len() == job.known[:, 0].sum()


def test_gaps_are_filled_within_series():
    """Straight lines between values, ends extended, nothing from a neighbour, and 0 where there is nothing."""
    rows = pl.DataFrame(
        {"unique_id": list("aaaabbbcc"), "y": [None, 1.0, None, 3.0, 9.0, float("nan"), None, None, None]}
    )
    assert filled(rows, "y")["y"].to_list() == [1.0, 1.0, 2.0, 3.0, 9.0, 9.0, 9.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("step", "seasons", "said"),
    [
        ("1h", None, "h"),
        ("30m", None, "30min"),
        ("10m", None, "10min"),
        ("1d", None, "D"),
        ("1mo", None, "M"),
        ("1", (24, 168), "h"),
        ("1", (52,), "W"),
        ("1", (12,), "M"),
        ("1", (4,), "Q"),
        ("1", (5,), "B"),
        ("1", (), "Y"),
    ],
)
def test_steps_have_names(step, seasons, said):
    """Every step of a set is a period that pandas knows; whole numbers go by their season."""
    assert period(replace(made(step="1" if step == "1" else "1d"), step=step, seasons=seasons)) == said


def test_with_a_history_no_more_is_read():
    """Each origin becomes a series of its own last rows, whose times they keep; a shorter past is refused."""
    panel = Panel.from_arrays([np.arange(9.0), np.arange(20.0, 26)], freq="D")
    alone, last = excerpts(panel, np.array([[3, 5], [2, 5]]), 3)
    np.testing.assert_array_equal(alone.values.reshape(4, 3), [[1, 2, 3], [3, 4, 5], [20, 21, 22], [23, 24, 25]])
    np.testing.assert_array_equal(alone.times.reshape(4, 3)[2], panel.times[9:12])
    np.testing.assert_array_equal(last, [[2]] * 4)
    with pytest.raises(ValueError, match="3 rows before every origin"):
        excerpts(panel, np.array([[1, 5], [2, 5]]), 3)
    with pytest.raises(ValueError, match="0 rows before every origin"):
        excerpts(panel, np.array([[3]]), 0)
    assert contender("fast, history=96, members=1").settings == {
        "effort": "fast", "history": 96, "options": {"members": 1}
    }  # fmt: skip


def test_who_is_fitted_anew_knows_all_that_came_before():
    """At every origin, of the series that have one; and no more."""
    job, seen = made(), []

    class Fitted:
        def forecast_origins(self, panel, origins, horizon, quantiles):
            return np.broadcast_to((origins + 1)[..., None, None], (*origins.shape, horizon, len(quantiles))) * 1.0

    def fit(panel):
        seen.append(dict(zip(panel.ids.tolist(), panel.lengths.tolist(), strict=True)))
        return Fitted(), ("a note",)

    said = refitted(job, fit, covariates=True)
    assert seen == [{"b": 29, "a": 20}, {"b": 32, "a": 23, "c": 18}, {"b": 36, "a": 27, "c": 22}]
    there = job.known > 0
    np.testing.assert_array_equal(said.values[there][:, 0, 0], job.known[there])
    assert said.notes == ("fitted anew at each of 3 origins.", "a note")
