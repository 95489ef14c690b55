"""Laws of the gate that keeps the memory."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from foregate.core import UsageError
from foregate.models.cell_spec import ForgetGate
from foregate.models.cells import Layer, LSTMCell, Stack, fused
from foregate.models.dropout import read, recurrent_masks
from foregate.models.forget import forget_penalty, half_life, replay_forget, retention, set_forget_bias

B, T, F, H = 3, 7, 5, 4
GATED = ("lstm", "gru")


def numbers(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def make(kind, seed=0, hidden=H, **shape):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return fused(kind, F, hidden, **shape).double()


def keeps(kind, gates):
    """The gate that keeps: f of an LSTM, z of a GRU."""
    return gates.f if kind == "lstm" else gates.z


def first_activations(rnn):
    """What the gate that keeps does where inputs and state are 0: (1, 1, H)."""
    zeros = torch.zeros(1, 1, rnn.input_size, dtype=torch.float64)
    return replay_forget(rnn, zeros, torch.zeros(1, 1, rnn.hidden_size, dtype=torch.float64))


@pytest.mark.parametrize("kind", GATED)
@given(st.floats(0.1, 1000))
def test_half_of_the_memory_is_left_after_the_steps(kind, steps):
    """Begun for n steps of retention, every unit's gate has a half-life of n where nothing is read."""
    rnn = make(kind)
    set_forget_bias(rnn, ForgetGate(retain_steps=steps))
    torch.testing.assert_close(half_life(first_activations(rnn)), torch.full((1, 1, H), steps).double())


@pytest.mark.parametrize("kind", GATED)
@pytest.mark.parametrize("steps", [2, 50])
def test_memory_decays_as_it_was_told(kind, steps):
    """A memory that reads nothing but zeros, and whose weights are zero, is half of itself after n steps."""
    twin = Stack.of(make(kind))
    for parameter in twin.parameters():
        parameter.data.zero_()
    set_forget_bias(twin, ForgetGate(retain_steps=steps))
    begun = torch.ones(1, B, H, dtype=torch.float64)
    state = twin.layers[0].cell.carries(*[begun] * (2 if kind == "lstm" else 1))
    _, after, _ = twin(torch.zeros(B, steps, F, dtype=torch.float64), state)
    torch.testing.assert_close(after[-1], begun / 2)


@pytest.mark.parametrize("kind", GATED)
def test_every_layer_and_direction_begins_as_chosen(kind):
    """The bias is set in all layers, both ways, fused and written out and inside other modules; nothing else is."""
    rnn = make(kind, layers=2, bidirectional=True)
    twin, nested = Stack.of(rnn), nn.ModuleDict({"encoder": make(kind, layers=2, bidirectional=True)})
    before = {name: value.clone() for name, value in rnn.state_dict().items()}
    for module in (rnn, twin, nested):
        set_forget_bias(module, ForgetGate(value=1.5))
        values = dict(module.named_parameters())
        for name, bias in values.items():
            if "bias_ih" in name:
                both = (bias + values[name.replace("bias_ih", "bias_hh")]).detach()
                assert torch.equal(both[H : 2 * H], torch.full((H,), 1.5).double())
    for name, value in rnn.state_dict().items():
        others = [*range(H), *range(2 * H, len(value))] if "bias" in name else range(len(value))
        assert torch.equal(value[[*others]], before[name][[*others]])
    assert all(parameter.requires_grad for parameter in rnn.parameters())


@given(st.integers(2, 2000), st.integers(0, 2**31))
def test_chrono_spreads_forgetting_times(longest, seed):
    """Forgetting times 1 / (1 - f) lie between 2 and the longest dependency; the input gate is the complement."""
    rnn = make("lstm", hidden=64)
    set_forget_bias(rnn, ForgetGate(chrono=longest), generator=torch.Generator().manual_seed(seed))
    bias = (rnn.bias_ih_l0 + rnn.bias_hh_l0).detach()
    times = 1 / (1 - torch.sigmoid(bias[64:128]))
    assert bool(((times > 2 - 1e-9) & (times < longest + 1e-6)).all())
    assert torch.equal(bias[:64], -bias[64:128])
    if longest > 100:
        assert float(times.min()) < 0.3 * longest < 0.7 * longest < float(times.max())


