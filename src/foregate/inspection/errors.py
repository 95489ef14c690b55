"""Errors of the past, and what they tell: left-over patterns, bias, intervals that lie, and series that rule the loss.

Forecasts are made from origins of the past: a horizon apart, for what holds at every step ahead, and row by row one
step ahead, for what the errors have to do with one another.

Letters: S series, W origins a horizon apart, K horizon steps, N origins row by row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foregate.core import MissingExtraError, Panel, evenly
from foregate.data import cutoffs
from foregate.data.inputs import Inputs
from foregate.evaluation.metrics import mase_scale
from foregate.forecasting.fitted import Fitted

__all__ = ["Errors", "autocorrelations", "errors_of", "ljung_box"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

LEVELS = (0.1, 0.5, 0.9)
"""What is forecast: the median in an 80 % interval."""
SERIES, WINDOWS, ROWS = 32, 12, 200
"""Series, origins a horizon apart and origins row by row at most."""
DRAWN_ROWS = 40
"""Origins row by row of a model that draws futures at each."""
MOST_ROWS = 3_000
"""Rows of a series that are read at most."""


@dataclass(frozen=True)
class Errors:
    """What was said of the past of S series, and what came, in units of the mean change over a season of each."""

    ids: NDArray[np.str_]
    """(S,)"""
    actual: FloatArray
    """(S, W, K) NaN where it is missing or there is no origin."""
    said: FloatArray
    """(S, W, K, 3) the quantiles of `LEVELS`."""
    naive: FloatArray
    """(S, W, K) the value a season before, or the last one where there is no season."""
    one_step: FloatArray
    """(S, N) actual less median, one step ahead from row to row; NaN where unknown."""
    season: int
    """Rows of the season; 1 for none."""
    weight: FloatArray
    """(S,) mean relative scale at the origins: what a loss in training is weighted by a power of."""
    in_scale: FloatArray
    """(S,) mean pinball loss in units of the network's own scale: what it is trained by."""


def errors_of(fitted: Fitted, panel: Panel) -> Errors | None:
    """The errors of a model on a regular panel; None where no series has a horizon after an origin."""
    panel = panel.take(evenly(len(panel), SERIES)).tail(MOST_ROWS)
    K, season, recursive = fitted.horizon, fitted.spec.seasons[0], fitted.engine.manner.strategy == "recursive"
    origins = cutoffs(panel.lengths, horizon=K, n_windows=WINDOWS)
    origins = np.where(origins >= panel.first_observed[:, None] + max(3, season), origins, -1)
    scale = mase_scale(panel, origins, season)
    origins = np.where(scale > 0, origins, -1)
    which = np.flatnonzero((origins >= 0).any(1))
    if not len(which):
        return None
    panel, origins, scale = panel.take(which), origins[which], scale[which]
    rows = np.minimum(panel.offsets[:-1, None, None] + origins[..., None] + np.arange(1, K + 1), len(panel.values) - 1)
    unit = scale[..., None]
    actual = np.where((origins >= 0)[..., None] & panel.mask[rows], panel.values[rows], np.nan) / unit
    said = fitted.forecast_origins(panel, origins, K, LEVELS)
    back = rows - season * -(-np.arange(1, K + 1) // season)
    naive = np.where(panel.mask[back], panel.values[back].astype(np.float64), np.nan) / unit
    one = _one_step(fitted, panel, DRAWN_ROWS if recursive else ROWS)
    inputs = Inputs(panel, fitted.spec)
    at = panel.offsets[:-1, None] + np.maximum(origins, 0)
    view, own = inputs.near(at)
    relative = np.clip(view.tracks.relative[view.tracks.here[own]], 1e-3, 1).astype(np.float64)
    weight = np.nanmean(np.where(origins >= 0, relative, np.nan), 1)
    lost = _pinball(inputs, at, actual * unit, said)
    one = one / np.nanmedian(scale, 1)[:, None]
    return Errors(panel.ids, actual, said / unit[..., None], naive, one, season, weight, lost)


def _one_step(fitted: Fitted, panel: Panel, most: int) -> FloatArray:
    """(S, N) actual less median of the newest rows, each forecast from the row before."""
    N = int(min(most, max(1, panel.lengths.max() // 2)))
    origins = cutoffs(panel.lengths, horizon=1, n_windows=N)
    origins = np.where(origins >= panel.first_observed[:, None] + 3, origins, -1)
    said = fitted.forecast_origins(panel, origins, 1, (0.5,))[..., 0, 0]
    rows = panel.offsets[:-1, None] + np.minimum(origins + 1, panel.lengths[:, None] - 1)
    error: FloatArray = np.where(panel.mask[rows] & (origins >= 0), panel.values[rows] - said, np.nan)
    return error


def _pinball(inputs: Inputs, rows: IntArray, actual: FloatArray, said: FloatArray) -> FloatArray:
    """(S,) mean pinball loss over the quantiles, in the units that the network is trained in."""
    S, W, K = actual.shape
    flat = rows.reshape(-1)
    came = inputs.relative(flat, np.nan_to_num(actual, nan=1.0).reshape(-1, K)).reshape(S, W, K)
    quantiles = inputs.relative(flat, np.nan_to_num(said, nan=1.0).reshape(-1, K, 3)).reshape(S, W, K, 3)
    error, q = came[..., None] - quantiles, np.array(LEVELS)
    lost = np.where(np.isfinite(actual), np.maximum(q * error, (q - 1) * error).mean(-1), np.nan)
    mean: FloatArray = np.nanmean(lost.reshape(S, -1), 1)
    return mean


def autocorrelations(errors: FloatArray, lags: int) -> FloatArray:
    """(L,) autocorrelation at lags 1 to L of one series (N,), over the pairs that are known.

    Examples:
        >>> autocorrelations(np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0]), 2).round(2)
        array([-0.83,  0.67])
    """
    centred = errors - np.nanmean(errors)
    total = np.nansum(centred**2)
    if not total > 0:
        return np.zeros(lags)
    return np.array([np.nansum(centred[k:] * centred[:-k]) / total for k in range(1, lags + 1)])


def ljung_box(errors: FloatArray, lags: int) -> tuple[float, float]:
    """The portmanteau statistic of one series of errors (N,) and its p-value: small where they are not independent.

    Q = n (n + 2) Σ r_k² / (n - k), compared with a chi-square distribution (Ljung and Box, "On a measure of lack of fit
    in time series models", 1978).

    Raises:
        MissingExtraError: scipy is not installed.

    Examples:
        >>> statistic, p = ljung_box(np.tile([1.0, -1.0], 20), 5)
        >>> p < 1e-6
        True
    """
    try:
        from scipy.stats import chi2
    except ImportError as error:
        raise MissingExtraError("Testing whether errors are independent", "train") from error
    n = int(np.isfinite(errors).sum())
    r = autocorrelations(errors, lags)
    statistic = float(n * (n + 2) * (r**2 / (n - np.arange(1, lags + 1))).sum())
    return statistic, float(chi2.sf(statistic, lags))
