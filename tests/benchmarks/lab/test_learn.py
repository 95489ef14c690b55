"""The textbook network is what its settings say, and can learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmarks.lab.data import panel
from benchmarks.lab.learn import Windows, classify, fitted, forecast, say
from benchmarks.lab.network import Textbook, gate_of
from benchmarks.lab.scale import SCALES
from benchmarks.lab.settings import Settings

TINY = SCALES["tiny"]
B, L, H, K = 5, 12, 4, 3
EVERY = [
    {},
    {"cell": "gru", "layers": 2, "dropout": 0.3},
    {"bidirectional": True},
    {"attention": "additive"},
    {"strategy": "recursive", "recurrent_dropout": 0.3},
    {"strategy": "seq2seq"},
    {"scaling": "minmax", "forget": "chrono"},
    {"scaling": "standard", "early": True, "jitter": 0.1, "decay": 0.1, "forget": "torch"},
    {"truncate": 5, "share": 0.2, "batch": 8, "forget": "long"},
]


def made(**settings):
    torch.manual_seed(0)
    return Textbook(Settings(**settings), H, L, K)


@pytest.mark.parametrize("settings", EVERY, ids=str)
def test_every_setting_trains_and_forecasts(settings):
    """With errors that are numbers, and the same ones again by the same seed."""
    errors = forecast(settings, "made waves", TINY, 0)
    assert np.isfinite(errors["mase"])
    assert len(errors["steps"]) == 12
    assert forecast(settings, "made waves", TINY, 0) == errors


def test_gradients_go_back_as_far_as_they_are_let():
    """Values before the cut have no gradient, with it they are read all the same."""
    x = torch.randn(B, L, requires_grad=True)
    whole, cut = made(), made(truncate=5)
    torch.testing.assert_close(whole(x), cut(x))
    cut(x).sum().backward()
    assert (x.grad[:, :-5] == 0).all()
    assert (x.grad[:, -5:] != 0).all()


def test_both_ways_the_first_value_is_the_last_one_read_backwards():
    """So with a memory of one step, what is said depends on both ends of the window and on nothing between."""
    network = made(bidirectional=True, cell="rnn-tanh", forget="torch")
    with torch.no_grad():
        for name, weight in network.layers[0].named_parameters():
            if "weight_hh" in name:
                weight.zero_()
    x = torch.randn(B, L, requires_grad=True)
    network(x).sum().backward()
    assert (x.grad[:, [0, -1]] != 0).all()
    assert (x.grad[:, 1:-1] == 0).all()


def test_what_is_fed_back_is_what_was_said():
    """The first step ahead is that of training, and the second that of a window which has the first at its end."""
    network = made(strategy="recursive").eval()
    x = torch.randn(B, L)
    said = network(x)
    torch.testing.assert_close(said[:, :1], network(x, said))
    torch.testing.assert_close(said[:, 1:2], network(torch.cat([x, said[:, :1]], 1), said))


def test_a_decoder_is_fed_the_target_or_itself():
    """With its own forecasts as targets it says the same as alone."""
    network = made(strategy="seq2seq").eval()
    x = torch.randn(B, L)
    said = network(x)
    torch.testing.assert_close(network(x, said), said)
    assert not torch.allclose(network(x, said + 1)[:, 1:], said[:, 1:])


def test_forget_gates_begin_as_said():
    """By a bias, by a preset, by chrono, or as torch has it."""
    assert gate_of("torch", L) is None
    assert gate_of("0", L).value == 0
    assert gate_of("long", L).preset == "long"
    assert gate_of("chrono", L).chrono == L
    bias = made(forget="2").layers[0]
    torch.testing.assert_close((bias.bias_ih_l0 + bias.bias_hh_l0)[H : 2 * H], torch.full((H,), 2.0))


@pytest.mark.parametrize("scaling", ["causal", "standard", "minmax"])
def test_scales_look_at_nothing_ahead(scaling):
    """What follows the training part changes no scale, and what was scaled comes back in the data's units."""
    given = panel("made hours", TINY, 0)
    other = replace(
        given,
        values=tuple(np.where(np.arange(len(y)) < n, y, 1e6) for y, n in zip(given.values, given.trained, strict=True)),
    )
    which = np.arange(len(given.values))
    for read in (given, other):
        x, _, level, spread = Windows(read, 24, scaling).at(which, given.trained, 0)
        back = x.double().numpy() * spread + level
        np.testing.assert_allclose(
            back, [y[n - 24 : n] for y, n in zip(given.values, given.trained, strict=True)], rtol=1e-4
        )


def test_what_is_held_out_is_not_trained_on(monkeypatch):
    """A run that stops early never draws a window whose target lies in the last sixth of the training part."""
    given, drawn = panel("made waves", TINY, 0), []
    at = Windows.at
    monkeypatch.setattr(
        Windows,
        "at",
        lambda self, which, known, ahead: drawn.append((len(which), known + ahead)) or at(self, which, known, ahead),
    )
    fitted(Settings(early=True, batch=7), given, replace(TINY, steps=40), 0)
    trained = [ends for n, ends in drawn if n == 7]
    limit = given.trained[0] - given.trained[0] // 6
    assert len(trained) > 40
    assert max(ends.max() for ends in trained) <= limit


def test_it_learns_what_can_be_learnt():
    """Waves are forecast with half the error of their mean, and classes that the first values tell are told."""
    scale = replace(SCALES["small"], steps=250, series=3, rows=400, hidden=16, origins=10)
    given = panel("made waves", scale, 0)
    said = say(*fitted(Settings(lookback=96), given, scale, 0))
    mean = np.stack([np.full(said.shape[1:], y[:n].mean()) for y, n in zip(given.values, given.trained, strict=True)])
    assert given.errors(said)["mase"] < 0.6 * given.errors(mean)["mase"]
    assert classify({"bidirectional": True}, "made first", scale, 0)["right"] > 85
