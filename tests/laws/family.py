"""Every model that can be put together from its parts: which are valid, a few in which all pairs of parts occur, and
networks whose every part speaks up.

Nothing is listed here: a new part joins all laws by its name in `PARTS`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations, product

import numpy as np
import torch
from torch import nn

from foregate.core import Covariate, Panel
from foregate.data.columns import fit_columns
from foregate.data.inputs import Inputs, InputSpec
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.intervals import Calibration
from foregate.models.cells import Cell
from foregate.models.network import Network
from foregate.models.options import PARTS, ModelOptions
from foregate.pipeline.fit import new_network
from foregate.pipeline.plan import plan_window
from foregate.pipeline.prepare import typical_scale
from foregate.pipeline.recipe import LEVELS, Recipe
from foregate.training.engine import TorchEngine
from tests.laws.battery import HORIZON, SEASON, lively, troubled

USUAL = ModelOptions()
VALUES = {part: tuple(dict.fromkeys((getattr(USUAL, part), *names))) for part, names in PARTS.items()}
"""Part of a model -> what may stand for it, beginning with the usual."""
DRAWS = 10
"""Futures of a recursive model, few enough to be quick."""
LOUD, LOUD_MEMORY = 3.0, 1.3
"""What random weights are multiplied by, so that whatever is read shows in the forecast; and those from a state to the
next, which would grow without end. What is fed back whole would do so too: it is as loud as its memory."""


def every() -> tuple[dict[tuple, ModelOptions], dict[tuple, Exception]]:
    """Every combination of parts: those that can be made, and what was raised for the others."""
    made: dict[tuple, ModelOptions] = {}
    refused: dict[tuple, Exception] = {}
    for parts in product(*VALUES.values()):
        try:
            draws = {"draws": DRAWS} if "recursive" in parts else {}
            made[parts] = ModelOptions(**dict(zip(VALUES, parts, strict=True)), **draws)
        except Exception as error:  # whether it is the right one is for a test to say
            refused[parts] = error
    return made, refused


def pairs_of(parts: Sequence) -> frozenset:
    """Which two values occur together in a combination, each with its place."""
    return frozenset(combinations(enumerate(parts), 2))


def pairwise(valid: Sequence[tuple]) -> list[tuple]:
    """A few of the combinations in which every pair occurs that occurs in any.

    Each time the one with the most new pairs is taken, and of several the one whose values were taken least.
    """
    pairs = {parts: pairs_of(parts) for parts in valid}
    left = set().union(*pairs.values())
    taken: Counter = Counter()
    chosen = []
    while left:
        best = max(pairs, key=lambda parts: (len(pairs[parts] & left), -sum(taken[each] for each in enumerate(parts))))
        chosen.append(best)
        taken.update(enumerate(best))
        left -= pairs.pop(best)
    return chosen


def recipe_of(model: ModelOptions, **changes) -> Recipe:
    """A small recipe."""
    small = {"steps": 2, "hidden": 8, "decoder": 6, "crop": 16, "batch": 4, "validate": False}
    return Recipe(HORIZON, (SEASON,), **{**small, "model": model, **changes})


def counts(model: ModelOptions) -> bool:
    """Whether it says whole numbers."""
    return model.head == "negative-binomial"


@cache
def loud_network(model: ModelOptions, spec: InputSpec, seed: int = 0) -> Network:
    """A network that was never trained, with large random weights."""
    network = new_network(recipe_of(model, seed=seed), spec)
    memory = {
        id(parameter)
        for part in network.modules()
        if isinstance(part, nn.RNNBase | Cell)
        for parameter in part.parameters()
    }
    loudness = LOUD_MEMORY if model.strategy == "recursive" else LOUD
    with torch.no_grad():
        for parameter in network.parameters():
            parameter *= LOUD_MEMORY if id(parameter) in memory else loudness
            if not parameter.any():  # what begins at zero would say nothing
                parameter += torch.linspace(-1, 1, parameter.numel()).reshape(parameter.shape)
    return network.eval()


def spec_of(model: ModelOptions, panel: Panel) -> InputSpec:
    """What a network of a panel is told."""
    seasons = SEASON, 1
    return InputSpec(seasons, 12, plan_window(seasons), counts(model), fit_columns(panel))


SCALES: dict[tuple, float] = {}
"""What was found already: every law fits every model to the same few panels."""


def scale_of(panel: Panel, spec: InputSpec) -> float:
    """The typical change of the series of a panel."""
    key = spec, *(array.tobytes() for array in (panel.values, panel.mask, panel.offsets))
    if key not in SCALES:
        SCALES[key] = typical_scale(Inputs(panel, spec))
    return SCALES[key]


def fitted_with(engine, spec: InputSpec, panel: Panel) -> Fitted:
    """A forecaster with an engine, whose intervals are moved about a little."""
    factors = np.ones((2, len(LEVELS)))
    factors[1] = np.linspace(2, 1, len(LEVELS))
    factors[1, len(LEVELS) // 2 :] = factors[1, len(LEVELS) // 2 :: -1]
    return Fitted(engine, spec, Calibration(factors), HORIZON, scale_of(panel, spec))


def loud(model: ModelOptions, seed: int = 0):
    """Fits a panel at once: a loud network, whatever it is told."""

    def fit(panel: Panel) -> Fitted:
        spec = spec_of(model, panel)
        return fitted_with(TorchEngine(loud_network(model, spec, seed)), spec, panel)

    return fit


def whole(panel: Panel) -> Panel:
    """The same in whole numbers from 0 to about 60, as counts are."""
    most = np.maximum.reduceat(np.where(panel.mask, np.abs(panel.values), 0), panel.offsets[:-1])
    return replace(panel, values=np.round(np.abs(60 * panel.values / most[panel.row_series])))


def panel_of(model: ModelOptions, make=lively):
    """What makes the series that a model is for: counts, where it takes nothing else."""

    def make_counts(**kinds) -> Panel:
        return whole(make(**kinds))

    return make_counts if counts(model) else make


def knowing(*, seed: int = 0, with_missing: bool = True) -> Panel:
    """`troubled`, and two covariates that are known ahead: a number and a category."""
    panel = troubled(seed=seed, with_missing=with_missing)
    rng = np.random.default_rng(seed + 1)
    number = Covariate("future", rng.normal(size=len(panel.values)).astype(np.float32))
    kind = Covariate("future", rng.integers(0, 2, len(panel.values)).astype(np.float32), ("off", "on"))
    return replace(panel, covariates={**panel.covariates, "known": number, "open": kind})
