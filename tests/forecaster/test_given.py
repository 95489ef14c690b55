"""Laws of what people give a forecaster."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from foregate import ArtifactError, Forecaster, ModelOptions, Panel, UsageError, backtest, load
from foregate.core import Covariate, DataError, Frequency
from foregate.data import read, regularize, split_known_future
from foregate.forecaster.given import recipe_of, spread_weights

QUICK = {"steps": 4, "hidden": 6, "decoder": 6, "start": "scratch"}
ARGUMENTS = {"horizon": 4, "effort": "fast", "seed": 0}


@pytest.fixture(scope="module")
def panel():
    t, rng = np.arange(60), np.random.default_rng(0)
    series = [20 + i + 5 * np.sin(2 * np.pi * t / 6) + rng.normal(0, 0.3, 60) for i in range(4)]
    return Panel.from_arrays(series, ids=["a", "b", "c", "d"])


def fitted(panel, **arguments):
    given = {"model": "gru", "season_length": 6, "effort": "fast", "options": QUICK, "verbose": False}
    return Forecaster(4, **{**given, **arguments}).fit(panel)


@pytest.mark.parametrize("model", [None, "lstm", "", ModelOptions()])
def test_a_model_is_named_or_made(model):
    """No name, its own name, nothing and the object itself all mean the usual model."""
    assert recipe_of(None, model=model, season_length=12, **ARGUMENTS).model == ModelOptions()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"model": "lstn"}, "model must be made of 'lstm', 'gru'.*but got 'lstn'"),
        ({"model": 3}, "model must be ModelOptions, but got 3"),
        ({"options": {"model": "gru"}}, "options must be among"),
        ({"model": "gru", "effort": "instant"}, "model must be the usual one for effort='instant'"),
        ({"model": "recursive", "effort": "best"}, "members must be 1 for a recursive model"),
    ],
    ids=str,
)
def test_a_wrong_model_is_told_at_once(wrong, message):
    """Before any data is read, with what there is to choose from."""
    with pytest.raises(UsageError, match=message):
        Forecaster(4, **wrong)


def events(ids, days, values):
    """A table of series whose days are of some kind, which is known ahead."""
    rows = [(name, day, 20.0 + (i + day) % 5, values(i, day)) for i, name in enumerate(ids) for day in days]
    return pl.DataFrame(rows, ["unique_id", "ds", "y", "event"], orient="row")


@pytest.mark.parametrize("warm", [False, True])
def test_a_category_that_the_model_knows_is_known_in_the_future_of_any_series(warm):
    """A fair is a fair for a series that has not had one yet: alone, or where the newest data of all has none."""
    roles = {"covariates": {"event": "future"}}
    given = {"season_length": (), "options": {**QUICK, "rate": 0.1}, "verbose": False, "freq": 1}
    told = events("ab", range(40), lambda i, day: "fair" if i and day % 3 == 0 else "none")
    model = Forecaster(2, **given).fit(told, **roles)
    ahead = {kind: events("ab", [40, 41], lambda i, day, kind=kind: kind).drop("y") for kind in ("fair", "none", "new")}
    quiet = events("ab", range(40), lambda i, day: "none")
    if warm:
        model.fit(quiet, warm=True, **roles)
    said = {kind: model.forecast(None if warm else quiet, future=known) for kind, known in ahead.items()}
    assert not said["fair"].notes
    assert said["new"].notes
    assert not np.allclose(said["fair"].values, said["new"].values)
    alone = model.forecast(quiet.filter(pl.col("unique_id") == "a"), future=ahead["fair"])
    np.testing.assert_allclose(alone.values, said["fair"].values[:1], rtol=1e-5)


@pytest.mark.parametrize("kind", [pl.String, pl.Null, pl.Float64])
def test_an_empty_column_may_be_one_of_categories(kind):
    """A series that has never had an event is forecast, with one ahead and without."""
    told = events("ab", range(40), lambda i, day: "fair" if i and day % 3 == 0 else None)
    model = Forecaster(2, season_length=(), options=QUICK, verbose=False, freq=1)
    model.fit(told, covariates={"event": "future"})
    empty = pl.lit(None, dtype=kind)
    ahead = events("a", [40, 41], lambda i, day: "fair").drop("y")
    without = ahead.with_columns(event=empty)
    known = model.forecast(future=pl.concat([ahead, ahead.with_columns(unique_id=pl.lit("b"))]))
    alone = model.forecast(told.filter(pl.col("unique_id") == "a").with_columns(event=empty), future=ahead)
    np.testing.assert_allclose(alone.values, known.values[:1], rtol=1e-5)
    quiet = [
        model.forecast(told.filter(pl.col("unique_id") == "a").with_columns(event=empty), future=future).values
        for future in (without, read(without.with_columns(y=0.0), covariates={"event": "future"}, freq=1))
    ]
    np.testing.assert_array_equal(*quiet)
    assert np.isfinite(quiet[0]).all()


@pytest.mark.parametrize("model", ["gru", "recursive+draws=20", "negative-binomial"])
def test_futures_lie_where_the_forecast_says(panel, model):
    """At every step the lowest, middle and highest of n futures are the quantiles that evenly spread ones should be."""
    counts = replace(panel, values=np.rint(panel.values))
    made = fitted(counts, model=model)
    n = 9
    frame = made.simulate(n=n)
    assert list(frame.columns) == ["unique_id", "ds", "sample_id", "LSTM"]
    values = frame["LSTM"].to_numpy().reshape(4, n, 4)
    said = made.forecast(quantiles=[0.5 / n, 1 - 0.5 / n])
    np.testing.assert_allclose(values.min(1), said.quantile(0.5 / n))
    np.testing.assert_allclose(np.median(values, 1), said.median)
    np.testing.assert_allclose(values.max(1), said.quantile(1 - 0.5 / n))
    again = made.simulate(counts.take([2]), n=n)["LSTM"].to_numpy()
    np.testing.assert_allclose(again, values[2].reshape(-1), rtol=1e-5)


def test_futures_of_a_step_are_those_of_the_step_before(panel):
    """Errors last: futures are correlated from step to step, and more so where held-out errors were."""
    made = fitted(panel)
    values = made.simulate(n=200, seed=3)["LSTM"].to_numpy().reshape(4, 200, 4)
    for series in values:
        assert np.corrcoef(series[:, 0], series[:, 1])[0, 1] > 0.2


def test_a_warm_start_goes_on(panel):
    """The weights of before are scored as the first of the new run, which ends no worse on what it holds out."""
    made = fitted(panel)
    before = made.report_
    made.fit(panel, warm=True)
    assert made.report_["start"] == "own"
    assert made.report_["validation"] <= made.report_["instant_validation"]
    assert made.report_["instant_validation"] <= before["validation"] * 1.5
    assert "training went on from the weights that the model had." in made.report_["notes"]


def test_a_warm_start_goes_on_from_a_loaded_model(panel, tmp_path):
    """Whatever runs it, several networks included."""
    made = fitted(panel, options={**QUICK, "members": 2})
    made.save(tmp_path / "model")
    again = load(tmp_path / "model", runtime="onnx").fit(panel, warm=True)
    assert [member["start"] for member in again.report_["members"]] == ["own", "own"]


def test_a_warm_start_is_of_the_same_model(panel):
    """Another model, or more steps than the old one can say, is refused in words; the model that was there stays."""
    made = fitted(panel, model="direct")
    kept = made.fitted_
    made.horizon = 6
    with pytest.raises(UsageError, match=r"a warm start must go on with .*, but got horizon=6 instead of 4\."):
        made.fit(panel, warm=True)
    assert made.fitted_ is kept


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"options": {**QUICK, "hidden": 12}}, "but got hidden=12 instead of 6. Ask"),
        ({"season_length": 12}, r"but got season_length=\(12,\) instead of \(6,\)"),
        ({"options": {**QUICK, "members": 2}}, "but got members=2 instead of 1"),
    ],
)
def test_a_warm_start_drops_nothing(panel, changes, message):
    """What is asked for since the first fit and cannot be had is refused, and the model stays."""
    made = fitted(panel)
    kept = made.fitted_
    with pytest.raises(UsageError, match=message):
        made.set_params(**changes).fit(panel, warm=True)
    assert made.fitted_ is kept


def test_a_warm_start_is_on_like_data(panel):
    """Other steps between rows, other targets or a covariate that is new are refused."""
    made = fitted(panel)
    table = pl.DataFrame({"ds": np.arange(40), "u": np.arange(40.0), "v": np.arange(40.0)})
    price = Covariate("past", np.ones(len(panel.values), np.float32))
    for other, message in (
        (replace(panel, times=2 * panel.times, freq=Frequency.parse(2)), "the data must step by"),
        (replace(panel, covariates={"price": price}), "must have the covariates that the model reads"),
        (read(table, target_cols=["u", "v"], freq=1), "the data must have the targets"),
    ):
        with pytest.raises(DataError, match=message):
            made.fit(other, warm=True)


@pytest.mark.parametrize(
    "asked", [{"warm": True}, {"weights": [1.0]}, {"callbacks": [print]}, {"checkpoint": "somewhere"}], ids=str
)
def test_what_only_training_reads_is_refused_where_nothing_is_trained(panel, asked):
    """Effort instant says what it cannot do."""
    (name,) = asked
    with pytest.raises(UsageError, match=rf"effort must be one that trains where {name} are given, but got 'instant'"):
        Forecaster.pretrained(4).fit(panel, **asked)


@pytest.mark.parametrize("seed", [-1, None, 1.5, "a", True])
def test_a_seed_of_futures_is_a_whole_number(panel, seed):
    """Fitted or not."""
    for model in (Forecaster.pretrained(4), Forecaster.pretrained(4).fit(panel)):
        with pytest.raises(UsageError, match="seed must be a whole number of at least 0, but got"):
            model.simulate(panel, seed=seed)


def test_weights_are_of_the_rows_that_were_given():
    """Rows that fill gaps, and rows of a known future, leave every other row its weight."""
    t = np.array([0, 1, 2, 4, 5, 6])
    price = Covariate("future", np.arange(12, dtype=np.float32))
    mask = np.tile([True, True, True, True, True, False], 2)
    values = np.where(mask, np.tile(t, 2), 0).astype(np.float32)
    given = Panel(
        np.array(["a", "b"]), np.array([0, 6, 12]), values, mask, np.tile(t, 2), Frequency.parse(1), {"price": price}
    )
    panel = regularize(split_known_future(given)[0])
    assert panel.lengths.tolist() == [6, 6]
    spread = spread_weights(np.arange(12.0), given, panel)
    assert spread.tolist() == [0, 1, 2, 0, 3, 4, 6, 7, 8, 0, 9, 10]
    assert spread_weights({"a": 2.0}, given, panel) == {"a": 2.0}
    assert spread_weights(None, given, panel) is None
    one = given.take([0])
    with pytest.raises(UsageError, match="for each of the 6 rows that were given, or of the 7 with gaps filled, but"):
        spread_weights(np.ones(5), one, regularize(one))


def test_row_weights_serve_a_table_with_gaps(panel):
    """As many weights as rows, whether or not steps are missing."""
    there = np.arange(len(panel.values)) % 13 != 5
    frame = {"unique_id": panel.ids[panel.row_series][there], "ds": panel.times[there], "y": panel.values[there]}
    made = Forecaster(4, model="gru", season_length=6, effort="fast", options=QUICK, verbose=False, freq=1)
    made.fit(pl.DataFrame(frame), weights=np.ones(int(there.sum())))
    assert len(made.panel_.values) > there.sum()


@pytest.mark.parametrize("combine", ["weights", "median"])
def test_several_networks_are_saved_as_one(panel, tmp_path, combine):
    """Loaded by torch they forecast the same bits, and by ONNX Runtime the same within 1e-5."""
    made = fitted(panel, options={**QUICK, "members": 3, "combine": combine})
    made.save(tmp_path / "model")
    said = made.forecast(level=80).values
    np.testing.assert_array_equal(load(tmp_path / "model", runtime="torch").forecast(level=80).values, said)
    np.testing.assert_allclose(load(tmp_path / "model", runtime="onnx").forecast(level=80).values, said, rtol=1e-5)
    assert len(made.report_["members"]) == 3


def test_the_course_of_training_shows_the_forget_gates(panel):
    """A row per check, with the mean activation and half-life of every layer."""
    history = fitted(panel).history_
    assert {"forget_0", "half_life_0", "forget_1", "half_life_1"} <= set(history.columns)
    assert ((history["forget_0"] > 0) & (history["forget_0"] < 1)).all()


@pytest.mark.parametrize("model", ["gru", "recursive+draws=20"])
def test_futures_of_series_are_independent(panel, model):
    """Which future of one series is high says nothing of which one of another is: totals are no wider than they are."""
    values = fitted(panel, model=model).simulate(n=400)["LSTM"].to_numpy().reshape(4, 400, 4)
    ranks = values.argsort(1).argsort(1)[..., -1]
    assert np.abs(np.corrcoef(ranks) - np.eye(4)).max() < 0.25


def test_a_checkpoint_is_of_one_model_and_season(panel, tmp_path):
    """Weights of the same shapes that mean something else are refused, not gone on with."""
    Forecaster(4, model="gru+point", season_length=6, effort="fast", options=QUICK, verbose=False).fit(
        panel, checkpoint=tmp_path / "c"
    )
    for other in ({"model": "gru+point+error=mse"}, {"season_length": 3}, {"model": "gru+point+dropout=0.3"}):
        given = {"model": "gru+point", "season_length": 6, "effort": "fast", "options": QUICK, "verbose": False}
        with pytest.raises(ArtifactError, match="checkpoint"):
            Forecaster(4, **{**given, **other}).fit(panel, checkpoint=tmp_path / "c")


def test_a_named_model_is_compared_with_the_usual_instant_one(panel):
    """A backtest with its usual baselines works for any model."""
    model = Forecaster(4, model="gru", season_length=6, effort="fast", options=QUICK, verbose=False)
    assert list(backtest(model, panel, n_windows=1).forecasts) == ["LSTM", "LSTM-instant", "SeasonalNaive"]
