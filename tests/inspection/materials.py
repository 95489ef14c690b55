"""Subjects with random networks of every kind, and series for them."""

import numpy as np

from foregate.core import Panel
from foregate.inspection.subject import Scope, Subject
from tests.forecasting.networks import counts, model, told

KINDS = (
    "lstm",
    "gru+stacked",
    "rnn-tanh",
    "rnn-relu",
    "dilated",
    "dilated+gru",
    "windowed+lookback=8",
    "bidirectional+lookback=6",
    "patched+lookback=9",
    "direct",
    "each",
    "seq2seq+dot+lookback=8",
    "multi-head+views=2+lookback=8",
    "recursive+draws=0",
)


def panel_of(*lengths, seed=0, freq="h"):
    """Noisy waves, whose second value is missing."""
    rng = np.random.default_rng(seed)
    made = [10 + np.sin(np.arange(n) / 2) + rng.normal(0, 0.3, n) for n in lengths]
    for each in made:
        each[1] = np.nan
    return Panel.from_arrays(made, freq=freq)


def subject(label="lstm", panel=None, *, columns=False, facts=None, **scope):
    """A model that nobody has trained, and what it reads."""
    given = panel_of(40, 9, 26) if panel is None else panel
    if columns:
        given, specs = told(given)
        fitted = model(label, columns=specs)
    else:
        fitted = model(label)
    return Subject(fitted, given, Scope(**scope), facts or {})


__all__ = ["KINDS", "counts", "panel_of", "subject"]
