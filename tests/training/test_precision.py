"""The arithmetic of training is what was asked for, or what is quicker where it is trained."""

import pytest
import torch

from foregate.models.network import NetworkSpec, make_network
from foregate.models.options import ModelOptions
from foregate.training.precision import LEAST_HIDDEN, arithmetic


def network(cell="lstm", hidden=LEAST_HIDDEN):
    built = ModelOptions.parse(cell).resolve(1, (4, 1), 3)
    with torch.random.fork_rng(devices=[]):
        return make_network(NetworkSpec(5, 6, 2, (0.5,), hidden=hidden, decoder=3, built=built))


@pytest.fixture
def tiles(monkeypatch):
    """Says whether the processor has tiles."""
    return lambda there: monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": there})


def test_half_precision_where_it_is_quicker(tiles):
    """Only wide LSTMs on processors with tiles are trained in half precision unasked."""
    tiles(True)
    assert arithmetic("auto", network()) == "bfloat16"
    assert arithmetic("auto", network(hidden=LEAST_HIDDEN - 1)) == "float32"
    assert arithmetic("auto", network("gru")) == "float32"
    tiles(False)
    assert arithmetic("auto", network()) == "float32"


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("asked", ["float32", "bfloat16"])
def test_what_is_asked_for_is_done(tiles, there, asked):
    """Whatever the processor can do."""
    tiles(there)
    assert arithmetic(asked, network()) == asked
