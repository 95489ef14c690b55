"""Numbers that come as text: decimal commas, thousands marks, and what is no number at all."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from foregate.core import DataError
from foregate.data.later import pl
from foregate.data.read.options import ReadOptions
from foregate.data.read.wording import in_rows, marked_rows

__all__ = ["MISSING", "Marks", "looks_numeric", "parse_numbers", "sniff_marks"]

MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "null", "NULL", "None", "none", "-", ".")
"""Texts that stand for a missing value, except in a column of ids."""
_BLANKS = "[\u00a0\u202f\u2009]"
_NUMBERISH = r"^[+-]?[\d., '_]*\d[\d., '_]*([eE][+-]?\d+)?$"
_LEADING_ZERO = re.compile(r"[+-]?0\d+")


@dataclass(frozen=True)
class Marks:
    """How digits are punctuated."""

    decimal: str = "."
    """The decimal mark."""
    thousands: str = ""
    """The mark between groups of three digits; empty when there is none."""

    @property
    def pattern(self) -> str:
        """A regular expression that fits the numbers written so, and no others."""
        tail = rf"({re.escape(self.decimal)}\d*)?([eE][+-]?\d+)?$"
        if not self.thousands:
            return rf"^[+-]?\d*{tail}"
        return rf"^[+-]?([1-9]\d{{0,2}}({re.escape(self.thousands)}\d{{3}})+|\d*){tail}"

    def apply(self, text: pl.Series) -> pl.Series:
        """Text to Float64; null where it is no number written so."""
        plain = text.set(~text.str.contains(self.pattern).fill_null(value=False), None)
        if self.thousands:
            plain = plain.str.replace_all(self.thousands, "", literal=True)
        return plain.str.replace(self.decimal, ".", literal=True).cast(pl.Float64, strict=False)


def looks_numeric(text: pl.Series) -> bool:
    """Whether the first texts of a column are all numbers, and none is a code with leading zeros such as ``007``."""
    first = text.drop_nulls().head(200).str.strip_chars().unique().to_list()
    known = [value for value in first if value not in MISSING]
    return bool(known) and all(re.match(_NUMBERISH, v) and not _LEADING_ZERO.fullmatch(v) for v in known)


def sniff_marks(texts: pl.Series) -> Marks | None:
    """How the numbers among `texts` are punctuated; None when two readings fit and differ.

    Examples:
        >>> sniff_marks(pl.Series(["1.234,5", "7"]))
        Marks(decimal=',', thousands='.')
        >>> sniff_marks(pl.Series(["1,234,567.5"]))
        Marks(decimal='.', thousands=',')
        >>> sniff_marks(pl.Series(["1,234", "5,678"])) is None
        True
    """
    known = texts.filter(texts.str.contains(_NUMBERISH)).unique()
    readings = [Marks(d, t) for d, other in (".,", ",.") for t in ("", other, " ", "'")]
    share = [known.str.contains(marks.pattern).sum() for marks in readings]
    fits = [marks for marks, part in zip(readings, share, strict=True) if part == max(share)]
    values = [marks.apply(known) for marks in fits]
    if fits[0] == Marks() or all(value.equals(values[0]) for value in values):
        return fits[0]
    ungrouped = known.str.contains(r"^[+-]?[1-9]\d{3,}(,|$)").any()
    return next((marks for marks in fits if ungrouped and not marks.thousands), None)


def parse_numbers(column: pl.Series, options: ReadOptions) -> pl.Series:
    """A column of any type as Float64, null where missing.

    Raises:
        DataError: values that are no numbers, with their rows; or a punctuation that can be read in two ways.
    """
    if column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.Null):
        return column.cast(pl.Float64)
    if column.dtype in (pl.Categorical, pl.Enum):
        column = column.cast(pl.String)
    if column.dtype != pl.String:
        raise DataError(
            f"column {column.name!r} must hold numbers, but got values of type {column.dtype}. "
            "Convert them to numbers first, or name another column."
        )
    text = column.str.strip_chars().str.replace_all(_BLANKS, " ").str.replace_all("’", "'")
    text = text.set(text.is_in(MISSING).fill_null(value=False), None)
    numbers = text.cast(pl.Float64, strict=False)
    if options.decimal is not None or options.thousands is not None or numbers.null_count() > text.null_count():
        numbers = _marks(text, options).apply(text)
        infinite = text.str.to_lowercase().str.contains(r"^[+-]?inf(inity)?$").fill_null(value=False)
        numbers = numbers.set(infinite, np.inf)
    wrong = marked_rows(numbers.is_null() & text.is_not_null())
    if len(wrong):
        raise DataError(
            f"column {column.name!r} must hold numbers, but got {in_rows(text, wrong)}. "
            "Correct these values, or leave them empty where nothing was observed."
        )
    return numbers


def _marks(text: pl.Series, options: ReadOptions) -> Marks:
    if options.decimal is not None or options.thousands is not None:
        decimal = options.decimal or ("," if options.thousands == "." else ".")
        return Marks(decimal, options.thousands or ("." if decimal == "," else ","))
    marks = sniff_marks(text.drop_nulls())
    if marks is None:
        example = text.filter(text.str.contains(r",\d{3}$").fill_null(value=False))[0]
        raise DataError(
            f"column {text.name!r} must be readable in one way, but got values such as {example!r}, where the comma "
            "may be a decimal or a thousands mark. Give options=ReadOptions(decimal=',') or "
            "options=ReadOptions(thousands=',')."
        )
    return marks
