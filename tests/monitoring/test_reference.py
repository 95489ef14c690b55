"""What a version knew when it was made."""

import json
from dataclasses import replace

import numpy as np
import pytest

from foregate import DataError, Panel
from foregate.core.panel import Covariate
from foregate.monitoring.reference import Reference, reference


def noise(series, rows):
    """A panel of noise."""
    return Panel.from_arrays(list(np.random.default_rng(9).normal(5, 2, (series, rows))))


@pytest.fixture(scope="module")
def made():
    """A reference of three series whose errors have something in common."""
    rng = np.random.default_rng(0)
    errors = rng.normal(size=700) + rng.normal(size=(3, 700))
    return reference(noise(3, 400), errors, (np.abs(errors) > 1.8).astype(float))


def test_bytes_and_back(made):
    """What was written is what is read."""
    assert Reference.from_bytes(made.to_bytes()) == made


def test_errors_of_many_series_vary_as_those_of_one(made):
    """The mean over however many series is scaled so that its spread does not depend on their number."""
    rng = np.random.default_rng(1)
    assert 0.4 < made.likeness < 0.6
    spreads = []
    for n in (1, 3, 30):
        errors = rng.normal(size=4000) + rng.normal(size=(n, 4000))
        spreads.append((errors.mean(0) / made.spread_of(n)).std())
    assert np.ptp(spreads) < 0.1 * spreads[0]


def test_missing_errors_are_left_out():
    """A time without any error has no place in the stream, and one of one series counts as one."""
    errors = np.array([[1.0, np.nan, 3.0, np.nan], [np.nan, 2.0, -3.0, np.nan]] * 1)
    found = reference(noise(2, 300), errors, np.zeros((2, 4)))
    assert len(found.errors) == len(found.outside) == 3


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"\x80\x04", b'{"format": 2}', b"[" * 100_000, json.dumps({"format": 1, "inputs": 3}).encode()],
)
def test_what_is_no_reference_is_refused(data):
    """Bytes of another kind are refused with one error, and nothing in them is run."""
    with pytest.raises(DataError, match="reference must"):
        Reference.from_bytes(data)


def test_changed_bytes_are_refused_or_sound(made):
    """Wherever a byte is changed, the answer is a reference of finite numbers or the one error."""
    data, rng = made.to_bytes(), np.random.default_rng(2)
    for _ in range(200):
        place = int(rng.integers(len(data)))
        changed = data[:place] + bytes([int(rng.integers(256))]) + data[place + 1 :]
        try:
            found = Reference.from_bytes(changed)
        except DataError:
            continue
        assert np.isfinite([*found.errors, *found.outside]).all()


def test_covariates_have_their_own_inputs():
    """Each numeric covariate that varies in time is a named input of its own."""
    panel = Panel.from_arrays([np.random.default_rng(3).normal(size=300)])
    column = Covariate("past", np.linspace(0, 1, 300).astype(np.float32))
    assert set(reference(replace(panel, covariates={"price": column})).inputs) == {"y", "price"}
