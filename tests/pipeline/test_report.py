"""The report of a fit can be saved as JSON, whatever happened."""

import json
import math

from foregate.pipeline.report import FitReport
from foregate.training.result import Record, TrainingResult


def test_facts_are_json():
    """Numbers that are none become null; the rest is what the report says."""
    run = TrainingResult(10, 5, 0.5, (Record(5, 0.7, 0.5, 0.01, 0.2), Record(10, 0.6)), 0.6)
    facts = FitReport((24, 168), 1000, run, 1, 3, "tiny 0a1b", 0.75, 0.45, ("A note.",)).facts()
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert (facts["instant_validation"], facts["validation"], facts["trust"]) == (0.6, 0.45, 0.75)
    assert facts["history"] == [
        {"step": 5, "loss": 0.7, "score": 0.5, "rate": 0.01, "gradient_norm": 0.2},
        {"step": 10, "loss": 0.6, "score": None, "rate": None, "gradient_norm": None},
    ]
    nothing = FitReport((), 1000, TrainingResult(), 0, 0, "scratch", 1.0, math.inf, ()).facts()
    assert (nothing["instant_validation"], nothing["validation"], nothing["trust"]) == (None, None, None)
