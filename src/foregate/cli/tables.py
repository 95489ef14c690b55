"""Results as files that other programs read."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foregate.cli.options import Output
from foregate.cli.screen import print_json, stage

if TYPE_CHECKING:
    import polars as pl

__all__ = ["FORMATS", "check_format", "csv_text", "encoded", "hand_over", "records"]

FORMATS = (".csv", ".parquet", ".json", ".ndjson")
"""Endings of the files that can be written."""
_DIGITS = 7
"""Significant digits in text: what float32 holds."""


def check_format(path: Path, option: str = "--out") -> None:
    """Refuse a file, named by an option, whose ending names no format.

    Raises:
        UsageError: lists the endings.
    """
    from foregate.core import UsageError

    if path.suffix not in FORMATS:
        raise UsageError(f"{option} must end in {', '.join(FORMATS)}, but got {path.name!r}. Give another name.")


def encoded(frame: pl.DataFrame, suffix: str) -> bytes:
    """A frame as the bytes of a file; Parquet keeps every digit and type, text seven significant digits."""
    if suffix == ".csv":
        return csv_text(frame).encode()
    file = io.BytesIO()
    if suffix == ".parquet":
        frame.write_parquet(file)
    elif suffix == ".json":
        _readable(frame).write_json(file)
    else:
        _readable(frame).write_ndjson(file)
    return file.getvalue()


def csv_text(frame: pl.DataFrame) -> str:
    """A frame as CSV, times as ``2024-01-31 05:00:00`` and with their offset where they have a zone."""
    import polars as pl

    zoned = any(isinstance(dtype, pl.Datetime) and dtype.time_zone for dtype in frame.dtypes)
    pattern = "%Y-%m-%d %H:%M:%S%.f" + "%:z" * zoned
    return _rounded(frame).write_csv(datetime_format=pattern)


def records(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """A frame as rows that JSON can hold, times as ISO text."""
    return _readable(frame).to_dicts()


def hand_over(
    frame: pl.DataFrame, out: Path | None, output: Output, *, notes: Sequence[str], facts: Mapping[str, Any]
) -> None:
    """Forecasts into a file, or to standard output as CSV; what is to be known of them to standard error.

    With ``--json`` all of it is one document: `facts`, how many rows, `notes`, and the forecasts or their file.
    """
    from foregate.core.files import write_atomically

    notes = tuple(dict.fromkeys(notes))
    for note in notes:
        stage(output, note)
    if out is not None:
        write_atomically(out, encoded(frame, out.suffix))
    if output.json:
        where: dict[str, Any] = {"forecasts": records(frame)} if out is None else {"out": str(out)}
        print_json({**facts, "rows": frame.height, "notes": list(notes), **where})
    elif out is None:
        sys.stdout.write(csv_text(frame))
    else:
        stage(output, f"{frame.height:,} rows in {out}")


def _rounded(frame: pl.DataFrame) -> pl.DataFrame:
    import polars.selectors as cs

    return frame.with_columns(cs.float().round_sig_figs(_DIGITS))


def _readable(frame: pl.DataFrame) -> pl.DataFrame:
    import polars as pl
    import polars.selectors as cs

    return (
        _rounded(frame)
        .with_columns(cs.date().dt.to_string("iso"), cs.datetime().dt.to_string("iso:strict"))
        .cast({cs.categorical(): pl.String})
    )
