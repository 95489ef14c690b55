"""Laws of gradients: those of the network written out are those of the fused one."""

import numpy as np
import pytest
import torch

from foregate.data.inputs import Inputs
from foregate.inspection.flow import flow, written_out
from foregate.models.decoders import Ahead
from tests.inspection.materials import KINDS, subject

LAGS = 20


def by_hand(subject, part, k):
    """Norms (S, G) of the gradient with respect to inputs, through the fused network over the whole history."""
    panel, found = subject.panel, np.full((len(subject.panel), LAGS + 1), np.nan)
    inputs, network = Inputs(panel, subject.fitted.spec), part.network
    for s, origin in enumerate(subject.origins(panel)):
        first = panel.first_observed[s]
        rows = panel.offsets[s] + np.arange(first, origin + 1)[None]
        features = torch.from_numpy(inputs.features(rows)).requires_grad_()
        states, _ = network.encode(features, torch.tensor([[rows.shape[1] - 1]]))
        ahead = Ahead(*map(torch.from_numpy, (k, *inputs.steps(rows[:, -1], k))))
        network.decode(states[:, 0], features[:, -1], ahead)[..., 0].mean().backward()
        norms = features.grad[0].norm(dim=-1).numpy()[::-1][: LAGS + 1]
        found[s, : len(norms)] = norms
    return found


@pytest.mark.parametrize("label", KINDS)
def test_input_gradients_are_those_of_the_fused_network(label):
    """At every lag of every series, short ones too; beyond a window there are none, and before the first row none."""
    given = subject(label)
    for part in given.parts:
        k = np.array([part.step]) if part.step else np.arange(1, 2 if "recursive" in label else 6)
        got = flow(part, given.fitted, given.panel, given.origins(given.panel), LAGS).inputs
        expected = by_hand(given, part, k)
        np.testing.assert_allclose(np.nan_to_num(got), np.nan_to_num(expected), rtol=1e-4, atol=1e-7)
        rows = given.fitted.engine.network.spec.built.rows_back
        wide = rows if given.fitted.engine.network.spec.built.windowed else LAGS + 1
        there = np.minimum(given.origins(given.panel) + 1 - given.panel.first_observed, wide)
        assert np.isfinite(got).sum(1).tolist() == np.minimum(there, LAGS + 1).tolist()


def nudged(network, name, lag, unit, features, ahead, size):
    """What the network says when a unit of the last layer's state is moved so many steps before the origin.

    A memory that is moved shows in what is handed on at that step.
    """
    at, encoder = features.shape[1] - 1 - lag, network.encoder
    with torch.no_grad():
        _, carried = network.encode(features[:, : at + 1], torch.tensor([[at]]))
        h, c = (carried[0, i * encoder.hidden :][unit] for i in (-2, -1))
        if name == "c":
            shown = h / c.tanh()
            c += size
            h.copy_(shown * c.tanh())
        else:
            h += size
        rest = features[:, at + 1 :]
        read, _ = network.encode(rest, torch.tensor([[rest.shape[1] - 1]]), carried)
        return network.decode(read[:, 0], features[:, -1], ahead)[..., 0].mean().item()


@pytest.mark.parametrize("name", ["h", "c"])
def test_state_gradients_are_what_a_nudge_does(name):
    """Moving each unit of the last layer's state a little, at a lag, changes the forecast as its gradient says."""
    given = subject("lstm+stacked")
    part, panel, lag = given.parts[0], given.panel.take([0]), 4
    found = flow(part, given.fitted, panel, given.origins(panel), LAGS)
    inputs, k, network = Inputs(panel, given.fitted.spec), np.arange(1, 6), part.network
    rows = np.arange(panel.first_observed[0], panel.lengths[0])[None]
    features = torch.from_numpy(inputs.features(rows))
    ahead = Ahead(*map(torch.from_numpy, (k, *inputs.steps(rows[:, -1], k))))
    units = range(network.encoder.hidden)
    up, down = (np.array([nudged(network, name, lag, u, features, ahead, d) for u in units]) for d in (0.02, -0.02))
    slopes = (up - down) / 0.04
    assert np.linalg.norm(slopes) == pytest.approx(
        found.states[len(network.encoder.layers), "", name][0, lag], rel=1e-2
    )
    assert np.linalg.norm(slopes) > 1e-3


@pytest.mark.parametrize("label", KINDS)
def test_the_network_written_out_says_the_same(label):
    """Step by step the states are those of the fused layers, and every layer has its trace."""
    given = subject(label)
    network = given.parts[0].network
    slow = written_out(network)
    features = torch.randn(2, 15, network.spec.n_features, generator=torch.Generator().manual_seed(0))
    columns = torch.tensor([[3, 14], [0, 9]])
    for ours, theirs in zip(slow.encode(features, columns), network.encode(features, columns), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
    sides = 1 + ("bidirectional" in label)
    assert len(slow.encoder.traces) == sides * len(network.encoder.layers)
