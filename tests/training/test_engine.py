"""The torch engine is the network, in arrays."""

import numpy as np
import torch

from foregate.core import Engine
from foregate.models.network import Network, NetworkSpec
from foregate.training.engine import TorchEngine


def test_arrays_in_and_out_are_the_networks():
    """States, what is carried and quantiles are those of the network itself, as float32 arrays."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Network(NetworkSpec(5, 4, 2, 3, hidden=6, decoder=4))
    engine: Engine = TorchEngine(network)
    rng = np.random.default_rng(0)
    x, steps, paths = (rng.normal(size=s).astype(np.float32) for s in ((2, 7, 5), (2, 3, 4), (2, 3, 2)))
    states, carried = engine.encode(x)
    more, _ = engine.encode(x[:, :1], carried)
    quantiles = engine.decode(states[:, -1], x[:, -1], steps, paths)
    with torch.no_grad():
        expected, after = network.encode(torch.from_numpy(x))
        continued, _ = network.encode(torch.from_numpy(x[:, :1]), after)
        said = network.decode(expected[:, -1], *(torch.from_numpy(each) for each in (x[:, -1], steps, paths)))
    for one, other in ((states, expected), (carried, after), (more, continued), (quantiles, said)):
        assert one.dtype == np.float32
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-6, atol=1e-7)
