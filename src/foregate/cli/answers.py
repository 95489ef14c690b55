"""What a stream says: a line of JSON for each line that comes."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foregate.core import Forecast, Times
    from foregate.streaming import Durable, Live

__all__ = ["LONGEST", "Answers", "Lines"]

LONGEST = 1 << 20
"""Bytes of a line; one that is longer is no observation, and is not held in memory."""
COUNTED = ("skipped", "repeated", "late", "learned")
"""What an update tells besides what it read, where there is something to tell."""
READ, SAID = ("update", "correct", "announce"), ("drop", "forecast", "scores")
"""Operations that take a row, and those that take a name or nothing."""


class Answers:
    """What is answered to lines, one after the other.

    Args:
        live: the forecaster, to ask.
        kept: what changes it: itself, or what writes down what it is told.
        steps: horizon.
        levels: percentages of intervals.
        op_col: the key that says what a line is, if it is no observation.
        options: what goes with every update.
    """

    def __init__(
        self,
        live: Live,
        kept: Live | Durable,
        steps: int,
        levels: Sequence[float],
        op_col: str,
        **options: Any,
    ) -> None:
        self._live, self._kept, self._steps, self._levels, self._op = live, kept, steps, levels, op_col
        self._options = options
        self._number = 0

    def __call__(self, line: bytes) -> str:
        """What is said to the next line, as JSON; if it is an error, nothing was changed."""
        from foregate.core import ForegateError

        self._number += 1
        row: dict[str, Any] = {}
        try:
            row = _row(line, first=self._number == 1)
            answer = self._answer(row)
        except ForegateError as error:
            answer = {"line": self._number, **self._named(row), "error": str(error)}
        return json.dumps(answer)

    def _answer(self, row: dict[str, Any]) -> dict[str, Any]:
        operation = row.pop(self._op, None)
        if operation is None:
            return self._read("update", row)
        from foregate.core import DataError

        if operation == "scores":
            return {self._op: operation, **self._named(row), "scores": self._scores(row)}
        if operation in READ:
            return {self._op: operation, **self._read(operation, row)}
        if operation not in SAID:
            raise DataError(
                f"{self._op!r} must be one of {', '.join((*READ, *SAID))}, but got {operation!r}. Leave it out for an "
                "observation; if it is a column of the table, give --op-col another name."
            )
        name = self._name(row)
        if operation == "drop":
            getattr(self._kept, operation)(name)
            return {self._op: operation, self._live.spec.id_col: row.get(self._live.spec.id_col, name)}
        self._live.expected([name])  # a name that is not known is an error, a series without a value a note
        return {self._op: operation, **self._said(row, name)}

    def _read(self, operation: str, row: dict[str, Any]) -> dict[str, Any]:
        """Let a row be read, and say what comes next of its series."""
        if operation == "update":
            done: Any = self._kept.update(row, **self._options)
        else:
            done = getattr(self._kept, operation)(row)
        name = self._name(row) if done is None else done.ids[0]
        told = {what: count for what in COUNTED if (count := getattr(done, what, 0))}
        return self._said(row, name, **told)

    def _said(self, row: dict[str, Any], name: str, **told: Any) -> dict[str, Any]:
        """The series as its row names it, what is told, and its forecast or why there is none."""
        from foregate.core import DataError

        answer = {self._live.spec.id_col: row.get(self._live.spec.id_col, name), **told}
        try:
            return answer | self._columns(self._live.forecast(self._steps, level=self._levels, ids=[name]))
        except DataError as error:
            return answer | {"note": str(error)}

    def _scores(self, row: dict[str, Any]) -> list[dict[str, Any]]:
        """Rows of the scores so far, of one series or all."""
        from foregate.cli.tables import records

        ids = [self._name(row)] if self._live.spec.id_col in row else None
        return records(self._live.scores(ids, recent=row.get("recent") is True))

    def _name(self, row: dict[str, Any]) -> str:
        """The series that a row is about.

        Raises:
            DataError: it does not say.
        """
        from foregate.core import DataError

        named = self._named(row)
        if not named and (len(self._live) != 1 or self._live.spec.id_col in row):
            raise DataError(
                f"{self._live.spec.id_col!r} must be text or a whole number, but got "
                f"{row.get(self._live.spec.id_col)!r}. Name the series."
            )
        return str(*named.values()) if named else self._live.ids[0]

    def _named(self, row: dict[str, Any]) -> dict[str, Any]:
        """The series as a row names it, if it does so in a way that can be said again."""
        name = row.get(self._live.spec.id_col)
        told = isinstance(name, (str, int)) and not isinstance(name, bool)
        return {self._live.spec.id_col: name} if told else {}

    def _columns(self, forecast: Forecast) -> dict[str, Any]:
        """Times, median and bounds of a single series, a list each, named as in tables."""
        values = forecast.values[0].T.tolist()
        columns: dict[str, Any] = {self._live.spec.time_col: self._times(forecast.times[0])}
        return columns | {name: values[place] for name, place in self._places.items()}

    @cached_property
    def _places(self) -> dict[str, int]:
        """Names of columns, and which of the quantiles they are."""
        from foregate.core import levels_to_quantiles
        from foregate.data import quantile_columns

        sides = sorted({0.5, *levels_to_quantiles(self._levels)})
        named: dict[str, Any] = quantile_columns(sides.index, self._live.fitted.name, levels=self._levels)  # type: ignore[arg-type]
        return named

    def _times(self, times: Times) -> list[Any]:
        """Times as text, or as the numbers that they are.

        Raises:
            DataError: a time is beyond the calendar.
        """
        from foregate.core import DataError

        spec = self._live.spec
        try:
            if spec.time_zone is not None or spec.time_unit == "ns":
                from foregate.data import time_column

                moments = time_column(times, spec).to_list()
            else:  # without a zone there is nothing to convert
                moments = times.astype("datetime64[D]" if spec.time_unit == "date" else times.dtype).tolist()
            return moments if spec.time_unit == "step" else [moment.isoformat() for moment in moments]
        except (AttributeError, ValueError, OverflowError):  # Python has no such date: numpy gives a number instead
            raise DataError("forecasts must lie before the year 10000, but got one beyond it.") from None


class Lines:
    """Lines of standard input; they end between two of them when the program is asked to stop."""

    def __init__(self) -> None:
        self.signal: int | None = None
        """By which signal it was asked to."""
        self._waiting = False

    def __enter__(self) -> None:
        self._before = {number: signal.signal(number, self._asked) for number in (signal.SIGINT, signal.SIGTERM)}

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __iter__(self) -> Iterator[bytes]:
        """Lines as they come, of which those that are too long are only as long as it takes to see that."""
        while self.signal is None:
            try:
                self._waiting = True
                line = part = sys.stdin.buffer.readline(LONGEST + 1)
                while len(part) > LONGEST and not part.endswith(b"\n"):
                    part = sys.stdin.buffer.readline(LONGEST + 1)
                self._waiting = False
            except KeyboardInterrupt:
                return
            if not line:
                return
            yield line

    def _asked(self, number: int, _: FrameType | None) -> None:
        self.signal = number
        if self._waiting:
            self._waiting = False
            raise KeyboardInterrupt


def _row(line: bytes, *, first: bool) -> dict[str, Any]:
    """A line as an object, whose names are all different."""
    from foregate.core import DataError

    if len(line) > LONGEST:
        raise DataError(f"a line must have at most {LONGEST:,} bytes, but got more. Write one object per line.")
    try:
        row = _DECODER.decode(line.decode("utf-8-sig" if first else "utf-8"))
    except UnicodeDecodeError as error:
        raise DataError(f"a line must be in UTF-8, but got: {error}. Write it in that encoding.") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"a line must be JSON, but got: {error}. Write one object per line.") from None
    if not isinstance(row, dict):
        raise DataError(f"a line must be a JSON object, but got {type(row).__name__}. Write one object per line.")
    return row


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(pairs)
    if len(row) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} more than once in an object")
    return row


_DECODER = json.JSONDecoder(object_pairs_hook=_once)
