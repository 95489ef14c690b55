"""Integrated gradients are complete and point at what matters."""

import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from foregate import Forecaster, load
from foregate.core import Covariate, Panel, UsageError
from foregate.data import generate
from foregate.inspection import integrated
from foregate.inspection.attributions import attributions
from foregate.inspection.subject import Scope

SMALL = {"hidden": 8, "start": "scratch", "members": 1, "steps": 2}


def small(panel, model=None, **options):
    return Forecaster(3, model=model, season_length=12, options=SMALL | options, verbose=False).fit(panel)


def with_price(n=90, seed=0):
    """Two series that follow a price known ahead, beside one that says nothing."""
    rng = np.random.default_rng(seed)
    price, noise = rng.normal(size=(2, 2 * n)).astype(np.float32)
    panel = Panel.from_arrays(list((20 - 4 * price + 0.1 * rng.normal(size=2 * n)).reshape(2, n)))
    return replace(panel, covariates={"price": Covariate("future", price), "noise": Covariate("future", noise)})


@pytest.mark.parametrize(
    "model", [None, "gru+stacked", "windowed+lookback=12", "seq2seq+additive", "recursive+draws=4", "each"]
)
def test_attributions_sum_to_what_is_to_be_explained(model):
    """Completeness: of every architecture the attributions add up to the forecast less that of the reference."""
    found = attributions(small(generate(3, 70), model))
    assert np.abs(found.difference).max() > 1e-3
    np.testing.assert_allclose(found.values.sum(1), found.difference, atol=0.01)
    assert found.gap.max() < 0.01


def test_the_parts_of_an_ensemble_are_weighed_as_in_its_forecast(tmp_path):
    """Of a pair with covariates, missing values and unequal lengths all is accounted for, with either runtime."""
    rng, panel = np.random.default_rng(0), with_price()
    panel = replace(panel, mask=rng.random(len(panel.mask)) > 0.1).between(np.array([0, 30]), panel.lengths)
    panel = replace(panel, values=np.where(panel.mask, panel.values, 0))
    model = small(panel, members=2)
    found = attributions(model)
    assert found.gap.max() < 0.01
    model.save(tmp_path / "model")
    again = attributions(load(tmp_path / "model", runtime="onnx"))
    np.testing.assert_allclose(again.values, found.values, atol=1e-5)


def test_what_was_read_before_the_rows_stays_as_it_is():
    """Rows that are not told apart still count: with few of them the difference is smaller, and still accounted for."""
    model = small(generate(2, 90))
    few = attributions(model, scope=Scope(rows=5))
    assert few.gap.max() < 0.01
    assert few.by_distance.shape[1] < attributions(model).by_distance.shape[1]


def test_a_covariate_that_rules_the_series_stands_above_one_that_says_nothing():
    """After some training, the price that makes the series has more of the share than noise, and the sign it has."""
    panel = with_price(n=120)
    model = small(panel, steps=80, rate=2e-2, batch=16, crop=40)
    overall = dict(attributions(model).overall().select("group", "share").iter_rows())
    assert overall["price"] > 3 * overall["noise"]
    one = attributions(model, step=2)
    assert one.steps == (2,)


def test_tables_say_the_same_as_the_arrays():
    """Shares of a series sum to 1, groups to the signed total, and distances to all there is."""
    found = attributions(small(generate(2, 60)))
    frame = found.frame()
    sums = frame.group_by("unique_id", maintain_order=True).agg(pl.col("attribution", "share").sum())
    np.testing.assert_allclose(sums["attribution"], found.values.sum(1), atol=1e-6)
    np.testing.assert_allclose(sums["share"], 1)
    assert frame["unique_id"].unique(maintain_order=True).to_list() == found.ids.tolist()
    within = found.distances()["within"].to_numpy()
    assert within[-1] == pytest.approx(1)
    assert within[found.reach(0.9)] >= 0.9 > within[max(found.reach(0.9) - 1, 0)]


def test_nodes_are_added_until_little_is_left(monkeypatch):
    """Where few of them leave much unexplained, there are more, without being asked for."""
    model = small(generate(2, 90))
    monkeypatch.setattr(sys.modules["foregate.inspection.attributions"], "NODES", 1)  # not the function of that name
    assert attributions(model, nodes=1).gap.max() > 0.01 > attributions(model).gap.max()


def test_more_nodes_are_for_those_that_need_them(monkeypatch):
    """Series that are explained are not asked again; the others come out as if asked so from the beginning."""
    model, module = small(generate(4, 90)), sys.modules["foregate.inspection.attributions"]
    monkeypatch.setattr(module, "NODES", 1)
    first = attributions(model, nodes=1)
    monkeypatch.setattr(module, "UNEXPLAINED", float(np.median(first.gap)))
    asked, attributed = [], integrated.attributed
    monkeypatch.setattr(integrated, "attributed", lambda *told: asked.append(told[2:]) or attributed(*told))
    found, second = attributions(model), attributions(model, nodes=4)
    (nodes,), (more, which), *_ = asked
    assert (nodes, more, which.sum()) == (1, 4, 2)
    for name in ("values", "by_distance", "by_row"):
        own, few, many = (getattr(each, name) for each in (found, first, second))
        np.testing.assert_array_equal(own[~which], few[~which])
        np.testing.assert_allclose(own[which], many[which], atol=1e-6)


def test_nodes_must_be_some():
    """No point to take a gradient at is refused."""
    with pytest.raises(UsageError, match="nodes must be a whole number"):
        attributions(small(generate(1, 60)), nodes=0)
