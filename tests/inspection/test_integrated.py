"""Integrated gradients agree with another implementation, and are exact where they can be."""

import pytest
import torch

from foregate.inspection.integrated import integrated


def test_the_lines_of_torch_agree_with_captum():
    """A library of attributions gives the same numbers for the same function, reference and nodes."""
    captum = pytest.importorskip("captum.attr", reason="captum is not installed")
    torch.manual_seed(0)
    lstm, out = torch.nn.LSTM(3, 4, batch_first=True), torch.nn.Linear(4, 1)

    def function(x, y):
        return (out(lstm(x)[0][:, -1])[:, 0] * y.sum(-1)).tanh()

    x, y = torch.randn(5, 7, 3), torch.randn(5, 2)
    reference = torch.zeros_like(x), torch.ones_like(y)
    known = captum.IntegratedGradients(function).attribute((x, y), reference, n_steps=9, method="gausslegendre")
    for own, other in zip(integrated(function, (x, y), reference, 9), known, strict=True):
        torch.testing.assert_close(own, other.to(own), atol=1e-6, rtol=1e-5)


def test_polynomials_are_exact():
    """Of a product of three the integral is exact with two nodes, and what is not read has none."""
    x = torch.tensor([[1.0, 2.0, 3.0, 9.0]], dtype=torch.float64)
    (found,) = integrated(lambda x: x[:, 0] * x[:, 1] * x[:, 2], (x,), (torch.zeros_like(x),), 2)
    torch.testing.assert_close(found, torch.tensor([[2.0, 2.0, 2.0, 0.0]], dtype=torch.float64))
    (none,) = integrated(lambda x, y: y.sum(-1), (x, x), (torch.zeros_like(x),) * 2, 2)[:1]
    assert not none.any()
