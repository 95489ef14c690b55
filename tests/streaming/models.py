"""What the laws of streams share: made-up series, a small model, and what it says in one batch pass."""

import numpy as np
from hypothesis import strategies as st
from safetensors.numpy import load

from foregate.core import Manner
from foregate.data.inputs import Inputs, InputSpec
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.intervals import Calibration
from foregate.streaming.snapshot import sealed

LEVELS, K = (0.1, 0.5, 0.9), 9

values = st.one_of(
    st.floats(-1e3, 1e3, width=32).map(lambda x: round(x, 3)),
    st.floats(1, 1e3, width=32),
    st.just(np.nan),
    st.sampled_from([0.0, 5.0, 5.0]),
)
positive = st.one_of(st.floats(1, 1e3, width=32), st.just(np.nan), st.just(7.0))
series = st.one_of(
    *(st.lists(each, min_size=1, max_size=40).map(np.array) for each in (values, positive)),
    st.builds(np.append, st.lists(positive, min_size=1, max_size=20).map(np.array), st.lists(values, max_size=20)),
)


class Engine:
    """A small network with fixed weights, in numpy: an exponential memory and one mixing layer each way."""

    def __init__(self, spec, seed=7, hidden=5):
        rng = np.random.default_rng(seed)
        self.manner, self.width, self.carries = Manner(LEVELS), hidden, 2 * hidden
        self.read = rng.normal(0, 0.3, (spec.n_features, hidden)).astype(np.float32)
        self.mix = rng.normal(0, 0.3, (hidden, hidden)).astype(np.float32)
        wide = hidden + spec.n_features + spec.n_steps
        self.say = rng.normal(0, 0.2, (wide, len(LEVELS) + spec.n_profiles)).astype(np.float32)

    def weights(self):
        return {"read": self.read, "mix": self.mix, "say": self.say}

    def encode(self, features, columns, carried=None):
        before = np.zeros((len(features), self.carries), np.float32) if carried is None else carried
        h, c = np.split(before, 2, -1)
        out = np.zeros((*features.shape[:2], self.width), np.float32)
        for t in range(features.shape[1]):
            c = 0.8 * c + np.tanh(features[:, t] @ self.read + h @ self.mix)
            h = out[:, t] = np.tanh(c)
        return np.take_along_axis(out, columns[..., None], 1), np.concatenate([h, c], -1)

    def decode(self, states, features, ahead):
        told = np.concatenate([states, features], -1)[:, None]
        told = np.concatenate([np.broadcast_to(told, (*ahead.steps.shape[:2], told.shape[-1])), ahead.steps], -1)
        said = np.tanh(told @ self.say)
        median = (said[..., len(LEVELS) :] * ahead.paths).mean(-1, keepdims=True)
        return (median + np.cumsum(np.abs(said[..., : len(LEVELS)]), -1)).astype(np.float32)


def fitted(seasons=(3, 1), *, recent=4, window=20, seed=7):
    spec = InputSpec(seasons, recent, window)
    factors = np.array([[1.5, 1, 1.5], [2, 1, 2]])
    return Fitted(Engine(spec, seed), spec, Calibration(factors), K, 0.1)


def batch(model, panel, horizon=K):
    """Forecasts (S, K, Q) after the last rows, whatever was observed."""
    return model._at(Inputs(panel, model.spec), (panel.lengths - 1)[:, None], horizon, LEVELS)[:, 0]


def close(one, other, panel):
    """Equal within 1e-5 of the size of what each series has held or is forecast to hold."""
    size = np.array([np.nanmax(np.abs(np.append(panel.series(i), 0))) for i in range(len(panel))])
    assert one.shape == other.shape
    assert np.all(np.abs(one - other) <= 1e-5 * np.maximum(size[:, None, None], np.abs(other)))


def forged(snapshot, was, now):
    """A snapshot with other words in it, and the checksum that goes with these."""
    assert was in snapshot
    arrays = load(snapshot.replace(was, now))
    return sealed({name: array for name, array in arrays.items() if name != "content"})
