"""A warm start goes on with what there is, and drops nothing of what is asked for without a word."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foregate.core import Covariate, DataError, Panel, UsageError
from foregate.models.cell_spec import ForgetGate
from foregate.models.options import ModelOptions
from foregate.persistence import load_shipped
from foregate.pipeline.fit import fit
from foregate.pipeline.recipe import Recipe
from foregate.pipeline.warm import networks_of

PANEL = Panel.from_arrays([np.random.default_rng(0).normal(10, 1, 40) for _ in range(2)])
SIZES = {"hidden": 6, "decoder": 5, "steps": 2, "batch": 4, "crop": 20}
LABEL = "gru+dilated+dot+lookback=5+forget=short"


def recipe(model=LABEL, **changes):
    return Recipe(4, **{"season_length": (7,), "model": ModelOptions.parse(model), **SIZES, **changes})


@pytest.fixture(scope="module")
def warm():
    return fit(recipe(), PANEL)[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": 12}, "hidden=12 instead of 6"),
        ({"decoder": 9}, "decoder=9 instead of 5"),
        ({"layers": 3}, "layers=3 instead of 2"),
        ({"recent": 5}, "recent=5 instead of 12"),
        ({"members": 2}, "members=2 instead of 1"),
        ({"clock": True}, "clock=True instead of False"),
        ({"season_length": (12,)}, r"season_length=\(12,\) instead of \(7,\)"),
        ({"season_length": ()}, r"season_length=\(\) instead of \(7,\)"),
        ({"model": "lstm"}, "cell='lstm' instead of 'gru', encoder='residual' instead of 'dilated'"),
        ({"model": LABEL.replace("=5", "=6")}, "lookback=6 instead of 5"),
        ({"model": LABEL + "+dilations=1x3"}, r"dilations=\(1, 3\) instead of \(1, 7\)"),
        ({"model": LABEL + "+dilations=1x3x9"}, r"dilations=\(1, 3, 9\) instead of \(1, 7\)"),
        ({"model": LABEL + "+point+error=mse"}, "head='point' instead of 'quantiles', error='mse' instead of 'mae'"),
        ({"model": LABEL + "+entropy=0.1"}, "entropy=0.1 instead of 0.0"),
        (
            {"model": LABEL.replace("short", "long")},
            r"forget=ForgetGate\(.*'long'.*\) instead of ForgetGate\(.*'short'",
        ),
        ({"model": LABEL + "+direct"}, "strategy='direct' instead of 'parallel', horizon=4 instead of None"),
    ],
)
def test_what_differs_is_refused_by_name(warm, changes, message):
    """Whatever the recipe says otherwise is listed, with what there is."""
    with pytest.raises(UsageError, match=f"go on with the model that there is, but got .*{message}.* or fit anew"):
        networks_of(warm, recipe(**changes), PANEL)


def test_what_is_not_said_is_as_it_was(warm):
    """No sizes, seasons or members, and the usual forget gate: the networks themselves."""
    unsaid = recipe(LABEL.removesuffix("+forget=short"), season_length=None, hidden=None, decoder=None)
    assert networks_of(warm, unsaid, PANEL) == networks_of(warm, recipe(), PANEL) == (warm.engine.network,)
    assert warm.engine.network.spec.built.forget == ForgetGate(preset="short")


def test_a_pair_of_two_kinds_goes_on():
    """A pretrained network and the one from scratch beside it, whose heads differ."""
    begun = {"hidden": None, "decoder": None}
    pair = fit(recipe("lstm", **begun), PANEL, start=load_shipped("tiny"))[0]
    heads = [network.spec.built.head for network in networks_of(pair, recipe("lstm", **begun), PANEL)]
    assert heads == ["quantiles", "student-t", "quantiles"], "the last as it was, since little was held out"
    again, report = fit(recipe("lstm", **begun), PANEL, warm=pair)
    assert [engine.network.spec.built.head for engine in again.engine.engines] == heads
    assert [member["start"] for member in report.members] == ["own"] * 3
    with pytest.raises(UsageError, match="head='point' instead of 'quantiles'"):
        networks_of(pair, recipe("point", **begun), PANEL)


@pytest.mark.parametrize("members", [1, 2])
@pytest.mark.parametrize(("before", "after"), [(3, 3), (3, 9), (9, 3)])
def test_networks_that_look_far_go_on(monkeypatch, members, before, after):
    """Further than pretraining has seen they are of other kinds than the recipe says: now, before, or no more."""
    begun = recipe("lstm", hidden=None, decoder=None, members=members)
    for module in ("plan", "fit"):
        monkeypatch.setattr(f"foregate.pipeline.{module}.FURTHEST", before)
    far, report = fit(begun, PANEL, start=load_shipped("tiny"))
    noted = "trained from scratch: 4 steps ahead are further than the 3 of pretraining." in report.notes
    assert noted == (before < begun.horizon)
    monkeypatch.setattr("foregate.pipeline.plan.FURTHEST", after)
    encoders = [network.spec.built.encoder for network in networks_of(far, begun, PANEL)]
    assert encoders == ["patched" if before < begun.horizon else "residual", "residual"][:members]
    assert len(fit(begun, PANEL, warm=far)[1].members) == (0 if members == 1 else 2)


def test_another_dropout_is_applied_to_the_same_weights(warm):
    """It has no weights of its own, so a warm start may change it; the model that was there stays."""
    before = torch.get_rng_state()
    (made,) = networks_of(warm, recipe(LABEL + "+dropout=0.3"), PANEL)
    assert torch.equal(before, torch.get_rng_state())
    assert made.spec.built.dropout.between == 0.3
    assert warm.engine.network.spec.built.dropout.between == 0
    for name, value in warm.engine.network.state_dict().items():
        assert torch.equal(value, made.state_dict()[name])


def test_covariates_that_are_not_read_are_refused(warm):
    """A panel that has learnt something new since is told so."""
    price = Covariate("past", np.ones(len(PANEL.values), np.float32))
    with pytest.raises(DataError, match=r"the covariates that the model reads, but got 'price' as well\. Leave these"):
        networks_of(warm, recipe(), replace(PANEL, covariates={"price": price}))
