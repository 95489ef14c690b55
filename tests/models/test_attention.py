"""Laws of attention, whatever its weights, and its twins in NumPy and torch."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from foregate.core import UsageError
from foregate.models.attention import Memory, MultiHead, entropy, make_attention, remember
from foregate.models.names import ATTENTIONS

B, T, L, H, A, K = 3, 11, 6, 8, 4, 5
EVERY = pytest.mark.parametrize("name", ATTENTIONS)
PLACED = pytest.mark.parametrize("positions", [0, L])


def numbers(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def make(name, positions=0, seed=0):
    """An attention with random weights, those of the places too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        attention = make_attention(name, H, A, positions)
        for parameter in attention.parameters():
            parameter.data.normal_(0, H**-0.5)
    return attention


def places(*rows):
    return torch.tensor(rows, dtype=torch.bool)


THERE = places([1, 1, 1, 1, 1, 1], [0, 0, 1, 1, 1, 1], [1, 0, 0, 1, 0, 0])


def softmax(scores, there):
    e = np.where(there, np.exp(scores - scores.max()), 0)
    return e / e.sum()


def by_hand(attention, name, query, keys, there):
    """Weights (L,) of one query (H,) in NumPy and double precision, as the papers have them."""
    p = {key: value.double().numpy() for key, value in attention.state_dict().items()}
    s, h = query.double().numpy(), keys.double().numpy()
    if "positions" in p:
        h = h + p["positions"]
    if name == "additive":
        scores = [p["v"] @ np.tanh(p["W.weight"] @ s + p["U.weight"] @ each) for each in h]
    elif name == "dot":
        scores = [s @ each for each in h]
    else:
        scores = [s @ p["W.weight"] @ each for each in h]
    return softmax(np.array(scores), there.numpy())


