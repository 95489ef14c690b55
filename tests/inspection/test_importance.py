"""Permutation finds what a model reads, and finds nothing where it reads nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foregate import Forecaster, load
from foregate.core import Covariate, DataError, NotFittedError, Panel, UsageError
from foregate.data import generate
from foregate.data.feature_names import encoder_features, step_features
from foregate.inspection.importance import Importance, Shuffle, _elsewhere, importance
from foregate.reporting.canvas import BROAD, own_settings

QUICK = Shuffle(repeats=2, origins=4)
SMALL = {"hidden": 8, "start": "scratch", "members": 1, "steps": 2, "batch": 16, "crop": 40}


def small(panel, model=None, **options):
    return Forecaster(3, model=model, season_length=12, options=SMALL | options, verbose=False).fit(panel)


def with_covariates(n=90, S=3, seed=0):
    """Series that follow a price known ahead, beside noise, a region that says nothing, and holes."""
    rng = np.random.default_rng(seed)
    price, noise = rng.normal(size=(2, S * n)).astype(np.float32)
    values = 20 - 4 * price + 0.1 * rng.normal(size=S * n)
    values[rng.random(S * n) < 0.05] = np.nan
    panel = Panel.from_arrays(list(values.reshape(S, n)))
    region = Covariate("static", (np.arange(S) % 2).astype(np.float32), ("north", "south"))
    return replace(
        panel,
        covariates={
            "price": Covariate("future", price),
            "noise": Covariate("future", noise),
            "region": region,
        },
    ).between(np.arange(S) * 7, np.full(S, n))


def blind(model, name):
    """The same forecaster, whose network has weights of zero for all columns of a group."""
    network, spec = model.fitted_.engine.network, model.fitted_.spec
    read, step = (
        [i for i, feature in enumerate(of(spec)) if feature.group == name] for of in (encoder_features, step_features)
    )
    with torch.no_grad():
        network.encoder.inputs.weight[:, read] = 0
        for layer in (network.decoder.state, network.decoder.again):
            layer.weight[:, [8 + i for i in read]] = 0  # after the state
        network.decoder.step.weight[:, step] = 0
    return model


@pytest.fixture(scope="module")
def learnt():
    """A forecaster that has learnt a little of what makes its series."""
    return small(with_covariates(), steps=60, rate=2e-2)


def test_what_makes_the_series_stands_first(learnt):
    """The price that rules the series raises the loss most, surely; noise and a meaningless region hardly."""
    found = importance(learnt, shuffle=QUICK)
    rows = {row["group"]: row for row in found.overall().iter_rows(named=True)}
    assert next(iter(rows)) == "price"
    assert rows["price"]["low"] > 0.5 * rows["price"]["loss"]
    for name in ("noise", "region"):
        assert abs(rows[name]["rise"]) < 0.2 * rows["price"]["rise"]


def test_what_a_network_does_not_read_has_no_importance(learnt):
    """Where all weights of a group are zero, permuting it changes no loss by a bit: so columns are the named ones."""
    model = small(with_covariates())
    found = importance(model, shuffle=QUICK)
    for name in ("price", "region"):  # one is read ahead too, the other by the encoder alone
        assert (np.nan_to_num(rises(found, name)) != 0).any()
    assert not np.nan_to_num(rises(importance(blind(model, "price"), shuffle=QUICK), "price")).any()


def rises(found, group):
    return found.rise[[name for name, _ in found.groups].index(group)]


@pytest.mark.parametrize("model", ["recursive+draws=4", "seq2seq+additive", "windowed+lookback=12", "each"])
def test_every_architecture_can_be_asked(model):
    """Whatever the network is made of, it is measured, and recent values or levels matter."""
    found = importance(small(generate(2, 80), model), shuffle=replace(QUICK, metric="mase"))
    assert isinstance(found, Importance)
    assert np.nanmax(np.abs(found.rise)) > 0


def test_the_page_tells_what_the_tables_say(learnt):
    """The first group is named in the alternatives of both pictures, and surely used groups in the sentence."""
    found = importance(learnt, shuffle=QUICK)
    told = found.section()
    assert "price" in told.paragraphs[0]
    assert all("price" in picture.alternative for picture in told.pictures)
    with own_settings():
        assert all(picture.draw(BROAD).axes for picture in told.pictures)
    assert set(found.frames) == {"importance", "importance_by_series"}


def test_asking_changes_nothing_and_is_the_same_twice(learnt):
    """The forecasts stay what they were, and the same seed gives the same rises."""
    panel = with_covariates().cut(np.full(3, 80))
    before = learnt.fitted_.forecast_origins(panel, np.full((3, 1), 60), 3, (0.5,))
    first, second = (importance(learnt, panel, QUICK) for _ in range(2))
    np.testing.assert_array_equal(first.rise, second.rise)
    np.testing.assert_array_equal(learnt.fitted_.forecast_origins(panel, np.full((3, 1), 60), 3, (0.5,)), before)


def test_both_runtimes_agree(tmp_path):
    """A pair of networks that runs without torch has the importances that it has with it."""
    model = small(with_covariates(), members=2)
    model.save(tmp_path / "model")
    own, other = (importance(m, shuffle=QUICK) for m in (model, load(tmp_path / "model", runtime="onnx")))
    np.testing.assert_allclose(own.rise, other.rise, atol=1e-4)


def test_each_feature_can_be_asked_by_itself():
    """By feature there is a row for every lag, and the tables of series and of all hold the same groups."""
    found = importance(small(generate(2, 80)), shuffle=replace(QUICK, by="feature"))
    names = [name for name, _ in found.groups]
    assert {f"lag {k}" for k in range(1, 13)} < set(names)
    assert found.frame().height == 2 * len(names) == 2 * found.overall().height


def test_a_single_series_has_no_other_to_swap_static_attributes_with():
    """They are left out, and the notes say so; an interval of one origin is empty."""
    model = small(with_covariates(S=1))
    found = importance(model, shuffle=Shuffle(repeats=1, origins=1))
    assert "region" not in {name for name, _ in found.groups}
    assert any("region" in note for note in found.notes)
    assert found.overall()["low"].null_count() == len(found.groups)


def test_what_is_swapped_comes_from_elsewhere_and_is_known():
    """Every row gets one of another series, within what was read of that, and neighbours stay neighbours."""
    panel = Panel.from_arrays([np.ones(40), np.ones(25), np.r_[np.nan, np.nan, np.ones(30)]])
    origins = np.array([[30], [20], [25]])
    other = _elsewhere(panel, origins, np.random.default_rng(0))
    series = panel.row_series
    place = other - panel.offsets[:-1][series[other]]
    assert (series[other] != series).all()
    assert (place <= origins[series[other], 0]).all()
    assert (place >= panel.first_observed[series[other]]).all()
    assert (np.diff(other) == 1).mean() > 0.9


def test_wrong_use_is_told():
    """Models that were not fitted, unknown losses and series without a past are refused."""
    with pytest.raises(NotFittedError, match="fitted first"):
        importance(Forecaster(3))
    with pytest.raises(UsageError, match="metric must be 'pinball' or 'mase', but got 'mape'"):
        Shuffle(metric="mape")
    with pytest.raises(DataError, match="none of 1 does"):
        importance(small(generate(1, 60)), Panel.from_arrays([np.full(40, 2.0)], freq="D"))
