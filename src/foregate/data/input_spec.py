"""What a network is told, by its settings: how far back it looks, and how many numbers that makes."""

from __future__ import annotations

from dataclasses import dataclass, field

from foregate.core import UsageError
from foregate.data.clock import Clock
from foregate.data.columns import ColumnSpec
from foregate.data.statistics import ERRORS, SLOPES, SMOOTHING

__all__ = ["NEIGHBOURS", "SEASONAL_PATHS", "STEP_WIDTH", "InputSpec"]

NEIGHBOURS = (0, 1, -1)
SEASONAL_PATHS = 8
"""One and two short seasons back, a long one, that one moved to today's level, and both memories of both seasons."""
STEP_WIDTH = SEASONAL_PATHS + 5 + 4
"""Those paths, how well the five places are known that they come from, and where in time the step lies."""


@dataclass(frozen=True)
class InputSpec:
    """What the network is told: saved with it, since its weights mean nothing without."""

    seasons: tuple[int, int] = (1, 1)
    """Short and long season in rows; 1 for none. Inputs, not architecture: the weights serve any."""
    recent: int = 12
    """How many of the latest values are given at each step, in rows."""
    window: int = 200
    """Rows over which level and scale are averaged."""
    plain: bool = False
    """Whether the series are counts: each is read in plain values, instead of in logarithms while it is clearly
    positive, and whole numbers are forecast."""
    columns: tuple[ColumnSpec, ...] = field(default_factory=tuple)
    """Covariates, with the statistics of the training part that bring them to a common scale."""
    clock: Clock = field(default_factory=Clock)
    """Of the time that the network is told, of the day, the week and the year."""

    def __post_init__(self) -> None:
        short, long = self.seasons
        if short < 1 or long < 1 or (short == 1 and long > 1) or (short > 1 and 1 < long <= short):
            raise UsageError(
                f"seasons must be a short and a longer season in rows, 1 for none, but got {self.seasons}. "
                "Give for example (24, 168), (12, 1) or (1, 1)."
            )

    @property
    def n_features(self) -> int:
        """F, the width of the encoder's input."""
        own = self.recent + 3 * len(NEIGHBOURS) + 1 + len(SMOOTHING) + len(SLOPES) + 1 + ERRORS + 10
        return own + self.encoder_width + self.clock.width

    @property
    def encoder_width(self) -> int:
        """Columns that covariates add to the encoder's input: all now, and the known-future ones one step ahead."""
        return self.width("static") + self.width("past") + 2 * self.width("future")

    @property
    def n_steps(self) -> int:
        """Width of what the decoder sees of one horizon step."""
        return STEP_WIDTH + 3 * self.width("future") + self.clock.width

    @property
    def n_profiles(self) -> int:
        """P, how many candidate paths the decoder may gate."""
        return SEASONAL_PATHS + 1 + len(SMOOTHING) + len(SLOPES)

    @property
    def lags(self) -> tuple[int, ...]:
        """Recent lags, then one short, one long and two short seasons back with their neighbours; 0 stands for none."""
        short, long = self.seasons
        around = [m + j if m > 1 else 0 for m in (short, long, 2 * short if short > 1 else 1) for j in NEIGHBOURS]
        return (*range(1, self.recent + 1), *around)

    @property
    def lookback(self) -> int:
        """How many rows back anything is read, besides what is carried."""
        return max(self.lags)

    @property
    def remembered(self) -> int:
        """How many seasons a live state keeps memories of: there is always room for the short one."""
        return 2 if self.seasons[1] > 1 else 1

    def width(self, role: str) -> int:
        """Input columns of the covariates of one role."""
        return sum(c.width for c in self.columns if c.role == role)
