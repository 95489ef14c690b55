"""What every way to a fitted model begins and ends with. No torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from foregate.core import Panel
from foregate.data.inputs import Inputs
from foregate.data.seasons import find_seasons
from foregate.forecasting.fitted import LEAST_OBSERVATIONS, SERIES_AT_ONCE, short_series_notes
from foregate.pipeline.recipe import Recipe

__all__ = ["choose_seasons", "few_observations", "season_pair", "shown_seasons", "typical_scale"]

USUAL_CHANGE = 0.1
"""Relative change per step where no series shows any."""


def choose_seasons(recipe: Recipe, panel: Panel) -> tuple[int, int]:
    """The short and the long season in rows, as the recipe says or as the data shows; 1 for none."""
    found = find_seasons(panel) if recipe.season_length is None else recipe.season_length
    return season_pair(found)


def season_pair(lengths: Sequence[int]) -> tuple[int, int]:
    """The short and the long season of none, one or two; 1 for none.

    Examples:
        >>> season_pair([24])
        (24, 1)
    """
    short, long = [*lengths, 1, 1][:2]
    return short, long


def shown_seasons(seasons: tuple[int, int]) -> tuple[int, ...]:
    """The seasons that are there.

    Examples:
        >>> shown_seasons((24, 1))
        (24,)
    """
    return tuple(m for m in seasons if m > 1)


def typical_scale(inputs: Inputs) -> float:
    """Median relative change per step over the series, for those that are too short to have one; see `Fitted`."""
    panel = inputs.panel
    last = panel.offsets[1:][panel.lengths > 0] - 1
    parts = (inputs.near(last[i : i + SERIES_AT_ONCE]) for i in range(0, len(last), SERIES_AT_ONCE))
    relative = np.concatenate([view.tracks.relative[view.tracks.row[rows]] for view, rows in parts])
    return float(np.median(relative[relative > 0])) if (relative > 0).any() else USUAL_CHANGE


def few_observations(panel: Panel) -> tuple[str, ...]:
    """What to say of the series that are forecast by the simple rule."""
    observed = np.bincount(panel.row_series[panel.mask], minlength=len(panel))
    return short_series_notes(panel.ids[observed < LEAST_OBSERVATIONS])
