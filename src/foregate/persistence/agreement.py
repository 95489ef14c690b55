"""Whether the two things that are kept of a network are the same network: its weights, which torch reads, and its
graphs, which everybody else runs.

The graphs are written anew from the weights, as far as that needs no other library. All weights must be read for that,
and every constant that comes out must be in the graphs that are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from foregate.core import ArtifactError, listed
from foregate.persistence.export import Weights, decoder_drawn, encoder_drawn
from foregate.persistence.graphs import constants_of
from foregate.persistence.runtime import StoredNetwork

__all__ = ["require_agreement"]

WEIGHTS = "the weights"


class _Read(Mapping[str, NDArray[np.float32]]):
    """Weights that know which of them were read."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        self.names.add(name)
        return self._weights[name]

    def __contains__(self, name: object) -> bool:  # to ask whether there is one is not to read it
        return name in self._weights

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)


def require_agreement(network: StoredNetwork) -> None:
    """Refuse a network whose weights are not those of its graphs.

    Args:
        network: from a folder.

    Raises:
        ArtifactError: says which weights are missing, unknown, or others than those in the graphs.

    Examples:
        >>> from foregate.persistence import load_shipped
        >>> require_agreement(load_shipped("tiny", runtime="onnx").engine.network)
    """
    weights = _Read(network.weights)
    try:
        drawn = [draw(network.shape, weights).given for draw in (encoder_drawn, decoder_drawn)]
    except (KeyError, ValueError, IndexError) as error:
        raise ArtifactError(f"{WEIGHTS} must be of their network, but reading them ended with {error!r}.") from error
    if unknown := sorted(network.weights.keys() - weights.names):
        raise ArtifactError(f"{WEIGHTS} must be of their network, but got unknown ones: {listed(unknown)}.")
    for kept, given in zip((network.encoder, network.decoder), drawn, strict=True):
        wanted = Counter(np.ascontiguousarray(array).tobytes() for array in given.values())
        if wanted - Counter(constants_of(kept)):
            raise ArtifactError(f"{WEIGHTS} must be those in the graphs, but got others. Save the model anew.")
