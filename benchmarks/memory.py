"""How far back does a memory reach? The adding problem and the copy task, for every cell and first bias.

    python -m benchmarks.memory                                      # the whole grid: one to two hours on one core
    python -m benchmarks.memory adding --length 100 --cell lstm lstm-chrono

Adding (Hochreiter and Schmidhuber 1997, with Arjovsky, Shah and Bengio's (2016) marks): T pairs of a number, uniform on
0 to 1, and a mark, which is 1 at one step of each half and 0 elsewhere. After the last step the sum of the two marked
numbers is asked for. Who always says 1 errs by the variance of that sum, 1/6 = 0.167.

Copy (the same, as Arjovsky et al. have it): ten of eight symbols, T - 1 blanks, a sign, ten blanks; asked for are
T + 10 blanks and then the ten symbols, in their order. Who knows when, but not what, has a cross entropy of
10 log 8 / (T + 20) per step.

Every batch is drawn anew, so the loss of a batch before its step is one on sequences never seen. A run ends when the
mean of the last 25 batches says that the task is solved, or with its steps. Prints a line of JSON per run, and a table.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from foregate.models.cell_spec import CellKind, ForgetGate
from foregate.models.cells import fused
from foregate.models.forget import set_forget_bias

__all__ = ["CELLS", "LENGTHS", "TASKS", "Drawn", "Network", "Run", "adding", "copying", "run"]

SYMBOLS, RECALLED = 8, 10
"""Of the copy task: how many there are, and how many are to be copied."""
BLANK, SIGN = 8, 9
LENGTHS = (100, 400, 1_000)
NEAR = 0.04
"""A sum is right within this (Hochreiter and Schmidhuber 1997)."""
BELIEVED = 25
"""Batches whose mean loss is believed."""
SOLVED = 20
"""A task is solved when the loss is this part of the baseline's: 0.0083 in adding, 98 to 99 % of symbols in copy."""
JUDGED = 1_000
"""Sequences that a run is judged on when it ends."""


class Drawn(NamedTuple):
    """Sequences, and what is asked."""

    x: Tensor
    """(B, T, F)"""
    target: Tensor
    """(B,) sums, or (B, T) symbols."""


@dataclass(frozen=True)
class Exercise:
    """A task, at any length."""

    draw: Callable[[int, int, torch.Generator], Drawn]
    """Sequences, a length and random numbers to a batch."""
    n_inputs: int
    """F, read at a step."""
    n_outputs: int
    """Numbers said at a step."""
    hidden: int
    """H, units that it is given."""
    rates: tuple[float, float]
    """Of Adam, for cells with gates and without."""
    steps: tuple[int, ...]
    """Of training at most, for each of `LENGTHS`."""
    baseline: Callable[[int], float]
    """The loss, by length, of the best constant answer."""
    longest: Callable[[int], int]
    """The longest dependency, in steps by length, that chrono initialisation is told."""


def adding(n: int, length: int, random: torch.Generator) -> Drawn:
    """Numbers and marks (n, length, 2), and the sums (n,) of the two numbers that are marked, one in each half."""
    numbers, marks = torch.rand(n, length, generator=random), torch.zeros(n, length)
    half = length // 2
    for low, high in ((0, half), (half, length)):
        marks.scatter_(1, torch.randint(low, high, (n, 1), generator=random), 1)
    return Drawn(torch.stack([numbers, marks], -1), (numbers * marks).sum(1))


def copying(n: int, length: int, random: torch.Generator) -> Drawn:
    """Symbols, one-hot (n, length + 20, 10), and those (n, length + 20) that are to be said at each step."""
    symbols = torch.randint(SYMBOLS, (n, RECALLED), generator=random)
    read = torch.full((n, length + 2 * RECALLED), BLANK)
    said = read.clone()
    read[:, :RECALLED], read[:, length + RECALLED - 1], said[:, -RECALLED:] = symbols, SIGN, symbols
    return Drawn(functional.one_hot(read, SYMBOLS + 2).float(), said)


