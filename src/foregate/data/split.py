"""Divide series in time, never at random: train / validation / test, and folds that move through the past."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, FrameSpec, Panel, UsageError, at_least, listed, require_panel

__all__ = ["Folds", "Size", "Split", "blocked_folds", "cutoffs", "expanding_origins", "rolling_origins", "split"]

Size: TypeAlias = int | float | str | dt.date | np.datetime64
"""How much belongs to a part: a count of rows, a fraction of each series, or the date on which the part begins."""


def cutoffs(
    lengths: NDArray[np.int64],
    *,
    horizon: int,
    n_windows: int,
    step: int | None = None,
    gap: int = 0,
    min_train: int = 1,
) -> NDArray[np.int64]:
    """Positions of the last known row before each test window, aligned to the end of every series.

    The targets of a cutoff c are the rows c + gap + 1 to c + gap + horizon; those of the newest window end with the
    series' last row.

    Args:
        lengths: (S,) rows of each series.
        horizon: rows to forecast in each window.
        n_windows: W, how many windows.
        step: rows between two cutoffs; `horizon` if not given, so that the windows touch and do not overlap.
        gap: rows between the last known row and the first target, known to nobody.
        min_train: rows that must be known at a cutoff.

    Returns:
        (S, W) positions within each series, oldest window first; -1 where the series is too short.

    Raises:
        UsageError: a number is out of range.

    Examples:
        >>> cutoffs(np.array([10, 4]), horizon=3, n_windows=2)
        array([[ 3,  6],
               [-1,  0]])
    """
    step = horizon if step is None else step
    at_least(1, horizon=horizon, n_windows=n_windows, step=step, min_train=min_train)
    at_least(0, gap=gap)
    newest = np.asarray(lengths, np.int64) - 1 - gap - horizon
    positions = newest[:, None] - step * np.arange(n_windows - 1, -1, -1, dtype=np.int64)
    return np.where(positions >= min_train - 1, positions, -1)


@dataclass(frozen=True)
class Folds:
    """W windows through the past of S series: what each may learn from, and what it is tested on."""

    begins: NDArray[np.int64]
    """(S, W) position of the first training row; -1 where the series is too short for the window."""
    cutoffs: NDArray[np.int64]
    """(S, W) position of the last training row; -1 where the series is too short for the window."""
    horizon: int
    """Test rows of each window."""
    gap: int = 0
    """Rows between the last training row and the first test row, in neither."""

    def __len__(self) -> int:
        """W, how many windows there are."""
        return int(self.cutoffs.shape[1])

    def train(self, panel: Panel, window: int) -> Panel:
        """The training rows of one window, of the series that are long enough; nothing later is in it."""
        which, last = self._present(window)
        return panel.take(which).between(self.begins[which, window], last + 1)

    def test(self, panel: Panel, window: int) -> Panel:
        """The test rows of one window, of the same series in the same order as `train`."""
        which, last = self._present(window)
        first = last + 1 + self.gap
        return panel.take(which).between(first, first + self.horizon)

    def _present(self, window: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        which = np.flatnonzero(self.cutoffs[:, window] >= 0).astype(np.int64)
        return which, self.cutoffs[which, window]


def expanding_origins(
    lengths: NDArray[np.int64],
    *,
    horizon: int,
    n_windows: int,
    step: int | None = None,
    gap: int = 0,
    min_train: int = 1,
) -> Folds:
    """Folds that each learn from everything up to their cutoff; arguments as in `cutoffs`.

    Examples:
        >>> folds = expanding_origins(np.array([10]), horizon=3, n_windows=2)
        >>> folds.begins, folds.cutoffs
        (array([[0, 0]]), array([[3, 6]]))
    """
    last = cutoffs(lengths, horizon=horizon, n_windows=n_windows, step=step, gap=gap, min_train=min_train)
    return Folds(np.where(last >= 0, 0, -1), last, horizon, gap)


def rolling_origins(
    lengths: NDArray[np.int64], *, window: int, horizon: int, n_windows: int, step: int | None = None, gap: int = 0
) -> Folds:
    """Folds that each learn from exactly the last `window` rows before their cutoff; otherwise as in `cutoffs`.

    Examples:
        >>> folds = rolling_origins(np.array([10]), window=4, horizon=3, n_windows=2)
        >>> folds.begins, folds.cutoffs
        (array([[0, 3]]), array([[3, 6]]))
    """
    at_least(1, window=window)
    last = cutoffs(lengths, horizon=horizon, n_windows=n_windows, step=step, gap=gap, min_train=window)
    return Folds(np.where(last >= 0, last - window + 1, -1), last, horizon, gap)


def blocked_folds(
    lengths: NDArray[np.int64], *, horizon: int, n_blocks: int, gap: int = 0, min_train: int = 1
) -> Folds:
    """Folds that share no row: each series is cut into equal blocks, and the end of each block is its test part.

    Rows that do not fill a block are left out at the beginning of the series.

    Args:
        lengths: (S,) rows of each series.
        horizon: test rows at the end of each block.
        n_blocks: W, how many blocks.
        gap: rows between training and test rows of a block.
        min_train: training rows that a block must have; otherwise the series takes no part.

    Source: Cerqueira, Torgo and Mozetič, "Evaluating time series forecasting models" (2020), blocked validation.

    Examples:
        >>> folds = blocked_folds(np.array([11]), horizon=1, n_blocks=2)
        >>> folds.begins, folds.cutoffs
        (array([[1, 6]]), array([[4, 9]]))
    """
    at_least(1, horizon=horizon, n_blocks=n_blocks, min_train=min_train)
    at_least(0, gap=gap)
    lengths = np.asarray(lengths, np.int64)[:, None]
    size = lengths // n_blocks
    begins = lengths - size * np.arange(n_blocks, 0, -1, dtype=np.int64)
    enough = (size >= min_train + gap + horizon) & np.ones_like(begins, np.bool_)
    return Folds(np.where(enough, begins, -1), np.where(enough, begins + size - 1 - gap - horizon, -1), horizon, gap)


@dataclass(frozen=True)
class Split:
    """A panel divided in time: every row is in one part at most, and each part is later than the one before.

    Each pair is a panel to know and a panel to be tested on: `train` and `validation`, then `before_test` and `test`.
    """

    train: Panel
    """What is learnt from: the oldest rows."""
    validation: Panel
    """What choices are made on: rows after `train`. Series without rows where no validation part was asked for."""
    before_test: Panel
    """All that may be known when the test rows are forecast: `train`, `validation` and what lies between them."""
    test: Panel
    """What is looked at once, at the end: the newest rows."""


def split(panel: Panel, *, test: Size, validation: Size = 0, gap: int = 0) -> Split:
    """Divide every series into train, validation and test rows, oldest to newest.

    Args:
        panel: the series.
        test: a count of rows at the end of every series (`28`), a fraction of every series (`0.2`), or the date of
            the first row (`"2024-07-01"`; the local clock of the panel's time zone, unless it carries its own).
        validation: the same for the rows before the test part; 0 for none.
        gap: rows left out before the validation and before the test part, as when the newest data comes late.

    Raises:
        UsageError: a part is neither a count, a fraction nor a date.
        DataError: a series has no row left for one of the parts.

    Examples:
        >>> parts = split(Panel.from_arrays([np.arange(10.0)]), validation=2, test=3)
        >>> parts.train.values, parts.validation.values, parts.test.values
        (array([0., 1., 2., 3., 4.], dtype=float32), array([5., 6.], dtype=float32), array([7., 8., 9.], dtype=float32))
    """
    require_panel(panel)
    at_least(0, gap=gap)
    _check_size("test", test)
    _check_size("validation", validation)
    ends = panel.lengths
    test_from = _starts(panel, test, ends)
    known_until = test_from - gap
    some = not (isinstance(validation, int) and validation == 0)
    validation_from = _starts(panel, validation, known_until) if some else known_until
    train_until = validation_from - gap if some else known_until
    empty = (train_until < 1) | (test_from >= ends) | (some & (validation_from >= known_until))
    if np.any(empty):
        raise DataError(
            f"every series must have rows in each part of the split, but {listed(panel.ids[empty])} are too short or "
            "lie outside it. Choose smaller parts, or leave these series out: panel.take(numbers of the others)."
        )
    return Split(
        train=panel.cut(train_until),
        validation=panel.between(validation_from, known_until),
        before_test=panel.cut(known_until),
        test=panel.between(test_from, ends),
    )


def _starts(panel: Panel, size: Size, ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """(S,) position of the first row of a part that reaches to `ends`."""
    starts: NDArray[np.int64]
    if isinstance(size, (int, float, np.integer, np.floating)):
        share = isinstance(size, (float, np.floating))
        rows = np.rint(size * panel.lengths) if share else np.full(len(panel), size)
        starts = ends - rows.astype(np.int64)
    elif panel.times.dtype.kind == "M":
        before = np.concatenate([[0], np.cumsum(panel.times < _instant(size, panel.spec))])
        starts = before[panel.offsets[1:]] - before[panel.offsets[:-1]]
    else:
        raise UsageError(f"a part must be a count or a fraction when time is counted in integers, but got {size!r}.")
    return starts


def _instant(date: str | dt.date | np.datetime64, spec: FrameSpec) -> np.datetime64:
    """The moment as the panel counts time: UTC, or the wall clock of days and of times without a zone."""
    if isinstance(date, np.datetime64):
        date = str(date.astype("datetime64[us]"))
    if isinstance(date, str):
        date = dt.datetime.fromisoformat(date)
    moment = date if isinstance(date, dt.datetime) else dt.datetime.combine(date, dt.time())
    if spec.time_zone is not None:
        zone = ZoneInfo(spec.time_zone)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        moment = moment.astimezone(zone if spec.wall_clock else dt.UTC)
    elif moment.tzinfo is not None:
        raise UsageError(f"a date must be without time zone, like the times of this panel, but got {date}.")
    return np.datetime64(moment.replace(tzinfo=None), "us")


def _check_size(name: str, size: Any) -> None:
    fits = isinstance(size, (dt.date, np.datetime64))
    if isinstance(size, (int, np.integer)):
        fits = not isinstance(size, bool) and int(size) >= (1 if name == "test" else 0)
    elif isinstance(size, (float, np.floating)):
        fits = 0 < float(size) < 1
    elif isinstance(size, str):
        try:
            fits = bool(dt.datetime.fromisoformat(size))
        except ValueError:
            fits = False
    if not fits:
        raise UsageError(
            f"{name} must be a count of rows, a fraction between 0 and 1 or a date, but got {size!r}. "
            f'Give for example {name}=28, {name}=0.2 or {name}="2024-07-01".'
        )
