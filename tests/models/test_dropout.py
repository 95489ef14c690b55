"""Laws of dropout in recurrent layers, fused and written out."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import UsageError
from foregate.models.cell_spec import CELLS
from foregate.models.cells import Stack, fused
from foregate.models.dropout import drop, read, recurrent_masks

B, T, F, H = 3, 7, 5, 6


def numbers(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def make(kind, seed=0, **shape):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return fused(kind, F, H, **shape).double()


def fields(state):
    return [state] if isinstance(state, torch.Tensor) else list(state)


@given(st.floats(0.01, 0.99), st.integers(0, 2**31))
def test_what_is_kept_is_enlarged(rate, seed):
    """Every entry is dropped or divided by the share that is kept, and the same seed drops the same."""
    x = numbers(50, 40, seed=seed)
    dropped = drop(x, rate, training=True, generator=seeded(seed))
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], x[kept] / (1 - rate))
    assert abs(float(kept.double().mean()) - (1 - rate)) < 0.1
    assert torch.equal(dropped, drop(x, rate, training=True, generator=seeded(seed)))


def test_nothing_is_dropped_in_forecasts():
    """Outside training, and at a rate of 0, everything stays to the bit and no random number is drawn."""
    x, rnn, before = numbers(B, T, F), make("lstm"), torch.get_rng_state()
    assert drop(x, 0.5, training=False) is x
    assert drop(x, 0.0, training=True) is x
    assert recurrent_masks(rnn, 0.0) is None
    assert recurrent_masks(rnn.eval(), 0.5) is None
    assert recurrent_masks(Stack.of(rnn), 0.5) is None
    outputs, (h, c) = read(rnn, x)
    expected, (h_fused, c_fused) = rnn(x)
    assert all(torch.equal(*pair) for pair in ((outputs, expected), (h, h_fused), (c, c_fused)))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("batch", [None, B])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_masks_have_a_row_per_layer_and_direction(bidirectional, batch):
    """Masks hold 0 and 1 / (1 - rate), differ between layers, and come again with the seed."""
    rnn = fused("gru", F, 50, layers=2, bidirectional=bidirectional)
    masks = recurrent_masks(rnn, 0.2, batch=batch, generator=seeded())
    assert masks.shape == (2 * (1 + bidirectional), *([] if batch is None else [B]), 50)
    assert masks.unique().tolist() == [0.0, 1.25]
    assert not torch.equal(masks[0], masks[1])
    assert torch.equal(masks, recurrent_masks(Stack.of(rnn), 0.2, batch=batch, generator=seeded()))
    with torch.random.fork_rng(devices=[]):
        drawn = []
        for _ in range(2):
            torch.manual_seed(4)
            drawn.append(recurrent_masks(rnn, 0.2))
    assert torch.equal(*drawn)


@pytest.mark.parametrize("carried", [False, True], ids=["zeros", "carried"])
@pytest.mark.parametrize("bidirectional", [False, True], ids=["forwards", "both"])
@pytest.mark.parametrize("kind", CELLS)
def test_fused_layers_under_masks_are_written_out_ones(kind, bidirectional, carried):
    """Masked columns of weights are masked states: outputs, states and gradients are those of the plain twin."""
    rnn = make(kind, layers=2, bidirectional=bidirectional)
    twin, masks = Stack.of(rnn), recurrent_masks(rnn, 0.4, generator=seeded())
    rows = len(masks)
    start = [numbers(rows, B, H, seed=7 + i) for i in range(2 if kind == "lstm" else 1)] if carried else None
    x, y = numbers(B, T, F).requires_grad_(), numbers(B, T, F).requires_grad_()
    outputs, state = read(rnn, x, start if start is None or kind == "lstm" else start[0], masks)
    mine, after, _ = twin(y, None if start is None else twin.layers[0].cell.carries(*start), masks)
    torch.testing.assert_close(mine, outputs, rtol=1e-10, atol=1e-10)
    for one, other in zip(after, fields(state), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)
    expected = torch.autograd.grad(outputs.pow(2).sum(), [x, *rnn.parameters()])
    found = torch.autograd.grad(mine.pow(2).sum(), [y, *twin.parameters()])
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)
    assert not torch.allclose(outputs, rnn(x)[0]), "a mask that changes nothing would prove nothing"


@pytest.mark.parametrize("kind", CELLS)
def test_one_mask_serves_all_steps(kind):
    """A unit that is dropped is dropped at every step: what the gates read of it moves nothing, from first to last."""
    rnn = make(kind)
    masks = torch.ones(1, H, dtype=torch.float64)
    masks[0, 2] = 0
    expected, _ = read(rnn, numbers(B, T, F), masks=masks)
    rnn.weight_hh_l0.data[:, 2] = 100
    outputs, _ = read(rnn, numbers(B, T, F), masks=masks)
    assert torch.equal(outputs, expected)


@pytest.mark.parametrize("kind", CELLS)
def test_masks_of_ones_change_nothing(kind):
    """Where nothing is dropped, reading under masks is reading without."""
    rnn = make(kind, layers=2)
    outputs, state = read(rnn, numbers(B, T, F), masks=torch.ones(2, H, dtype=torch.float64))
    expected, last = rnn(numbers(B, T, F))
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(state, last)


@pytest.mark.parametrize("kind", CELLS)
def test_a_mask_per_sequence_is_each_sequence_alone(kind):
    """Written-out layers read every sequence under a mask of its own, as if each were alone."""
    rnn = make(kind, layers=2)
    twin, x = Stack.of(rnn), numbers(B, T, F)
    masks = recurrent_masks(twin, 0.4, batch=B, generator=seeded())
    together, _, _ = twin(x, None, masks)
    for b in range(B):
        alone, _ = read(rnn, x[b : b + 1], masks=masks[:, b])
        torch.testing.assert_close(together[b], alone[0])


@pytest.mark.parametrize("kind", CELLS)
def test_reading_leaves_the_weights_alone(kind):
    """A pass under masks changes no weight, and the next pass without any is as before."""
    rnn, x = make(kind), numbers(B, T, F)
    before, expected = {name: value.clone() for name, value in rnn.state_dict().items()}, rnn(x)[0]
    read(rnn, x, masks=recurrent_masks(rnn, 0.5, generator=seeded()))
    assert all(torch.equal(value, before[name]) for name, value in rnn.state_dict().items())
    assert torch.equal(rnn(x)[0], expected)


@pytest.mark.parametrize("shape", [(1, H), (2, B, H), (2, H + 1)])
def test_masks_of_another_shape_are_refused(shape):
    """Fused layers read under one mask per layer and direction, no other."""
    with pytest.raises(UsageError, match=rf"masks must be 2 x {H}, .* but got shape \({shape[0]}, "):
        read(make("lstm", layers=2), numbers(B, T, F), masks=torch.ones(shape, dtype=torch.float64))


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_impossible_rates_are_refused(rate):
    """A rate is a share short of all, whether anything is in training or not."""
    for training in (False, True):
        with pytest.raises(UsageError, match="rate must be from 0 up to, not including, 1"):
            drop(numbers(3), rate, training=training)
    with pytest.raises(UsageError, match="rate must be"):
        recurrent_masks(make("gru").eval(), rate)
