"""A space from a TOML or JSON file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from foregate.core import UsageError, listed
from foregate.tuning.dimensions import Choice, LogRange, Range
from foregate.tuning.space import Space

__all__ = ["read_space", "space_of"]

WORDS = {"choices", "low", "high", "step", "log", "when"}
"""What a table of a setting may have."""


def read_space(path: str | Path) -> Space | dict[str, Any]:
    """The space that a file describes, as `foregate.tune` takes it.

    In TOML, a setting per line: a list is a `Choice`, ``{low = 16, high = 128}`` a `Range`, with ``log = true`` a
    `LogRange`, ``{choices = […], when = {start = "scratch"}}`` a choice that matters only then, anything else is fixed.
    ``usual = false`` at the top means that only what stands in the file is tried; otherwise it changes the usual space.

    Raises:
        UsageError: the file is not there, is neither TOML nor JSON, or describes no space.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder, "space.toml")
        ...     _ = file.write_text("usual = false\\nhidden = [16, 32]\\nrate = {low = 0.001, high = 0.1, log = true}")
        ...     list(read_space(file).dimensions.values())
        [Choice(values=(16, 32), when={}), LogRange(low=0.001, high=0.1, when={})]
    """
    path = Path(path)
    if path.suffix not in (".toml", ".json"):
        raise UsageError(f"a space must be a file that ends in .toml or .json, but got {str(path)!r}. Rename it.")
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise UsageError(f"a space must be a file that can be read, but got {str(path)!r}: {error.strerror}.") from None
    except ValueError as error:  # what both libraries raise is one
        kind = path.suffix[1:].upper()
        raise UsageError(f"{path} must be {kind}, but got: {error}. Correct it.") from None
    if not isinstance(found, dict):
        raise UsageError(f"{path} must name settings and what they may be, but got {found!r:.60}.")
    usual = found.pop("usual", True)
    if not isinstance(usual, bool):
        raise UsageError(f"usual in {path} must be true or false, but got {usual!r}.")
    space = space_of(found)
    return space.settings if usual else space  # type: ignore[return-value]


def space_of(document: Mapping[str, Any]) -> Space:
    """A space from what JSON or TOML made of it.

    Examples:
        >>> space_of({"training": {"decay": [0.0, 0.01]}, "hidden": 64}).settings
        {'training.decay': Choice(values=(0.0, 0.01), when={}), 'hidden': 64}
    """
    return Space(dict(_settings(document, "")))


def _settings(table: Mapping[str, Any], above: str) -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping) and not value.keys() & WORDS:
            yield from _settings(value, f"{name}.")
        elif isinstance(value, Mapping):
            yield name, _dimension(name, dict(value))
        else:
            yield name, Choice(*value) if isinstance(value, list) else value


def _dimension(name: str, told: dict[str, Any]) -> Choice | Range | LogRange:
    unknown = sorted(told.keys() - WORDS)
    choices, ends = "choices" in told, {"low", "high"} <= told.keys()
    if unknown or choices == ends or (choices and told.keys() & {"step", "log"}):
        wanted = "choices and when" if choices else "low, high, step, log and when"
        raise UsageError(
            f"{name} must have either choices, or low and high, but got {listed(told)}. Say it by {wanted} alone."
        )
    when = told.get("when") or None
    if choices:
        values = told["choices"]
        if not isinstance(values, list):
            raise UsageError(f"choices of {name} must be a list, but got {values!r}. Give for example [32, 64].")
        return Choice(*values, when=when)
    low, high, log = told["low"], told["high"], told.get("log", False)
    if not isinstance(log, bool) or (log and "step" in told):
        raise UsageError(f"log of {name} must be true or false, and not go with a step, but got {log!r}.")
    return LogRange(low, high, when=when or {}) if log else Range(low, high, told.get("step"), when=when or {})
