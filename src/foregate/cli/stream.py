"""`foregate stream`: observations in on standard input, forecasts out on standard output, a line for a line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from foregate.cli.options import Level, Output, Overwrite, Reading, percents, season_lengths
from foregate.cli.saved import read_for
from foregate.cli.screen import stage

if TYPE_CHECKING:
    from foregate.forecaster import Forecaster
    from foregate.forecasting.fitted import Fitted
    from foregate.streaming import Durable, Live

__all__ = ["Asked", "Kept", "stream"]

_STREAM, _STATE = "Stream", "State"


@dataclass(frozen=True)
class Asked:
    """What a stream begins with, and what it says."""

    model: Annotated[Path | None, Argument(metavar="[MODEL]", help="Folder of a model.", show_default=False)] = None
    pretrained: Annotated[
        bool,
        Option(
            "--pretrained", metavar="", rich_help_panel=_STREAM, help="The network of the package, instead of MODEL."
        ),
    ] = False
    horizon: Annotated[
        int | None,
        Option(
            "--horizon",
            metavar="H",
            rich_help_panel=_STREAM,
            help="Steps ahead; if left out as fitted, or a season with --pretrained.",
        ),
    ] = None
    season_length: Annotated[
        list[str] | None,
        Option(
            "--season-length",
            metavar="STEPS",
            rich_help_panel=_STREAM,
            help="With --pretrained: one or two season lengths, such as 24,168; 1 for none.",
        ),
    ] = None
    history: Annotated[
        str | None,
        Option("--history", metavar="DATA", rich_help_panel=_STREAM, help="Table of series to go on from."),
    ] = None
    level: Level = None
    weights: Annotated[
        str | None,
        Option(
            "--weights",
            metavar="SIZE",
            rich_help_panel=_STREAM,
            help="With --pretrained: tiny, which is quick and used if left out, or base.",
        ),
    ] = None
    watch: Annotated[
        bool,
        Option(
            "--watch",
            metavar="",
            rich_help_panel=_STREAM,
            help="Score every forecast when its actual comes, and let intervals follow what comes.",
        ),
    ] = False
    scores: Annotated[
        Path | None,
        Option(
            "--scores",
            metavar="FILE",
            rich_help_panel=_STREAM,
            help="With --watch: where the scores go at the end; it ends in .csv, .parquet, .json or .ndjson.",
        ),
    ] = None
    overwrite: Overwrite = False
    allow_late: Annotated[
        int | None,
        Option(
            "--allow-late",
            metavar="ROWS",
            rich_help_panel=_STREAM,
            help="Let so many of the last rows of a series still come late, or be corrected.",
        ),
    ] = None
    learn: Annotated[
        bool,
        Option(
            "--learn",
            metavar="",
            rich_help_panel=_STREAM,
            help="Let the decoder learn from what comes, a guarded step now and then. Needs torch.",
        ),
    ] = False
    op_col: Annotated[
        str,
        Option(
            "--op-col",
            metavar="NAME",
            rich_help_panel=_STREAM,
            help="What says that a line is no observation; another name if the table has such a column.",
        ),
    ] = "op"

    def check(self) -> None:
        """Refuse contradictions before anything is read.

        Raises:
            UsageError: says which.
        """
        from foregate.core import UsageError, at_least

        at_least(0, allow_late=0 if self.allow_late is None else self.allow_late)
        if (self.model is None) != self.pretrained:
            raise UsageError(
                "stream must have either a MODEL or --pretrained, but got both or neither. Give one of them."
            )
        if self.scores is not None:
            from foregate.cli.outputs import check_place
            from foregate.cli.tables import check_format

            if not self.watch:
                raise UsageError("--scores must be given with --watch, but that was not given. Add it.")
            check_format(self.scores, "--scores")
            check_place(self.scores, overwrite=self.overwrite, option="--scores")
        if self.model is not None and self.season_length is not None:
            raise UsageError("--season-length must be left out with a MODEL, which has its own, but was given.")
        if self.model is not None and self.weights is not None:
            raise UsageError("--weights must be left out with a MODEL, which has its own, but was given.")

    def sources(self, reading: Reading, output: Output) -> tuple[Fitted, Callable[[], Live]]:
        """The model, and what makes a live forecaster to begin with."""
        if reading.target_cols is not None:
            from foregate.core import UsageError

            raise UsageError("--target-cols must be left out for a stream, which has one target, but was given.")
        return self._untrained(reading, output) if self.model is None else self._trained(self.model, reading, output)

    def begin(self, live: Live, steps: int, levels: Sequence[float]) -> bool:
        """Let it do from now on what is asked beyond reading and forecasting; tell whether that is new."""
        if self.learn:
            live.update([], learn=True)  # where it cannot, that is refused now and not at every line
        if self.allow_late is not None:
            live.allow_late(self.allow_late)
        watches = self.watch and _watched(live) != (steps, set(levels))
        if watches:
            live.watch(steps, level=levels)
        return watches or self.allow_late is not None

    def hand_over_scores(self, live: Live, output: Output) -> None:
        """Write the scores so far where they are asked for."""
        from foregate.cli.tables import encoded
        from foregate.core.files import write_atomically

        if self.scores is not None:
            write_atomically(self.scores, encoded(live.scores(), self.scores.suffix))
            stage(output, f"scores written to {self.scores}")

    def _untrained(self, reading: Reading, output: Output) -> tuple[Fitted, Callable[[], Live]]:
        """With the weights of the package; seasons and intervals are from the history, if there is one."""
        from foregate.core import Frequency, at_least
        from foregate.streaming import Live

        seasons, horizon, history = season_lengths(self.season_length), self.horizon, self.history
        at_least(1, horizon=1 if horizon is None else horizon)
        named = {name: getattr(reading, name) for name in _ROLES if getattr(reading, name)}
        if history is None:
            usual = Frequency.parse(reading.step or 1).seasons() if seasons is None else seasons
            steps = horizon or (usual[0] if usual else 1)
            live = self._ready(steps, reading, seasons).live()
            return live.fitted, lambda: Live(live.fitted, freq=live.freq, spec=replace(live.spec, **named))
        stage(output, f"reading {history}")
        panel = reading.read(history)
        usual = (panel.freq.seasons() if panel.freq is not None else ()) if seasons is None else seasons
        model = self._ready(horizon or (usual[0] if usual else 1), reading, seasons).fit(panel)
        return model.fitted_, lambda: model.live(allow_late=self.allow_late or 0)

    def _ready(self, horizon: int, reading: Reading, seasons: list[int] | None) -> Forecaster:
        """The forecaster of the package."""
        from foregate.forecaster import Forecaster

        weights = self.weights or "tiny"
        return Forecaster.pretrained(horizon, freq=reading.step, season_length=seasons, weights=weights)

    def _trained(self, model: Path, reading: Reading, output: Output) -> tuple[Fitted, Callable[[], Live]]:
        """A saved model, which begins with the series it was fitted on or with a table."""
        from foregate.forecaster import load

        stage(output, f"loading {model}")
        loaded = load(model, runtime="onnx")
        history = self.history
        return loaded.fitted_, lambda: loaded.live(
            None if history is None else read_for(loaded, history, reading, output), allow_late=self.allow_late or 0
        )


@dataclass(frozen=True)
class Kept:
    """How a stream outlives its process."""

    state: Annotated[
        Path | None,
        Option(
            "--state",
            metavar="FILE",
            rich_help_panel=_STATE,
            help="Where the state is kept, so that what was answered is never lost, and taken up again if it is there.",
        ),
    ] = None
    save_every: Annotated[
        int | None,
        Option(
            "--save-every",
            metavar="N",
            rich_help_panel=_STATE,
            help="Observations between two snapshots, which begin the journal anew; 10,000 or more if left out.",
        ),
    ] = None
    fsync: Annotated[
        bool,
        Option(
            "--fsync",
            metavar="",
            rich_help_panel=_STATE,
            help="Wait for the disk before every answer, so that a loss of power loses nothing either.",
        ),
    ] = False

    def check(self) -> None:
        """Refuse contradictions before anything is read.

        Raises:
            UsageError: says which.
        """
        from foregate.core import UsageError, at_least

        at_least(1, save_every=1 if self.save_every is None else self.save_every)
        if self.state is None and (self.fsync or self.save_every is not None):
            raise UsageError(
                "--fsync and --save-every must be given with --state, but that was not given. Add --state FILE."
            )
        if self.state is not None and not self.state.resolve().parent.is_dir():
            raise UsageError(
                f"--state must be a file in a folder that exists, but got {str(self.state)!r}. Make the folder."
            )

    def opened(self, state: Path, asked: Asked, reading: Reading, output: Output) -> Durable:
        """The state that was saved, gone on from; or a new one, of the model and from where it is asked for.

        Raises:
            ArtifactError: what was saved is damaged, or of another model.
            UsageError: another process has it.
        """
        from foregate.core import ArtifactError
        from foregate.streaming import Durable

        fitted, start = asked.sources(reading, output)
        try:
            durable = Durable(state, fitted, start, every=self.save_every, fsync=self.fsync)
        except ArtifactError as error:
            if asked.model is not None or "must be of the model" not in str(error):
                raise
            raise ArtifactError(
                f"{error} Give the --freq, --season-length, --history and --weights of the run that saved it: with "
                "--pretrained they make the model."
            ) from error
        if durable.resumed:
            stage(output, f"going on from {state}, {durable.replayed:,} entries of its journal")
        if durable.torn:
            stage(output, f"left out the end of {state}.journal, a line that was never finished or answered")
        return durable


def stream(reading: Reading, output: Output, asked: Asked, kept: Kept) -> None:
    """Read observations as they come, and forecast after each of them.

    Every line of standard input is one observation, such as {"unique_id": "a", "ds": "2024-05-01T07:00", "y": 3.2};
    null for a missing value. Times that are left out are read as missing. Every line is answered by one line: the
    forecast of that series, or an error, which changes nothing. A model goes on from the series it was fitted on, or
    from a table. Needs no torch.

    A line with an "op" is something else: "correct" and "announce" take a row, "drop" and "forecast" a series, and
    "scores", after --watch, gives the scores so far, of one series or all.

    With --state, whatever has been answered outlives the process, however that ends.

    Example:

        $ foregate stream --pretrained --freq h --horizon 24 --state live.state < observations.ndjson
    """
    from foregate.cli.answers import Answers, Lines

    reading.check()
    levels = percents(asked.level)
    asked.check()
    kept.check()
    durable = None if kept.state is None else kept.opened(kept.state, asked, reading, output)
    live = asked.sources(reading, output)[1]() if durable is None else durable.live
    lines = Lines()
    try:
        _check_names(live, reading, asked.op_col)
        steps = live.fitted.horizon if asked.horizon is None else asked.horizon
        if asked.begin(live, steps, levels) and durable is not None:
            durable.save()
        stage(output, f"ready: {len(live)} series known, horizon {steps}")
        answers = Answers(live, live if durable is None else durable, steps, levels, asked.op_col, learn=asked.learn)
        with lines:
            for line in lines:
                sys.stdout.write(answers(line) + "\n")
                sys.stdout.flush()
    finally:
        if durable is not None:
            durable.close()
    if kept.state is not None:
        stage(output, f"state of {len(live)} series saved in {kept.state}")
    asked.hand_over_scores(live, output)
    if lines.signal is not None:
        raise typer.Exit(128 + lines.signal)


_ROLES = ("id_col", "time_col", "target_col")


def _check_names(live: Live, reading: Reading, op_col: str) -> None:
    """Refuse names that are other than those of the stream, and a column that stands for two things.

    Raises:
        UsageError: says which.
    """
    from foregate.core import Frequency, UsageError

    if reading.step is not None and Frequency.parse(reading.step) != live.freq:
        raise UsageError(
            f"--freq must be {live.freq.alias}, as the stream was begun, but got {reading.freq}. Leave it out."
        )
    for role in _ROLES:
        asked, own = getattr(reading, role), getattr(live.spec, role)
        if asked and asked != own:
            option = "--" + role.replace("_", "-")
            raise UsageError(f"{option} must be {own}, as the stream was begun, but got {asked}. Leave it out.")
    columns = [*(getattr(live.spec, role) for role in _ROLES), *(one.name for one in live.fitted.spec.columns)]
    if op_col in columns:
        raise UsageError(
            f"--op-col must be no column of the table, but {op_col!r} is one. Give another name, such as --op-col do."
        )


def _watched(live: Live) -> tuple[int, set[float]] | None:
    """How far it is watched and at which levels; None where it is not, or has nothing yet."""
    from foregate.core import UsageError

    if not len(live):
        return None
    try:
        scores = live.scores(live.ids[0])
    except UsageError:
        return None
    levels = {float(name.removeprefix("coverage-")) for name in scores.columns if name.startswith("coverage-")}
    return int(scores["step"][-1]), levels
