"""Polars and narwhals, loaded when they are first used: a live forecaster that reads no table goes without them."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import narwhals as nw
    import polars as pl

__all__ = ["nw", "pl"]


class Later(ModuleType):
    """A library in name, until something of it is asked for.

    Examples:
        >>> Later("json").loads("[1]")
        [1]
    """

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)  # the next time it is there, as in the library itself
        return value


if not TYPE_CHECKING:
    nw, pl = Later("narwhals"), Later("polars")
