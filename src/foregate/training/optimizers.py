"""Optimizers by name, their state as tensors, and what is done to the gradient before they see it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from foregate.core import UsageError
from foregate.training.options import OPTIMIZERS, TrainingOptions

__all__ = [
    "limit_gradient",
    "load_optimizer",
    "new_optimizer",
    "optimizer_tensors",
    "pull_to_zero",
    "require_optimizer",
]

UNFIT = {
    "LBFGS": "which asks for the loss several times per step",
    "Muon": "which takes matrices only, while a network has biases too",
    "SparseAdam": "which takes sparse gradients only, while those of a network are dense",
}
"""Classes of `torch.optim` that cannot train a network here, and why."""


def _class_of(options: TrainingOptions) -> type[Optimizer]:
    """The class that the options name, or a refusal."""
    asked, every = options.optimizer, torch.optim.__dict__
    name, _ = OPTIMIZERS.get(asked, (asked, {}))
    kind = every.get(name)
    if not (inspect.isclass(kind) and issubclass(kind, Optimizer)) or kind is Optimizer or name in UNFIT:
        why = f", {UNFIT[name]}" if name in UNFIT else ""
        meant = [each for each in every if each.lower() == name.lower() != "optimizer" and each not in (name, *UNFIT)]
        fix = f"Did you mean {meant[0]!r}?" if meant else "Take adamw if in doubt."
        raise UsageError(
            f"optimizer must be {', '.join(OPTIMIZERS)} or a class of torch.optim, but got {asked!r}{why}. {fix}"
        )
    if options.decay and "weight_decay" not in inspect.signature(kind).parameters:
        raise UsageError(f"decay must be 0 for {name}, which has no weight decay, but got {options.decay}.")
    return kind


def new_optimizer(network: nn.Module, options: TrainingOptions) -> Optimizer:
    """The optimizer that the options name, for all weights of a network.

    Raises:
        UsageError: there is none of that name, it cannot train a network, or it does not take what it is told.

    Examples:
        >>> options = TrainingOptions(steps=10, optimizer="RAdam", optimizer_options={"betas": (0.8, 0.99)})
        >>> new_optimizer(nn.Linear(2, 1), options).defaults["betas"]
        (0.8, 0.99)
    """
    made: Any = _class_of(options)
    _, usual = OPTIMIZERS.get(options.optimizer, ("", {}))
    given: dict[str, Any] = {**usual, **options.optimizer_options}
    if "weight_decay" in inspect.signature(made).parameters:
        given["weight_decay"] = options.decay
    try:
        optimizer: Optimizer = made(network.parameters(), lr=options.rate, **given)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"optimizer_options must be what {made.__name__} takes, but got {options.optimizer_options}: {error}. "
            "See its page in torch's documentation."
        ) from error
    return optimizer


def require_optimizer(options: TrainingOptions) -> None:
    """Refuse what the options say of the optimizer where it cannot be, without a network.

    Raises:
        UsageError: see `new_optimizer`.

    Examples:
        >>> require_optimizer(TrainingOptions(steps=10, optimizer="RAdam"))
    """
    new_optimizer(nn.Linear(1, 1), options)


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """What an optimizer remembers of each parameter, by ``number.name``."""
    return {
        f"{i}.{name}": value
        for i, state in optimizer.state_dict()["state"].items()
        for name, value in state.items()
        if value is not None
    }


def load_optimizer(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Give back to a new optimizer what `optimizer_tensors` took from one of the same kind."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        i, name = key.split(".", 1)
        state.setdefault(int(i), {})[name] = value
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})


def pull_to_zero(parameters: Iterable[nn.Parameter], l1: float) -> None:
    """Add the gradient of `l1` times the sum of absolute weights to that of the loss: of matrices, not of biases.

    Examples:
        >>> layer = nn.Linear(1, 1)
        >>> layer(torch.ones(1)).backward()
        >>> pull_to_zero(layer.parameters(), 0.5)
        >>> abs(layer.weight.grad.item() - 1), layer.bias.grad.item()
        (0.5, 1.0)
    """
    with torch.no_grad():
        for parameter in parameters if l1 else ():
            if parameter.grad is not None and parameter.ndim > 1:
                parameter.grad.add_(parameter.sign(), alpha=l1)


def limit_gradient(parameters: Iterable[nn.Parameter], *, value: float, norm: float) -> float:
    """Limit every number of the gradient, then its norm, in place; 0 for no limit.

    Returns:
        the norm, before any limit.

    Examples:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> layer.weight.grad = torch.tensor([[-3.0]])
        >>> limit_gradient(layer.parameters(), value=2.0, norm=0.0), layer.weight.grad.item()
        (3.0, -2.0)
    """
    held = list(parameters)
    if value:
        total = nn.utils.get_total_norm([p.grad for p in held if p.grad is not None])
        nn.utils.clip_grad_value_(held, value)
        if norm:
            nn.utils.clip_grad_norm_(held, norm)
    elif norm:
        total = nn.utils.clip_grad_norm_(held, norm)
    else:
        total = nn.utils.get_total_norm([p.grad for p in held if p.grad is not None])
    return total.item()
