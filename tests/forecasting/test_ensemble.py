"""Laws of several networks that forecast as one."""

import numpy as np
import pytest

from foregate.core import Engine, UsageError
from foregate.data.inputs import Inputs
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.origins import raw_quantiles
from tests.forecasting.networks import EVERY_WAY, HORIZON, LEVELS, close, counts, engine_of, model

PANEL = counts()
SPEC = model().spec
K = np.arange(1, HORIZON + 1)


def said(engine, origins=None, k=K):
    """Quantiles (S, O, K, Q) of any engine, in units of the origins' scale."""
    origins = (PANEL.lengths - 1)[:, None] if origins is None else origins
    out = np.full((*origins.shape, len(k), len(LEVELS)), np.nan)
    for series, column, _, raw in raw_quantiles(engine, Inputs(PANEL, SPEC), origins, k):
        out[series, column] = raw
    return out


def engines(*labels):
    return [engine_of(label, SPEC, seed=i) for i, label in enumerate(labels)]


@pytest.mark.parametrize("label", EVERY_WAY)
@pytest.mark.parametrize("shares", [(1.0,), (0.25, 0.75), None])
def test_one_member_repeated_is_that_member(label, shares):
    """However often, and with whatever shares, or as a median."""
    (engine,) = engines(label)
    together: Engine = Ensemble([engine] * len(shares or (1, 1, 1)), shares)
    close(said(together), said(engine))


def test_a_mean_is_of_quantiles_level_by_level():
    """With shares: 0.25 of one and 0.75 of the other at every level; without, the median of three."""
    members = engines("lstm", "gru+direct", "student-t+patched")
    one, two, three = (said(engine) for engine in members)
    close(said(Ensemble(members[:2], (0.25, 0.75))), 0.25 * one + 0.75 * two)
    close(said(Ensemble(members, None)), np.median([one, two, three], 0))


@pytest.mark.parametrize("shares", [(0.2,) * 5, None])
def test_quantiles_never_cross(shares):
    """Whatever heads the members have."""
    members = engines("point", "gaussian+gru", "mixture", "student-t", "lstm")
    assert np.all(np.diff(said(Ensemble(members, shares))) >= 0)


def test_members_of_every_way_go_together():
    """Those that write all steps are asked for all, those that reach a number of steps bound it; origins are any."""
    members = engines(*EVERY_WAY)
    together = Ensemble(members, tuple([1 / len(members)] * len(members)))
    assert (together.manner.strategy, together.manner.reach, together.manner.head) == ("seq2seq", HORIZON, "quantiles")
    origins = np.array([[20, 3, -1], [13, 4, 5], [9, 21, -1]])
    close(said(together, origins), np.mean([said(each, origins) for each in members], 0))
    some = np.array([2, 5])
    close(said(together, k=some), said(together)[..., [1, 4], :])
    assert Ensemble(members[:1], None).manner.reach is None


def test_what_is_carried_is_of_all():
    """Read in two pieces, each member goes on from its own."""
    members = engines("lstm", "seq2seq+dot+lookback=8", "gru+patched+lookback=9")
    together = Ensemble(members, None)
    assert together.carries == sum(each.carries for each in members)
    assert together.width == sum(each.width for each in members)
    x = np.random.default_rng(0).normal(size=(2, 9, SPEC.n_features)).astype(np.float32)
    columns = np.tile(np.arange(9), (2, 1))
    whole, after = together.encode(x, columns)
    first, carried = together.encode(x[:, :4], columns[:, :4])
    second, last = together.encode(x[:, 4:], columns[:, :5], carried)
    np.testing.assert_allclose(np.concatenate([first, second], 1), whole, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last, after, rtol=1e-4, atol=1e-5)


def test_weights_are_those_of_all():
    """By the number of the member and torch's name."""
    members = engines("lstm", "gru")
    found = Ensemble(members, (0.5, 0.5)).weights()
    assert len(found) == sum(len(each.weights()) for each in members)
    np.testing.assert_array_equal(found["1.decoder.out.bias"], members[1].weights()["decoder.out.bias"])


def test_what_does_not_go_together_is_refused():
    """Other levels, and members whose futures are their own."""
    one = engine_of("lstm", SPEC)
    (recursive,) = engines("recursive")
    with pytest.raises(UsageError, match="members must not be recursive, but got one that is"):
        Ensemble([one, recursive], None)

    class Other:
        manner = one.manner._replace(levels=(0.4, 0.5, 0.6))

    with pytest.raises(UsageError, match="members must answer at the same levels, but got others"):
        Ensemble([one, Other()], None)
