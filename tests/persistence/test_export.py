"""The graphs are the network: the same numbers for any batch, length, horizon and carried state."""

import numpy as np
import pytest
import torch

from foregate.models.network import Network
from foregate.models.spec import NetworkSpec
from foregate.persistence.export import decoder_graph, encoder_graph
from foregate.persistence.runtime import OnnxEngine, StoredNetwork
from foregate.training.engine import TorchEngine


@pytest.fixture(scope="module", params=[(13, 96, 2, 64), (3, 5, 1, 3), (1, 4, 3, 4)], ids=str)
def engines(request):
    """One network with random weights behind both engines."""
    Q, hidden, layers, decoder = request.param
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Network(NetworkSpec(7, 5, 4, Q, hidden, layers, decoder))
        for parameter in network.parameters():
            parameter.data.mul_(1.5)
    weights = {name: values.numpy() for name, values in network.state_dict().items()}
    shape = network.spec
    stored = StoredNetwork(shape, weights, encoder_graph(shape, weights), decoder_graph(shape, weights))
    return TorchEngine(network), OnnxEngine(stored)


def random(*shape):
    """Numbers about as large as the network's inputs."""
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize(("B", "T"), [(1, 1), (1, 50), (257, 3), (3, 2_000)])
def test_the_encoder_is_the_network(engines, B, T):
    """States and what is carried on agree, from nothing and from a state."""
    features, carried = random(B, T, 7), None
    for _ in range(2):
        (states, after), (found, left) = (engine.encode(features, carried) for engine in engines)
        np.testing.assert_allclose(found, states, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(left, after, rtol=1e-5, atol=1e-5)
        assert found.dtype == left.dtype == np.float32
        carried = after


@pytest.mark.parametrize(("B", "K"), [(1, 1), (257, 4), (2, 720)])
def test_the_decoder_is_the_network(engines, B, K):
    """Quantiles agree, in order."""
    hidden = engines[1].network.shape.hidden
    given = random(B, hidden), random(B, 7), random(B, K, 5), 5 * random(B, K, 4)
    expected, found = (engine.decode(*given) for engine in engines)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    assert (np.diff(found) >= 0).all()


def test_a_sequence_may_be_read_in_parts(engines):
    """Carrying the state over any cut gives the states of one pass."""
    engine, features = engines[1], random(3, 40, 7)
    whole, _ = engine.encode(features)
    carried, parts = None, []
    for part in np.split(features, [1, 7, 30], axis=1):
        states, carried = engine.encode(part, carried)
        parts.append(states)
    np.testing.assert_allclose(np.concatenate(parts, 1), whole, atol=1e-6)


def test_the_shape_knows_the_weights(engines):
    """Names and shapes are those that torch gives."""
    network = engines[0].network
    assert engines[1].network.shape.weights() == {n: tuple(v.shape) for n, v in network.state_dict().items()}
