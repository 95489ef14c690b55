"""Fits side by side in processes give what one process gives."""

import os
from dataclasses import dataclass, replace

import numpy as np
import pytest

from foregate.core import MissingExtraError, ModelError, Panel, UsageError
from foregate.evaluation import Drift, Naive, Plan, SeasonalNaive, backtest, baseline


@dataclass(frozen=True)
class Mean:
    """Forecasts the mean of what it was fitted on."""

    mean: float
    name: str = "Mean"

    def forecast(self, panel, horizon, quantiles, future=None):
        said = Naive().forecast(panel, horizon, quantiles)
        return replace(said, values=np.full_like(said.values, self.mean), notes=(f"The mean is {self.mean:.6f}.",))


def fit_mean(panel):
    return Mean(float(panel.values.mean(dtype=np.float64)))


def fit_broken(panel):
    raise ModelError("I cannot.")


def fit_lacking(panel):
    raise MissingExtraError("Fitting this", "baselines")


def panel_of():
    rng = np.random.default_rng(1)
    return Panel.from_arrays([rng.normal(5, 2, n) for n in (40, 33, 9)])


@pytest.mark.parametrize(
    "plan",
    [
        Plan(3, 4, refit=True, gap=1),
        Plan(3, 3, refit=2, scheme="rolling", train_rows=8),
        Plan(2, 3, scheme="blocked"),
    ],
)
def test_processes_give_what_one_gives(plan):
    """Forecasts, origins, scales and notes are the same to the bit, whatever the scheme, also of models as they are."""
    models = {"Mean": fit_mean, "SeasonalNaive": baseline("SeasonalNaive", season=3), "Drift": Drift()}
    one, several = (backtest(models, panel_of(), plan, processes=n) for n in (1, 2))
    assert one.models == several.models
    assert one.notes == several.notes
    np.testing.assert_array_equal(one.origins, several.origins)
    np.testing.assert_array_equal(one.scale, several.scale)
    for name in one.models:
        np.testing.assert_array_equal(one.forecasts[name], several.forecasts[name])
    assert len({note for note in one.notes if note.startswith("The mean")}) > 1


def test_what_cannot_be_sent_is_refused():
    """A function that no other process can import is named, and what to do."""
    with pytest.raises(UsageError, match="other processes can import for processes > 1, but got 'local'"):
        backtest({"local": lambda panel: Naive()}, panel_of(), Plan(2, 3, refit=True), processes=2)


@pytest.mark.parametrize(
    ("fit", "error", "message"),
    [(fit_broken, ModelError, "^I cannot.$"), (fit_lacking, MissingExtraError, '^Fitting this needs the "baselines"')],
)
def test_errors_come_back_as_they_were(fit, error, message):
    """What goes wrong in another process is raised in this one, in the same words."""
    with pytest.raises(error, match=message):
        backtest({"a": fit}, panel_of(), Plan(2, 2, refit=True), processes=2)


@pytest.mark.parametrize("processes", [0, 1.5, True])
def test_processes_are_a_whole_number(processes):
    """A count that is none is refused."""
    with pytest.raises(UsageError, match="processes must be a whole number of at least 1"):
        backtest(SeasonalNaive(2), panel_of(), Plan(2), processes=processes)


def test_the_environment_is_left_as_it_was(monkeypatch):
    """Processes are told their share of the cores; afterwards the environment says what it said."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    backtest({"Mean": fit_mean}, panel_of(), Plan(2, 2, refit=True), processes=2)
    assert "OMP_NUM_THREADS" not in os.environ
