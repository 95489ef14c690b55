"""The universal network in NumPy says what torch says."""

from dataclasses import replace
from threading import Thread

import numpy as np
import pytest

from foregate.core import Ahead
from foregate.forecasting.lean import Lean
from foregate.models.architecture import Architecture
from foregate.models.spec import NetworkSpec
from tests.streaming.obvious import Obvious

SHAPE = NetworkSpec(n_features=11, n_steps=7, n_profiles=5, levels=(0.1, 0.3, 0.5, 0.7, 0.9), hidden=6, decoder=8)
BUILT = {
    "residual": Architecture(),
    "stacked": Architecture(encoder="stacked", dilations=(1, 1, 1)),
    "one layer": Architecture(dilations=(1,)),
    "a bell": Architecture(head="gaussian"),
}
CLOSE = {"rtol": 1e-5, "atol": 3e-6}


def engine_of(name, shape=None):
    """By torch with its own weights, or written out with random ones."""
    shape = replace(SHAPE, built=BUILT[name])
    if name in ("a bell",):
        return Obvious(shape)
    torch = pytest.importorskip("torch")
    from foregate.models.network import make_network
    from foregate.training.engine import TorchEngine

    torch.manual_seed(3)
    return TorchEngine(make_network(shape))


@pytest.mark.parametrize("name", BUILT)
@pytest.mark.parametrize("size", [1, 30])
def test_it_reads_and_says_what_the_engine_does(name, size):
    """Row by row, going on from what was carried, and for any number of steps; also of large numbers."""
    engine, rng = engine_of(name), np.random.default_rng(1)
    lean = Lean.of(engine)
    features = (size * rng.normal(size=(1, 40, SHAPE.n_features))).astype(np.float32)
    states, after = engine.encode(features, np.arange(40)[None])
    carried, state = np.zeros(engine.carries, np.float32), np.zeros(engine.width, np.float32)
    for t in range(40):
        lean.encode(features[0, t], carried, state)
        np.testing.assert_allclose(state, states[0, t], **CLOSE)
    np.testing.assert_allclose(carried, after[0], **CLOSE)
    for K in (1, 24, 3):
        steps, paths = (size * rng.normal(size=(1, K, n)).astype(np.float32) for n in (SHAPE.n_steps, SHAPE.n_profiles))
        ahead = Ahead(np.arange(1, K + 1), steps, paths, np.zeros(1, np.float32), np.ones(1, np.float32))
        expected = engine.decode(states[:, -1], features[:, -1], ahead)[0]
        said = lean.decode(state, features[0, -1], np.ascontiguousarray(steps[0].T), np.ascontiguousarray(paths[0].T))
        np.testing.assert_allclose(said.T, expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_threads_take_turns():
    """Two of them say what one does."""
    lean, rng = Lean.of(engine_of("residual")), np.random.default_rng(1)
    rows = rng.normal(size=(300, SHAPE.n_features)).astype(np.float32)
    found = [(np.zeros(lean.shape.carries, np.float32), np.zeros(lean.shape.hidden, np.float32)) for _ in range(3)]

    def read(carried, state):
        for row in rows:
            lean.encode(row, carried, state)

    threads = [Thread(target=read, args=each) for each in found[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read(*found[2])
    for carried, _ in found[:2]:
        np.testing.assert_array_equal(carried, found[2][0])


@pytest.mark.parametrize(
    "built",
    [
        Architecture(cell="gru"),
        Architecture(encoder="dilated", dilations=(1, 3)),
        Architecture(encoder="windowed", rows_back=3),
        Architecture(attention="dot", rows_back=3),
        Architecture(strategy="recursive"),
        Architecture(strategy="direct", reach=3),
    ],
)
def test_other_networks_are_not_run_so(built):
    """None of another cell, encoder or strategy; nor an engine that does not tell what it is."""
    assert Lean.of(type("Engine", (), {"shape": replace(SHAPE, built=built), "weights": dict})()) is None
    assert Lean.of(object()) is None
