"""The tasks of the memory benchmark ask what they say, and their baselines are what a constant answer comes to."""

import math

import pytest
import torch

from benchmarks.memory import CELLS, TASKS, Network, Run, adding, copying, judged, run
from foregate.models.forget import half_life

T, MANY = 60, 4_000


def source(seed=0):
    return torch.Generator().manual_seed(seed)


def small(task, cell, **changes):
    """A run of seconds."""
    return Run(task, 12, cell, **{"steps": 30, "hidden": 8, "rate": 1e-2} | changes)


def test_sums_are_functions_of_the_marked_numbers_alone():
    """In adding, one step of each half is marked, and the sum is that of its numbers: the others may be anything."""
    x, target = adding(MANY, T, source())
    numbers, marks = x.unbind(-1)
    assert x.shape == (MANY, T, 2)
    assert set(marks.unique().tolist()) == {0, 1}
    assert (marks[:, : T // 2].sum(1) == 1).all()
    assert (marks[:, T // 2 :].sum(1) == 1).all()
    assert (marks.sum(0) > 0).all()  # each step at times
    others = torch.where(marks == 1, numbers, torch.full_like(numbers, 1e6))
    torch.testing.assert_close(target, (others * marks).sum(1))
    assert 0 <= numbers.min() < numbers.max() <= 1


def test_what_is_to_be_said_are_the_first_symbols_alone():
    """In copy, the last ten answers are the first ten symbols in their order, and all else is always the same."""
    x, target = copying(MANY, T, source())
    assert x.shape == (MANY, T + 20, 10)
    assert (x.sum(-1) == 1).all()
    read = x.argmax(-1)
    assert torch.equal(target[:, -10:], read[:, :10])
    assert set(read[:, :10].unique().tolist()) == set(range(8))
    assert set(target[:, :-10].unique().tolist()) == {8}
    assert (read[:, 10:] == read[0, 10:]).all()
    assert (read[0, 10:] == 9).nonzero().flatten().tolist() == [T - 1]  # after 10 symbols and T - 1 blanks
    assert ((read[0, 10:] == 8).sum()) == T + 9


def test_the_baseline_of_adding_is_that_of_saying_one():
    """The best constant is the mean of the sum, 1, and its error is the baseline at any length."""
    _, target = adding(50 * MANY, 4, source())
    assert target.mean().item() == pytest.approx(1, abs=0.005)
    assert (target - 1).square().mean().item() == pytest.approx(TASKS["adding"].baseline(4), rel=0.01)
    assert TASKS["adding"].baseline(4) == TASKS["adding"].baseline(1_000) == pytest.approx(0.167, abs=0.001)


def test_the_baseline_of_copy_is_that_of_knowing_when_but_not_what():
    """Blanks for sure, then every symbol alike: the cross entropy of that is the baseline."""
    _, target = copying(200, T, source())
    said = torch.zeros(200, T + 20, 9)
    said[:, :-10, 8], said[:, -10:, 8] = 50, -50
    loss, right = judged(said, target)
    assert loss.item() == pytest.approx(TASKS["copy"].baseline(T), rel=1e-5)
    assert TASKS["copy"].baseline(T) == pytest.approx(10 * math.log(8) / (T + 20))
    assert right.item() == pytest.approx(1 / 8, abs=0.02)


def test_right_answers_are_counted():
    """Who says the sum, or the symbols, is right every time and has no loss; a sum that is off by 0.05 is not right."""
    _, sums = adding(20, T, source())
    _, symbols = copying(20, T, source())
    assert judged(sums.reshape(-1, 1, 1), sums) == (0, 1)
    assert judged(sums.reshape(-1, 1, 1) + 0.05, sums)[1] == 0
    loss, right = judged(100 * torch.nn.functional.one_hot(symbols, 9).float(), symbols)
    assert (loss.item(), right.item()) == (0, 1)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_runs(task, cell):
    """A run says what it was and what came of it, and the same seed says the same."""
    told = run(small(task, cell, steps=3))
    assert told["trained"] == 3
    assert math.isfinite(told["loss"])
    again = run(small(task, cell, steps=3))
    assert {**told, "cpu_seconds": 0} == {**again, "cpu_seconds": 0}


def test_cells_begin_as_they_say():
    """A bias of 1 is there; chrono initialisation spreads half-lives; the identity keeps what relu lets by."""
    plain, chrono, kept = (
        Network(small("adding", cell, hidden=200)).rnn for cell in ("lstm", "lstm-chrono", "rnn-relu-identity")
    )
    bias = (plain.bias_ih_l0 + plain.bias_hh_l0).chunk(4)[1]
    torch.testing.assert_close(bias, torch.ones(200))
    forget, write = (chrono.bias_ih_l0 + chrono.bias_hh_l0).chunk(4)[1::-1]
    torch.testing.assert_close(forget, -write)
    steps = half_life(torch.sigmoid(forget))
    assert steps.min() < 3 < 6 < steps.max() < 12  # T = 12: forgetting times up to 12 steps
    assert torch.equal(kept.weight_hh_l0, torch.eye(200))


def test_a_run_ends_when_the_task_is_solved():
    """A short sum is learnt before the steps are over, and said to half the baseline's loss before that."""
    told = run(Run("adding", 4, "gru", steps=2_000, hidden=16, rate=1e-2))
    assert told["halved_at"] < told["solved_at"] == told["trained"] < 2_000
    assert told["loss"] < TASKS["adding"].baseline(4) / 10


def test_lengths_off_the_list_have_a_plan():
    """Between two lengths of the list a run is given the steps of the longer one; beyond it, those of the longest."""
    steps = {length: Run.planned("copy", length, "gru").steps for length in (10, 100, 101, 400, 1_000, 5_000)}
    assert steps[10] == steps[100]
    assert steps[101] == steps[400]
    assert steps[1_000] == steps[5_000]
    assert Run.planned("copy", 10, "gru", 7).steps == 7
