"""The default network and one of written-out cells are the same function."""

import pytest
import torch

from foregate.models.cells import LSTMState, Stack
from foregate.models.network import Network, NetworkSpec

B, T, F, H = 3, 11, 5, 4
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.mark.parametrize("carried", [False, True])
def test_the_network_reads_as_its_plain_twin(carried):
    """The network's encoder, layer upon layer in plain cells, gives the same states, memory and gradients."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = Network(NetworkSpec(F, 6, 2, 5, hidden=H, layers=2, decoder=3))
        x = torch.randn(B, T, F)
        before = torch.randn(4, B, H) if carried else None
    states, after = network.encode(x, before)

    twins = [Stack.of(lstm) for lstm in network.lstms]
    z, carry = torch.tanh(network.inputs(x)), []
    for i, twin in enumerate(twins):
        out, state, _ = twin(z, None if before is None else LSTMState(before[2 * i][None], before[2 * i + 1][None]))
        z = z + out
        carry += [*state]
    torch.testing.assert_close(z, states, **TOLERANCE)
    torch.testing.assert_close(torch.cat(carry), after, **TOLERANCE)

    states.pow(2).sum().backward()
    z.pow(2).sum().backward()
    for lstm, twin in zip(network.lstms, twins, strict=True):
        for one, other in zip(twin.parameters(), lstm.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)
