"""Networks and what runs them: any engine's network can be stored, and started by either engine again."""

import numpy as np
import pytest
import torch

from foregate.core import UsageError
from foregate.data.inputs import InputSpec
from foregate.persistence.engines import require_engine, start_engine, stored, weight_forms
from foregate.persistence.runtime import OnnxEngine
from foregate.pipeline.fit import new_network
from foregate.pipeline.recipe import Recipe
from foregate.training.engine import TorchEngine


@pytest.fixture(scope="module")
def engine():
    """A small network run by torch."""
    return TorchEngine(new_network(Recipe(1, hidden=6, decoder=5), InputSpec()))


@pytest.mark.parametrize(("name", "kind"), [("torch", TorchEngine), ("onnx", OnnxEngine), ("auto", TorchEngine)])
def test_stored_is_started(engine, name, kind):
    """By the engine that was asked for, with the same weights, to be stored again."""
    network = stored(engine)
    again = start_engine(network, name)
    assert type(again) is kind
    for each, values in stored(again).weights.items():
        np.testing.assert_array_equal(values, network.weights[each])
        assert values.shape == weight_forms(network.shape)[each].shape


def test_starting_moves_no_random_numbers(engine):
    """torch's global generator stays where it was."""
    before = torch.get_rng_state()
    start_engine(stored(engine), "torch")
    assert torch.equal(torch.get_rng_state(), before)


def test_other_engines_are_refused():
    """A name that there is not, and an object that holds no network."""
    with pytest.raises(UsageError, match="engine must be one of auto, torch, onnx, but got 'jax'"):
        require_engine("jax")
    with pytest.raises(UsageError, match="the engine must be one of torch or ONNX, but got object"):
        stored(object())
