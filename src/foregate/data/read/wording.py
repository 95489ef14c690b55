"""Phrases that the messages of the reading door share."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError
from foregate.core.errors import listed
from foregate.data.later import pl

__all__ = ["check_column", "in_rows", "marked_rows", "nearest", "rows_text"]


def marked_rows(marks: pl.Series | NDArray[np.bool_]) -> NDArray[np.int64]:
    """Numbers of the rows that are marked; the first row of data is row 1."""
    return np.flatnonzero(np.asarray(marks)) + 1


def rows_text(rows: NDArray[np.int64]) -> str:
    """Rows for a message: the first five, then how many more.

    Examples:
        >>> rows_text(np.array([3])), rows_text(np.arange(1, 9))
        ('row 3', 'rows 1, 2, 3, 4, 5 and 3 more')
    """
    shown = ", ".join(str(row) for row in rows[:5])
    more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
    return f"row{'s' if len(rows) > 1 else ''} {shown}{more}"


def in_rows(values: pl.Series, rows: NDArray[np.int64]) -> str:
    """Offending values and where they stand, for a message.

    Examples:
        >>> in_rows(pl.Series(["a", "b"]), np.array([2]))
        "'b' in row 2"
    """
    shown = ", ".join(f"{values[int(row) - 1]!r} in row {row}" for row in rows[:5])
    return f"{shown} and {len(rows) - 5} more" if len(rows) > 5 else shown


def nearest(name: str, names: Sequence[str]) -> str:
    """A sentence that offers the nearest of `names`, or lists them when none is near."""
    by_lower = {known.lower(): known for known in names}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"Did you mean {by_lower[close[0]]!r}?" if close else "Give one of these names."


def check_column(argument: str, name: str, names: Sequence[str]) -> None:
    """Refuse the name of a column that is not there.

    Raises:
        DataError: `name` is not among `names`.
    """
    if name not in names:
        raise DataError(
            f"{argument} must be a column of the table, but got {name!r}; it has {listed(names)}. "
            f"{nearest(name, names)}"
        )
