"""Laws of a decoder that goes on learning: steps make new networks, and what is learnt is what is forecast."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from foregate.core import Ahead
from foregate.forecasting.distributions import Distribution
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.intervals import Calibration
from foregate.training.adaptation import Adaptation, Outcomes
from tests.forecasting.networks import HORIZON, LEVELS, engine_of, model

SPEC = model().spec
LABELS = ("lstm", "direct", "each+gru", "seq2seq+dot+lookback=8", "student-t", "negative-binomial")


def outcomes(engine, B=12, seed=0):
    rng, K = np.random.default_rng(seed), HORIZON
    shapes = (B, engine.width), (B, SPEC.n_features), (B, K, SPEC.n_steps), (B, K, SPEC.n_profiles), (B, K)
    states, features, steps, paths, target = (rng.normal(0, 1, each).astype(np.float32) for each in shapes)
    target[0, 1:], target[3] = np.nan, np.nan
    level, scale = np.full(B, 5, np.float32), np.full(B, 2, np.float32)
    return Outcomes(states, features, np.arange(1, K + 1), steps, paths, level, scale, target)


def adaptation(label="lstm", widths=1.0):
    engine = engine_of(label, SPEC)
    return Adaptation.of([engine], (1.0,), np.full((HORIZON, len(LEVELS)), widths)), engine


@pytest.mark.parametrize("label", LABELS)
def test_a_step_makes_another_network_and_changes_none(label):
    """The loss falls; the network before says what it said, and the encoder is shared."""
    before, engine = adaptation(label)
    given = outcomes(engine)
    loss, weights = before.loss(given), {n: v.clone() for n, v in before.networks[0].state_dict().items()}
    after = before
    for _ in range(3):
        after = after.stepped(given, 1e-3)
    assert after.loss(given) < loss
    assert before.loss(given) == loss
    for name, value in before.networks[0].state_dict().items():
        assert torch.equal(value, weights[name])
        now = after.networks[0].state_dict()[name]
        assert (now.data_ptr() == value.data_ptr()) == (".decoder." not in f".{name}")
    assert not any(parameter.grad is not None for parameter in after.networks[0].parameters())
    twice = [before.stepped(given, 1e-3).loss(given) for _ in range(2)]
    assert twice[0] == twice[1]


def test_the_loss_of_quantiles_is_that_of_what_is_forecast():
    """The mean pinball loss of calibrated quantiles, over what is known."""
    adapted, engine = adaptation(widths=1.7)
    adapted.widths[:, len(LEVELS) // 2] = 1
    given = outcomes(engine)
    ahead = Ahead(given.k, given.steps, given.paths, given.level, given.scale)
    said = engine.decode(given.states, given.features, ahead).astype(np.float64)
    q, error = np.array(LEVELS), given.target[..., None] - Calibration(adapted.widths.astype(float)).apply(said)
    wanted = np.nanmean(np.maximum(q * error, (q - 1) * error))
    assert adapted.loss(given) == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("shares", [(0.3, 0.7), None])
def test_networks_learn_what_they_say_together(shares):
    """The loss is that of their common quantiles, and a step moves all of them."""
    engines = [engine_of("lstm", SPEC), engine_of("gru", SPEC, seed=1)]
    together = Ensemble(engines, shares)
    widths = np.full((HORIZON, len(LEVELS)), 1.4)
    widths[:, 2] = 1
    adapted, given = Adaptation.of(engines, shares, widths), outcomes(together)
    ahead = Ahead(given.k, given.steps, given.paths, given.level, given.scale)
    said = Calibration(widths).apply(together.decode(given.states, given.features, ahead).astype(np.float64))
    q, error = np.array(LEVELS), given.target[..., None] - said
    assert adapted.loss(given) == pytest.approx(np.nanmean(np.maximum(q * error, (q - 1) * error)), rel=1e-5)
    after = adapted.stepped(given, 1e-3)
    assert after.loss(given) < adapted.loss(given)
    for one, other in zip(after.networks, adapted.networks, strict=True):
        assert not torch.equal(one.decoder.out.weight, other.decoder.out.weight)
    assert adapted.resumed(after.arrays()).loss(given) == after.loss(given)


def test_the_loss_of_a_distribution_is_that_of_the_wider_one():
    """But for a constant: twice as wide, it is least where outcomes are twice as far out as the network says."""
    given = outcomes(engine_of("gaussian", SPEC), B=400)
    plain, engine = adaptation("gaussian")
    wide = replace(plain, widths=np.where(np.arange(len(LEVELS)) == 2, 1, 2.0).repeat(HORIZON).reshape(-1, HORIZON).T)
    wide = replace(wide, widths=np.ascontiguousarray(wide.widths, np.float32))
    told = engine.decode(*given[:2], Ahead(given.k, given.steps, given.paths, given.level, given.scale))
    place, draws = told[..., 0], np.random.default_rng(0).normal(0, 1, told.shape[:2])
    sides = Distribution.of(engine.manner).quantiles(told, (0.5, 0.8413), given.k, given.level, given.scale)
    spread = sides[..., 1] - sides[..., 0]
    near, far = (given._replace(target=(place + c * spread * draws).astype(np.float32)) for c in (1, 2))
    assert wide.loss(far) == pytest.approx(plain.loss(near), rel=1e-4)
    assert plain.loss(far) > plain.loss(near)


def test_a_loss_that_is_no_number_gives_no_step():
    """Where nothing is known, and where an outcome is beyond all bounds."""
    adapted, engine = adaptation()
    given = outcomes(engine)
    assert adapted.stepped(given._replace(target=np.full_like(given.target, np.nan)), 1e-3) is None
    assert np.isnan(adapted.loss(given._replace(target=np.full_like(given.target, np.nan))))
    assert adapted.stepped(given._replace(states=np.full_like(given.states, np.inf)), 1e-3) is None


def test_arrays_are_all_that_it_takes_to_go_on():
    """From the network as it was given, the next step is the same, bit for bit."""
    adapted, engine = adaptation()
    given = outcomes(engine)
    learnt = adapted.stepped(given, 1e-3).stepped(given, 1e-3)
    arrays = {name: np.ascontiguousarray(array) for name, array in learnt.arrays().items()}
    again = adapted.resumed(arrays)
    assert again.loss(given) == learnt.loss(given)
    assert again.stepped(given, 1e-3).loss(given) == learnt.stepped(given, 1e-3).loss(given)
    assert adapted.loss(given) != learnt.loss(given)
    with pytest.raises(ValueError, match=r"weights of the decoder"):
        adapted.resumed({name: array for name, array in arrays.items() if "mid.bias" not in name})


def test_what_it_runs_says_what_it_says():
    """The engine has the weights, and gives what the given one gave before any step."""
    adapted, engine = adaptation()
    assert {n: v.tobytes() for n, v in adapted.engines[0].weights().items()} == {
        n: v.tobytes() for n, v in engine.weights().items()
    }
