"""What people give a forecaster, as the layers below take it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from numbers import Integral
from typing import Any

from foregate.core import DataError, Panel, UsageError, listed
from foregate.data import read
from foregate.data.targets import given_roles
from foregate.forecasting.fitted import Fitted
from foregate.models.options import ModelOptions
from foregate.pipeline.recipe import Recipe

__all__ = ["OWN", "as_before", "recipe_of"]

OWN = ("horizon", "model", "season_length", "effort", "seed")
"""Fields of a recipe that are arguments of their own; the others are `options`."""


def as_before(data: Any, known: Panel, fitted: Fitted) -> Panel:
    """A panel of the columns, targets and frequency that a model was fitted on.

    Args:
        data: a panel, or anything that `foregate.read` takes.
        known: what it was fitted on.
        fitted: the model.

    Raises:
        DataError: the data has a problem, other targets, or another frequency.
    """
    if isinstance(data, Panel):
        panel = data
    else:
        spec = known.spec
        several = spec.target_cols
        panel = read(
            data,
            id_col=spec.id_col if spec.has_ids else None,
            time_col=spec.time_col,
            target_col=None if several else spec.target_col,
            target_cols=several or None,
            covariates=given_roles(((c.name, c.role) for c in fitted.spec.columns), spec),
            freq=known.freq,
        )
    if panel.spec.target_cols != known.spec.target_cols:
        own, others = (listed(p.spec.target_cols) or "one target" for p in (known, panel))
        raise DataError(
            f"the data must have the targets that the model was fitted on, {own}, but got {others}. Read it with "
            "the same target_cols."
        )
    if panel.freq != known.freq:
        fitted_on, given = (getattr(p.freq, "alias", None) for p in (known, panel))
        if panel.freq is not None:
            raise DataError(
                f"the data must step by {fitted_on!r} like what the model was fitted on, but got {given!r}. "
                "Bring it to that frequency, or fit a model for it."
            )
        panel = replace(panel, freq=known.freq)
    return panel


def recipe_of(options: Mapping[str, Any] | None, *, model: Any, season_length: Any, **own: Any) -> Recipe:
    """The recipe of a forecaster's arguments.

    Args:
        options: fields of a recipe that are no arguments of their own.
        model: text, `ModelOptions` or None for the usual one.
        season_length: one length, several, 1 or none for no season, or None to look for them.
        own: the other arguments.

    Raises:
        UsageError: one is wrong or unknown.
    """
    if not isinstance(options, Mapping | None):
        raise UsageError(f'options must be a mapping, but got {options!r}. Give for example options={{"hidden": 64}}.')
    known = {f for f in Recipe.__dataclass_fields__ if f not in OWN}
    unknown = sorted(str(name) for name in set(options or {}) - known)
    if unknown:
        raise UsageError(f"options must be among {', '.join(sorted(known))}, but got {', '.join(unknown)}.")
    lengths: Any = season_length
    if isinstance(lengths, str) or not isinstance(lengths, Iterable | None):
        no_season = lengths == 1 and isinstance(lengths, Integral) and not isinstance(lengths, bool)
        lengths = () if no_season else (lengths,)
    return Recipe(
        model=ModelOptions.parse(model or "") if isinstance(model, str | None) else model,
        season_length=None if lengths is None else tuple(lengths),
        **own,
        **(options or {}),
    )
