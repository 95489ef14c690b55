"""Weights and graphs of a network are the same network, or it is refused."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import ArtifactError
from foregate.persistence.agreement import require_agreement
from tests.persistence.test_export import covering, usual


def network(*parts):
    """A network with its graphs."""
    return usual(*parts)[1].network


PLAIN = ("lstm", "residual", None, "parallel", "quantiles")


@pytest.mark.parametrize("parts", covering(2), ids=str)
def test_every_network_agrees_with_itself(parts):
    """What was written from its weights is known to be, whatever it is made of, and every weight is read for it."""
    require_agreement(network(*parts))


def changed(change):
    """A plain network with other weights and the same graphs."""
    kept = network(*PLAIN)
    weights = dict(kept.weights)
    change(weights)
    return replace(kept, weights=weights)


def rename(weights):
    weights["decoder.other.weight"] = weights.pop("decoder.mid.weight")


def transpose(weights):
    name = "decoder.state.weight"
    weights[name] = np.ascontiguousarray(weights[name].T)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda weights: weights.update({"extra": np.zeros(3, np.float32)}), "unknown ones: 'extra'"),
        (rename, "reading them ended"),
        (lambda weights: weights.pop("decoder.out.weight"), "reading them ended"),
        (lambda weights: weights.update({"decoder.mid.bias": weights["decoder.mid.bias"] + 1}), "those in the graphs"),
        (transpose, "those in the graphs"),
    ],
)
def test_other_weights_are_refused(change, said):
    """A weight too many, by another name, missing, of another shape or with other numbers is told."""
    with pytest.raises(ArtifactError, match=said):
        require_agreement(changed(change))
