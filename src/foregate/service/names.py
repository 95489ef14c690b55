"""What names of models, aliases and keys are like, and how large numbers of requests may be."""

from __future__ import annotations

__all__ = ["MOST", "VERSIONS", "WORD", "WORD_PATTERN"]

WORD = "[a-z0-9][a-z0-9._-]{0,63}"
"""A name that stands in paths and labels as it is."""
WORD_PATTERN = f"^{WORD}$"
"""The same as documents of an API have it."""
MOST = 2**53
"""Whole numbers go so far in the JSON of every language, and in every database."""
VERSIONS = 2**31 - 1
"""A version's number at most."""
