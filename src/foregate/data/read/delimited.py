"""CSV and TSV: sniffing the encoding, the separator and the decimal mark, then reading at the speed of polars."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from foregate.core import DataError
from foregate.core.errors import listed
from foregate.data.later import pl
from foregate.data.read.numbers import looks_numeric, sniff_marks
from foregate.data.read.options import ReadOptions

__all__ = ["Dialect", "read_delimited", "sniff_dialect"]

_SAMPLE_BYTES = 1 << 18
_SEPARATORS = (",", ";", "\t", "|")
_SEPARATOR_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Dialect:
    """How a text table is written."""

    encoding: str
    """A Python codec name."""
    separator: str
    """The character between two fields."""
    decimal_comma: bool
    """Whether numbers are written like 1,5."""
    header: tuple[str, ...]
    """Names of the columns; numbered where the first line leaves them empty."""
    row_numbers: tuple[str, ...] = ()
    """Unnamed columns of whole numbers, as a frame's index leaves them, or of nothing: not read."""
    text: tuple[str, ...] = ()
    """Columns with leading zeros, such as 007, which must stay text."""


def read_delimited(
    source: Path | bytes, options: ReadOptions, keep_text: Sequence[str]
) -> tuple[pl.DataFrame, Dialect, tuple[str, ...]]:
    """Read a CSV or TSV file, or its bytes.

    Args:
        source: an uncompressed file, or its bytes.
        options: overrides of what would be sniffed.
        keep_text: columns that hold ids, in which neither zeros nor ``NA`` may be lost.

    Returns:
        The table, how it was written, and what the reader should know.

    Raises:
        DataError: the file is empty, its first line names no columns or one twice, or a line has too many fields.
    """
    dialect = sniff_dialect(_head(source), options)
    notes = []
    if dialect.encoding not in ("utf-8", "utf-8-sig"):
        source = _decoded(source, dialect.encoding).encode()
    try:
        frame = _parse(source, dialect, keep_text)
    except pl.exceptions.ComputeError as error:
        if options.encoding is not None or not _is_broken_utf8(source):
            raise _diagnosis(source, dialect, error) from None
        dialect = sniff_dialect(_head(source), ReadOptions(separator=dialect.separator, encoding="latin-1"))
        frame = _parse(_decoded(source, "latin-1").encode(), dialect, keep_text)
    if dialect.encoding == "latin-1" and options.encoding is None:
        notes.append("The text is not utf-8 and was read as latin-1.")
    if dialect.decimal_comma and options.decimal is None:
        notes.append("Numbers were read with a decimal comma.")
    if dialect.row_numbers:
        notes.append("An unnamed column of row numbers, or of nothing, was left out.")
    if all(column.null_count() for column in frame):
        full = frame.filter(~pl.all_horizontal(pl.all().is_null()))
        if full.height < frame.height:
            notes.append(f"{frame.height - full.height} blank lines were left out.")
        frame = full
    return frame, dialect, tuple(notes)


def sniff_dialect(head: bytes, options: ReadOptions) -> Dialect:
    """Find out how a text table is written from its first bytes.

    Raises:
        DataError: there is nothing, or the first line does not name the columns.

    Examples:
        >>> sniff_dialect(b"day;load\\n2024-01-01;1,5\\n", ReadOptions()).separator
        ';'
    """
    encoding = options.encoding or _encoding(head)
    lines = _lines(codecs.getincrementaldecoder(encoding)("replace").decode(head), cut_off=len(head) >= _SAMPLE_BYTES)
    if not lines:
        raise DataError("the file must hold a table, but got blank lines only. Check that it was written completely.")
    separator = options.separator or _separator(lines)
    rows = [row for row in csv.reader(lines, delimiter=separator) if row]
    names = [name.strip() for name in rows[0]]
    columns = {i: [row[i].strip() for row in rows[1:] if len(row) > i and row[i].strip()] for i in range(len(names))}
    _check_header(names)
    header = tuple(name or f"column_{i + 1}" for i, name in enumerate(names))
    numbered = [i for i, name in enumerate(names) if not name and all(v.isdigit() for v in columns[i])]
    zeros = [i for i in columns if any(re.fullmatch(r"0\d+", v) for v in columns[i])]
    return Dialect(
        encoding=encoding,
        separator=separator,
        decimal_comma=options.decimal == "," or (options.decimal is None and _has_decimal_comma(columns.values())),
        header=header,
        row_numbers=tuple(header[i] for i in numbered),
        text=tuple(header[i] for i in zeros),
    )


