"""What happened in a fit, for people and for the model's papers. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from foregate.training.result import TrainingResult

__all__ = ["FitReport"]


@dataclass(frozen=True)
class FitReport:
    """What happened in a fit."""

    seasons: tuple[int, ...]
    """Season lengths the network was told, in rows."""
    parameters: int
    """Weights of the network."""
    training: TrainingResult
    """Of the main run, on all but the held-out rows."""
    finish_steps: int
    """Steps trained afterwards with the held-out rows included."""
    held_out: int
    """Series that gave held-out origins."""
    start: str
    """What it began with: the name and version of the pretrained weights, or ``scratch``."""
    trust: float
    """Share of what training changed that was kept, 0 to 1; 0 for an instant forecaster."""
    score: float
    """Loss on the held-out origins, of the weights that were kept; infinite without validation."""
    members: tuple[dict[str, Any], ...] = ()
    """What became of each network, where there are several; the other figures are those of the best."""
    notes: tuple[str, ...] = ()
    """What the reader should know, one sentence each."""

    def facts(self) -> dict[str, Any]:
        """The report in types that JSON knows; what is not known is None.

        Examples:
            >>> FitReport((12,), 1000, TrainingResult(), 0, 3, "tiny 0a1b2c", 0.0, math.inf).facts()["validation"]
        """
        run = self.training
        return {
            "seasons": list(self.seasons),
            "parameters": self.parameters,
            "start": self.start,
            "steps": run.steps,
            "best_step": run.best_step,
            "finish_steps": self.finish_steps,
            "held_out_series": self.held_out,
            "trust": None if self.start == "scratch" else self.trust,
            "instant_validation": _finite(run.start_score),
            "validation": _finite(self.score),
            "history": [record.facts() for record in run.history],
            "members": list(self.members),
            "notes": list(self.notes),
        }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
