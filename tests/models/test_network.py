"""Laws of the network, whatever its weights."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import UsageError
from foregate.models.network import Network, NetworkSpec

SPEC = NetworkSpec(n_features=7, n_steps=6, n_profiles=3, n_quantiles=9, hidden=8, layers=2, decoder=5)


def make(seed=0, spec=SPEC, *, spread=1.0):
    """A network with random weights, `spread` times as large as usual."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(spec)
        for parameter in network.parameters():
            parameter.data *= spread
    return network.eval()


def numbers(*shape, seed=0, size=1.0):
    return size * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def decode(network, k=5, seed=0, size=1.0):
    """Quantiles of 4 origins for random states, features, steps and paths."""
    spec = network.spec
    shapes = ((4, spec.hidden), (4, spec.n_features), (4, k, spec.n_steps), (4, k, spec.n_profiles))
    with torch.no_grad():
        return network.decode(*(numbers(*shape, seed=seed + i, size=size) for i, shape in enumerate(shapes)))


@given(st.integers(0, 2**31), st.sampled_from([0.1, 1.0, 30.0]), st.sampled_from([0.0, 1.0, 1e4]))
def test_quantiles_never_cross(seed, spread, size):
    """Whatever the weights and the inputs, quantiles ascend."""
    quantiles = decode(make(seed, spread=spread), seed=seed, size=size)
    assert bool((quantiles.diff(dim=-1) >= 0).all())
    assert bool(quantiles.isfinite().all())


@pytest.mark.parametrize("n", [1, 3, 13])
def test_any_odd_number_of_quantiles(n):
    """The outputs are as many quantiles as the spec says."""
    network = make(spec=NetworkSpec(7, 6, 3, n, hidden=8, decoder=5))
    assert decode(network).shape == (4, 5, n)


def test_steps_are_decoded_one_by_one():
    """One small decoder serves any horizon: all steps together are each step alone."""
    network = make()
    states, features = numbers(4, 8), numbers(4, 7, seed=1)
    steps, paths = numbers(4, 40, 6, seed=2), numbers(4, 40, 3, seed=3)
    with torch.no_grad():
        together = network.decode(states, features, steps, paths)
        for k in range(40):
            alone = network.decode(states, features, steps[:, k : k + 1], paths[:, k : k + 1])
            torch.testing.assert_close(together[:, k : k + 1], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("chunks", [(11,), (1,) * 11, (4, 7), (10, 1)])
def test_carried_is_whole(chunks):
    """Read in pieces with the state carried on, a series gives the states of one pass."""
    network, x, carried = make(), numbers(3, 11, 7), None
    with torch.no_grad():
        whole, last = network.encode(x)
        states = []
        for piece in x.split(chunks, 1):
            read, carried = network.encode(piece, carried)
            states.append(read)
    torch.testing.assert_close(torch.cat(states, 1), whole, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(carried, last, rtol=1e-5, atol=1e-6)
    assert last.shape == (2 * SPEC.layers, 3, SPEC.hidden)


def test_states_never_look_ahead():
    """Change the inputs after a step: the states up to it stay to the bit."""
    network, x = make(), numbers(3, 11, 7)
    changed = x.clone()
    changed[:, 6:] = 100
    with torch.no_grad():
        one, other = network.encode(x)[0], network.encode(changed)[0]
    assert torch.equal(one[:, :6], other[:, :6])
    assert not torch.equal(one[:, 6], other[:, 6])


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_the_newest_input_counts(layers):
    """The first step depends on the last input, through the state and directly: neither gradient is zero."""
    network = make(spec=NetworkSpec(7, 6, 3, 9, hidden=8, layers=layers, decoder=5))
    x = numbers(2, 11, 7).requires_grad_()
    states, _ = network.encode(x)
    for features in (x[:, -1], x[:, -1].detach()):
        quantiles = network.decode(states[:, -1], features, numbers(2, 1, 6), numbers(2, 1, 3))
        (gradient,) = torch.autograd.grad(quantiles[..., 4].sum(), x, retain_graph=True)
        assert bool((gradient[:, -1].abs().sum(-1) > 1e-6).all())
        assert bool((gradient[:, 0].abs().sum(-1) > 0).all()), "nor is what was read first forgotten"


def test_batches_do_not_matter():
    """A series read in a batch, or beside longer ones, has the states it has alone."""
    network, x = make(), numbers(5, 11, 7)
    with torch.no_grad():
        together = network.encode(x)[0]
        for b in range(5):
            torch.testing.assert_close(network.encode(x[b : b + 1])[0][0], together[b], rtol=1e-5, atol=1e-6)


def test_memory_is_kept_at_first():
    """The forget gates of every layer begin open, with a bias of about 1."""
    H = SPEC.hidden
    for lstm in make().lstms:
        bias = (lstm.bias_ih_l0 + lstm.bias_hh_l0).detach()
        assert float(bias[H : 2 * H].mean()) > 0.7
        assert abs(float(torch.cat([bias[:H], bias[2 * H :]]).mean())) < 0.3


def test_every_weight_learns():
    """The loss reaches every weight of the network."""
    network = make()
    states, _ = network.encode(numbers(2, 5, 7))
    network.decode(states[:, -1], numbers(2, 7), numbers(2, 4, 6), numbers(2, 4, 3)).pow(2).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert bool(parameter.grad.abs().sum() > 0), name


@pytest.mark.parametrize("layers", [1, 3])
def test_the_spec_knows_every_weight(layers):
    """Names and shapes of all weights follow from the spec alone."""
    spec = NetworkSpec(7, 6, 3, 9, hidden=8, layers=layers, decoder=5)
    assert spec.weights() == {name: tuple(value.shape) for name, value in make(spec=spec).state_dict().items()}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_quantiles": 4}, "n_quantiles must be odd, but got 4"),
        ({"n_quantiles": 0}, "n_quantiles must be a whole number of at least 1"),
        ({"hidden": 0}, "hidden must be a whole number of at least 1"),
        ({"layers": 0}, "layers must be"),
        ({"n_steps": -1}, "n_steps must be"),
    ],
)
def test_impossible_shapes_are_refused(wrong, message):
    """Quantiles need a median in the middle, and every width is a whole number."""
    with pytest.raises(UsageError, match=message):
        NetworkSpec(**{"n_features": 7, "n_steps": 6, "n_profiles": 3, "n_quantiles": 9, **wrong})
