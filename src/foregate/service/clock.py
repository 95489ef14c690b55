"""What time it is."""

from __future__ import annotations

import time

__all__ = ["DAY", "HOUR", "now"]

HOUR = 3_600_000_000
DAY = 24 * HOUR
"""Microseconds, as all times here."""


def now() -> int:
    """Microseconds since 1970."""
    return time.time_ns() // 1000
