"""Laws that every model obeys, whatever it is: each takes a `Subject` and fails where the model breaks it.

A new model joins by a test module with one function:

    @pytest.mark.parametrize("law", LAWS, ids=name_of)
    def test_my_model(law):
        \"\"\"My model obeys the laws of every model.\"\"\"
        law(Subject("MyModel", fit_my_model))
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from foregate.core import Covariate, Fit, Forecast, OriginModel, Panel
from foregate.evaluation import Plan, backtest

QUANTILES = (0.025, 0.1, 0.5, 0.9, 0.975)
HORIZON = 6
SEASON = 4


def lively(*, seed: int = 0, with_missing: bool = True) -> Panel:
    """Four series of different lengths and sizes with a season of 4, a trend and noise; two of them with holes."""
    rng = np.random.default_rng(seed)
    series = []
    for length, size in ((44, 1.0), (30, 1000.0), (61, 0.01), (23, 50.0)):
        t = np.arange(length)
        series.append(size * (10 + 0.1 * t + 2 * np.sin(2 * np.pi * t / SEASON) + rng.normal(0, 0.3, length)))
    if with_missing:
        series[1][[4, 9, 10, 11]] = np.nan
        series[2][[0, 1, 30, 59, 60]] = np.nan
    return Panel.from_arrays(series, ids=["a", "b", "c", "d"])


def troubled(*, seed: int = 0, with_missing: bool = True) -> Panel:
    """Like `lively`, but negative, intermittent, and falling to zero; with a static category and a past covariate."""
    rng = np.random.default_rng(seed)
    plain = lively(seed=seed, with_missing=with_missing)
    values = [plain.series(i) for i in range(4)]
    values[0] = values[0] - values[0].mean()
    values[1] = np.where(rng.random(30) < 0.6, 0, np.round(values[1] / 1000))
    values[2][45:] = 0
    panel = Panel.from_arrays(values, ids=list(plain.ids))
    past = rng.normal(size=len(panel.values)).astype(np.float32)
    past[::7] = np.nan
    kinds = Covariate("static", np.array([0, 1, 1, np.nan], np.float32), ("one", "other"))
    return replace(panel, covariates={"kind": kinds, "seen": Covariate("past", past)})


@dataclass(frozen=True)
class Subject:
    """A model under test."""

    name: str
    fit: Fit
    rtol: float = 0.0
    """How far two computations of the same forecast may differ, relative to the size of the series; 0: not a bit."""
    units_rtol: float = 1e-6
    """The same for a series in other units."""
    panel: Callable[..., Panel] = lively
    """Makes what it is tried on."""
    counts: bool = False
    """Whether it takes and says whole numbers from 0 alone; these have no other units."""


Law = Callable[[Subject], None]


def forecast(subject: Subject, panel: Panel) -> Forecast:
    """What the subject, fitted on a panel, says of that panel."""
    return subject.fit(panel).forecast(panel, HORIZON, QUANTILES)


def same(subject: Subject, one: np.ndarray, other: np.ndarray) -> None:
    """Two arrays (S, ..., K, Q) agree within what the subject is allowed, relative to the size of each series."""
    if subject.rtol == 0:
        np.testing.assert_array_equal(one, other)
    size = np.maximum(np.abs(one), np.abs(other)).max(axis=tuple(range(1, one.ndim)), keepdims=True)
    assert np.all(np.abs(one - other) <= subject.rtol * size), f"{subject.name}: {np.abs(one - other).max()}"


def says_what_was_asked(subject: Subject) -> None:
    """A forecast has the ids of the panel, the times right after each series, the quantiles asked for, in shape."""
    panel = subject.panel()
    said = forecast(subject, panel)
    assert said.values.shape == (len(panel), HORIZON, len(QUANTILES))
    np.testing.assert_array_equal(said.ids, panel.ids)
    np.testing.assert_array_equal(said.cutoffs, panel.last_times)
    np.testing.assert_array_equal(said.times, panel.last_times[:, None] + np.arange(1, HORIZON + 1))
    assert tuple(said.quantiles) == QUANTILES


def never_looks_ahead(subject: Subject) -> None:
    """Change every value after an origin: the forecasts made at or before it are bit-identical."""
    panel = subject.panel()
    plan = Plan(horizon=3, n_windows=3, step=2, refit=2)
    before = backtest(subject.fit, panel, plan)
    origin = panel.lengths - 1 - plan.horizon  # the last origin, so that all forecasts are made at or before it
    later = np.arange(len(panel.values)) > (panel.offsets[:-1] + origin)[panel.row_series]
    junk = (1 if subject.counts else -1) * (7 * panel.values + 1000)
    changed = replace(panel, values=np.where(later, junk, panel.values).astype(np.float32))
    after = backtest(subject.fit, changed, plan)
    for name in before.models:
        np.testing.assert_array_equal(before.forecasts[name], after.forecasts[name])
    assert not np.array_equal(before.actual, after.actual), "the change must reach what the forecasts are scored on"


def never_looks_ahead_in_one_pass(subject: Subject) -> None:
    """The same for a model that forecasts from many origins in one pass over a panel that goes on after them."""
    panel = subject.panel()
    model = subject.fit(panel)
    if not isinstance(model, OriginModel):
        return
    origins = panel.lengths[:, None] - 1 - np.array([[12, 7]])
    before = model.forecast_origins(panel, origins, HORIZON, QUANTILES)
    later = np.arange(len(panel.values)) > (panel.offsets[:-1] + origins[:, -1])[panel.row_series]
    changed = replace(panel, values=np.where(later, 1e6, panel.values).astype(np.float32), mask=panel.mask & ~later)
    np.testing.assert_array_equal(before, model.forecast_origins(changed, origins, HORIZON, QUANTILES))


def entrances_agree(subject: Subject) -> None:
    """A forecast from an origin inside a panel is the forecast at the end of the panel cut there."""
    panel = subject.panel()
    model = subject.fit(panel)
    if not isinstance(model, OriginModel):
        return
    origins = panel.lengths[:, None] - 1 - np.array([[12, 7, 0]])
    inside = model.forecast_origins(panel, origins, HORIZON, QUANTILES)
    for o in range(origins.shape[1]):
        at_end = model.forecast(panel.cut(origins[:, o] + 1), HORIZON, QUANTILES).values
        same(subject, inside[:, o], at_end)


def alone_is_together(subject: Subject) -> None:
    """A series' forecast does not depend on which others are in the panel, nor on their order."""
    panel = subject.panel()
    model = subject.fit(panel)
    together = model.forecast(panel, HORIZON, QUANTILES).values
    for which in ([0], [1], [2], [3], [3, 1], [2, 0, 3, 1]):
        same(subject, model.forecast(panel.take(which), HORIZON, QUANTILES).values, together[which])


