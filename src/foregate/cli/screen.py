"""What people read: progress on standard error, results on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foregate.cli.options import Output

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from foregate.core import Panel
    from foregate.data import Audit
    from foregate.evaluation import Scoreboard

__all__ = ["Page", "audit_lines", "audit_table", "panel_lines", "print_json", "score_table", "stage"]

_MARKS = {"error": "[red]error[/]  ", "warning": "[yellow]warning[/]", "info": "[dim]note[/]   "}


def stage(output: Output, text: str) -> None:
    """Say on standard error what is being done now."""
    if not output.quiet:
        from rich.console import Console

        Console(stderr=True, highlight=False, soft_wrap=True).print(f"· {text}", style="dim", markup=False)


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on standard output; what is not a number is null."""
    sys.stdout.write(json.dumps(_plain(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


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
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2), expand=False)
        grid.add_column(min_width=9, no_wrap=True, style="bold")
        grid.add_column(overflow="fold")
        for i, (label, what) in enumerate(self.sections):
            if i:
                grid.add_row("", "")
            grid.add_row(Text(label), Group(*what))
        _console().print(grid)


def panel_lines(panel: Panel) -> list[RenderableType]:
    """What was read, and what was decided in doing so."""
    freq = "unknown step" if panel.freq is None else f"step {panel.freq.alias}"
    lengths = panel.lengths
    rows = f"{len(panel.values):,} rows"
    if len(panel) > 1:
        rows += f" ({lengths.min():,} to {lengths.max():,} each)" if lengths.min() < lengths.max() else ""
    named = f"{len(panel):,} series" if len(panel) > 1 else "1 series"
    return [f"{named}, {rows}, {freq}", *_plain_lines(panel.notes)]


def audit_lines(found: Audit, *, least: Sequence[str] = ("error", "warning")) -> list[RenderableType]:
    """The findings of some severities, worst first, as a grid of mark and sentence."""
    from rich.table import Table
    from rich.text import Text

    shown = [one for one in found.findings if one.severity in least]
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


def score_table(board: Scoreboard) -> RenderableType:
    """The scoreboard as a table, the best of each error in bold."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    coverages = [name for name in board.scores[0].overall if name.startswith("coverage-")]
    errors = [name for name in ("mase", "smape", "mae", "crps") if name in board.scores[0].overall]
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    grid.add_column("model")
    labels = [_LABELS[name] for name in errors] + [f"in {name.removeprefix('coverage-')} %" for name in coverages]
    for label in (*labels, "seconds"):
        grid.add_column(label, justify="right")
    best = {name: min(score.overall[name] for score in board.scores) for name in errors}
    for score in board.scores:
        cells = [
            Text(f"{score.overall[name]:.4g}", style="bold" if score.overall[name] == best[name] else "")
            for name in errors
        ]
        cells += [Text(f"{score.overall[name]:.1f}") for name in coverages]
        grid.add_row(score.model, *cells, f"{score.seconds.fit + score.seconds.predict:.1f}")
    return grid


_LABELS = {"mase": "MASE", "smape": "sMAPE", "mae": "MAE", "crps": "CRPS"}


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)


def _plain_lines(lines: Iterable[str]) -> list[RenderableType]:
    from rich.text import Text

    return [Text(line, style="dim") for line in lines]


def _plain(value: Any) -> Any:
    """The same in types that JSON knows."""
    import math

    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