@PLACED
@pytest.mark.parametrize("name", ["additive", "dot", "general"])
def test_weights_are_those_of_the_papers(name, positions):
    """Weights and contexts are those of a few lines of NumPy, one query at a time."""
    attention, query, keys = make(name, positions), numbers(B, H), numbers(B, L, H, seed=1)
    with torch.no_grad():
        context, weights = attention.attend(query, keys, THERE)
    for b in range(B):
        expected = by_hand(attention, name, query[b], keys[b], THERE[b])
        np.testing.assert_allclose(weights[b, 0], expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(context[b], expected @ keys[b].double().numpy(), rtol=1e-4, atol=1e-6)


@PLACED
def test_heads_are_those_of_torch(positions):
    """With the same weights, contexts, weights and gradients are those of torch.nn.MultiheadAttention."""
    ours, fused = make("multi-head", positions), nn.MultiheadAttention(H, A, bias=False, batch_first=True)
    with torch.no_grad():
        fused.in_proj_weight.copy_(torch.cat([ours.W_Q.weight, ours.W_K.weight, ours.W_V.weight]))
        fused.out_proj.weight.copy_(ours.W_O.weight)
    found = []
    for run in (
        lambda q, k: ours.attend(q, k, THERE),
        lambda q, k: (lambda c, w: (c, w.transpose(1, 2)))(
            *fused(q, k + ours.positions if positions else k, k, key_padding_mask=~THERE, average_attn_weights=False)
        ),
    ):
        query, keys = numbers(B, K, H).requires_grad_(), numbers(B, L, H, seed=1).requires_grad_()
        context, weights = run(query, keys)
        (context.pow(3).sum() + weights.pow(2).sum()).backward()
        found.append([context, weights, query.grad, keys.grad])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    gradients = torch.cat([ours.W_Q.weight.grad, ours.W_K.weight.grad, ours.W_V.weight.grad])
    torch.testing.assert_close(gradients, fused.in_proj_weight.grad, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(ours.W_O.weight.grad, fused.out_proj.weight.grad, rtol=1e-4, atol=1e-4)


@PLACED
@EVERY
def test_what_is_not_there_is_never_read(name, positions):
    """Empty places weigh exactly 0, and whatever stands in them, infinity too, changes nothing."""
    attention, query, keys = make(name, positions), numbers(B, H), numbers(B, L, H, seed=1)
    clean = attention.attend(query, keys, THERE)
    for rubbish in (1e9, torch.inf, torch.nan):
        other = attention.attend(query, keys.masked_fill(~THERE[..., None], rubbish), THERE)
        assert torch.equal(clean.context, other.context)
        assert torch.equal(clean.weights, other.weights)
    empty = ~THERE[:, None].expand_as(clean.weights)
    assert bool((clean.weights[empty] == 0).all())
    torch.testing.assert_close(clean.weights.sum(-1), torch.ones(B, attention.heads))


@PLACED
@EVERY
def test_nothing_there_is_nothing_seen(name, positions):
    """Of an empty memory the context is 0, and no gradient is anything but 0."""
    attention = make(name, positions)
    query, keys = numbers(B, H).requires_grad_(), numbers(B, L, H, seed=1).requires_grad_()
    nothing = torch.zeros(B, L, dtype=torch.bool)
    context, weights = attention.attend(query, keys, nothing)
    (context.sum() + weights.sum() + entropy(weights, nothing).sum()).backward()
    assert not context.any()
    assert not weights.any()
    for leaf in (query, keys, *attention.parameters()):
        assert leaf.grad is None or not leaf.grad.any()


@EVERY
@given(st.integers(0, 2**31), st.sampled_from([0.0, 1.0, 1e3, 1e6]), st.lists(st.booleans(), min_size=L, max_size=L))
def test_nothing_is_ever_not_a_number(name, seed, size, there):
    """However large the states and whatever is there, contexts, weights and gradients are finite."""
    attention = make(name, L, seed=seed)
    query = (size * numbers(2, H, seed=seed)).requires_grad_()
    keys, mask = (size * numbers(2, L, H, seed=seed + 1)).requires_grad_(), places(there, [1] * L)
    context, weights = attention.attend(query, keys, mask)
    (context.sum() + entropy(weights, mask).sum()).backward()
    for each in (context, weights, query.grad, keys.grad, *(p.grad for p in attention.parameters())):
        assert bool(each.isfinite().all())


@PLACED
@EVERY
def test_every_query_alone(name, positions):
    """Many queries to one memory find what each finds alone, in a batch of any shape."""
    attention, query, keys = make(name, positions), numbers(2, B, K, H), numbers(2, B, L, H, seed=1)
    there = torch.stack([THERE, ~THERE])
    context, weights = attention.attend(query, keys, there)
    assert context.shape == (2, B, K, H)
    assert weights.shape == (2, B, K, attention.heads, L)
    for i in range(2):
        for b in range(B):
            for k in range(K):
                alone = attention.attend(query[i, b, k][None], keys[i, b][None], there[i, b][None])
                torch.testing.assert_close(alone.context[0], context[i, b, k], rtol=1e-5, atol=1e-6)
                torch.testing.assert_close(alone.weights[0], weights[i, b, k], rtol=1e-5, atol=1e-6)


@PLACED
@EVERY
def test_order_matters_only_with_places(name, positions):
    """States in another order are seen the same, unless places are told apart."""
    attention, query, keys = make(name, positions), numbers(B, H), numbers(B, L, H, seed=1)
    all_there = torch.ones(B, L, dtype=torch.bool)
    one = attention.attend(query, keys, all_there).context
    other = attention.attend(query, keys.flip(1), all_there).context
    assert torch.allclose(one, other, rtol=1e-4, atol=1e-5) == (positions == 0)


@PLACED
@EVERY
def test_every_weight_learns(name, positions):
    """The loss reaches queries, states and every weight; with places, even while those are 0."""
    attention = make(name, positions)
    if positions:
        nn.init.zeros_(attention.positions)
    query, keys = numbers(B, H).requires_grad_(), numbers(B, L, H, seed=1).requires_grad_()
    attention.attend(query, keys, torch.ones(B, L, dtype=torch.bool)).context.pow(2).sum().backward()
    for leaf in (query, keys, *attention.parameters()):
        assert bool((leaf.grad != 0).any())


def remembered(states, o, length):
    """What is remembered of one series (T, H) at step o, written as a loop."""
    last = [states[t] for t in range(o + 1)][-length:]
    empty = length - len(last)
    return torch.stack([torch.zeros(H)] * empty + last), torch.tensor([False] * empty + [True] * len(last))


@pytest.mark.parametrize("length", [1, 4, T, T + 5])
def test_memory_is_the_last_states(length):
    """At every origin the memory is the last L states up to it, the newest last, and nothing else."""
    states, origins = numbers(B, T, H), torch.arange(-1, T).expand(B, -1)
    keys, there = remember(states, origins, Memory.empty(states, length))
    for b in range(B):
        for i, o in enumerate(origins[b]):
            expected, mask = remembered(states[b], int(o), length)
            assert torch.equal(keys[b, i], expected)
            assert torch.equal(there[b, i], mask)


def test_memory_never_looks_ahead():
    """Change the states after an origin: its memory stays to the bit, and no gradient flows from it to them."""
    states, origins = numbers(B, T, H).requires_grad_(), torch.tensor([[0, 3, 5]] * B)
    remember(states, origins, Memory.empty(states, L)).keys.sum().backward()
    assert bool((states.grad[:, :6] > 0).all())
    assert not states.grad[:, 6:].any()


@given(st.lists(st.integers(0, 7), min_size=1, max_size=6), st.integers(1, 9), st.integers(0, 2**31))
def test_memory_carried_is_memory_at_once(chunks, length, seed):
    """Read in any pieces, empty ones too, every origin has to the bit the memory of one pass."""
    states = numbers(B, sum(chunks), H, seed=seed)
    read = torch.rand(B, sum(chunks), generator=torch.Generator().manual_seed(seed)) < 0.8
    every = torch.arange(sum(chunks)).expand(B, -1)
    whole = remember(states, every, Memory.empty(states, length), read)
    assert not whole.keys[~whole.there].any()
    before, found = Memory.empty(states, length), []
    for piece, mask in zip(states.split(chunks, 1), read.split(chunks, 1), strict=True):
        steps = piece.shape[1]
        found.append(remember(piece, torch.arange(steps).expand(B, -1), before, mask))
        last = remember(piece, torch.full((B, 1), steps - 1), before, mask)
        before = Memory(last.keys[:, 0], last.there[:, 0])
        assert before.keys.shape == (B, length, H), "what is carried does not grow"
    assert torch.equal(torch.cat([each.keys for each in found], 1), whole.keys)
    assert torch.equal(torch.cat([each.there for each in found], 1), whole.there)


def test_pieces_of_different_lengths():
    """Series that end at different steps of a padded piece each hand on the memory at their own last step."""
    states, last = numbers(B, T, H), torch.tensor([[2], [T - 1], [-1]])
    carried = remember(states, last, Memory.empty(states, L))
    for b in range(B):
        expected, there = remembered(states[b], int(last[b]), L)
        assert torch.equal(carried.keys[b, 0], expected)
        assert torch.equal(carried.there[b, 0], there)


@EVERY
def test_longer_memories_of_nothing(name):
    """Empty places before a memory change nothing: a young series is read alike whatever the lookback."""
    attention, states = make(name), numbers(B, 4, H)
    query, origin = numbers(B, 1, H, seed=1), torch.full((B, 1), 3)
    short, long = (attention.attend(query, *remember(states, origin, Memory.empty(states, n))) for n in (4, 9))
    torch.testing.assert_close(short.context, long.context, rtol=1e-5, atol=1e-6)
    assert short.context.shape == (B, 1, H)


@given(st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=9), st.integers(0, 4))
def test_entropy_is_a_share(scores, empty):
    """Entropy lies between 0 and 1, is 1 where all is alike, 0 at a single state, and knows nothing of empty places."""
    there = torch.tensor([True] * len(scores) + [False] * empty)
    weights = torch.cat([torch.softmax(torch.tensor(scores), 0), torch.zeros(empty)])[None]
    p = weights[0, : len(scores)].double().numpy()
    expected = -np.sum(p * np.log(np.maximum(p, 1e-300))) / np.log(len(scores))
    value = entropy(weights, there)
    assert value.shape == (1,)
    np.testing.assert_allclose(value, [expected], atol=1e-5)
    torch.testing.assert_close(entropy(there[None] / len(scores), there), torch.ones(1))
    single = torch.zeros_like(weights).index_fill(1, torch.tensor(0), 1)
    assert not entropy(single, there).any()


def test_entropy_of_many_queries():
    """Every query and head has its own entropy, whatever the batch."""
    weights = make("multi-head").attend(numbers(B, K, H), numbers(B, L, H, seed=1), THERE).weights
    together = entropy(weights, THERE)
    assert together.shape == (B, K, A)
    for b in range(B):
        for k in range(K):
            torch.testing.assert_close(entropy(weights[b, k], THERE[b]), together[b, k])


@EVERY
def test_learning_to_look_back(name):
    """A query learns to point to the one place that its target comes from, if places are told apart."""
    attention, wanted = make(name, L), 2
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = nn.Linear(H, 1)
    optimizer = torch.optim.Adam([*attention.parameters(), *head.parameters()], 0.05)
    there = torch.ones(64, L, dtype=torch.bool)
    for step in range(150):
        keys = numbers(64, L, H, seed=step)
        context, weights = attention.attend(torch.ones(64, H), keys, there)
        loss = (head(context)[:, 0] - keys[:, wanted, 0]).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert weights.mean((0, 1)).argmax().item() == wanted
    assert weights[..., wanted].mean(0).max().item() > 0.8, "in the head that looks for it"


def test_wrong_choices_are_refused():
    """Unknown names, heads that do not divide the units and memories of another length are told."""
    with pytest.raises(
        UsageError, match=r"attention must be one of 'additive', 'dot', 'general', 'multi-head', but got 'x'"
    ):
        make_attention("x", H)
    with pytest.raises(UsageError, match="heads must divide hidden, but got 3 heads for 8 units"):
        MultiHead(H, 3)
    with pytest.raises(UsageError, match="heads must be a whole number of at least 1"):
        MultiHead(H, 0)
    with pytest.raises(UsageError, match="the memory must have 5 places, as many as positions, but got 6"):
        make("dot", 5).attend(numbers(B, H), numbers(B, L, H), THERE)
