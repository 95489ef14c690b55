"""The universal network for one series at a time, in NumPy alone: no call costs more than its arithmetic.

A runtime that takes any graph and any batch spends more on finding out what it was given than on a step of a small
network. Here the weights are laid out once, and every step is a handful of products of a matrix and a vector on memory
that is there already.

Letters: F features, H hidden, L layers, S step features, P candidate paths, K steps ahead, D decoder width, N outputs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from foregate.models.spec import NetworkSpec

__all__ = ["Lean", "Shaped"]

Float32Array = NDArray[np.float32]
Weights = Mapping[str, Float32Array]

SHUT, LOUDNESS = 1.5, 2.0
"""As in `foregate.models.decoders`, which cannot be read without torch."""
GELU_REACH, GELU_PIECES = 8.0, 1 << 14
"""The bend of the decoder is read from so many straight pieces up to here, and is its own asymptote beyond."""


ONE, HALF = np.array(1, np.float32), np.array(0.5, np.float32)
"""Arrays are reckoned with in half the time that numbers take."""

PER_UNIT, MIDDLE = np.float32(GELU_PIECES / 2 / GELU_REACH), np.array(GELU_PIECES / 2, np.float32)
"""Pieces per unit, which is a power of two: weights are multiplied by it without a bit's loss."""


@runtime_checkable
class Shaped(Protocol):
    """An engine that tells what it is made of."""

    @property
    def shape(self) -> NetworkSpec:
        """Its sizes."""

    def weights(self) -> Weights:
        """Its parameters, by torch's names."""


class Lean:
    """One network for one series at a time: it has memory of its own to reckon in, which one thread holds at a time."""

    def __init__(self, shape: NetworkSpec, weights: Weights) -> None:
        """Lay out the weights of a network that it `can` be."""
        self.shape = shape
        self._inputs = _affine(weights, "encoder.inputs")
        self._layers = [_Layer(weights, i) for i in range(shape.built.layers)]
        self._read = np.ones(shape.n_features + 1, np.float32)
        self._told = self._read[:-1]
        self._decoder = _Decoder(shape, weights)
        self._lock = Lock()

    @classmethod
    def of(cls, engine: object) -> Lean | None:
        """What an engine runs, if it can be run so."""
        return cls(engine.shape, engine.weights()) if isinstance(engine, Shaped) and cls.can(engine.shape) else None

    @staticmethod
    def can(shape: NetworkSpec) -> bool:
        """Whether it is a carried LSTM without attention that forecasts all steps by one small decoder.

        Examples:
            >>> Lean.can(NetworkSpec(n_features=45, n_steps=17, n_profiles=13, levels=(0.1, 0.5, 0.9)))
            True
        """
        built = shape.built
        carried = built.cell == "lstm" and built.encoder in ("residual", "stacked")
        return carried and built.attention is None and built.strategy == "parallel"

    def encode(self, features: Float32Array, carried: Float32Array, state: Float32Array) -> None:
        """Read features (F,), going on from what is carried (2·L·H,): that is written anew, and the state (H,)."""
        with self._lock:
            self._encode(features, carried, state)

    def _encode(self, features: Float32Array, carried: Float32Array, state: Float32Array) -> None:
        H, skip, at = self.shape.hidden, self.shape.built.skip, 0
        self._told[:] = features
        z, last = self._layers[0].x, len(self._layers) - 1
        np.dot(self._read, self._inputs, out=z)
        np.tanh(z, out=z)
        for i, layer in enumerate(self._layers):
            h, c = carried[at : at + H], carried[at + H : at + 2 * H]
            at += 2 * H
            layer.before[:], layer.memory[:] = h, c
            np.dot(layer.seen, layer.weights, out=layer.gates)
            np.tanh(layer.gates, out=layer.gates)
            np.add(layer.opened, ONE, out=layer.opened)  # σ(x) = (1 + tanh(x/2)) / 2, and the weights are halved
            np.multiply(layer.opened, HALF, out=layer.opened)
            np.multiply(layer.written, layer.kept, out=layer.written)
            np.add(layer.candidate, layer.memory, out=c)
            np.tanh(c, out=h)
            np.multiply(layer.show, h, out=h)
            out = state if i == last else self._layers[i + 1].x
            if skip:
                np.add(layer.x, h, out=out)
            else:
                out[:] = h

    def decode(
        self, state: Float32Array, features: Float32Array, steps: Float32Array, paths: Float32Array
    ) -> Float32Array:
        """What is said (N, K) of steps (S, K) with candidate paths (P, K) after a state (H,) and features (F,)."""
        with self._lock:
            return self._decoder.said(state, features, steps, paths)


