"""The engine without torch refuses graphs that are not its network's, and is quiet."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from foregate.core import Ahead, ArtifactError, Engine
from foregate.models.architecture import Architecture
from foregate.models.network import make_network
from foregate.models.spec import NetworkSpec
from foregate.persistence.engines import stored_network
from foregate.persistence.runtime import OnnxEngine

SPEC = NetworkSpec(n_features=4, n_steps=3, n_profiles=2, levels=(0.1, 0.5, 0.9), hidden=5, decoder=6)
LOOKS = Architecture(encoder="dilated", dilations=(2, 3), attention="dot", rows_back=4, strategy="seq2seq", reach=9)


def stored(spec=SPEC, **parts):
    """A network with random weights."""
    with torch.random.fork_rng(devices=[]):
        return stored_network(make_network(replace(spec, built=replace(spec.built, **parts))))


def ahead(B, K):
    """Nothing in particular of K steps ahead."""
    return Ahead(np.arange(1, K + 1), *(np.zeros(s, np.float32) for s in ((B, K, 3), (B, K, 2), (B,), (B,))))


def test_threads_are_as_told(monkeypatch):
    """The number of threads is the one given, else OMP_NUM_THREADS, else the number of usable cores."""
    assert OnnxEngine(stored(), threads=3).threads == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert OnnxEngine(stored()).threads == 2
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert OnnxEngine(stored()).threads >= 1


@pytest.mark.parametrize("built", [Architecture(), LOOKS], ids=["usual", "looks"])
def test_it_is_an_engine(built):
    """It takes and gives what the protocol says."""
    spec = replace(SPEC, built=built)
    engine: Engine = OnnxEngine(stored(spec))
    states, after = engine.encode(np.zeros((2, 7, 4), np.float32), np.full((2, 3), 6))
    assert (states.shape, after.shape) == ((2, 3, engine.width), (2, engine.carries))
    assert engine.decode(states[:, -1], np.zeros((2, 4), np.float32), ahead(2, 9)).shape == (2, 9, 3)
    assert engine.manner == spec.manner
    assert set(engine.weights()) == set(make_network(spec).state_dict())


@pytest.mark.parametrize("built", [Architecture(), LOOKS, replace(LOOKS, strategy="each")], ids=str)
def test_nothing_is_read_and_nothing_said(built):
    """No series, no rows, no origins and no steps are answered by arrays as empty."""
    engine = OnnxEngine(stored(replace(SPEC, built=built)))
    C, W = engine.carries, engine.width
    for B, T, n in ((0, 7, 2), (2, 0, 0), (2, 7, 0)):
        states, after = engine.encode(np.zeros((B, T, 4), np.float32), np.zeros((B, n), np.int64))
        assert (states.shape, after.shape) == ((B, n, W), (B, C))
    for B, K in ((0, 3), (2, 0)):
        said = engine.decode(np.zeros((B, W), np.float32), np.zeros((B, 4), np.float32), ahead(B, K))
        assert said.shape == (B, K, 3)


def test_origins_change_nothing_of_what_is_carried():
    """A series that is only read carries on what it would with origins."""
    engine, features = OnnxEngine(stored(replace(SPEC, built=LOOKS))), np.ones((2, 7, 4), np.float32)
    _, after = engine.encode(features, np.zeros((2, 0), np.int64))
    np.testing.assert_array_equal(after, engine.encode(features, np.full((2, 1), 3))[1])


def test_what_is_no_graph_is_refused(capfd):
    """Bytes that are no graph are refused by name, and nothing is printed."""
    network = stored()
    for content in (b"", b"PK\x03\x04", network.encoder[:-50]):
        with pytest.raises(ArtifactError, match=r"encoder\.onnx must be a graph that ONNX Runtime can run"):
            OnnxEngine(replace(network, encoder=content))
    assert capfd.readouterr() == ("", "")


def test_graphs_of_another_network_are_refused():
    """A graph of other sizes, and the decoder in the encoder's place, are refused."""
    network, other = stored(), stored(replace(SPEC, hidden=6))
    with pytest.raises(
        ArtifactError, match=r"inputs of encoder\.onnx must be .*carried float\[·, 20\], but got .* 24\]"
    ):
        OnnxEngine(replace(network, encoder=other.encoder))
    with pytest.raises(ArtifactError, match=r"inputs of decoder\.onnx must be"):
        OnnxEngine(replace(network, decoder=network.encoder))


@pytest.mark.parametrize(
    "parts",
    [{"cell": "gru"}, {"strategy": "direct", "reach": 3}, {"head": "gaussian"}, {"attention": "dot", "rows_back": 2}],
    ids=str,
)
def test_graphs_of_another_architecture_are_refused(parts):
    """A cell, strategy, head or attention that carries, asks or says other numbers is noticed at once."""
    with pytest.raises(ArtifactError, match=r"puts of (en|de)coder\.onnx must be .*Save the model anew"):
        OnnxEngine(replace(stored(**parts), shape=SPEC))


def test_nobody_is_told_of_it(tmp_path):
    """Running a network writes nothing into the home folder: no number of the machine, nothing to be sent."""
    code = "from foregate import Forecaster; print(len(Forecaster.pretrained(horizon=1, season_length=4).live()))"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORT_", "XDG_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=kept | {"HOME": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "0\n", done.stderr
    assert list(tmp_path.rglob("*")) == []


class Odd:
    """A session whose graph takes what it says, and then fails or gives something else."""

    def __init__(self, said):
        self.said = said

    def run(self, outputs, given):
        if isinstance(self.said, Exception):
            raise self.said
        return [self.said for _ in outputs]


@pytest.mark.parametrize("said", [RuntimeError("batch size (1) is not divisible\nmore"), np.zeros((1, 1), np.float32)])
def test_a_graph_that_fails_when_it_is_run_is_a_damaged_model(said):
    """What only some batches show, such as a graph for one series at a time, is an error of the model and says so."""
    engine = OnnxEngine(stored())
    B, n_features = 3, engine.shape.n_features
    engine._encoder = engine._decoder = Odd(said)
    with pytest.raises(ArtifactError, match=r"encoder\.onnx must give an array for any number of series"):
        engine.encode(np.zeros((B, 4, n_features), np.float32), np.zeros((B, 1), np.int64))
    states = np.zeros((B, engine.width), np.float32)
    with pytest.raises(ArtifactError, match=r"decoder\.onnx must give an array for any number of series"):
        engine.decode(states, np.zeros((B, n_features), np.float32), ahead(B, 2))
