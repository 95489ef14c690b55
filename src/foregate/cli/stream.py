"""`foregate stream`: observations in on standard input, forecasts out on standard output, a line for a line."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from foregate.cli.options import Level, Output, Reading, percents, season_lengths
from foregate.cli.saved import read_for
from foregate.cli.screen import stage

if TYPE_CHECKING:
    from foregate.core import Forecast
    from foregate.forecaster import Forecaster
    from foregate.forecasting.fitted import Fitted
    from foregate.streaming import Live

__all__ = ["Asked", "stream"]

_STREAM = "Stream"


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
    state: Annotated[
        Path | None,
        Option(
            "--state",
            metavar="FILE",
            rich_help_panel=_STREAM,
            help="Where the state is saved at the end, and taken up again if it is there.",
        ),
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

    def check(self) -> None:
        """Refuse contradictions before anything is read.

        Raises:
            UsageError: says which.
        """
        from foregate.core import UsageError

        if (self.model is None) != self.pretrained:
            raise UsageError(
                "stream must have either a MODEL or --pretrained, but got both or neither. Give one of them."
            )
        if self.state is not None and not self.state.resolve().parent.is_dir():
            raise UsageError(
                f"--state must be a file in a folder that exists, but got {str(self.state)!r}. Make the folder."
            )
        if self.model is not None and self.season_length is not None:
            raise UsageError("--season-length must be left out with a MODEL, which has its own, but was given.")
        if self.model is not None and self.weights is not None:
            raise UsageError("--weights must be left out with a MODEL, which has its own, but was given.")

    def live(self, reading: Reading, output: Output) -> Live:
        """The live forecaster to go on with."""
        if reading.target_cols is not None:
            from foregate.core import UsageError

            raise UsageError("--target-cols must be left out for a stream, which has one target, but was given.")
        return self._untrained(reading, output) if self.model is None else self._trained(self.model, reading, output)

    def _untrained(self, reading: Reading, output: Output) -> Live:
        """Live with the weights of the package; seasons and intervals are from the history, if there is one."""
        from foregate.core import Frequency, at_least

        seasons, horizon, history = season_lengths(self.season_length), self.horizon, self.history
        at_least(1, horizon=1 if horizon is None else horizon)
        roles = ("id_col", "time_col", "target_col")
        named = {name: getattr(reading, name) for name in roles if getattr(reading, name)}
        if history is None:
            usual = Frequency.parse(reading.step or 1).seasons() if seasons is None else seasons
            steps = horizon or (usual[0] if usual else 1)
            live = self._ready(steps, reading, seasons).live()
            live.spec = replace(live.spec, **named)
            return self._resumed(live.fitted, reading, output) or live
        stage(output, f"reading {history}")
        panel = reading.read(history)
        usual = (panel.freq.seasons() if panel.freq is not None else ()) if seasons is None else seasons
        model = self._ready(horizon or (usual[0] if usual else 1), reading, seasons).fit(panel)
        return self._resumed(model.fitted_, reading, output) or model.live()

    def _ready(self, horizon: int, reading: Reading, seasons: list[int] | None) -> Forecaster:
        """The forecaster of the package."""
        from foregate.forecaster import Forecaster

        weights = self.weights or "tiny"
        return Forecaster.pretrained(horizon, freq=reading.step, season_length=seasons, weights=weights)

    def _trained(self, model: Path, reading: Reading, output: Output) -> Live:
        """Live with a saved model, from the series it was fitted on or from a table."""
        from foregate.forecaster import load

        stage(output, f"loading {model}")
        loaded = load(model, runtime="onnx")
        resumed = self._resumed(loaded.fitted_, reading, output)
        if resumed is not None:
            return resumed
        return loaded.live(None if self.history is None else read_for(loaded, self.history, reading, output))

    def _resumed(self, fitted: Fitted, reading: Reading, output: Output) -> Live | None:
        """The state that was saved, if it was."""
        from foregate.core import ArtifactError, Frequency, UsageError
        from foregate.streaming import Live

        if self.state is None or not self.state.exists():
            return None
        try:
            live = Live.restore(fitted, self.state.read_bytes())
        except ArtifactError as error:
            if self.model is not None:
                raise
            raise ArtifactError(
                f"{error} Give the --freq, --season-length, --history and --weights of the run that saved it: with "
                "--pretrained they make the model."
            ) from error
        if reading.step is not None and Frequency.parse(reading.step) != live.freq:
            raise UsageError(
                f"--freq must be {live.freq.alias} as in {self.state}, but got {reading.freq}. Leave it out."
            )
        stage(output, f"going on from {self.state}")
        return live


def stream(reading: Reading, output: Output, asked: Asked) -> None:
    """Read observations as they come, and forecast after each of them.

    Every line of standard input is one observation, such as {"unique_id": "a", "ds": "2024-05-01T07:00", "y": 3.2};
    null for a missing value. Times that are left out are read as missing. Every line is answered by one line: the
    forecast of that series, or an error, which changes nothing. A model goes on from the series it was fitted on, or
    from a table. Needs no torch.

    Example:

        $ foregate stream --pretrained --freq h --horizon 24 --state live.state < observations.ndjson
    """
    from foregate.core.files import write_atomically

    reading.check()
    levels = percents(asked.level)
    asked.check()
    live = asked.live(reading, output)
    steps = live.fitted.horizon if asked.horizon is None else asked.horizon
    stage(output, f"ready: {len(live)} series known, horizon {steps}")
    stop = _Stop()
    try:
        with stop:
            for number, line in enumerate(stop.lines(), 1):
                sys.stdout.write(json.dumps(_answer(live, line, number, steps, levels)) + "\n")
                sys.stdout.flush()
    finally:
        if asked.state is not None:
            write_atomically(asked.state, live.snapshot())
            stage(output, f"state of {len(live)} series saved in {asked.state}")
    if stop.signal is not None:
        raise typer.Exit(128 + stop.signal)


def _answer(live: Live, line: bytes, number: int, steps: int, levels: Sequence[float]) -> dict[str, Any]:
    """What is said to one line; if it is an error, nothing was changed."""
    from foregate.core import DataError, ForegateError

    spec, row = live.spec, None
    try:
        row = _row(line)
        update = live.update(row)
    except ForegateError as error:
        named = {spec.id_col: row[spec.id_col]} if row is not None and spec.id_col in row else {}
        return {"line": number, **named, "error": str(error)}
    name = update.ids[0]
    answer: dict[str, Any] = {spec.id_col: row.get(spec.id_col, name)}
    answer |= {what: count for what in ("skipped", "repeated") if (count := getattr(update, what))}
    try:
        return answer | _columns(live, live.forecast(steps, level=levels, ids=[name]), levels)
    except DataError as error:
        return answer | {"note": str(error)}


def _row(line: bytes) -> dict[str, Any]:
    from foregate.core import DataError

    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"a line must be JSON, but got: {error}. Write one object per line.") from None
    if not isinstance(row, dict):
        raise DataError(f"a line must be a JSON object, but got {type(row).__name__}. Write one object per line.")
    return row


def _columns(live: Live, forecast: Forecast, levels: Sequence[float]) -> dict[str, Any]:
    """Times, median and bounds, a list each, named as in tables.

    Raises:
        DataError: a time is beyond the calendar.
    """
    from foregate.core import DataError
    from foregate.data import quantile_columns, time_column

    try:
        times = time_column(forecast.times[0], live.spec).to_list()
    except (ValueError, OverflowError):
        raise DataError("forecasts must lie before the year 10000, but got one beyond it.") from None
    columns = {live.spec.time_col: [time if isinstance(time, int) else time.isoformat() for time in times]}
    said = quantile_columns(forecast.quantile, live.fitted.name, levels=levels)
    return columns | {column: values[0].tolist() for column, values in said.items()}


class _Stop:
    """Ends the reading of lines between two of them when the program is asked to stop."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.waiting = False

    def __enter__(self) -> None:
        self.before = {number: signal.signal(number, self._asked) for number in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def lines(self) -> Iterator[bytes]:
        """Lines of standard input, as they come."""
        while self.signal is None:
            try:
                self.waiting = True
                line = sys.stdin.buffer.readline()
                self.waiting = False
            except KeyboardInterrupt:
                return
            if not line:
                return
            yield line

    def _asked(self, number: int, _: FrameType | None) -> None:
        self.signal = number
        if self.waiting:
            self.waiting = False
            raise KeyboardInterrupt
