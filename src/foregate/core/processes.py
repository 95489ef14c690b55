"""Which process this is, of those that `torchrun` has started; most often there is one."""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["Started", "leads", "started"]


@dataclass(frozen=True)
class Started:
    """How this process was started."""

    rank: int = 0
    """Its number among all."""
    size: int = 1
    """How many there are."""
    local: int = 0
    """Its number on this machine."""


def started() -> Started:
    """What `torchrun` says of this process in its environment; alone, if it says nothing.

    Examples:
        >>> started().size
        1
    """
    given = os.environ
    if not {"MASTER_ADDR", "WORLD_SIZE", "RANK"} <= given.keys():
        return Started()
    return Started(int(given["RANK"]), int(given["WORLD_SIZE"]), int(given.get("LOCAL_RANK", 0)))


def leads() -> bool:
    """Whether this process is the one that writes files and tells people.

    Examples:
        >>> leads()
        True
    """
    return started().rank == 0
