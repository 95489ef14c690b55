"""Optimizers by name, and what the gradient goes through before they see it."""

import copy
import inspect

import pytest
import torch
from torch import nn

from foregate.core import UsageError
from foregate.training.optimizers import (
    UNFIT,
    limit_gradient,
    load_optimizer,
    new_optimizer,
    optimizer_tensors,
    pull_to_zero,
    require_optimizer,
)
from foregate.training.options import OPTIMIZERS, TrainingOptions

CLASSES = [
    name
    for name, kind in vars(torch.optim).items()
    if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer) and name not in {"Optimizer", *UNFIT}
]


def options_for(name, **given):
    decay = 0.0 if name == "Rprop" else 1e-2
    return TrainingOptions(**{"steps": 10, "optimizer": name, "rate": 0.01, "decay": decay, **given})


def new_layers():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))


def advance(layers, optimizer, steps):
    x = torch.linspace(-1, 1, 15).view(5, 3)
    for _ in range(steps):
        optimizer.zero_grad()
        (layers(x) - x.sum(1, keepdim=True)).square().mean().backward()
        optimizer.step()


@pytest.mark.parametrize("name", [*OPTIMIZERS, *CLASSES])
def test_every_optimizer_goes_on_where_it_was(name):
    """Whatever torch has: with its tensors given back, a new optimizer takes the same steps to the bit."""
    layers = new_layers()
    optimizer = new_optimizer(layers, options_for(name))
    advance(layers, optimizer, 4)
    other = copy.deepcopy(layers)
    again = new_optimizer(other, options_for(name))
    load_optimizer(again, {key: value.clone() for key, value in optimizer_tensors(optimizer).items()})
    advance(layers, optimizer, 4)
    advance(other, again, 4)
    for one, two in zip(layers.parameters(), other.parameters(), strict=True):
        assert torch.equal(one, two)
    assert not torch.equal(next(layers.parameters()), next(new_layers().parameters()))


def test_there_are_optimizers_to_try():
    """The list of classes is torch's own, with those that everybody knows."""
    assert {"Adam", "AdamW", "SGD", "RMSprop", "Adagrad"} <= set(CLASSES)


def test_options_reach_the_optimizer():
    """Momentum is that of the name unless the options say otherwise; decay and rate are those of the run."""
    group = new_optimizer(new_layers(), options_for("sgd")).param_groups[0]
    assert (group["momentum"], group["lr"], group["weight_decay"]) == (0.9, 0.01, 1e-2)
    given = {"momentum": 0.5, "nesterov": True}
    assert new_optimizer(new_layers(), options_for("sgd", optimizer_options=given)).defaults["momentum"] == 0.5
    assert new_optimizer(new_layers(), options_for("SGD")).defaults["momentum"] == 0
    assert isinstance(new_optimizer(new_layers(), TrainingOptions(steps=1)), torch.optim.AdamW)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"optimizer": "adamm"}, "optimizer must be adamw, adam, sgd or a class of torch.optim, but got 'adamm'"),
        ({"optimizer": "rmsprop"}, "but got 'rmsprop'. Did you mean 'RMSprop'"),
        ({"optimizer": "Optimizer"}, "optimizer must be adamw"),
        ({"optimizer": "lr_scheduler"}, "optimizer must be adamw"),
        ({"optimizer": "LBFGS"}, "but got 'LBFGS', which asks for the loss several times"),
        ({"optimizer": "Rprop"}, "decay must be 0 for Rprop, which has no weight decay, but got 0.0001"),
        ({"optimizer_options": {"momentum": 0.5}}, "optimizer_options must be what AdamW takes, but got .*momentum"),
        ({"optimizer_options": {"betas": (2.0, 0.9)}}, "optimizer_options must be what AdamW takes, .*Invalid beta"),
    ],
)
def test_what_cannot_train_is_refused(given, message):
    """The message names what was asked for and why it cannot be; no network is needed to know."""
    options = TrainingOptions(steps=1, **given)
    with pytest.raises(UsageError, match=message):
        new_optimizer(new_layers(), options)
    with pytest.raises(UsageError, match=message):
        require_optimizer(options)


def gradients(layers):
    return [p.grad.clone() for p in layers.parameters()]


def test_the_l1_penalty_is_that_of_the_sum_of_absolute_weights():
    """The gradient is that of the loss with the penalty written out; biases pay nothing."""
    plain, written = new_layers(), new_layers()
    x = torch.linspace(-1, 1, 15).view(5, 3)
    plain(x).square().mean().backward()
    pull_to_zero(plain.parameters(), 0.3)
    penalty = sum(p.abs().sum() for name, p in written.named_parameters() if "weight" in name)
    (written(x).square().mean() + 0.3 * penalty).backward()
    for one, two in zip(gradients(plain), gradients(written), strict=True):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize(("value", "norm"), [(0.0, 0.0), (0.05, 0.0), (0.0, 0.1), (0.05, 0.1)])
def test_the_gradient_is_limited(value, norm):
    """Its numbers and its norm are within their limits, its signs stay, and the norm told is that before any limit."""
    layers = new_layers()
    (10 * layers(torch.ones(2, 3))).square().mean().backward()
    before = torch.cat([g.flatten() for g in gradients(layers)])
    told = limit_gradient(layers.parameters(), value=value, norm=norm)
    after = torch.cat([g.flatten() for g in gradients(layers)])
    assert told == pytest.approx(before.norm().item())
    assert torch.equal(before.sign(), after.sign())
    assert not value or after.abs().max() <= value
    assert not norm or after.norm() <= norm * 1.0001
    assert torch.equal(before, after) == (value == norm == 0)
