"""A model that was saved, and what it goes on from: what the verbs that ask one for the future share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from foregate.cli.options import FutureData, Output, Overwrite, Reading
from foregate.cli.screen import source_name, stage

if TYPE_CHECKING:
    from foregate.core import Panel
    from foregate.forecaster import Forecaster

__all__ = ["Saved", "read_for"]


@dataclass(frozen=True)
class Saved:
    """Which model, what it goes on from, how far, and where the answer goes."""

    model: Annotated[Path, Argument(metavar="MODEL", help="Folder of a model.", show_default=False)]
    data: Annotated[
        str | None,
        Argument(
            metavar="[DATA]",
            help="Other series, or the same with newer rows; what the model was fitted on if left out.",
            show_default=False,
        ),
    ] = None
    horizon: Annotated[
        int | None,
        Option("--horizon", metavar="H", rich_help_panel="Forecaster", help="Steps ahead; as fitted if left out."),
    ] = None
    out: Annotated[
        Path | None,
        Option(
            "--out",
            metavar="FILE",
            rich_help_panel="Output",
            help="File that ends in .csv, .parquet, .json or .ndjson. Standard output, as CSV, if left out.",
        ),
    ] = None
    future_data: FutureData = None
    overwrite: Overwrite = False

    def opened(self, reading: Reading, output: Output) -> tuple[Forecaster, Panel]:
        """The model, and the panel that it goes on from, as polars; what is wrong is told before anything is loaded.

        Raises:
            UsageError: an option is wrong, or the answer cannot be written.
            ArtifactError: the folder is no model.
            DataError: the data has a problem.
        """
        from foregate.cli.outputs import check_place
        from foregate.cli.tables import check_format
        from foregate.core import at_least
        from foregate.forecaster import load

        reading.check()
        at_least(1, horizon=1 if self.horizon is None else self.horizon)
        if self.out is not None:
            check_format(self.out)
            check_place(self.out, overwrite=self.overwrite)
        stage(output, f"loading {self.model}")
        model = load(self.model)
        panel = model.panel_ if self.data is None else read_for(model, self.data, reading, output)
        return model, replace(panel, spec=replace(panel.spec, kind="polars"))

    def notes(self, panel: Panel) -> tuple[str, ...]:
        """What was done to the data, unless that was said in fitting already."""
        return () if self.data is None else panel.notes


def read_for(model: Forecaster, data: str, reading: Reading, output: Output) -> Panel:
    """The table as a regular panel, its columns named as in fitting where nothing else is said."""
    from foregate.data import regularize, require_freq
    from foregate.data.targets import given_roles

    spec, freq = model.panel_.spec, model.panel_.freq
    named = replace(reading, freq=reading.freq or (None if freq is None else str(freq.alias)))
    if not reading.wide:
        named = replace(
            named,
            id_col=reading.id_col or (spec.id_col if spec.has_ids else None),
            time_col=reading.time_col or spec.time_col,
        )
        if reading.target_col is None and reading.target_cols is None:
            several = list(spec.target_cols) or None
            named = replace(named, target_col=None if several else spec.target_col, target_cols=several)
    if not reading.roles():
        columns = model.fitted_.spec.columns  # what the model reads: an instant one leaves covariates alone
        given = given_roles(((c.name, c.role) for c in columns), spec)
        of = {role: [name for name, own in given.items() if own == role] for role in ("static", "past", "future")}
        named = replace(named, static=of["static"], past=of["past"], future=of["future"])
    stage(output, f"reading {source_name(data)}")
    return regularize(require_freq(named.read(data)))
