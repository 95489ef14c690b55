"""What names of models, aliases and keys are like."""

from __future__ import annotations

__all__ = ["WORD", "WORD_PATTERN"]

WORD = "[a-z0-9][a-z0-9._-]{0,63}"
"""A name that stands in paths and labels as it is."""
WORD_PATTERN = f"^{WORD}$"
"""The same as documents of an API have it."""
