"""Where a table comes from: a file, an address, a database or a frame."""

from __future__ import annotations

import difflib
import gzip
import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from foregate.core import DataError, UsageError
from foregate.core.addresses import shown_address
from foregate.core.errors import listed
from foregate.data.later import pl
from foregate.data.read.delimited import read_delimited
from foregate.data.read.native import Kind, from_native
from foregate.data.read.options import Format, ReadOptions

__all__ = ["Table", "load"]

_SUFFIXES: dict[str, Format] = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".tab": "csv",
    ".parquet": "parquet", ".pq": "parquet",
    ".json": "json",
    ".ndjson": "ndjson", ".jsonl": "ndjson",
}  # fmt: skip
_FOREIGN = (".xlsx", ".xls", ".ods", ".zip", ".7z", ".bz2", ".xz", ".zst", ".feather", ".arrow", ".h5", ".pkl")
_GZIP = b"\x1f\x8b"
_LARGEST_DIAGNOSED = 1 << 28


@dataclass(frozen=True)
class Table:
    """A table as it came in, before anyone knows what its columns mean."""

    frame: pl.DataFrame
    name: str
    """What to call it in messages, such as the name of the file."""
    kind: Kind = "polars"
    """The library whose frames go back."""
    in_seconds: tuple[str, ...] = ()
    """Columns of timestamps whose resolution was a second."""
    options: ReadOptions = field(default_factory=ReadOptions)
    """What was given, completed by what the file showed."""
    is_text: bool = False
    """Whether the table was a text file, where numbers may have stayed text."""
    notes: tuple[str, ...] = ()
    """What the reader should know."""


def load(source: Any, query: str | None, options: ReadOptions, keep_text: Sequence[str]) -> Table:
    """Read a table from wherever it is.

    Args:
        source: a path, an http(s) address, a database URL, or a pandas, polars or pyarrow frame.
        query: SQL, for a database and for nothing else.
        options: overrides of what would be sniffed.
        keep_text: columns of text files that hold ids.

    Raises:
        DataError: there is nothing to read, or it cannot be understood.
        UsageError: `source` is of a kind that cannot be read, or a query is missing or out of place.
    """
    text = os.fspath(source) if isinstance(source, (str, os.PathLike)) else None
    scheme = text.split("://", 1)[0].lower() if text is not None and "://" in text else None
    is_database = scheme is not None and scheme not in ("http", "https")
    if query is not None and not is_database:
        raise UsageError(
            f"query must be given with a database URL only, but the source is {_describe(source)}. Leave it out, or "
            "give a URL such as 'sqlite:///sales.db'."
        )
    if text is None:
        return _from_frame(source)
    if is_database:
        from foregate.data.read.database import run_query

        return Table(*run_query(text, query))
    if scheme is not None:
        from foregate.data.read.web import download

        raw, name, suffix = download(text, options.timeout_s)
        return _from_bytes(raw, name, suffix, options, keep_text)
    return _from_path(Path(text).expanduser(), options, keep_text)


def _describe(source: Any) -> str:
    return (
        repr(shown_address(source))
        if isinstance(source, (str, os.PathLike))
        else f"a value of type {type(source).__name__}"
    )


def _from_frame(source: Any) -> Table:
    native = from_native(source)
    if native is None:
        raise UsageError(
            "source must be a path, an address, a database URL, a Panel, or a pandas, polars or pyarrow frame, but got "
            f"{_describe(source)}. Make a frame of it first."
        )
    return Table(native.frame, "the frame", native.kind, native.in_seconds, notes=native.notes)