TASKS = {
    "adding": Exercise(
        adding,
        n_inputs=2,
        n_outputs=1,
        hidden=32,
        rates=(1e-2, 1e-3),
        steps=(2_000, 2_000, 1_500),
        baseline=lambda _: 1 / 6,
        longest=lambda length: length,
    ),
    "copy": Exercise(
        copying,
        n_inputs=SYMBOLS + 2,
        n_outputs=SYMBOLS + 1,
        hidden=64,
        rates=(1e-2, 1e-3),
        steps=(8_000, 3_500, 1_500),
        baseline=lambda length: RECALLED * math.log(SYMBOLS) / (length + 2 * RECALLED),
        longest=lambda length: 3 * length // 2,
    ),
}

CELLS: dict[str, tuple[CellKind, str]] = {
    "rnn-tanh": ("rnn-tanh", "torch's own start"),
    "rnn-relu": ("rnn-relu", "torch's own start"),
    "rnn-relu-identity": ("rnn-relu", "keeps its state at first (Le, Jaitly and Hinton 2015)"),
    "gru": ("gru", "torch's own start"),
    "gru-chrono": ("gru", "update gate by chrono initialisation (Tallec and Ollivier 2018)"),
    "lstm": ("lstm", "forget gate with a bias of 1"),
    "lstm-chrono": ("lstm", "forget and input gate by chrono initialisation"),
}
"""The cell, and how it begins."""


@dataclass(frozen=True)
class Run:
    """One network on one task."""

    task: str
    """One of `TASKS`."""
    length: int
    """T, in steps."""
    cell: str
    """One of `CELLS`."""
    steps: int
    """Of training at most."""
    hidden: int
    """H, units."""
    rate: float
    """Of Adam."""
    batch: int = 32
    """B, sequences per step of training."""
    clip: float = 1.0
    """The norm that gradients are shortened to."""
    seed: int = 0
    """Of weights and sequences."""

    @classmethod
    def planned(cls, task: str, length: int, cell: str, steps: int | None = None, seed: int = 0) -> Run:
        """With the sizes of its task; lengths that are not on the list get the steps of the next longer one."""
        plan = TASKS[task]
        index = min(sum(length > each for each in LENGTHS), len(LENGTHS) - 1)
        rate = plan.rates[CELLS[cell][0] in ("rnn-tanh", "rnn-relu")]
        return cls(task, length, cell, plan.steps[index] if steps is None else steps, plan.hidden, rate, seed=seed)


class Network(nn.Module):
    """One recurrent layer, read out linearly."""

    def __init__(self, each: Run) -> None:
        super().__init__()
        task = TASKS[each.task]
        self.rnn = fused(CELLS[each.cell][0], task.n_inputs, each.hidden)
        self.out = nn.Linear(each.hidden, task.n_outputs)
        if each.cell == "lstm":
            set_forget_bias(self.rnn, ForgetGate(value=1.0))
        elif each.cell.endswith("-chrono"):
            set_forget_bias(self.rnn, ForgetGate(chrono=task.longest(each.length)))
        elif each.cell.endswith("-identity"):
            nn.init.eye_(self.rnn.weight_hh_l0)
            nn.init.zeros_(self.rnn.bias_ih_l0)
            nn.init.zeros_(self.rnn.bias_hh_l0)

    def forward(self, x: Tensor) -> Tensor:
        """What is said (B, T, N) at every step of (B, T, F)."""
        states, _ = self.rnn(x)
        said: Tensor = self.out(states)
        return said


