"""What a reader may be told when sniffing cannot know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from foregate.core import UsageError

__all__ = ["Format", "ReadOptions"]

Format = Literal["csv", "parquet", "json", "ndjson"]
_FORMATS = ("csv", "parquet", "json", "ndjson")
_EPOCHS = ("s", "ms", "us", "ns")
_THOUSANDS = (",", ".", " ", "'", "_")


@dataclass(frozen=True)
class ReadOptions:
    """Overrides for `read`; whatever is None is sniffed from the data.

    Examples:
        >>> ReadOptions(decimal=",", date_format="%d/%m/%Y").separator is None
        True
    """

    format: Format | None = None
    """How the bytes are laid out: ``csv`` (tab-separated too), ``parquet``, ``json`` or ``ndjson``."""
    separator: str | None = None
    """The one character between two fields of a CSV file."""
    decimal: Literal[".", ","] | None = None
    """The decimal mark of numbers that come as text."""
    thousands: str | None = None
    """The mark between groups of three digits: ``,`` ``.`` ``'`` ``_`` or a space."""
    encoding: str | None = None
    """A Python codec name such as ``utf-8`` or ``latin-1``."""
    date_format: str | None = None
    """A strftime pattern such as ``%d/%m/%Y %H:%M`` for times that come as text or as whole numbers."""
    epoch: Literal["s", "ms", "us", "ns"] | None = None
    """Times are numbers of this unit since 1970-01-01 UTC."""
    timeout_s: float = 30.0
    """Seconds to wait for a web server before giving up."""

    def __post_init__(self) -> None:
        self._check("format", self.format, _FORMATS)
        self._check("decimal", self.decimal, (".", ","))
        self._check("thousands", self.thousands, _THOUSANDS)
        self._check("epoch", self.epoch, _EPOCHS)
        if self.separator is not None and len(self.separator) != 1:
            raise UsageError(
                f"separator must be one character, but got {self.separator!r}. Give for example separator=';'."
            )
        if self.decimal is not None and self.decimal == self.thousands:
            raise UsageError(f"decimal and thousands must differ, but both are {self.decimal!r}. Change one of them.")
        if self.date_format is not None and self.epoch is not None:
            raise UsageError("date_format and epoch must not both be given, but both are. Leave one of them out.")
        if self.encoding is not None:
            self._check_encoding(self.encoding)
        if not self.timeout_s > 0:
            raise UsageError(f"timeout_s must be above 0 seconds, but got {self.timeout_s}. Give for example 30.")

    @staticmethod
    def _check(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
        if value is not None and value not in allowed:
            choices = ", ".join(repr(choice) for choice in allowed)
            raise UsageError(f"{name} must be one of {choices}, but got {value!r}. Leave it out to have it sniffed.")

    @staticmethod
    def _check_encoding(encoding: str) -> None:
        try:
            "".encode(encoding)
        except LookupError:
            raise UsageError(
                f"encoding must be a codec that Python knows, but got {encoding!r}. Give for example 'latin-1'."
            ) from None
