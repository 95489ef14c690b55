"""How far off a contender was on a job."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import CASES, Case
from benchmarks.job import Job

__all__ = ["figures"]

Floats = NDArray[np.floating[Any]]


def figures(job: Job, values: Floats, mean: Floats | None = None) -> dict[str, float]:
    """What came against quantiles (S, W, K, Q), and the expected value (S, W, K) where it was said.

    - mase, crps: the absolute error of the median, and the mean of twice the pinball loss over the deciles, each over
      the mean absolute seasonal change of what was known, averaged over series and windows that have such a scale;
    - smape in percent and owa as M4 defines them; pinball in the units of the data, over all quantiles;
    - mse, mae: of the expected value where it was said, and of the median;
    - covers80, covers95: percent of what came.
    """
    case, came = CASES[job.name], job.came()
    median = values[..., job.quantiles.index(0.5)]
    error = np.abs(came - median)
    known = np.isfinite(came)
    if not np.isfinite(values[known]).all():
        raise SystemExit(
            f"{job.name}: forecasts must be finite, but got {int((~np.isfinite(values[known])).sum())} that are not."
        )
    scale = _scales(job)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = _mean_of(error, known) / scale
        deciles = [i for i, q in enumerate(job.quantiles) if abs(10 * q - round(10 * q)) < 1e-9]
        losses = [_mean_of(2 * _pinball(came, values[..., i], job.quantiles[i]), known) for i in deciles]
        crps = np.mean(losses, 0) / scale
    good = np.isfinite(scaled) & known.any(-1)
    size = np.abs(came) + np.abs(median)
    relative = np.where(size > 0, 200 * error / np.where(size > 0, size, 1), 0)
    expected = median if mean is None else mean
    out = {
        "mase": float(scaled[good].mean()),
        "crps": float(crps[good].mean()),
        "smape": float(_mean_of(relative, known)[known.any(-1)].mean()),
        "mse": float(np.mean(((came - expected) ** 2)[known])),
        "mae": float(error[known].mean()),
        "pinball": float(
            np.mean([_pinball(came, values[..., i], q)[known].mean() for i, q in enumerate(job.quantiles)])
        ),
        "count": int(good.sum()),
    }
    out |= {f"covers{level}": _covered(job, values, came, known, level) for level in (80, 95)}
    return out | _owa(case, out)


def _owa(case: Case, found: dict[str, float]) -> dict[str, float]:
    """Mean of sMAPE and MASE, each relative to Naive2's official score (Makridakis et al. 2020)."""
    if case.naive2 is None:
        return {}
    return {"owa": 0.5 * (found["smape"] / case.naive2[0] + found["mase"] / case.naive2[1])}


def _covered(job: Job, values: Floats, came: Floats, known: NDArray[np.bool_], level: int) -> float:
    """Percent of what came that lies inside the central interval, interpolated between neighbours where it must be."""
    low, high = 0.5 - level / 200, 0.5 + level / 200
    q = np.array(job.quantiles)
    bounds = []
    for p in (low, high):
        i = int(np.clip(np.searchsorted(q, p - 1e-9), 1, len(q) - 1))
        share = np.clip((p - q[i - 1]) / (q[i] - q[i - 1]), 0, 1)
        bounds.append((1 - share) * values[..., i - 1] + share * values[..., i])
    return 100 * float(((came >= bounds[0]) & (came <= bounds[1]))[known].mean())


def _pinball(came: Floats, said: Floats, q: float) -> Floats:
    """Koenker and Bassett (1978)."""
    off = came - said
    return np.maximum(q * off, (q - 1) * off)


def _mean_of(values: Floats, known: NDArray[np.bool_]) -> Floats:
    """Over the steps that were observed; NaN where none was."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known, values, 0).sum(-1) / known.sum(-1)


def _scales(job: Job) -> Floats:
    """(S, W) mean absolute seasonal change of what is known at each origin; NaN where there is none."""
    y, m = job.rows["y"].to_numpy().astype(np.float64), job.season
    out = np.full(job.known.shape, np.nan)
    for i, (a, b) in enumerate(zip(job.starts[:-1], job.starts[1:], strict=True)):
        change = np.abs(y[a + m : b] - y[a : b - m])
        there = np.isfinite(change)
        sums, counts = (np.concatenate([[0.0], np.cumsum(each)]) for each in (np.where(there, change, 0), there))
        at = np.maximum(job.known[i] - m, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            out[i] = sums[at] / counts[at]
    return np.where(out > 0, out, np.nan)
