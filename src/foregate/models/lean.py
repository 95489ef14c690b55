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
        self._layers = [_gates(weights, i) for i in range(shape.built.layers)]
        H = shape.hidden
        self._read = np.ones(shape.n_features + 1, np.float32)
        self._seen = np.ones(2 * H + 1, np.float32)  # what a layer reads, its state before, and 1 for the bias
        self._gates, self._candidate = np.zeros(4 * H, np.float32), np.zeros(H, np.float32)
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
        H, seen, gates, candidate = self.shape.hidden, self._seen, self._gates, self._candidate
        shown, opened, sigmoids = gates[3 * H :], gates[: 3 * H], (gates[:H], gates[H : 2 * H], gates[2 * H : 3 * H])
        keep, write, show = sigmoids
        x, before = seen[:H], seen[H : 2 * H]
        self._read[:-1] = features
        np.dot(self._inputs, self._read, out=state)
        np.tanh(state, out=state)
        skip = self.shape.built.skip
        for i, weights in enumerate(self._layers):
            h, c = carried[2 * i * H : (2 * i + 1) * H], carried[(2 * i + 1) * H : (2 * i + 2) * H]
            x[:], before[:] = state, h
            np.dot(weights, seen, out=gates)
            np.tanh(gates, out=gates)  # of the gates too: σ(x) = (1 + tanh(x/2)) / 2, and the weights are halved
            opened *= HALF
            opened += HALF
            np.multiply(write, shown, out=candidate)
            np.multiply(keep, c, out=c)
            np.add(c, candidate, out=c)
            np.tanh(c, out=h)
            np.multiply(show, h, out=h)
            if skip:
                state += h
            else:
                state[:] = h

    def decode(self, state: Float32Array, features: Float32Array, steps: Float32Array, paths: Float32Array) -> Float32Array:
        """What is said (N, K) of steps (S, K) with candidate paths (P, K) after a state (H,) and features (F,)."""
        with self._lock:
            return self._decoder.said(state, features, steps, paths)


class _Decoder:
    """See `foregate.models.decoders.Parallel`; steps lie in columns, so that no array is turned round."""

    def __init__(self, shape: NetworkSpec, weights: Weights) -> None:
        self.shape = shape
        D, P = shape.decoder, shape.n_profiles
        name = "decoder.{}.weight".format
        bias = [weights["decoder.state.bias"] + weights["decoder.step.bias"], weights["decoder.mid.bias"]]
        kernels = [weights[name("state")], weights[name("again")]]
        self._of_origin = np.hstack([np.vstack(kernels), np.concatenate(bias)[:, None]])
        self._of_step, self._mid = weights[name("step")].copy(), weights[name("mid")].copy()
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

    def said(self, state: Float32Array, features: Float32Array, steps: Float32Array, paths: Float32Array) -> Float32Array:
        """See `Lean.decode`."""
        H, D, P, K = self.shape.hidden, self.shape.decoder, self.shape.n_profiles, steps.shape[1]
        if not self._buffers or self._buffers[0].shape[1] != K:
            self._buffers = np.zeros((D, K), np.float32), np.zeros((D, K), np.float32)
        first, second = self._buffers
        self._origin[:H], self._origin[H:-1] = state, features
        np.dot(self._of_origin, self._origin, out=self._base[:, 0])
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
        out[P] += gates.sum(0)
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


HALF = np.float32(0.5)


class _Bend:
    """x/2 (1 + erf(x / √2)) by straight pieces, to about 6e-7."""

    def __init__(self) -> None:
        self._rise, self._height = _pieces()
        self._buffers: tuple[NDArray[np.intp], Float32Array, Float32Array] | None = None

    def __call__(self, x: Float32Array) -> None:
        """Bend in place."""
        if self._buffers is None or self._buffers[0].shape != x.shape:
            self._buffers = np.zeros(x.shape, np.intp), np.zeros_like(x), np.zeros_like(x)
        piece, first, second = self._buffers
        np.multiply(x, np.float32(GELU_PIECES / 2 / GELU_REACH), out=first)
        first += np.float32(GELU_PIECES / 2)
        np.copyto(piece, first, casting="unsafe")
        self._rise.take(piece, out=first, mode="clip")
        self._height.take(piece, out=second, mode="clip")
        x *= first
        x += second


def _affine(weights: Weights, name: str) -> Float32Array:
    """A linear layer whose bias is the last column."""
    return np.hstack([weights[f"{name}.weight"], weights[f"{name}.bias"][:, None]])


def _gates(weights: Weights, i: int) -> Float32Array:
    """(4·H, 2·H + 1) of layer i: what keeps, writes and shows, halved, and the candidate; the bias is the last column."""
    parts = [weights[f"encoder.layers.{i}.{name}_l0"] for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    together = np.hstack([parts[0], parts[1], (parts[2] + parts[3])[:, None]])
    write, keep, candidate, show = np.split(together, 4)
    return np.ascontiguousarray(np.vstack([keep * HALF, write * HALF, show * HALF, candidate]))


@cache
def _pieces() -> tuple[Float32Array, Float32Array]:
    """Rise and height at 0 of the straight pieces of `_Bend`."""
    knots = np.linspace(-GELU_REACH, GELU_REACH, GELU_PIECES + 1)
    values = knots / 2 * (1 + np.array([math.erf(x) for x in knots / math.sqrt(2)]))
    rise = np.diff(values) / np.diff(knots)
    rise[0], rise[-1] = 0, 1
    height = values[:-1] - rise * knots[:-1]
    height[0], height[-1] = 0, 0
    return rise.astype(np.float32), height.astype(np.float32)