def judged(said: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The loss of the task, and the share of answers that are right: sums nearly so, or symbols recalled."""
    if target.ndim == 1:
        errors = said[:, -1, 0] - target
        return errors.square().mean(), (errors.abs() < NEAR).float().mean()
    right = said[:, -RECALLED:].argmax(-1) == target[:, -RECALLED:]
    return functional.cross_entropy(said.flatten(0, 1), target.flatten()), right.float().mean()


def run(each: Run) -> dict[str, Any]:
    """Train until the task is solved, the steps are over or the loss is no number; what came of it."""
    torch.manual_seed(each.seed)
    random = torch.Generator().manual_seed(each.seed)
    task, network = TASKS[each.task], Network(each)
    optimizer = torch.optim.Adam(network.parameters(), each.rate)
    baseline, losses = task.baseline(each.length), deque[float](maxlen=BELIEVED)
    step, halved, solved, mean, began = 0, None, None, math.nan, time.process_time()
    while step < each.steps and solved is None:
        drawn = task.draw(each.batch, each.length, random)
        loss, _ = judged(network(drawn.x), drawn.target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), each.clip)
        optimizer.step()
        losses.append(loss.item())
        step, mean = step + 1, sum(losses) / len(losses)
        if not math.isfinite(mean):
            break
        if len(losses) == BELIEVED:
            halved = step if halved is None and mean < baseline / 2 else halved
            solved = step if mean < baseline / SOLVED else None
        if step % 100 == 0:
            print(f"{each.task} {each.length} {each.cell}: step {step}, loss {mean:.4f}", file=sys.stderr, flush=True)
    seconds = time.process_time() - began
    loss, right = held_out(network, each)
    told = {"trained": step, "baseline": baseline, "loss": loss, "right": right, "halved_at": halved}
    return asdict(each) | told | {"solved_at": solved, "cpu_seconds": round(seconds, 1), "torch": torch.__version__}


@torch.no_grad()
def held_out(network: Network, each: Run) -> tuple[float, float]:
    """Loss and share of right answers on sequences that are the same for all cells."""
    random, parts = torch.Generator().manual_seed(each.seed + 1), []
    for _ in range(JUDGED // 100):
        drawn = TASKS[each.task].draw(100, each.length, random)
        parts.append(torch.stack(judged(network(drawn.x), drawn.target)))
    loss, right = torch.stack(parts).mean(0).tolist()
    return loss, right


def table(found: Iterable[dict[str, Any]]) -> str:
    """A line per run, shorter lengths first."""
    lines = [f"{'':32}{'loss':>9}{'baseline':>10}{'right':>8}{'halved':>8}{'solved':>8}{'trained':>9}{'CPU s':>8}"]
    for row in sorted(found, key=lambda row: (list(TASKS).index(row["task"]), row["length"])):
        label = f"{row['task']} {row['length']:5,} {row['cell']}"
        steps = "".join(f"{'–' if row[key] is None else row[key]:>8}" for key in ("halved_at", "solved_at"))
        lines.append(
            f"{label:32}{row['loss']:9.4f}{row['baseline']:10.4f}{row['right']:8.1%}{steps}{row['trained']:9}"
            f"{row['cpu_seconds']:8.0f}"
        )
    return "\n".join(lines)


def main() -> None:
    """Parse, run what the log does not have, record, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", choices=[*TASKS, []], metavar="TASK", help=", ".join(TASKS))
    parser.add_argument("--length", nargs="+", type=int, default=LENGTHS)
    parser.add_argument("--cell", nargs="+", choices=CELLS, default=list(CELLS))
    parser.add_argument("--steps", type=int, help="of training at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--log", type=Path, default=Path("build/memory.jsonl"), help="runs that it has are not repeated"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.log.parent.mkdir(parents=True, exist_ok=True)
    known = [json.loads(line) for line in given.log.read_text().splitlines()] if given.log.exists() else []
    found = []
    for length in sorted(given.length):
        for task in given.tasks or TASKS:
            for cell in given.cell:
                each = Run.planned(task, length, cell, given.steps, given.seed)
                row = next((row for row in known if asdict(each).items() <= row.items()), None)
                if row is None:
                    row = run(each)
                    with given.log.open("a") as log:
                        log.write(json.dumps(row) + "\n")
                found.append(row)
                print(json.dumps(row), flush=True)
    print(table(found))


if __name__ == "__main__":
    main()
