"""Series: what they are called, how far apart their rows are, and what stays the same of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select

from foregate.core import Frequency, UsageError, listed
from foregate.service.problems import Problem
from foregate.service.store.database import Database
from foregate.service.store.statements import insert, insert_new
from foregate.service.store.tables import series

__all__ = ["Catalog", "Known", "Series", "checked_name", "found"]

CACHED = 100_000
"""Series that are remembered; about 40 MiB at most."""
AT_ONCE = 1000
"""Names that a statement holds at most."""


@dataclass(frozen=True, slots=True)
class Known:
    """What never changes of a series."""

    id: int
    freq: Frequency
    anchor: int | None
    """Time of the first observation that came; None: none has."""


@dataclass(frozen=True)
class Series:
    """A series, as it is stored."""

    known: Known
    name: str
    season_length: int | None
    segment: str
    attributes: dict[str, float | str | None]
    created_at: int


class Catalog:
    """The series that there are.

    Args:
        database: where they are.
        clock: microseconds since 1970.
    """

    def __init__(self, database: Database, clock: Callable[[], int]) -> None:
        self._database, self._clock = database, clock
        self._cache: dict[str, Known] = {}

    async def put(self, name: str, given: Series) -> tuple[Series, bool]:
        """Make a series, or change what may be changed of it; and whether it is new.

        Raises:
            Problem: it is there with another frequency, or its name cannot be one.
        """
        checked_name(name)
        return await self._database.write(lambda connection: self._put(connection, name, given))

    async def put_all(self, given: Sequence[Series]) -> int:
        """Make those of some series that are not there, all of them or none; how many are new.

        Raises:
            Problem: one is there with another frequency, or a name cannot be one.
        """
        for one in given:
            checked_name(one.name)
        return await self._database.write(lambda connection: self._put_all(connection, given))

    async def get(self, name: str) -> Series:
        """A series.

        Raises:
            Problem: there is none of this name.
        """
        row = await self._database.read(lambda c: c.execute(select(series).where(series.c.name == name)).first())
        if row is None:
            raise unknown([name])
        return found(row)

    async def page(self, after: str, limit: int) -> list[Series]:
        """The series after a name, in the order of names."""
        some = select(series).where(series.c.name > after).order_by(series.c.name).limit(limit)
        return [found(row) for row in await self._database.read(lambda c: c.execute(some).all())]

    async def known(self, names: Iterable[str]) -> dict[str, Known]:
        """What never changes of those series that there are."""
        wanted = dict.fromkeys(names)
        lacking = [name for name in wanted if name not in self._cache]
        told = {name: self._cache[name] for name in wanted if name in self._cache}
        if lacking:
            told |= await self._database.read(lambda connection: _look_up(connection, lacking))
            if len(self._cache) + len(lacking) > CACHED:
                self._cache.clear()
            self._cache |= {name: told[name] for name in lacking if name in told and told[name].anchor is not None}
        return told

    async def all_known(self, names: Sequence[str]) -> dict[str, Known]:
        """What never changes of series.

        Raises:
            Problem: one of them is not there.
        """
        told = await self.known(names)
        if len(told) < len(set(names)):
            raise unknown([name for name in dict.fromkeys(names) if name not in told])
        return told

    def _put_all(self, connection: Connection, given: Sequence[Series]) -> int:
        created = insert_new(connection, series, [self._row(one.name, one) for one in given], "name")
        there = _look_up(connection, [one.name for one in given]) if created < len(given) else {}
        for one in given:
            known = there.get(one.name, one.known)
            if known.freq != one.known.freq:
                raise other_frequency(one.name, known.freq, one.known.freq)
        return created

    def _row(self, name: str, given: Series) -> dict[str, Any]:
        """A series as the table holds it."""
        return {
            "name": name,
            "freq": str(given.known.freq.alias),
            "season_length": given.season_length,
            "segment": given.segment,
            "attributes": msgspec.json.encode(given.attributes).decode(),
            "created_at": self._clock(),
        }

    def _put(self, connection: Connection, name: str, given: Series) -> tuple[Series, bool]:
        values = self._row(name, given)
        new = insert(connection, series).values(values).on_conflict_do_nothing(index_elements=["name"])
        created = connection.execute(new.returning(series.c.id)).first() is not None
        here = found(connection.execute(select(series).where(series.c.name == name)).one())
        if here.known.freq != given.known.freq:
            raise other_frequency(name, here.known.freq, given.known.freq)
        if not created:
            changed = {key: values[key] for key in ("season_length", "segment", "attributes")}
            connection.execute(series.update().where(series.c.name == name).values(changed))
            here = replace(here, season_length=given.season_length, segment=given.segment, attributes=given.attributes)
        return here, created


def found(row: Row[Any]) -> Series:
    """A row of the table as a series."""
    known = Known(row.id, Frequency.parse(row.freq), row.anchor)
    return Series(known, row.name, row.season_length, row.segment, msgspec.json.decode(row.attributes), row.created_at)


def checked_name(name: str) -> None:
    """Refuse what cannot be the name of a series.

    Raises:
        Problem: it is empty, longer than 200 characters, or holds what cannot be printed.
    """
    if not 1 <= len(name) <= 200 or not name.isprintable():
        raise Problem(
            422,
            "invalid-name",
            f"a name of a series must be 1 to 200 characters that can be printed, but got {name[:200]!r}.",
        )


def frequency(freq: str | int) -> Frequency:
    """What a text says.

    Raises:
        Problem: it is no frequency.
    """
    try:
        return Frequency.parse(freq)
    except (UsageError, ValueError) as error:
        raise Problem(422, "invalid-frequency", str(error)) from None


def other_frequency(name: str, here: Frequency, got: Frequency) -> Problem:
    """What to say of a series that is there otherwise."""
    return Problem(
        409,
        "other-frequency",
        f"freq of series {name!r} must stay {here.alias!r}, but got {got.alias!r}. Use another name for another "
        "frequency.",
    )


def unknown(names: Sequence[str]) -> Problem:
    """What to say of series that are not there."""
    detail = f"series must be there, but got {listed(names)}. Make them first: PUT /v1/series/NAME."
    return Problem(404, "no-such-series", detail)


def _look_up(connection: Connection, names: Sequence[str]) -> dict[str, Known]:
    told = {}
    columns = select(series.c.name, series.c.id, series.c.freq, series.c.anchor)
    for i in range(0, len(names), AT_ONCE):
        for row in connection.execute(columns.where(series.c.name.in_(names[i : i + AT_ONCE]))):
            told[row.name] = Known(row.id, Frequency.parse(row.freq), row.anchor)
    return told
