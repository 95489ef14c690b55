"""The gate that keeps the memory: how it begins, what it does, and what it costs to leave a range.

That gate is the LSTM's forget gate f and the GRU's update gate z, which stand at the same place: both are the second
block of weights of `torch.nn`, and near 1 they keep. Letters: B sequences, T steps, F inputs, H hidden, D directions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from foregate.core import UsageError
from foregate.models.cell_spec import ForgetGate
from foregate.models.cells import Cell, GRUCell, LSTMCell, RNNCell
from foregate.models.dropout import FusedState

__all__ = ["Retention", "forget_penalty", "half_life", "replay_forget", "retention", "set_forget_bias"]


def set_forget_bias(module: nn.Module, gate: ForgetGate, *, generator: torch.Generator | None = None) -> None:
    """Give every LSTM and GRU in a module the first bias that was chosen, in place.

    The two biases that torch adds up become b and 0, so that the gate opens to σ(b) exactly where inputs and state are
    0. Where the gate averages (see `ForgetGate.averages`), an LSTM's input gate gets -b; a GRU's two gates are one.

    Args:
        module: fused layers, written-out cells, or anything that holds them.
        gate: the choice.
        generator: draws what `chrono` draws; torch's own random numbers where there is none.

    Raises:
        UsageError: the module holds simple recurrent layers, which have no gate, or layers without biases, or none.

    Examples:
        >>> lstm = nn.LSTM(3, 2)
        >>> set_forget_bias(lstm, ForgetGate(value=1.0))
        >>> (lstm.bias_ih_l0 + lstm.bias_hh_l0)[2:4].tolist()
        [1.0, 1.0]
    """
    found = list(_biases(module))
    if not found:
        raise UsageError(f"The module must hold an LSTM or a GRU, but got {type(module).__name__} without any.")
    with torch.no_grad():
        for hidden, bias_ih, bias_hh in found:
            b = _first_bias(gate, hidden, generator).to(bias_ih)
            bias_ih[hidden : 2 * hidden] = b
            bias_hh[hidden : 2 * hidden] = 0
            if gate.averages and len(bias_ih) == 4 * hidden:  # an LSTM: i = 1 - f
                bias_ih[:hidden] = -b
                bias_hh[:hidden] = 0


def replay_forget(
    rnn: nn.LSTM | nn.GRU,
    x: Tensor,
    outputs: Tensor,
    before: FusedState | None = None,
    masks: Tensor | None = None,
) -> Tensor:
    """What the forget gate of a fused layer did, exactly, from what it read and what came out.

    Fused kernels keep their gates to themselves. But f_t depends on x_t and h_{t-1} alone, and h_{t-1} is the output of
    the step before: one multiplication for all steps, a quarter of the layer's own, no loop, and gradients flow.

    Args:
        rnn: one fused layer, in one or two directions.
        x: (B, T, F), what it read.
        outputs: (B, T, D·H), what it gave, before any dropout of outputs.
        before: the state it went on from; zeros where there was none.
        masks: (D, H), the dropout of h_{t-1} that it read under.

    Returns:
        activations (B, T, D·H) of f, or of a GRU's z, in single precision at least: near 1, where a gate keeps,
        half precision rounds a memory of 500 steps to one of all times.

    Raises:
        UsageError: more than one layer, whose inner outputs nobody saw, or a simple recurrent layer.

    Examples:
        >>> lstm, x = nn.LSTM(3, 2, batch_first=True), torch.ones(5, 7, 3)
        >>> outputs, _ = lstm(x)
        >>> replay_forget(lstm, x, outputs).shape
        torch.Size([5, 7, 2])
    """
    if not isinstance(rnn, nn.LSTM | nn.GRU):
        raise UsageError(_no_gate(rnn))
    if rnn.num_layers != 1:
        raise UsageError(
            f"The layer must be one, but got num_layers={rnn.num_layers}: what the lower ones gave is not known. "
            "Make each layer a module of its own."
        )
    start = before if before is None or isinstance(before, Tensor) else before[0]
    time, kept, opened = 1 if rnn.batch_first else 0, outputs.shape[-1] // len(rnn.all_weights), []
    for d, (h, weights) in enumerate(zip(torch.split(outputs, kept, -1), rnn.all_weights, strict=True)):
        first = (torch.zeros_like(h.select(time, 0)) if start is None else start[d]).unsqueeze(time)
        many = h.shape[time] - 1
        earlier = torch.cat((first, h.narrow(time, 0, many)) if d == 0 else (h.narrow(time, 1, many), first), time)
        W, U, b_x, b_h = (each[rnn.hidden_size : 2 * rnn.hidden_size] for each in weights)
        seen = earlier if masks is None else earlier * masks[d]
        opened.append(_opened(functional.linear(x, W, b_x + b_h) + functional.linear(seen, U)))
    return torch.cat(opened, -1)


def forget_penalty(activations: Tensor, within: tuple[float, float], valid: Tensor | None = None) -> Tensor:
    """How far activations stray from a range: the mean of their squared distance to it, zero inside.

    Args:
        activations: (B, T, H), 0 to 1.
        within: lowest and highest activation that cost nothing.
        valid: (B, T), True where a step counts; all of them where there is none.

    Returns:
        one number, at least 0; 0 where no step counts.

    Examples:
        >>> forget_penalty(torch.tensor([[[0.5], [0.7], [1.0]]]), (0.6, 0.9)).item()  # (0.1² + 0 + 0.1²) / 3
        0.00666...
    """
    low, high = within
    distance = (low - activations).clamp(min=0) + (activations - high).clamp(min=0)
    return _mean(distance.square(), valid).mean()


def half_life(f: Tensor) -> Tensor:
    """Steps after which half of the memory is left under a gate held at f: log 0.5 / log f, from 0 to infinity.

    Examples:
        >>> half_life(torch.tensor([0.0, 0.5, 0.5**0.5, 1.0]))
        tensor([0.0000, 1.0000, 2.0000,    inf])
    """
    return math.log(2) / f.log().abs()


class Retention(NamedTuple):
    """What a layer's forget gate did over a batch, for the log."""

    units: Tensor
    """(H,) mean activation of each unit, 0 to 1."""
    half_lives: Tensor
    """(H,) half-life of each unit at its mean activation, in steps."""
    mean: float
    """Mean activation of the layer, 0 to 1."""
    half_life: float
    """Half-life of the layer at its mean activation, in steps."""


