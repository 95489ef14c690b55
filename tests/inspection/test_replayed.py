"""Laws of replayed gates: they are those of reading each series alone, to its last row."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foregate.data.inputs import Inputs
from foregate.inspection import replayed as module
from foregate.inspection.activations import NAMES
from foregate.inspection.replayed import replayed, replayed_decoders
from foregate.models.cells import fused
from foregate.models.replay import replay
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


WRITERS = ("seq2seq", "seq2seq+gru", "seq2seq+rnn-tanh", "seq2seq+dot+lookback=8", "seq2seq+windowed+lookback=6")


def fused_gates(network, given, panel):
    """The gates of a decoder's fused twin, fed what the cell was when one series was forecast from its last row."""
    cell, read = network.decoder.cell, []
    hook = cell.register_forward_hook(lambda _, words, __: read.append(words[:2]))
    given.fitted.forecast_origins(panel, panel.lengths[:, None] - 1, given.fitted.horizon, (0.5,))
    hook.remove()
    twin = fused(network.spec.built.cell, cell.n_inputs, cell.hidden)
    twin.load_state_dict({f"{name}_l0": value for name, value in cell.state_dict().items()})
    before = [each.unsqueeze(0) for each in read[0][1]]
    before = tuple(before) if len(before) == 2 else before[0]
    with torch.inference_mode():
        x = torch.stack([each for each, _ in read], 1)
        return replay(twin, x, twin(x, before)[0], before)


@pytest.mark.parametrize("label", WRITERS)
def test_gates_of_a_decoder_are_those_of_its_fused_twin(label):
    """Within 1e-6 at every step ahead, where the forecasts are made that people get."""
    given = subject(label, panel_of(40, 9, 26))
    (own,) = replayed_decoders(given, given.panel, given.panel.lengths[:, None] - 1)
    assert (own.network, own.decoder) == ("network, decoder", True)
    for s in range(3):
        gates = fused_gates(given.parts[0].network, given, given.panel.take([s]))
        for name, field in NAMES[own.cell].items():
            values = getattr(gates, field)[0].numpy()
            assert len(values) == given.fitted.horizon
            np.testing.assert_allclose(
                own.values[name][s, 0], np.tanh(values) if own.cell == "rnn-tanh" else values, atol=1e-6
            )


@pytest.mark.parametrize("label", WRITERS[::3])
@pytest.mark.parametrize("columns", [False, True])
def test_a_decoder_at_an_origin_is_that_of_a_series_which_ends_there(label, columns):
    """Whatever came afterwards, and whichever origins are asked for beside it; where there is none there is nothing."""
    given = subject(label, panel_of(40, 9, 26), columns=columns)
    origins = np.array([[12, 20, -1], [-1, -1, 3], [5, -1, 20]])
    (found,) = replayed_decoders(given, given.panel, origins)
    known = np.isfinite(found.values["forget"]).all((2, 3))
    assert known.tolist() == (origins >= 0).tolist()
    poisoned = replace(given.panel, values=given.panel.values.copy())
    for begin, last in zip(given.panel.offsets, origins.max(1), strict=False):
        poisoned.values[begin + last + 1 : given.panel.offsets[given.panel.offsets > begin][0]] = 1e3
    (alone,) = replayed_decoders(given, poisoned, np.where(origins == origins.max(1)[:, None], origins, -1))
    for name, values in alone.values.items():
        there = np.isfinite(values)
        np.testing.assert_allclose(values[there], found.values[name][there], atol=1e-6)


def test_who_writes_nothing_has_no_decoder_to_show():
    """A decoder without a state of its own has no gates."""
    for label in ("lstm", "direct", "recursive+draws=0"):
        given = subject(label)
        assert list(replayed_decoders(given, given.panel, given.panel.lengths[:, None] - 1)) == []
