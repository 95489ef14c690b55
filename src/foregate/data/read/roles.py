"""Which column is the id, which the time and which the target: as told, else by name, else when only one can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from foregate.core import DataError, Role, UsageError
from foregate.core.errors import listed
from foregate.data.later import pl
from foregate.data.read.dates import looks_like_times
from foregate.data.read.numbers import looks_numeric
from foregate.data.read.wording import check_column
from foregate.data.targets import check_targets

__all__ = ["Named", "Roles", "find_roles", "find_time"]

_TIME_NAMES = ("date", "datetime", "time", "timestamp", "year", "step", "t", "period", "index")
_LOOKED_AT = 1_000_000
"""Rows from the top by which the id column is found."""


@dataclass(frozen=True)
class Named:
    """The columns that the caller named; None where they are to be found."""

    id_col: str | None = None
    time_col: str | None = None
    target_col: str | None = None
    covariates: Mapping[str, Role] | None = None
    """Role of every covariate by its name."""
    target_cols: Sequence[str] | None = None
    """Several targets instead of one."""

    def __post_init__(self) -> None:
        for argument in ("id_col", "time_col", "target_col"):
            if not isinstance(getattr(self, argument), str | None):
                raise UsageError(f"{argument} must be the name of a column, but got {getattr(self, argument)!r}.")
        if self.target_cols is not None:
            check_targets(self.target_cols)
            if self.target_col is not None:
                raise UsageError(
                    "target_col and target_cols must not both be given, but got both. Name one target, or several."
                )
        if not isinstance(self.covariates, Mapping | None):
            raise UsageError(
                f"covariates must map names of columns to roles, but got {self.covariates!r}. "
                'Give for example covariates={"price": "future"}.'
            )
        for name, role in (self.covariates or {}).items():
            if role not in ("static", "past", "future"):
                raise UsageError(
                    f"the role of covariate {name!r} must be 'static', 'past' or 'future', but got {role!r}. "
                    "Say which of them it is."
                )
        columns = (self.id_col, self.time_col, self.target_col, *self.targets, *(self.covariates or {}))
        named = [name for name in columns if name is not None]
        twice = sorted({name for name in named if named.count(name) > 1})
        if twice:
            raise UsageError(f"a column must have one role, but {listed(twice)} got more than one. Name other columns.")

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets that were named as several."""
        return tuple(self.target_cols or ())


@dataclass(frozen=True)
class Roles:
    """What the columns of a long table mean."""

    id_col: str | None
    """None when the table holds one series."""
    time_col: str
    targets: tuple[str, ...]
    """One, or several."""
    notes: tuple[str, ...]
    """What was decided, in sentences."""


def find_roles(frame: pl.DataFrame, named: Named) -> Roles:
    """Find the columns of a long table that were not named.

    Raises:
        DataError: a named column is not there, or more than one column could be meant.
    """
    names = frame.columns
    for argument in ("id_col", "time_col", "target_col"):
        if (name := getattr(named, argument)) is not None:
            check_column(argument, name, names)
    for what, some in (("every covariate", named.covariates or {}), ("every target", named.targets)):
        for name in some:
            check_column(what, name, names)
    taken = {named.id_col, named.time_col, named.target_col, *named.targets, *(named.covariates or {})} - {None}
    time = named.time_col or find_time(frame, [name for name in names if name not in taken])
    taken.add(time)
    reserved = {"unique_id"} if named.id_col is None else set()
    targets = named.targets or (
        named.target_col or _find_target(frame, [n for n in names if n not in taken | reserved]),
    )
    taken |= set(targets)
    id_col = named.id_col or _find_id(frame, time, [n for n in names if n not in taken])
    return Roles(id_col, time, targets, tuple(_notes(names, named, id_col, time, targets)))


def find_time(frame: pl.DataFrame, free: Sequence[str]) -> str:
    """The column of times among the `free` ones.

    Raises:
        DataError: none or more than one could be meant.
    """
    if "ds" in free:
        return "ds"
    found = [name for name in free if looks_like_times(frame[name])]
    if not found:
        found = [name for name in free if name.lower() in _TIME_NAMES and frame[name].dtype.is_integer()]
    if len(found) == 1:
        return found[0]
    if not found:
        raise DataError(
            f"one column must hold the times, but none of {listed(free)} looks like dates. Name it: time_col=…."
        )
    raise DataError(
        f"one column must hold the times, but {listed(found)} all look like dates. Name it: time_col={found[0]!r}."
    )


def _is_number(column: pl.Series) -> bool:
    return column.dtype.is_numeric() or (column.dtype == pl.String and looks_numeric(column))


def _find_target(frame: pl.DataFrame, free: Sequence[str]) -> str:
    if "y" in free:
        return "y"
    found = [name for name in free if _is_number(frame[name])]
    if len(found) == 1:
        return found[0]
    if not found:
        raise DataError(
            f"one column must hold the numbers to forecast, but none of {listed(free)} does. Name it: target_col=…."
            if free
            else "one column must hold the numbers to forecast, but no column is left for it. Name it: target_col=…."
        )
    raise DataError(
        f"one column must hold the numbers to forecast, but {listed(found)} all could. "
        f"Name it: target_col={found[0]!r}."
    )


def _find_id(frame: pl.DataFrame, time: str, free: Sequence[str]) -> str | None:
    """The column that tells apart rows of the same time; None when the table holds one series."""
    if "unique_id" in free:
        return "unique_id"
    top = frame.head(_LOOKED_AT)
    texts = [n for n in free if top[n].dtype in (pl.String, pl.Categorical, pl.Enum) and not _is_number(top[n])]
    whole = [name for name in free if top[name].dtype.is_integer()]
    repeats = top.height - top[time].n_unique()
    if not repeats:
        constant = [name for name in texts if top[name].n_unique() == 1]
        return constant[0] if len(constant) == 1 else None
    left = {n: top.height - top.select(pl.struct(time, n).n_unique()).item() for n in (*texts, *whole)}
    telling = [name for name, repeated in left.items() if repeated <= 0.1 * repeats]
    if len(telling) == 1 and telling[0] in texts:
        return telling[0]
    if repeats <= 0.1 * top.height and not set(telling) & set(texts):
        # A few repeated times are a fault of one series, for the audit to tell.
        return None
    if not telling and not texts:
        return None
    hint = (
        f"{listed(telling)} could be it. Name it: id_col={telling[0]!r}."
        if telling
        else "no single column tells the series apart. Join the columns that do to one, and name it: id_col=…."
    )
    raise DataError(
        f"times must be unique within a series, but {repeats} of {top.height} times in {time!r} repeat; {hint}"
    )


def _notes(
    names: Iterable[str], named: Named, id_col: str | None, time: str, targets: tuple[str, ...]
) -> Iterable[str]:
    target = targets[0]
    given = target if named.targets else named.target_col
    asked = {"time": named.time_col or "ds", "target": given or "y", "id": named.id_col or "unique_id"}
    found = {"time": time, "target": target, "id": id_col}
    decided = [f"{name!r} was taken for the {what}" for what, name in found.items() if name and name != asked[what]]
    if decided:
        yield "; ".join(decided) + "."
    if id_col is None:
        yield f"No column tells series apart: the table was read as one series{f', {target!r}' * (len(targets) == 1)}."
    used = {id_col, time, *targets, *(named.covariates or {})}
    unused = [name for name in names if name not in used]
    if unused:
        several = len(unused) > 1
        yield f"Column{'s' if several else ''} {listed(unused)} {'were' if several else 'was'} not used."
