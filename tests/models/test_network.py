"""Laws of networks, whatever they are made of and whatever their weights."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import UsageError
from foregate.models.cell_spec import Dropout, ForgetGate
from foregate.models.decoders import Writer
from foregate.models.names import head_outputs
from tests.models.built import (
    CHUNKS,
    CLOSE,
    KINDS,
    LEVELS,
    REACH,
    B,
    F,
    H,
    T,
    ahead,
    built,
    every,
    in_pieces,
    make,
    numbers,
)

kinds = pytest.mark.parametrize("kind", KINDS)
WITHIN = (0.4, 0.5)


def encode(network, x, columns=None, carried=None):
    with torch.no_grad():
        return network.encode(x, every(x) if columns is None else columns, carried)


def decode(network, states, features, known):
    with torch.no_grad():
        return network.decode(states, features, known)


def loss_of(network, x, known):
    """What is squared of outputs seen from the last step of x."""
    states, _ = network.encode(x, torch.full((len(x), 1), x.shape[1] - 1))
    return network.decode(states[:, 0], x[:, -1], known).pow(2).sum()


@given(st.integers(0, 2**31), st.sampled_from([0.1, 1.0, 30.0]), st.sampled_from([0.0, 1.0, 1e4]))
def test_quantiles_never_cross(seed, spread, size):
    """Whatever the weights and the inputs, quantiles ascend."""
    network = make(seed=seed, spread=spread)
    given_ = numbers(B, H, seed=seed, size=size), numbers(B, F, seed=seed + 1, size=size)
    quantiles = network.head.said(decode(network, *given_, ahead(seed=seed, size=size)))
    assert bool((quantiles.diff(dim=-1) >= 0).all())
    assert bool(quantiles.isfinite().all())


@pytest.mark.parametrize("n", [1, 3, 13])
def test_any_odd_number_of_quantiles(n):
    """The outputs are as many quantiles as the spec has levels."""
    levels = tuple((i + 1) / (n + 1) for i in range(n))
    network = make(levels=levels)
    assert decode(network, numbers(B, H), numbers(B, F), ahead()).shape == (B, REACH, n)


@kinds
def test_shapes_are_those_of_the_spec(kind):
    """States, what is carried, and outputs of the head are as wide as the spec says, for any number of each."""
    network, x = make(KINDS[kind]), numbers(B, T, F)
    spec = network.spec
    states, carried = encode(network, x, torch.zeros(B, 2, dtype=torch.int64))
    assert (states.shape, carried.shape) == ((B, 2, spec.width), (B, spec.carries))
    assert (network.width, network.carries) == (spec.width, spec.carries)
    N = head_outputs(spec.built.head, len(LEVELS), spec.built.components)
    for k in (1, REACH):
        assert decode(network, states[:, 0], x[:, 0], ahead(k)).shape == (B, k, N)


@kinds
@pytest.mark.parametrize("chunks", CHUNKS)
def test_carried_is_whole(kind, chunks):
    """Read in pieces with the vector carried on, a series gives the states of one pass."""
    network, x = make(KINDS[kind]), numbers(B, T, F)
    whole, last = encode(network, x)
    states, carried = in_pieces(lambda *given: encode(network, *given), x, chunks)
    torch.testing.assert_close(states, whole, **CLOSE)
    torch.testing.assert_close(carried, last, **CLOSE)


@kinds
def test_states_never_look_ahead(kind):
    """Change the inputs after a step: the states up to it stay to the bit."""
    network, x = make(KINDS[kind]), numbers(B, T, F)
    changed = x.clone()
    changed[:, 6:] = 100
    one, other = encode(network, x)[0], encode(network, changed)[0]
    assert torch.equal(one[:, :6], other[:, :6])
    assert not torch.equal(one[:, 6], other[:, 6])


@kinds
def test_the_newest_input_counts(kind):
    """The first step depends on the last input, through the state and directly: neither gradient is zero."""
    network, x = make(KINDS[kind]), numbers(B, T, F).requires_grad_()
    states, _ = network.encode(x, torch.full((B, 1), T - 1))
    both = loss_of(network, x, ahead(1))
    through = network.decode(states[:, 0], x[:, -1].detach(), ahead(1)).pow(2).sum()
    directly = network.decode(states[:, 0].detach(), x[:, -1], ahead(1)).pow(2).sum()
    for said in (both, through, directly):
        (gradient,) = torch.autograd.grad(said, x, retain_graph=True)
        assert bool((gradient[:, -1].abs().sum(-1) > 1e-7).all())


@kinds
def test_batches_do_not_matter(kind):
    """A series read and decoded in a batch, beside longer ones, is what it is alone."""
    network, x, known = make(KINDS[kind]), numbers(B, T, F), ahead()
    columns = torch.tensor([[10], [4], [7]])
    states = encode(network, x, columns)[0][:, 0]
    together = decode(network, states, x[torch.arange(B), columns[:, 0]], known)
    for b, (column,) in enumerate(columns.tolist()):
        own = x[b : b + 1, : column + 1]
        state = encode(network, own, torch.full((1, 1), column))[0][:, 0]
        torch.testing.assert_close(state[0], states[b], **CLOSE)
        alone = decode(
            network, state, own[:, -1], known._replace(steps=known.steps[b, None], paths=known.paths[b, None])
        )
        torch.testing.assert_close(alone[0], together[b], rtol=1e-4, atol=1e-5)


@kinds
def test_every_weight_learns(kind):
    """The loss reaches every weight of the network."""
    network = make(KINDS[kind])
    loss_of(network, numbers(B, T, F), ahead()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        silent = "attention.positions" in name and parameter.grad.abs().sum() == 0
        assert silent or bool(parameter.grad.abs().sum() > 0), name


@pytest.mark.parametrize("attention", ["additive", "dot", "general", "multi-head"])
def test_attention_looks_at_the_past(attention):
    """The weights of every view sum to 1 over the states that there were, and the state says what was seen."""
    network, x = make(built(attention=attention)), numbers(B, T, F)
    read = network.encoder(x, every(x))
    seen = network.look(read)
    assert seen.weights.shape == (B, T, 4 if attention == "multi-head" else 1, 6)
    torch.testing.assert_close(seen.weights.sum(-1), torch.ones(seen.weights.shape[:3]), **CLOSE)
    assert not seen.weights[~read.memory.there.unsqueeze(-2).expand_as(seen.weights)].any()
    assert not torch.allclose(encode(network, x)[0], read.states)


def test_without_attention_there_is_nothing_to_look_with():
    """Nor at the origin where the second network looks by itself; the message says what there is."""
    x = numbers(B, T, F)
    for kind in (built(), built(strategy="seq2seq", attention="dot")):
        network = make(kind)
        with pytest.raises(UsageError, match=r"attention must look from origins, but got (None of 'par|dot of 'seq)"):
            network.attention_weights(x, every(x))


@pytest.mark.parametrize("strategy", ["parallel", "each"])
def test_where_attention_looks_is_told_on_request(strategy):
    """Weights of every network, also read in pieces; what is carried on is that of reading."""
    network, x = make(built("dilated", strategy=strategy, attention="multi-head", heads=2)), numbers(B, T, F)
    with torch.no_grad():
        whole, after = network.attention_weights(x, every(x))
        pieces, last = in_pieces(network.attention_weights, x, (4, 7))
    networks = REACH if strategy == "each" else 1
    assert whole.shape == (B, T, networks, 2, 6)
    torch.testing.assert_close(whole.sum(-1), torch.ones(B, T, networks, 2), **CLOSE)
    torch.testing.assert_close(pieces, whole, **CLOSE)
    torch.testing.assert_close(last, encode(network, x)[1], **CLOSE)
    torch.testing.assert_close(after, last, **CLOSE)


def test_every_written_step_tells_where_it_looks():
    """Where a decoder looks at every step, so it tells, with what its gates did, and says the same as unasked."""
    network, x, seen = make(built(strategy="seq2seq", attention="additive")), numbers(B, T, F), []
    states, _ = encode(network, x, torch.full((B, 1), 3))
    unasked = decode(network, states[:, 0], x[:, 3], ahead())
    with torch.no_grad():
        assert torch.equal(network.decode(states[:, 0], x[:, 3], ahead(), seen), unasked)
    assert [each.weights.shape for each in seen] == [(B, 1, 6)] * REACH
    assert [each.gates.f.shape for each in seen] == [(B, H)] * REACH
    for each in seen:
        torch.testing.assert_close(each.weights.sum(-1), torch.ones(B, 1), **CLOSE)
        assert not each.weights[..., :2].any(), "of six rows back there were four"


@kinds
def test_nothing_is_added_to_the_loss_unasked(kind):
    """The penalty is 0 where neither gates nor attention cost anything."""
    assert float(make(KINDS[kind]).penalty(numbers(B, T, F))) == 0


@pytest.mark.parametrize("strategy", ["parallel", "each"])
def test_gates_outside_their_range_cost_something(strategy):
    """The penalty of gates that stand open beyond their range grows by its weight, and teaches the gates."""
    x = numbers(B, T, F)

    def cost(**gate):
        network = make(built("dilated", strategy=strategy, forget=ForgetGate(value=3.0, **gate)))
        penalty = network.penalty(x)
        penalty.backward()
        return float(penalty.detach()), network

    (one, network), (other, _) = cost(within=WITHIN, penalty=1.0), cost(within=WITHIN, penalty=3.0)
    assert 0 < 3 * one == pytest.approx(other)
    first = network.each[0] if strategy == "each" else network
    assert first.encoder.layers[0].weight_hh_l0.grad.abs().sum() > 0
    inside = make(built(forget=ForgetGate(value=0.0, within=(0.0, 1.0), penalty=1.0)))
    assert float(inside.penalty(x).detach()) == 0


@pytest.mark.parametrize("cost", [0.5, -0.5])
def test_even_attention_costs_what_was_asked(cost):
    """The penalty is the mean normalised entropy times its cost: nearly all of it before anything was learnt."""
    network = make(built(attention="dot", entropy=cost), spread=0.01)
    penalty = network.penalty(numbers(B, T, F)).detach()
    assert 0.8 * abs(cost) < abs(float(penalty)) < 1.01 * abs(cost)
    assert float(penalty) * cost > 0


def held(kind="residual", **others):
    """A network whose gates and attention cost something."""
    forget = ForgetGate(value=3.0, within=WITHIN, penalty=1.0)
    return make(built(kind, attention=None if kind == "dilated" else "dot", forget=forget, **others))


@pytest.mark.parametrize("kind", ["residual", "dilated"])
def test_rows_that_fill_up_cost_nothing(kind):
    """Behind the last row of a shorter series lies nothing that counts, in what gates cost and what attention does."""
    network, x = held(kind, **({} if kind == "dilated" else {"entropy": 0.5})), numbers(B, T, F)
    padded = torch.cat([x, torch.zeros(B, 9, F)], 1)[:, : 9 if kind == "dilated" else T + 9]
    whole = x[:, : padded.shape[1]]
    assert float(network.penalty(padded).detach()) == pytest.approx(float(network.penalty(whole).detach()), rel=1e-5)
    short = torch.cat([x[:1, :6], torch.zeros(1, T - 6, F)], 1)
    together = torch.cat([x[1:], short])
    apart = [float(network.penalty(each).detach()) for each in (x[1:, :9], x[:1, :6])]
    both = float(network.penalty(together[:, :9]).detach())
    assert both == pytest.approx((apart[0] * 9 * (B - 1) + apart[1] * 6) / (9 * (B - 1) + 6), rel=1e-5)


@pytest.mark.parametrize("kind", ["residual", "dilated"])
def test_what_a_series_goes_on_from_counts(kind):
    """Read in two pieces, gates do what they do in one, and so the second piece costs what it costs there."""
    network, x = held(kind), numbers(B, 12, F)
    with torch.no_grad():
        _, carried = encode(network, x[:, :6])
        whole, second = network.forget_activations(x), network.forget_activations(x[:, 6:], carried)
    for one, other in zip(whole, second, strict=True):
        torch.testing.assert_close(one[:, 6:], other, **CLOSE)
        assert not torch.allclose(one[:, :6], other)
    fresh, gone_on = (float(network.penalty(x[:, 6:], each).detach()) for each in (None, carried))
    assert fresh != pytest.approx(gone_on, rel=1e-5)


def test_each_network_goes_on_from_its_own():
    """What is carried of several networks is theirs in turn, also where it costs something."""
    forget = ForgetGate(value=3.0, within=WITHIN, penalty=1.0)
    network, x = make(built(strategy="each", forget=forget)), numbers(B, T, F)
    _, carried = encode(network, x)
    own = [
        float(each.penalty(x, part).detach()) for each, part in zip(network.each, carried.chunk(REACH, -1), strict=True)
    ]
    assert float(network.penalty(x, carried).detach()) == pytest.approx(sum(own) / REACH, rel=1e-5)


def test_dropout_does_not_reach_what_gates_and_attention_cost():
    """In training too they cost what they cost without dropout, so that no mask but the pass's own is drawn."""
    dropped = held(dropout=Dropout(0.4, 0.4, 0.4), entropy=0.5)
    x, before = numbers(B, T, F), torch.get_rng_state()
    plain = float(dropped.penalty(x).detach())
    assert float(dropped.train().penalty(x).detach()) == plain
    assert torch.equal(torch.get_rng_state(), before)


