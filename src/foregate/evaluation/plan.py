"""Which windows of the past a backtest forecasts, and where they lie in each series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Panel, UsageError, levels_to_quantiles, listed
from foregate.data import cutoffs
from foregate.evaluation.history import last_seen

__all__ = ["Course", "Plan", "lay_out"]

_DECILES = tuple(round(0.1 * i, 1) for i in range(1, 10))


@dataclass(frozen=True)
class Plan:
    """Which windows of the past to forecast, and what to ask of the models."""

    horizon: int
    """K, steps to forecast in each window."""
    n_windows: int = 1
    """W, how many windows; the newest ends with the last row of each series."""
    step: int | None = None
    """Rows between two origins; `horizon` if None, so that windows touch and do not overlap."""
    gap: int = 0
    """Rows between the last known row and the first target: how late data arrives."""
    refit: bool | int = False
    """False: fit once, before the first origin. True: fit anew at every origin. n: at every n-th."""
    levels: tuple[float, ...] = (80.0, 95.0)
    """Central intervals to score, in percent."""
    quantiles: tuple[float, ...] = _DECILES
    """Probabilities to forecast besides the bounds of `levels` and the median; pinball and CRPS are taken over all."""
    season: int | None = None
    """Season of the errors that MASE divides by, in steps; None: the shortest usual one of the frequency, else 1."""

    def __post_init__(self) -> None:
        least = {"horizon": 1, "n_windows": 1, "step": 1, "gap": 0, "refit": 0, "season": 1}
        for name, minimum in least.items():
            number = getattr(self, name)
            if number is not None and (not isinstance(number, (int, np.integer)) or number < minimum):
                raise UsageError(f"{name} must be a whole number of at least {minimum}, but got {number!r}.")
        if any(not 0 < q < 1 for q in self.quantiles):
            raise UsageError(
                f"quantiles must be between 0 and 1, but got {self.quantiles}. Give for example [0.1, 0.9]."
            )
        object.__setattr__(self, "levels", tuple(sorted(self.levels)))
        object.__setattr__(self, "quantiles", tuple(sorted(set(self.quantiles))))
        levels_to_quantiles(self.levels)

    @property
    def reach(self) -> int:
        """Steps from an origin to its last target."""
        return self.gap + self.horizon

    @property
    def all_quantiles(self) -> tuple[float, ...]:
        """Q probabilities that models are asked for, ascending."""
        return tuple(sorted({round(q, 10) for q in self.quantiles} | set(levels_to_quantiles(self.levels))))

    def season_of(self, panel: Panel) -> int:
        """The season that MASE uses on this panel."""
        usual = panel.freq.seasons() if panel.freq is not None else ()
        return self.season or (usual[0] if usual else 1)


@dataclass(frozen=True)
class Course:
    """The series that take part and their origins."""

    panel: Panel
    origins: NDArray[np.int64]
    plan: Plan

    @property
    def origin_rows(self) -> NDArray[np.int64]:
        """(S, W) rows of the panel; some row of the series where there is no origin."""
        rows: NDArray[np.int64] = self.panel.offsets[:-1, None] + np.maximum(self.origins, 0)
        return rows

    @property
    def target_rows(self) -> NDArray[np.int64]:
        """(S, W, K) rows of the panel; some row of it where there is no origin."""
        rows = self.origin_rows[..., None] + self.plan.gap + np.arange(1, self.plan.horizon + 1)
        within: NDArray[np.int64] = np.minimum(rows, len(self.panel.values) - 1)
        return within

    def rows_ahead(self, which: NDArray[np.int64], window: int) -> NDArray[np.int64]:
        """(len(which), gap + K) rows of the panel after the origins of some series, up to the last target."""
        rows: NDArray[np.int64] = self.origin_rows[which, window][:, None] + np.arange(1, self.plan.reach + 1)
        return rows


def lay_out(panel: Panel, plan: Plan) -> tuple[Course, list[str]]:
    """Place the origins, and leave out the series and windows that have none."""
    origins = cutoffs(panel.lengths, horizon=plan.horizon, n_windows=plan.n_windows, step=plan.step, gap=plan.gap)
    known = last_seen(panel, 1)[panel.offsets[:-1, None] + np.maximum(origins, 0)] >= 0
    origins = np.where(known, origins, -1)
    lacking = np.sum(origins < 0, axis=1)
    absent, short = lacking == plan.n_windows, (lacking > 0) & (lacking < plan.n_windows)
    if np.all(absent):
        raise DataError(
            f"series must have an observed value and {plan.reach} rows after it to be backtested, but the longest of "
            f"{len(panel)} has {panel.lengths.max(initial=0)} rows. Choose a shorter horizon or gap, or give more rows."
        )
    notes = []
    if np.any(absent):
        notes.append(
            f"{absent.sum()} of {len(panel)} series are too short for any window and were left out: "
            f"{listed(panel.ids[absent])}."
        )
    if np.any(short):
        notes.append(
            f"{short.sum()} of {len(panel)} series are too short for all {plan.n_windows} windows and have fewer: "
            f"{listed(panel.ids[short])}."
        )
    which = np.flatnonzero(~absent)
    filled = np.any(origins[which] >= 0, axis=0)
    if not np.all(filled):
        notes.append(f"Only {filled.sum()} of {plan.n_windows} windows fit into the longest series.")
    return Course(panel.take(which), origins[which][:, filled], plan), notes
