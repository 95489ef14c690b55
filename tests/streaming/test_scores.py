"""Laws of running scores."""

import numpy as np
import polars as pl
import pytest

from foregate.core import FrameSpec
from foregate.streaming.scores import FADING, Scores

QUANTILES, LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975), (80, 95)
EVERYWHERE = np.ones((2, 3), bool)


def some(seed, outcomes=30, series=2, steps=3):
    rng = np.random.default_rng(seed)
    said = np.sort(rng.normal(size=(outcomes, series, steps, 5)))
    return rng.normal(size=(outcomes, series)), said, rng.normal(size=(outcomes, series, steps))


def frame(scores, counted, sums, spec=FrameSpec(id_dtype="int64")):  # noqa: B008
    return scores.frame(counted, sums, (np.array(["7", "3"]), np.array([1, 2, 5])), spec)


def test_means_are_those_of_all_outcomes():
    """Every column is the mean that its name says, by series and step."""
    scores, (actual, said, last) = Scores(QUANTILES, LEVELS), some(1)
    sums = sum(scores.measures(*one, EVERYWHERE) for one in zip(actual, said, last, strict=True))
    found = frame(scores, sums, sums)
    assert found.columns == [
        *("unique_id", "step", "n", "mae", "bias", "pinball", "skill"),
        *("coverage-80", "width-80", "coverage-95", "width-95"),
    ]
    assert found["unique_id"].to_list() == [7, 7, 7, 3, 3, 3]
    assert found["step"].to_list() == [1, 2, 5] * 2
    assert found["n"].to_list() == [30] * 6
    error, q = said[..., 2] - actual[..., None], np.array(QUANTILES)
    under = actual[..., None, None] - said
    expected = {
        "mae": np.abs(error).mean(0),
        "bias": error.mean(0),
        "pinball": np.where(under > 0, q * under, (q - 1) * under).mean((0, -1)),
        "skill": 1 - np.abs(error).mean(0) / np.abs(last - actual[..., None]).mean(0),
        "coverage-80": ((said[..., 1] <= actual[..., None]) & (actual[..., None] <= said[..., 3])).mean(0),
        "width-95": (said[..., 4] - said[..., 0]).mean(0),
    }
    for name, values in expected.items():
        np.testing.assert_allclose(found[name].to_numpy(), values.reshape(-1), err_msg=name)


def test_the_recent_past_counts_most():
    """An outcome counts less by one in a hundred with each that follows at its step, and not with those that do not."""
    scores, (actual, said, last) = Scores(QUANTILES, LEVELS), some(2)
    sums, recent, weights, errors = 0, np.zeros((2, 3, scores.width)), np.zeros((2, 3)), np.zeros((2, 3))
    for i, one in enumerate(zip(actual, said, last, strict=True)):
        there = np.random.default_rng(i).random((2, 3)) < 0.5
        measures = scores.measures(*one, there)
        sums, recent = sums + measures, scores.fade(recent, measures, there)
        error = np.abs(said[i, ..., 2] - actual[i, :, None])
        weights = np.where(there, FADING * weights + 1, weights)
        errors = np.where(there, FADING * errors + error, errors)
    found = frame(scores, sums, recent)
    np.testing.assert_allclose(found["mae"].to_numpy(), (errors / weights).reshape(-1))
    assert found["n"].to_list() == sums[..., 0].reshape(-1).tolist()


def test_nothing_scored_is_null():
    """Means of nothing, and the skill against a last value that was never wrong, are null."""
    scores = Scores(QUANTILES, LEVELS)
    nothing = np.zeros((2, 3, scores.width))
    assert frame(scores, nothing, nothing).drop("unique_id", "step", "n").null_count().row(0) == (6,) * 8
    right = nothing + scores.measures(np.ones(2), np.ones((2, 3, 5)), np.ones((2, 3)), EVERYWHERE)
    assert frame(scores, right, right)["skill"].null_count() == 6
    assert frame(scores, right, right)["coverage-80"].to_list() == [1.0] * 6


@pytest.mark.parametrize(("dtype", "kind"), [("str", pl.String), ("int64", pl.Int64), ("category", pl.Categorical)])
def test_ids_keep_their_type(dtype, kind):
    """As in forecasts."""
    nothing = np.zeros((2, 3, 1 + 4))
    found = frame(Scores(QUANTILES, ()), nothing, nothing, FrameSpec(id_col="name", id_dtype=dtype))
    assert found["name"].dtype == kind
    assert found.columns == ["name", "step", "n", "mae", "bias", "pinball", "skill"]


def test_what_was_not_said_is_in_no_sum():
    """A forecast that could not be made is NaN, and counts nothing where it is not there."""
    scores, (actual, said, last) = Scores(QUANTILES, LEVELS), some(4)
    there = np.random.default_rng(0).random((2, 3)) < 0.5
    said[0][~there] = np.nan
    measures = scores.measures(actual[0], said[0], last[0], there)
    assert (measures[~there] == 0).all()
    assert (measures[there, 0] == 1).all()
