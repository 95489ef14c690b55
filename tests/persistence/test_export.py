"""The graphs are the network: the same numbers for every architecture, batch, length, horizon and carried state."""

import sys
from functools import cache
from itertools import combinations, product

import numpy as np
import pytest
import torch

from foregate.core import Ahead, MissingExtraError, UsageError
from foregate.models import decoders as of_torch
from foregate.models.architecture import ENCODERS, STRATEGIES, WINDOWED, Architecture
from foregate.models.cell_spec import CELLS
from foregate.models.names import ATTENTIONS, HEADS
from foregate.models.network import make_network
from foregate.models.spec import NetworkSpec
from foregate.persistence.engines import stored_network
from foregate.persistence.export import decoders as written
from foregate.persistence.runtime import OnnxEngine
from foregate.training.engine import TorchEngine

F, S, P = 5, 3, 2
REACH = 4
LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
PARTS = (tuple(CELLS), tuple(ENCODERS), (None, *ATTENTIONS), tuple(STRATEGIES), tuple(HEADS))


def built(cell="lstm", encoder="residual", attention=None, strategy="parallel", head="quantiles", **others):
    """An architecture with numbers that suit its parts."""
    numbers = {
        "dilations": (1, 3) if encoder == "dilated" else (1, 1),
        "rows_back": 6 if attention or encoder in WINDOWED else 0,
        "patch": 2 if encoder == "patched" else 1,
        "reach": REACH if strategy in ("direct", "each", "seq2seq") else None,
        "heads": 2,
    }
    return Architecture(cell, encoder, attention=attention, strategy=strategy, head=head, **(numbers | others))


def together(*parts):
    """Whether parts go together."""
    try:
        built(*parts)
    except UsageError:
        return False
    return True


def covering(n):
    """Names of parts so that any n that go together are found together."""
    every = [parts for parts in product(*PARTS) if together(*parts)]
    groups = {parts: set(combinations(enumerate(parts), n)) for parts in every}
    left, chosen = set().union(*groups.values()), []
    while left:
        best = max(every, key=lambda parts: len(groups[parts] & left))
        chosen.append(best)
        left -= groups[best]
    return chosen


def engines(architecture, loud=3.0, **sizes):
    """A network whose weights are so large that every one of them matters, behind both engines.

    Not as large where nothing is bounded: rounding would grow with everything else.
    """
    loud = min(loud, 1.5) if architecture.cell == "rnn-relu" else loud
    spec = NetworkSpec(F, S, P, **{"levels": LEVELS, "hidden": 4, "decoder": 5, **sizes}, built=architecture)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = make_network(spec)
        for name, parameter in network.named_parameters():
            parameter.data = torch.randn(parameter.shape) if "positions" in name else loud * parameter.data
    return TorchEngine(network), OnnxEngine(stored_network(network), threads=1)


@cache
def usual(*parts):
    """The engines of named parts."""
    return engines(built(*parts))


