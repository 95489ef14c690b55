"""Which windows of the past a backtest forecasts, and where they lie in each series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Panel, UsageError, levels_to_quantiles, listed
from foregate.data import Folds, blocked_folds, expanding_origins, rolling_origins
from foregate.evaluation.history import last_seen

__all__ = ["SCHEMES", "Course", "Plan", "Scheme", "lay_out"]

Scheme: TypeAlias = Literal["expanding", "rolling", "blocked"]
"""What may be known at an origin: everything before it, the last rows before it, or those of a block of its own."""
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
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
    refit: bool | int | None = None
    """False: fit once, before the first origin. True: fit anew at every origin. n: at every n-th. None: once, but at
    every origin of ``blocked``, whose blocks have nothing in common."""
    levels: tuple[float, ...] = (80.0, 95.0)
    """Central intervals to score, in percent."""
    quantiles: tuple[float, ...] = _DECILES
    """Probabilities to forecast besides the bounds of `levels` and the median; pinball and CRPS are taken over all."""
    season: int | None = None
    """Season of the errors that MASE divides by, in steps; None: the shortest usual one of the frequency, else 1."""
    scheme: Scheme = "expanding"
    """What may be known at an origin, when fitting and when forecasting. ``expanding``: every earlier row. ``rolling``:
    the last `train_rows`. ``blocked``: each series is cut into `n_windows` equal blocks that share no row; the end of a
    block is forecast from its beginning."""
    train_rows: int | None = None
    """Rows of the training part of every window in ``rolling``; None in the other schemes."""

    def __post_init__(self) -> None:
        least = {"horizon": 1, "n_windows": 1, "step": 1, "gap": 0, "refit": 0, "season": 1, "train_rows": 1}
        for name, minimum in least.items():
            number = getattr(self, name)
            if number is not None and (not isinstance(number, (int, np.integer)) or number < minimum):
                raise UsageError(f"{name} must be a whole number of at least {minimum}, but got {number!r}.")
        if any(not 0 < q < 1 for q in self.quantiles):
            raise UsageError(
                f"quantiles must be between 0 and 1, but got {self.quantiles}. Give for example [0.1, 0.9]."
            )
        self._check_scheme()
        object.__setattr__(self, "levels", tuple(sorted(self.levels)))
        object.__setattr__(self, "quantiles", tuple(sorted(set(self.quantiles))))
        levels_to_quantiles(self.levels)

    def _check_scheme(self) -> None:
        if self.scheme not in SCHEMES:
            raise UsageError(f"scheme must be one of {', '.join(SCHEMES)}, but got {self.scheme!r}.")
        if (self.train_rows is None) == (self.scheme == "rolling"):
            raise UsageError(
                f"train_rows must be given for scheme='rolling' and for no other, but got {self.train_rows} with "
                f"scheme={self.scheme!r}. Give for example scheme='rolling', train_rows=365."
            )
        if self.scheme == "blocked" and self.step is not None:
            raise UsageError(
                f"step must not be given for scheme='blocked', whose blocks follow one another, but got {self.step}. "
                "Leave it out."
            )

    @property
    def every(self) -> int:
        """For how many windows one fit serves."""
        refit = self.scheme == "blocked" if self.refit is None else self.refit
        return int(refit) if refit else self.n_windows

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
    """The series that take part, their origins, and what may be known there."""

    panel: Panel
    begins: NDArray[np.int64]
    """(S, W) first row that may be known; -1 where there is no origin."""
    origins: NDArray[np.int64]
    """(S, W) last row that may be known; -1 where there is no origin."""
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

    def present(self, window: int) -> NDArray[np.int64]:
        """Numbers of the series that have an origin in a window."""
        return np.flatnonzero(self.origins[:, window] >= 0)

    def known_at(self, window: int) -> Panel:
        """What may be known at the origins of a window; other rows do not exist."""
        which = self.present(window)
        return self.panel.take(which).between(self.begins[which, window], self.origins[which, window] + 1)

    @property
    def one_pass(self) -> bool:
        """Whether every origin knows all rows before it, so that one pass over a series serves all of them."""
        return self.plan.scheme == "expanding"


def lay_out(panel: Panel, plan: Plan) -> tuple[Course, list[str]]:
    """Place the origins, and leave out the series and windows that have none."""
    folds = _folds(panel, plan)
    rows = panel.offsets[:-1, None] + np.maximum(folds.cutoffs, 0)
    known = last_seen(panel, 1)[rows] >= panel.offsets[:-1, None] + np.maximum(folds.begins, 0)
    begins, origins = (np.where(known, places, -1) for places in (folds.begins, folds.cutoffs))
    lacking = np.sum(origins < 0, axis=1)
    n_windows = plan.n_windows
    absent, short = lacking == n_windows, (lacking > 0) & (lacking < n_windows)
    if np.all(absent):
        raise DataError(_too_short(panel, plan))
    notes = []
    if np.any(absent):
        notes.append(
            f"{absent.sum()} of {len(panel)} series are too short for any window and were left out: "
            f"{listed(panel.ids[absent])}."
        )
    if np.any(short):
        notes.append(
            f"{short.sum()} of {len(panel)} series are too short for all {n_windows} windows and have fewer: "
            f"{listed(panel.ids[short])}."
        )
    which = np.flatnonzero(~absent)
    filled = np.any(origins[which] >= 0, axis=0)
    if not np.all(filled):
        notes.append(f"Only {filled.sum()} of {n_windows} windows fit into the longest series.")
    return Course(panel.take(which), begins[which][:, filled], origins[which][:, filled], plan), notes


def _folds(panel: Panel, plan: Plan) -> Folds:
    lengths, horizon, n_windows, gap = panel.lengths, plan.horizon, plan.n_windows, plan.gap
    if plan.scheme == "blocked":
        return blocked_folds(lengths, horizon=horizon, n_blocks=n_windows, gap=gap)
    if plan.train_rows is not None:
        return rolling_origins(
            lengths, window=plan.train_rows, horizon=horizon, n_windows=n_windows, step=plan.step, gap=gap
        )
    return expanding_origins(lengths, horizon=horizon, n_windows=n_windows, step=plan.step, gap=gap)


def _too_short(panel: Panel, plan: Plan) -> str:
    longest = f"the longest of {len(panel)} has {panel.lengths.max(initial=0)} rows"
    if plan.scheme == "blocked":
        return (
            f"series must have {plan.n_windows} blocks of an observed value and {plan.reach} rows after it to be "
            f"backtested, but {longest}. Choose fewer windows, a shorter horizon or gap, or give more rows."
        )
    if plan.train_rows is not None:
        return (
            f"series must have {plan.train_rows} training rows, one of them observed, and {plan.reach} rows after them "
            f"to be backtested, but {longest}. Choose fewer train_rows, a shorter horizon or gap, or give more rows."
        )
    return (
        f"series must have an observed value and {plan.reach} rows after it to be backtested, but {longest}. "
        "Choose a shorter horizon or gap, or give more rows."
    )