def _head(source: Path | bytes) -> bytes:
    if isinstance(source, bytes):
        return source[:_SAMPLE_BYTES]
    with source.open("rb") as file:
        return file.read(_SAMPLE_BYTES)


def _encoding(head: bytes) -> str:
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _lines(text: str, *, cut_off: bool) -> list[str]:
    lines = text.splitlines()
    if cut_off and len(lines) > 1:
        lines.pop()
    return [line for line in lines if line.strip()][:2_000]


def _separator(lines: list[str]) -> str:
    """The separator that cuts every line into the most fields of the same number."""

    def regularity(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=separator) if row]
        width = widths[0]
        return (sum(w == width for w in widths) / len(widths), width) if width > 1 else (0.0, 0)

    return max(_SEPARATORS, key=regularity)


def _check_header(names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise DataError(
            f"every column must have a name of its own, but {listed(twice)} is there more than once. "
            "Rename or remove one of them."
        )
    if all(re.fullmatch(r"[\d.,:/+\- TZ]*\d[\d.,:/+\- TZ]*", name) for name in names):
        raise DataError(
            f"the first line must name the columns, but got {listed(names)}. Add a first line with names, such as ds,y."
        )


def _has_decimal_comma(columns: Iterable[list[str]]) -> bool:
    """Whether some column of the sample can be read with decimal commas only."""
    for values in columns:
        texts = pl.Series(values, dtype=pl.String)
        with_comma = texts.str.contains(",", literal=True).any()
        if with_comma and looks_numeric(texts):
            marks = sniff_marks(texts)
            if marks is not None and marks.decimal == ",":
                return True
    return False


def _parse(source: Path | bytes, dialect: Dialect, keep_text: Sequence[str]) -> pl.DataFrame:
    """Types are guessed from the first rows; where a later row disagrees, all is read as text and then judged whole."""
    kept = [name for name in dialect.header if name not in dialect.row_numbers]
    text = {name: pl.String() for name in kept if name in keep_text or name in dialect.text}

    def attempt(*, guess: bool) -> pl.DataFrame:
        return pl.read_csv(
            source,
            separator=dialect.separator,
            new_columns=dialect.header,
            columns=[dialect.header.index(name) for name in kept],
            schema_overrides=text if guess else None,
            infer_schema=guess,
            infer_schema_length=100_000,
            decimal_comma=dialect.decimal_comma and dialect.separator != ",",
        )

    try:
        frame = attempt(guess=True)
    except pl.exceptions.ComputeError:
        frame = attempt(guess=False)
        frame = frame.with_columns(_typed(frame[name]) for name in kept if name not in text)
    return frame.with_columns(_whole(frame[name]) for name in text)


def _whole(text: pl.Series) -> pl.Series:
    """Ids as whole numbers where writing these gives the same text again."""
    unique = text.drop_nulls().unique()
    same = unique.cast(pl.Int64, strict=False).cast(pl.String).fill_null("") == unique
    return text.cast(pl.Int64) if len(unique) and same.all() else text


def _typed(text: pl.Series) -> pl.Series:
    """Text as whole numbers or numbers, where every one of them is."""
    for dtype in (pl.Int64, pl.Float64):
        numbers = text.cast(dtype, strict=False)
        if numbers.null_count() == text.null_count():
            return numbers
    return text


def _decoded(source: Path | bytes, encoding: str) -> str:
    raw = source if isinstance(source, bytes) else source.read_bytes()
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DataError(
            f"the file must be written in {encoding}, but line {line} is not. Give its encoding: "
            "options=ReadOptions(encoding='latin-1')."
        ) from None


def _is_broken_utf8(source: Path | bytes) -> bool:
    raw = source if isinstance(source, bytes) else source.read_bytes()
    try:
        raw.decode()
    except UnicodeDecodeError:
        return True
    return False


def _diagnosis(source: Path | bytes, dialect: Dialect, error: Exception) -> DataError:
    """The first line that does not have as many fields as the first, or what the parser said."""
    raw = source.read_bytes() if isinstance(source, Path) else source
    reader = csv.reader(io.StringIO(raw.decode(errors="replace"), newline=""), delimiter=dialect.separator)
    for row in reader:
        if len(row) > len(dialect.header):
            return DataError(
                f"every line must have {len(dialect.header)} fields between {_between(dialect.separator)} like the "
                f"first, but line {reader.line_num} has {len(row)}. Correct the line, quote its text, or give the "
                "separator: options=ReadOptions(separator=…)."
            )
    first = str(error).splitlines()[0]
    return DataError(f"the file must be a table of text, but it cannot be read: {first}. Check how it was written.")


def _between(separator: str) -> str:
    return _SEPARATOR_NAMES.get(separator, repr(separator))
