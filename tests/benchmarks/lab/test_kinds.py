"""Every kind of run gives the figures that claims speak of, in seconds, on data that is made up."""

import math
import time

import pytest
import torch

from benchmarks.lab import kinds
from benchmarks.lab.claim import Run
from benchmarks.lab.data import panel
from benchmarks.lab.gradients import left
from benchmarks.lab.kinds import KINDS, code, figures, without_words
from benchmarks.lab.learn import Windows
from benchmarks.lab.lengths import Reader, bytes_kept
from benchmarks.lab.network import Textbook
from benchmarks.lab.pace import in_turns
from benchmarks.lab.scale import SCALES
from benchmarks.lab.settings import Settings

TINY = SCALES["tiny"]
BOTH = {"lstm": {}, "gru": {"cell": "gru"}}
ASKED = {
    "forecast": ({}, "made waves", {"mase", "rmsse", "steps"}),
    "classify": ({}, "made order", {"right"}),
    "own": ({"model": "gru", "augment": {"jitter": 0.1}}, "made waves", {"mase", "rmsse", "steps"}),
    "pace": (BOTH, "made waves", {"lstm", "gru"}),
    "written": (BOTH, "made waves", {"lstm", "gru"}),
    "pace of own": ({"lstm": {}, "gru": {"model": "gru"}}, "made waves", {"lstm", "gru"}),
    "lengths": (
        {"lstm": {"network": "lstm"}, "t": {"network": "transformer, written out"}},
        "made waves",
        {"lstm", "t"},
    ),
    "gradient": ({}, "made waves", {"untrained", "trained"}),
    "gradient of own": ({"model": "stacked"}, "made waves", {"trained"}),
    "rival": ({"by": "textbook"}, "made months", {"mase", "rmsse", "steps"}),
    "search": ({}, "made waves", {"error saved", "time saved", "search"}),
    "tune": ({}, "made waves", {"error saved", "time saved", "search"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_runs(kind):
    """Its figures are there and are numbers, with the seconds that they took."""
    settings, data, names = ASKED[kind]
    told = figures(Run("any", kind, settings, data, 0), TINY)
    assert names <= set(told["figures"])
    assert told["seconds"] >= 0 <= told["cpu_seconds"]
    for value in told["figures"].values():
        assert not isinstance(value, float) or math.isfinite(value)


def test_rivals_are_asked_at_every_origin():
    """A method that estimates each series anew answers for all origins, in the units of the data."""
    told = figures(Run("any", "rival", {"by": "Prophet"}, "made months", 0), TINY)["figures"]
    assert 0 < told["mase"] < 50
    with pytest.raises(Exception, match="name must be one of"):
        figures(Run("any", "rival", {"by": "nobody"}, "made months", 0), TINY)


def test_contenders_take_turns():
    """Each is run as often as the others, one after the other, and the first turn does not count."""
    order = []
    told = in_turns({name: (lambda name=name: order.append(name)) for name in "ab"}, repeats=3, steps=1)
    assert order == list("abababab")
    slow_at_first = iter([0.2])
    told |= in_turns({"c": lambda: time.sleep(next(slow_at_first, 0.0))}, repeats=1, steps=1)
    assert told["c"]["wall"] < 50
    assert set(told["a"]) == {"cpu", "wall"}


@pytest.mark.parametrize("network", ["lstm", "transformer", "transformer, written out"])
def test_no_reader_looks_ahead(network):
    """What is said of a step depends on those up to it alone, and attention written out says what torch's says."""
    torch.manual_seed(0)
    reader, x = Reader(network, 8), torch.randn(2, 10, requires_grad=True)
    reader(x)[:, 4].sum().backward()
    assert (x.grad[:, 5:] == 0).all()
    assert (x.grad[:, :5] != 0).any()
    other = Reader("transformer", 8)
    if network != "lstm":
        other.load_state_dict(reader.state_dict())
        torch.testing.assert_close(other(x), reader(x))


def test_memory_is_what_the_gradient_needs():
    """Twice as much for twice as many numbers, and nothing where nothing is kept."""

    def kept(n):
        x = torch.ones(n, requires_grad=True)
        return bytes_kept(lambda: x.exp().sum().backward())

    assert kept(1_000) == 4_000
    assert kept(2_000) == 8_000
    assert bytes_kept(lambda: torch.ones(9).sum()) == 0


def test_what_is_left_of_a_gradient_is_what_gates_keep():
    """With forget gates held at f and nothing else in the way, f^lag of it is left."""
    torch.manual_seed(0)
    network, lag = Textbook(Settings(), 3, 12, 2), 7
    f = 0.9
    with torch.no_grad():
        rnn = network.layers[0]
        for name, weight in rnn.named_parameters():
            if "bias" not in name:
                weight.zero_()
        rnn.bias_ih_l0[3:6], rnn.bias_hh_l0[3:6] = math.log(f / (1 - f)), 0
    given = panel("made waves", TINY, 0)
    assert left(network, Windows(given, 12, "causal"), lag) == pytest.approx(f**lag, rel=1e-4)
    with torch.no_grad():
        rnn.bias_ih_l0[:3] = rnn.bias_ih_l0[6:9] = 1e3  # memories so large that what is shown of them does not change
        rnn.bias_hh_l0[3:6] = 1e3
    assert math.isnan(left(network, Windows(given, 12, "causal"), lag))


def test_the_code_of_a_run_is_what_it_does(monkeypatch, tmp_path):
    """Comments, layout and docstrings do not change it, a number does; other kinds' modules do not matter."""
    source = 'def f():\n    """Words."""\n    return 1\n'
    assert without_words(source) == without_words("def f(): return 1  # other words\n")
    assert without_words(source) != without_words(source.replace("1", "2"))
    assert without_words('def f():\n    """Words."""\n') == without_words("def f(): pass")
    assert len({code("forecast"), code("rival"), code("pace")}) == 3
    assert code("pace") == code("written") == kinds.code("pace of own")
