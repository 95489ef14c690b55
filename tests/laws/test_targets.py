"""Laws of several targets per series, end to end: fit, predict, backtest, save."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from foregate.core import DataError, ModelError
from foregate.data import read
from foregate.evaluation import scoreboard
from foregate.forecaster import Forecaster, backtest, load

SMALL = {"steps": 3, "hidden": 6, "decoder": 5, "batch": 8, "crop": 30}
TARGETS = ["load", "price"]
HORIZON = 3


def table(days=60, seed=0, ids=("a", "b")):
    """A daily table with a weekly load and a price of another size, and a holiday that is known ahead."""
    rng = np.random.default_rng(seed)
    t = np.arange(days)
    frames = [
        pl.DataFrame(
            {
                "shop": [one] * days,
                "day": [date(2024, 1, 1) + timedelta(int(i)) for i in t],
                "load": 100 * (n + 1) + 10 * np.sin(2 * np.pi * t / 7) + rng.normal(0, 1, days),
                "price": 3 + np.cumsum(rng.normal(0, 0.1, days)),
                "holiday": (t % 10 == 0).astype(float),
            }
        )
        for n, one in enumerate(ids)
    ]
    return pl.concat(frames)


def ahead(days=60):
    rows = [(one, date(2024, 1, 1) + timedelta(days + k), 0.0) for one in "ab" for k in range(HORIZON)]
    return pl.DataFrame(rows, schema=["shop", "day", "holiday"], orient="row")


def small(**changes):
    return Forecaster(HORIZON, **{"season_length": 7, "options": SMALL, "verbose": False, **changes})


NAMED = {"id_col": "shop", "time_col": "day", "target_cols": TARGETS}


@pytest.fixture(scope="module")
def fitted():
    return small().fit(table(), **NAMED, covariates={"holiday": "future"})


@pytest.fixture(scope="module")
def known():
    return ahead()


def test_forecasts_of_all_targets_stand_side_by_side(fitted, known):
    """What went in as a row per series and day comes back as one, with the columns of each target under its name."""
    said = fitted.predict(level=[80], future=known)
    assert said.columns == ["shop", "day", "load", "load-lo-80", "load-hi-80", "price", "price-lo-80", "price-hi-80"]
    assert said.height == 2 * HORIZON
    assert np.isfinite(said.drop("shop", "day").to_numpy()).all()
    assert (said["load"] > 50).all()
    assert (said["price"] < 50).all()
    assert fitted.forecast(future=known).ids.tolist() == ["a / load", "a / price", "b / load", "b / price"]


def test_pandas_in_pandas_out(known):
    """The frame that comes back is of the library that came in."""
    model = small().fit(table().to_pandas(), **NAMED)
    said = model.predict()
    assert type(said).__module__.startswith("pandas")
    assert list(said.columns) == ["shop", "day", *TARGETS]


def test_a_target_is_told_what_the_others_do(fitted, known):
    """Change the newest price, and the forecast of the load is another one; change it after, and it is not."""
    newest = (pl.col("shop") == "a") & (pl.col("day") == date(2024, 1, 1) + timedelta(59))
    shaken = table().with_columns(price=pl.when(newest).then(pl.col("price") * 1.5).otherwise("price"))
    trained = Forecaster(HORIZON, season_length=7, verbose=False, options={**SMALL, "validate": False})
    trained.fit(table(), **NAMED)
    one, other = (trained.forecast(each, quantiles=[0.5]).median for each in (table(), shaken))
    assert (one[0] != other[0]).all()
    assert (one[1] != other[1]).all()
    np.testing.assert_array_equal(one[2:], other[2:])


def test_no_forecast_looks_ahead_at_another_target(fitted):
    """Whatever a target does after an origin, the forecasts of all targets at it are the same to the bit."""
    later = pl.col("day") > date(2024, 1, 1) + timedelta(49)
    changed = table().with_columns(price=pl.when(later).then(pl.col("price") * 7).otherwise("price"))
    origins = np.tile([20, 49], (4, 1))
    panels = [read(each, **NAMED, covariates={"holiday": "future"}) for each in (table(), changed)]
    one, other = (fitted.fitted_.forecast_origins(panel, origins, HORIZON, [0.1, 0.5, 0.9]) for panel in panels)
    np.testing.assert_array_equal(one, other)


def test_new_data_is_read_as_that_of_the_fit(fitted, known):
    """A table of the same columns, newer or of other series, is forecast without a word about its targets."""
    other = table(days=60, seed=5)
    said = fitted.predict(other, future=known)
    assert said.columns == ["shop", "day", *TARGETS]
    panel = read(other, **NAMED, covariates={"holiday": "future"})
    assert fitted.predict(panel, future=known).equals(said)


def test_a_panel_of_other_targets_is_refused(fitted):
    """The message says which targets the model was fitted on, and which came."""
    one = read(table(), id_col="shop", time_col="day", target_col="load", covariates={"holiday": "future"})
    with pytest.raises(DataError, match="was fitted on, 'load', 'price', but got one target"):
        fitted.predict(one)


def test_saved_and_loaded_it_is_the_same(fitted, known, tmp_path):
    """A loaded model gives the same table, to the bit, and reads new tables in the same way."""
    fitted.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.panel_.spec == fitted.panel_.spec
    assert again.predict(level=[80], future=known).equals(fitted.predict(level=[80], future=known))
    other = table(seed=5)
    assert again.predict(other, future=known).equals(fitted.predict(other, future=known))


def test_a_step_of_the_future_that_is_missing_is_named(fitted, known):
    """Column, series and time are named as they stand in the table, once for all targets."""
    with pytest.raises(DataError, match=r"'holiday' must hold each .* misses 'b at 2024-03-02'\. Add"):
        fitted.predict(future=known.filter((pl.col("shop") == "a") | (pl.col("day") != date(2024, 3, 2))))
    empty = known.with_columns(holiday=pl.when(pl.col("day") != date(2024, 3, 3)).then("holiday"))
    with pytest.raises(
        DataError, match=r"'holiday' must have a value .* empty for 'a at 2024-03-03', 'b at 2024-03-03'"
    ):
        fitted.predict(future=empty)


def test_each_target_is_scored(fitted):
    """A backtest has a row per series, target and step, and its scoreboard a line per model and target."""
    panel = read(table(), **NAMED)
    test = backtest(small(), panel, n_windows=2, baselines=["SeasonalNaive"])
    assert test.frame().columns[:5] == ["shop", "target", "day", "cutoff", "y"]
    assert test.frame().height == 2 * 2 * 2 * HORIZON
    board = scoreboard(test)
    rows = board.target_rows()
    assert [(row["model"], row["target"]) for row in rows] == [
        (model, target) for model in ("LSTM", "SeasonalNaive") for target in TARGETS
    ]
    maes = {row["target"]: row["mae"] for row in rows if row["model"] == "LSTM"}
    own = board["LSTM"].by_series["mae"]
    np.testing.assert_allclose([maes["load"], maes["price"]], [own[[0, 2]].mean(), own[[1, 3]].mean()])
    assert board.to_dict()["by_target"][0]["target"] == "load"
    assert any("targets of different units" in note for note in board.notes)


def test_at_once_each_target_is_forecast_by_itself():
    """An instant forecaster says for each target what it says of a table that holds that one alone, and says so."""
    model = Forecaster.pretrained(HORIZON, season_length=7).fit(table(), **NAMED)
    said = model.predict()
    for name in TARGETS:
        one = Forecaster.pretrained(HORIZON, season_length=7).fit(
            table(), id_col="shop", time_col="day", target_col=name
        )
        np.testing.assert_allclose(said[name].to_numpy(), one.predict()["LSTM"].to_numpy(), rtol=1e-4)
    notes = model.report_["notes"]
    assert any(note.startswith("targets 'load', 'price' are forecast each by itself") for note in notes)
    assert not any(note.startswith("covariates") for note in notes)


def test_a_live_forecaster_has_one_target(fitted):
    """It is refused in a sentence that says what to do."""
    with pytest.raises(ModelError, match="must have one target, but got a model of several: 'load', 'price'"):
        fitted.live()
    instant = Forecaster.pretrained(HORIZON).fit(table(), **NAMED)
    with pytest.raises(ModelError, match="must have one target"):
        instant.live()
