"""The forecaster keeps the field's conventions and what its words promise."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from foregate.core import DataError, NotFittedError, Panel, UsageError
from foregate.forecaster import Forecaster, load
from tests.forecaster.models import HORIZON, SMALL, ahead, price, small, table


def test_parameters_are_those_it_was_made_with():
    """get_params gives the arguments, and a forecaster made of them shows the same."""
    model = small(seed=3)
    params = model.get_params()
    assert params["horizon"] == HORIZON
    assert params["seed"] == 3
    assert params["options"] is SMALL
    assert Forecaster(**params).get_params() == params
    assert repr(model) == repr(Forecaster(**params))
    assert "seed=3" in repr(model)


def test_parameters_can_be_set():
    """set_params changes by name, returns the forecaster, and refuses what is wrong without changing anything."""
    model = small()
    assert model.set_params(horizon=9, seed=1) is model
    assert (model.horizon, model.seed) == (9, 1)
    with pytest.raises(UsageError, match=r"parameters must be among .*, but got horizont"):
        model.set_params(horizont=3)
    with pytest.raises(UsageError, match="horizon must be a whole number"):
        model.set_params(seed=7, horizon=0)
    assert (model.horizon, model.seed) == (9, 1)


def test_scikit_learn_can_clone_it(fitted):
    """sklearn's clone makes an unfitted forecaster with the same parameters."""
    base = pytest.importorskip("sklearn.base", reason="the convention is scikit-learn's")
    copy = base.clone(fitted)
    assert copy.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        copy.predict()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"horizon": 0}, "horizon must be a whole number"),
        ({"effort": "much"}, "effort must be one of"),
        ({"season_length": (7, 7)}, "season_length must be"),
        ({"options": {"depth": 3}}, "options must be among .*, but got depth"),
        ({"options": {"hidden": 0}}, "hidden must be a whole number of at least 1"),
        ({"options": {"steps": "many"}}, "steps must be a whole number of at least 1"),
        ({"options": {"rate": "high"}}, "rate must be between 0 and 1, but got 'high'"),
        ({"options": {"validate": "no"}}, "validate must be True or False"),
        ({"options": ["hidden"]}, "options must be a mapping"),
        ({"options": {1: 2}}, "options must be among .*, but got 1"),
        ({"season_length": "weekly"}, "season_length must be"),
        ({"season_length": 12.5}, "season_length must be"),
        ({"season_length": True}, "season_length must be"),
        ({"freq": "fortnight"}, "freq"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"seed": 1.5}, "seed must be a whole number from 0"),
        ({"seed": 2**70}, "seed must be a whole number from 0"),
    ],
)
def test_wrong_arguments_are_told_at_once(wrong, message):
    """Before any data is read, the message names the argument."""
    with pytest.raises(UsageError, match=message):
        Forecaster(**{"horizon": 3, **wrong})


def test_numbers_may_be_numpys(fitted, tmp_path):
    """Lengths and levels that come out of an array serve as those of Python do, also in a model that is saved."""
    whole = np.int64(3)
    model = Forecaster(whole, season_length=np.array([4]), seed=whole, options={"steps": whole, "hidden": whole})
    repr(model.fit(table()))
    model.save(tmp_path / "model")
    assert load(tmp_path / "model").predict(level=np.float32(80)).equals(model.predict(level=[80]))
    assert fitted.predict(quantiles=0.25).equals(fitted.predict(quantiles=np.array([0.25])))


@pytest.mark.parametrize("wrong", ["80", ["80"], [None], True, [80, [95]]])
@pytest.mark.parametrize("name", ["level", "quantiles"])
def test_what_is_no_number_is_no_level(fitted, name, wrong):
    """Levels and quantiles are numbers; the message names the argument."""
    with pytest.raises(UsageError, match=f"{name} must be a number or several, but got"):
        fitted.predict(**{name: wrong})


def test_nothing_works_before_fit(tmp_path):
    """Whatever needs a fitted model says so."""
    for use in (
        lambda model: model.predict(),
        lambda model: model.forecast(table()),
        lambda model: model.save(tmp_path / "model"),
    ):
        with pytest.raises(NotFittedError, match=r"must be fitted first, but got none\. Call fit"):
            use(small())
    assert list(tmp_path.iterdir()) == []


