"""What people give a forecaster, as the layers below take it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import Covariate, DataError, Panel, UsageError, listed, require_torch
from foregate.data import read
from foregate.data.grid import grid_of
from foregate.data.targets import given_roles
from foregate.forecasting.fitted import Fitted
from foregate.models.options import ModelOptions
from foregate.persistence import as_torch
from foregate.pipeline.recipe import Recipe
from foregate.training.events import Callback

__all__ = [
    "OWN",
    "Weights",
    "arguments_of",
    "as_before",
    "check_run",
    "recipe_of",
    "require_alike",
    "spread_weights",
    "to_go_on",
    "with_known",
]

Weights = Mapping[str, float] | Sequence[float] | NDArray[np.floating] | None
"""How much series, by id, or rows count in the loss."""
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
    require_alike(panel, known)
    return with_known(replace(panel, freq=panel.freq or known.freq), fitted)


def with_known(panel: Panel, fitted: Fitted) -> Panel:
    """The same panel, where every category that the model knows has a code: the future may hold it.

    A column that is empty in the whole panel is one of categories where the model has some. For a model without
    covariates it is the panel itself, which that may have read already.
    """
    if not fitted.spec.columns:
        return panel
    known = {column.name: column.categories for column in fitted.spec.columns}

    def told_apart(name: str, own: Covariate) -> Covariate:
        every = dict.fromkeys((*own.categories, *known.get(name, ())))  # its own come first, and keep their codes
        return replace(own, categories=tuple(every)) if own.categories or np.isnan(own.values).all() else own

    return replace(panel, covariates={name: told_apart(name, own) for name, own in panel.covariates.items()})


def to_go_on(fitted: Fitted, known: Panel, panel: Panel) -> Fitted:
    """A model as training on takes it: run by torch, for a panel like the one that it was fitted on.

    Raises:
        DataError: other targets, or another frequency.
    """
    require_alike(panel, known)
    return replace(fitted, engine=as_torch(fitted.engine))


def require_alike(panel: Panel, known: Panel) -> None:
    """Refuse a panel of other targets than a known one, or of another frequency.

    Raises:
        DataError: says both.
    """
    if panel.spec.target_cols != known.spec.target_cols:
        own, others = (listed(p.spec.target_cols) or "one target" for p in (known, panel))
        raise DataError(
            f"the data must have the targets that the model was fitted on, {own}, but got {others}. Read it with "
            "the same target_cols."
        )
    if panel.freq not in (None, known.freq):
        fitted_on, given = (getattr(p.freq, "alias", None) for p in (known, panel))
        raise DataError(
            f"the data must step by {fitted_on!r} like what the model was fitted on, but got {given!r}. "
            "Bring it to that frequency, or fit a model for it."
        )


def check_run(
    recipe: Recipe, *, warm: bool, weights: object, callbacks: Sequence[Callback], checkpoint: str | Path | None
) -> None:
    """Refuse what cannot be done before any data is read.

    Raises:
        MissingExtraError: there is something to train, and torch is not installed.
        UsageError: training is told something and there is none, or the place of checkpoints is a file.
    """
    if not isinstance(warm, bool):
        raise UsageError(f"warm must be True or False, but got {warm!r}. Give True to train on.")
    if recipe.effort == "instant":
        given = {"warm": warm, "weights": weights is not None, "callbacks": callbacks, "checkpoint": checkpoint}
        told = [name for name, value in given.items() if value]
        if told:
            raise UsageError(
                f"effort must be one that trains where {' and '.join(told)} are given, but got 'instant'. Choose "
                "effort='fast', or leave them out."
            )
        return
    require_torch()
    if checkpoint is not None and Path(checkpoint).is_file():
        raise UsageError(f"checkpoint must be a folder, but got the file {checkpoint}. Name another place.")


def spread_weights(weights: Weights, given: Panel, panel: Panel) -> Weights:
    """The weights of the rows of a regular panel, by those of the rows that it was made of.

    Args:
        weights: of the rows that were given; others, such as those of series, are left as they are.
        given: as it was read.
        panel: the same with a row for every step, which may end where a known future begins.

    Raises:
        UsageError: they are neither as many as the rows that were given, nor as those of the regular panel.

    Examples:
        >>> import polars as pl
        >>> from foregate.data import regularize
        >>> given = read(pl.DataFrame({"ds": [1, 2, 4], "y": [1.0, 2.0, 3.0]}), freq=1)
        >>> spread_weights([1, 2, 3], given, regularize(given)).tolist()
        [1.0, 2.0, 0.0, 3.0]
    """
    same = np.array_equal(given.offsets, panel.offsets) and np.array_equal(given.times, panel.times)
    if weights is None or isinstance(weights, Mapping) or same:
        return weights
    numbers, rows = np.asarray(weights), len(given.values)
    if numbers.shape != (rows,) or panel.freq is None:
        if numbers.shape == panel.values.shape:
            return weights
        raise UsageError(
            f"weights must have one number for each of the {rows:,} rows that were given, or of the "
            f"{len(panel.values):,} with gaps filled, but got shape {numbers.shape}. Give weights by series, or by row."
        )
    steps, series = grid_of(given, panel.freq).steps, given.row_series
    kept = steps < panel.lengths[series]
    spread = np.zeros(len(panel.values), np.float64)
    spread[(panel.offsets[:-1][series] + steps)[kept]] = numbers[kept]
    return spread


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


def arguments_of(recipe: Recipe) -> dict[str, Any]:
    """The arguments of a forecaster that has a recipe: `recipe_of` the other way round.

    Examples:
        >>> arguments_of(Recipe(horizon=3, hidden=64))["options"]
        {'hidden': 64}
    """
    usual = Recipe(recipe.horizon)
    said = {name: getattr(recipe, name) for name in Recipe.__dataclass_fields__ if name not in OWN}
    options = {name: value for name, value in said.items() if value != getattr(usual, name)}
    own = {name: getattr(recipe, name) for name in OWN}
    return own | {"model": None if recipe.model == usual.model else recipe.model, "options": options or None}
