"""Laws of answering together: everybody gets what they would have got alone, and hears of nobody else."""

import numpy as np
import pytest

from foregate.core import Frequency, UsageError
from foregate.core.errors import ForegateError
from foregate.persistence.shipped import SHIPPED
from foregate.service.forecasts.bodies import History
from foregate.service.forecasts.models import open_ready
from foregate.service.forecasts.together import Kind, Part, compute, reach_of
from tests.service.forecasts.fakes import FakeVersion

READY = open_ready(FakeVersion("pretrained", 1, SHIPPED / "tiny"), SHIPPED / "tiny")
HOUR = Kind(READY, Frequency.parse("h"), (24,), 24, (0.1, 0.5, 0.9), 5000, 5000)


def part(rows, horizon=24, *, seed=0, name="mine", **more):
    rng = np.random.default_rng(seed)
    values = 100 + 10 * np.sin(np.arange(rows) * np.pi / 12) + rng.normal(size=rows)
    return Part([History(values=values.tolist(), **more)], [name], horizon)


def test_together_is_alone():
    """A forecast does not depend on what was computed with it: other lengths, horizons, times and sizes."""
    parts = [part(168), part(30, 3, seed=1), part(400, 1, seed=2, start="2024-05-01"), part(168, seed=3)]
    parts[3] = Part([History(values=[v * 1e6 for v in parts[3].histories[0].values])] * 2, ["x", "y"], 24)
    together = compute(HOUR, parts)
    for one, answers in zip(parts, together, strict=True):
        (alone,) = compute(HOUR, [one])
        assert [each.series for each in answers] == list(one.names)
        for mine, own in zip(answers, alone, strict=True):
            assert (mine.times, mine.cutoff, mine.notes) == (own.times, own.cutoff, own.notes)
            np.testing.assert_allclose(mine.values, own.values, rtol=1e-5)
            assert len(mine.values) == one.horizon


def test_it_is_what_the_model_says():
    """The numbers are those of `Fitted.forecast` for the same series."""
    from foregate.core import Panel

    asked = part(168)
    panel = Panel.from_arrays([np.array(asked.histories[0].values)], freq="h")
    own = READY.fitted("h", 24).forecast(panel, 24, (0.1, 0.5, 0.9)).values[0]
    np.testing.assert_array_equal(compute(HOUR, [asked])[0][0].values, own)


def test_who_is_wrong_is_wrong_alone():
    """A part that cannot be read does not keep the others from their answers."""
    bad = Part([History(values=[None])], ["empty"], 24)
    first, second, third = compute(HOUR, [part(50), bad, part(60, seed=1)])
    assert isinstance(second, ForegateError)
    assert len(first[0].values) == len(third[0].values) == 24


def test_nobody_hears_of_others():
    """What is said of a series names no series of another request."""
    short = Part([History(values=[5.0])], ["secret"], 24)
    mine, other = compute(HOUR, [part(50), short])
    assert "secret" not in repr(mine)
    assert "lack of 3" in other[0].notes[0]


@pytest.mark.parametrize("size", [1e-30, 1e-8, 1.0, 1e8, 1e29])
@pytest.mark.parametrize("kind", ["flat", "noise", "jump", "one", "alternating"])
def test_numbers_of_any_size_give_numbers(size, kind):
    """Values of any size that is allowed are forecast as finite numbers in order, or refused with a reason."""
    rng = np.random.default_rng(0)
    shapes = {
        "flat": np.ones(60),
        "noise": rng.normal(size=60),
        "jump": np.r_[np.zeros(30), np.ones(30)],
        "one": np.ones(1),
        "alternating": np.tile([1.0, -1.0], 30),
    }
    (answer,) = compute(HOUR, [Part([History(values=(shapes[kind] * size).tolist())], ["a"], 24)])
    if isinstance(answer, Exception):
        assert "size that can be forecast" in str(answer)
        assert not 1e-8 <= size <= 1e8
    else:
        values = np.array(answer[0].values)
        assert np.isfinite(values).all()
        assert (np.diff(values, axis=1) >= 0).all()


@pytest.mark.parametrize(("asked", "reach"), [(1, 8), (8, 8), (24, 24), (60, 64), (65, 128), (1000, 1024)])
def test_near_horizons_go_together(asked, reach):
    """How far ahead is computed is never less than what was asked, and the same for near horizons."""
    assert reach_of(READY.fitted("h"), asked) == reach


def test_no_further_than_the_model_reaches():
    """A model of a fixed reach is asked for no more than that, and refuses what lies beyond."""
    from dataclasses import replace
    from types import SimpleNamespace

    fitted = READY.fitted("h")
    short = replace(fitted, engine=SimpleNamespace(manner=fitted.engine.manner._replace(reach=10)))
    assert reach_of(short, 9) == 10
    with pytest.raises(UsageError, match="at most 10"):
        reach_of(short, 11)
