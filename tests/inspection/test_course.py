"""What courses of training tell."""

import pytest

from foregate.inspection.course import of_course


def course(losses, scores, kept=None):
    """A report of a fit with these training and validation losses."""
    checks = [
        {"step": 10 * (i + 1), "loss": a, "score": b} for i, (a, b) in enumerate(zip(losses, scores, strict=True))
    ]
    return {"history": checks, "validation": min(scores) if kept is None else kept}


FALLING = [1.0, 0.7, 0.5, 0.4, 0.35, 0.33, 0.325, 0.32]


def names(facts):
    return {finding.name: finding for finding in of_course(facts)}


def test_a_course_that_levels_off_is_left_alone():
    """Both losses fall and become flat: nothing is said, nor of few checks, nor where nothing was trained."""
    assert names(course(FALLING, [1.1 * loss for loss in FALLING])) == {}
    assert names(course([1.0, 0.5], [1.0, 2.0])) == {}
    assert names({"history": []}) == {}


def test_a_gap_that_opens_is_dated():
    """Where the validation loss turns while the other falls, the step is named; what was kept says how bad it is."""
    turned = [1.0, 0.8, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    found = {kept: names(course(FALLING, turned, kept))["overfitting"] for kept in (None, 0.75, 0.95)}
    assert [each.severity for each in found.values()] == ["note", "warning", "problem"]
    assert {each.evidence["opens at step"] for each in found.values()} == {30}
    assert '"steps": 30' in found[0.95].setting


def test_a_score_that_rises_with_the_training_loss_is_no_overfitting():
    """Where both rise, it is the rate that is too high, not the memory that is too good."""
    assert "overfitting" not in names(course(FALLING[::-1], FALLING[::-1]))


@pytest.mark.parametrize(("last", "severity"), [(0.9, "note"), (0.7, "warning")])
def test_what_was_still_falling_should_go_on(last, severity):
    """The more the last quarter took off, the louder; three times the steps are named."""
    scores = [2.0, 1.8, 1.6, 1.4, 1.2, 1.0, 0.95 if last == 0.9 else 0.85, last]
    found = names(course(FALLING, scores))["underfitting"]
    assert (found.severity, found.setting) == (severity, 'options={"steps": 240}')
