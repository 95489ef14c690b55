"""What a backtest takes, hands to the models, refuses, and returns. Its alignment: tests/laws/test_backtest.py."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

from foregate.core import Covariate, DataError, Forecast, FrameSpec, ModelError, Panel, UsageError
from foregate.evaluation import Drift, Naive, Plan, SeasonalNaive, backtest


def ramps(*lengths, **options):
    return Panel.from_arrays([np.arange(float(n)) for n in lengths], **options)


@dataclass
class Says:
    """Makes its forecast by a function of panel, horizon, quantiles and future."""

    values: object
    name: str = "Says"

    def forecast(self, panel, horizon, quantiles, future=None):
        times = panel.freq.shift(panel.last_times[:, None], np.arange(1, horizon + 1))
        values = self.values(panel, horizon, quantiles, future)
        return Forecast(panel.ids, times, panel.last_times, tuple(quantiles), values)


def zeros(panel, horizon, quantiles, future):
    return np.zeros((len(panel), horizon, len(quantiles)))


def test_known_future_covariates_reach_the_model():
    """A model gets the known-future covariates of its target steps, and no past or static ones."""
    panel = ramps(20, 14)
    rows = np.arange(34, dtype=np.float32)
    panel = replace(
        panel,
        covariates={
            "plan": Covariate("future", panel.values * 10),
            "seen": Covariate("past", rows),
            "kind": Covariate("static", np.zeros(2, np.float32)),
        },
    )

    def from_plan(panel, horizon, quantiles, future):
        assert set(future) == {"plan"}
        return np.repeat(future["plan"][..., None] / 10.0, len(quantiles), axis=-1)

    result = backtest(Says(from_plan), panel, Plan(horizon=3, n_windows=2, gap=2, refit=True))
    assert np.array_equal(result.outcomes("Says").at(0.5), result.actual)


def test_without_known_future_there_is_none():
    """A panel without known-future covariates gives the model None."""

    def expects_none(panel, horizon, quantiles, future):
        assert future is None
        return zeros(panel, horizon, quantiles, future)

    backtest(Says(expects_none), ramps(9), Plan(horizon=2))


def test_series_too_short_are_left_out_and_named():
    """Series too short for any window are left out, those too short for some have fewer, and the notes say which."""
    panel = ramps(30, 9, 3, ids=["long", "short", "tiny"])
    result = backtest(Naive(), panel, Plan(horizon=4, n_windows=3))
    assert list(result.ids) == ["long", "short"]
    assert np.array_equal(result.origins, [[17, 21, 25], [-1, 0, 4]])
    assert np.isnan(result.forecasts["Naive"][1, 0]).all()
    assert result.notes == (
        "1 of 3 series are too short for any window and were left out: 'tiny'.",
        "1 of 3 series are too short for all 3 windows and have fewer: 'short'.",
    )


def test_windows_that_fit_nowhere_are_left_out():
    """Windows older than the longest series are left out, and the notes say so."""
    result = backtest(Naive(), ramps(9), Plan(horizon=4, n_windows=5))
    assert result.origins.shape == (1, 2)
    assert "Only 2 of 5 windows fit into the longest series." in result.notes


def test_an_origin_needs_something_observed():
    """A window before anything was observed is no window."""
    panel = Panel.from_arrays([np.r_[np.full(10, np.nan), np.arange(10.0)]])
    result = backtest(Naive(), panel, Plan(horizon=4, n_windows=3))
    assert np.array_equal(result.origins, [[11, 15]])


def test_gaps_are_made_explicit():
    """An irregular panel is made regular first, and the notes say so."""
    panel = ramps(12)
    holed = replace(panel.cut(np.array([11])), times=np.delete(panel.times, 5), values=np.delete(panel.values, 5))
    result = backtest(Drift(), holed, Plan(horizon=2))
    assert np.array_equal(result.outcomes("Drift").at(0.5), [[[10.0, 11.0]]])
    assert "made explicit" in result.notes[0]


def test_a_given_model_is_marked_as_having_seen():
    """A model given fitted may know the test windows, and the result says so; baselines have nothing to know."""
    result = backtest({"mine": Says(zeros), "Naive": Naive()}, ramps(9), Plan(horizon=2))
    assert result.seen == {"mine"}
    assert result.notes == ("mine was given fitted: it may have been fitted on data that includes the test windows.",)
    assert backtest(lambda panel: Says(zeros), ramps(9), Plan(horizon=2)).seen == frozenset()


def test_notes_of_a_model_are_kept_once():
    """What a model remarks is among the notes, once."""

    def remarks(panel, horizon, quantiles, future=None):
        said = Naive().forecast(panel, horizon, quantiles)
        return replace(said, notes=("I guessed.",))

    model = Says(zeros)
    model.forecast = remarks
    result = backtest(lambda panel: model, ramps(20), Plan(horizon=2, n_windows=3))
    assert result.notes == ("I guessed.",)


@pytest.mark.parametrize(("kind", "frame_type"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_the_frame_is_of_the_kind_that_came(kind, frame_type):
    """The frame has one row per series, window and step, the usual names, and the kind of the panel's frame."""
    panel = replace(ramps(12, 5, ids=["a", "b"]), spec=FrameSpec(kind=kind, time_unit="step", id_col="shop"))
    frame = backtest({"Drift": Drift()}, panel, Plan(horizon=2, n_windows=3, levels=(90,))).frame()
    assert isinstance(frame, frame_type)
    assert list(frame.columns) == ["shop", "ds", "cutoff", "y", "Drift", "Drift-lo-90", "Drift-hi-90"]
    assert list(frame["shop"]) == ["a"] * 6 + ["b"] * 4
    assert list(frame["ds"]) == [6, 7, 8, 9, 10, 11, 1, 2, 3, 4]
    assert list(frame["cutoff"]) == [5, 5, 7, 7, 9, 9, 0, 0, 2, 2]
    assert list(frame["y"]) == [6, 7, 8, 9, 10, 11, 1, 2, 3, 4]