class _Layer:
    """An LSTM's weights, and where its parts lie while it is read."""

    def __init__(self, weights: Weights, i: int) -> None:
        parts = [weights[f"encoder.layers.{i}.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
        together = np.hstack([parts[0], parts[1], (parts[2] + parts[3])[:, None]])
        write, keep, candidate, show = np.split(together, 4)
        ordered = np.vstack([show * HALF, write * HALF, keep * HALF, candidate])
        H = len(show)
        self.weights = np.ascontiguousarray(ordered.T)
        """(2·H + 1, 4·H) the bias is the last row."""
        self.seen = np.ones(2 * H + 1, np.float32)
        self.x, self.before = self.seen[:H], self.seen[H : 2 * H]
        every = np.zeros(5 * H, np.float32)  # gates, candidate and memory, so that both products are one
        self.gates, self.opened, self.show = every[: 4 * H], every[: 3 * H], every[:H]
        self.kept, self.written = every[H : 3 * H], every[3 * H :]
        self.candidate, self.memory = every[3 * H : 4 * H], every[4 * H :]


class _Decoder:
    """See `foregate.models.decoders.Parallel`; steps lie in columns, so that no array is turned round."""

    def __init__(self, shape: NetworkSpec, weights: Weights) -> None:
        self.shape = shape
        D, P = shape.decoder, shape.n_profiles
        name = "decoder.{}.weight".format
        bias = [weights["decoder.state.bias"] + weights["decoder.step.bias"], weights["decoder.mid.bias"]]
        kernels = [weights[name("state")], weights[name("again")]]
        self._of_origin = np.vstack([np.hstack([each.T for each in kernels]), np.concatenate(bias)]) * PER_UNIT
        self._of_step, self._mid = weights[name("step")] * PER_UNIT, weights[name("mid")] * PER_UNIT
        out, shift = weights[name("out")].copy(), weights["decoder.out.bias"].copy()
        shift[:P] -= SHUT
        out[:P] *= HALF  # of the gates, as in the encoder
        shift[:P] *= HALF
        out[P] *= LOUDNESS
        shift[P] *= LOUDNESS
        self._out, self._shift = out, shift[:, None]
        self._origin = np.ones(shape.hidden + shape.n_features + 1, np.float32)
        self._base = np.zeros((2 * D, 1), np.float32)
        self._bend = _Bend()
        self._buffers: tuple[Float32Array, ...] = ()

    def said(
        self, state: Float32Array, features: Float32Array, steps: Float32Array, paths: Float32Array
    ) -> Float32Array:
        """See `Lean.decode`."""
        H, D, P, K = self.shape.hidden, self.shape.decoder, self.shape.n_profiles, steps.shape[1]
        if not self._buffers or self._buffers[0].shape[1] != K:
            self._buffers = np.zeros((D, K), np.float32), np.zeros((D, K), np.float32)
        first, second = self._buffers
        self._origin[:H], self._origin[H:-1] = state, features
        np.dot(self._origin, self._of_origin, out=self._base[:, 0])
        np.matmul(self._of_step, steps, out=first)
        first += self._base[:D]
        self._bend(first)
        np.matmul(self._mid, first, out=second)
        second += self._base[D:]
        self._bend(second)
        out = self._out @ second
        out += self._shift
        gates = out[:P]
        np.tanh(gates, out=gates)
        gates *= HALF
        gates += HALF
        gates *= paths
        out[P] += np.add.reduce(gates, 0)
        return self._quantiles(out[P:]) if self.shape.built.head == "quantiles" and len(out) > P + 1 else out[P:]

    def _quantiles(self, raw: Float32Array) -> Float32Array:
        """The median and steps outwards (Q, K) to quantiles in order; see `foregate.models.heads.Quantiles`."""
        side = len(raw) // 2
        median, steps = raw[0], raw[1:]
        size = np.abs(steps)
        np.negative(size, out=size)
        np.exp(size, out=size)
        np.log1p(size, out=size)
        np.maximum(steps, 0, out=steps)
        steps += size
        said = np.empty_like(raw)
        np.add.accumulate(steps[:side], 0, out=said[side - 1 :: -1] if side else said[:0])
        np.subtract(median, said[:side], out=said[:side])
        said[side] = median
        np.add.accumulate(steps[side:], 0, out=said[side + 1 :])
        said[side + 1 :] += median
        return said


class _Bend:
    """x/2 (1 + erf(x / √2)) by straight pieces, to about 6e-7, of x in pieces."""

    def __init__(self) -> None:
        self._rise, self._height = _pieces()
        self._buffers: tuple[NDArray[np.intp], Float32Array, Float32Array] | None = None

    def __call__(self, x: Float32Array) -> None:
        """Bend in place."""
        if self._buffers is None or self._buffers[0].shape != x.shape:
            self._buffers = np.zeros(x.shape, np.intp), np.zeros_like(x), np.zeros_like(x)
        piece, first, second = self._buffers
        np.add(x, MIDDLE, out=first)
        np.copyto(piece, first, casting="unsafe")
        self._rise.take(piece, out=first, mode="clip")
        self._height.take(piece, out=second, mode="clip")
        x *= first
        x += second


def _affine(weights: Weights, name: str) -> Float32Array:
    """A linear layer whose bias is the last row."""
    return np.vstack([weights[f"{name}.weight"].T, weights[f"{name}.bias"]])


@cache
def _pieces() -> tuple[Float32Array, Float32Array]:
    """Rise and height at 0 of the straight pieces of `_Bend`."""
    knots = np.linspace(-GELU_REACH, GELU_REACH, GELU_PIECES + 1)
    values = knots / 2 * (1 + np.array([math.erf(x) for x in knots / math.sqrt(2)]))
    rise = np.diff(values) / np.diff(knots)
    rise[0], rise[-1] = 0, 1
    height = values[:-1] - rise * knots[:-1]
    height[0], height[-1] = 0, 0
    return rise.astype(np.float32) / PER_UNIT, height.astype(np.float32)
