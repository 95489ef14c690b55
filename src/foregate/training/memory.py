"""Memory that a training step frees is kept for the next one, instead of being fetched from the system anew."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["freed_memory_kept"]

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of the settings, in C's malloc.h."""
MOST = 2**30
"""Bytes: while training, no block below this is a loan of the system's own, and so much that was freed is kept."""
OWN_SETTINGS = {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"}
"""Variables of the environment by which people say it themselves."""
USUAL = 2**25
"""Bytes: what GNU's library comes to by itself as large blocks are freed, and is left with afterwards."""


@contextmanager
def freed_memory_kept() -> Iterator[None]:
    """Keep what is freed inside, and give it back at the end.

    The activations of a step are tens of megabytes. GNU's C library borrows such blocks from the system one by one and
    gives each back as soon as it is free; the system fills every page with zeros when it is touched again. That costs a
    quarter of a training step. Other C libraries go their own way, and nothing is done there.

    Examples:
        >>> with freed_memory_kept():
        ...     pass
    """
    library = _gnu()
    if library is None or OWN_SETTINGS & os.environ.keys():
        yield
        return
    if not library.mallopt(MMAP_THRESHOLD, MOST):  # before version 2.35 it may be 32 MiB at most
        library.mallopt(MMAP_THRESHOLD, USUAL)  # else it would stay where it is now, and no longer grow
    library.mallopt(TRIM_THRESHOLD, MOST)
    try:
        yield
    finally:
        library.mallopt(MMAP_THRESHOLD, USUAL)
        library.mallopt(TRIM_THRESHOLD, 2 * USUAL)
        library.malloc_trim(0)


def _gnu() -> Any:
    """GNU's C library, if this process runs on it."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") and hasattr(library, "mallopt") else None
