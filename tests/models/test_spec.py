"""Sizes of a network follow from its spec, without torch."""

from itertools import product

import pytest

from foregate.core import UsageError
from foregate.models.architecture import ENCODERS, STRATEGIES, WINDOWED
from foregate.models.cell_spec import CELLS
from foregate.models.spec import NetworkSpec
from tests.models.built import KINDS, LEVELS, built, make

SIZES = {"n_features": 7, "n_steps": 6, "n_profiles": 3, "levels": LEVELS}


@pytest.mark.parametrize(("cell", "encoder"), [*product(CELLS, ENCODERS)])
def test_a_spec_knows_what_its_network_carries(cell, encoder):
    """How many numbers are carried and of a state are those of the network, for every cell and encoder."""
    for strategy, attention in product(STRATEGIES, (None, "dot")):
        if attention and encoder in WINDOWED:
            continue
        spec = make(built(encoder, cell=cell, strategy=strategy, attention=attention)).spec
        network = make(spec.built)
        assert (spec.carries, spec.width) == (network.carries, network.width)


@pytest.mark.parametrize("kind", KINDS)
def test_a_manner_says_how_it_forecasts(kind):
    """Levels, head, strategy, reach and draws are those of the architecture."""
    made = KINDS[kind]
    manner = NetworkSpec(**SIZES, built=made).manner
    assert (manner.levels, manner.head, manner.strategy) == (LEVELS, made.head, made.strategy)
    assert (manner.reach, manner.draws) == (made.reach, made.draws)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"levels": (0.1, 0.5)}, "levels must rise from 0 to 1 with the median in the middle, but got"),
        ({"levels": (0.1, 0.2, 0.5)}, "levels must rise"),
        ({"levels": (0.5, 0.1, 0.9)}, "levels must rise"),
        ({"levels": (0.1, 0.5, 1.0)}, "levels must rise"),
        ({"levels": (0.0, 0.5, 0.9)}, "levels must rise"),
        ({"levels": ()}, "levels must rise"),
        ({"hidden": 0}, "hidden must be a whole number of at least 1"),
        ({"decoder": 0}, "decoder must be"),
        ({"n_steps": -1}, "n_steps must be"),
    ],
)
def test_impossible_sizes_are_refused(wrong, message):
    """Quantiles need a median in the middle, and every width is a whole number."""
    with pytest.raises(UsageError, match=message):
        NetworkSpec(**{**SIZES, **wrong})


def test_a_median_alone_is_enough():
    """A network that says points has one level."""
    assert NetworkSpec(**{**SIZES, "levels": (0.5,)}).manner.levels == (0.5,)
