"""Every error that Foregate raises on purpose.

    ForegateError
    ├── UsageError            an argument is wrong: unknown name, impossible number (exit code 2)
    ├── DataError             the data has a problem: says what, where and what to do (exit code 1)
    ├── ModelError            a model cannot do what was asked (exit code 1)
    │   ├── NotFittedError    it has not been fitted yet
    │   └── ArtifactError     a saved model is damaged, foreign, or newer than this version
    └── MissingExtraError     something optional is not installed; names the extra (exit code 1)

Messages have one form: what "must be …, but got …", then the fix.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from numbers import Integral

__all__ = [
    "ArtifactError",
    "DataError",
    "ForegateError",
    "MissingExtraError",
    "ModelError",
    "NotFittedError",
    "UsageError",
    "at_least",
    "listed",
    "require_torch",
]


def listed(names: Iterable[object], most: int = 5) -> str:
    """Names for a message: the first few, then how many more.

    Examples:
        >>> listed(["a", "b", "c"], most=2)
        "'a', 'b' and 1 more"
    """
    found = [str(name) for name in names]
    shown = ", ".join(repr(name) for name in found[:most])
    return f"{shown} and {len(found) - most} more" if len(found) > most else shown


def at_least(minimum: int, **numbers: object) -> None:
    """Refuse numbers that are not whole or too small, by their names.

    Raises:
        UsageError: names the first of them.

    Examples:
        >>> at_least(1, horizon=24, step=12)
    """
    for name, number in numbers.items():
        if not is_whole(number, minimum):
            raise UsageError(f"{name} must be a whole number of at least {minimum}, but got {number!r}.")


def is_whole(number: object, least: int) -> bool:
    """Whether something is a whole number, of Python or numpy, of at least `least`.

    Examples:
        >>> is_whole(3, 1), is_whole(True, 1), is_whole(3.0, 1)
        (True, False, False)
    """
    return isinstance(number, Integral) and not isinstance(number, bool) and int(number) >= least


class ForegateError(Exception):
    """Base of all errors raised on purpose; catch it to catch them all."""


class UsageError(ForegateError, ValueError):
    """An argument is wrong, whatever the data is."""


class DataError(ForegateError, ValueError):
    """The data has a problem; the message says what, where, and what to do."""


class ModelError(ForegateError, RuntimeError):
    """A model cannot do what was asked of it."""


class NotFittedError(ModelError):
    """The forecaster has not been fitted yet."""


class ArtifactError(ModelError):
    """A saved model is damaged, foreign, or newer than this version of Foregate."""


class MissingExtraError(ForegateError, ImportError):
    """Something optional is not installed; the message names the extra that brings it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f'{what} needs the "{extra}" extra. Install it: pip install "foregate[{extra}]"')
        self.what, self.extra = what, extra

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        """How it comes back from another process: made anew from its arguments, not from its message."""
        return type(self), (self.what, self.extra)


def require_torch() -> None:
    """Refuse to train where torch is not installed; it is looked for, not loaded.

    Raises:
        MissingExtraError: names the extra.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingExtraError("training", "train")
