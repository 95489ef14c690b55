"""Where attention has looked."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Panel, UsageError
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.origins import ENCODER_STEPS
from foregate.models.options import ModelOptions
from foregate.persistence import load_shipped
from foregate.pipeline.attention import attention_of
from foregate.pipeline.fit import fit
from foregate.pipeline.instant import instant
from foregate.pipeline.recipe import Recipe

LOOKBACK, HORIZON = 8, 4


def panel_of(*lengths, seed=0):
    rng = np.random.default_rng(seed)
    return Panel.from_arrays([10 + np.sin(np.arange(n)) + rng.normal(0, 0.3, n) for n in lengths])


def fitted(label, members=1):
    model = ModelOptions.parse(f"{label}+lookback={LOOKBACK}" if label != "lstm" else label)
    small = {"steps": 1, "hidden": 8, "decoder": 5, "batch": 4, "crop": 20, "members": members}
    return fit(Recipe(HORIZON, (), model=model, **small), panel_of(40))[0]


WAYS = {
    "additive": (1, 1),
    "multi-head+views=2+gru": (1, 2),
    "dot+recursive+draws=5": (1, 1),
    "dot+direct": (1, 1),
    "general+each": (HORIZON, 1),
    "seq2seq+multi-head": (HORIZON, 4),
    "seq2seq+additive+gru": (HORIZON, 1),
}


@pytest.mark.parametrize("label", WAYS)
def test_weights_are_shares_of_the_rows_that_there_were(label):
    """Of every series, step and head they sum to 1 over its last rows, and places before the first row get nothing."""
    weights = attention_of(fitted(label), panel_of(30, 3, 12))
    steps, heads = WAYS[label]
    assert weights.shape == (3, steps, heads, LOOKBACK)
    np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-5)
    assert (weights >= 0).all()
    assert not weights[1, ..., : LOOKBACK - 3].any()


@pytest.mark.parametrize("label", ["additive", "general+each", "seq2seq+dot"])
def test_a_series_has_its_own_weights(label):
    """Alone it has those that it has beside others, and asked for fewer steps the same for these."""
    made, panel = fitted(label), panel_of(30, 25, 12)
    together = attention_of(made, panel, 2)
    assert together.shape[1] == (1 if label == "additive" else 2)
    np.testing.assert_allclose(together, attention_of(made, panel)[:, :2], rtol=1e-4, atol=1e-6)
    for i in range(3):
        alone = attention_of(made, panel.take(np.array([i])), 2)
        np.testing.assert_allclose(alone[0], together[i], rtol=1e-4, atol=1e-6)
    assert not np.allclose(together[0], together[1])


def test_long_series_are_read_in_pieces():
    """What lay before the last rows of a series that is read in pieces counts as it does in one."""
    made, panel = fitted("additive"), panel_of(ENCODER_STEPS + 3)
    late = Panel.from_arrays([panel.values[-1000:]])
    assert attention_of(made, panel).sum() == pytest.approx(1, rel=1e-5)
    np.testing.assert_allclose(attention_of(made, panel), attention_of(made, late), atol=0.01)


def test_what_does_not_look_is_refused():
    """Without attention, by several networks, beyond the reach, or without torch, in words."""
    panel = panel_of(20)
    with pytest.raises(UsageError, match="fitted must have attention, but got a model without"):
        attention_of(fitted("lstm"), panel)
    several = fitted("additive", members=2)
    with pytest.raises(UsageError, match="fitted must have one network, but got 2"):
        attention_of(several, panel)
    assert isinstance(several.engine, Ensemble)
    assert attention_of(replace(several, engine=several.engine.engines[1]), panel).shape == (1, 1, 1, LOOKBACK)
    with pytest.raises(UsageError, match="at most the 4 steps that this model was made for, but got 5"):
        attention_of(fitted("seq2seq+dot"), panel, 5)
    with pytest.raises(UsageError, match="run by torch, but got another engine"):
        attention_of(instant(Recipe(3, (), "instant"), panel, load_shipped("tiny"))[0], panel)
