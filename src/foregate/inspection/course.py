"""What the course of training tells: learning by heart, and learning too little."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foregate.inspection.finding import Finding

__all__ = ["of_course"]

LEAST_CHECKS = 4
"""Of shorter courses nothing is said."""
TURNED, TURNED_BADLY = 0.05, 0.25
"""A validation loss so far above its best is overfitting, and a problem."""
STILL_FALLING, STILL_FALLING_MUCH = 0.05, 0.15
"""Share of the validation loss that the last quarter of the steps still took off."""


def of_course(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """Findings from the report of a fit.

    Args:
        facts: as in ``Forecaster.report_``: the course of the network that scored best.
    """
    checks = [each for each in facts.get("history", ()) if each.get("score") is not None]
    if len(checks) < LEAST_CHECKS:
        return
    yield from _overfitting(facts, checks)
    yield from _underfitting(facts, checks)


def _overfitting(facts: Mapping[str, Any], checks: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """The validation loss has turned, and the training loss has not."""
    best, last = min(checks, key=lambda each: each["score"]), checks[-1]
    kept = facts.get("validation")
    kept = last["score"] if kept is None else kept
    rise, risen = kept / best["score"] - 1, last["score"] / best["score"] - 1
    fell = last["loss"] < best["loss"]
    if best is last or risen < TURNED or not fell:
        return
    evidence = {
        "opens at step": int(best["step"]),
        "of": int(last["step"]),
        "training loss there": float(best["loss"]),
        "training loss at the end": float(last["loss"]),
        "validation loss there": float(best["score"]),
        "validation loss at the end": float(last["score"]),
        "validation loss of the weights kept": float(kept),
    }
    opens = f"From step {best['step']:,} of {last['step']:,} on the training loss falls and the validation loss rises"
    if rise < TURNED:
        yield Finding(
            "overfitting",
            "note",
            f"{opens}, by {risen:.0%}. The weights of that step were kept, so that forecasts do not suffer.",
            evidence,
        )
        return
    yield Finding(
        "overfitting",
        "problem" if rise >= TURNED_BADLY else "warning",
        f"{opens}; the weights that were kept are {rise:.0%} worse on held-out origins than those of that step.",
        evidence,
        "Keep the best weights, and stop where the gap opens; dropout or a smaller network narrows it.",
        f'options={{"steps": {int(best["step"])}, "training": {{"keep": "best"}}}}',
    )


def _underfitting(facts: Mapping[str, Any], checks: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """It was still getting better when it had to stop."""
    last = checks[-1]
    steps = last["step"]
    earlier = [each for each in checks if each["step"] <= 0.75 * steps]
    if not earlier or min(checks, key=lambda each: each["score"]) is not last:
        return
    before = min(each["score"] for each in earlier)
    fell = 1 - last["score"] / before if before > 0 and math.isfinite(before) else 0.0
    if fell < STILL_FALLING:
        return
    many = fell >= STILL_FALLING_MUCH
    yield Finding(
        "underfitting",
        "warning" if many else "note",
        f"The validation loss was still falling when training ended: the last quarter of {steps:,} steps took "
        f"{fell:.0%} off it.",
        {
            "steps": int(steps),
            "validation loss at three quarters": float(before),
            "validation loss at the end": float(last["score"]),
            "rate at the end": float(last.get("rate") or 0.0),
        },
        "Train longer, or at a higher rate.",
        f'options={{"steps": {3 * int(steps)}}}',
    )