def _from_path(path: Path, options: ReadOptions, keep_text: Sequence[str]) -> Table:
    if path.is_dir():
        raise DataError(f"the source must be a file, but {path.name!r} is a folder. Name the file in it.")
    if not path.exists():
        there = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        close = difflib.get_close_matches(path.name, there, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else "Check the path."
        raise DataError(f"the source must be a file that exists, but {str(path)!r} does not. {hint}")
    with path.open("rb") as file:
        start = file.read(4)
    suffix = "".join(path.suffixes[-2:]).lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    format_ = options.format or _format(start, suffix, path.name)
    if start.startswith(_GZIP) or format_ in ("json", "ndjson"):
        return _from_bytes(path.read_bytes(), path.name, suffix, options, keep_text)
    return _parse(path, format_, path.name, options, keep_text)


def _from_bytes(raw: bytes, name: str, suffix: str, options: ReadOptions, keep_text: Sequence[str]) -> Table:
    if raw.startswith(_GZIP):
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{name!r} must be a whole gzip file, but got: {error}. Copy it again.") from None
    format_ = options.format or _format(raw[:4], suffix.removesuffix(".gz"), name)
    return _parse(raw, format_, name, options, keep_text)


def _format(start: bytes, suffix: str, name: str) -> Format:
    if start == b"PAR1":
        return "parquet"
    suffix = suffix.removesuffix(".gz")
    if suffix in _FOREIGN:
        raise DataError(
            f"the source must be CSV, TSV (gzip too), Parquet, JSON or NDJSON, but got {name!r}. "
            "Save it as one of these."
        )
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    return "json" if start.lstrip()[:1] in (b"[", b"{") else "csv"


def _parse(source: Path | bytes, format_: Format, name: str, options: ReadOptions, keep_text: Sequence[str]) -> Table:
    if (len(source) if isinstance(source, bytes) else source.stat().st_size) == 0:
        raise DataError(f"{name!r} must hold a table, but it is an empty file. Check that it was written completely.")
    if format_ == "csv":
        frame, dialect, notes = read_delimited(source, options, keep_text)
        if options.decimal is None and dialect.decimal_comma:
            options = replace(options, decimal=",")
        return Table(frame, name, options=options, is_text=True, notes=notes)
    try:
        frame = _FORMAT_READERS[format_](source)
    except (pl.exceptions.PolarsError, json.JSONDecodeError, UnicodeDecodeError, ValueError, TypeError) as error:
        if isinstance(error, DataError):
            raise
        reason = str(error).splitlines()[0].rstrip(".")
        raise DataError(
            f"{name!r} must be a table in {_FORMAT_NAMES[format_]}, but it cannot be read: {reason}. "
            "Check how it was written, or name its format: options=ReadOptions(format=…)."
        ) from None
    nested = [column for column, dtype in frame.schema.items() if dtype.is_nested()]
    if nested:
        raise DataError(
            f"every field of {name!r} must be one value, but {listed(nested)} "
            f"hold{'s' * (len(nested) == 1)} lists or objects. "
            "Flatten them first."
        )
    return Table(frame, name, options=options)


def _read_parquet(source: Path | bytes) -> pl.DataFrame:
    return pl.read_parquet(source)


def _read_json(source: Path | bytes) -> pl.DataFrame:
    content = json.loads(cast(bytes, source))
    if isinstance(content, dict) and content and all(isinstance(v, dict) for v in content.values()):
        # pandas writes columns as objects from row labels to values.
        content = {name: list(column.values()) for name, column in content.items()}
    if isinstance(content, dict) and all(isinstance(v, list) for v in content.values()):
        return pl.DataFrame(content, strict=False)
    if isinstance(content, list) and all(isinstance(v, dict) for v in content):
        return pl.DataFrame(content, infer_schema_length=None, strict=False)
    raise DataError(
        "a JSON table must be an array of records or an object of columns, but got something else. "
        'Write it like [{"ds": "2024-01-01", "y": 1.5}] or {"ds": ["2024-01-01"], "y": [1.5]}.'
    )


def _read_ndjson(source: Path | bytes) -> pl.DataFrame:
    raw = cast(bytes, source)
    try:
        return pl.read_ndjson(raw, infer_schema_length=None)
    except pl.exceptions.PolarsError:
        if len(raw) > _LARGEST_DIAGNOSED:
            raise
        return pl.DataFrame(_records(raw), infer_schema_length=None, strict=False)


def _records(raw: bytes) -> list[dict[str, Any]]:
    """Records line by line: slower, but takes NaN as Python writes it, and can tell which line is broken."""
    records = []
    for number, line in enumerate(raw.decode().splitlines(), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(
                f"every line must be one JSON record, but line {number} is not: {error.msg}. "
                "Correct or remove the line."
            ) from None
        if not isinstance(record, dict):
            raise DataError(
                f"every line must be one JSON record, but line {number} is {line.strip()[:40]!r}. "
                "Correct or remove the line."
            )
        records.append(record)
    return records


_FORMAT_NAMES = {"parquet": "Parquet", "json": "JSON", "ndjson": "NDJSON"}
_FORMAT_READERS = {"parquet": _read_parquet, "json": _read_json, "ndjson": _read_ndjson}
