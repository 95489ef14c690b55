"""Measure the service: `python -m benchmarks.service [MODE ...]`, all modes if none is named."""

from __future__ import annotations

import argparse
import importlib
import math
import pkgutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks.service.rows import Options, Row, table

__all__ = ["main", "modes"]


def modes() -> list[str]:
    """Modules of this package that measure something."""
    names = [each.name for each in pkgutil.iter_modules([str(Path(__file__).parent)]) if each.name != "__main__"]
    return [name for name in names if hasattr(importlib.import_module(f"benchmarks.service.{name}"), "run")]


def main(arguments: Sequence[str] | None = None) -> bool:
    """Measure, print the table, and say whether all figures were reached."""
    there = modes()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.service", description=__doc__)
    parser.add_argument("modes", nargs="*", metavar="MODE", help=", ".join(there))
    parser.add_argument("--seconds", type=float, default=60.0, help="that a load lasts")
    parser.add_argument("--rate", type=float, default=math.nan, help="requests per second; else as the figure says")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the service")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.modes if name not in there]
    if unknown:
        parser.error(f"MODE must be one of {', '.join(there)}, but got {', '.join(unknown)}")
    settings = dict(each.split("=", 1) for each in asked.set)
    rows: list[Row] = []
    names = asked.modes or there
    for name in names:
        found = importlib.import_module(f"benchmarks.service.{name}").run(Options(asked.seconds, asked.rate, settings))
        print(table(found), flush=True)
        rows += found
    if len(names) > 1:
        print(table(rows))
    return all(row.fine for row in rows)


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