def test_bounds_in_the_frame_are_on_their_side():
    """The lower bound of every level is below the median and the upper above, the wider level outside."""
    panel = Panel.from_arrays([np.random.default_rng(0).normal(size=40)])
    frame = backtest({"Naive": Naive()}, panel, Plan(horizon=2, levels=(80, 95))).frame()
    order = [f"Naive{side}" for side in ("-lo-95", "-lo-80", "", "-hi-80", "-hi-95")]
    assert np.all(np.diff(frame[order].to_numpy(), axis=1) > 0)


def test_dates_come_back_as_they_were():
    """Times in the frame are the panel's dates."""
    panel = ramps(12, freq="D", start=np.datetime64("2024-01-01", "us"))
    frame = backtest(Naive(), panel, Plan(horizon=2)).frame()
    assert list(pd.to_datetime(frame["ds"])) == list(pd.to_datetime(["2024-01-11", "2024-01-12"]))
    assert list(pd.to_datetime(frame["cutoff"])) == list(pd.to_datetime(["2024-01-10"] * 2))


def test_the_plan_asks_for_everything_it_scores():
    """The quantiles asked for are those given, the bounds of the levels and the median, ascending and once each."""
    plan = Plan(horizon=1, levels=(95, 80), quantiles=(0.9, 0.1, 0.3))
    assert plan.all_quantiles == (0.025, 0.1, 0.3, 0.5, 0.9, 0.975)
    assert plan.levels == (80, 95)


