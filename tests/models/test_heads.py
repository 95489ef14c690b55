"""Laws of every head, whatever its outputs, and the distributions against SciPy's."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from foregate.core import UsageError
from foregate.forecasting.distributions import Distribution, components, count_parameters
from foregate.models.heads import (
    Gaussian,
    Mixture,
    NegativeBinomial,
    Point,
    Quantiles,
    StudentT,
    Units,
    make_head,
    pinball,
)
from foregate.models.names import HEADS, LEAST_SPREAD, POINT_LOSSES, head_outputs

LEVELS = (0.005, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.995)
DISTRIBUTIONS = [Quantiles(LEVELS), Gaussian(), StudentT(), Mixture(3), Mixture(1), NegativeBinomial()]
ALL = [*DISTRIBUTIONS, *(Point(error) for error in POINT_LOSSES)]
EVERY = pytest.mark.parametrize("head", ALL, ids=str)
EVERY_DISTRIBUTION = pytest.mark.parametrize("head", DISTRIBUTIONS, ids=str)
LIKELIHOODS = [head for head in DISTRIBUTIONS if not isinstance(head, Quantiles)]
EVERY_LIKELIHOOD = pytest.mark.parametrize("head", LIKELIHOODS, ids=str)
PLAIN = Units(torch.tensor([3.0]), torch.tensor([2.0]))


def outputs(head, *shape, seed=0, size=1.0, dtype=torch.float32):
    return size * torch.randn(*shape, head.n_outputs, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def double(numbers):
    return torch.tensor(numbers, dtype=torch.float64)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


corners = st.sampled_from([-1e4, -50.0, -10.0, -1.0, 0.0, 1.0, 10.0, 50.0, 1e4])
units = st.tuples(st.sampled_from([0.0, 1.0, 7.0, 1e6]), st.sampled_from([1e-3, 0.5, 1.0, 40.0, 1e9]))


def given_units(pair):
    return Units(*(torch.tensor([float(number)]) for number in pair))


@EVERY
@given(st.data(), units, st.sampled_from([-1e6, -50.0, 0.0, 0.3, 1e6]))
def test_losses_are_always_numbers(head, data, pair, target):
    """Whatever the outputs, the units and what came, loss and gradients are finite."""
    raw = torch.tensor([data.draw(st.lists(corners, min_size=head.n_outputs, max_size=head.n_outputs))])
    raw.requires_grad_()
    loss = head.loss(raw, torch.tensor([target]), given_units(pair))
    loss.sum().backward()
    assert loss.shape == (1,)
    assert bool(loss.isfinite().all())
    assert bool(raw.grad.isfinite().all())


@EVERY
def test_no_change_is_no_end(head):
    """Where nothing ever changes the loss is bounded below: a spread never becomes 0."""
    raw = torch.full((1, head.n_outputs), -50.0)
    raw[:, 0] = 0
    nothing = Units(torch.zeros(1), torch.ones(1))
    assert head.loss(raw, torch.zeros(1), nothing).item() >= math.log(LEAST_SPREAD)


@EVERY
def test_every_step_stands_alone(head):
    """The losses of many steps are those of each, whatever the shape of the batch."""
    raw, target = outputs(head, 2, 3, 4), torch.randn(2, 3, 4, generator=generator(1))
    level, scale = torch.rand(2, 3, 1, generator=generator(2)) * 9, torch.rand(2, 3, 1, generator=generator(3)) + 0.5
    loss = head.loss(raw, target, Units(level, scale))
    assert loss.shape == (2, 3, 4)
    for i in np.ndindex(2, 3, 4):
        one = Units(level[i[0], i[1]], scale[i[0], i[1]])
        torch.testing.assert_close(head.loss(raw[i][None], target[i][None], one)[0], loss[i], rtol=1e-4, atol=1e-5)


@EVERY_DISTRIBUTION
def test_truth_costs_least(head):
    """Of all outputs nearby, those that what came was drawn from cost least: forecasts say what was learnt."""
    raw = outputs(head, 1, seed=1, dtype=torch.float64)
    raw[:, 0] += 1
    name = next(name for name in HEADS if type(make_head(name, LEVELS)) is type(head))
    units, u = (each.numpy() for each in PLAIN), (np.arange(100_000) + 0.5)[:, None, None] / 100_000
    drawn = Distribution(name, LEVELS).sample(head.said(raw).numpy()[None], u, np.ones(1), *units)
    came = torch.from_numpy(drawn[:, 0, 0])
    raw.requires_grad_()
    best = head.loss(raw, came, PLAIN).mean()
    best.backward()
    assert float(raw.grad.abs().max()) < 0.02
    with torch.no_grad():
        for i in range(head.n_outputs):
            for move in (-0.7, 0.7):
                other = raw.clone()
                other[:, i] += move
                if not isinstance(head, Mixture) or head.components > 1 or i != 1:  # the share of one is always 1
                    assert head.loss(other, came, PLAIN).mean() > best


def test_forecasts_read_the_same_parameters():
    """What outputs mean is the same where they are learnt and where a forecast is made of them."""
    raw, level, scale = outputs(NegativeBinomial(), 5, 4), torch.arange(5.0), torch.arange(1.0, 6.0)
    learnt = NegativeBinomial().parts(raw, Units(level[:, None], scale[:, None]))
    for one, other in zip(learnt, count_parameters(raw.double().numpy(), level.numpy(), scale.numpy()), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    raw = outputs(Mixture(3), 5, dtype=torch.float64)
    shares, means, spreads = (each.numpy() for each in Mixture(3).parts(raw))
    said = components(raw.numpy())
    for one, other in zip((np.exp(shares), means - raw[:, :1].numpy(), spreads), said, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_points_are_what_their_loss_asks_for():
    """Squared errors ask for the mean, absolute ones for the median, and Huber's for something between them."""
    came = torch.tensor([0.0, 0.1, 0.2, 0.4, 4.0])
    grid = torch.linspace(-1, 5, 6001).reshape(-1, 1, 1).expand(-1, 5, 1)
    best = {}
    for error in POINT_LOSSES:
        loss = Point(error).loss(grid, came.expand(6001, 5), PLAIN).mean(-1)
        best[error] = grid[loss.argmin(), 0, 0].item()
    assert abs(best["mse"] - came.mean().item()) < 2e-3
    assert abs(best["mae"] - came.median().item()) < 2e-3
    assert best["mae"] + 0.1 < best["huber"] < best["mse"] - 0.1


