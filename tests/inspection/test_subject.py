"""Laws of what is looked into: every network of a forecaster, in torch, with the series it reads."""

from dataclasses import replace

import numpy as np
import pytest

from foregate import Forecaster, load
from foregate.core import Frequency, NotFittedError, Panel, UsageError
from foregate.inspection.subject import Scope, span, subject_of
from foregate.training.engine import TorchEngine
from tests.forecaster.models import price, small, table
from tests.inspection.materials import panel_of, subject


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A fitted pair of networks, and where it was saved."""
    model = small(horizon=3, options={"steps": 2, "hidden": 6, "members": 2}).fit(table())
    folder = tmp_path_factory.mktemp("pair") / "model"
    model.save(folder)
    return model, folder


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_a_loaded_model_is_the_one_that_was_fitted(pair, runtime):
    """Whichever runtime it was loaded with, its networks are there with the same weights."""
    model, folder = pair
    ours, theirs = subject_of(model), subject_of(load(folder, runtime=runtime))
    assert [part.name for part in ours.parts] == ["network 1", "network 2"]
    for one, other in zip(ours.parts, theirs.parts, strict=True):
        assert one.name == other.name
        for name, values in one.network.state_dict().items():
            np.testing.assert_array_equal(values.numpy(), other.network.state_dict()[name].numpy())
    assert ours.panel is model.panel_
    assert ours.facts["history"] == theirs.facts["history"]


def test_other_series_can_be_read(pair):
    """A table in the columns that the model was fitted on becomes its panel; a known future behind it is left away."""
    model, _ = pair
    assert subject_of(model, table(("c", "d", "e"), 30)).panel.ids.tolist() == ["c", "d", "e"]
    priced = small(horizon=3, options={"steps": 2, "hidden": 6, "members": 1}).fit(
        table(price=price), covariates={"price": "future"}
    )
    given = subject_of(priced)
    assert (given.origins(given.panel) == given.panel.lengths - 1 - 3).all()


def test_a_network_per_step_is_several():
    """Of a model with weights for every step, the first, a middle and the last one are looked at."""
    given = subject("each")
    assert [part.step for part in given.parts] == [1, 3, 5]
    assert all(not isinstance(part.network, TorchEngine) for part in given.parts)


def test_many_series_are_taken_evenly():
    """No more than asked for; those that are measured reach as far back as is asked, where any do."""
    given = subject("lstm", panel_of(*[20] * 30, 200, 201), series=5, probes=2, lags=100)
    assert len(given.shown()) == 5
    assert given.probed().lengths.tolist() == [200, 201]
    short = subject("lstm", panel_of(*[20] * 3), probes=2)
    assert short.lags == 19
    assert len(short.probed()) == 2


def test_origins_lie_where_there_is_something():
    """At the last row, and nowhere in a series without an observation."""
    panel = Panel.from_arrays([np.array([1.0, 2, np.nan]), np.full(3, np.nan)])
    given = subject("lstm", panel)
    assert given.origins(panel).tolist() == [2, -1]


@pytest.mark.parametrize(
    ("freq", "rows", "said"),
    [("h", 168, "7 days"), ("h", 3, "3 hours"), ("30min", 1, "30 minutes"), ("D", 1, "1 day"), ("W", 2, "14 days"),
     ("QS", 4, "12 months"), ("B", 5, "5 business days"), (1, 7, ""), ("h", np.inf, ""), ("s", 0, "0 seconds")],
)  # fmt: skip
def test_rows_are_told_as_time(freq, rows, said):
    """In the greatest unit that fits; nothing where there is none."""
    assert span(Frequency.parse(freq), rows) == said


def test_what_is_wrong_is_told():
    """Something else than a forecaster, one that was not fitted, and a scope of nothing."""
    with pytest.raises(UsageError, match="model must be a Forecaster, but got a value of type str"):
        subject_of("model")
    with pytest.raises(NotFittedError, match="must be fitted first"):
        subject_of(Forecaster(3))
    with pytest.raises(UsageError, match="rows must be a whole number of at least 1, but got 0"):
        Scope(rows=0)
    with pytest.raises(UsageError, match="lags must be a whole number"):
        replace(Scope(), lags=0)


def test_spread_origins_end_with_the_last_one():
    """Evenly over the rows that are shown, no further back than a series goes; nothing where there is no origin."""
    given = subject(rows=20)
    back = given.spread(given.panel, 4)
    assert back[0].tolist() == [19, 13, 6, 0]
    assert back[1].tolist() == [8, 5, 3, 0]
    assert given.spread(given.panel, 1).tolist() == [[0], [0], [0]]
    late = subject(panel=panel_of(40, 9), columns=True, rows=20)
    late = replace(late, fitted=replace(late.fitted, horizon=12))
    assert late.spread(late.panel, 2).tolist() == [[31, 12], [-1, -1]]
