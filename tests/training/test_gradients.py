"""Laws of recorded gradients."""

import math

import pytest

from foregate.core import UsageError
from foregate.training.events import Event
from foregate.training.gradients import GradientLog
from tests.forecaster.models import SMALL, small, table


@pytest.mark.parametrize("clip", [0.0, 1e-3, 1e6])
def test_parts_make_up_the_whole(clip):
    """Before it was limited, whatever the limit: the squares of all parts add up to that of the gradient's norm."""
    log, whole = GradientLog(every=1), {}

    def note(event):
        if event.name == "step":
            whole[event.step] = event.gradient_norm

    small(options=SMALL | {"members": 1, "training": {"clip": clip}}).fit(table(), callbacks=[log, note])
    frame = log.frame()
    assert frame["step"].unique().sort().to_list() == sorted(whole)
    for step, norm in whole.items():
        parts = frame.filter(step=step)["norm"]
        assert math.sqrt((parts**2).sum()) == pytest.approx(norm, rel=1e-5)
    assert {"encoder.layers.0", "encoder.inputs"} <= set(frame["part"])


def test_a_fit_that_begins_anew_begins_the_record_anew():
    """Members of one fit follow one another; the next fit has its own."""
    log = GradientLog(every=2)
    for member in (0, 1, 0):
        log(Event("started", 0, 4, member=member))
        for step in (1, 2, 3, 4):
            log(Event("step", step, 4, norms=lambda: {"a": 1.0}, member=member))
        log(Event("checked", 4, 4, norms=lambda: {"a": 1.0}, member=member))
    assert log.frame().rows() == [(0, 1, "a", 1.0), (0, 2, "a", 1.0), (0, 4, "a", 1.0)]


def test_nobody_pays_who_does_not_ask():
    """Norms are worked out where a callback asks for them: every so many steps."""
    asked = []
    log = GradientLog(every=5)
    for step in range(1, 12):
        log(Event("step", step, 20, norms=lambda: asked.append(1) or {}))
    assert len(asked) == 3
    with pytest.raises(UsageError, match="every must be a whole number of at least 1"):
        GradientLog(every=0)