def retention(activations: Tensor, valid: Tensor | None = None) -> Retention:
    """Mean forget activation and half-life, per unit and of the layer, without gradients.

    Args:
        activations: (B, T, H) of `replay_forget`, or of a written-out cell's gates.
        valid: (B, T), True where a step counts; all of them where there is none.

    Examples:
        >>> retention(torch.full((5, 7, 2), 0.5)).half_life
        1.0
    """
    units = _mean(activations.detach().double(), valid)
    mean = units.mean()
    return Retention(units, half_life(units), mean.item(), half_life(mean).item())


def _mean(steps: Tensor, valid: Tensor | None) -> Tensor:
    """Mean (H,) over the steps of (B, T, H) that count, (B, T)."""
    if valid is None:
        return steps.mean((0, 1))
    return steps.where(valid.unsqueeze(-1), 0).sum((0, 1)) / valid.sum().clamp(min=1)


def _biases(module: nn.Module) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Hidden size and the two biases of every layer and direction."""
    for each in module.modules():
        if isinstance(each, nn.RNN | RNNCell):
            raise UsageError(_no_gate(each))
        if isinstance(each, nn.LSTM | nn.GRU):
            if not each.bias:
                raise UsageError(
                    "Layers must have biases to begin with one, but got bias=False. Make them with bias=True."
                )
            for _, _, bias_ih, bias_hh in each.all_weights:
                yield each.hidden_size, bias_ih, bias_hh
        elif isinstance(each, LSTMCell | GRUCell):
            yield each.hidden, each.bias_ih, each.bias_hh


def _opened(a: Tensor) -> Tensor:
    """σ(a), in single precision at least."""
    return torch.sigmoid(a.to(torch.promote_types(a.dtype, torch.float32)))


def _first_bias(gate: ForgetGate, hidden: int, generator: torch.Generator | None) -> Tensor:
    """B (H,): the same for all units, or b = log u with u uniform on 1 to chrono - 1 (Tallec and Ollivier 2018)."""
    if gate.bias is not None:
        return torch.full((hidden,), gate.bias, dtype=torch.float64)
    longest = cast("int", gate.chrono)  # without a bias for all, there is one for each
    device = None if generator is None else generator.device
    u = torch.rand(hidden, generator=generator, device=device, dtype=torch.float64)
    return torch.log(1 + (longest - 2) * u)


def _no_gate(layer: nn.RNN | Cell) -> str:
    return (
        f"Layers must be an LSTM or a GRU to have a forget gate, but got {type(layer).__name__}, which keeps nothing."
    )
