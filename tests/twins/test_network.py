"""The default network and one of written-out cells are the same function."""

import pytest
import torch

from foregate.models.cells import LSTMState, Stack
from foregate.models.network import NetworkSpec, make_network

B, T, F, H = 3, 11, 5, 4
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.mark.parametrize("carried", [False, True])
def test_the_network_reads_as_its_plain_twin(carried):
    """The network's encoder, layer upon layer in plain cells, gives the same states, memory and gradients."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = make_network(NetworkSpec(F, 6, 2, (0.1, 0.3, 0.5, 0.7, 0.9), hidden=H, decoder=3))
        x = torch.randn(B, T, F)
        before = torch.randn(B, 4 * H) if carried else None
    states, after = network.encode(x, torch.arange(T).expand(B, -1), before)

    encoder = network.encoder
    twins = [Stack.of(lstm) for lstm in encoder.layers]
    given = [None] * 4 if before is None else before.split(H, -1)  # h and C of one layer after the other
    z, carry = torch.tanh(encoder.inputs(x)), []
    for i, twin in enumerate(twins):
        h, c = given[2 * i : 2 * i + 2]
        twin.batch_first = True
        out, state, _ = twin(z, None if h is None else LSTMState(h[None], c[None]))
        z = z + out
        carry += [each[0] for each in state]
    torch.testing.assert_close(z, states, **TOLERANCE)
    torch.testing.assert_close(torch.cat(carry, -1), after, **TOLERANCE)

    states.pow(2).sum().backward()
    z.pow(2).sum().backward()
    for lstm, twin in zip(encoder.layers, twins, strict=True):
        for one, other in zip(twin.parameters(), lstm.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-5)
