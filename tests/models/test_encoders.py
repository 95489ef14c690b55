"""Laws of encoders, whatever they are made of."""

from dataclasses import replace

import pytest
import torch

from foregate.models.architecture import ENCODERS, WINDOWED
from foregate.models.cell_spec import Dropout, ForgetGate
from foregate.models.encoders import make_encoder
from tests.models.built import CHUNKS, CLOSE, READERS, B, F, H, T, built, every, in_pieces, numbers

kinds = pytest.mark.parametrize("kind", READERS)


def encoder(architecture, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make_encoder(F, H, architecture).eval()


def read(reads, x, columns=None, carried=None):
    with torch.no_grad():
        return reads(x, every(x) if columns is None else columns, carried)


@kinds
@pytest.mark.parametrize("chunks", CHUNKS)
def test_carried_is_whole(kind, chunks):
    """Read in pieces with the vector carried on, a series gives the states and memories of one pass."""
    reads, x = encoder(READERS[kind]), numbers(B, T, F)
    whole = read(reads, x)
    states, carried = in_pieces(lambda *given: read(reads, *given)[:2], x, chunks)
    torch.testing.assert_close(states, whole.states, **CLOSE)
    torch.testing.assert_close(carried, whole.carried, **CLOSE)
    assert carried.shape == (B, reads.carries)


@kinds
def test_nothing_carried_is_zeros(kind):
    """Before anything was read the vector is zeros, whatever is in it."""
    reads, x = encoder(READERS[kind]), numbers(B, T, F)
    one, other = read(reads, x), read(reads, x, carried=torch.zeros(B, reads.carries))
    assert torch.equal(one.states, other.states)
    assert torch.equal(one.carried, other.carried)


@kinds
def test_states_never_look_ahead(kind):
    """Change the inputs after a step: the states up to it stay to the bit, and the next one does not."""
    reads, x = encoder(READERS[kind]), numbers(B, T, F)
    changed = x.clone()
    changed[:, 6:] = 100
    one, other = read(reads, x).states, read(reads, changed).states
    assert torch.equal(one[:, :6], other[:, :6])
    assert not torch.equal(one[:, 6], other[:, 6])


@kinds
def test_origins_are_where_they_were_asked_for(kind):
    """At columns in any order, each as often as is asked for, there are the states of these steps."""
    reads, x = encoder(READERS[kind]), numbers(B, T, F)
    columns = torch.tensor([[0, 10, 4], [9, 9, 1], [2, 3, 4]])
    whole = read(reads, x).states
    found = read(reads, x, columns).states
    torch.testing.assert_close(found, whole[torch.arange(B)[:, None], columns], **CLOSE)


@kinds
def test_alone_is_together(kind):
    """A series has the states it has alone beside others, and behind its last row may lie anything."""
    reads, x = encoder(READERS[kind]), numbers(B, T, F)
    together = read(reads, x).states
    for b in range(B):
        alone = read(reads, x[b : b + 1, : 5 + b]).states
        torch.testing.assert_close(alone[0], together[b, : 5 + b], **CLOSE)


@pytest.mark.parametrize("encoder_name", [name for name in ENCODERS if name not in WINDOWED])
def test_a_carried_state_reaches_to_the_beginning(encoder_name):
    """The last of eleven states depends on the first input."""
    reads, x = encoder(built(encoder_name)), numbers(B, 13, F).requires_grad_()
    (gradient,) = torch.autograd.grad(reads(x, every(x)).states[:, 12].sum(), x)
    assert bool((gradient[:, 0].abs().sum(-1) > 0).all())


@pytest.mark.parametrize("encoder_name", WINDOWED)
def test_a_window_reaches_as_far_as_it_is_long(encoder_name):
    """Every row of the window counts, in both directions, and no row before it does."""
    reads, x = encoder(built(encoder_name)), numbers(B, T, F).requires_grad_()
    (gradient,) = torch.autograd.grad(reads(x, every(x)).states[:, 8].sum(), x)
    counts = gradient.abs().sum((0, 2)) > 0
    assert counts.tolist() == [False] * 3 + [True] * 6 + [False] * 2


@pytest.mark.parametrize("encoder_name", WINDOWED)
def test_no_row_is_not_a_row_of_zeros(encoder_name):
    """Places before the first row are told apart from rows that happen to hold nothing but zeros."""
    reads, x = encoder(built(encoder_name)), numbers(B, 2, F)
    padded = torch.cat([torch.zeros(B, 2, F), x], 1)
    assert not torch.allclose(read(reads, x).states[:, -1], read(reads, padded).states[:, -1])


def test_a_dilated_layer_goes_on_from_its_state_some_rows_ago():
    """A single layer of dilation 3 reads this row and those a multiple of 3 before, and no other."""
    reads, x = encoder(built("dilated", dilations=(3,))), numbers(B, T, F).requires_grad_()
    (gradient,) = torch.autograd.grad(reads(x, every(x)).states[:, 10].sum(), x)
    counts = gradient.abs().sum((0, 2)) > 0
    assert counts.tolist() == [t in (1, 4, 7, 10) for t in range(T)]


def test_a_dilation_of_1_is_none():
    """Dilated by 1, layers are residual ones."""
    one, other = encoder(built("dilated", dilations=(1, 1))), encoder(built("residual"))
    other.load_state_dict(one.state_dict())
    x = numbers(B, T, F)
    assert torch.equal(read(one, x).states, read(other, x).states)


def test_stacked_layers_do_not_add():
    """Without a skip a state is what the last layer says, between -1 and 1 times its gate; with one it is a sum."""
    loud = 30 * numbers(B, T, F)
    assert read(encoder(built("stacked")), loud).states.abs().max() <= 1
    assert read(encoder(built("residual", dilations=(1,) * 6)), loud).states.abs().max() > 1


def test_what_attention_looks_at_are_the_last_states():
    """A memory holds the states at the last L steps, the newest last, and says where there was none yet."""
    found = read(encoder(built(attention="dot")), numbers(B, T, F))
    L = 6
    for t in range(T):
        n = min(t + 1, L)
        assert found.memory.there[:, t].tolist() == [[False] * (L - n) + [True] * n] * B
        assert torch.equal(found.memory.keys[:, t, L - n :], found.states[:, t + 1 - n : t + 1])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("encoder_name", ["residual", "dilated", "bidirectional"])
def test_memory_is_kept_at_first(cell, encoder_name):
    """The gates that keep the memory begin as they were told, those of a default network open."""
    reads = encoder(built(encoder_name, cell=cell))
    gate = slice(H, 2 * H)  # of torch's rows: the forget gate of an LSTM, the update gate of a GRU
    for name, value in reads.layers[0].named_parameters():
        if name.startswith("bias_ih"):
            both = (value + dict(reads.layers[0].named_parameters())[name.replace("ih", "hh")]).detach()
            assert float(both[gate].mean()) > 0.7
            assert abs(float(torch.cat([both[:H], both[2 * H :]]).mean())) < 0.3


@pytest.mark.parametrize("bias", [-3.0, 4.0])
def test_what_the_gates_do_can_be_seen(bias):
    """While a carried encoder reads, its forget gates stand about where they began."""
    reads, x = encoder(built("dilated", dilations=(1, 3), forget=ForgetGate(value=bias))), 0.1 * numbers(B, T, F)
    with torch.no_grad():
        first, second = reads.forget_activations(x)
    assert (first.shape, second.shape) == ((B, T, H), (B, 9, H))
    expected = torch.sigmoid(torch.tensor(bias))
    for seen in (first, second):
        assert bool(((seen > 0) & (seen < 1)).all())
        assert float((seen.mean() - expected).abs()) < 0.1
    assert len(reads.forget_activations(x[:, :2])) == 1, "a layer of dilation 3 says nothing of two steps"


def test_gates_of_a_dilated_layer_are_in_the_order_of_time():
    """Up to a step they do the same, whatever comes after it, and there they do something else."""
    reads, x = encoder(built("dilated", dilations=(3,))), numbers(B, 9, F)
    changed = x.clone()
    changed[:, 5:] = 4
    with torch.no_grad():
        one, other = (reads.forget_activations(each)[0] for each in (x, changed))
    torch.testing.assert_close(one[:, :5], other[:, :5], **CLOSE)
    assert bool((one[:, 5:] != other[:, 5:]).any(-1).all())


@kinds
def test_dropout_is_for_training(kind):
    """What is dropped changes states in training, and nothing when it forecasts."""
    reads = encoder(replace(READERS[kind], dropout=Dropout(0.3, 0.3, 0.3)))
    plain, x = encoder(READERS[kind]), numbers(B, T, F)
    torch.testing.assert_close(read(reads, x).states, read(plain, x).states, **CLOSE)
    reads.train()
    with torch.random.fork_rng(devices=[]):
        assert not torch.allclose(read(reads, x).states, read(plain, x).states)