def test_forget_gates_can_be_seen_where_there_are_any():
    """One array per layer; none of a window, nor of a cell without such a gate."""
    x = numbers(B, T, F)
    assert [tuple(seen.shape) for seen in make(built(cell="gru")).forget_activations(x)] == [(B, T, H)] * 2
    for kind in (built(cell="rnn-tanh"), built("bidirectional"), built(strategy="each")):
        assert make(kind).forget_activations(x) == []


@pytest.mark.parametrize("kind", ["residual", "each looks back"])
def test_what_it_is_fed_follows_the_training(kind):
    """Told how much is over, a network that writes is fed its own forecasts in proportion; others do not mind."""
    other = make(KINDS.get(kind, built()))
    other.at(0.7)
    network = make(built(strategy="seq2seq", sampling=0.8))
    assert isinstance(network.decoder, Writer)
    network.at(0.5)
    assert network.decoder.own == pytest.approx(0.4)


def test_each_step_has_a_network_of_its_own():
    """Change the third network: the third step changes, and no other; each of them is a network by itself."""
    network, x, known = make(built(strategy="each")), numbers(B, T, F), ahead()

    def say(made, which):
        states, _ = encode(made, x, torch.full((B, 1), T - 1))
        some = known._replace(k=known.k[which], steps=known.steps[:, which], paths=known.paths[:, which])
        return decode(made, states[:, 0], x[:, -1], some)

    before = say(network, range(REACH))
    torch.testing.assert_close(say(network.each[1], [1])[:, 0], before[:, 1], **CLOSE)
    torch.testing.assert_close(say(network, [1, 4]), before[:, [1, 4]], **CLOSE)
    for parameter in network.each[2].parameters():
        parameter.data *= 2
    changed = (say(network, range(REACH)) != before).any(-1).any(0)
    assert changed.tolist() == [False, False, True, False, False]


def test_first_weights_follow_from_torchs_random_numbers():
    """The same numbers make the same network, others another."""
    one, same, other = (make(seed=seed).decoder.out.weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_a_network_knows_where_it_is():
    """Its device is that of its weights."""
    assert make().device == torch.device("cpu")
    assert replace(make().spec, hidden=9).hidden == 9
