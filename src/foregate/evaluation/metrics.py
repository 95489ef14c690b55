"""How wrong a forecast was, by the field's measures.

With e = y - ŷ (ŷ the median forecast) over the steps of one forecast whose actual value was observed:

    mae      mean |e|                                        units of the data
    rmse     √ mean e²                                       units of the data
    mape     100 mean |e| / |y|, steps with y = 0 left out   percent
    smape    200 mean |e| / (|y| + |ŷ|), 0 where both are 0  percent, 0 to 200, as in the M4 competition
    mase     mean |e| / scale                                1 = as wrong as the seasonal naive forecast was in the past
    wape     100 Σ|e| / Σ|y|                                 percent
    bias     mean (ŷ - y)                                    units of the data; positive: too high
    pinball  mean over the quantiles of the quantile loss    units of the data
    crps     2 ∫ quantile loss dq                            units of the data
    coverage-L  share of y inside the central L % interval   percent; should be L
    width-L     mean width of that interval                  units of the data

A missing actual value is left out everywhere. Where a measure is not defined (every y is 0, a scale of 0) it is NaN.
Losses are utilsforecast's; the scale of MASE, the integral of CRPS and the width are not in it in this form.

Sources: Hyndman and Koehler, "Another look at measures of forecast accuracy" (2006), for MASE; Makridakis, Spiliotis
and Assimakopoulos, "The M4 Competition" (2020), for sMAPE; Gneiting and Raftery, "Strictly proper scoring rules"
(2007), for CRPS.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from foregate.core import MissingExtraError, Panel, UsageError, levels_to_quantiles
from foregate.evaluation.history import moves, sums_until

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ERRORS", "Outcomes", "crps_weights", "losses", "mase_scale", "measure"]

ERRORS = ("mae", "rmse", "mape", "smape", "mase", "wape", "pinball", "crps")
"""The measures of which less is better and 0 is perfect."""

_MODEL = "forecast"


@dataclass(frozen=True)
class Outcomes:
    """What one model said at W origins of S series, K steps ahead, and what came."""

    actual: NDArray[np.float64]
    """(S, W, K); NaN where the value is missing or there is no such origin."""
    values: NDArray[np.float64]
    """(S, W, K, Q) the quantile forecasts."""
    quantiles: tuple[float, ...]
    """Q probabilities, ascending, 0.5 and the bounds of `levels` among them."""
    scale: NDArray[np.float64]
    """(S, W) what an error is divided by for MASE; NaN where it is not known."""
    levels: tuple[float, ...] = ()
    """Percent that each central interval should hold."""

    def __post_init__(self) -> None:
        lacking = [q for q in levels_to_quantiles(self.levels) if not np.any(np.isclose(self.quantiles, q, atol=1e-9))]
        if lacking:
            raise UsageError(
                f"quantiles must hold the median and the bounds of levels {self.levels}, but got none at "
                f"{', '.join(map(str, lacking))}. Forecast those too."
            )

    def at(self, q: float) -> NDArray[np.float64]:
        """(S, W, K) the forecast at probability `q`."""
        return self.values[..., int(np.argmin(np.abs(np.array(self.quantiles) - q)))]

    def only(self, step: int) -> Outcomes:
        """The forecasts of one step ahead alone, from 1."""
        steps = slice(step - 1, step)
        return replace(self, actual=self.actual[:, :, steps], values=self.values[:, :, steps])


def mase_scale(
    panel: Panel, origins: NDArray[np.int64], season: int, begins: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """(S, W) mean absolute change over one season up to each origin, where both values were observed; NaN if none.

    Origins are rows of their series, and `begins` the first ones that count, those of the series if not given; -1
    stands for no origin and gives NaN.

    Examples:
        >>> mase_scale(Panel.from_arrays([np.array([1.0, 2.0, 4.0, 9.0])]), np.array([[2]]), season=1)
        array([[1.5]])
    """
    moved, known = moves(panel, season)
    rows = np.maximum(origins, 0)
    first = np.zeros_like(rows) if begins is None else np.where(begins > 0, begins + season, 0)
    total = sums_until(np.abs(moved), panel, rows, first)
    count = np.where(origins >= 0, sums_until(known.astype(np.float64), panel, rows, first), 0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def crps_weights(quantiles: Sequence[float]) -> NDArray[np.float64]:
    """(Q,) the share of (0, 1) that lies nearest to each quantile: weights that sum to 1, equal for an even grid.

    Examples:
        >>> crps_weights([0.1, 0.5, 0.9])
        array([0.3, 0.4, 0.3])
    """
    between = (np.array(quantiles[1:]) + np.array(quantiles[:-1])) / 2
    return np.diff(np.concatenate([[0.0], between, [1.0]]))


def measure(
    outcomes: Outcomes, by: Literal["origin", "step"] = "origin", only: Collection[str] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Every measure, per origin or per step ahead.

    Args:
        outcomes: forecasts and what came.
        by: ``origin``: over the steps of each forecast. ``step``: over all forecasts at each step ahead.
        only: names of the measures to take; all if not given.

    Returns:
        measure -> (S, W) for ``origin``, (K,) for ``step``; NaN where it is not defined.

    Raises:
        MissingExtraError: utilsforecast is not installed.

    Examples:
        >>> said = Outcomes(np.array([[[3.0, 5.0]]]), np.array([[[[2.0], [5.0]]]]), (0.5,), np.array([[2.0]]))
        >>> float(measure(said)["mae"][0, 0]), float(measure(said)["mase"][0, 0])
        (0.5, 0.25)
    """
    n_series, n_windows, horizon = outcomes.actual.shape
    shape = (n_series, n_windows) if by == "origin" else (horizon,)
    table = _long_table(outcomes, by)
    names = [name for name in _names(outcomes.levels) if only is None or name in only]
    measured = _point_measures(table, shape, names)
    if {"pinball", "crps"} & {*names}:
        measured |= _quantile_measures(table, outcomes.quantiles, shape)
    if any(name.startswith(("coverage", "width")) for name in names):
        measured |= _interval_measures(table, outcomes, shape)
    return {name: measured[name] for name in names}