def test_fit_returns_the_forecaster(fitted):
    """fit returns self, and what was learnt ends in an underscore."""
    assert {name for name in vars(fitted) if name.endswith("_")} == {"fitted_", "panel_", "future_", "report_"}
    model = small()
    assert model.fit(table()) is model


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
def test_the_same_kind_of_frame_comes_back(kind):
    """What goes in as one kind of frame comes out as that kind, with the columns of the field."""
    library = pytest.importorskip(kind, reason="frames of this library")
    given = table() if kind == "polars" else table().to_arrow() if kind == "pyarrow" else table().to_pandas()
    said = small().fit(given).predict(level=[80, 95])
    assert isinstance(said, library.Table if kind == "pyarrow" else library.DataFrame)
    columns = list(said.column_names if kind == "pyarrow" else said.columns)
    assert columns[:3] == ["unique_id", "ds", "LSTM"]
    assert set(columns[3:]) == {"LSTM-lo-80", "LSTM-hi-80", "LSTM-lo-95", "LSTM-hi-95"}
    assert len(said) == 2 * HORIZON


def test_other_column_names_come_back():
    """Names given to fit are those of the forecasts, and predict reads new tables by them."""
    given = table().rename({"unique_id": "shop", "ds": "day", "y": "sold"})
    model = small().fit(given, id_col="shop", time_col="day", target_col="sold")
    assert model.predict().columns == ["shop", "day", "LSTM"]
    assert model.predict(given.filter(pl.col("shop") == "b")).get_column("shop").unique().to_list() == ["b"]


def test_rows_are_the_days_after(fitted):
    """Forecasts carry the days after the last one of each series, in order, and the table is left alone."""
    given = table(("b", "a"), 33, seed=4)
    before = given.clone()
    said = fitted.predict(given)
    assert given.equals(before)
    for i in ("a", "b"):
        days = said.filter(pl.col("unique_id") == i).get_column("ds").cast(pl.Date).to_list()
        assert days == [date(2024, 1, 1) + timedelta(33 + k) for k in range(HORIZON)]


def test_levels_are_their_quantiles(fitted):
    """An interval of 80 % is the quantiles 0.1 and 0.9 around the median, and wider levels are wider."""
    by_level = fitted.predict(level=[80, 95])
    by_quantile = fitted.predict(quantiles=[0.1, 0.5, 0.9])
    np.testing.assert_array_equal(by_level["LSTM-lo-80"], by_quantile["LSTM-q-0.1"])
    np.testing.assert_array_equal(by_level["LSTM-hi-80"], by_quantile["LSTM-q-0.9"])
    np.testing.assert_array_equal(by_level["LSTM"], by_quantile["LSTM-q-0.5"])
    ordered = [by_level[f"LSTM{side}"].to_numpy() for side in ("-lo-95", "-lo-80", "", "-hi-80", "-hi-95")]
    assert np.all(np.diff(ordered, axis=0) >= 0)
    assert fitted.predict(level=80).columns[2:] == ["LSTM", "LSTM-lo-80", "LSTM-hi-80"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"level": [80], "quantiles": [0.5]}, "level and quantiles must not both be given"),
        ({"level": [0.8, 100]}, "level must be between 0 and 100"),
        ({"level": [-5]}, "level must be between 0 and 100"),
        ({"quantiles": [0.0, 0.5]}, "quantiles must be between 0 and 1"),
        ({"quantiles": [80]}, "quantiles must be between 0 and 1"),
        ({"horizon": 0}, "horizon must be a whole number"),
        ({"future": "nowhere.csv"}, "future must only be given to a model with known-future covariates"),
    ],
)
def test_impossible_questions_are_refused(fitted, asked, message):
    """The message says what must be asked instead."""
    with pytest.raises(UsageError, match=message):
        fitted.predict(**asked)


@pytest.mark.parametrize("horizon", [1, 3, 20])
def test_any_horizon_can_be_asked_for(fitted, horizon):
    """The first steps are the same whichever horizon is asked for."""
    said = fitted.forecast(horizon=horizon)
    assert said.values.shape == (2, horizon, 1)
    steps = min(horizon, HORIZON)
    np.testing.assert_allclose(said.values[:, :steps], fitted.forecast().values[:, :steps], rtol=1e-5)


