"""Choices about recurrent layers: which cell, what is dropped out of it, how its forget gate begins. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Literal

from foregate.core import UsageError, listed

__all__ = [
    "CELLS",
    "GATED",
    "RETAINED",
    "CellKind",
    "Dropout",
    "ForgetGate",
    "ForgetPreset",
    "check_rate",
    "checked_kind",
]

CellKind = Literal["lstm", "gru", "rnn-tanh", "rnn-relu"]

CELLS: dict[CellKind, str] = {
    "lstm": "a memory behind three gates: forget, write, show (Hochreiter and Schmidhuber 1997, Gers et al. 2000)",
    "gru": "two gates and no memory beside the output: a quarter fewer weights (Cho et al. 2014)",
    "rnn-tanh": "no gates: what was read fades or grows with every step (Elman 1990)",
    "rnn-relu": "no gates, and outputs without an upper bound",
}
"""The name of every recurrent cell, and what it does."""

GATED: tuple[CellKind, ...] = ("lstm", "gru")
"""Cells with a gate that keeps the memory."""

ForgetPreset = Literal["long", "short", "noisy"]

RETAINED: dict[ForgetPreset, float] = {"long": 100.0, "short": 2.0, "noisy": 12.0}
"""Steps after which half of the memory is left, by task; see `ForgetGate.preset` for why."""


def checked_kind(kind: str) -> CellKind:
    """The name of a cell, or an error that lists the names there are.

    Raises:
        UsageError: no cell has this name.

    Examples:
        >>> checked_kind("gru")
        'gru'
    """
    for known in CELLS:
        if kind == known:
            return known
    raise UsageError(f"A cell must be one of {listed(CELLS)}, but got {kind!r}.")


def check_rate(name: str, rate: float) -> None:
    """Refuse a share to be dropped that is none, by its name.

    Raises:
        UsageError: it is below 0, or leaves nothing.

    Examples:
        >>> check_rate("dropout", 0.5)
    """
    if isinstance(rate, bool) or not isinstance(rate, Real) or not 0 <= rate < 1:
        raise UsageError(
            f"{name} must be from 0 up to, not including, 1, but got {rate!r}. Give a share such as 0.2, or 0 for none."
        )


@dataclass(frozen=True)
class Dropout:
    """Which share of the units of an encoder, and of a decoder that is recurrent too, is dropped in training alone.

    Examples:
        >>> Dropout(recurrent=0.2)
        Dropout(recurrent=0.2, between=0.0, output=0.0)
    """

    recurrent: float = 0.0
    """Of h_{t-1}, as the gates read it, 0 up to 1: the same units at every step (Gal and Ghahramani 2016), since units
    dropped anew at each step would wear the memory away."""
    between: float = 0.0
    """Of what a layer reads from the one below, and a decoder of the step, 0 up to 1, drawn anew at every step."""
    output: float = 0.0
    """Of what the last layer gives, 0 up to 1, drawn anew at every step."""

    def __post_init__(self) -> None:
        for name in ("recurrent", "between", "output"):
            check_rate(name, getattr(self, name))


@dataclass(frozen=True)
class ForgetGate:
    """How the gate that keeps the memory begins, and whether it is held within a range while it learns.

    That gate is the LSTM's forget gate f (C_t = f ⊙ C_{t-1} + …) and the GRU's update gate z (h_t = z ⊙ h_{t-1} + …).
    A bias b opens it to σ(b) where inputs and state say nothing, and f kept at σ(b) halves the memory every
    n = log 0.5 / log σ(b) steps. Exactly one of `value`, `retain_steps`, `preset` and `chrono` is chosen.

    Examples:
        >>> round(ForgetGate(retain_steps=50).bias, 3)
        4.272
        >>> ForgetGate(preset="long") == ForgetGate(retain_steps=100)
        False
        >>> ForgetGate(preset="long").bias == ForgetGate(retain_steps=100).bias
        True
    """

    value: float | None = None
    """The bias b itself, without a unit. 1 is the custom (Gers et al. 2000, Jozefowicz et al. 2015): half is forgotten
    in 2.2 steps."""
    retain_steps: float | None = None
    """n > 0, the steps after which half of the memory is left: f^n = 0.5, so b = -log(2^(1/n) - 1)."""
    preset: ForgetPreset | None = None
    """By task. `long`, half left after 100 steps: a cause many steps back reaches its effect while the gate has still
    to learn, and gradients with it. `short`, after 2 steps: the next value follows from the last few, and what is older
    is in the way. `noisy`, after 12 steps, and the input gate begins with the bias -b: as i = 1 - f, the memory is an
    exponential average of its inputs (rather than their sum), which has 1/35 of the variance of white noise and still
    follows a level that moves."""
    chrono: int | None = None
    """Longest dependency in steps, at least 2. Every unit draws its own b = log u, u uniform on 1 to chrono - 1, and
    the input gate begins with -b: forgetting times spread from 2 to `chrono` steps (Tallec and Ollivier 2018)."""
    within: tuple[float, float] | None = None
    """Lowest and highest activation, 0 to 1, that cost nothing in training; None leaves the gate alone."""
    penalty: float = 0.0
    """Weight in the loss of how far activations stray from `within`, in loss per squared distance."""

    def __post_init__(self) -> None:
        chosen = [name for name in ("value", "retain_steps", "preset", "chrono") if getattr(self, name) is not None]
        if len(chosen) != 1:
            raise UsageError(
                "A forget gate must begin by exactly one of value, retain_steps, preset and chrono, "
                f"but got {' and '.join(chosen) or 'none'}. Leave the others out."
            )
        if self.value is not None and not _finite(self.value):
            raise UsageError(f"value must be a finite number, but got {self.value!r}. Give 1, which is the custom.")
        if self.retain_steps is not None and not (_finite(self.retain_steps) and self.retain_steps > 0):
            raise UsageError(
                f"retain_steps must be a finite number above 0, but got {self.retain_steps!r}. Give the steps after "
                "which half of the memory may be gone, such as 50."
            )
        if self.preset is not None and self.preset not in tuple(RETAINED):
            raise UsageError(f"preset must be one of {listed(RETAINED)}, but got {self.preset!r}. Choose one of these.")
        if self.chrono is not None and not (_finite(self.chrono, Integral) and self.chrono >= 2):
            raise UsageError(
                f"chrono must be a whole number of at least 2, but got {self.chrono!r}. Give the longest dependency in "
                "steps, such as a season."
            )
        self._check_range()

    def _check_range(self) -> None:
        if not _finite(self.penalty) or self.penalty < 0:
            raise UsageError(
                f"penalty must be a finite number of at least 0, but got {self.penalty!r}. Give for example 1."
            )
        if (self.within is None) != (self.penalty == 0):
            raise UsageError(
                f"within and penalty must be given together, but got within={self.within} and penalty={self.penalty}. "
                "Say both the range and what leaving it costs, or neither."
            )
        if self.within is None:
            return
        pair = isinstance(self.within, tuple) and len(self.within) == 2 and all(map(_finite, self.within))
        if not pair or not 0 <= self.within[0] < self.within[1] <= 1:
            raise UsageError(
                f"within must be two ascending numbers from 0 to 1, but got {self.within!r}. Give for example (0.5, "
                "0.99)."
            )

    @property
    def bias(self) -> float | None:
        """The bias b that every unit begins with; None where every unit draws its own (`chrono`)."""
        if self.value is not None:
            return self.value
        steps = RETAINED[self.preset] if self.preset is not None else self.retain_steps
        if steps is None:
            return None
        log_f = math.log(0.5) / steps
        return log_f - math.log(-math.expm1(log_f))  # log(f / (1 - f)), exact for f near 0 and near 1 too

    @property
    def averages(self) -> bool:
        """Whether the input gate begins as the forget gate's complement, i = 1 - f."""
        return self.chrono is not None or self.preset == "noisy"


def _finite(number: object, kind: type = Real) -> bool:
    """Whether it is a number, of Python or numpy, and no infinite one."""
    return isinstance(number, kind) and not isinstance(number, bool) and math.isfinite(number)  # type: ignore[arg-type]
