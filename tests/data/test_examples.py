"""The data to try things with is what it says."""

import numpy as np
import pytest

from foregate.core import Frequency
from foregate.data import co2, generate, infer_frequency, read


def test_co2_has_its_missing_weeks():
    """The CO2 record is one weekly series whose 59 missing weeks are kept."""
    pytest.importorskip("statsmodels")
    panel = read(co2())
    assert panel.freq == Frequency(1, "W")
    assert int((~panel.mask).sum()) == 59
    assert panel.is_regular


def test_generated_series_are_reproducible():
    """The same seed gives the same series, another seed others."""
    assert generate(seed=1).equals(generate(seed=1))
    assert not generate(seed=1).equals(generate(seed=2))


def test_generated_series_have_their_season():
    """The generated series vary more between phases of the season than within them."""
    panel = read(generate(1, 700, season=7))
    phases = panel.series(0).reshape(-1, 7)
    phases = phases - phases.mean(axis=1, keepdims=True)
    assert phases.mean(axis=0).std() > np.std(phases - phases.mean(axis=0))
    assert infer_frequency(panel).freq == Frequency(1, "D")
