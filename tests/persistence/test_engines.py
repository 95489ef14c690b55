"""Networks and what runs them: any engine's network can be stored, and started by either engine again."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foregate.core import ArtifactError, UsageError
from foregate.forecasting.ensemble import Ensemble
from foregate.models.architecture import Architecture
from foregate.models.network import make_network
from foregate.models.spec import NetworkSpec
from foregate.persistence.engines import WEIGHT, as_torch, require_runtime, start_engine, start_together, stored
from foregate.persistence.runtime import OnnxEngine
from foregate.persistence.tensors import pack, unpack
from foregate.training.engine import TorchEngine

BUILT = {
    "usual": Architecture(),
    "written": Architecture("gru", attention="additive", rows_back=3, strategy="seq2seq", reach=4),
    "each": Architecture(encoder="patched", rows_back=4, patch=2, strategy="each", reach=3, head="student-t"),
}


def made(name):
    """A small network run by torch."""
    with torch.random.fork_rng(devices=[]):
        spec = NetworkSpec(4, 3, 2, (0.1, 0.5, 0.9), hidden=6, decoder=5, built=BUILT[name])
        return TorchEngine(make_network(spec))


def alone(engine):
    """The one network behind an engine."""
    (network,), shares = stored(engine)
    assert shares is None
    return network


@pytest.fixture(scope="module", params=BUILT)
def engine(request):
    """Each of them."""
    return made(request.param)


@pytest.mark.parametrize(("name", "kind"), [("torch", TorchEngine), ("onnx", OnnxEngine), ("auto", TorchEngine)])
def test_stored_is_started(engine, name, kind):
    """By the engine that was asked for, with the same weights and graphs, to be stored again."""
    network = alone(engine)
    again = start_engine(network, name)
    assert type(again) is kind
    assert again.manner == engine.manner
    for each, values in alone(again).weights.items():
        np.testing.assert_array_equal(values, network.weights[each])
    assert (alone(again).encoder, alone(again).decoder) == (network.encoder, network.decoder)
    assert type(as_torch(again)) is TorchEngine


@pytest.mark.parametrize("shares", [(0.25, 0.75), None])
@pytest.mark.parametrize("name", ["torch", "onnx"])
def test_several_are_started_together(name, shares):
    """With their shares, or none for the median; one after the other, as they were."""
    networks = [alone(made("usual")), alone(made("each"))]
    together = start_together(networks, shares, name)
    assert type(together) is Ensemble
    found, theirs = stored(together)
    assert theirs == shares
    assert [each.encoder for each in found] == [each.encoder for each in networks]
    assert together.weights().keys() == {f"{i}.{n}" for i, each in enumerate(networks) for n in each.weights}
    assert type(as_torch(together).engines[1]) is TorchEngine


def test_weights_come_back_from_a_file(engine):
    """Whatever their names and shapes."""
    weights = alone(engine).weights
    found = unpack(pack(weights, WEIGHT, "f"), WEIGHT, "f")
    assert set(found) == set(weights)
    for name, values in weights.items():
        np.testing.assert_array_equal(found[name], values)


def test_starting_moves_no_random_numbers(engine):
    """torch's global generator stays where it was."""
    network, before = alone(engine), torch.get_rng_state()
    start_engine(network, "torch")
    assert torch.equal(torch.get_rng_state(), before)


def test_weights_of_another_network_are_refused(engine):
    """Where torch runs them, it says which are missing, unknown or of another shape."""
    network = alone(engine)
    name = next(iter(network.weights))
    rest = {each: values for each, values in network.weights.items() if each != name}
    for weights in (rest, {**rest, name: np.ones((7, 7), np.float32)}, {**network.weights, "more": np.ones(1)}):
        with pytest.raises(
            ArtifactError, match=r"weights\.safetensors must be of its network, but got .*Save the model"
        ):
            start_engine(replace(network, weights=weights), "torch")


def test_other_engines_are_refused():
    """A name that there is not, and an object that holds no network."""
    with pytest.raises(UsageError, match="runtime must be one of auto, torch, onnx, but got 'jax'"):
        require_runtime("jax")
    with pytest.raises(UsageError, match="the engine must be one of torch or ONNX, but got object"):
        stored(object())
