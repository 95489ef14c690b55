"""Covariates as they are stored, row by row and series by series, as columns of a panel."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from foregate.core import Covariate, DataError, Role

__all__ = ["Told"]


class Told:
    """Collects the covariates of series, one series after the other.

    Args:
        roles: covariate -> its role, of those that are wanted.

    Examples:
        >>> told = Told({"warm": "past", "shop": "static"})
        >>> told.add('{"shop": "north"}', ['{"warm": 21.5}', None])
        >>> found = told.covariates()
        >>> found["warm"].values.tolist(), found["shop"].categories
        ([21.5, nan], ('north',))
    """

    def __init__(self, roles: Mapping[str, Role]) -> None:
        self.roles = roles
        self._said: dict[str, list[Any]] = {name: [] for name in roles}

    @property
    def varying(self) -> bool:
        """Whether any of them varies from row to row."""
        return any(role != "static" for role in self.roles.values())

    def add(self, attributes: str, rows: Sequence[str | None]) -> None:
        """The next series: JSON of what stays the same, and of each row, None for a row that nothing is known of."""
        if not self.roles:
            return
        own = json.loads(attributes)
        for row in (json.loads(text) if text else {} for text in rows):
            for name, role in self.roles.items():
                if role != "static":
                    self._said[name].append(row.get(name))
        for name, role in self.roles.items():
            if role == "static":
                self._said[name].append(own.get(name))

    def covariates(self) -> dict[str, Covariate]:
        """Columns for the rows, and the series, in the order in which they were added.

        Raises:
            DataError: nothing is stored of one, or it is numbers here and text there.
        """
        return {name: _column(name, role, self._said[name]) for name, role in self.roles.items()}


def _column(name: str, role: Role, said: Sequence[Any]) -> Covariate:
    there = [value for value in said if value is not None]
    where = "attributes of the series" if role == "static" else "the observations"
    if not there:
        raise DataError(
            f"covariate {name!r} must be stored, since the champion reads it, but got none in {where}. Send it with "
            "them, or train under another name without it."
        )
    text = [isinstance(value, str) for value in there]
    if not any(text):
        return Covariate(role, np.array([np.nan if value is None else value for value in said], np.float32))
    if not all(text):
        raise DataError(
            f"covariate {name!r} must be numbers or text, but got both in {where}. Store it in one way only."
        )
    categories = tuple(sorted(set(there)))
    code = {category: float(i) for i, category in enumerate(categories)}
    return Covariate(role, np.array([code.get(value, np.nan) for value in said], np.float32), categories)
