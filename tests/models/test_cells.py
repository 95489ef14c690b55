"""Laws of the written-out cells and the loops that run them; that they are torch's own functions is in twins/."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from foregate.core import UsageError
from foregate.models.cell_spec import CELLS
from foregate.models.cells import Layer, Stack, fused, kind_of, make_cell

B, T, F, H = 3, 11, 5, 4


def numbers(*shape, seed=0, size=1.0):
    return size * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def make(kind, **shape):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Stack(kind, F, H, **shape).double()


@given(st.sampled_from([*CELLS]), st.integers(0, 2**31), st.sampled_from([0.0, 1.0, 10.0]))
def test_gates_say_what_happened(kind, seed, size):
    """From the gates that are returned the outputs follow; all gates lie in their range."""
    layer, x, h = make(kind).layers[0], numbers(B, T, F, seed=seed, size=size), numbers(B, H, seed=seed)
    state = layer.cell.carries(*[h] * len(layer.cell.carries._fields))
    outputs, _, gates = layer(x, state)
    before = torch.cat([h[:, None], outputs[:, :-1]], 1)
    if kind == "lstm":
        memory = torch.cat([h[:, None], gates.c[:, :-1]], 1)
        torch.testing.assert_close(gates.f * memory + gates.i * gates.candidate, gates.c)
        torch.testing.assert_close(gates.o * torch.tanh(gates.c), outputs)
        opened = (gates.f, gates.i, gates.o)
    elif kind == "gru":
        torch.testing.assert_close(gates.z * before + (1 - gates.z) * gates.candidate, outputs)
        opened = (gates.r, gates.z)
    else:
        torch.testing.assert_close(outputs, torch.tanh(gates.a) if kind == "rnn-tanh" else gates.a.clamp(min=0))
        opened = ()
    assert all(bool(((gate >= 0) & (gate <= 1)).all()) for gate in opened)
    assert kind.startswith("rnn") or bool((gates.candidate.abs() <= 1).all())


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("kind", CELLS)
def test_carried_is_whole(kind, layers):
    """Read in pieces, each from the state after the one before, a sequence gives the outputs of one pass."""
    stack, x = make(kind, layers=layers), numbers(B, T, F)
    whole, last, _ = stack(x)
    outputs, state = [], None
    for piece in x.split((4, 1, 6), 1):
        read, state, _ = stack(piece, state)
        outputs.append(read)
    torch.testing.assert_close(torch.cat(outputs, 1), whole)
    for one, other in zip(state, last, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("kind", CELLS)
def test_one_direction_never_looks_ahead_and_two_do(kind):
    """Change the inputs after a step: outputs up to it stay to the bit in one direction, and change in two."""
    x = numbers(B, T, F)
    changed = x.clone()
    changed[:, 6:] = 3
    one, both = make(kind, layers=2), make(kind, layers=2, bidirectional=True)
    assert torch.equal(one(x)[0][:, :6], one(changed)[0][:, :6])
    assert not torch.equal(one(x)[0][:, 6], one(changed)[0][:, 6])
    assert not torch.equal(both(x)[0][:, :6], both(changed)[0][:, :6])


@pytest.mark.parametrize("kind", CELLS)
def test_reverse_is_the_same_layer_on_time_turned_round(kind):
    """A layer in reverse gives, in the order of time, what it gives forwards on the sequence turned round."""
    forwards = make(kind).layers[0]
    reverse, x = Layer(forwards.cell, reverse=True), numbers(B, T, F)
    outputs, state, gates = reverse(x)
    expected, last, opened = forwards(x.flip(1))
    assert torch.equal(outputs, expected.flip(1))
    assert torch.equal(outputs[:, 0], state.h)
    assert torch.equal(state.h, last.h)
    assert all(torch.equal(one, other.flip(1)) for one, other in zip(gates, opened, strict=True))


@pytest.mark.parametrize("kind", CELLS)
def test_batches_do_not_matter(kind):
    """A sequence read in a batch has the outputs it has alone."""
    stack, x = make(kind, layers=2), numbers(B, T, F)
    together = stack(x)[0]
    for b in range(B):
        torch.testing.assert_close(stack(x[b : b + 1])[0][0], together[b])


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", CELLS)
def test_a_name_is_a_fused_module_and_back(kind, bidirectional):
    """Fused layers are made by name, know their name, and have the shape that was asked for."""
    rnn = fused(kind, F, H, layers=2, bidirectional=bidirectional, dropout=0.25)
    assert kind_of(rnn) == kind
    assert (rnn.input_size, rnn.hidden_size, rnn.num_layers) == (F, H, 2)
    assert (rnn.bidirectional, rnn.dropout, rnn.batch_first) == (bidirectional, 0.25, True)


@pytest.mark.parametrize("kind", CELLS)
def test_weights_are_those_of_torch(kind):
    """Written-out cells have torch's names, shapes and range of initial weights."""
    cell, rnn = make(kind).layers[0].cell, fused(kind, F, H)
    expected = {name.removesuffix("_l0"): tuple(each.shape) for name, each in rnn.named_parameters()}
    assert {name: tuple(each.shape) for name, each in cell.named_parameters()} == expected
    for parameter in cell.parameters():
        assert 0 < float(parameter.detach().abs().max()) <= H**-0.5


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "lstn"}, r"A cell must be one of 'lstm', 'gru', 'rnn-tanh', 'rnn-relu', but got 'lstn'"),
        ({"hidden": 0}, "hidden must be a whole number of at least 1"),
        ({"layers": 0}, "layers must be"),
        ({"n_inputs": 0}, "n_inputs must be"),
    ],
)
def test_impossible_layers_are_refused(wrong, message):
    """Unknown cells and sizes that are not whole numbers are refused, fused and written out."""
    for maker in (fused, Stack, *([] if "layers" in wrong else [make_cell])):
        with pytest.raises(UsageError, match=message):
            maker(**{"kind": "lstm", "n_inputs": F, "hidden": H, **wrong})


@pytest.mark.parametrize(
    ("layers", "rate", "message"),
    [(1, 0.5, "must have two of them, but got 0.5 with layers=1"), (2, 1.0, "dropout must be"), (2, -0.1, "dropout")],
)
def test_impossible_dropout_is_refused(layers, rate, message):
    """Between layers something can be dropped only where there are two of them, and never everything."""
    with pytest.raises(UsageError, match=message):
        fused("gru", F, H, layers=layers, dropout=rate)


@pytest.mark.parametrize("rnn", [nn.LSTM(F, H, proj_size=2), nn.GRU(F, H, bias=False)], ids=["projection", "no bias"])
def test_what_is_not_written_out_has_no_twin(rnn):
    """Projections and layers without biases are refused, not silently read otherwise."""
    with pytest.raises(UsageError, match="must have biases and no projection"):
        Stack.of(rnn)
