"""Frozen dataclasses from JSON: every field is of its declared type, or the document is refused."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from foregate.core import ArtifactError, listed

__all__ = ["decode"]

T = TypeVar("T")
LARGEST = 2**53
"""Whole numbers beyond are no sizes."""


def decode(kind: type[T], value: object, where: str, fix: str = "Save the model anew, or upgrade Foregate.") -> T:
    """A value of type `kind` from what `json` made of `dataclasses.asdict`.

    Args:
        kind: a dataclass, or a type that the fields of one may have: str, bool, int, float, Literal of texts, tuple,
            dict from str, or one of these or None.
        value: from JSON.
        where: name of the value in messages.
        fix: what to do about a value that is refused.

    Raises:
        ArtifactError: it is of another type, has fields of another name, or contradicts itself.

    Examples:
        >>> decode(tuple[int, ...], [24, 168], "seasons")
        (24, 168)
    """
    try:
        result: T = _decode(kind, value, where)
    except ArtifactError as error:
        raise ArtifactError(f"{error} {fix}") from error.__cause__
    return result


def _decode(kind: Any, value: Any, where: str) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return _decode_dataclass(kind, value, where)
    if origin in (Union, UnionType):
        if value is None and NoneType in args:
            return None
        (rest,) = (each for each in args if each is not NoneType)
        return _decode(rest, value, where)
    if origin is Literal and isinstance(value, str) and value in args:
        return value
    if origin is tuple and isinstance(value, list):
        kinds = [args[0]] * len(value) if args[-1] is Ellipsis else args
        if len(kinds) == len(value):
            return tuple(_decode(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True)))
    if kind is float and type(value) in (int, float) and math.isfinite(value):
        return float(value)
    if kind is int and type(value) is int and abs(value) <= LARGEST:
        return value
    if kind in (str, bool) and type(value) is kind:
        return value
    if origin is dict and isinstance(value, dict):  # keys are text in JSON
        return (
            value
            if args[1] is Any
            else {name: _decode(args[1], each, f"{where}.{name}") for name, each in value.items()}
        )
    raise ArtifactError(f"{where} must be {_name(kind)}, but got {value!r:.60}.")


def _decode_dataclass(kind: Any, value: Any, where: str) -> Any:
    known = {f.name for f in fields(kind)}
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    if not isinstance(value, dict) or not needed <= set(value) <= known:
        found = (listed(sorted(value), 20) or "nothing") if isinstance(value, dict) else repr(value)
        parts = (("must have", needed), ("may have", known - needed))
        wanted = ", and ".join(f"{verb} the fields {listed(sorted(names), 20)}" for verb, names in parts if names)
        raise ArtifactError(f"{where} {wanted}, but got {found:.200}.")
    hints = get_type_hints(kind)
    given = {name: _decode(hints[name], each, f"{where}.{name}") for name, each in value.items()}
    try:
        return kind(**given)
    except ValueError as error:  # what a dataclass says of contradictions
        raise ArtifactError(f"{where} must make sense, but got: {error}") from error


def _name(kind: Any) -> str:
    return kind.__name__ if isinstance(kind, type) else str(kind).replace("typing.", "")
