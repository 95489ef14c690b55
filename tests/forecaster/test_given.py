"""Laws of what people give a forecaster."""

import numpy as np
import pytest

from foregate import ArtifactError, Forecaster, ModelOptions, Panel, UsageError, backtest, load
from foregate.forecaster.given import recipe_of

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


@pytest.mark.parametrize("model", ["gru", "recursive+draws=20", "negative-binomial"])
def test_futures_lie_where_the_forecast_says(panel, model):
    """At every step the lowest, middle and highest of n futures are the quantiles that evenly spread ones should be."""
    made = fitted(panel, model=model)
    n = 9
    frame = made.simulate(n=n)
    assert list(frame.columns) == ["unique_id", "ds", "sample_id", "LSTM"]
    values = frame["LSTM"].to_numpy().reshape(4, n, 4)
    said = made.forecast(quantiles=[0.5 / n, 1 - 0.5 / n])
    np.testing.assert_allclose(values.min(1), said.quantile(0.5 / n))
    np.testing.assert_allclose(np.median(values, 1), said.median)
    np.testing.assert_allclose(values.max(1), said.quantile(1 - 0.5 / n))
    again = made.simulate(panel.take([2]), n=n)["LSTM"].to_numpy()
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
    again = load(tmp_path / "model", engine="onnx").fit(panel, warm=True)
    assert [member["start"] for member in again.report_["members"]] == ["own", "own"]


def test_a_warm_start_is_of_the_same_model(panel):
    """Another model, or more steps than the old one can say, is refused in words; the model that was there stays."""
    made = fitted(panel, model="direct")
    kept = made.fitted_
    made.horizon = 6
    with pytest.raises(UsageError, match="a warm start must go on with the model that there is, made for 4 steps"):
        made.fit(panel, warm=True)
    assert made.fitted_ is kept


@pytest.mark.parametrize("combine", ["weights", "median"])
def test_several_networks_are_saved_as_one(panel, tmp_path, combine):
    """Loaded by torch they forecast the same bits, and by ONNX Runtime the same within 1e-5."""
    made = fitted(panel, options={**QUICK, "members": 3, "combine": combine})
    made.save(tmp_path / "model")
    said = made.forecast(level=80).values
    np.testing.assert_array_equal(load(tmp_path / "model", engine="torch").forecast(level=80).values, said)
    np.testing.assert_allclose(load(tmp_path / "model", engine="onnx").forecast(level=80).values, said, rtol=1e-5)
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