def test_the_same_rows_again_are_the_same_forecast(fitted):
    """Asked without data, and with the data it was fitted on, in any order of rows, the forecast is one."""
    own = fitted.predict(level=[80])
    shuffled = fitted.predict(table().sample(fraction=1.0, shuffle=True, seed=1), level=[80])
    both = own.join(shuffled, on=["unique_id", "ds"], suffix=" again")
    assert len(both) == len(own)
    for name in ("LSTM", "LSTM-lo-80", "LSTM-hi-80"):
        np.testing.assert_allclose(both[name], both[f"{name} again"], rtol=1e-5)


def test_series_it_never_saw_are_forecast(fitted):
    """New series, a short one too, are forecast without a new fit, each as it would be alone."""
    new = pl.concat([table(("x", "y"), 40, seed=9), table(("tiny",), 2)])
    before = {name: value.clone() for name, value in fitted.fitted_.engine.network.state_dict().items()}
    said = fitted.forecast(new)
    assert sorted(said.ids) == ["tiny", "x", "y"]
    assert np.all(np.isfinite(said.values))
    assert any("tiny" in note for note in said.notes)
    alone = fitted.forecast(new.filter(pl.col("unique_id") == "y"))
    np.testing.assert_allclose(said.values[said.ids == "y"], alone.values, rtol=1e-5)
    for name, value in fitted.fitted_.engine.network.state_dict().items():
        assert value.equal(before[name])


def test_gaps_are_missing_values(fitted):
    """A table with days left out is forecast, and is not the same as one without gaps."""
    gappy = table().with_row_index().filter(pl.col("index") % 9 != 4).drop("index")
    assert np.all(np.isfinite(fitted.forecast(gappy).values))
    model = small().fit(gappy)
    assert any("missing" in note or "gap" in note for note in model.report_["notes"])


def test_another_frequency_is_refused(fitted):
    """A model of daily data is not asked to forecast weeks."""
    weekly = Panel.from_arrays([np.arange(1.0, 30)], freq="W")
    with pytest.raises(DataError, match="the data must step by 'D' like what the model was fitted on, but got 'W"):
        fitted.predict(weekly)


def test_a_known_future_can_be_given_both_ways(priced):
    """As a table of its own, or as rows with an empty target behind the history, a known future says the same."""
    history = table(price=price)
    by_table = priced.predict(history, future=ahead())
    behind = ahead().with_columns(pl.lit(None, pl.Float64).alias("y")).select(history.columns)
    by_rows = priced.predict(pl.concat([history, behind]))
    assert by_table.equals(by_rows)
    assert by_table.equals(priced.predict(future=ahead()))
    dearer = priced.predict(history, future=ahead(column=lambda t: 30.0))
    assert not by_table.equals(dearer)


def test_a_future_behind_the_training_table_is_used():
    """Rows with an empty target behind the table that was fitted on are the future that predict goes on with."""
    history = table(price=price)
    behind = ahead().with_columns(pl.lit(None, pl.Float64).alias("y")).select(history.columns)
    model = small().fit(pl.concat([history, behind]), covariates={"price": "future"})
    plain = small().fit(history, covariates={"price": "future"})
    assert model.predict().equals(plain.predict(future=ahead()))
    model.fit(history, covariates={"price": "future"})
    with pytest.raises(DataError, match="no table was given"):
        model.predict()


def test_a_future_that_is_missing_or_short_is_refused(priced):
    """Every step of every series must be known; the message says which is not."""
    with pytest.raises(DataError, match="'price' must be given for the 4 steps of the future, but no table was given"):
        priced.predict()
    with pytest.raises(DataError, match="misses 'a at 2024-03-04'"):
        priced.predict(future=ahead(steps=3).vstack(ahead(("b",)).tail(1)))
    with pytest.raises(DataError, match="has none of them for 'b'"):
        priced.predict(future=ahead(("a",)))
    with pytest.raises(DataError, match="must hold each of the 9 steps"):
        priced.predict(future=ahead(), horizon=9)


def test_a_covariate_that_is_missing_is_refused(priced):
    """New data must have the covariates of the model."""
    with pytest.raises(DataError, match="price"):
        priced.predict(table(), future=ahead())


