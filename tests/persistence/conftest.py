"""Small fitted models to save: one with everything a panel may have, one with nothing, one of two networks."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Covariate, FrameSpec, Panel
from foregate.persistence import Artifact
from foregate.pipeline.fit import fit
from foregate.pipeline.recipe import Recipe

QUANTILES = (0.05, 0.5, 0.9)


@pytest.fixture(scope="session")
def rich() -> Artifact:
    """Daily series with gaps, odd ids, three covariates and two kinds of them."""
    rng = np.random.default_rng(1)
    series = [np.cumsum(rng.normal(size=n)) + 20 for n in (40, 31, 55)]
    series[1][5:8] = np.nan
    panel = Panel.from_arrays(series, ids=["a", "Zürich 北", ""], freq="D")
    n = len(panel.values)
    price = rng.normal(size=n).astype(np.float32)
    price[3] = np.nan
    covariates = {
        "price": Covariate("future", price),
        "sky": Covariate("past", rng.integers(0, 2, n).astype(np.float32), ("clear", "wolkig")),
        "region": Covariate("static", np.array([0, 1, np.nan], np.float32), ("north", "south")),
    }
    spec = FrameSpec(id_col="shop", time_unit="date", kind="polars", id_dtype="category")
    panel = replace(panel, covariates=covariates, spec=spec, notes=("a note.",))
    recipe = Recipe(horizon=4, season_length=(7,), steps=3, hidden=8, decoder=8)
    fitted, report = fit(recipe, panel)
    facts = {"parameters": report.parameters, "nested": {"list": [1, 0.1, None, True, "é"]}}
    return Artifact(fitted, recipe, panel, facts)


@pytest.fixture(scope="session")
def plain() -> Artifact:
    """Two series counted in integers."""
    panel = Panel.from_arrays([np.arange(30.0), np.arange(12.0) ** 2])
    recipe = Recipe(horizon=4, season_length=(), steps=3, hidden=8, decoder=8)
    return Artifact(fit(recipe, panel)[0], recipe, panel, {})


@pytest.fixture(scope="session")
def several() -> Artifact:
    """Two networks that forecast together."""
    panel = Panel.from_arrays([np.arange(40.0) % 7, np.arange(32.0) % 5])
    recipe = Recipe(horizon=4, season_length=(), steps=3, hidden=8, decoder=8, members=2)
    return Artifact(fit(recipe, panel)[0], recipe, panel, {})


@pytest.fixture(params=["rich", "plain", "several"])
def artifact(request: pytest.FixtureRequest) -> Artifact:
    """Each of these models."""
    return request.getfixturevalue(request.param)
