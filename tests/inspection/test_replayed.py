"""Laws of replayed gates: they are those of reading each series alone, to its last row."""

import numpy as np
import pytest
import torch

from foregate.data.inputs import Inputs
from foregate.inspection import replayed as module
from foregate.inspection.activations import NAMES
from foregate.inspection.replayed import replayed
from tests.inspection.materials import KINDS, panel_of, subject


def alone(given, part, s):
    """The gates of every layer for one series, read from its first observation to its end at once."""
    panel, encoder = given.panel, part.network.encoder
    rows = np.arange(panel.offsets[s] + panel.first_observed[s], panel.offsets[s + 1])[None]
    features = torch.from_numpy(Inputs(panel, given.fitted.spec).features(rows))
    with torch.inference_mode():
        if part.network.spec.built.windowed:
            return encoder.gates(features, torch.tensor([[rows.shape[1] - 1]]))
        return encoder.gates(features)


@pytest.mark.parametrize("label", KINDS)
@pytest.mark.parametrize("columns", [False, True])
def test_gates_of_many_series_are_those_of_each_alone(label, columns, monkeypatch):
    """Within 1e-6, read block by block beside others, long and short; before the first row there is nothing."""
    monkeypatch.setattr(module, "BLOCK", 7)
    given = subject(label, panel_of(40, 9, 26), columns=columns, rows=15)
    found = list(replayed(given, given.panel))
    assert len(found) == sum(len(part.network.encoder.layers) for part in given.parts)
    for part in given.parts:
        own = [one for one in found if one.network == part.name]
        for s in range(3):
            for one, gates in zip(own, alone(given, part, s), strict=True):
                for name, field in NAMES[one.cell].items():
                    values = getattr(gates, field)[0].numpy()
                    if one.cell.startswith("rnn"):
                        values = np.tanh(values) if one.cell == "rnn-tanh" else np.maximum(values, 0)
                    shown = one.values[name][s]
                    there = np.isfinite(shown[:, 0])
                    assert there.sum() == min(len(values), 15) or part.network.spec.built.windowed
                    np.testing.assert_allclose(shown[there], values[-there.sum() :], atol=1e-6)
                    assert there[-there.sum() :].all()  # the newest last


def test_windows_begin_where_the_series_does():
    """Of a series that is shorter than the window only the steps are shown that there were."""
    given = subject("patched+lookback=9", panel_of(40, 5))  # the first row is observed, the second is missing
    shown = next(iter(replayed(given, given.panel))).values["forget"]
    patch = given.parts[0].network.spec.built.patch
    assert shown.shape[1] == 9 // patch
    assert np.isfinite(shown[..., 0]).sum(1).tolist() == [9 // patch, -(-5 // patch)]


def test_nobody_is_left_without_gradients():
    """Reading is over where its results are used: what is made then can be differentiated."""
    given = subject()
    for _ in replayed(given, given.panel):
        assert not torch.is_inference_mode_enabled()
