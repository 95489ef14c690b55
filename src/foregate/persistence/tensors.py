"""Arrays to safetensors and back: names, types and shapes must be as expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from foregate.core import ArtifactError, listed

__all__ = ["Form", "pack", "unpack"]


@dataclass(frozen=True)
class Form:
    """What an array must be."""

    dtype: type[np.generic]
    """Type of its numbers."""
    shape: tuple[int | None, ...] | None
    """Its axes; None for one of any length, or for any axes."""
    gaps: bool = False
    """Whether NaN may stand for what is missing; infinity never may."""


def pack(arrays: Mapping[str, NDArray[Any]], forms: Mapping[str, Form] | Form, where: str) -> bytes:
    """Arrays as one safetensors file that `unpack` takes.

    Raises:
        ArtifactError: see `unpack`; what could not be read again is not written either.
    """
    _require(arrays, forms, where)
    packed: bytes = save({name: np.asarray(array, order="C") for name, array in arrays.items()})
    return packed


def unpack(raw: bytes, forms: Mapping[str, Form] | Form, where: str) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file.

    Args:
        raw: the file.
        forms: name -> what each array must be; it has these and no others. A form alone is that of all arrays, whatever
            their names.
        where: name of the file in messages.

    Raises:
        ArtifactError: it is damaged, an array is missing, unknown or of another form, or a number is not finite.
    """
    try:
        arrays: dict[str, NDArray[Any]] = load(raw)
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{where} must be a safetensors file, but got a damaged one ({error}).") from error
    _require(arrays, forms, where)
    return arrays


def _require(arrays: Mapping[str, NDArray[Any]], forms: Mapping[str, Form] | Form, where: str) -> None:
    if isinstance(forms, Form):
        forms = dict.fromkeys(arrays, forms)
    if set(arrays) != set(forms):
        wrong = listed(sorted(set(arrays) ^ set(forms)))
        raise ArtifactError(f"{where} must have exactly the arrays of this model, but got missing or unknown: {wrong}.")
    for name, form in forms.items():
        array = arrays[name]
        if array.dtype != form.dtype or not _fits(array.shape, form.shape):
            wanted = f"{np.dtype(form.dtype)} {'' if form.shape is None else form.shape}".rstrip()
            raise ArtifactError(f"{name} in {where} must be {wanted}, but got {array.dtype} {array.shape}.")
        if array.dtype.kind == "f" and (np.isinf(array) if form.gaps else ~np.isfinite(array)).any():
            raise ArtifactError(f"{name} in {where} must hold finite numbers, but got NaN or infinite ones.")


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...] | None) -> bool:
    if wanted is None:
        return True
    return len(shape) == len(wanted) and all(n in (m, None) for n, m in zip(wanted, shape, strict=True))
