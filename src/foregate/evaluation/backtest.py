"""Forecast the past as if it were the future, and keep what was said beside what came.

A window has an origin o in each series, the last row that may be known, aligned to the end of the series. Its targets
are the rows o + gap + 1 to o + gap + horizon. A model is fitted on a panel in which later rows do not exist, nor those
before the window's training part where that is not everything: see `foregate.evaluation.Plan.scheme`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import FrameSpec, Model, Panel, Times, UsageError, at_least, listed
from foregate.data import regularize
from foregate.data.frames import native_frame, quantile_columns, series_keys, time_column
from foregate.evaluation.metrics import Outcomes, mase_scale
from foregate.evaluation.plan import Plan, lay_out
from foregate.evaluation.rolling import Contender, Seconds
from foregate.evaluation.workers import carry_out

__all__ = ["Backtest", "backtest"]


@dataclass(frozen=True)
class Backtest:
    """Forecasts of S series at W origins by some models, and what came."""

    ids: NDArray[np.str_]
    """(S,)"""
    origins: NDArray[np.int64]
    """(S, W) last known row of each series, oldest window first; -1 where the series is too short for the window."""
    begins: NDArray[np.int64]
    """(S, W) first row that was known; -1 where the series is too short for the window."""
    cutoffs: Times
    """(S, W) time of that row; not to be read where there is no origin."""
    times: Times
    """(S, W, K) time of each target; not to be read where there is no origin."""
    actual: NDArray[np.float64]
    """(S, W, K) what came; NaN where it is missing or there is no origin."""
    forecasts: Mapping[str, NDArray[np.float64]]
    """model -> (S, W, K, Q); NaN where there is no origin."""
    seconds: Mapping[str, Seconds]
    """model -> time taken."""
    scale: NDArray[np.float64]
    """(S, W) what MASE divides by, from the rows known at each origin."""
    season: int
    """Steps of the season of `scale`."""
    plan: Plan
    spec: FrameSpec
    """What the table looked like that the series came from."""
    seen: frozenset[str] = frozenset()
    """Models that were given fitted, and so may know the test windows."""
    notes: tuple[str, ...] = ()
    """What the reader should know: series and windows left out, fallbacks, models that may have seen the answers."""

    @property
    def models(self) -> tuple[str, ...]:
        """Names, in the order given."""
        return tuple(self.forecasts)

    def outcomes(self, model: str) -> Outcomes:
        """What one model said and what came, ready to be measured."""
        if model not in self.forecasts:
            raise UsageError(f"model must be one of {listed(self.models)}, but got {model!r}.")
        plan = self.plan
        return Outcomes(self.actual, self.forecasts[model], plan.all_quantiles, self.scale, plan.levels)

    def frame(self) -> Any:
        """A long table, in the kind of frame that the series came in: one row per series, window and step.

        Columns: id, ``target`` if there are several, time, ``cutoff``, the actual value, and for each model its median
        under its name and the bounds of its intervals, such as ``LSTM``, ``LSTM-lo-80`` and ``LSTM-hi-80``.
        """
        present = np.broadcast_to(self.origins[..., None] >= 0, self.actual.shape)
        series, window, _ = np.nonzero(present)
        columns: dict[str, Any] = series_keys(self.ids[series], self.spec)
        columns[self.spec.time_col] = time_column(self.times[present], self.spec)
        columns["cutoff"] = time_column(self.cutoffs[series, window], self.spec)
        columns[self.spec.target_col] = self.actual[present]
        for name in self.models:
            said = quantile_columns(self.outcomes(name).at, name, levels=self.plan.levels)
            columns |= {column: values[present] for column, values in said.items()}
        return native_frame(columns, self.spec)


def backtest(models: Contender | Mapping[str, Contender], panel: Panel, plan: Plan, *, processes: int = 1) -> Backtest:
    """Forecast windows of the past with each model.

    A fit function is called on a panel cut at the origin of the first window that it serves, with the series that have
    that origin. The model it returns forecasts from each origin until the next fit: in one pass if it is an
    `OriginModel` and all earlier rows may be known, else from a panel of what may be known. Known-future covariates of
    the targets come from the panel.

    Args:
        models: a fit function, a model, or several by name. Without a name, a model goes by its own. A model is used
            as it is and never refitted; unless it is a baseline, the result says that it may have seen the answers.
        panel: the series; gaps are made explicit first, and said so.
        plan: the windows, and what to ask.
        processes: how many fits may go on at once, each in a process of its own, with the same result as one. Fit
            functions must then be such that another process can import them, as those of `baseline` are.

    Raises:
        UsageError: there is no model among `models`, or a fit function cannot be sent to another process.
        DataError: no series is long enough for one window.
        ModelError: a model returned something else than finite, ascending quantiles of the steps asked for.

    Examples:
        >>> from foregate.evaluation import Drift
        >>> ramp = Panel.from_arrays([np.arange(20.0)])
        >>> result = backtest(Drift(), ramp, Plan(horizon=2, n_windows=2))
        >>> result.actual, result.outcomes("Drift").at(0.5)
        (array([[[16., 17.],
                [18., 19.]]]), array([[[16., 17.],
                [18., 19.]]]))
    """
    at_least(1, processes=processes)
    contenders = _contenders(models)
    regular = regularize(panel)
    added = regular.notes[len(panel.notes) :]
    course, notes = lay_out(regular, plan)
    runs = carry_out(contenders, course, processes)
    present = course.origins >= 0
    rows = course.target_rows
    known = present[..., None] & course.panel.mask[rows]
    season = plan.season_of(course.panel)
    return Backtest(
        ids=course.panel.ids,
        origins=course.origins,
        cutoffs=course.panel.times[course.origin_rows],
        times=course.panel.times[rows],
        actual=np.where(known, course.panel.values[rows].astype(np.float64), np.nan),
        forecasts={one.name: one.values for one in runs},
        seconds={one.name: one.seconds for one in runs},
        scale=mase_scale(course.panel, course.origins, season, course.begins),
        begins=course.begins,
        season=season,
        plan=plan,
        spec=panel.spec,
        seen=frozenset(one.name for one in runs if one.seen),
        notes=(*added, *notes, *dict.fromkeys(note for one in runs for note in one.notes)),
    )


def _contenders(models: Contender | Mapping[str, Contender]) -> list[tuple[str | None, Contender]]:
    given: list[tuple[str | None, Contender]] = [*models.items()] if isinstance(models, Mapping) else [(None, models)]
    for _, contender in given:
        if isinstance(contender, type) or not (callable(contender) or isinstance(contender, Model)):
            raise UsageError(
                f"models must be fit functions or models, by name if there are several, but got {contender!r}. "
                'Give for example {"SeasonalNaive": baseline("SeasonalNaive", season=7)}.'
            )
    if not given:
        raise UsageError("models must hold at least one model, but got none.")
    return given