@EVERY
def test_gradients_are_exact(head):
    """Gradients of the loss are those of finite differences, in double precision."""
    raw = outputs(head, 5, seed=3, dtype=torch.float64).requires_grad_()
    target = torch.randn(5, generator=generator(4), dtype=torch.float64) * 2
    assert torch.autograd.gradcheck(lambda r: head.loss(r, target, PLAIN), raw)


@pytest.mark.parametrize("head", [h for h in ALL if not h.counts], ids=str)
def test_the_first_output_is_a_place(head):
    """Add to the first output and to what came, and the loss stays."""
    raw, target = outputs(head, 5), torch.randn(5, generator=generator(1))
    moved = raw.clone()
    moved[..., 0] += 7
    torch.testing.assert_close(head.loss(moved, target + 7, PLAIN), head.loss(raw, target, PLAIN), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("head", [h for h in ALL if not h.counts], ids=str)
def test_only_counts_read_units(head):
    """All heads but that of counts say the same whatever the units are, even if they are no numbers."""
    raw, target = outputs(head, 5), torch.ones(5)
    nothing = Units(torch.full((5,), torch.nan), torch.full((5,), torch.nan))
    assert torch.equal(head.loss(raw, target, nothing), head.loss(raw, target, PLAIN))


def test_losses_are_those_of_scipy():
    """Losses are the negative log-likelihoods of SciPy's distributions."""
    z = torch.linspace(-6, 9, 31)
    for head, density in (
        (Gaussian(), lambda raw: stats.norm(raw[0], soft(raw[1]))),
        (StudentT(), lambda raw: stats.t(2.01 + soft(raw[2]) - LEAST_SPREAD, raw[0], soft(raw[1]))),
    ):
        for seed in range(5):
            raw = outputs(head, 1, seed=seed)
            found = head.loss(raw.expand(31, -1), z, PLAIN)
            np.testing.assert_allclose(found, -density(raw[0].double().numpy()).logpdf(z), rtol=1e-4, atol=1e-5)


def test_mixtures_are_sums_of_densities():
    """The likelihood of a mixture is the sum of its components' densities, by their shares."""
    head, z = Mixture(3), torch.linspace(-6, 9, 31)
    raw = outputs(head, 1, seed=2, size=2.0)
    numbers = raw[0].double().numpy()
    shares = np.exp(numbers[1:4]) / np.exp(numbers[1:4]).sum()
    density = stats.norm(numbers[0] + numbers[4:7], soft(numbers[7:])).pdf(z.numpy()[:, None]) @ shares
    np.testing.assert_allclose(head.loss(raw.expand(31, -1), z, PLAIN), -np.log(density), rtol=1e-4, atol=1e-4)


def soft(x):
    """A spread, as the heads have it."""
    return np.logaddexp(0, x) + LEAST_SPREAD


def counts_of(level, scale, raw):
    """SciPy's negative binomial distribution with the parameters that the head takes from its outputs."""
    mean = scale * np.logaddexp(0, level / scale + raw[0])
    size = mean**2 / ((scale * soft(raw[1])) ** 2 + 1e-3 * mean)
    return stats.nbinom(size, size / (size + mean))


@given(st.integers(0, 60), st.floats(0.2, 20), st.floats(-3, 3), st.floats(-4, 2))
def test_counts_are_those_of_scipy(level, scale, place, spread):
    """Probabilities of counts are SciPy's."""
    raw, y = torch.tensor([[place, spread]], dtype=torch.float64), torch.arange(300.0, dtype=torch.float64)
    told = Units(double([float(level)]), double([scale]))
    expected = counts_of(level, scale, raw[0].numpy())
    loss = NegativeBinomial().loss(raw.expand(300, -1), (y - level) / scale, told) + np.log(scale)
    np.testing.assert_allclose(loss, -expected.logpmf(y), rtol=1e-6, atol=1e-6)


def test_counts_in_their_own_units():
    """The same distribution of counts, told above another level, has the same likelihood."""
    found = []
    for level in (40.0, 35.0):
        raw, told = double([[50 - level, 2.0]]), Units(double([level]), double([1.0]))
        found.append(NegativeBinomial().loss(raw, double([44.0]) - level, told))
    torch.testing.assert_close(found[0], found[1], rtol=1e-6, atol=1e-6)


def test_counts_are_whole():
    """What lies between two counts counts as the nearer one, and what lies below 0 as 0."""
    told = Units(double([4.0]), double([0.5]))
    raw = outputs(NegativeBinomial(), 1, dtype=torch.float64)
    for between, whole in ((6.8, 7.0), (7.2, 7.0), (-3.0, 0.0)):
        losses = (NegativeBinomial().loss(raw, double([(y - 4) / 0.5]), told) for y in (between, whole))
        torch.testing.assert_close(next(losses), next(losses), rtol=0, atol=0)


def test_counts_stay_above_zero():
    """However far below 0 the place is, the mean is positive, and far above it, it is the place."""
    told = Units(double([2.0]), double([0.5]))
    place = double([-1e3, -50.0, -4.0, 0.0, 20.0, 1e3])
    mean, size = NegativeBinomial().parts(torch.stack([place, place * 0], -1), told)
    assert bool((mean > 0).all() and (size > 0).all())
    assert bool((mean.diff() >= 0).all())
    torch.testing.assert_close(mean[4:], 2 + 0.5 * place[4:])


def test_pinball_of_the_head_is_that_of_its_quantiles():
    """The loss of a head of quantiles is the pinball loss of what it says."""
    head = Quantiles(LEVELS)
    raw, target = outputs(head, 20), torch.randn(20, generator=generator(1))
    expected = pinball(target, head.said(raw), torch.tensor(LEVELS))
    torch.testing.assert_close(head.loss(raw, target, PLAIN), expected)


@pytest.mark.parametrize("name", HEADS)
def test_names_and_outputs(name):
    """Every name has a head of its own, which reads as many outputs as the table says."""
    head = make_head(name, LEVELS, components=2)
    assert head.n_outputs == head_outputs(name, len(LEVELS), 2)
    assert sum(type(make_head(other, LEVELS)) is type(head) for other in HEADS) == 1


def test_wrong_choices_are_refused():
    """Levels that are none, and heads that do not exist or cannot be made so, are told."""
    for levels in ((), (0.0,), (0.5, 1.0), (0.9, 0.1), (0.5, 0.5)):
        with pytest.raises(UsageError, match="levels must be ascending probabilities between 0 and 1, but got"):
            Quantiles(levels)
    for levels in ((0.1, 0.5), (0.1, 0.4, 0.9)):
        with pytest.raises(UsageError, match=r"levels must have 0\.5 in the middle"):
            Quantiles(levels)
    with pytest.raises(UsageError, match=r"A head must be one of 'point', 'quantiles', .*, but got 'x'"):
        make_head("x", LEVELS)
    with pytest.raises(UsageError, match="A point's loss must be one of 'mse', 'mae', 'huber', but got 'x'"):
        Point("x")
    with pytest.raises(UsageError, match="components must be a whole number of at least 1"):
        Mixture(0)
