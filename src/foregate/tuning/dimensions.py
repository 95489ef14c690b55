"""What a setting may be in a search: one of some values, or a number between two."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from foregate.core import UsageError

if TYPE_CHECKING:
    from optuna.trial import Trial

__all__ = ["Choice", "Dimension", "LogRange", "Range", "holds", "label"]

FEW = 16
"""A range of whole numbers with up to so many of them is checked number by number, others at both ends."""

When: TypeAlias = Mapping[str, Any]
"""Name of another setting -> the value, or several in a tuple, that it must have for this one to matter."""


@dataclass(frozen=True, init=False)
class Choice:
    """One of some values.

    Args:
        values: one after the other.
        when: what other settings must be for this one to be tried: ``{"start": "scratch"}``.

    Examples:
        >>> Choice(32, 64, 96, when={"start": "scratch"}).values
        (32, 64, 96)
    """

    values: tuple[Any, ...]
    """What it may be: numbers, texts, None, True and False, or tuples of numbers."""
    when: When = field(default_factory=dict)
    """What other settings must be."""

    def __init__(self, *values: Any, when: When | None = None) -> None:
        # JSON has no tuples: a list from a file is the same as a tuple from Python.
        own = tuple(tuple(value) if isinstance(value, list) else value for value in values)
        if not own or len({label(value) for value in own}) < len(own):
            raise UsageError(
                f"the values of a Choice must be at least one, and all different, but got {list(values)}. Give for "
                "example Choice(32, 64)."
            )
        object.__setattr__(self, "values", own)
        object.__setattr__(self, "when", _checked(when))

    @property
    def tried(self) -> tuple[Any, ...]:
        """Values by which contradictions are looked for: all."""
        return self.values

    @property
    def grid(self) -> tuple[Any, ...]:
        """All values, in order."""
        return self.values

    def drawn(self, rng: np.random.Generator) -> Any:
        """One of the values."""
        return self.values[int(rng.integers(len(self.values)))]

    def suggested(self, trial: Trial, name: str) -> Any:
        """What a sampler chooses."""
        by = {label(value): value for value in self.values}
        return by[trial.suggest_categorical(name, list(by))]

    def stored(self, value: Any) -> Any:
        """A value as a study keeps it: text, since it knows no tuples."""
        return label(value)

    def restored(self, value: Any) -> Any:
        """The value again."""
        return next(own for own in self.values if label(own) == value)

    def document(self) -> dict[str, Any]:
        """In types that JSON knows, as a file of a space has it."""
        return {"choices": [list(v) if isinstance(v, tuple) else v for v in self.values], **_told(self.when)}


@dataclass(frozen=True)
class Range:
    """A number between two, both included; whole if both are.

    Examples:
        >>> Range(1, 4).grid, Range(0.0, 0.5, step=0.25).grid
        ((1, 2, 3, 4), (0.0, 0.25, 0.5))
    """

    low: float
    """The least."""
    high: float
    """The most."""
    step: float | None = None
    """Only every so much from `low` on; None for any, or every whole number."""
    when: When = field(default_factory=dict)
    """What other settings must be for this one to be tried."""

    def __post_init__(self) -> None:
        _check_ends("Range", self.low, self.high)
        object.__setattr__(self, "when", _checked(self.when))
        step = self.step
        if step is None:
            return
        if (
            not _number(step)
            or step <= 0
            or step > self.high - self.low
            or (_whole(self) and not isinstance(step, int))
        ):
            raise UsageError(
                f"the step of a Range must be a number above 0, of the kind of its ends and at most from one to the "
                f"other, but got {step!r} from {self.low} to {self.high}. Give for example Range(0.0, 0.4, step=0.1)."
            )

    @property
    def tried(self) -> tuple[float, ...]:
        """Values by which contradictions are looked for."""
        few = (_whole(self) or self.step is not None) and len(self.grid) <= FEW
        return self.grid if few else (self.low, self.high)

    @property
    def grid(self) -> tuple[float, ...]:
        """All values in order.

        Raises:
            UsageError: there is no end to them.
        """
        if self.step is None and not _whole(self):
            raise UsageError(
                f"a grid must be of values that can be counted, but got {self!r}. Give a step, or a Choice of some."
            )
        step = self.step or 1
        count = math.floor((self.high - self.low) / step + 1e-9) + 1
        return tuple(self.low + i * step for i in range(count))

    def drawn(self, rng: np.random.Generator) -> float:
        """A number of the range."""
        if _whole(self) or self.step is not None:
            step = self.step or 1
            return self.low + step * int(rng.integers(math.floor((self.high - self.low) / step + 1e-9) + 1))
        return float(rng.uniform(self.low, self.high))

    def suggested(self, trial: Trial, name: str) -> float:
        """What a sampler chooses."""
        if _whole(self):
            return trial.suggest_int(name, int(self.low), int(self.high), step=int(self.step or 1))
        return trial.suggest_float(name, self.low, self.high, step=self.step)

    def stored(self, value: float) -> float:
        """A value as a study keeps it: as it is."""
        return value

    def restored(self, value: float) -> float:
        """The value again."""
        return value

    def document(self) -> dict[str, Any]:
        """In types that JSON knows, as a file of a space has it."""
        step = {} if self.step is None else {"step": self.step}
        return {"low": self.low, "high": self.high, **step, **_told(self.when)}


@dataclass(frozen=True)
class LogRange:
    """A number between two, both included, of which each doubling is as likely as another; whole if both are.

    Examples:
        >>> LogRange(1e-4, 1e-2).tried
        (0.0001, 0.01)
    """

    low: float
    """The least, above 0."""
    high: float
    """The most."""
    when: When = field(default_factory=dict)
    """What other settings must be for this one to be tried."""

    def __post_init__(self) -> None:
        _check_ends("LogRange", self.low, self.high)
        object.__setattr__(self, "when", _checked(self.when))
        if self.low <= 0:
            raise UsageError(
                f"a LogRange must begin above 0, but got {self.low}. Give for example LogRange(1e-4, 1e-2)."
            )

    @property
    def tried(self) -> tuple[float, ...]:
        """Values by which contradictions are looked for."""
        return (self.low, self.high)

    @property
    def grid(self) -> tuple[float, ...]:
        """Refused: there is no end to them.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"a grid must be of values that can be counted, but got {self!r}. Give a Choice of some.")

    def drawn(self, rng: np.random.Generator) -> float:
        """A number of the range."""
        found = min(max(math.exp(rng.uniform(math.log(self.low), math.log(self.high))), self.low), self.high)
        return round(found) if _whole(self) else found

    def suggested(self, trial: Trial, name: str) -> float:
        """What a sampler chooses."""
        if _whole(self):
            return trial.suggest_int(name, int(self.low), int(self.high), log=True)
        return trial.suggest_float(name, self.low, self.high, log=True)

    def stored(self, value: float) -> float:
        """A value as a study keeps it: as it is."""
        return value

    def restored(self, value: float) -> float:
        """The value again."""
        return value

    def document(self) -> dict[str, Any]:
        """In types that JSON knows, as a file of a space has it."""
        return {"low": self.low, "high": self.high, "log": True, **_told(self.when)}


