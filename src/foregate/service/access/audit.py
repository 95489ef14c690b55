"""Who has done what: written in the transaction of what was done, and never changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert

from foregate.service.store.tables import audit_log

__all__ = ["Entry", "record"]


@dataclass(frozen=True)
class Entry:
    """One line of the audit log."""

    at: int
    """Microseconds since 1970."""
    actor: str
    action: str
    """What was done, such as ``key.add``."""
    subject: str
    """To what."""
    detail: dict[str, Any]
    """More of it, as JSON; no secrets."""
    request: str
    """Id of the request."""


def record(connection: Connection, entry: Entry) -> None:
    """Write a line into the audit log."""
    values = {
        "at": entry.at,
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "detail": json.dumps(entry.detail, sort_keys=True),
        "request": entry.request,
    }
    connection.execute(insert(audit_log).values(values))
