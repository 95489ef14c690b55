"""`foregate fit`: make a model and keep it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from foregate.cli.options import Data, Output, Overwrite, Reading, Training
from foregate.cli.outputs import check_place
from foregate.cli.screen import Page, advice_lines, panel_lines, print_json, source_name, stage

if TYPE_CHECKING:
    from foregate.training.events import Callback

__all__ = ["Logs", "fit"]


@dataclass(frozen=True)
class Logs:
    """Where the course of training is written down."""

    log: Annotated[
        Path | None,
        Option("--log", metavar="FILE", rich_help_panel="Output", help="CSV file with a row per validation check."),
    ] = None
    tensorboard: Annotated[
        Path | None,
        Option("--tensorboard", metavar="DIR", rich_help_panel="Output", help="Folder for what TensorBoard shows."),
    ] = None

    def callbacks(self, effort: str, *, overwrite: bool) -> tuple[Callback, ...]:
        """What writes it down.

        Raises:
            UsageError: nothing is trained, a file is in the way, or there is no folder for it.
            MissingExtraError: TensorBoard is not installed.
        """
        from foregate.core import UsageError
        from foregate.training.loggers import CsvLogger, TensorBoardLogger

        if effort == "instant" and (self.log or self.tensorboard):
            raise UsageError(
                "--log and --tensorboard must be left out with --effort instant, which trains nothing, but got one. "
                "Choose --effort fast."
            )
        made: list[Callback] = []
        if self.log is not None:
            check_place(self.log, overwrite=overwrite, option="--log")
            made.append(CsvLogger(self.log))
        if self.tensorboard is not None:
            made.append(TensorBoardLogger(self.tensorboard))
        return tuple(made)


def fit(
    data: Data,
    reading: Reading,
    training: Training,
    output: Output,
    out: Annotated[Path, Option("--out", metavar="MODEL", rich_help_panel="Output", help="Folder for the model.")],
    logs: Logs,
    checkpoint: Annotated[
        Path | None,
        Option(
            "--checkpoint",
            metavar="DIR",
            rich_help_panel="Forecaster",
            help="Folder for checkpoints; an interrupted run goes on from there, to the same result.",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Train a forecaster on a table and save it.

    Up to 400 steps ahead training begins with the pretrained weights; with --effort instant they are kept as they are.

    Example:

        $ foregate fit sales.csv --id-col shop --time-col date --target-col units --horizon 28 --out model
    """
    reading.check()
    model = training.forecaster(reading.step, verbose=not output.quiet)
    check_place(out, model=out, overwrite=overwrite)
    callbacks = logs.callbacks(training.effort, overwrite=overwrite or checkpoint is not None)  # it is gone on with
    stage(output, f"reading {source_name(data)}")
    panel = reading.read(data)
    stage(output, "reading its past" if training.effort == "instant" else "training")
    model.fit(panel, checkpoint=checkpoint, callbacks=callbacks)
    model.save(out, overwrite=overwrite)
    report = model.report_
    if output.json:
        print_json({"data": source_name(data), "model": str(out), "horizon": training.horizon, **report})
        return
    seasons = ", ".join(map(str, report["seasons"])) or "none"
    page = Page()
    page.add("Read", *panel_lines(model.panel_, data))
    done = (
        f"{report['parameters']:,} weights from {report['start']}, {report['steps']:,} steps in "
        f"{report['seconds']:.0f} s, seasons {seasons}"
    )
    page.add("Fit", done, *(note for note in report["notes"] if note not in model.panel_.notes))
    page.add("Files", f"{out}/")
    page.add("Next", *advice_lines([(f"foregate predict {shlex.quote(str(out))} --out forecasts.csv", "forecast")]))
    page.show()
