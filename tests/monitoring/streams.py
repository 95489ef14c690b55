"""Streams of errors."""

import numpy as np


def autoregressive(rng, streams, length, phi=0.7):
    """(streams, length) of mean 0 and standard deviation 1."""
    noise = rng.normal(size=(length, streams)) * np.sqrt(1 - phi**2)
    values = [rng.normal(size=streams)]
    for row in noise[1:]:
        values.append(phi * values[-1] + row)
    return np.stack(values, axis=1)


def outside(errors, most=1.2816):
    """1 where an error lies outside of the central 80 % of a standard normal distribution."""
    return (np.abs(errors) > most).astype(float)
