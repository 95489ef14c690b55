"""The inspection as a whole: complete, the same each time, on disk and as a page."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from foregate import Forecaster, inspect
from foregate.core import UsageError
from foregate.inspection.look import PAGE, PARTS, Inspection
from foregate.training.gradients import GradientLog
from tests.forecaster.models import small, table
from tests.inspection.materials import KINDS, panel_of, subject
from tests.reporting.test_report import Reader

LOG = GradientLog(every=1)


@pytest.fixture(scope="module")
def model():
    """A small pair of networks, whose gradients were recorded."""
    options = {"steps": 4, "hidden": 6, "decoder": 5, "members": 2}
    return small(horizon=3, options=options).fit(table(days=50), callbacks=[LOG])


@pytest.fixture(scope="module")
def seen(model):
    return inspect(model, rows=20, lags=20, cells=0, log=LOG)


@pytest.fixture(scope="module")
def html(seen):
    """Its page; drawing it takes seconds."""
    return seen.html()


@pytest.fixture(scope="module")
def page(html):
    return Reader(html)


@pytest.fixture(scope="module")
def saved(seen, tmp_path_factory):
    """The folder that it was saved in, and what was said to be there."""
    folder = tmp_path_factory.mktemp("inspection")
    return folder, seen.save(folder)


def test_the_page_tells_of_every_part(seen, page):
    """Each has its section, linked to; the verdict stands first; every picture has words and numbers."""
    assert {"memory", "gates", "gradients"} <= set(page.values("id"))
    words = " ".join(page.words)
    assert seen.verdict in words
    assert words.index(seen.verdict) < words.index("Half-lives")
    charts = page.values("role").count("img")
    assert charts == page.tags.count("figure") == page.words.count("Numbers")
    assert "RNN, GRU and LSTM" in words
    assert "Gradient over the training" in words


def test_the_page_does_nothing_by_itself(saved, html, page):
    """No script, nothing fetched, names distinct; the same model gives the same page."""
    assert not set(page.tags) & {"script", "link", "iframe", "object", "form"}
    assert all(value.startswith(("#", "data:image/png")) for value in page.values("href"))
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert (saved[0] / PAGE).read_text(encoding="utf-8") == html  # it was drawn again for the folder


def test_files_hold_what_was_seen(seen, saved):
    """A table per frame and an npz per part, with the numbers of the attributes."""
    folder, paths = saved
    assert {path.name for path in folder.iterdir()} == {path.name for path in paths}
    assert {PAGE, "memory.csv", "half_lives.csv", "gates.csv", "gate_units.csv", "gates.npz", "gradients.csv"} <= {
        path.name for path in paths
    }
    assert pl.read_csv(folder / "gates.csv").equals(seen.gates.summary)
    with np.load(folder / "gates.npz", allow_pickle=False) as arrays:
        own = seen.gates.layers[0]
        np.testing.assert_array_equal(arrays[f"{own.network}.layer 1.forget"], own.values["forget"])
    with np.load(folder / "memory.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["influence"], seen.memory.influence)
    with pytest.raises(UsageError, match="folder must be one that exists"):
        seen.save(folder / "none")


TOLD = ("each", KINDS[-3])
"""Kinds that read covariates here."""


@pytest.mark.parametrize(("label", "columns"), [*((label, label in TOLD) for label in KINDS), ("lstm", True)])
def test_every_kind_of_model_has_its_page(label, columns):
    """Every cell, encoder, attention and strategy, with and without covariates; what cannot be seen is said."""
    given = subject(label, panel_of(40, 9, 26), columns=columns, rows=12, lags=14, probes=2, series=2)
    found = Inspection(given)
    words = " ".join(Reader(found.html()).words)
    assert ("attention" in found.views) == ("lookback" in label and not given.parts[0].network.spec.built.windowed)
    expected = {"windowed": "anew at every origin", "each": "a network for every step", "seq2seq": "Forget, decoder",
                "rnn": "no gates", "recursive": "the first step"}  # fmt: skip
    for word, said in expected.items():
        if word in label:
            assert said in words


def test_nothing_is_worked_out_before_it_is_asked_for(model, monkeypatch):
    """And what was, is kept."""
    monkeypatch.setattr("foregate.inspection.look.memory_of", lambda *_: 1 / 0)
    found = inspect(model, rows=5)
    assert found.gates is found.gates
    with pytest.raises(ZeroDivisionError):
        _ = found.memory


def test_parts_are_attributes(model):
    """Every name of a part leads to what has frames, arrays and a section."""
    found = inspect(model, rows=5, lags=5)
    for name in PARTS:
        view = found.view(name)
        if view is not None:
            assert view.frames
            assert view.section().title
            assert isinstance(view.arrays, dict)


def test_an_instant_forecaster_can_be_looked_into():
    """The pretrained network, which no training has changed, and which has no history."""
    model = Forecaster.pretrained(3, season_length=7, weights="tiny").fit(table(days=40))
    found = inspect(model, rows=10, lags=10)
    assert found.gates.training.is_empty()
    assert "over the training" not in found.html()


def test_the_verdict_follows_the_measurements(seen):
    """How far back in rows and time, and when the longest memory is half gone, or that it never is."""
    memory = replace(seen.memory, influence=np.ones_like(seen.memory.influence))
    for half, said in ((12.4, "half gone after 12 rows"), (np.inf, "some of its memory is kept for good")):
        found = Inspection(seen.subject)
        found.__dict__["memory"] = replace(memory, units=memory.units.with_columns(half_life=pl.lit(half)))
        assert found.verdict.startswith("This model looks 20 rows back, 20 days")
        assert said in found.verdict


def test_what_is_wrong_is_told(model):
    """Numbers of nothing, and a comparison of less than nothing."""
    with pytest.raises(UsageError, match="series must be a whole number of at least 1, but got 0"):
        inspect(model, series=0)
    with pytest.raises(UsageError, match="cells must be a whole number of at least 0, but got -1"):
        inspect(model, cells=-1)
