"""A table from a database, by a query on any URL that SQLAlchemy knows."""

from __future__ import annotations

from pathlib import Path

from foregate.core import DataError, MissingExtraError, UsageError
from foregate.core.addresses import shown_address
from foregate.core.errors import listed
from foregate.data.later import pl

__all__ = ["run_query"]


def run_query(url: str, query: str | None) -> tuple[pl.DataFrame, str]:
    """The result of a query, and the name of the database without its password.

    Args:
        url: a database URL as SQLAlchemy takes it.
        query: SQL that selects the table.

    Raises:
        MissingExtraError: SQLAlchemy is not installed.
        UsageError: the query is missing, or the URL is none.
        DataError: the database cannot be reached, or the query fails or names a column twice.
    """
    if query is None:
        raise UsageError(
            "query must be given with a database URL, but it is missing. Give for example "
            "query='select ds, y from sales'."
        )
    try:
        import sqlalchemy as sa
    except ImportError:
        raise MissingExtraError("reading from a database", "sql") from None
    try:
        address = sa.make_url(url)
        name = shown_address(url)
        _check_sqlite(address.get_backend_name(), address.database)
        engine = sa.create_engine(address)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError):
        raise UsageError(
            f"source must be a database URL that SQLAlchemy knows, but got one that begins with "
            f"{url.split('://', 1)[0]!r}. Write it like 'postgresql+psycopg://user:password@host/name'."
        ) from None
    except ModuleNotFoundError as error:
        raise DataError(f"reading from {name!r} needs the driver {error.name!r}. Install it with pip.") from None
    try:
        # The connection is closed without a commit, so that a query cannot change the database.
        with engine.connect() as connection:
            result = connection.execute(sa.text(query))
            rows, names = [tuple(row) for row in result], list(result.keys())
    except sa.exc.SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0].rstrip(".")
        raise DataError(f"the query must run on {name!r}, but it failed: {reason}. Correct the query.") from None
    finally:
        engine.dispose()
    twice = {column for column in names if names.count(column) > 1}
    if twice:
        raise DataError(
            f"every column must have a name of its own, but the query gives {listed(sorted(twice))} more than once. "
            "Name them with AS."
        )
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None, strict=False), name


def _check_sqlite(backend: str, database: str | None) -> None:
    """SQLite would create a missing file; reading must not."""
    if backend == "sqlite" and database and database != ":memory:" and not Path(database).exists():
        raise DataError(f"the database must be a file that exists, but {database!r} does not. Check the path.")