def units_do_not_matter(subject: Subject) -> None:
    """forecast(a·y) = a·forecast(y), but for counts, which are whole numbers."""
    if subject.counts:
        return
    panel = subject.panel()
    said = forecast(subject, panel).values
    for a in (1024.0, 0.001):
        scaled = forecast(subject, replace(panel, values=(panel.values * a).astype(np.float32))).values / a
        same(replace(subject, rtol=subject.units_rtol), said, scaled)


def missing_means_missing(subject: Subject) -> None:
    """What lies under the mask is never read, and forecasts of series with missing values are finite."""
    panel = subject.panel()
    said = forecast(subject, panel).values
    assert np.all(np.isfinite(said))
    for junk in (np.nan, np.inf, -1e9):
        other = replace(panel, values=np.where(panel.mask, panel.values, junk).astype(np.float32))
        np.testing.assert_array_equal(forecast(subject, other).values, said)


def anything_gets_a_forecast(subject: Subject) -> None:
    """Constant series, a single row, a single observation, and next to nothing: all forecasts are finite."""
    model = subject.fit(subject.panel())
    odd = [np.full(20, 3.0), np.array([5.0]), np.r_[[np.nan] * 9, 2.0], np.r_[1.0, [np.nan] * 9], np.array([1.0, 2.0])]
    said = model.forecast(Panel.from_arrays([*odd, np.zeros(12)]), HORIZON, QUANTILES)
    assert np.all(np.isfinite(said.values))
    assert np.all(np.diff(said.values, axis=-1) >= 0)


def quantiles_never_cross(subject: Subject) -> None:
    """Values never descend along the quantiles, so that every interval holds the median."""
    for seed in range(2):
        assert np.all(np.diff(forecast(subject, subject.panel(seed=seed)).values, axis=-1) >= 0)


def says_the_same_again(subject: Subject) -> None:
    """Fitted and asked twice, a model says the same to the bit."""
    panel = subject.panel()
    np.testing.assert_array_equal(forecast(subject, panel).values, forecast(subject, panel).values)


def leaves_its_input_alone(subject: Subject) -> None:
    """Neither fitting nor forecasting changes the panel or numpy's global generator."""
    panel = subject.panel()
    copies = [a.copy() for a in (panel.values, panel.mask, panel.offsets, panel.times, panel.ids)]
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    forecast(subject, panel)
    for before, after in zip(copies, (panel.values, panel.mask, panel.offsets, panel.times, panel.ids), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002


LAWS: tuple[Law, ...] = (
    says_what_was_asked,
    never_looks_ahead,
    never_looks_ahead_in_one_pass,
    entrances_agree,
    alone_is_together,
    units_do_not_matter,
    missing_means_missing,
    anything_gets_a_forecast,
    quantiles_never_cross,
    says_the_same_again,
    leaves_its_input_alone,
)


def name_of(law: Law) -> str:
    """How a law is called in the test report."""
    return law.__name__
