"""Laws of the score of a network on a batch."""

import numpy as np
import pytest
import torch

from foregate.core import Panel
from foregate.data.inputs import Inputs, InputSpec
from foregate.forecasting.origins import raw_quantiles
from foregate.models.options import ModelOptions
from foregate.pipeline.judge import batch_score
from foregate.pipeline.member import new_network
from foregate.pipeline.recipe import LEVELS, Recipe
from foregate.training.batches import Crops
from foregate.training.engine import TorchEngine
from foregate.training.loop import batch_loss
from foregate.training.options import TrainingOptions

HORIZON = 3
HEADS = ("quantiles", "point", "gaussian", "student-t", "mixture", "negative-binomial")


def given(label, crop=60):
    """A network, the crops of a panel of counts, and a batch at three origins of each series."""
    spec = InputSpec((3, 1), plain=label.startswith("negative"))
    network = new_network(Recipe(HORIZON, model=ModelOptions.parse(label), hidden=8, decoder=6), spec)
    rng = np.random.default_rng(0)
    panel = Panel.from_arrays([rng.poisson(9, n).astype(float) for n in (40, 30)])
    crops = Crops(Inputs(panel, spec), panel.lengths, HORIZON, TrainingOptions(1, crop=crop))
    return network.eval(), crops, np.array([[20, 25, 36], [10, 26, -1]])


@pytest.mark.parametrize("label", [*HEADS, "seq2seq+gru", "patched+direct"])
def test_a_score_is_the_pinball_loss_of_what_is_forecast(label):
    """The same as from the forecasts of the engine at these origins, target by target, weighted as in training."""
    network, crops, origins = given(label)
    batch = crops.at(np.arange(2), origins)
    said = np.zeros((2, 3, HORIZON, len(LEVELS)))
    for series, column, _, raw in raw_quantiles(TorchEngine(network), crops.inputs, origins, np.arange(1, HORIZON + 1)):
        said[series, column] = raw
    error, levels = batch.target[..., None] - said, np.array(LEVELS)
    loss = np.where(error > 0, levels * error, (levels - 1) * error).mean(-1)
    expected = (loss * batch.weight).sum() / batch.weight.sum()
    assert batch_score(network, batch) == pytest.approx(expected, rel=1e-4)


def test_quantiles_are_judged_by_what_they_are_trained_by():
    """Of a head of quantiles the score is the loss."""
    network, crops, origins = given("lstm")
    batch = crops.at(np.arange(2), origins)
    with torch.no_grad():
        assert batch_score(network, batch) == pytest.approx(batch_loss(network, batch).item(), rel=1e-5)


def test_what_does_not_count_changes_nothing():
    """Targets without weight may be anything; a batch without any scores 0."""
    network, crops, origins = given("gaussian")
    batch = crops.at(np.arange(2), origins)
    before = batch_score(network, batch)
    for other in (1e6, np.inf, np.nan):
        batch.target[batch.weight == 0] = other
        assert batch_score(network, batch) == before
    batch.weight[:] = 0
    assert batch_score(network, batch) == 0
