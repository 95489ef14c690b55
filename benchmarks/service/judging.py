"""How often luck decides: of two models that are alike, one is promoted over the other, or put back in its place.

Errors are made as a backtest makes them: hourly targets, forecasts of a day from every origin, so that neighbouring
forecasts share targets; what is hard is hard for both, and what tells the two apart is alike from hour to hour
(correlation 0.7) and from origin to origin (0.9). Rows are those of the first trainings after a change, of the later
ones, of a scheduled training, and of a review.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.service.rows import Options, Row
from foregate.service.jobs.gate import judge

__all__ = ["equals", "run"]

FloatArray = NDArray[np.float64]
TRIALS, HORIZON = 2000, 24
MARGIN = 0.02


def run(options: Options) -> list[Row]:
    """Equals promoted, worse ones promoted, better ones recognised; equals and worse champions rolled back."""
    promoted = {rows: _share(rows, MARGIN) for rows in (33, 63, 155, 968)}
    worse = {rows: _share(rows, MARGIN, 1.1) for rows in (33, 155, 968)}
    better = {rows: _share(rows, MARGIN, 0.75) for rows in promoted}
    lasting = {rows: _share(rows, MARGIN, phi=0.95) for rows in promoted}
    back = {rows: _share(rows, 0.0) for rows in (200, 800)}
    found = {f"{off:.2f}": [_share(rows, 0.0, 1 / off) for rows in (200, 400, 800)] for off in (1.1, 1.25, 1.5)}
    powers = "; ".join(f"{off} times as wrong: {_told(each)}" for off, each in found.items())
    return [
        Row(
            "equal challengers promoted",
            "3 % at most",
            f"on {_of(promoted)}; a tenth worse: {_of(worse)}; a quarter better: {_of(better)}; equals whose errors "
            f"last longer (correlation 0.95): {_of(lasting)}",
            max(promoted.values()) <= 0.03,
        ),
        Row(
            "equal champions rolled back at a review",
            "3 % at most",
            f"on {_of(back)}; worse champions rolled back after 200, 400 and 800 rows: {powers}",
            max(back.values()) <= 0.03,
        ),
    ]


def equals(trials: int, rows: int, horizon: int, phi: float, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """(trials, rows) errors of two models at each time, each the mean of all forecasts of that time."""
    origins = rows - horizon + 1
    hard = _alike(rng, (trials, rows), phi)
    found = []
    for _ in range(2):
        own, by_origin = 0.35 * _alike(rng, (trials, rows), phi), 0.35 * _alike(rng, (trials, origins), 0.9)
        total, count = np.zeros((trials, rows)), np.zeros(rows)
        for step in range(horizon):
            at = slice(step, step + origins)
            total[:, at] += np.abs(hard[:, at] + own[:, at] + by_origin)
            count[at] += 1
        found.append(total / count)
    return found[0], found[1]


def _share(rows: int, margin: float, off: float = 1.0, phi: float = 0.7) -> float:
    """Of challengers that are wrong by so many times as much as the champion, how many are promoted."""
    own, theirs = equals(TRIALS, rows, HORIZON, phi, np.random.default_rng(rows))
    pairs = zip(off * own, theirs, strict=True)
    return float(np.mean([judge(ours, {"champion": each}, margin=margin).promote for ours, each in pairs]))


def _alike(rng: np.random.Generator, shape: tuple[int, int], phi: float) -> FloatArray:
    """Values of which each resembles the one before; mean 0, standard deviation 1."""
    values = rng.normal(size=shape)
    for t in range(1, shape[1]):
        values[:, t] = phi * values[:, t - 1] + np.sqrt(1 - phi**2) * values[:, t]
    return values


def _of(shares: dict[int, float]) -> str:
    return ", ".join(f"{rows} rows {share:.1%}" for rows, share in shares.items())


def _told(shares: list[float]) -> str:
    return ", ".join(f"{share:.0%}" for share in shares)
