"""What people read: progress on standard error, results on standard output."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foregate.cli.options import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from foregate.core import Panel
    from foregate.data import Audit
    from foregate.evaluation import Comparison, Scoreboard

__all__ = [
    "Page",
    "advice_lines",
    "audit_lines",
    "audit_table",
    "difference_lines",
    "panel_lines",
    "print_json",
    "score_lines",
    "source_name",
    "stage",
]

_MARKS = {"error": "[red]error[/]  ", "warning": "[yellow]warning[/]", "info": "[dim]note[/]   "}


def stage(output: Output, text: str) -> None:
    """Say on standard error what is being done now."""
    if not output.quiet and _is_heard():
        from rich.console import Console

        Console(stderr=True, highlight=False, soft_wrap=True).print(f"· {text}", style="dim", markup=False)


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on standard output; what is not a number is null."""
    if _is_heard():
        sys.stdout.write(json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _is_heard() -> bool:
    """Whether people see what this process says: of several that `torchrun` has started the first one."""
    from foregate.core.processes import leads

    return leads()


@dataclass
class Page:
    """A summary for people: a label on the left, what belongs to it on the right."""

    sections: list[tuple[str, list[RenderableType]]] = field(default_factory=list)

    def add(self, label: str, *what: RenderableType) -> None:
        """Put a section below the others; without content it is left out."""
        if what:
            self.sections.append((label, list(what)))

    def show(self) -> None:
        """Print everything on standard output."""
        if not _is_heard():
            return
        from rich.console import Console, Group
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        grid.add_column(min_width=8, no_wrap=True, style="bold")
        grid.add_column(overflow="fold")
        for i, (label, what) in enumerate(self.sections):
            if i:
                grid.add_row("", "")
            grid.add_row(label, Group(*(Text(one) if isinstance(one, str) else one for one in what)))
        console = Console(highlight=False)
        if not console.is_terminal and "COLUMNS" not in os.environ:
            console.width = _WIDTH_OF_FILES
        with console.capture() as drawn:
            console.print(grid)
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines()))


def source_name(data: str | Path) -> str:
    """What is shown and saved of where data or a study is: an address without what lets one in."""
    from foregate.core.addresses import shown_address

    return shown_address(data)


def panel_lines(panel: Panel, data: str) -> list[RenderableType]:
    """What was read, and what was decided in doing so."""
    from rich.text import Text

    from foregate.data.audit.findings import stamp

    lengths = panel.lengths
    least, most = (f"{length:,}" for length in (lengths.min(), lengths.max()))
    series = f"{len(panel):,} series of {least}{f' to {most}' * (least != most)} rows" if len(panel) > 1 else ""
    step = "" if panel.freq is None else f", step {panel.freq.alias}"
    span = f"{stamp(panel.times.min(), panel)} to {stamp(panel.times.max(), panel)}"
    first = f"{source_name(data)}: {series or f'one series of {least} rows'}{step}, {span}"
    return [first, *(Text(note, style="dim") for note in panel.notes)]


def audit_lines(found: Audit, *severities: str) -> list[RenderableType]:
    """The findings of some severities, worst first, as a grid of mark and sentence."""
    from rich.table import Table
    from rich.text import Text

    shown = [one for one in found.findings if one.severity in severities]
    if not shown:
        return []
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for one in shown:
        grid.add_row(Text.from_markup(_MARKS[one.severity]), Text(one.message))
    return [grid]


def audit_table(found: Audit) -> RenderableType:
    """What an audit counted, as a grid of label and value."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column(overflow="fold")
    for label, value in found.rows():
        grid.add_row(label, Text(value))
    return grid


def score_lines(board: Scoreboard, said: str) -> list[RenderableType]:
    """The verdict, and under it the scoreboard as a table, the best of each error in bold."""
    from rich.table import Table
    from rich.text import Text

    shown = [name for name in _ERRORS if name in board.scores[0].overall]
    coverages = [name for name in board.scores[0].overall if name.startswith("coverage-")]
    grid = Table(box=None, padding=(0, 3, 0, 0), header_style="dim", pad_edge=False)
    grid.add_column("", no_wrap=True)
    for label in (*(_ERRORS[name] for name in shown), *(f"in {name[9:]} %" for name in coverages), "seconds"):
        grid.add_column(label, justify="right", no_wrap=True)
    best = {name: min(score.overall[name] for score in board.scores) for name in shown}
    for score in board.scores:
        cells = [
            Text(f"{score.overall[name]:.4g}", style="bold" if score.overall[name] == best[name] else "")
            for name in shown
        ]
        cells += [Text(f"{score.overall[name]:.1f}") for name in coverages]
        grid.add_row(score.model, *cells, f"{score.seconds.fit + score.seconds.predict:.1f}")
    style = "green" if " beats " in said else "yellow" if " loses " in said else ""
    return [Text(said, style=style), "", grid, *_target_lines(board)]


def _target_lines(board: Scoreboard) -> list[RenderableType]:
    """The MASE of every model at each of several targets."""
    from rich.table import Table

    rows = board.target_rows()
    if not rows:
        return []
    targets = list(dict.fromkeys(board.targets))
    grid = Table(box=None, padding=(0, 3, 0, 0), header_style="dim", pad_edge=False)
    grid.add_column("MASE of", no_wrap=True)
    for name in targets:
        grid.add_column(name, justify="right", no_wrap=True)
    mase = {(row["model"], row["target"]): row["mase"] for row in rows}
    for score in board.scores:
        grid.add_row(score.model, *(f"{mase[score.model, name]:.4g}" for name in targets))
    return ["", grid]


def difference_lines(found: Comparison | None) -> list[str]:
    """Which of the others the first model can be told apart from, and what the reader should know."""
    if found is None:
        return []
    first, *others = found.models
    return [*(found.verdict(first, other) for other in others), *found.notes]


def advice_lines(advice: Sequence[tuple[str, str]]) -> list[RenderableType]:
    """Commands to try next, and below each what it is good for."""
    from rich.text import Text

    return [Text.assemble(command, "\n  ", (meaning, "dim")) for command, meaning in advice]


_ERRORS = {"mase": "MASE", "smape": "sMAPE", "mae": "MAE"}
_WIDTH_OF_FILES = 100
"""Characters of a line where the output is no terminal."""


def _plain(value: Any) -> Any:
    """The same in types that JSON knows."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
