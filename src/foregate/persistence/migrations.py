"""Models of older versions: one function per version of the format, each making a document of the next."""

from __future__ import annotations

from collections.abc import Callable

from foregate.core import ArtifactError
from foregate.persistence.folder import Document

__all__ = ["SCHEMA", "migrate"]

SCHEMA = 1
"""The version of the format that is written. It grows when an older reader would misunderstand; a new field that has a
default is no reason."""

STEPS: dict[int, Callable[[Document], Document]] = {}
"""Version -> the function that brings a document of it to the next."""


def refuse_newer(document: Document) -> Document:
    """The document, unless a newer version wrote it.

    Raises:
        ArtifactError: it did, or no version is given.
    """
    schema = document.get("schema")
    if isinstance(schema, bool) or not isinstance(schema, int) or schema < 1:
        raise ArtifactError(f"the version of a model must be a whole number from 1 on, but got {schema!r:.40}.")
    if schema > SCHEMA:
        raise ArtifactError(
            f"the version of a model must be at most {SCHEMA}, but got {schema}: it was made by a newer version, "
            f"Foregate {document.get('foregate')!s:.40}. Upgrade Foregate."
        )
    return document


def migrate(document: Document) -> Document:
    """The document in the form of today's version."""
    for version in range(document["schema"], SCHEMA):
        document = STEPS[version](document)
    return document
