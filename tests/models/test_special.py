"""The beta function against one of any precision."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foregate.models.special import log_beta

mpmath = pytest.importorskip("mpmath")
sizes = st.floats(-40, 30).map(lambda power: 10.0**power)


@given(sizes, sizes)
def test_log_beta_is_exact(a, b):
    """The logarithm of the beta function is right to 11 digits, from nearly 0 to beyond all counts."""
    found = log_beta(*(torch.tensor([each], dtype=torch.float64) for each in (a, b)))
    with mpmath.workdps(100):
        x, y = mpmath.mpf(a), mpmath.mpf(b)
        exact = float(mpmath.loggamma(x) + mpmath.loggamma(y) - mpmath.loggamma(x + y))
    assert found.item() == pytest.approx(exact, rel=1e-11, abs=1e-11)
