"""What a run leaves behind can be read as JSON and as a frame."""

import json
import math

import polars as pl
import pytest

from foregate.core import ModelError, UsageError
from foregate.training.result import Judged, Record, TrainingResult, history_frame

RECORDS = (Record(5, 0.7, 0.5, 0.01, 0.2), Record(10, 0.6, math.inf, 0.02, 0.1, (0.5,), (math.inf,)))


def test_the_history_is_a_frame():
    """A row per record and a column per number, whatever was seen when; null where it is not known."""
    frame = history_frame(RECORDS)
    assert frame.columns == ["step", "loss", "score", "rate", "gradient_norm", "forget_0", "half_life_0"]
    assert frame["step"].dtype == pl.Int64
    assert frame["score"].to_list() == [0.5, None]
    assert frame["forget_0"].to_list() == [None, 0.5]
    assert frame["half_life_0"].to_list() == [None, None]


def test_the_history_is_the_same_from_json():
    """Saved as JSON and read again, the records make the same frame."""
    facts = json.loads(json.dumps([record.facts() for record in RECORDS], allow_nan=False))
    assert history_frame(facts).equals(history_frame(RECORDS))


def test_no_history_is_an_empty_frame():
    """Where nothing was trained there are columns of the right kind and no rows."""
    assert history_frame(()).schema == history_frame(RECORDS[:1]).schema
    assert history_frame(()).is_empty()


@pytest.mark.parametrize(("keep", "kept"), [("best", (5, 0.5)), ("last", (10, 0.6))])
def test_what_is_kept_is_said(keep, kept):
    """The step and score of the weights in the network, best or last."""
    result = TrainingResult(10, 5, 0.5, (Record(5, 0.7, 0.5), Record(10, 0.6, 0.6)), keep=keep)
    assert (result.kept_step, result.kept_score) == kept


def test_what_was_seen_makes_sense():
    """A score is a number, and what was seen of the gates is there for every layer."""
    with pytest.raises(ModelError, match="score must be a number, but got nan"):
        Judged(math.nan)
    with pytest.raises(UsageError, match="must have an entry per layer, but got 2 and 1"):
        Judged(0.5, (0.1, 0.2), (1.0,))