def test_a_failed_fit_changes_nothing():
    """What was fitted before a fit that failed stays, and forecasts as it did."""
    model = small().fit(table())
    before, parts = model.predict(), (model.fitted_, model.panel_, model.report_)
    for wrong in (table(days=1), table().with_columns(pl.lit("x").alias("y")), table(days=0)):
        with pytest.raises(DataError):
            model.fit(wrong)
    assert (model.fitted_, model.panel_, model.report_) == parts
    assert model.predict().equals(before)


def test_the_same_seed_is_the_same_forecaster():
    """Fitted twice with one seed it says the same to the bit; with another seed something else."""
    one, again, other = (small(seed=seed).fit(table()).predict(level=[90]) for seed in (0, 0, 1))
    assert one.equals(again)
    assert not one.equals(other)


def test_the_report_is_plain(fitted):
    """The report is of JSON's kinds, and has what was decided."""
    import json

    report = json.loads(json.dumps(fitted.report_, allow_nan=False))
    assert report == fitted.report_
    assert report["seasons"] == [7]
    assert report["steps"] == 3
    assert report["parameters"] > 0
    assert report["seconds"] > 0


def test_a_run_can_be_taken_up_again(tmp_path):
    """With a folder for checkpoints a fit leaves one there, and fits the same from it."""
    one = small().fit(table(), checkpoint=tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["checkpoint.safetensors"]
    again = small().fit(table(), checkpoint=str(tmp_path / "run"))
    assert one.predict().equals(again.predict())


def test_categories_without_an_input_are_said():
    """A category that was not there in training is read as unknown, and the forecast's notes say so."""
    days = [date(2024, 1, 1) + timedelta(i) for i in range(30)]
    table = pl.DataFrame({"unique_id": ["a"] * 30, "ds": days, "y": np.arange(30.0), "kind": ["shop"] * 30})
    model = Forecaster(3, season_length=(), options=SMALL, verbose=False).fit(table, covariates={"kind": "static"})
    assert model.forecast().notes == ()
    said = model.forecast(table.with_columns(kind=pl.lit("kiosk")))
    assert said.notes == ("Categories 'kiosk' of 'kind' have no input and are read as unknown.",)


def test_every_category_that_was_never_seen_is_the_unknown_one():
    """Forecasts of new categories are alike, finite, and others than those of a known or of a missing category."""
    kinds = table().with_columns(
        kind=pl.when(pl.col("unique_id") == "a").then(pl.lit("shop")).otherwise(pl.lit("stall"))
    )
    model = small(options={**SMALL, "validate": False, "steps": 20}).fit(kinds, covariates={"kind": "static"})

    def said(kind):
        return model.forecast(kinds.with_columns(kind=pl.lit(kind, pl.String))).values

    np.testing.assert_array_equal(said("kiosk"), said("market"))
    assert np.isfinite(said("kiosk")).all()
    for other in ("shop", "stall"):
        assert (said("kiosk") != said(other)).any()


def test_rare_categories_are_the_unknown_one():
    """With max_categories, only so many are told apart; the others are forecast like one that nobody has seen."""
    kinds = table(("a", "b", "c")).with_columns(kind=pl.col("unique_id"))
    model = small(options={**SMALL, "max_categories": 1}).fit(kinds, covariates={"kind": "static"})
    assert [len(column.categories) for column in model.fitted_.spec.columns] == [1]
    one, other = (model.forecast(kinds.with_columns(kind=pl.lit(kind))).values for kind in ("c", "new"))
    np.testing.assert_array_equal(one, other)
    with pytest.raises(UsageError, match="max_categories must be a whole number of at least 1"):
        small(options={"max_categories": 0})


def test_a_pretrained_forecaster_needs_no_fit():
    """It forecasts any data at once: its own seasons, its own intervals, the notes beside; nothing is remembered."""
    model = Forecaster.pretrained(HORIZON)
    said = model.forecast(table(), level=[80])
    assert np.all(np.isfinite(said.values))
    assert not hasattr(model, "fitted_")
    framed = model.predict(table(), level=[80])
    np.testing.assert_array_equal(framed["LSTM"].to_numpy().reshape(2, HORIZON), said.median)
    monthly = Panel.from_arrays([10 + np.cos(np.arange(90) * np.pi / 6)], freq="MS")
    assert model.forecast(monthly).values.shape == (1, HORIZON, 1)
    short = model.forecast(Panel.from_arrays([np.array([5.0])]))
    assert any("last value" in note for note in short.notes)
    assert any("they are the network's own" in note for note in short.notes), "what was found on the way is told, too"
    with pytest.raises(NotFittedError):
        model.predict()


def test_fitted_or_not_a_pretrained_forecaster_says_the_same():
    """Fitted on the data, saved and loaded, it says what it says of the same data without."""
    model = Forecaster.pretrained(HORIZON)
    at_once = model.predict(table(), level=[80])
    assert model.fit(table()).predict(level=[80]).equals(at_once)
    assert model.report_["start"].startswith("base ")
    assert model.report_["steps"] == model.report_["trust"] == 0


@pytest.mark.parametrize("horizon", [1, 9, 1000])
def test_a_pretrained_forecaster_looks_as_far_as_asked(horizon):
    """Any horizon, longer than the history too, asked for when it is made or later."""
    data = table(days=20)
    made = Forecaster.pretrained(horizon).forecast(data, level=[90]).values
    asked = Forecaster.pretrained(2).forecast(data, level=[90], horizon=horizon).values
    assert made.shape == (2, horizon, 3)
    assert np.all(np.isfinite(made))
    np.testing.assert_array_equal(made, asked)


def test_an_instant_forecaster_reads_its_panel_once(monkeypatch):
    """What fitting has read on the way to past origins is not read again to forecast; a live start is another pass."""
    model, read = Forecaster(HORIZON, effort="instant").fit(table()), []
    encode = type(model.fitted_.engine).encode
    monkeypatch.setattr(type(model.fitted_.engine), "encode", lambda *given: read.append(1) or encode(*given))
    model.predict(level=80)
    assert not read
    model.live()
    assert read


def test_an_instant_forecaster_leaves_covariates_alone():
    """They change nothing and are said not to be read; a known future behind the table is passed over."""
    plain = Forecaster.pretrained(HORIZON).predict(table())
    model = Forecaster(HORIZON, effort="instant")
    behind = ahead().with_columns(pl.lit(None, pl.Float64).alias("y")).select(table(price=price).columns)
    model.fit(pl.concat([table(price=price), behind]), covariates={"price": "future"})
    assert model.predict().equals(plain)
    assert any("covariates 'price' are not read" in note for note in model.report_["notes"])
    with pytest.raises(UsageError, match="future must only be given to a model with known-future covariates"):
        model.predict(future=ahead())


def test_training_begins_with_the_pretrained_weights():
    """It says with which, and how it compares with the instant forecaster; from scratch stays possible."""
    options = {"steps": 4, "batch": 8, "crop": 30}
    tuned = small(options=options).fit(table()).report_
    assert tuned["start"].startswith("base ")
    assert 0 <= tuned["trust"] <= 1
    assert tuned["validation"] <= tuned["instant_validation"]
    scratch = small(options={**options, "start": "scratch"}).fit(table()).report_
    assert (scratch["start"], scratch["instant_validation"]) == ("scratch", None)
    other = small(options={**options, "hidden": 8}).fit(table()).report_
    assert other["start"] == "scratch"
    assert any("since the pretrained weights 'tiny' are of another network" in n for n in other["notes"])


def test_the_course_of_training_is_a_frame():
    """It has a row per check and the columns that reports and loggers have; none where nothing was trained."""
    told = []
    given = {"optimizer": "adam", "schedule": "one-cycle"}
    model = small(options={**SMALL, "training": given}).fit(table(), callbacks=[told.append])
    checks = [event for event in told if event.name == "checked"]
    assert model.history_.columns[:5] == ["step", "loss", "score", "rate", "gradient_norm"]
    assert model.history_["step"].to_list() == [event.step for event in checks]
    assert model.history_["rate"].to_list() == [event.rate for event in checks]
    assert Forecaster.pretrained(horizon=2).fit(table()).history_.is_empty()
    with pytest.raises(NotFittedError):
        _ = Forecaster(horizon=2).history_
