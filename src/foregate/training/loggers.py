"""Callbacks that write down how training goes: into a CSV file, or for TensorBoard. No torch until one is made."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from foregate.core import MissingExtraError, UsageError
from foregate.core.files import write_atomically
from foregate.training.events import Event
from foregate.training.result import Record

__all__ = ["CsvLogger", "TensorBoardLogger"]


class CsvLogger:
    """A callback that writes a row per validation check to a CSV file, as soon as there is one.

    The networks of a forecaster follow one another, numbered in the column ``member``. A run that is taken up again
    goes on with the same file: it then begins with the checks of the checkpoint, whatever else was written since. A
    fit that begins anew begins the file anew.

    Args:
        path: of the file; its folder must exist.

    Raises:
        UsageError: the folder does not exist, or the path is a folder.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     log = CsvLogger(Path(folder, "log.csv"))
        ...     log(Event("checked", 5, 10, history=(Record(5, 0.5, 0.4, 1e-3, 0.2),)))
        ...     print(Path(folder, "log.csv").read_text().splitlines())
        ['member,step,loss,score,rate,gradient_norm', '0,5,0.5,0.4,0.001,0.2']
    """

    def __init__(self, path: str | Path) -> None:
        self.path, self._seen = Path(path), dict[int, tuple[Record, ...]]()
        if self.path.is_dir() or not self.path.parent.is_dir():
            raise UsageError(
                f"path must be a file in a folder that exists, but got {str(path)!r}. Make the folder, or name another."
            )

    def __call__(self, event: Event) -> None:
        """Write what the event brings."""
        if event.name not in ("started", "checked"):
            return
        if event.name == "started" and event.member == 0:
            self._seen.clear()
        self._seen[event.member] = event.history
        write_atomically(self.path, _rows(self._seen).encode())


class TensorBoardLogger:
    """A callback that writes what TensorBoard shows: every step's loss, rate and gradient norm, every check's score.

    Each of several networks has a folder of its own, ``member_0`` and so on, which TensorBoard shows side by side. A
    run that is taken up again hides what was written after its checkpoint.

    Args:
        folder: for the event files; made if it is not there.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """

    def __init__(self, folder: str | Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingExtraError("logging for TensorBoard", "tensorboard") from error
        self.folder = Path(folder)
        self._new: Any = SummaryWriter
        self._writer: Any = None

    def __call__(self, event: Event) -> None:
        """Write what the event brings."""
        if event.name == "started":
            folder = self.folder / f"member_{event.member}" if event.members > 1 else self.folder
            self._writer = self._new(str(folder), purge_step=event.step + 1 if event.step else None)
        elif event.name == "step":
            seen = {"loss": event.loss, "rate": event.rate, "gradient_norm": event.gradient_norm}
            self._write("step", seen.items(), event.step)
        elif event.name == "checked":
            self._write("check", event.history[-1].facts().items(), event.step)
            self._writer.flush()
        elif event.name == "finished":
            self._writer.close()

    def _write(self, part: str, numbers: Iterable[tuple[str, float | None]], step: int) -> None:
        for name, value in numbers:
            if value is not None and name != "step":
                self._writer.add_scalar(f"{part}/{name}", value, step)


def _rows(seen: Mapping[int, Sequence[Record]]) -> str:
    """CSV of the records of every network, empty where a number is not known; nothing where there is none."""
    facts = [{"member": member, **record.facts()} for member, records in seen.items() for record in records]
    text = io.StringIO()
    if facts:
        names = list(dict.fromkeys(name for row in facts for name in row))
        writer = csv.DictWriter(text, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(facts)
    return text.getvalue()
