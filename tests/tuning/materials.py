"""Small panels that the tests of tuning look at."""

import numpy as np

from foregate.core import Panel


def weekly(series=3, rows=150, seed=0, noise=0.3):
    """Days with a weekly profile of their own and noise."""
    rng = np.random.default_rng(seed)
    profile = rng.normal(size=(series, 7))
    values = [np.tile(each, rows // 7 + 1)[:rows] + noise * rng.normal(size=rows) + 10 for each in profile]
    return Panel.from_arrays(values, freq="D")


def noisy(rows=200, seed=0):
    """One series of white noise."""
    return Panel.from_arrays([np.random.default_rng(seed).normal(size=rows)], freq=1)