def _names(levels: Sequence[float]) -> tuple[str, ...]:
    ranges = tuple(f"{kind}-{level:g}" for level in levels for kind in ("coverage", "width"))
    return (*ERRORS[:6], "bias", *ERRORS[6:], *ranges)


def losses() -> Any:
    """The losses of utilsforecast; asked for before long work, so that their absence is told first.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import utilsforecast.losses
    except ImportError as e:
        raise MissingExtraError("Scoring forecasts", "train") from e
    return utilsforecast.losses


def _long_table(outcomes: Outcomes, by: str) -> pl.DataFrame:
    """One row per observed actual: its group, `y`, the median, every quantile, and both in units of the scale."""
    import polars as pl

    known = np.isfinite(outcomes.actual)
    series, window, step = np.nonzero(known)
    group = series * outcomes.actual.shape[1] + window if by == "origin" else step
    columns = {"unique_id": group, "y": outcomes.actual[known], _MODEL: outcomes.at(0.5)[known]}
    columns |= {f"q{i}": outcomes.values[..., i][known] for i in range(len(outcomes.quantiles))}
    return pl.DataFrame({**columns, "scale": outcomes.scale[series, window]})


def _point_measures(
    table: pl.DataFrame, shape: tuple[int, ...], names: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    import polars as pl

    loss = losses()

    def per_group(one: Callable[..., pl.DataFrame], rows: pl.DataFrame = table) -> NDArray[np.float64]:
        return _spread(one(rows, models=[_MODEL]), shape)

    scaled = table.filter(pl.col("scale") > 0).with_columns(pl.col("y", _MODEL) / pl.col("scale"))
    measures: dict[str, Callable[[], NDArray[np.float64]]] = {
        "mae": lambda: per_group(loss.mae),
        "rmse": lambda: per_group(loss.rmse),
        "mape": lambda: 100 * per_group(loss.mape, table.filter(pl.col("y") != 0)),
        "smape": lambda: 200 * per_group(loss.smape),
        "mase": lambda: per_group(loss.mae, scaled),
        "wape": lambda: 100 * per_group(loss.wape),
        "bias": lambda: per_group(loss.bias),
    }
    return {name: take() for name, take in measures.items() if name in names}


def _quantile_measures(
    table: pl.DataFrame, quantiles: Sequence[float], shape: tuple[int, ...]
) -> dict[str, NDArray[np.float64]]:
    loss = losses().quantile_loss
    each = np.stack([_spread(loss(table, models={_MODEL: f"q{i}"}, q=q), shape) for i, q in enumerate(quantiles)])
    return {"pinball": each.mean(axis=0), "crps": 2 * np.tensordot(crps_weights(quantiles), each, axes=1)}


def _interval_measures(
    table: pl.DataFrame, outcomes: Outcomes, shape: tuple[int, ...]
) -> dict[str, NDArray[np.float64]]:
    import polars as pl

    coverage, measured = losses().coverage, {}
    for level in outcomes.levels:
        low, _, high = levels_to_quantiles([level])
        bounds = [f"q{int(np.argmin(np.abs(np.array(outcomes.quantiles) - q)))}" for q in (low, high)]
        names = [f"{_MODEL}-lo-{level}", f"{_MODEL}-hi-{level}"]
        rows = table.select("unique_id", "y", *(pl.col(b).alias(n) for b, n in zip(bounds, names, strict=True)))
        measured[f"coverage-{level:g}"] = 100 * _spread(coverage(rows, models=[_MODEL], level=level), shape)
        width = rows.group_by("unique_id").agg((pl.col(names[1]) - pl.col(names[0])).mean().alias(_MODEL))
        measured[f"width-{level:g}"] = _spread(width, shape)
    return measured


def _spread(found: pl.DataFrame, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """One number per group to an array of all groups, NaN for those without a row."""
    everywhere = np.full(int(np.prod(shape)), np.nan)
    everywhere[found["unique_id"].to_numpy()] = found[_MODEL].to_numpy()
    return everywhere.reshape(shape)
