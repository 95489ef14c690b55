"""The engine without torch refuses graphs that are not its network's, and is quiet."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import ArtifactError, Engine
from foregate.models.spec import NetworkSpec
from foregate.persistence.export import decoder_graph, encoder_graph
from foregate.persistence.runtime import OnnxEngine, StoredNetwork

SHAPE = NetworkSpec(n_features=4, n_steps=3, n_profiles=2, n_quantiles=3, hidden=5, layers=1, decoder=6)


def stored(shape):
    """A network of zeros."""
    weights = {name: np.zeros(size, np.float32) for name, size in shape.weights().items()}
    return StoredNetwork(shape, weights, encoder_graph(shape, weights), decoder_graph(shape, weights))


def test_threads_are_as_told(monkeypatch):
    """The number of threads is the one given, else OMP_NUM_THREADS, else the number of usable cores."""
    assert OnnxEngine(stored(SHAPE), threads=3).threads == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert OnnxEngine(stored(SHAPE)).threads == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert OnnxEngine(stored(SHAPE)).threads >= 1


def test_it_is_an_engine():
    """It takes and gives what the protocol says."""
    engine: Engine = OnnxEngine(stored(SHAPE))
    states, after = engine.encode(np.zeros((2, 7, 4), np.float32))
    assert (states.shape, after.shape) == ((2, 7, 5), (2, 2, 5))
    quantiles = engine.decode(states[:, -1], *(np.zeros(s, np.float32) for s in ((2, 4), (2, 9, 3), (2, 9, 2))))
    assert quantiles.shape == (2, 9, 3)


def test_what_is_no_graph_is_refused(capfd):
    """Bytes that are no graph are refused by name, and nothing is printed."""
    network = stored(SHAPE)
    for content in (b"", b"PK\x03\x04", network.encoder[:-50]):
        with pytest.raises(ArtifactError, match=r"encoder\.onnx must be a graph that ONNX Runtime can run"):
            OnnxEngine(replace(network, encoder=content))
    assert capfd.readouterr() == ("", "")


def test_graphs_of_another_network_are_refused():
    """A graph of other sizes, and the decoder in the encoder's place, are refused."""
    network, other = stored(SHAPE), stored(replace(SHAPE, hidden=6))
    with pytest.raises(ArtifactError, match=r"inputs of encoder\.onnx must be"):
        OnnxEngine(replace(network, encoder=other.encoder))
    with pytest.raises(ArtifactError, match=r"inputs of decoder\.onnx must be"):
        OnnxEngine(replace(network, decoder=network.encoder))
