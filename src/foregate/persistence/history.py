"""A panel as an outline for JSON and a file of arrays, and back."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import ArtifactError, Covariate, DataError, FrameSpec, Frequency, Panel, Role
from foregate.persistence.tensors import Form, pack, unpack

__all__ = ["Column", "Outline", "pack_history", "unpack_history"]

FILE = "history.safetensors"


@dataclass(frozen=True)
class Column:
    """A covariate without its values, which are the array ``covariate.i``."""

    name: str
    role: Role
    categories: tuple[str, ...]


@dataclass(frozen=True)
class Outline:
    """What a panel is beside its arrays."""

    freq: Frequency | None
    integer_time: bool
    spec: FrameSpec
    notes: tuple[str, ...]
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        if self.freq is not None:
            Frequency.parse(self.freq.alias)


def pack_history(panel: Panel) -> tuple[Outline, bytes]:
    """A panel as its outline and the content of a file.

    Raises:
        ArtifactError: it holds infinite numbers.
    """
    columns = tuple(Column(name, c.role, c.categories) for name, c in panel.covariates.items())
    integer_time = panel.times.dtype.kind == "i"
    names = [str(name).encode("utf-8", "surrogatepass") for name in panel.ids.tolist()]
    arrays: dict[str, NDArray[Any]] = {
        "values": panel.values,
        "mask": panel.mask,
        "times": panel.times if integer_time else panel.times.astype("datetime64[us]").view(np.int64),
        "offsets": panel.offsets.astype(np.int64),
        "ids": np.frombuffer(b"".join(names), np.uint8),
        "ids.offsets": np.cumsum([0, *map(len, names)], dtype=np.int64),
    }
    arrays |= {f"covariate.{i}": c.values.astype(np.float32) for i, c in enumerate(panel.covariates.values())}
    return Outline(panel.freq, integer_time, panel.spec, panel.notes, columns), pack(arrays, _forms(len(columns)), FILE)


def unpack_history(outline: Outline, raw: bytes) -> Panel:
    """The panel.

    Raises:
        ArtifactError: the parts do not make one.
    """
    arrays = unpack(raw, _forms(len(outline.columns)), FILE)
    _require_ascending(arrays["offsets"], len(arrays["values"]), "offsets")
    _require_ascending(arrays["ids.offsets"], len(arrays["ids"]), "ids.offsets")
    covariates = {c.name: _covariate(c, arrays[f"covariate.{i}"]) for i, c in enumerate(outline.columns)}
    try:
        return Panel(
            ids=_ids(arrays["ids"], arrays["ids.offsets"]),
            offsets=arrays["offsets"],
            values=arrays["values"],
            mask=arrays["mask"],
            times=arrays["times"] if outline.integer_time else arrays["times"].view("datetime64[us]"),
            freq=outline.freq,
            covariates=covariates,
            spec=outline.spec,
            notes=outline.notes,
        )
    except DataError as error:
        raise ArtifactError(f"{FILE} must be a panel, but got: {error}") from error


def _forms(columns: int) -> dict[str, Form]:
    forms = {
        "values": Form(np.float32, (None,)),
        "mask": Form(np.bool_, (None,)),
        "times": Form(np.int64, (None,)),
        "offsets": Form(np.int64, (None,)),
        "ids": Form(np.uint8, (None,)),
        "ids.offsets": Form(np.int64, (None,)),
    }
    return forms | {f"covariate.{i}": Form(np.float32, (None,), gaps=True) for i in range(columns)}


def _require_ascending(offsets: NDArray[np.int64], end: int, name: str) -> None:
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != end or (np.diff(offsets) < 0).any():
        raise ArtifactError(f"{name} in {FILE} must rise from 0 to {end}, but got {offsets}.")


def _ids(joined: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.str_]:
    text, ends = joined.tobytes(), offsets.tolist()
    try:
        names = [text[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(ends)]
    except UnicodeDecodeError as error:
        raise ArtifactError(f"ids in {FILE} must be text, but got: {error}.") from error
    if len(set(names)) != len(names):
        raise ArtifactError(f"ids in {FILE} must be unique, but got repeated ones.")
    return np.array(names, np.str_)


def _covariate(column: Column, values: NDArray[np.float32]) -> Covariate:
    codes = values[~np.isnan(values)]
    if column.categories and not np.isin(codes, np.arange(len(column.categories))).all():
        raise ArtifactError(
            f"covariate {column.name!r} in {FILE} must hold codes below {len(column.categories)}, but got others."
        )
    return Covariate(column.role, values, column.categories)
