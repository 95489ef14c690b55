"""What a training run leaves behind, for those who only read of it. No torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import ModelError, UsageError
from foregate.training.options import Keep

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Judged", "Record", "TrainingResult", "Weights", "history_frame"]

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Judged:
    """What was seen of a network at a validation check.

    Examples:
        >>> Judged(0.5, forget=(0.5,), half_life=(1.0,)).score
        0.5
    """

    score: float = math.inf
    """Validation score, lower is better; infinite where there is nothing to judge by."""
    forget: tuple[float, ...] = ()
    """Mean activation of the forget gate of each layer, 0 to 1, where somebody looked."""
    half_life: tuple[float, ...] = ()
    """Steps after which half of a layer's memory is left at that activation, where somebody looked; may be infinite."""

    def __post_init__(self) -> None:
        if math.isnan(self.score) or self.score == -math.inf:
            raise ModelError(f"the validation score must be a number, but got {self.score}. Lower the learning rate.")
        if len(self.forget) != len(self.half_life):
            raise UsageError(
                f"forget and half_life must have an entry per layer, but got {len(self.forget)} and "
                f"{len(self.half_life)}."
            )


@dataclass(frozen=True)
class Record:
    """What was seen at a validation check.

    Examples:
        >>> Record(step=10, loss=0.5).facts()
        {'step': 10, 'loss': 0.5, 'score': None, 'rate': None, 'gradient_norm': None}
    """

    step: int
    """Steps done."""
    loss: float
    """Mean training loss of the steps since the check before."""
    score: float = math.inf
    """Validation score, lower is better; infinite without validation."""
    rate: float = math.nan
    """Learning rate of the step before the check."""
    gradient_norm: float = math.nan
    """Mean norm of the gradient, before it was limited, of the steps since the check before."""
    forget: tuple[float, ...] = ()
    """See `Judged`."""
    half_life: tuple[float, ...] = ()
    """See `Judged`."""

    def facts(self) -> dict[str, Any]:
        """The record in types that JSON knows; what is not known or infinite is None. Layers are numbered from 0."""
        layers = {
            f"{name}_{i}": number
            for name, numbers in (("forget", self.forget), ("half_life", self.half_life))
            for i, number in enumerate(numbers)
        }
        numbers = {"loss": self.loss, "score": self.score, "rate": self.rate, "gradient_norm": self.gradient_norm}
        return {
            "step": self.step,
            **{name: value if math.isfinite(value) else None for name, value in (numbers | layers).items()},
        }


@dataclass(frozen=True)
class TrainingResult:
    """The network holds the chosen weights; here is how they came to be.

    Examples:
        >>> TrainingResult().steps
        0
    """

    steps: int = 0
    """Steps done."""
    best_step: int = 0
    """The step whose averaged weights were best; 0 for the weights that the run began with."""
    best_score: float = math.inf
    """Their validation score; infinite without validation."""
    history: tuple[Record, ...] = ()
    """A record per check."""
    start_score: float = math.inf
    """Validation score of the weights that the run began with; infinite where it was not asked for."""
    keep: Keep = "best"
    """Which weights the network holds."""
    weights: Mapping[Keep, Weights] = field(default_factory=dict, compare=False, repr=False)
    """The ``best`` and the ``last`` averaged weights, by the names of the network's parameters."""

    @property
    def kept_step(self) -> int:
        """The step whose weights the network holds."""
        return self.best_step if self.keep == "best" else self.steps

    @property
    def kept_score(self) -> float:
        """The validation score of the weights that the network holds; infinite without validation."""
        if self.keep == "last" and self.history:
            return self.history[-1].score
        return self.best_score


def history_frame(history: Iterable[Record | Mapping[str, Any]]) -> pl.DataFrame:
    """The course of training as a polars frame: a row per check, a column per number, null where it is not known.

    Args:
        history: of a `TrainingResult`, or as `Record.facts` has it.

    Examples:
        >>> history_frame([Record(10, 0.5, 0.4, rate=1e-3), Record(20, 0.25, 0.3, rate=1e-4)]).columns
        ['step', 'loss', 'score', 'rate', 'gradient_norm']
    """
    import polars as pl

    rows = [each.facts() if isinstance(each, Record) else dict(each) for each in history]
    names = list(dict.fromkeys(name for row in rows or [Record(0, 0.0).facts()] for name in row))
    schema = {name: pl.Int64 if name == "step" else pl.Float64 for name in names}
    return pl.DataFrame([[row.get(name) for name in names] for row in rows], schema=schema, orient="row")
