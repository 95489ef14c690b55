"""The torch engine is the network, in arrays."""

import numpy as np
import pytest
import torch

from foregate.core import Ahead, Engine, UsageError
from foregate.models.architecture import Architecture
from foregate.models.decoders import Ahead as Tensors
from foregate.models.network import NetworkSpec, make_network
from foregate.training.engine import TorchEngine, require_device

BUILT = [
    Architecture(),
    Architecture(head="student-t", attention="dot", rows_back=4),
    Architecture(cell="gru", encoder="bidirectional", rows_back=3, strategy="direct", reach=6),
    Architecture(strategy="seq2seq", reach=6, head="point"),
    Architecture(strategy="each", reach=3),
    Architecture(strategy="recursive", draws=7),
]


@pytest.mark.parametrize("built", BUILT, ids=str)
def test_arrays_in_and_out_are_the_networks(built):
    """States, what is carried, and what the head says are those of the network itself, as float32 arrays."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = make_network(NetworkSpec(5, 4, 2, (0.1, 0.5, 0.9), hidden=8, decoder=4, built=built))
    engine: Engine = TorchEngine(network)
    assert engine.manner == network.spec.manner
    assert (engine.carries, engine.width) == (network.carries, network.width)
    assert engine.weights().keys() == network.state_dict().keys()
    rng = np.random.default_rng(0)
    x, steps, paths = (rng.normal(size=s).astype(np.float32) for s in ((2, 7, 5), (2, 3, 4), (2, 3, 2)))
    columns, k = np.array([[2, 6], [0, 6]]), np.arange(1, 4)
    states, carried = engine.encode(x, columns)
    more, _ = engine.encode(x[:, :1], np.zeros((2, 1), np.int64), carried)
    said = engine.decode(states[:, -1], x[:, -1], Ahead(k, steps, paths, np.zeros(2), np.ones(2)))
    with torch.no_grad():
        tensor = torch.from_numpy
        expected, after = network.encode(tensor(x), tensor(columns))
        continued, _ = network.encode(tensor(x[:, :1]), torch.zeros(2, 1, dtype=torch.int64), after)
        raw = network.decode(expected[:, -1], tensor(x[:, -1]), Tensors(*map(tensor, (k, steps, paths))))
    for one, other in ((states, expected), (carried, after), (more, continued), (said, network.head.said(raw))):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-6, atol=1e-7)


def test_what_is_dropped_in_training_is_not_dropped_here():
    """An engine forecasts with all of its network, however that was left by training."""
    network = make_network(NetworkSpec(5, 4, 2, (0.1, 0.5, 0.9), hidden=8, decoder=4)).train()
    assert not TorchEngine(network).network.training


def test_devices_that_torch_does_not_have_are_refused():
    """The message has the name, and what torch says of it."""
    require_device("cpu")
    with pytest.raises(UsageError, match="device must be one that torch can use here, but got 'abacus'"):
        require_device("abacus")