def test_the_season_of_mase_is_the_usual_one():
    """Without a season given, MASE divides by the changes over the shortest usual season of the frequency."""
    hourly = ramps(60, freq="h")
    assert backtest(Naive(), hourly, Plan(horizon=2)).season == 24
    assert backtest(Naive(), hourly, Plan(horizon=2)).scale == 24
    assert backtest(Naive(), hourly, Plan(horizon=2, season=3)).scale == 3
    assert backtest(Naive(), ramps(9), Plan(horizon=2)).season == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 0}, "horizon must be a whole number of at least 1, but got 0"),
        ({"horizon": 2.5}, "horizon must be a whole number"),
        ({"horizon": 1, "n_windows": 0}, "n_windows must be a whole number of at least 1"),
        ({"horizon": 1, "step": 0}, "step must be a whole number of at least 1"),
        ({"horizon": 1, "gap": -1}, "gap must be a whole number of at least 0"),
        ({"horizon": 1, "refit": -1}, "refit must be a whole number of at least 0"),
        ({"horizon": 1, "scheme": "random"}, "scheme must be one of expanding, rolling, blocked, but got 'random'"),
        (
            {"horizon": 1, "scheme": "rolling"},
            "train_rows must be given for scheme='rolling' and for no other, but got None",
        ),
        ({"horizon": 1, "train_rows": 5}, "train_rows must be given for scheme='rolling' and for no other, but got 5"),
        ({"horizon": 1, "scheme": "rolling", "train_rows": 0}, "train_rows must be a whole number of at least 1"),
        ({"horizon": 1, "scheme": "blocked", "step": 2}, "step must not be given for scheme='blocked'"),
        ({"horizon": 1, "season": 0}, "season must be a whole number of at least 1"),
        ({"horizon": 1, "levels": (100,)}, "level must be between 0 and 100 percent, but got 100"),
        ({"horizon": 1, "quantiles": (0.0,)}, r"quantiles must be between 0 and 1, but got \(0.0,\)"),
    ],
)
def test_impossible_plans_are_refused(options, message):
    """A plan that cannot be carried out is refused when it is made."""
    with pytest.raises(UsageError, match=message):
        Plan(**options)


def test_too_little_data_is_refused():
    """If no series is long enough for one window, the error says how long they are."""
    with pytest.raises(DataError, match=r"an observed value and 10 rows after it .* the longest of 2 has 9 rows"):
        backtest(Naive(), ramps(9, 4), Plan(horizon=8, gap=2))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "rolling", "train_rows": 9}, "must have 9 training rows, one of them observed, and 3 rows after"),
        ({"scheme": "blocked", "n_windows": 4}, "must have 4 blocks of an observed value and 3 rows after it"),
    ],
)
def test_too_little_data_for_a_scheme_is_refused(options, message):
    """The error says what the scheme asks of a series."""
    with pytest.raises(DataError, match=message):
        backtest(Naive(), ramps(9, 4), Plan(horizon=2, gap=1, **options))


def test_blocks_are_fitted_anew_unless_told_otherwise():
    """One fit serves all windows by default, but every block has its own."""
    fits = []

    def fit(panel):
        fits.append(panel.lengths.tolist())
        return Naive()

    backtest(fit, ramps(20), Plan(2, 3))
    assert fits == [[14]]
    backtest(fit, ramps(21), Plan(2, 3, scheme="blocked"))
    assert fits[1:] == [[5], [5], [5]]
    backtest(fit, ramps(21), Plan(2, 3, scheme="blocked", refit=False))
    assert len(fits) == 5


@pytest.mark.parametrize("models", [{}, {"a": 3}, SeasonalNaive, "Naive"])
def test_what_is_no_model_is_refused(models):
    """Models must be given, and be fit functions or models."""
    with pytest.raises(UsageError, match="models must"):
        backtest(models, ramps(9), Plan(horizon=2))


def test_an_unknown_model_is_refused():
    """Asking for the outcomes of a model that was not run names those that were."""
    with pytest.raises(UsageError, match="model must be one of 'Naive', but got 'LSTM'"):
        backtest(Naive(), ramps(9), Plan(horizon=2)).outcomes("LSTM")


def descending(panel, horizon, quantiles, future):
    return -np.arange(len(quantiles), dtype=float) + zeros(panel, horizon, quantiles, future)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda *a: zeros(*a)[:, 1:], r"Says must forecast an array of shape \(1, 2, 11\) .* but got \(1, 1, 11\)"),
        (lambda *a: zeros(*a) + np.nan, "Says must forecast finite numbers, but got 22 of 22 that are not"),
        (descending, "Says must forecast ascending quantiles, but got some that cross"),
    ],
)
def test_unusable_forecasts_are_refused(values, message):
    """A forecast of the wrong shape, with holes or with crossing quantiles is not scored but refused."""
    with pytest.raises(ModelError, match=message):
        backtest(Says(values), ramps(9), Plan(horizon=2))


def test_forecasts_of_other_times_are_refused():
    """A forecast that says it is for other times than those asked for is refused."""
    late = Says(zeros)
    late.forecast = lambda *a: replace(Says(zeros).forecast(*a), times=np.array([[99, 100]]))
    with pytest.raises(ModelError, match="must forecast the 2 steps after the last row of each series, in order"):
        backtest(late, ramps(9), Plan(horizon=2))
