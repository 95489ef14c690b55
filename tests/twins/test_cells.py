"""The fused cells and those written out are the same functions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from foregate.models.cell_spec import CELLS
from foregate.models.cells import HiddenState, LSTMState, Stack, fused
from tests.twins import oracle

B, T, F, H = 3, 7, 5, 4
TOLERANCE = {"rtol": 1e-10, "atol": 1e-10}


def numbers(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def make(kind, seed=0, **shape):
    """Fused layers in double precision, with weights large enough that gates close."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        rnn = fused(kind, F, H, **shape).double()
    for parameter in rnn.parameters():
        parameter.data *= 2
    return rnn


def a_state(kind, rows, seed=9):
    """A state for every layer and direction: as written-out layers take it, and as torch does."""
    h, c = numbers(rows, B, H, seed=seed), numbers(rows, B, H, seed=seed + 1)
    return (LSTMState(h, c), (h, c)) if kind == "lstm" else (HiddenState(h), h)


def fields(state):
    """The tensors of a state, whether in one tensor or in a tuple of them."""
    return [state] if isinstance(state, torch.Tensor) else list(state)


def losses(outputs, state):
    """One number that depends on every output and state differently."""
    total = (outputs * numbers(*outputs.shape, seed=5)).sum()
    for i, each in enumerate(fields(state)):
        total = total + (each * numbers(*each.shape, seed=6 + i)).sum()
    return total


@pytest.mark.parametrize("carried", [False, True], ids=["zeros", "carried"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forwards", "both"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("kind", CELLS)
def test_outputs_states_and_gradients_agree(kind, layers, bidirectional, carried):
    """Of fused layers and their plain twin, stacked or not, in one direction or both, from zeros or a state."""
    rnn = make(kind, layers=layers, bidirectional=bidirectional)
    twin = Stack.of(rnn)
    x, y = numbers(B, T, F).requires_grad_(), numbers(B, T, F).requires_grad_()
    plain, fast = a_state(kind, layers * (1 + bidirectional)) if carried else (None, None)
    starts = fields(plain) if carried else []
    for each in starts:
        each.requires_grad_()

    outputs, state = rnn(x, fast)
    mine, after, _ = twin(y, plain)
    torch.testing.assert_close(mine, outputs, **TOLERANCE)
    for one, other in zip(after, fields(state), strict=True):
        torch.testing.assert_close(one, other, **TOLERANCE)

    expected = torch.autograd.grad(losses(outputs, state), [x, *starts, *rnn.parameters()])
    found = torch.autograd.grad(losses(mine, after), [y, *starts, *twin.parameters()])
    for one, other in zip(found, expected, strict=True):
        assert bool(other.abs().sum() > 0)
        torch.testing.assert_close(one, other, **TOLERANCE)


@given(st.sampled_from([*CELLS]), st.integers(0, 2**31), st.sampled_from([0.1, 1.0, 30.0]))
def test_numpy_agrees(kind, seed, size):
    """Outputs and memory, at any size of inputs and states, are those of NumPy."""
    twin = Stack.of(make(kind, seed))
    x = size * numbers(B, T, F, seed=seed)
    state = a_state(kind, 1, seed)[0]._make(size * each for each in a_state(kind, 1, seed)[0])
    with torch.no_grad():
        outputs, _, (gates,) = twin(x, state)
    weights = [parameter.detach().numpy() for parameter in twin.layers[0].cell.parameters()]
    start = [each[0].numpy() for each in state]
    if kind == "lstm":
        expected, memory = oracle.lstm(weights, x.numpy(), *start)
        np.testing.assert_allclose(gates.c, memory, **TOLERANCE)
    elif kind == "gru":
        expected = oracle.gru(weights, x.numpy(), *start)
    else:
        bend = np.tanh if kind == "rnn-tanh" else (lambda a: np.maximum(a, 0))
        expected = oracle.rnn(weights, x.numpy(), *start, bend)
    np.testing.assert_allclose(outputs, expected, **TOLERANCE)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("make_rnn", [nn.RNN, nn.GRU, nn.LSTM])
def test_a_twin_reads_what_its_original_reads(make_rnn, bidirectional):
    """Sequences come with steps first where the original has them first; precision and mode are the original's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        rnn = make_rnn(F, H, num_layers=2, bidirectional=bidirectional).double().eval()
    twin = Stack.of(rnn)
    torch.testing.assert_close(twin(numbers(T, B, F))[0], rnn(numbers(T, B, F))[0], **TOLERANCE)
    assert not twin.training
    assert {parameter.dtype for parameter in twin.parameters()} == {torch.float64}


def test_a_twin_has_weights_of_its_own():
    """What the twin learns does not change the original, and making it draws no random numbers."""
    rnn = make("gru")
    before, drawn = rnn.weight_hh_l0.clone(), torch.get_rng_state()
    twin = Stack.of(rnn)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(parameter.requires_grad and parameter.is_leaf for parameter in twin.parameters())
    for parameter in twin.parameters():
        parameter.data.zero_()
    assert torch.equal(rnn.weight_hh_l0, before)
