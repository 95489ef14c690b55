"""What an exception is told as: the only place where errors become problems."""

from __future__ import annotations

from foregate.core import DataError, MissingExtraError, UsageError
from foregate.core.errors import ForegateError
from foregate.service.problems import Problem
from foregate.service.store.database import StoreError

__all__ = ["problem_of"]


def problem_of(error: Exception) -> Problem:
    """An exception as a problem; one that nobody expected says nothing of itself.

    Examples:
        >>> problem_of(UsageError("horizon must be at least 1, but got 0.")).status
        422
        >>> problem_of(KeyError("secret")).detail
        'the request must be answered, but the service has a defect. Its log says more under the request id.'
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, StoreError):
        known = "Nobody knows whether it has happened" if error.unsure else "Nothing has happened"
        detail = f"the change must be stored, but got: {error} {known}: try again."
        if error.full:
            return Problem(507, "storage-full", detail, headers={"Retry-After": "10"})
        return Problem(503, "storage-unavailable", detail, headers={"Retry-After": "1"})
    if isinstance(error, MissingExtraError):
        return Problem(501, "not-installed", str(error))
    if isinstance(error, UsageError):
        return Problem(422, "invalid-argument", str(error))
    if isinstance(error, DataError):
        return Problem(422, "invalid-data", str(error))
    if isinstance(error, ForegateError):
        return Problem(422, "impossible-for-model", str(error))
    detail = "the request must be answered, but the service has a defect. Its log says more under the request id."
    return Problem(500, "internal", detail)
