"""Rows before the first observation are not there: they are not read, and nothing is made of them."""

import numpy as np
import pytest

from foregate.core import Panel
from foregate.persistence import load_shipped
from foregate.pipeline.instant import instant
from foregate.pipeline.recipe import Recipe
from foregate.streaming import Live

LEVELS = (0.1, 0.5, 0.9)


def series(kind: str) -> np.ndarray:
    rng = np.random.default_rng(5)
    wave = np.sin(2 * np.pi * np.arange(60) / 7)
    return {"positive": 50 + 10 * wave, "signed": 10 * wave + rng.normal(size=60), "counts": rng.poisson(2.0, 60)}[kind]


def forecasts(panel: Panel) -> np.ndarray:
    fitted, _ = instant(Recipe(6, (7,), "instant"), panel, load_shipped())
    return fitted.forecast(panel, 6, LEVELS).values


@pytest.mark.parametrize("kind", ["positive", "signed", "counts"])
@pytest.mark.parametrize("missing", [1, 5, 70])
def test_missing_rows_before_the_first_observation_change_nothing(kind, missing):
    """A series that begins with missing rows is forecast as the same series without them, at once and live."""
    y = series(kind)
    late = np.r_[[np.nan] * missing, y]
    plain = forecasts(Panel.from_arrays([y]))
    np.testing.assert_allclose(forecasts(Panel.from_arrays([late])), plain, rtol=1e-5)
    fitted, _ = instant(Recipe(6, (7,), "instant"), Panel.from_arrays([y]), load_shipped())
    live = Live.start(fitted, Panel.from_arrays([late]))
    np.testing.assert_allclose(live.forecast(6, quantiles=LEVELS).values, plain, rtol=1e-5)
    assert int(live.expected()[0]) == len(late)


@pytest.mark.parametrize("times", [1000.0, 1e-3])
def test_units_of_late_series_do_not_matter(times):
    """Series with negative values that begin late are forecast alike in thousands and in thousandths."""
    y = np.r_[[np.nan] * 9, series("signed")]
    np.testing.assert_allclose(
        forecasts(Panel.from_arrays([times * y])), times * forecasts(Panel.from_arrays([y])), rtol=1e-3
    )
