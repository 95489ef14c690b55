"""Laws of gradients by lag: what is left, and what that is called."""

import numpy as np
import polars as pl
import pytest

from foregate.inspection.gradients import Gradients, PartGradients, gradients_of, left_after, verdict
from foregate.reporting.canvas import SMALL, own_settings
from tests.inspection.materials import KINDS, subject


def powers(base, lags=150):
    return base ** np.arange(lags, dtype=float)[None]


def test_a_gradient_is_named_by_what_is_left_after_a_hundred_rows():
    """Less than a hundredth vanishes, more than a hundredfold explodes, whatever comes later."""
    states = {(1, "", "h"): powers(0.9), (1, "", "c"): powers(0.99), (2, "", "h"): powers(1.1)}
    summary = Gradients((PartGradients("network", powers(0.9), states),), np.array(["a"])).summary
    assert summary["gradient"].to_list() == ["vanishes", "is kept", "explodes"]
    assert summary["lag"].to_list() == [100] * 3
    assert summary["left"].to_list() == pytest.approx([0.9**100, 0.99**100, 1.1**100])
    assert summary["per_row"].to_list() == pytest.approx([0.9, 0.99, 1.1])
    assert (verdict(0.0100001), verdict(99.9)) == ("is kept", "is kept")


def test_what_cannot_be_judged_is_not_divided_by():
    """Nothing at the origin, nothing anywhere, and a window that ends before a hundred rows."""
    assert left_after(np.zeros(5)) == (0, 0.0)
    assert left_after(np.full(5, np.nan)) == (0, 0.0)
    assert left_after(np.array([2.0, np.nan, 1.0, np.nan])) == (2, 0.5)


@pytest.mark.parametrize("label", KINDS)
def test_every_kind_of_model_is_told_of(label):
    """Each layer and direction has its states, an LSTM's memory among them; the pictures have words and numbers."""
    given = subject(label, lags=15)
    found = gradients_of(given)
    assert [part.network for part in found.parts] == [part.name for part in given.parts]
    sides = 1 + ("bidirectional" in label)
    kinds = 1 if "gru" in label or "rnn" in label else 2
    layers = len(given.parts[0].network.encoder.layers)
    assert len(found.parts[0].states) == layers * sides * kinds
    assert all(norms.shape == (len(found.ids), 16) for norms in found.parts[0].states.values())
    section = found.section()
    assert all(picture.alternative and picture.table.height for picture in section.pictures)
    with own_settings():
        for picture in section.pictures:
            picture.draw(SMALL)


def test_what_was_recorded_is_drawn_by_layer():
    """The norms of recurrent layers of the first network, over the steps."""
    rows = [
        (m, s, p, 1.0 / s) for m in (0, 1) for s in (1, 10) for p in ("encoder.layers.0", "encoder.layers.1", "head")
    ]
    log = pl.DataFrame(rows, schema=["member", "step", "part", "norm"], orient="row")
    states = {(1, "", "h"): powers(0.9)}
    found = Gradients((PartGradients("network", powers(0.9), states),), np.array(["a"]), log=log)
    picture = found.over_training()
    assert [entry.name for entry in picture.key] == ["layer 1", "layer 2"]
    assert "encoder.layers.1 from 1 to 0.1" in picture.alternative
    assert found.frames["gradient_training"] is log
    assert len(found.section().pictures) == 2
