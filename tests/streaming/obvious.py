"""The universal network written out in NumPy and double precision: slow, and easy to see through."""

import math

import numpy as np

from foregate.data.clock import Clock
from foregate.data.inputs import InputSpec
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.intervals import Calibration
from foregate.models.architecture import Architecture
from foregate.models.spec import NetworkSpec
from tests.twins.oracle import logistic, lstm

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)
erf = np.vectorize(math.erf, otypes=[float])


def gelu(x):
    return x / 2 * (1 + erf(x / math.sqrt(2)))


def random_weights(shape, seed=0):
    """By torch's names, of the size that training begins with."""
    rng, weights = np.random.default_rng(seed), {}
    H, D, P, read = shape.hidden, shape.decoder, shape.n_profiles, shape.hidden + shape.n_features
    N = len(shape.levels) if shape.built.head == "quantiles" else 2
    linear = {"encoder.inputs": (H, shape.n_features), "decoder.state": (D, read), "decoder.step": (D, shape.n_steps)}
    linear |= {"decoder.mid": (D, D), "decoder.again": (D, read), "decoder.out": (P + N, D)}
    for name, size in linear.items():
        weights[f"{name}.weight"] = rng.normal(0, size[1] ** -0.5, size)
        if name != "decoder.again":
            weights[f"{name}.bias"] = rng.normal(0, 0.2, size[0])
    for i in range(shape.built.layers):
        for name, size in (
            ("weight_ih", (4 * H, H)),
            ("weight_hh", (4 * H, H)),
            ("bias_ih", 4 * H),
            ("bias_hh", 4 * H),
        ):
            weights[f"encoder.layers.{i}.{name}_l0"] = rng.normal(0, H**-0.5, size)
    return {name: values.astype(np.float32) for name, values in weights.items()}


class Obvious:
    """An engine; see `foregate.core.Engine`."""

    def __init__(self, shape, seed=0):
        self.shape, self.manner, self.carries, self.width = shape, shape.manner, shape.carries, shape.width
        self._weights = random_weights(shape, seed)

    def weights(self):
        return self._weights

    def _linear(self, name, x):
        bias = self._weights.get(f"{name}.bias", np.float32(0))
        return x @ self._weights[f"{name}.weight"].T.astype(float) + bias

    def encode(self, features, columns, carried=None):
        H, B = self.shape.hidden, len(features)
        before = np.zeros((B, self.carries)) if carried is None else carried.astype(float)
        z, after = np.tanh(self._linear("encoder.inputs", features.astype(float))), []
        for i in range(self.shape.built.layers):
            h, c = before[:, 2 * i * H : (2 * i + 1) * H], before[:, (2 * i + 1) * H : (2 * i + 2) * H]
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            weights = [self._weights[f"encoder.layers.{i}.{name}_l0"].astype(float) for name in names]
            out, memory = lstm(weights, z, h, c)
            after += [out[:, -1], memory[:, -1]]
            z = z + out if self.shape.built.skip else out
        states = np.take_along_axis(z, columns[..., None], 1)
        return states.astype(np.float32), np.concatenate(after, -1).astype(np.float32)

    def decode(self, states, features, ahead):
        read = np.concatenate([states, features], -1).astype(float)[:, None]
        h = gelu(self._linear("decoder.state", read) + self._linear("decoder.step", ahead.steps.astype(float)))
        h = gelu(self._linear("decoder.mid", h) + self._linear("decoder.again", read))
        out, P = self._linear("decoder.out", h), self.shape.n_profiles
        place = (logistic(out[..., :P] - 1.5) * ahead.paths).sum(-1, keepdims=True) + 2 * out[..., P : P + 1]
        rest = out[..., P + 1 :]
        if self.shape.built.head != "quantiles":
            return np.concatenate([place, rest], -1).astype(np.float32)
        gaps, side = np.logaddexp(0, rest), rest.shape[-1] // 2
        down, up = np.cumsum(gaps[..., :side], -1)[..., ::-1], np.cumsum(gaps[..., side:], -1)
        return np.concatenate([place - down, place, place + up], -1).astype(np.float32)


class Silent:
    """The same engine, which does not tell what it is made of, so that everything goes the long way."""

    def __init__(self, engine):
        self.manner, self.carries, self.width, self.weights = (
            engine.manner,
            engine.carries,
            engine.width,
            engine.weights,
        )
        self.encode, self.decode = engine.encode, engine.decode


def obvious(seasons=(3, 7), *, clock=None, plain=False, hidden=6, layers=2, recent=4, **built):
    """A model of random weights."""
    spec = InputSpec(seasons, recent, 20, plain=plain, clock=clock or Clock())
    built = Architecture(dilations=(1,) * layers, **built)
    shape = NetworkSpec(spec.n_features, spec.n_steps, spec.n_profiles, LEVELS, hidden, 7, built)
    factors = np.array([[1.5, 1.2, 1, 1.2, 1.5], [2, 0.3, 1, 0.3, 2]])  # of which the second ones would cross
    return Fitted(Obvious(shape), spec, Calibration(factors), 9, 0.1)
