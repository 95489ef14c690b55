"""Functions of distributions against SciPy's."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from foregate.models.special import (
    log_beta,
    mixture_quantiles,
    normal_cdf,
    normal_scores,
    student_quantiles,
    student_tail,
)

LEVELS = [1e-4, 0.005, 0.1, 0.25, 0.499, 0.5, 0.501, 0.9, 0.975, 0.999]


def double(*numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def test_normal_is_that_of_scipy():
    """The normal distribution function and its inverse are SciPy's."""
    np.testing.assert_allclose(normal_scores(LEVELS), stats.norm.ppf(LEVELS), atol=1e-12)
    np.testing.assert_allclose(normal_cdf(double(-9, -1, 0, 2)), stats.norm.cdf([-9, -1, 0, 2]), atol=1e-15)


sizes = st.floats(-40, 30).map(lambda power: 10.0**power)


@given(sizes, sizes)
def test_log_beta_is_that_of_scipy(a, b):
    """The logarithm of the beta function is SciPy's, from nearly 0 to beyond all counts."""
    np.testing.assert_allclose(log_beta(double(a), double(b)), [special.betaln(a, b)], rtol=1e-11, atol=1e-11)


@given(st.floats(2.01, 1e6), st.floats(0, 12))
def test_student_tail_is_that_of_scipy(freedom, t):
    """The tail of Student's t is SciPy's, however many degrees of freedom there are."""
    tail = student_tail(double(t), double(freedom))
    np.testing.assert_allclose(tail, [stats.t.sf(t, freedom)], atol=1e-9)


@given(st.one_of(st.floats(2.01, 60), st.floats(60, 1e6)))
def test_student_quantiles_are_those_of_scipy(freedom):
    """Quantiles of Student's t are SciPy's to 6 digits, in the far tails too, and the median is 0 to the bit."""
    found = student_quantiles(double(freedom), LEVELS)[0]
    np.testing.assert_allclose(found, stats.t.ppf(LEVELS, freedom), rtol=1e-6, atol=1e-9)
    assert found[LEVELS.index(0.5)] == 0


def test_student_quantiles_of_single_precision():
    """Degrees of freedom in single precision give quantiles to 5 digits and more."""
    freedom = torch.linspace(2.01, 40, 50)
    expected = stats.t.ppf(np.array(LEVELS), freedom.double().numpy()[:, None])
    np.testing.assert_allclose(student_quantiles(freedom, LEVELS).float(), expected, rtol=1e-5, atol=1e-6)


mixtures = st.lists(st.tuples(st.floats(0.01, 1), st.floats(-50, 50), st.floats(1e-3, 50)), min_size=1, max_size=4).map(
    lambda rows: torch.tensor(rows, dtype=torch.float64).T
)


@given(mixtures)
def test_mixture_quantiles_invert_the_mixture(parts):
    """At the quantiles of a mixture SciPy's distribution function of it takes the levels."""
    weights, means, spreads = parts[0] / parts[0].sum(), parts[1], parts[2]
    found = mixture_quantiles(weights, means, spreads, LEVELS)
    reached = (weights.numpy() * stats.norm.cdf(found.numpy()[:, None], means.numpy(), spreads.numpy())).sum(-1)
    np.testing.assert_allclose(reached, LEVELS, atol=1e-9)


def test_one_component_is_normal():
    """A mixture of one, or of several alike, is a normal distribution."""
    one = mixture_quantiles(double(1), double(3), double(2), LEVELS)
    three = mixture_quantiles(double(0.2, 0.3, 0.5), double(3, 3, 3), double(2, 2, 2), LEVELS)
    expected = stats.norm.ppf(LEVELS, 3, 2)
    np.testing.assert_allclose(one, expected, atol=1e-9)
    np.testing.assert_allclose(three, expected, atol=1e-9)


def test_gradients_are_those_of_exact_quantiles():
    """Quantiles move with their parameters as finite differences of exact ones say."""
    weights = double(0.3, 0.7).requires_grad_()
    means, spreads = double(-1, 2).requires_grad_(), double(0.5, 1.5).requires_grad_()
    levels, step = [0.1, 0.5, 0.9], 1e-5
    leaves = (weights, means, spreads)
    found = mixture_quantiles(*leaves, levels)
    for q in range(3):
        gradients = torch.autograd.grad(found[q], leaves, retain_graph=True)
        for which, gradient in enumerate(gradients):
            for i in range(2):
                ends = []
                for sign in (1, -1):
                    moved = [leaf.detach().clone() for leaf in leaves]
                    moved[which][i] += sign * step
                    ends.append(mixture_quantiles(*moved, levels)[q])
                np.testing.assert_allclose(gradient[i], (ends[0] - ends[1]) / (2 * step), rtol=1e-4, atol=1e-6)
    freedom = double(2.2, 4, 30).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: student_quantiles(f, levels), freedom, atol=1e-6)
