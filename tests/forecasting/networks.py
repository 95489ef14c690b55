"""Fitted models of random networks of every kind, and panels for them."""

from dataclasses import replace

import numpy as np
import torch

from foregate.core import Covariate, Panel
from foregate.data.columns import fit_columns
from foregate.data.inputs import InputSpec
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.intervals import Calibration
from foregate.models.network import make_network
from foregate.models.options import ModelOptions
from foregate.models.spec import NetworkSpec
from foregate.training.engine import TorchEngine

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
HORIZON = 5
EVERY_WAY = ("lstm", "direct", "each+gru", "seq2seq+dot+lookback=8", "patched+student-t+lookback=9", "dilated+gaussian")
RECURSIVE = (
    "recursive+draws=20",
    "recursive+draws=0",
    "recursive+gru+negative-binomial+draws=20",
    "recursive+dot+lookback=6+mixture+draws=20",
    "recursive+patched+lookback=8+point+draws=20",
)


def engine_of(label, spec, *, seed=0, loud=1.5):
    """An engine with random weights, loud enough that what it reads is heard."""
    built = ModelOptions.parse(label).resolve(None, spec.seasons, HORIZON)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sizes = spec.n_features, spec.n_steps, spec.n_profiles
        network = make_network(NetworkSpec(*sizes, LEVELS, hidden=8, decoder=6, built=built))
    for parameter in network.parameters():
        parameter.data *= loud
    return TorchEngine(network)


def model(label="lstm", *, columns=(), seed=0, seasons=(3, 1), factor=1.0, persistence=0.5):
    """A model that nobody has trained."""
    spec = InputSpec(seasons, recent=4, window=20, plain="negative-binomial" in label, columns=columns)
    calibration = Calibration(np.full((1, len(LEVELS)), factor), persistence)
    return Fitted(engine_of(label, spec, seed=seed), spec, calibration, HORIZON, 0.1)


def counts(lengths=(30, 14, 22), *, seed=0):
    """Series of whole numbers; one begins late, one has gaps."""
    rng = np.random.default_rng(seed)
    made = [rng.poisson(6 + i, n).astype(float) for i, n in enumerate(lengths)]
    made[0][[5, 11, 12]] = np.nan
    made[1][:3] = np.nan
    return Panel.from_arrays(made, ids=[f"s{i}" for i in range(len(lengths))])


def told(panel, *, seed=0):
    """The same series with a covariate of every role."""
    rng, n = np.random.default_rng(seed), len(panel.values)
    given = {
        "kind": Covariate("static", (np.arange(len(panel)) % 2).astype(np.float32), ("a", "b")),
        "seen": Covariate("past", rng.normal(0, 1, n).astype(np.float32)),
        "sky": Covariate("past", rng.integers(0, 2, n).astype(np.float32), ("clear", "cloudy")),
        "price": Covariate("future", rng.normal(10, 1, n).astype(np.float32)),
        "promo": Covariate("future", rng.integers(0, 2, n).astype(np.float32), ("no", "yes")),
    }
    panel = replace(panel, covariates=given)
    return panel, fit_columns(panel)


def history_columns():
    """The columns of a model that was trained with a covariate of every role."""
    return told(counts())[1]


def close(one, other, rtol=1e-4):
    """Equal within a share of the size of each series."""
    size = np.nanmax(np.abs(other), axis=tuple(range(1, other.ndim)), keepdims=True)
    np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
    assert np.nanmax(np.abs(one - other) / size) <= rtol