def random(*shape, seed=0):
    """Numbers about as large as the network's inputs."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def ahead(B, k):
    """What is known of steps k ahead, the same for a step whichever others are asked for."""
    k = np.array(k)
    steps, paths = random(B, k.max(), S, seed=1)[:, k - 1], 3 * random(B, k.max(), P, seed=2)[:, k - 1]
    return Ahead(k, steps, paths, random(B, seed=3), np.ones(B, np.float32))


def assert_same(found, expected):
    """Within 1e-5 of the largest number, or of 1."""
    assert found.shape == expected.shape
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * max(1.0, float(np.abs(expected).max(initial=0))))


def check_reading(torch_engine, onnx_engine, lengths=(7, 1, 2, 4)):
    """States at origins in any order, and what is carried from piece to piece."""
    columns, carried = np.array([[0, 6, 3], [6, 6, 6], [2, 1, 0]]), None
    assert (onnx_engine.carries, onnx_engine.width) == (torch_engine.carries, torch_engine.width)
    for T in lengths:
        given = random(3, T, F, seed=T), np.minimum(columns, T - 1), carried
        (states, carried), found = torch_engine.encode(*given), onnx_engine.encode(*given)
        assert_same(found[0], states)
        assert_same(found[1], carried)
    return states[:, -1], given[0][:, -1]


def check_saying(torch_engine, onnx_engine, states, features):
    """All steps, the first ones alone, and where steps stand alone, any of them."""
    asked = [[1, 2, 3, 4], [1], [1, 2]]
    if torch_engine.manner.strategy not in ("seq2seq", "recursive"):
        asked += [[2, 4], [3]]
    for k in asked:
        given = np.ascontiguousarray(states), np.ascontiguousarray(features), ahead(len(states), k)
        found = onnx_engine.decode(*given)
        assert_same(found, torch_engine.decode(*given))
        if torch_engine.manner.head == "quantiles":
            assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize("parts", covering(2), ids=str)
def test_graphs_are_the_network(parts):
    """States, what is carried on and what is said agree, from nothing and from a state, for any two parts together."""
    check_saying(*usual(*parts), *check_reading(*usual(*parts)))


@pytest.mark.slow
@pytest.mark.parametrize("parts", covering(3), ids=str)
def test_graphs_are_the_network_whatever_it_is_made_of(parts):
    """The same for any three parts together."""
    both = engines(built(*parts))
    check_saying(*both, *check_reading(*both))


@pytest.mark.parametrize("parts", covering(2), ids=str)
def test_a_sequence_may_be_read_in_pieces(parts):
    """Carrying on over any cut gives the states of one pass, and what that carries on."""
    engine, features, every = usual(*parts)[1], random(2, 11, F), np.tile(np.arange(11), (2, 1))
    whole, last = engine.encode(features, every)
    carried, pieces = None, []
    for begin, end in ((0, 1), (1, 6), (6, 8), (8, 11)):
        states, carried = engine.encode(features[:, begin:end], every[:, : end - begin], carried)
        pieces.append(states)
    assert_same(np.concatenate(pieces, 1), whole)
    assert_same(carried, last)


@pytest.mark.parametrize("parts", covering(2), ids=str)
def test_alone_is_together(parts):
    """A series is read, and forecast, as if it were the only one."""
    engine, features, columns = usual(*parts)[1], random(3, 5, F), np.array([[4, 1], [0, 4], [3, 2]])
    states, after = engine.encode(features, columns)
    known = ahead(3, [1, 2, 3])
    said = engine.decode(states[:, 0], features[:, 0], known)
    for b in range(3):
        one = slice(b, b + 1)
        own, left = engine.encode(features[one], columns[one])
        assert_same(own, states[one])
        assert_same(left, after[one])
        alone = Ahead(known.k, *(each[one] for each in known[1:]))
        assert_same(engine.decode(own[:, 0], features[one, 0], alone), said[one])


EXTREMES = {
    "one quantile": (built(), {"levels": (0.5,)}),
    "one quantile, written": (built(strategy="seq2seq"), {"levels": (0.5,)}),
    "one layer": (built(dilations=(1,)), {}),
    "three layers": (built("gru", "stacked", dilations=(1, 1, 1)), {}),
    "one unit": (built(attention="additive"), {"hidden": 1, "decoder": 1}),
    "dilated by nothing": (built(encoder="dilated", dilations=(1, 1)), {}),
    "dilated alone": (built("gru", "dilated", dilations=(9,)), {}),
    "all dilated": (built("rnn-tanh", "dilated", "dot", dilations=(2, 5, 3)), {}),
    "one patch": (built(encoder="patched", patch=6, dilations=(1,)), {}),
    "one row back": (built(attention="multi-head", strategy="seq2seq", rows_back=1), {}),
    "far back": (built(encoder="bidirectional", rows_back=20), {}),
    "one component": (built(head="mixture", components=1), {}),
    "a head per unit": (built(attention="multi-head", heads=4), {}),
    "a far reach": (built(strategy="each", reach=40), {}),
}


@pytest.mark.parametrize("what", EXTREMES)
def test_graphs_are_networks_of_any_size(what):
    """Sizes at their ends are no exception."""
    architecture, sizes = EXTREMES[what]
    both = engines(architecture, **sizes)
    check_saying(*both, *check_reading(*both))


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize(("B", "T"), [(257, 1), (1, 50), (2, 700)])
def test_any_batch_and_length(encoder, B, T):
    """Many short series, and few long ones."""
    both = engines(built(encoder=encoder), loud=1.5, hidden=16)
    given = random(B, T, F), np.full((B, 1), T - 1)
    for found, expected in zip(*(engine.encode(*given) for engine in reversed(both)), strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize(("B", "K"), [(1, 1), (257, 4), (2, 300)])
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_any_number_of_steps(strategy, B, K):
    """As many steps as a strategy reaches."""
    reach = {} if built(strategy=strategy).reach is None else {"reach": min(K, 40) if strategy == "each" else K}
    both = engines(built(strategy=strategy, **reach), loud=1.5, hidden=16, decoder=8)
    known = ahead(B, range(1, reach.get("reach", K) + 1))
    given = random(B, both[0].width), random(B, F, seed=4), known
    expected, found = (engine.decode(*given) for engine in both)
    assert_same(found, expected)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_empty_places_are_not_read(attention):
    """What lies under the mask of a writer's memory changes nothing, not even where all of it is empty."""
    engine = usual("lstm", "residual", attention, "seq2seq", "quantiles")[1]
    H, L = 4, 6
    states, features = random(2, engine.width), random(2, F)
    states[:, H + L * H :] = [[0, 0, 1, 1, 0, 1], [0] * 6]
    other = states.copy()
    other[:, H : H + L * H].reshape(2, L, H)[states[:, H + L * H :] == 0] = [[np.nan], [np.inf], [1e9]] * 3
    expected = engine.decode(states, features, ahead(2, [1, 2, 3]))
    np.testing.assert_array_equal(engine.decode(other, features, ahead(2, [1, 2, 3])), expected)
    assert np.isfinite(expected).all()


def test_torch_and_graphs_have_the_same_constants():
    """What the weights were trained with is what they are run with."""
    assert (written.SHUT, written.LOUDNESS) == (of_torch.SHUT, of_torch.LOUDNESS)


def test_without_onnx_nothing_is_written(monkeypatch):
    """The error names the extra to install."""
    network = usual(*covering(2)[0])[0].network
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match="train"):
        stored_network(network)