@pytest.mark.parametrize("kind", GATED)
def test_chrono_is_drawn_reproducibly(kind):
    """The same generator, or the same seed of torch, gives the same biases; every layer has its own."""
    drawn = []
    for _ in range(2):
        rnn = make(kind, layers=2)
        set_forget_bias(rnn, ForgetGate(chrono=100), generator=torch.Generator().manual_seed(3))
        drawn.append(rnn.bias_ih_l0[H : 2 * H])
        assert not torch.equal(rnn.bias_ih_l0[H : 2 * H], rnn.bias_ih_l1[H : 2 * H])
    assert torch.equal(*drawn)
    with torch.random.fork_rng(devices=[]):
        for _ in range(2):
            torch.manual_seed(3)
            set_forget_bias(rnn, ForgetGate(chrono=100))
            assert torch.equal(rnn.bias_ih_l0[H : 2 * H], drawn[0])


def test_the_noisy_preset_averages():
    """Begun to average, the memory of a constant input goes to what the candidate is, not to its sum."""
    cell = LSTMCell(1, 1).double()
    for parameter in cell.parameters():
        parameter.data.zero_()
    cell.bias_ih.data[2] = 0.5
    set_forget_bias(cell, ForgetGate(preset="noisy"))
    _, state, gates = Layer(cell)(torch.zeros(1, 500, 1, dtype=torch.float64))
    torch.testing.assert_close(gates.i, 1 - gates.f)
    torch.testing.assert_close(state.c.item(), math.tanh(0.5))


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("carried", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", GATED)
def test_the_replay_is_the_gate_itself(kind, bidirectional, carried, dropped):
    """Forget activations replayed from a fused layer are those of its plain twin, and so are their gradients."""
    rnn = make(kind, bidirectional=bidirectional)
    twin, rows = Stack.of(rnn), 1 + bidirectional
    masks = recurrent_masks(rnn, 0.5, generator=torch.Generator().manual_seed(1)) if dropped else None
    start = [numbers(rows, B, H, seed=i) for i in range(2 if kind == "lstm" else 1)] if carried else None
    before = None if start is None else tuple(start) if kind == "lstm" else start[0]
    x, y = numbers(B, T, F).requires_grad_(), numbers(B, T, F).requires_grad_()
    outputs, _ = read(rnn, x, before, masks)
    found = replay_forget(rnn, x, outputs, before, masks)
    _, _, gates = twin(y, None if start is None else twin.layers[0].cell.carries(*start), masks)
    expected = torch.cat([keeps(kind, each) for each in gates], -1)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)

    mine = torch.autograd.grad(forget_penalty(found, (0.6, 0.7)), [x, *rnn.parameters()])
    plain = torch.autograd.grad(forget_penalty(expected, (0.6, 0.7)), [y, *twin.parameters()], materialize_grads=True)
    for one, other in zip(mine, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", GATED)
def test_a_long_memory_is_seen_in_half_precision(kind):
    """Where layers compute in bfloat16, a half-life of thousands of steps is not rounded to one without end."""
    rnn, x = make(kind).float(), torch.zeros(B, T, F)
    set_forget_bias(rnn, ForgetGate(retain_steps=5000))
    rnn.weight_hh_l0.data.zero_()
    with torch.autocast("cpu", torch.bfloat16):
        found = retention(replay_forget(rnn, x, rnn(x)[0])).half_life
    assert abs(found / 5000 - 1) < 0.05


@pytest.mark.parametrize("kind", GATED)
def test_steps_first_are_replayed_too(kind):
    """A layer that reads (T, B, F) is replayed as it reads."""
    rnn = make(kind)
    x = numbers(B, T, F)
    expected = replay_forget(rnn, x, rnn(x)[0])
    rnn.batch_first = False
    found = replay_forget(rnn, x.transpose(0, 1), rnn(x.transpose(0, 1))[0])
    torch.testing.assert_close(found.transpose(0, 1), expected)


@pytest.mark.parametrize("kind", GATED)
def test_the_penalty_brings_gates_into_the_range(kind):
    """Trained on the penalty alone through the fused kernel, the gates go into the range and it becomes 0."""
    rnn, x = make(kind), numbers(B, T, F)
    set_forget_bias(rnn, ForgetGate(value=3.0))
    optimizer = torch.optim.Adam(rnn.parameters(), 0.05)
    first = last = None
    for _ in range(80):
        last = forget_penalty(replay_forget(rnn, x, rnn(x)[0]), (0.5, 0.9))
        first = last.detach() if first is None else first
        optimizer.zero_grad()
        last.backward()
        optimizer.step()
    assert first > 0
    assert last.item() == 0


@given(st.integers(0, 2**31), st.floats(0, 0.45), st.floats(0.55, 1))
def test_the_penalty_is_zero_inside_and_rises_outside(seed, low, high):
    """Inside the range, edges too, it is exactly 0; outside it grows as the square of the distance."""
    f = torch.rand(B, T, H, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert forget_penalty(f.clamp(low, high), (low, high)) == 0
    stray = high + 0.1 * f
    torch.testing.assert_close(forget_penalty(stray, (low, high)), (0.1 * f).square().mean())
    torch.testing.assert_close(forget_penalty(low - 0.1 * f, (low, high)), (0.1 * f).square().mean())


def test_steps_that_do_not_count_cost_nothing():
    """What lies under the mask moves neither the penalty nor the log; where nothing counts the penalty is 0."""
    f = torch.rand(B, T, H, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    valid = torch.ones(B, T, dtype=torch.bool)
    valid[1, 3:] = False
    changed = f.clone()
    changed[1, 3:] = 0.99
    assert forget_penalty(f, (0.4, 0.6), valid) == forget_penalty(changed, (0.4, 0.6), valid)
    assert torch.equal(retention(f, valid).units, retention(changed, valid).units)
    torch.testing.assert_close(retention(f, valid).units, f[valid].mean(0))
    assert not torch.equal(retention(f).units, retention(changed).units)
    assert forget_penalty(f, (0.4, 0.6), torch.zeros_like(valid)) == 0


@given(st.floats(0.001, 0.9999))
def test_half_life_is_when_half_is_left(f):
    """A gate held at f for its half-life leaves a half."""
    assert math.isclose(f ** half_life(torch.tensor(f, dtype=torch.float64)).item(), 0.5)


def test_the_log_is_per_unit_and_per_layer():
    """Means and half-lives of units, and those of the layer, agree with each other; gradients do not follow."""
    f = torch.tensor([0.5, 0.25]).expand(B, T, 2).clone().requires_grad_()
    found = retention(f)
    assert found.units.tolist() == [0.5, 0.25]
    assert found.half_lives.tolist() == [1.0, 0.5]
    assert found.mean == 0.375
    assert math.isclose(found.half_life, math.log(0.5) / math.log(0.375))
    assert not found.units.requires_grad


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.RNN(F, H), "must be an LSTM or a GRU to have a forget gate, but got RNN"),
        (Stack("rnn-relu", F, H), "but got RNNCell"),
        (nn.Linear(F, H), "must hold an LSTM or a GRU, but got Linear without any"),
        (nn.LSTM(F, H, bias=False), "must have biases to begin with one, but got bias=False"),
    ],
)
def test_what_has_no_forget_gate_is_refused(module, message):
    """Simple cells keep nothing by a gate, and a gate without a bias cannot begin with one."""
    with pytest.raises(UsageError, match=message):
        set_forget_bias(module, ForgetGate(value=1.0))


def test_what_cannot_be_replayed_is_refused():
    """Lower layers keep their outputs to themselves, and simple cells have no gate."""
    x = numbers(B, T, F)
    with pytest.raises(UsageError, match=r"must be one, but got num_layers=2.*Make each layer a module of its own"):
        replay_forget(make("lstm", layers=2), x, numbers(B, T, H))
    with pytest.raises(UsageError, match="but got RNN, which keeps nothing"):
        replay_forget(make("rnn-tanh"), x, numbers(B, T, H))
