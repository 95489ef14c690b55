"""The scoreboard: averages, skill, and one plain sentence."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from foregate.core import Panel, UsageError
from foregate.evaluation import ERRORS, Drift, Naive, Plan, SeasonalNaive, backtest, measure, scoreboard
from tests.evaluation.test_backtest import Says, zeros


def seasonal(n=60, *, size=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return size * (10 + 3 * np.sin(2 * np.pi * np.arange(n) / 4) + rng.normal(0, 0.5, n))


PANEL = Panel.from_arrays([seasonal(), seasonal(40, size=100, seed=1), seasonal(13, seed=2)], ids=["a", "b", "c"])
RESULT = backtest(
    {"SeasonalNaive": SeasonalNaive(4), "Naive": Naive(), "Drift": lambda panel: Drift()},
    PANEL,
    Plan(horizon=4, n_windows=3, season=4),
)
BOARD = scoreboard(RESULT)


def test_overall_is_the_mean_over_forecasts():
    """Every forecast weighs the same in the overall figure, and those that a series is too short for are left out."""
    for name in RESULT.models:
        found = measure(RESULT.outcomes(name))
        for measured in ("mae", "smape", "mase", "crps", "coverage-80"):
            assert BOARD[name].overall[measured] == pytest.approx(np.nanmean(found[measured]))
            np.testing.assert_allclose(BOARD[name].by_series[measured], np.nanmean(found[measured], axis=1))
    assert BOARD.n_forecasts == 9
    assert len(BOARD["Naive"].by_step["mae"]) == 4


def test_skill_is_against_seasonal_naive():
    """Skill is the share of SeasonalNaive's error that is saved: 0 for itself, negative where a model is worse."""
    assert all(BOARD["SeasonalNaive"].skill[error] == 0 for error in ERRORS)
    naive = BOARD["Naive"]
    assert naive.skill["mase"] < 0
    for error in ERRORS:
        reference = BOARD["SeasonalNaive"].overall[error]
        assert naive.skill[error] == pytest.approx(1 - naive.overall[error] / reference)


def test_without_seasonal_naive_there_is_no_skill():
    """Skill is empty where SeasonalNaive was not run."""
    assert scoreboard(backtest(Naive(), PANEL, Plan(horizon=4))).scores[0].skill == {}


def test_the_better_model_wins_and_the_worse_loses():
    """The verdict takes the model's side, gives both figures and says plainly when it loses."""
    won, lost = BOARD.verdict("SeasonalNaive", "Naive"), BOARD.verdict("Naive")
    a, b = (f"{BOARD[name].overall['mase']:.3g}" for name in ("SeasonalNaive", "Naive"))
    assert won.startswith(f"SeasonalNaive beats Naive on MASE: {a} against {b} (")
    assert won.endswith("% lower), on 3 held-out origins of 3 series.")
    assert lost.startswith(f"Naive loses to SeasonalNaive on MASE: {b} against {a} (")
    assert lost.endswith("% higher), on 3 held-out origins of 3 series.")
    assert BOARD.verdict("Naive", "Naive").startswith("Naive and Naive are level on MASE: ")
    assert "on sMAPE" in BOARD.verdict("Naive", measure="smape")


def test_rounding_decides_nothing():
    """Errors that differ in the last digits of float32 are level; a thousandth more is not."""
    for far, said in ((1 + 1e-7, "are level on MASE"), (1.001, "loses to")):
        ours = replace(BOARD["Naive"], model="LSTM", overall={"mase": BOARD["Naive"].overall["mase"] * far})
        assert said in replace(BOARD, scores=(ours, BOARD["Naive"])).verdict("LSTM", "Naive")


def test_the_verdict_warns_of_a_model_that_may_have_seen():
    """A model that was given fitted does not win without the caution."""
    board = scoreboard(backtest({"LSTM": Says(zeros), "SeasonalNaive": SeasonalNaive(4)}, PANEL, Plan(horizon=2)))
    assert board.verdict().endswith("But LSTM was given fitted and may have seen these origins.")