Dimension: TypeAlias = Choice | Range | LogRange
"""What a setting may be."""


def label(value: Any) -> str:
    """A value as text that stands for it alone: ``64``, ``"gru"``, ``null``, ``[24, 168]``.

    Examples:
        >>> label(64), label("gru"), label(None), label((24, 168))
        ('64', '"gru"', 'null', '[24, 168]')
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):
        raise UsageError(
            f"a value to try must be a number, a text, True, False, None or a tuple of these, but got {value!r}. Name "
            "the setting inside it, such as model.cell."
        ) from None


def holds(value: Any, wanted: Any) -> bool:
    """Whether a value is the one that is wanted, or among several in a tuple or list.

    Examples:
        >>> holds("gru", ("lstm", "gru")), holds(None, "scratch")
        (True, False)
    """
    several: Sequence[Any] = wanted if isinstance(wanted, (tuple, list)) else (wanted,)
    return any(type(value) is type(one) and value == one for one in several)


def _checked(when: When | None) -> dict[str, Any]:
    if not isinstance(when, Mapping | None) or not all(isinstance(name, str) for name in when or {}):
        raise UsageError(
            f"when must be a dict from names of settings to values, but got {when!r}. Give for example "
            'when={"start": "scratch"}.'
        )
    return {name: tuple(value) if isinstance(value, list) else value for name, value in (when or {}).items()}


def _told(when: When) -> dict[str, Any]:
    told = {name: list(value) if isinstance(value, tuple) else value for name, value in when.items()}
    return {"when": told} if told else {}


def _number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _whole(ends: Range | LogRange) -> bool:
    return isinstance(ends.low, int) and isinstance(ends.high, int)


def _check_ends(kind: str, low: object, high: object) -> None:
    fits = _number(low) and _number(high) and isinstance(low, int) == isinstance(high, int)
    if not fits or not low < high:  # type: ignore[operator]
        raise UsageError(
            f"a {kind} must go from a number to a larger one of its kind, but got {low!r} to {high!r}. Give for "
            f"example {kind}(16, 128), or {kind}(0.1, 0.5)."
        )
