"""The state of each of many live series as one record of bytes, in a few calls for all of them together.

A snapshot is one file of everything, for one process to go on from. Records are for a table with a row per series: any
of them can be read without the others, and thousands are written and read in milliseconds. Whoever keeps them adds a
checksum of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foregate.core import ArtifactError, FrameSpec, Frequency, UsageError
from foregate.forecasting.fitted import Fitted
from foregate.streaming.carried import Carried
from foregate.streaming.live import Live
from foregate.streaming.snapshot import checksum

__all__ = ["Recorder"]

SCHEMA = 1
"""Changes whenever an array changes its meaning."""
HEAD = np.dtype([("mark", "V16"), ("start", "<i8"), ("back", "<i4"), ("length", "<i4")])
"""What a record begins with: of which model and layout it is, the time of the first row, and the covariates' tape."""
Bytes = NDArray[np.uint8]


class Recorder:
    """Writes and reads records of the series of one model at one frequency.

    Args:
        fitted: the model.
        freq: step between rows.
        spec: names of the columns, and how times are held.

    Examples:
        >>> from foregate import Forecaster
        >>> live = Forecaster.pretrained(horizon=3, season_length=4).live()
        >>> live.update([{"unique_id": name, "ds": t, "y": 9.0 + t % 4} for t in range(20) for name in "ab"]).read
        40
        >>> recorder = Recorder(live.fitted, live.freq, live.spec)
        >>> recorder.read(["b"], [recorder.written(live, ["b"])[0]]).expected()
        array([20])
    """

    def __init__(self, fitted: Fitted, freq: Frequency, spec: FrameSpec) -> None:
        self.fitted, self.freq, self.spec = fitted, freq, spec
        empty = Carried.empty(fitted.engine, fitted.spec, freq, spec)
        self._layout = {name: (array.dtype, array.shape[1:]) for name, array in empty.state.compact().items()}
        told = f"{SCHEMA} {checksum(fitted)} {freq.alias} {spec.time_unit} {sorted(self._layout.items())}"
        self._mark = np.frombuffer(hashlib.sha256(told.encode()).digest()[:16], "V16")[0]

    def written(self, live: Live, ids: Sequence[str]) -> list[bytes]:
        """The records of some series.

        Raises:
            DataError: one of them is not known.
            UsageError: they are watched, or learn, or may be late: that is for snapshots.
        """
        carried = live._carried
        if carried.watch is not None or carried.learner is not None or carried.rewind is not None:
            raise UsageError("records must be of series that are only read, but got more to keep. Use snapshot().")
        some = carried.take(carried.roster.known(ids))
        S, arrays = len(ids), some.state.compact()
        head = np.zeros(S, HEAD)
        head["mark"], head["start"] = self._mark, some.roster.starts.view(np.int64)
        if some.columns is not None:
            own = some.columns.compact()
            head["back"], head["length"] = some.columns.back, own["timed"].shape[1]
            arrays |= {f"covariates.{name}": array for name, array in own.items()}
        parts = [head, *(arrays[name] for name in sorted(arrays))]
        whole = np.concatenate([_bytes(part, S) for part in parts], 1)
        return [row.tobytes() for row in whole]

    def read(self, ids: Sequence[str], records: Sequence[bytes]) -> Live:
        """A live forecaster of series, by their records.

        Raises:
            ArtifactError: one of them is damaged, or of another model, frequency or version.
        """
        live = Live(self.fitted, freq=self.freq, spec=self.spec)
        lengths = np.array([len(record) for record in records])
        for length in np.unique(lengths).tolist():  # one for models without covariates
            some: list[int] = np.flatnonzero(lengths == length).tolist()
            part = Live(self.fitted, freq=self.freq, spec=self.spec)
            self._fill(part._carried, [ids[i] for i in some], b"".join(records[i] for i in some), length)
            part._hold(part._carried)
            live.join(part)
        return live if live.ids == tuple(ids) else live.part(ids)

    def _fill(self, carried: Carried, ids: list[str], joined: bytes, length: int) -> None:
        """Go on from records of one length."""
        try:
            whole = np.frombuffer(joined, np.uint8).reshape(len(ids), length)
            head = np.frombuffer(np.ascontiguousarray(whole[:, : HEAD.itemsize]), HEAD)
            if (head["mark"] != self._mark).any():
                raise ArtifactError(
                    "records must be of this model, frequency and version, but got others. Read the rows again."
                )
            layout = dict(self._layout)
            if carried.columns is not None:
                carried.columns.back = int(head["back"][0])
                layout |= self._covariates(carried, int(head["length"][0]))
            arrays, begin = {}, HEAD.itemsize
            for name in sorted(layout):
                dtype, shape = layout[name]
                end = begin + dtype.itemsize * int(np.prod(shape))
                part = np.ascontiguousarray(whole[:, begin:end])
                arrays[name], begin = part.view(dtype).reshape(len(ids), *shape), end
            if begin != length:
                raise ValueError(f"{length} bytes instead of {begin}")
            carried.state = carried.state.expanded({n: arrays[n] for n in self._layout}, len(ids))
            carried.roster.add(ids, head["start"].view(carried.roster.starts.dtype))
            if carried.columns is not None:
                told = {name: arrays[f"covariates.{name}"] for name in carried.columns.arrays}
                carried.columns.expand(told, carried.state.rows)
        except ValueError as error:
            raise ArtifactError(
                f"records must be whole, but got damaged ones ({error}). Read the rows again."
            ) from error

    def _covariates(self, carried: Carried, length: int) -> dict[str, tuple[np.dtype[np.generic], tuple[int, ...]]]:
        assert carried.columns is not None
        found = {f"covariates.{name}": (array.dtype, array.shape[1:]) for name, array in carried.columns.arrays.items()}
        dtype, (_, width) = found["covariates.timed"]
        return found | {"covariates.timed": (dtype, (length, width))}


def _bytes(array: NDArray[np.generic], rows: int) -> Bytes:
    """(rows, …) as (rows, bytes)."""
    whole = np.ascontiguousarray(array)
    width = whole.nbytes // rows if rows else 0
    return whole.view(np.uint8).reshape(rows, width) if width else np.zeros((rows, 0), np.uint8)
