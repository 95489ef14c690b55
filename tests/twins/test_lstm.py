"""The fast LSTM and the one written out gate by gate are the same function."""

import numpy as np
import pytest
import torch
from torch import nn

from foregate.models.cells import LSTMLayer, State
from foregate.models.network import Network, NetworkSpec

B, T, F, H = 3, 11, 5, 4
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture
def pair():
    """A fused LSTM and its twin, sequences, and a state to begin with."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        fast = nn.LSTM(F, H, batch_first=True)
        return fast, LSTMLayer.of(fast), torch.randn(B, T, F), State(torch.randn(B, H), torch.randn(B, H))


def logistic(x):
    return 1 / (1 + np.exp(-x))


def in_numpy(weights, x, h, c):
    """The same equations in NumPy and double precision: outputs (B, T, H) and the memory (B, T, H)."""
    W, U, b_x, b_h = (weights[name].double().numpy() for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    x, h, c = (each.double().numpy() for each in (x, h, c))
    outputs, memory = [], []
    for t in range(x.shape[1]):
        i, f, g, o = np.split(x[:, t] @ W.T + h @ U.T + b_x + b_h, 4, axis=1)
        c = logistic(f) * c + logistic(i) * np.tanh(g)
        h = logistic(o) * np.tanh(c)
        outputs.append(h)
        memory.append(c)
    return np.stack(outputs, 1), np.stack(memory, 1)


@pytest.mark.parametrize("carried", [False, True])
def test_outputs_and_states_agree(pair, carried):
    """Outputs at every step and the state after the last are those of torch.nn.LSTM and of NumPy."""
    fast, plain, x, state = pair
    if not carried:
        state = State(torch.zeros(B, H), torch.zeros(B, H))
    with torch.no_grad():
        expected, (h, c) = fast(x, (state.h[None], state.c[None]))
        outputs, after, gates = plain(x, state if carried else None)
    torch.testing.assert_close(outputs, expected, **TOLERANCE)
    torch.testing.assert_close(after.h, h[0], **TOLERANCE)
    torch.testing.assert_close(after.c, c[0], **TOLERANCE)
    by_hand, memory = in_numpy(plain.cell.state_dict(), x, *state)
    np.testing.assert_allclose(outputs, by_hand, **TOLERANCE)
    np.testing.assert_allclose(gates.c, memory, **TOLERANCE)


def test_gradients_agree(pair):
    """Gradients of weights, inputs and the first state agree with those of torch.nn.LSTM."""
    fast, plain, x, state = pair
    weight = torch.linspace(-1, 1, T * H).reshape(T, H)
    gradients = []
    for run in (
        lambda x, h, c: (lambda out, s: (out, s[1][0]))(*fast(x, (h[None], c[None]))),
        lambda x, h, c: (lambda out, s, _: (out, s.c))(*plain(x, State(h, c))),
    ):
        leaves = [each.clone().requires_grad_() for each in (x, *state)]
        outputs, memory = run(*leaves)
        ((outputs * weight).sum() + memory.pow(2).sum()).backward()
        gradients.append([leaf.grad for leaf in leaves])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    for name, parameter in plain.cell.named_parameters():
        torch.testing.assert_close(parameter.grad, getattr(fast, f"{name}_l0").grad, rtol=1e-4, atol=1e-5)


def test_carried_is_whole(pair):
    """Read in pieces, each from the state after the one before, a sequence gives the same outputs as read at once."""
    _, plain, x, _ = pair
    whole, last, _ = plain(x)
    first, state, _ = plain(x[:, :4])
    second, after, _ = plain(x[:, 4:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole)
    torch.testing.assert_close(after.c, last.c)


def test_gates_say_what_happened(pair):
    """The gates that are returned explain the memory: what was kept plus what was written; all lie in their range."""
    _, plain, x, state = pair
    outputs, _, gates = plain(x, state)
    before = torch.cat([state.c[:, None], gates.c[:, :-1]], 1)
    torch.testing.assert_close(gates.f * before + gates.i * gates.candidate, gates.c)
    torch.testing.assert_close(gates.o * torch.tanh(gates.c), outputs)
    for gate in (gates.f, gates.i, gates.o):
        assert bool(((gate > 0) & (gate < 1)).all())
    assert bool((gates.candidate.abs() < 1).all())


@pytest.mark.parametrize("carried", [False, True])
def test_the_network_reads_as_its_plain_twin(carried):
    """The network's encoder, layer upon layer in plain cells, gives the same states, memory and gradients."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = Network(NetworkSpec(F, 6, 2, 5, hidden=H, layers=2, decoder=3))
        x = torch.randn(B, T, F)
        before = torch.randn(4, B, H) if carried else None
    states, after = network.encode(x, before)

    twins = [LSTMLayer.of(lstm) for lstm in network.lstms]
    z, carry = torch.tanh(network.inputs(x)), []
    for i, twin in enumerate(twins):
        out, state, _ = twin(z, None if before is None else State(before[2 * i], before[2 * i + 1]))
        z = z + out
        carry += [*state]
    torch.testing.assert_close(z, states, **TOLERANCE)
    torch.testing.assert_close(torch.stack(carry), after, **TOLERANCE)

    states.pow(2).sum().backward()
    z.pow(2).sum().backward()
    for lstm, twin in zip(network.lstms, twins, strict=True):
        for name, parameter in twin.cell.named_parameters():
            torch.testing.assert_close(parameter.grad, getattr(lstm, f"{name}_l0").grad, rtol=1e-4, atol=1e-5)
