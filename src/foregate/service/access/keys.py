"""API keys: 256 random bits, of which only the hash is stored.

A key is ``fg_PREFIX_SECRET``. The prefix is public: it names the key in lists and logs, and is the client id of OAuth2.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, Row, insert, select, update

from foregate.core import UsageError
from foregate.service.access.scopes import SCOPES, Principal
from foregate.service.names import WORD
from foregate.service.problems import Problem
from foregate.service.store.statements import alone
from foregate.service.store.tables import api_keys

__all__ = ["Key", "Order", "add", "add_first", "all_keys", "matches", "prefix_of", "replace", "revoke"]

FORM = re.compile(r"fg_([a-z0-9]{12})_[A-Za-z0-9_-]{43}")
NAME = re.compile(WORD)
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
NOBODY = hashlib.sha256(b"nobody").hexdigest()
LOCK = 4605003
"""Whoever changes keys holds it: what they look at first must still be so."""


@dataclass(frozen=True)
class Key:
    """What is known of a key; the key itself is not."""

    prefix: str
    sha256: str
    name: str
    scopes: frozenset[str]
    created_at: int
    """Microseconds since 1970, as all times."""
    created_by: str
    expires_at: int | None
    revoked_at: int | None

    def good(self, now: int) -> bool:
        """Whether it may be used."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def principal(self) -> Principal:
        """Who asks with it."""
        return Principal(f"key:{self.name}", self.scopes)


@dataclass(frozen=True)
class Order:
    """A key to be made.

    Raises:
        UsageError: name or scopes are not possible.
    """

    name: str
    """A word; keys that replace one another share it, and with it limits and history."""
    scopes: tuple[str, ...]
    by: str
    """Who makes it."""
    at: int
    """When (µs)."""
    expires_at: int | None = None
    """Until when it is good (µs); None: until it is revoked."""

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            said = "lower-case letters, digits, dots, dashes and underscores, 64 at most"
            raise UsageError(f"the name of a key must be a word of {said}, but got {self.name!r}.")
        wrong = [scope for scope in self.scopes if scope not in SCOPES]
        if wrong or not self.scopes:
            raise UsageError(f"scopes must be some of {', '.join(SCOPES)}, but got {', '.join(wrong) or 'none'}.")
        if self.expires_at is not None and self.expires_at <= self.at:
            raise UsageError("a key must expire later than now, but got a time in the past.")


def add(connection: Connection, order: Order) -> str:
    """Make a key; it is given back once and can't be found again.

    Raises:
        Problem: there is one of that name.
    """
    alone(connection, LOCK)
    if any(key.name == order.name and key.good(order.at) for key in all_keys(connection)):
        detail = f"the name must be new, but got {order.name!r}, which a key has. Rotate or revoke that one."
        raise Problem(409, "key-exists", detail)
    return _made(connection, order)


def add_first(connection: Connection, order: Order) -> str | None:
    """Make a key where there has never been any; None: there has. Of several who start together one makes it."""
    alone(connection, LOCK)
    return None if all_keys(connection) else _made(connection, order)


def replace(connection: Connection, prefix: str, *, by: str, at: int, overlap: float) -> str:
    """Make a key with the name and scopes of another one, which stays good for `overlap` seconds.

    Raises:
        Problem: there is no such key.
    """
    alone(connection, LOCK)
    old = _found(connection, prefix, at)
    until = at + int(overlap * 1e6)
    ends = until if old.expires_at is None else min(until, old.expires_at)
    connection.execute(update(api_keys).where(api_keys.c.prefix == prefix).values(expires_at=ends))
    return _made(connection, Order(old.name, tuple(sorted(old.scopes)), by, at))


def revoke(connection: Connection, prefix: str, at: int) -> Key:
    """End a key now, and with it all tokens that were given for it.

    Raises:
        Problem: there is no such key.
    """
    alone(connection, LOCK)
    key = _found(connection, prefix, at)
    connection.execute(update(api_keys).where(api_keys.c.prefix == prefix).values(revoked_at=at))
    return key


def all_keys(connection: Connection) -> list[Key]:
    """All that there are and were, oldest first."""
    rows = connection.execute(select(api_keys).order_by(api_keys.c.created_at, api_keys.c.prefix))
    return [_key(row) for row in rows]


def prefix_of(text: str) -> str | None:
    """The prefix of what may be a key; None: it cannot be one."""
    match = FORM.fullmatch(text)
    return match[1] if match else None


def matches(text: str, key: Key | None) -> bool:
    """Whether a text is the key; takes as long where there is none."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return hmac.compare_digest(digest, key.sha256 if key else NOBODY) and key is not None


def _made(connection: Connection, order: Order) -> str:
    prefix = "".join(secrets.choice(ALPHABET) for _ in range(12))
    key = f"fg_{prefix}_{secrets.token_urlsafe(32)}"
    values = {
        "prefix": prefix,
        "sha256": hashlib.sha256(key.encode()).hexdigest(),
        "name": order.name,
        "scopes": json.dumps(_ordered(order.scopes)),
        "created_at": order.at,
        "created_by": order.by,
        "expires_at": order.expires_at,
    }
    connection.execute(insert(api_keys).values(values))
    return key


def _ordered(scopes: Iterable[str]) -> list[str]:
    return [scope for scope in SCOPES if scope in set(scopes)]


def _found(connection: Connection, prefix: str, now: int) -> Key:
    row = connection.execute(select(api_keys).where(api_keys.c.prefix == prefix)).first()
    if row is None or not _key(row).good(now):
        raise Problem(404, "no-such-key", f"the prefix must be of a key that is good, but got {prefix[:20]!r}.")
    return _key(row)


def _key(row: Row[tuple[object, ...]]) -> Key:
    known = row._mapping
    return Key(**{**known, "scopes": frozenset(json.loads(known["scopes"]))})
