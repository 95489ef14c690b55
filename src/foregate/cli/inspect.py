"""`foregate inspect`: what goes on inside a model that was saved."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from foregate.cli.options import Output, Overwrite, Reading
from foregate.cli.saved import read_for
from foregate.cli.screen import Page, print_json, stage

__all__ = ["Looking", "inspect"]

_LOOK = "What is looked at"


@dataclass(frozen=True)
class Looking:
    """How much is looked at."""

    series: Annotated[
        int, Option("--series", metavar="N", rich_help_panel=_LOOK, help="Series whose gates are shown at most.")
    ] = 100
    rows: Annotated[
        int,
        Option("--rows", metavar="N", rich_help_panel=_LOOK, help="The last rows of each, over which they are shown."),
    ] = 200
    lags: Annotated[
        int | None,
        Option(
            "--lags",
            metavar="N",
            rich_help_panel=_LOOK,
            help="How far back memory is measured; three short seasons or two long ones, at least 100, if left out.",
        ),
    ] = None
    cells: Annotated[
        int | None,
        Option(
            "--cells",
            metavar="STEPS",
            rich_help_panel=_LOOK,
            help="Compare the gradients of RNN, GRU and LSTM of equal size, trained for so many steps; 0: untrained.",
        ),
    ] = None

    def __post_init__(self) -> None:
        from foregate.core import at_least

        at_least(1, series=self.series, rows=self.rows, lags=1 if self.lags is None else self.lags)
        at_least(0, cells=0 if self.cells is None else self.cells)


def inspect(
    model: Annotated[Path, Argument(metavar="MODEL", help="Folder of a model.", show_default=False)],
    reading: Reading,
    output: Output,
    out: Annotated[
        Path,
        Option("--out", metavar="DIR", rich_help_panel="Output", help="Folder for the page, CSV and npz files."),
    ],
    looking: Looking,
    data: Annotated[
        str | None,
        Argument(
            metavar="[DATA]",
            help="The series that it is to read; what it was fitted on if left out.",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Look into a saved model: gates, memory, gradients, attention, importance, and what is wrong with it.

    Writes inspection.html, which needs nothing else, and what it shows as tables (CSV) and arrays (npz). Nothing is
    trained, unless --cells says so.

    Example:

        $ foregate inspect model --out inside
    """
    from foregate.cli.outputs import check_place, staged
    from foregate.forecaster import load
    from foregate.inspection import inspect as look
    from foregate.inspection.look import PAGE
    from foregate.reporting.canvas import drawing

    reading.check()
    check_place(out, (PAGE,), overwrite=overwrite)
    drawing()
    stage(output, f"loading {model}")
    loaded = load(model)
    panel = None if data is None else read_for(loaded, data, reading, output)
    seen = look(loaded, panel, **asdict(looking))
    for name in seen.parts:
        stage(output, f"looking at {name}")
        seen.view(name)
    stage(output, "drawing")
    files = seen.files()
    check_place(out, tuple(files), overwrite=overwrite)
    with staged(out, tuple(files)) as new:
        for name, content in files.items():
            (new / name).write_bytes(content)
    if output.json:
        print_json({"model": str(model), **seen.facts(), "files": {name: str(out / name) for name in files}})
        return
    page = Page()
    page.add("Memory", seen.verdict)
    if seen.diagnosis is not None:
        page.add("Diagnosis", *map(str, seen.diagnosis))
    page.add("Notes", *seen.notes)
    page.add("Files", *(str(out / name) for name in files))
    page.show()
