"""What a training run leaves behind, for those who only read of it. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

__all__ = ["TrainingResult"]


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
    """The step whose averaged weights were kept; 0 for the weights that the run began with."""
    best_score: float = math.inf
    """Their validation score; infinite without validation."""
    history: tuple[tuple[int, float, float], ...] = field(default=())
    """(step, training loss since the check before, validation score) per check."""
    start_score: float = math.inf
    """Validation score of the weights that the run began with; infinite where it was not asked for."""
