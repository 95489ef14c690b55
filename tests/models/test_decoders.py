"""Laws of decoders: what is said of a step depends on what may be known of it, and on nothing else."""

import math

import pytest
import torch

from foregate.models.attention import Memory
from foregate.models.cell_spec import Dropout
from foregate.models.decoders import SHUT, Ahead, Writer, make_decoder
from tests.models.built import CLOSE, REACH, B, F, H, P, S, ahead, built, numbers

N = 4
STRATEGIES = ("parallel", "direct", "seq2seq")
READ = numbers(B, H + F, seed=9)


def decoder(strategy, seed=0, **others):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make_decoder(built(strategy=strategy, **others), F, S, P, N, H, 5).eval()


def say(made, known, read=READ, memory=None):
    with torch.no_grad():
        return made(read, known, memory)


def some(known, which):
    """Of what is known, some steps."""
    came = None if known.came is None else known.came[:, which]
    return Ahead(known.k[which], known.steps[:, which], known.paths[:, which], came)


def writer(**others):
    """A second network that listens to what it is fed."""
    made = decoder("seq2seq", **others)
    made.step.weight.data *= 5
    return made


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_step_has_its_outputs(strategy):
    """There are N outputs of every step of every origin."""
    assert say(decoder(strategy), ahead()).shape == (B, REACH, N)


@pytest.mark.parametrize("strategy", ["parallel", "direct"])
def test_steps_are_decoded_one_by_one(strategy):
    """All steps together are each step alone, and any of them in between."""
    made, known = decoder(strategy), ahead()
    together = say(made, known)
    for which in (*([k] for k in range(REACH)), [0, 3], [1, 2, 4]):
        torch.testing.assert_close(say(made, some(known, which)), together[:, which], **CLOSE)


def test_one_small_decoder_serves_any_horizon():
    """Parallel, a step is told by its features alone, which one it is."""
    made, known = decoder("parallel"), ahead(40)
    far = known._replace(k=known.k + 1000)
    assert torch.equal(say(made, known), say(made, far))


def test_direct_steps_have_weights_of_their_own():
    """Change the output weights of the third step: what is said of it changes, and of no other."""
    made, known = decoder("direct"), ahead()
    before = say(made, known)
    rows = len(made.out.weight) // REACH
    made.out.weight.data[2 * rows : 3 * rows] += 1
    changed = (say(made, known) != before).any(-1).any(0)
    assert changed.tolist() == [False, False, True, False, False]


@pytest.mark.parametrize("attention", [None, "dot"])
def test_what_is_written_never_looks_ahead(attention):
    """Change what is known of the fourth step: the first three stay, those from there on change."""
    made, known = writer(attention=attention), ahead()
    memory = Memory(numbers(B, 6, H), torch.ones(B, 6, dtype=torch.bool)) if attention else None
    steps = known.steps.clone()
    steps[:, 3] += 1
    one, other = (say(made, each, memory=memory) for each in (known, known._replace(steps=steps)))
    changed = (one != other).any(-1).any(0)
    assert changed.tolist() == [False, False, False, True, True]
    torch.testing.assert_close(say(made, some(known, [0, 1]), memory=memory), one[:, :2], **CLOSE)


def test_a_step_is_written_from_the_one_before():
    """Change where the first step lies: the next ones are told, through what is fed back."""
    made, known = writer(), ahead()
    paths = known.paths.clone()
    paths[:, 0] += 3
    one, other = (say(made, each) for each in (known, known._replace(paths=paths)))
    assert bool((one[:, 1:] != other[:, 1:]).any(-1).all())


def test_in_training_it_is_told_what_came():
    """What came at a step changes the next ones in training, and nothing when it forecasts (teacher forcing)."""
    made, known = writer(), ahead(came=numbers(B, REACH, seed=5))
    other = known._replace(came=known.came + torch.tensor([0, 0, 4.0, 0, 0]))
    assert torch.equal(say(made, known), say(made, other))
    made.train()
    changed = (say(made, known) != say(made, other)).any(-1).any(0)
    assert changed.tolist() == [False, False, False, True, True]


def test_in_the_end_it_is_told_what_it_said():
    """As often as it is fed its own forecasts, and wherever nothing was observed, what came is not read."""
    made, known = writer(), ahead(came=numbers(B, REACH, seed=5))
    alone = say(made, known)
    made.train()
    assert not torch.allclose(say(made, known), alone)
    missing = known._replace(came=torch.full((B, REACH), math.nan))
    torch.testing.assert_close(say(made, missing), alone, **CLOSE)
    made.own = 1.0
    with torch.random.fork_rng(devices=[]):
        torch.testing.assert_close(say(made, known), alone, **CLOSE)


def test_what_was_not_observed_spoils_no_gradient():
    """Where a target is missing every weight still has a finite gradient."""
    made, known = writer().train(), ahead(came=torch.full((B, REACH), math.nan))
    made(READ, known).pow(2).sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in made.parameters())


def test_every_written_step_looks_at_the_past():
    """With attention, what lies in the memory changes every step; what lies in its empty places none."""
    made, known = writer(attention="additive"), ahead()
    assert isinstance(made, Writer)
    there = torch.tensor([False, False, True, True, True, True]).expand(B, -1)
    memory = Memory(numbers(B, 6, H), there)
    one = say(made, known, memory=memory)
    empty, full = memory.keys.clone(), memory.keys.clone()
    empty[:, :2], full[:, 2:] = 50, -full[:, 2:]
    assert torch.equal(say(made, known, memory=Memory(empty, there)), one)
    assert bool((say(made, known, memory=Memory(full, there)) != one).any(-1).all())


@pytest.mark.parametrize("rates", [(0.5, 0, 0), (0, 0.5, 0), (0, 0, 0.5)], ids=["recurrent", "between", "output"])
@pytest.mark.parametrize("attention", [None, "dot"])
def test_dropout_reaches_what_is_written(rates, attention):
    """In training other random numbers say other things, for each place where something is dropped; else none do."""
    made, known = writer(dropout=Dropout(*rates), attention=attention), ahead()
    plain = writer(attention=attention)
    memory = Memory(numbers(B, 6, H), torch.ones(B, 6, dtype=torch.bool)) if attention else None

    def drawn(seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return say(made, known, memory=memory)

    assert torch.equal(drawn(0), drawn(1))
    torch.testing.assert_close(drawn(0), say(plain, known, memory=memory), **CLOSE)
    made.train()
    assert torch.equal(drawn(0), drawn(0))
    assert not torch.allclose(drawn(0), drawn(1))


def test_all_steps_are_written_under_one_mask():
    """The mask of h_{t-1} is drawn once: an origin has the same at every step, and another one its own."""
    made, known, masks = writer(dropout=Dropout(recurrent=0.5)).train(), ahead(), []
    made.cell.register_forward_hook(lambda _, given, __: masks.append(given[2]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        say(made, known)
    assert len(masks) == REACH
    assert all(torch.equal(mask, masks[0]) for mask in masks)
    assert set(masks[0].unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(masks[0][0], masks[0][1])


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_place_lies_where_gates_open_to_paths(strategy):
    """Silent, a decoder lies at the paths times how far their gates stand open at first, and says nothing else."""
    made, known = decoder(strategy), ahead()
    made.out.weight.data.zero_()
    made.out.bias.data.zero_()
    said = say(made, known)
    opened = 1 / (1 + math.exp(SHUT))
    torch.testing.assert_close(said[..., 0], opened * known.paths.sum(-1), **CLOSE)
    assert not said[..., 1:].any()
