"""Reads a table and writes its rows as lines of JSON: run as a process of its own, with limits that it sets itself.

What a file says of itself is not believed: memory and time are limited by the operating system, before anything of the
file is looked at. The rows go out as they are read, so that a table of any length takes little memory.
"""

from __future__ import annotations

import csv
import json
import math
import re
import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, BinaryIO

__all__ = ["main", "rows_of"]

FIELD = 4096
"""Characters of a field at most."""
COLUMNS = 1000
LINE = 1 << 16
ROWS = 50_000_000
GROUP_BYTES = 256 << 20
WHOLE = re.compile(r"\s*-?\d{1,16}\s*", re.ASCII)
"""A time that is a whole number; one with more digits than there can be is left as it is, and refused."""
Row = tuple[str, str | int, float | None]


def main(arguments: list[str]) -> None:
    """Read the file that the arguments name.

    Args:
        arguments: the file, its format, its three columns, and bytes and seconds that may be used.
    """
    path, kind, *columns, size, seconds = arguments
    resource.setrlimit(resource.RLIMIT_AS, (int(size), int(size)))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        with Path(path).open("rb") as file:
            write = sys.stdout.write
            for row in rows_of(file, kind, columns):
                write(json.dumps(row, ensure_ascii=True, allow_nan=False) + "\n")
            sys.stdout.flush()
    except (ValueError, KeyError, TypeError, csv.Error, OverflowError) as error:
        text = "".join(letter if letter.isprintable() else "?" for letter in str(error))
        sys.stderr.write(text[:300] + "\n")
        sys.exit(1)
    except MemoryError:
        sys.exit(2)


def rows_of(file: BinaryIO, kind: str, columns: list[str]) -> Iterator[Row]:
    """Rows of a table: name of the series, time and value.

    Raises:
        ValueError: it is no such table.
    """
    found = {"csv": _csv, "ndjson": _ndjson, "parquet": _parquet}[kind](file, columns)
    for number, row in enumerate(found):
        try:
            yield _checked(*row)
        except (ValueError, TypeError, OverflowError) as error:
            raise ValueError(f"row {number + 1} must have a series, a time and a number, but: {error}") from None


def _checked(name: Any, time: Any, value: Any) -> Row:
    if isinstance(time, datetime | date):
        time = time.isoformat()
    if isinstance(time, str) and WHOLE.fullmatch(time):
        time = int(time)
    if not isinstance(time, str | int) or isinstance(time, bool):
        raise ValueError(f"got a time of type {type(time).__name__}")
    if value in ("", None):
        return str(name), time, None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError(f"got a value of type {type(value).__name__}")
    number = float(value)
    if math.isnan(number):
        return str(name), time, None
    if abs(number) > 3.4e38:
        raise ValueError(f"got the value {value!r}")
    return str(name), time, number


def _lines(file: BinaryIO) -> Iterator[str]:
    """Lines of a text, each of bounded length."""
    while line := file.readline(LINE):
        if len(line) == LINE and not line.endswith(b"\n"):
            raise ValueError(f"a line must have fewer than {LINE:,} bytes, but got a longer one")
        yield line.decode("utf-8-sig")


def _csv(file: BinaryIO, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    csv.field_size_limit(FIELD)
    reader = csv.reader(_lines(file), strict=True)
    header = next(reader, [])
    if len(header) > COLUMNS:
        raise ValueError(f"a table must have at most {COLUMNS:,} columns, but got {len(header):,}")
    places = _places(header, columns)
    for row in reader:
        if row:
            if len(row) != len(header):
                raise ValueError(f"line {reader.line_num} must have {len(header)} fields, but got {len(row)}")
            yield tuple(row[place] for place in places)


def _ndjson(file: BinaryIO, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    for line in _lines(file):
        if line.strip():
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("a line must be a JSON object, but got something else")
            yield tuple(row.get(name) for name in columns)


def _parquet(file: BinaryIO, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ValueError("Parquet needs pyarrow, which is not installed. Send CSV") from error
    pa.set_cpu_count(1)
    try:
        table = pq.ParquetFile(file, memory_map=False, thrift_string_size_limit=1 << 20)
        _check(table.metadata, columns)
        for batch in table.iter_batches(8192, columns=columns, use_threads=False):
            yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"no Parquet that can be read: {str(error).splitlines()[0]}") from error


def _check(metadata: Any, columns: list[str]) -> None:
    """Refuse what a file says of itself, where that is too much already."""
    if metadata.num_columns > COLUMNS or metadata.num_rows > ROWS:
        raise ValueError(f"a table must have at most {COLUMNS:,} columns and {ROWS:,} rows, but got more")
    _places([metadata.schema.column(i).name for i in range(metadata.num_columns)], columns)
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        if group.total_byte_size > GROUP_BYTES:
            raise ValueError(f"a row group must have at most {GROUP_BYTES:,} bytes, but got {group.total_byte_size:,}")


def _places(header: list[str], columns: list[str]) -> list[int]:
    lacking = [name for name in columns if header.count(name) != 1]
    if lacking:
        raise ValueError(f"a table must have the columns {columns} once each, but not {lacking}")
    return [header.index(name) for name in columns]


if __name__ == "__main__":
    main(sys.argv[1:])
