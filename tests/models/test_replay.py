"""Laws of replayed gates: what a fused layer did is what the written-out one does."""

import pytest
import torch

from foregate.core import UsageError
from foregate.models.architecture import Architecture
from foregate.models.cells import Layer, fused, make_cell
from foregate.models.encoders import Carried, Windowed
from foregate.models.replay import replay

B, T, F, H = 3, 17, 4, 5
CELLS = ("lstm", "gru", "rnn-tanh", "rnn-relu")


def made(kind, *, both=False, batch_first=True, seed=0):
    """A fused layer and what it reads."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = fused(kind, F, H, bidirectional=both).double()
        x = torch.randn(B, T, F, dtype=torch.float64) if batch_first else torch.randn(T, B, F, dtype=torch.float64)
    layer.batch_first = batch_first
    return layer, x


def written_out(layer, kind, d=0):
    """The same direction of a layer, written out."""
    cell = make_cell(kind, F, H).double()
    weights = dict(zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), layer.all_weights[d], strict=True))
    cell.load_state_dict({name: values.detach() for name, values in weights.items()})
    return Layer(cell, reverse=bool(d))


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_replayed_gates_are_those_of_the_cell_written_out(kind, both, batch_first):
    """Of every cell, in both directions, whichever axis is time."""
    layer, x = made(kind, both=both, batch_first=batch_first)
    gates = replay(layer, x, layer(x)[0])
    for d in range(1 + both):
        _, _, expected = written_out(layer, kind, d)(x if batch_first else x.transpose(0, 1))
        for own, other in zip(gates, expected, strict=True):
            part = own[..., d * H : (d + 1) * H]
            torch.testing.assert_close(part if batch_first else part.transpose(0, 1), other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", CELLS)
def test_a_replay_goes_on_from_a_state(kind):
    """Two halves, the second from the state that the first left, are the whole."""
    layer, x = made(kind)
    whole = replay(layer, x, layer(x)[0])
    first, state = layer(x[:, :6])
    second, _ = layer(x[:, 6:], state)
    parts = replay(layer, x[:, :6], first), replay(layer, x[:, 6:], second, state)
    for own, *halves in zip(whole, *parts, strict=True):
        torch.testing.assert_close(torch.cat(halves, 1), own)


def test_memory_of_ten_thousand_steps_stays_exact():
    """In single precision the memory is still that of the layer at the end of a long sequence, within 1e-6."""
    layer, _ = made("lstm")
    layer = layer.float()
    x = torch.randn(1, 10_000, F, generator=torch.Generator().manual_seed(1))
    outputs, (_, c) = layer(x)
    torch.testing.assert_close(replay(layer, x, outputs).c[:, -1], c[0], rtol=0, atol=1e-6)


def test_of_several_layers_the_inner_ones_are_not_known():
    """A stack in one module is refused."""
    layers = fused("lstm", F, H, layers=2)
    with pytest.raises(UsageError, match="num_layers=2"):
        replay(layers, torch.zeros(1, 2, F), torch.zeros(1, 2, H))


def encoder_of(**built):
    """A small encoder, and features that it reads."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        architecture = Architecture(**built)
        encoder = (Windowed if architecture.windowed else Carried)(F, H, architecture).eval()
        return encoder, torch.randn(B, T, F)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("built", [{}, {"encoder": "stacked"}, {"encoder": "dilated", "dilations": (1, 3)}])
def test_an_encoder_shows_what_all_its_layers_did(cell, built):
    """Read in pieces of any length, the gates are those of the whole, and the last memory is what is carried."""
    encoder, features = encoder_of(cell=cell, **built)
    with torch.no_grad():
        whole, last = encoder.gates(features), torch.full((B, 1), T - 1)
        carried = encoder(features, last).carried
        pieces, before = [], None
        for begin, end in ((0, 5), (5, 6), (6, T)):
            pieces.append(encoder.gates(features[:, begin:end], before))
            before = encoder(features[:, begin:end], torch.zeros(B, 1, dtype=torch.int64), before).carried
    torch.testing.assert_close(before, carried)
    for i, layer in enumerate(whole):
        for j, own in enumerate(layer):
            assert own.shape == (B, T, H)
            torch.testing.assert_close(torch.cat([piece[i][j] for piece in pieces], 1), own, rtol=1e-5, atol=1e-6)
    if cell == "lstm" and not built:
        memories = torch.split(carried, H, -1)[1::2]
        for layer, memory in zip(whole, memories, strict=True):
            torch.testing.assert_close(layer.c[:, -1], memory, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_gates_that_keep_are_those_of_the_regulariser(cell):
    """What the penalty of the forget gate sees is what is shown."""
    encoder, features = encoder_of(cell=cell)
    with torch.no_grad():
        for shown, seen in zip(encoder.gates(features), encoder.forget_activations(features), strict=True):
            torch.testing.assert_close(shown.f if cell == "lstm" else shown.z, seen)


@pytest.mark.parametrize("name", ["windowed", "bidirectional", "patched"])
def test_windows_show_their_gates_too(name):
    """A row of gates for every step of every origin's window, in both directions where both are read."""
    patch, both = 2 if name == "patched" else 1, name == "bidirectional"
    encoder, features = encoder_of(encoder=name, patch=patch, rows_back=8)
    with torch.no_grad():
        gates = encoder.gates(features, torch.tensor([[3, 16]] * B))
    assert [layer.f.shape for layer in gates] == [(2 * B, 8 // patch, (1 + both) * H)] * len(gates)
