"""The models of a backtest put to the test."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import FrameSpec, Panel, UsageError
from foregate.evaluation import Drift, Naive, Plan, SeasonalNaive, backtest, compare, diebold_mariano, measure, rank

MODELS = {"SeasonalNaive": SeasonalNaive(4), "Naive": Naive(), "Drift": Drift()}


def panel_of(n_series=3, length=120, seed=0, **options):
    rng = np.random.default_rng(seed)
    t = np.arange(length)
    return Panel.from_arrays([3 * np.sin(np.pi * t / 2) + rng.normal(0, 1, length) for _ in range(n_series)], **options)


RESULT = backtest(MODELS, panel_of(), Plan(4, 12, season=4))
FOUND = compare(RESULT)


def test_each_series_is_tested_on_its_origins():
    """The test of a pair on a series is that on the two rows of losses, and these are the measured ones."""
    np.testing.assert_array_equal(FOUND.losses["Naive"], measure(RESULT.outcomes("Naive"))["mase"])
    for (a, b), test in FOUND.by_series.items():
        alone = diebold_mariano(FOUND.losses[a][1], FOUND.losses[b][1])
        assert test.p_value[1] == alone.p_value[0]
    assert [*FOUND.pooled] == [("SeasonalNaive", "Naive"), ("SeasonalNaive", "Drift"), ("Naive", "Drift")]


def test_series_that_move_as_one_count_as_one():
    """A panel of copies of a series says of all series together what the series says alone, however many there are."""
    one = panel_of(1)
    copies = Panel.from_arrays([one.series(0)] * 20)
    alone, together = (compare(backtest(MODELS, p, Plan(4, 12, season=4))) for p in (one, copies))
    for pair, test in alone.pooled.items():
        np.testing.assert_allclose(together.pooled[pair].p_value, test.p_value)
        np.testing.assert_allclose(test.p_value, alone.by_series[pair].p_value)


@pytest.mark.parametrize(
    ("plan", "step", "lags"),
    [
        (Plan(4, 12), None, 0),
        (Plan(4, 12, step=2), None, 1),
        (Plan(4, 12, step=2), 1, 0),
        (Plan(4, 12, step=1), 3, 2),
        (Plan(4, 12, step=1, gap=2), 3, 4),
        (Plan(4, 12, gap=1), None, 1),
        (Plan(4, 12, gap=3), 1, 0),
        (Plan(4, 6, gap=3, scheme="blocked"), None, 0),
    ],
)
def test_overlap_is_that_of_the_targets(plan, step, lags):
    """As many autocovariances count as earlier origins lie less far back than the last target ahead; none of blocks."""
    assert compare(backtest(MODELS, panel_of(), plan), step=step).lags == lags


def test_one_step_ahead_is_compared_alone():
    """With a step, the loss is the error at that step."""
    found = compare(RESULT, "mae", step=2)
    error = np.abs(RESULT.actual - RESULT.outcomes("Naive").at(0.5))[:, :, 1]
    np.testing.assert_allclose(found.losses["Naive"], error)


def test_models_are_ranked_on_series_or_on_origins_of_one():
    """Several series are ranked by their mean losses; one by its origins."""
    means = np.stack([FOUND.losses[m].mean(axis=1) for m in MODELS])
    np.testing.assert_array_equal(FOUND.ranks.mean, rank(means).mean)
    assert (FOUND.ranked, FOUND.ranks.n) == ("series", 3)
    one = compare(backtest(MODELS, panel_of(1), Plan(4, 12, season=4)))
    assert (one.ranked, one.ranks.n) == ("origins", 12)


def test_frames_say_what_was_found():
    """A row per pair, per pair and series, and per model, best first."""
    pairs, series, ranks = (FOUND.frame(kind) for kind in ("pairs", "series", "ranks"))
    assert pairs["p_value"].to_list() == [test.p_value[0] for test in FOUND.pooled.values()]
    assert np.all(pairs["p_holm"].to_numpy() >= pairs["p_value"].to_numpy())
    assert series.columns[:3] == ["model", "against", "unique_id"]
    assert series["unique_id"].to_list() == ["s0", "s1", "s2"] * 3
    assert series["p_value"].to_list()[3:6] == FOUND.by_series["SeasonalNaive", "Drift"].p_value.tolist()
    assert ranks["model"][0] == "SeasonalNaive"
    assert ranks["rank"].is_sorted()
    with pytest.raises(UsageError, match="kind must be one of pairs, series, ranks, but got 'models'"):
        FOUND.frame("models")


def test_a_table_without_ids_has_none():
    """One series without a name has no column of names in the frame."""
    panel = panel_of(1)
    nameless = backtest(MODELS, replace(panel, spec=FrameSpec(has_ids=False, time_unit="step")), Plan(4, 12))
    assert compare(nameless).frame("series").columns[:3] == ["model", "against", "difference"]


def test_the_verdict_is_the_same_from_both_sides():
    """It names the better one whoever is asked about first, and says what may be chance."""
    assert FOUND.verdict("SeasonalNaive", "Naive").startswith("SeasonalNaive has a lower MASE than Naive, by more than")
    assert FOUND.verdict("Naive", "SeasonalNaive").startswith("Naive has a higher MASE than SeasonalNaive, by more")
    same = compare(backtest({"a": Naive(), "b": SeasonalNaive(1)}, panel_of(), Plan(4, 12)))
    assert same.verdict("a", "b") == "a and b cannot be told apart by MASE on 12 origins (p = 1)."
    few = compare(backtest(MODELS, panel_of(), Plan(4, 1)))
    assert "1 origin are too few" not in few.verdict("Naive", "Drift")
    assert few.notes == ("1 origin is too few to compare models: give more than 1 window.",)
    with pytest.raises(UsageError, match="models must be two of"):
        FOUND.verdict("Naive", "LSTM")


def test_cautions_are_given():
    """Few overlapping origins, series that end at different times and a MASE that is nowhere defined are told."""
    overlapping = compare(backtest(MODELS, panel_of(), Plan(4, 12, step=2)))
    assert "Targets of 2 origins overlap, and there are only 12: p-values are too small" in overlapping.notes[0]
    rng = np.random.default_rng(0)
    uneven = Panel.from_arrays([rng.normal(size=60), rng.normal(size=50)])
    assert "Series end at different times" in compare(backtest(MODELS, uneven, Plan(2, 6))).notes[0]
    flat = Panel.from_arrays([np.r_[np.zeros(10), 1.0, 2.0]] * 2)
    found = compare(backtest(MODELS, flat, Plan(2, season=4)))
    assert (found.measure, found.notes[0]) == ("mae", "MASE is defined nowhere: compared by MAE instead.")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"backtest": backtest(Naive(), panel_of(), Plan(2))}, "a Backtest of two models or more"),
        ({"measure": "bias"}, "measure must be one of mae, rmse"),
        ({"step": 5}, "step must be at most the horizon, 4, but got 5"),
        ({"step": 0}, "step must be a whole number of at least 1"),
    ],
)
def test_wrong_questions_are_refused(wrong, message):
    """One model, a measure that is no error, and steps that were not forecast."""
    with pytest.raises(UsageError, match=message):
        compare(**{"backtest": RESULT, **wrong})
