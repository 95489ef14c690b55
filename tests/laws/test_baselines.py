"""Every baseline of the registry obeys the laws of every model, and every law can be broken."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from foregate.core import MissingExtraError, ModelError
from foregate.evaluation import BASELINES, Drift, SeasonalNaive, baseline
from foregate.evaluation.statistical import LIBRARIES
from tests.laws import battery
from tests.laws.battery import LAWS, SEASON, Subject, name_of

# Optimisers that stop at an absolute tolerance end a little elsewhere in other units.
UNITS = {"AutoETS": 0.01, "AutoTheta": 0.1, "AutoARIMA": 0.01, "Prophet": 0.01}


@pytest.mark.parametrize("law", LAWS, ids=name_of)
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in LIBRARIES)) for n in BASELINES])
def test_every_baseline_obeys(name, law):
    """Every registered baseline obeys every law."""
    try:
        fit = baseline(name, season=SEASON)
    except MissingExtraError as e:
        pytest.skip(str(e))
    law(Subject(name, fit, units_rtol=UNITS.get(name, 1e-6)))


@dataclass
class Spoiled:
    """SeasonalNaive with its forecasts spoiled by a function of the forecast and what it was made from."""

    spoil: object
    name = "Spoiled"

    def forecast(self, panel, horizon, quantiles, future=None):
        said = SeasonalNaive(SEASON).forecast(panel, horizon, quantiles)
        return self.spoil(said, panel)


class Prophetess(Drift):
    """Looks one row beyond its origins."""

    name = "Prophetess"

    def forecast_origins(self, panel, origins, horizon, quantiles):
        ahead = np.minimum(origins + 1, panel.lengths[:, None] - 1)
        return super().forecast_origins(panel, ahead, horizon, quantiles)


def late(said, panel):
    return replace(said, times=said.times + 1)


def crossing(said, panel):
    return replace(said, values=said.values[..., ::-1])


def mixing(said, panel):
    return replace(said, values=said.values + said.values.mean())


def absolute(said, panel):
    return replace(said, values=said.values + 1.0)


def peeking_under_the_mask(said, panel):
    return replace(said, values=said.values + np.nan_to_num(panel.values[panel.offsets[1:] - 1, None, None]))


def unfinished(said, panel):
    return replace(said, values=np.where(panel.mask[panel.offsets[1:] - 1, None, None], said.values, np.nan))


def forgetful(said, panel):
    return replace(said, values=said.values + np.random.default_rng().normal())


def clumsy(said, panel):
    panel.values[0] += 1
    return said


BROKEN = {
    battery.says_what_was_asked: Spoiled(late),
    battery.never_looks_ahead: Prophetess(),
    battery.never_looks_ahead_in_one_pass: Prophetess(),
    battery.entrances_agree: Prophetess(),
    battery.alone_is_together: Spoiled(mixing),
    battery.units_do_not_matter: Spoiled(absolute),
    battery.missing_means_missing: Spoiled(peeking_under_the_mask),
    battery.anything_gets_a_forecast: Spoiled(unfinished),
    battery.quantiles_never_cross: Spoiled(crossing),
    battery.says_the_same_again: Spoiled(forgetful),
    battery.leaves_its_input_alone: Spoiled(clumsy),
}


@pytest.mark.parametrize("law", LAWS, ids=name_of)
def test_every_law_can_be_broken(law):
    """A model that is wrong on purpose is found out by the law it breaks."""
    with pytest.raises((AssertionError, ModelError)):
        law(Subject("broken", lambda panel: BROKEN[law]))
