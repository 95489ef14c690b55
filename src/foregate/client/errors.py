"""What goes wrong when a service is asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foregate.core.errors import ForegateError

__all__ = ["ServiceError", "UnreachableError"]


class ServiceError(ForegateError):
    """The service refuses; it has said why.

    Args:
        status: of HTTP.
        said: its problem document.

    Examples:
        >>> error = ServiceError(404, {"type": "https://x/problems/no-such-model", "detail": "model must be one."})
        >>> error.slug, str(error)
        ('no-such-model', 'model must be one. (404 no-such-model)')
    """

    def __init__(self, status: int, said: Mapping[str, Any]) -> None:
        self.status = status
        self.slug = str(said.get("type", "")).rpartition("/")[2]
        """The short name of the problem, for programs."""
        self.facts = dict(said)
        """All that the service has said."""
        self.request_id = str(said.get("request_id", ""))
        """By which the log of the service knows it."""
        super().__init__(
            f"{said.get('detail', 'the service must say what is wrong, but did not.')} ({status} {self.slug})"
        )


class UnreachableError(ForegateError):
    """The service has not answered, however often it was asked."""
