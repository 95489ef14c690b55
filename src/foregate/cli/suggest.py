"""`foregate suggest`: which sequence length, sizes and learning rate suit a table."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from foregate.cli.options import Data, Output, Overwrite, Reading, season_lengths
from foregate.cli.screen import Page, panel_lines, print_json, source_name, stage

if TYPE_CHECKING:
    from rich.console import RenderableType

    from foregate.tuning import Suggestion
    from foregate.tuning.suggest import Asked

__all__ = ["Looking", "suggest"]

_LOOKING = "What to look at"
_FILES = ("suggestion.html", "suggestion.json")


@dataclass(frozen=True)
class Looking:
    """What to look at, and for how long."""

    horizon: Annotated[
        int, Option("--horizon", metavar="H", rich_help_panel=_LOOKING, help="Steps ahead that are to be forecast.")
    ]
    season_length: Annotated[
        list[str] | None,
        Option(
            "--season-length",
            metavar="STEPS",
            rich_help_panel=_LOOKING,
            help="One or two season lengths, such as 24,168; 1 for none. Found in the data if not given.",
        ),
    ] = None
    test: Annotated[
        int | None,
        Option(
            "--test",
            metavar="ROWS",
            rich_help_panel=_LOOKING,
            help="Rows at the end of each series that nothing of this looks at; the horizon if not given.",
        ),
    ] = None
    no_train: Annotated[
        bool,
        Option(
            "--no-train",
            metavar="",
            rich_help_panel=_LOOKING,
            help="Try out neither lengths nor learning rates: seconds, and no torch.",
        ),
    ] = False
    budget: Annotated[
        float,
        Option(
            "--budget",
            metavar="SECONDS",
            rich_help_panel=_LOOKING,
            help="After so long nothing else is begun that trains.",
        ),
    ] = 120.0
    seed: Annotated[
        int, Option("--seed", metavar="N", rich_help_panel=_LOOKING, help="Same seed, same data: same suggestion.")
    ] = 0

    def asked(self) -> Asked:
        """The same as Python takes it.

        Raises:
            UsageError: something is wrong.
        """
        from foregate.tuning.suggest import Asked

        lengths = season_lengths(self.season_length)
        seasons = None if lengths is None else tuple(lengths)
        return Asked(self.horizon, seasons, self.test, not self.no_train, self.budget, self.seed)


def suggest(
    data: Data,
    reading: Reading,
    output: Output,
    looking: Looking,
    out: Annotated[
        Path | None,
        Option(
            "--out",
            metavar="DIR",
            rich_help_panel="Output",
            help="Folder for suggestion.html, with pictures and the tables behind them, and suggestion.json.",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Suggest sequence length, sizes and learning rate for a table, with the evidence.

    The length is asked in four ways: autocorrelation, full and partial; mutual information by lag; seasons; and small
    networks with windows of different lengths on origins of the past, beside one that carries its state.

    Example:

        $ foregate suggest sales.csv --id-col shop --time-col date --target-col units --horizon 28
    """
    from foregate.cli.outputs import check_place, staged
    from foregate.tuning.suggest import look

    reading.check()
    asked = looking.asked()
    if out is not None:
        from foregate.reporting.canvas import drawing

        drawing()  # its absence is told before any work
        check_place(out, _FILES, overwrite=overwrite)
    stage(output, f"reading {source_name(data)}")
    panel = reading.read(data)
    found = look(panel, asked, lambda text: stage(output, text))
    document = {"data": source_name(data), **found.to_dict()}
    if out is not None:
        from foregate.tuning.charts import page_of

        with staged(out, _FILES) as new:
            (new / _FILES[0]).write_text(page_of(found, data), encoding="utf-8")
            (new / _FILES[1]).write_text(json.dumps(document, indent=2, ensure_ascii=False), encoding="utf-8")
    if output.json:
        print_json({**document, "files": {} if out is None else {name: str(out / name) for name in _FILES}})
        return
    page = Page()
    page.add("Read", *panel_lines(panel, data))
    page.add("Length", *_length_lines(found))
    page.add("Tried", *_tried_lines(found))
    page.add("Settings", _settings_table(found))
    page.add("Notes", *found.notes)
    page.add("Next", _command(found, data, reading))
    page.add("Files", *([] if out is None else [str(out / name) for name in _FILES]))
    page.show()


def _grid(head: tuple[str, ...], rows: list[tuple[Any, ...]]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, padding=(0, 3, 0, 0), header_style="dim", pad_edge=False)
    for i, name in enumerate(head):
        last = i == len(head) - 1
        grid.add_column(name, overflow="fold" if last else "ellipsis", no_wrap=not last)
    for row in rows:
        grid.add_row(*(one if isinstance(one, Text) else Text(str(one)) for one in row))
    return grid


def _length_lines(found: Suggestion) -> list[RenderableType]:
    from rich.text import Text

    rows = []
    for way in found.ways:
        length = "cannot tell" if way.rows is None else f"{way.rows:,} rows" if way.rows else "none"
        style = "bold" if way.decides else "dim"
        rows.append((Text(way.name, style=style), Text(length, style=style), Text(way.reason, style="dim")))
    verdict = Text(found.reason, style="green")
    return [verdict, "", _grid(("", "asks for", ""), rows)]


def _tried_lines(found: Suggestion) -> list[RenderableType]:
    rows = [
        (score.name, f"{score.error:.4g}", f"{score.behind:.2g}", f"± {score.doubt:.2g}", f"{score.seconds:.1f}")
        for score in found.scores
    ]
    head = ("", "MASE", "behind", "std. error", "seconds")
    return [_grid(head, rows)] if rows else []


def _settings_table(found: Suggestion) -> RenderableType:
    from rich.text import Text

    rows = [
        (
            each.name,
            Text(f"{each.value:g}", style="yellow" if each.differs else ""),
            f"{each.default:g}",
            Text(each.reason, style="dim"),
        )
        for each in found.settings
    ]
    return _grid(("", "suggested", "default", ""), rows)


def _command(found: Suggestion, data: str, reading: Reading) -> str:
    """The command that fits what is suggested."""
    words = ["foregate", "fit", data, *reading.words(), "--horizon", str(found.horizon), "--out", "model"]
    words += ["--season-length", ",".join(map(str, found.seasons)) or "1"]
    words += [] if found.model is None else ["--model", found.model]
    for name, value in found.options.items():
        words += ["--set", f"{name}={value:g}"]
    return shlex.join(words)