def test_where_mase_is_not_defined_the_verdict_uses_mae():
    """A past that never changed has no MASE: it is counted in the notes, None in JSON, and the verdict says MAE."""
    panel = Panel.from_arrays([np.r_[np.zeros(8), 1.0, 2.0]])
    board = scoreboard(backtest({"SeasonalNaive": SeasonalNaive(1), "Drift": Drift()}, panel, Plan(horizon=2)))
    assert board.verdict("Drift") == (
        "Drift and SeasonalNaive are level on MAE: 1.5, on 1 held-out origin of one series."
    )
    assert board.notes == ("MASE leaves out 1 of 1 forecasts: nothing had changed over a season before.",)
    assert board.to_dict()["models"][0]["mase"] is None


def test_without_any_value_nothing_is_compared():
    """Where no held-out value was observed, the verdict says that it cannot be given."""
    panel = Panel.from_arrays([np.r_[np.arange(8.0), np.nan, np.nan]])
    board = scoreboard(backtest({"SeasonalNaive": SeasonalNaive(1), "Drift": Drift()}, panel, Plan(horizon=2)))
    assert board.verdict("Drift").endswith("cannot be compared: no value of the held-out origins was observed.")


def test_figures_that_differ_look_different():
    """Two figures that differ only far behind the point are shown with enough digits to tell them apart."""
    panel = Panel.from_arrays([np.r_[np.arange(8.0), 8.0, 9.0]])

    def nearly(panel, horizon, quantiles, future):
        return zeros(panel, horizon, quantiles, future) + 7.00001

    models = {"SeasonalNaive": SeasonalNaive(1), "LSTM": lambda panel: Says(nearly)}
    assert "1.49999 against 1.5 (" in scoreboard(backtest(models, panel, Plan(horizon=2))).verdict()


def test_rows_are_flat_and_json_is_valid():
    """Rows are flat and alike for every model, steps included, and the dict is valid JSON."""
    rows = BOARD.to_rows()
    assert [row["model"] for row in rows] == list(RESULT.models)
    assert {frozenset(row) for row in rows} == {frozenset(rows[0])}
    assert {"mase", "skill-mase", "coverage-95", "width-95", "n_series", "fit_seconds"} <= set(rows[0])
    assert len(BOARD.step_rows()) == 3 * 4
    assert json.loads(json.dumps(BOARD.to_dict(), allow_nan=False))["n_windows"] == 3


def test_unknown_names_are_refused():
    """A model that was not run and a measure that is no error are refused with the names there are."""
    with pytest.raises(UsageError, match="model must be one of 'SeasonalNaive', 'Naive', 'Drift', but got 'LSTM'"):
        BOARD.verdict()
    with pytest.raises(UsageError, match=r"measure must be one of mae, rmse, .*, but got 'bias'"):
        BOARD.verdict("Naive", measure="bias")


@pytest.mark.parametrize(("by", "rows"), [("model", 1), ("step", 4), ("series", 3), ("origin", 3), ("target", 0)])
def test_tables_have_a_row_of_every_measure(by, rows):
    """Per model, step, series and origin there is a row for each model, with the numbers of the scoreboard."""
    frame = BOARD.frame(by)
    assert frame.height == 3 * rows
    for score in BOARD.scores if by in ("step", "series", "origin") else ():
        own = frame.filter(pl.col("model") == score.model)
        for name, values in getattr(score, f"by_{by}").items():
            np.testing.assert_array_equal(own[name].to_numpy(), values)
    if rows:
        assert {"mae", "mase", "crps", "coverage-80", "width-95"} <= set(frame.columns)


def test_single_forecasts_add_up():
    """The table of single forecasts has one row per model, series and origin, and its means are the other tables."""
    frame = BOARD.frame("forecast")
    assert frame.height == 3 * BOARD.n_forecasts
    for by, key in (("series", "unique_id"), ("origin", "window")):
        means = frame.group_by("model", key, maintain_order=True).agg(pl.col("mae").mean()).sort("model", key)
        np.testing.assert_allclose(means["mae"], BOARD.frame(by).sort("model", key)["mae"])
    origins = BOARD.frame("origin")
    assert origins["n_forecasts"].sum() == 3 * BOARD.n_forecasts
    assert (origins["first_cutoff"] <= origins["last_cutoff"]).all()


def test_an_unknown_table_is_refused():
    """The error names those that there are."""
    with pytest.raises(UsageError, match=r"by must be one of model, step, .*, target, but got 'h'"):
        BOARD.frame("h")
