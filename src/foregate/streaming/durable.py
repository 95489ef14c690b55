"""A live forecaster that outlives its process: what was answered is on disk, once."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from foregate.core import ArtifactError, ForegateError, Panel, UsageError, at_least
from foregate.core.files import write_atomically
from foregate.forecasting.fitted import Fitted
from foregate.streaming.arrivals import Update
from foregate.streaming.journal import Journal, digest
from foregate.streaming.live import Live

__all__ = ["Durable"]

OPERATIONS = ("update", "correct", "drop", "announce")
"""What is written into the journal: the methods of `Live` that take what happens."""
OFTEN = 10_000
"""Observations between two snapshots where nothing else is said: half a second to read again."""


class Durable:
    """A live forecaster on disk: a snapshot, and beside it a journal of what was done since.

    What was read is in the journal when the call returns, and is not lost however the process ends: it is in the hands
    of the operating system, or with `fsync` on the disk. From time to time a snapshot takes the place of the journal.
    What is refused changes nothing and is not written. The files are `path`, and `path` with ``.journal`` added, which
    stays, and keeps a second process out.

    Args:
        path: the file of the snapshot. If it is there, it is gone on from.
        fitted: the model.
        start: makes the live forecaster to begin with if the file is not there.
        every: observations between two snapshots; when not given 10,000, or as many as there are series if more.
        fsync: wait for the disk with every call, so that a loss of power loses nothing either.

    Raises:
        ArtifactError: the snapshot or the journal is damaged, or of another model or version.
        UsageError: another process holds it, or its folder does not exist.

    Examples:
        >>> import tempfile
        >>> from foregate import Forecaster
        >>> live = Forecaster.pretrained(horizon=3, season_length=4).live()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "live.state")
        ...     with Durable(path, live.fitted, lambda: live) as durable:
        ...         read = durable.update([{"unique_id": "a", "ds": t, "y": 10.0 + t % 4} for t in range(20)]).read
        ...     with Durable(path, live.fitted, lambda: live) as durable:
        ...         print(read, durable.resumed, durable.live.expected())
        20 True [20]
    """

    def __init__(
        self,
        path: str | Path,
        fitted: Fitted,
        start: Callable[[], Live],
        *,
        every: int | None = None,
        fsync: bool = False,
    ) -> None:
        at_least(1, every=1 if every is None else every)
        self._path = Path(path).resolve()
        self._every, self._since = every, 0
        if self._path.is_dir() or not self._path.parent.is_dir():
            write_atomically(self._path, b"")  # says what is wrong
        self._journal = Journal(self._path.with_name(self._path.name + ".journal"), fsync=fsync)
        try:
            self.resumed = self._path.exists()
            """Whether it goes on from what was saved."""
            snapshot = self._path.read_bytes() if self.resumed else b""
            self.live = Live.restore(fitted, snapshot) if self.resumed else start()
            """The live forecaster, to ask; what changes it goes through the methods here, or is followed by `save`."""
            self._go_on(digest(snapshot) if self.resumed else None)
        except BaseException:
            self._journal.close()
            raise

    @property
    def torn(self) -> int:
        """Bytes at the end of the journal that were no whole line, and never answered; they were left out."""
        return self._journal.torn

    def update(self, rows: Any, **options: Any) -> Update:
        """As `Live.update`; a table is handed on as a mapping of columns."""
        done: Update = self._do("update", rows, options)
        return done

    def correct(self, rows: Any, **options: Any) -> Any:
        """As `Live.correct`."""
        return self._do("correct", rows, options)

    def drop(self, ids: Sequence[str] | str) -> Any:
        """As `Live.drop`."""
        return self._do("drop", ids if isinstance(ids, str) else list(ids), {})

    def announce(self, rows: Any, **options: Any) -> Any:
        """As `Live.announce`."""
        return self._do("announce", rows, options)

    def save(self) -> None:
        """Write a snapshot now, and begin the journal anew.

        Raises:
            OSError: it cannot be written; what was there before stays.
        """
        snapshot = self.live.snapshot()
        name = digest(snapshot)
        self._journal.mark(name)
        write_atomically(self._path, snapshot, alone=True)  # the journal is locked
        _sync_folder(self._path.parent)  # or a loss of power might bring the old one back below a new journal
        self._journal.begin(name)
        self._since = 0

    def close(self) -> None:
        """Write a snapshot if anything was done since the last one, and let go of the files."""
        try:
            if self._since and not self._journal.closed:
                self.save()
        finally:
            self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _do(self, operation: str, rows: Any, options: Mapping[str, Any]) -> Any:
        """Do something, and write it down before it is answered."""
        self._journal.require_open()
        text, rows = _written(operation, rows, options)
        done = getattr(self.live, operation)(rows, **options)
        self._journal.append(text)
        self._since += max(1, done.read) if isinstance(done, Update) else 1
        if self._since >= (self._every or max(OFTEN, len(self.live))):
            self.save()
        return done

    def _go_on(self, snapshot: str | None) -> None:
        """Do what was done since a snapshot; all of it becomes the next one."""
        entries = list(self._journal.entries(snapshot))
        self.replayed = len(entries)
        """How many entries of the journal were done again."""
        for entry in entries:
            self._again(entry)
        if entries or snapshot is None:
            self.save()
        else:
            self._journal.begin(snapshot)

    def _again(self, entry: dict[str, Any]) -> None:
        operation, rows = entry.pop("op"), entry.pop("rows")
        try:
            if operation not in OPERATIONS:
                raise ArtifactError(f"an operation must be one of {', '.join(OPERATIONS)}, but got {operation!r}.")
            getattr(self.live, operation)(rows, **entry)
        except ForegateError as error:
            raise ArtifactError(
                f"what stands in {self._journal.path} must be as it was done, but is refused now: {error} Use the "
                "version of Foregate that wrote it, or delete it to go on from the snapshot beside it."
            ) from error


def _written(operation: str, rows: Any, options: Mapping[str, Any]) -> tuple[str, Any]:
    """What is to be done as JSON, and the rows as whoever reads that will see them, so that both are read alike."""
    if isinstance(rows, (str, os.PathLike)) and operation != "drop":
        raise UsageError(
            f"rows must be observations or a frame, but got the name of a file, {os.fspath(rows)!r}. Read it first, "
            "with foregate.read."
        )
    entry = {"op": operation, **options, "rows": rows}
    try:
        return json.dumps(entry), rows
    except TypeError:
        text = json.dumps(entry, default=_plain)
        return text, json.loads(text)["rows"]


def _plain(value: Any) -> Any:
    """Something that JSON does not know in what it knows."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    if isinstance(value, np.datetime64) or (isinstance(value, np.ndarray) and value.dtype.kind == "M"):
        return np.datetime_as_string(value.astype("datetime64[us]")).tolist()
    if isinstance(value, (Real, Decimal)) and not isinstance(value, np.integer):
        return float(value)
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray, memoryview)):
        return list(value)
    return _columns(value)


def _columns(table: Any) -> Any:
    """A frame as a mapping of columns, a column as a list; of all else what it is, which is refused where it is read.

    As text alone it might be taken for the name of a series.
    """
    import narwhals as nw

    if isinstance(table, Panel):
        from foregate.data import panel_frame

        table = panel_frame(table)
    native = nw.from_native(table, eager_only=True, allow_series=True, pass_through=True)
    if isinstance(native, nw.DataFrame):
        return native.to_dict(as_series=False)
    return native.to_list() if isinstance(native, nw.Series) else {type(table).__name__: str(table)}


def _sync_folder(folder: Path) -> None:
    """Wait until the disk has the names of its files, where the system can be asked to."""
    if os.name == "posix":
        place = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(place)
        finally:
            os.close(place)
