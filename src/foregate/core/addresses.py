"""Addresses as they may be shown: who reads a report or a log need not know how to get in."""

from __future__ import annotations

import re
from os import PathLike, fspath

__all__ = ["shown_address"]

WHO = re.compile(r"[^:/?]*(?::[^@]*)?@")
"""Name and password, as far as SQLAlchemy takes them to be: a password may have any character but @."""


def shown_address(address: str | PathLike[str]) -> str:
    """An address without user, password and query, any of which may be a secret; what is none stays as it is.

    Args:
        address: of a database or a file on the web, or a path.

    Examples:
        >>> shown_address("postgresql://ann:se/cr?et@host:5432/sales"), shown_address("sales@home.csv")
        ('postgresql://host:5432/sales', 'sales@home.csv')
        >>> shown_address("https://ann@host/sales.csv?token=secret")
        'https://host/sales.csv'
    """
    text = fspath(address)
    kind, mark, rest = text.partition("://")
    if not mark:
        return text
    where = WHO.sub("", rest, count=1) if WHO.match(rest) else rest
    place, slash, path = where.partition("?")[0].partition("/")
    return f"{kind}://{place.rpartition('@')[2]}{slash}{path}"
