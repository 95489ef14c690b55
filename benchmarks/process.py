"""What a program of a benchmark holds. Needs nothing that is not Python's own, so that peers can be asked too."""

from __future__ import annotations

import resource
from pathlib import Path

__all__ = ["held"]


def held(what: str = "VmHWM") -> float:
    """MiB of physical memory: at most (VmHWM), or now (VmRSS).

    Of this program alone: `ru_maxrss`, which stands in where Linux's own account is not there, also knows that of the
    one that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return float(lines[what].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
