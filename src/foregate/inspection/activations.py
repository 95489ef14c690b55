"""What one layer of a network did, gate by gate.

Letters: S series, T steps shown, H units of the layer, M steps, O origins, K steps ahead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["DEAD", "HIGH", "KEEPS", "LOW", "NAMES", "LayerGates"]

Float32Array = NDArray[np.float32]

NAMES = {
    "lstm": {"forget": "f", "input": "i", "candidate": "candidate", "output": "o", "memory": "c"},
    "gru": {"reset": "r", "update": "z", "candidate": "candidate"},
    "rnn-tanh": {"output": "a"},
    "rnn-relu": {"output": "a"},
}
"""Of every cell what is shown, and what its gates call it. A simple cell has none: shown is what it says."""
LOW, HIGH = 0.05, 0.95
"""A gate below or above is saturated: shut, or wide open. A candidate lies between -1 and 1, and is so by its size."""
DEAD = 0.02
"""A unit is dead if what it hands on, which lies between -1 and 1, moves by less than this over all rows shown."""
KEEPS = {"lstm": "forget", "gru": "update"}
"""The gate that keeps the memory, by cell."""


@dataclass(frozen=True)
class LayerGates:
    """What one layer of a network did."""

    network: str
    """The network's name; of a decoder with ``, decoder`` behind it."""
    layer: int
    """From 1 on, the one that reads the inputs first; of a decoder that writes step after step, 1."""
    cell: str
    """One of `foregate.models.cell_spec.CELLS`."""
    stride: int
    """Rows from a state to the one it comes from: the dilation of the layer, or the rows of a patch."""
    values: Mapping[str, Float32Array]
    """(S, T, H) by name, the newest step last; NaN before the first observation. An LSTM has forget, input, candidate,
    output and memory, a GRU reset, update and candidate, a simple cell its output alone. Of two directions the units
    stand side by side. Of a decoder (S, O, K, H): K steps ahead of O origins of each series, NaN where there is no such
    origin."""
    decoder: bool = False
    """Whether it writes what lies ahead, instead of reading what lies behind."""

    @property
    def place(self) -> str:
        """Which layer it is, in words: ``layer 2``, or ``decoder``."""
        return "decoder" if self.decoder else f"layer {self.layer}"

    @property
    def keeps(self) -> Float32Array | None:
        """(S, T, H) the gate that keeps the memory: forget, or update; None of a simple cell."""
        return self.values[KEEPS[self.cell]] if self.cell in KEEPS else None

    @property
    def gates(self) -> tuple[str, ...]:
        """Names of all but the memory."""
        return tuple(name for name in self.values if name != "memory")

    @cached_property
    def largest(self) -> float:
        """What a gate may come to: 1, but of a relu what it came to."""
        return max(1.0, float(np.nanmax(self.values["output"], initial=0))) if self.cell == "rnn-relu" else 1.0

    @cached_property
    def dead(self) -> NDArray[np.bool_]:
        """(H,) which units hand on the same, whatever is read."""
        if self.cell == "lstm":
            handed = self.values["output"] * np.tanh(self.values["memory"])
        elif self.cell == "gru":
            handed = (1 - self.values["update"]) * self.values["candidate"]
        else:
            handed = self.values["output"]
        flat = handed.reshape(-1, handed.shape[-1])
        flat = flat[np.isfinite(flat[:, 0])]
        dead: NDArray[np.bool_] = np.ptp(flat, axis=0) < DEAD if len(flat) else np.zeros(flat.shape[1], np.bool_)
        return dead

    def seen(self, name: str) -> Float32Array:
        """(M, H) the values of a gate at all steps that there were."""
        flat = self.values[name].reshape(-1, self.values[name].shape[-1])
        return flat[np.isfinite(flat[:, 0])]

    def saturated(self, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(H,) shares of the steps at which each unit of a gate is below `LOW`, and above `HIGH`."""
        flat = self.seen(name)
        low = -HIGH if self.signed(name) else LOW
        return (flat < low).mean(0, dtype=np.float64), (flat > HIGH).mean(0, dtype=np.float64)

    def signed(self, name: str) -> bool:
        """Whether it lies between -1 and 1, instead of 0 and 1."""
        return name in ("candidate", "memory") or self.cell == "rnn-tanh"
