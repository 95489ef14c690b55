"""How to train: plain numbers, saved with the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from foregate.core import UsageError

__all__ = ["Precision", "TrainingOptions"]

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True)
class TrainingOptions:
    """Settings of one training run."""

    steps: int
    """Optimizer steps at most; the learning rate is planned over all of them."""
    batch: int = 48
    """Crops per step."""
    crop: int = 336
    """Rows that the encoder reads of one crop."""
    origins: int = 24
    """Forecast origins per crop that a loss is taken at."""
    every_step: bool = False
    """Train all steps ahead at a time, as a network must that writes them one after the other; of longer horizons some
    random ones otherwise."""
    rate: float = 4e-3
    """Highest learning rate, reached after a tenth of the steps; it then falls along a cosine to nearly nothing."""
    decay: float = 1e-4
    """Weight decay of AdamW."""
    clip: float = 0.5
    """The norm of the gradient is limited to this."""
    averaging: float = 0.98
    """The weights that are used are an exponential average with this memory per step."""
    scale_power: float = 0.5
    """Weight of an origin: its relative scale to this power. 1 minimises relative errors (as sMAPE does), 0 errors in
    units of each series' own change (as MASE does)."""
    patience: int = 6
    """Stop when this many checks in a row bring no better validation score."""
    checks: int = 20
    """Validation checks over the whole run."""
    precision: Precision = "float32"
    """Of the encoder's arithmetic; weights and the decoder stay float32. bfloat16 is 2 to 3 times faster where the
    processor has instructions for it, and slower where it has not."""
    device: str = "cpu"
    """Where to train, by torch's name."""
    seed: int = 0
    """All randomness of the run comes from this number."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "crop", "origins", "checks", "patience"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} must be at least 1, but got {getattr(self, name)}.")
        if self.precision not in get_args(Precision):
            raise UsageError(f"precision must be float32 or bfloat16, but got {self.precision!r}.")
        if self.seed < 0:
            raise UsageError(f"seed must be 0 or more, but got {self.seed}.")
        if not 0 < self.rate < 1:
            raise UsageError(f"rate must be between 0 and 1, but got {self.rate}. Good values lie around 1e-3.")
        if not 0 <= self.averaging < 1:
            raise UsageError(f"averaging must be from 0 up to, not including, 1, but got {self.averaging}.")

    @property
    def check_every(self) -> int:
        """Steps between two validation checks."""
        return max(1, self.steps // self.checks)
