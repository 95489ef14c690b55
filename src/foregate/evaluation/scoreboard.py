"""Which model was better, by how much, and where: the models of a backtest beside one another."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from foregate.core import FrameSpec, Times, UsageError, listed
from foregate.data.frames import native_frame, series_keys, time_column
from foregate.data.targets import group_targets
from foregate.evaluation.backtest import Backtest
from foregate.evaluation.metrics import ERRORS, measure
from foregate.evaluation.rolling import Seconds

if TYPE_CHECKING:
    import polars as pl

__all__ = ["REFERENCE", "Part", "Score", "Scoreboard", "scoreboard"]

Part: TypeAlias = Literal["model", "step", "series", "origin", "forecast", "target"]
"""What has a row of its own in a table of the scoreboard, for each model."""

REFERENCE = "SeasonalNaive"
"""The model that skill is measured against."""
ROUNDING = 1e-6
"""Errors that differ by less than this share of them are level: float32 says no more."""


@dataclass(frozen=True)
class Score:
    """One model's line on the scoreboard. Measures and their units: `foregate.evaluation.metrics`."""

    model: str
    overall: Mapping[str, float]
    """measure -> its mean over all series and origins where it is defined."""
    skill: Mapping[str, float]
    """error measure -> 1 - error / error of `SeasonalNaive`: 0.1 is a tenth better. Empty where that was not run."""
    by_step: Mapping[str, NDArray[np.float64]]
    """measure -> (K,) over all forecasts, for each step ahead."""
    by_series: Mapping[str, NDArray[np.float64]]
    """measure -> (S,) mean over the origins of each series."""
    by_origin: Mapping[str, NDArray[np.float64]]
    """measure -> (W,) mean over the series at each origin, oldest first."""
    by_forecast: Mapping[str, NDArray[np.float64]]
    """measure -> (S, W) of each forecast."""
    seconds: Seconds
    seen: bool
    """Whether the model was given fitted and may know the answers."""


@dataclass(frozen=True)
class Scoreboard:
    """The models of a backtest, in the order given."""

    scores: tuple[Score, ...]
    ids: NDArray[np.str_]
    """(S,) the series, in the order of `Score.by_series`."""
    n_windows: int
    """W, origins of a series that is long enough for all."""
    n_forecasts: int
    """Forecasts scored of each model: series times origins, without those that a series is too short for."""
    season: int
    """Steps of the season of MASE."""
    cutoffs: Times
    """(S, W) time of each origin; not to be read where `present` is False."""
    present: NDArray[np.bool_]
    """(S, W) where there is a forecast."""
    spec: FrameSpec
    """What the table looked like that the series came in."""
    notes: tuple[str, ...] = ()
    """What the reader should know, from the backtest and from the scoring."""
    targets: tuple[str, ...] = ()
    """S names, the target of each series; empty where there is one target."""

    def __getitem__(self, model: str) -> Score:
        """The line of one model."""
        found = [score for score in self.scores if score.model == model]
        if not found:
            names = listed(score.model for score in self.scores)
            raise UsageError(f"model must be one of {names}, but got {model!r}. Include it in the backtest.")
        return found[0]

    def to_rows(self) -> list[dict[str, Any]]:
        """One flat row per model, for a table: measures, skills, what they were taken over, and time taken."""
        return [
            {
                "model": score.model,
                **score.overall,
                **{f"skill-{name}": value for name, value in score.skill.items()},
                "n_series": len(self.ids),
                "n_windows": self.n_windows,
                "n_forecasts": self.n_forecasts,
                "fit_seconds": score.seconds.fit,
                "predict_seconds": score.seconds.predict,
            }
            for score in self.scores
        ]

    def step_rows(self) -> list[dict[str, Any]]:
        """One flat row per model and step ahead, counted from 1."""
        return [
            {"model": score.model, "step": k + 1, **{name: float(v[k]) for name, v in score.by_step.items()}}
            for score in self.scores
            for k in range(len(score.by_step["mae"]))
        ]

    def frame(self, by: Part = "model") -> pl.DataFrame:
        """Every measure of every model, as a table.

        Args:
            by: what has a row, for each model: ``model``: all forecasts together, with skills and times taken.
                ``step``: each step ahead, from 1. ``series``. ``origin``: each window, oldest first, with the first and
                last cutoff of its series, which differ where series end at different times. ``forecast``: each series
                at each origin. ``target``: each of several targets.

        Examples:
            >>> from foregate.core import Panel
            >>> from foregate.evaluation import Drift, Plan, backtest
            >>> ramps = Panel.from_arrays([np.arange(20.0), np.arange(30.0)], ids=["a", "b"])
            >>> board = scoreboard(backtest(Drift(), ramps, Plan(horizon=3, n_windows=2)))
            >>> board.frame("series").select("model", "unique_id", "mae").rows()
            [('Drift', 'a', 0.0), ('Drift', 'b', 0.0)]
        """
        if by not in get_args(Part):
            raise UsageError(f"by must be one of {', '.join(get_args(Part))}, but got {by!r}.")
        import polars as pl

        if by in ("model", "target"):
            rows = self.to_rows() if by == "model" else self.target_rows()
            return pl.DataFrame(rows, infer_schema_length=None).fill_nan(None)
        keys, spec = self._keys(by), replace(self.spec, kind="polars")
        where = self.present if by == "forecast" else ...
        found = [{m: v[where] for m, v in getattr(score, f"by_{by}").items()} for score in self.scores]
        named = [
            {"model": np.repeat(score.model, len(values["mae"])), **keys, **values}
            for score, values in zip(self.scores, found, strict=True)
        ]
        frames: list[pl.DataFrame] = [native_frame(columns, spec) for columns in named]
        return pl.concat(frames)

    def _keys(self, by: Part) -> dict[str, Any]:
        """The columns that say what a row of one model is about."""
        series, window = np.nonzero(self.present)
        if by == "step":
            return {"step": np.arange(1, len(self.scores[0].by_step["mae"]) + 1)}
        if by == "series":
            return series_keys(self.ids, self.spec)
        if by == "forecast":
            cutoff = time_column(self.cutoffs[series, window], self.spec)
            return series_keys(self.ids[series], self.spec) | {"window": window + 1, "cutoff": cutoff}
        each = [self.cutoffs[self.present[:, w], w] for w in range(self.n_windows)]
        ends = {f"{side}_cutoff": np.array([f(times) for times in each]) for side, f in (("first", min), ("last", max))}
        columns = {name: time_column(times, self.spec) for name, times in ends.items()}
        return {"window": np.arange(1, self.n_windows + 1), **columns, "n_forecasts": self.present.sum(axis=0)}

    def target_rows(self) -> list[dict[str, Any]]:
        """One flat row per model and target: measures over its series and their origins; none where there is one."""
        which = np.array(self.targets, np.str_)
        return [
            {"model": score.model, "target": name, **{m: _mean(v[which == name]) for m, v in score.by_series.items()}}
            for score in self.scores
            for name in dict.fromkeys(self.targets)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Everything but the single series, ready for JSON: what is not defined is None."""
        by_target = [_json(row) for row in self.target_rows()]
        return {
            **({"by_target": by_target} if by_target else {}),
            "models": [_json(row) for row in self.to_rows()],
            "by_step": [_json(row) for row in self.step_rows()],
            "n_series": len(self.ids),
            "n_windows": self.n_windows,
            "n_forecasts": self.n_forecasts,
            "season": self.season,
            "notes": list(self.notes),
        }

    def verdict(self, model: str = "LSTM", against: str = REFERENCE, measure: str = "mase") -> str:
        """One plain sentence: does the model beat the other, and by how much.

        Args:
            model: whose side the sentence takes.
            against: the other.
            measure: an error measure; where it is defined nowhere, the mean absolute error is used.

        Raises:
            UsageError: a model was not in the backtest, or the measure is no error.
        """
        if measure not in ERRORS:
            raise UsageError(f"measure must be one of {', '.join(ERRORS)}, but got {measure!r}.")
        ours, theirs = self[model], self[against]
        if not (np.isfinite(ours.overall[measure]) and np.isfinite(theirs.overall[measure])):
            measure = "mae"
        mine, other = ours.overall[measure], theirs.overall[measure]
        if not (np.isfinite(mine) and np.isfinite(other)):
            return f"{model} and {against} cannot be compared: no value of the held-out origins was observed."
        label, (a, b) = _LABELS.get(measure, measure.upper()), _figures(mine, other)
        origins = f"{self.n_windows} held-out origin{'s' * (self.n_windows > 1)}"
        where = f"on {origins} of {len(self.ids)} series" if len(self.ids) > 1 else f"on {origins} of one series"
        if math.isclose(mine, other, rel_tol=ROUNDING):
            return f"{model} and {against} are level on {label}: {a}, {where}."
        change = f" ({_percent(abs(1 - mine / other))} {'lower' if mine < other else 'higher'})" if other else ""
        verb = "beats" if mine < other else "loses to"
        caution = f" But {model} was given fitted and may have seen these origins." if ours.seen else ""
        return f"{model} {verb} {against} on {label}: {a} against {b}{change}, {where}.{caution}"


_MIXED = "Errors in units of the data are means over targets of different units: compare MASE, or look at each target."
_LABELS = {"smape": "sMAPE", "pinball": "pinball loss"}


def scoreboard(backtest: Backtest) -> Scoreboard:
    """Measure every model of a backtest: overall, by step ahead, by series, and against `SeasonalNaive`.

    A measure is taken over the steps of each forecast, then averaged over all forecasts where it is defined, so that
    every series and origin weighs the same. By step it is taken over all forecasts at once.

    Raises:
        MissingExtraError: utilsforecast is not installed.

    Examples:
        >>> from foregate.core import Panel
        >>> from foregate.evaluation import Drift, Plan, SeasonalNaive, backtest
        >>> ramp = Panel.from_arrays([np.arange(20.0)])
        >>> board = scoreboard(backtest({"Drift": Drift(), "SeasonalNaive": SeasonalNaive(1)}, ramp, Plan(horizon=3)))
        >>> board.verdict("Drift")
        'Drift beats SeasonalNaive on MASE: 0 against 2 (100 % lower), on 1 held-out origin of one series.'
    """
    if not isinstance(backtest, Backtest):
        raise UsageError(
            f"backtest must be a Backtest, but got a value of type {type(backtest).__name__}. "
            "Make one: backtest(model, panel)."
        )
    n_forecasts = int(np.sum(backtest.origins >= 0))
    at_origins = {name: measure(backtest.outcomes(name)) for name in backtest.models}
    overall = {name: {m: _mean(v) for m, v in found.items()} for name, found in at_origins.items()}
    reference = overall.get(REFERENCE, {})
    scores = tuple(
        Score(
            model=name,
            overall=overall[name],
            skill={m: _skill(overall[name][m], reference[m]) for m in ERRORS if m in reference},
            by_step=measure(backtest.outcomes(name), by="step"),
            by_series={m: _mean_over_origins(v) for m, v in at_origins[name].items()},
            by_origin={m: _mean_over_origins(v.T) for m, v in at_origins[name].items()},
            by_forecast=at_origins[name],
            seconds=backtest.seconds[name],
            seen=name in backtest.seen,
        )
        for name in backtest.models
    )
    unscaled = int(np.sum(~(backtest.scale > 0) & (backtest.origins >= 0)))
    spec, names = backtest.spec, backtest.spec.target_cols
    targets = tuple(names[i] for i in group_targets(backtest.ids, spec)[2]) if names else ()
    notes = (f"MASE leaves out {unscaled} of {n_forecasts} forecasts: nothing had changed over a season before.",)
    return Scoreboard(
        scores=scores,
        ids=backtest.ids,
        n_windows=backtest.origins.shape[1],
        n_forecasts=n_forecasts,
        season=backtest.season,
        cutoffs=backtest.cutoffs,
        present=backtest.origins >= 0,
        spec=spec,
        notes=backtest.notes + notes * bool(unscaled) + (_MIXED,) * bool(targets),
        targets=targets,
    )


def _mean(values: NDArray[np.float64]) -> float:
    return float(_mean_over_origins(values.reshape(1, -1))[0])


def _mean_over_origins(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(S, W) to (S,): the mean of what is defined, NaN where nothing is."""
    defined = np.isfinite(values)
    total = np.where(defined, values, 0).sum(axis=1)
    return np.where(defined.any(axis=1), total / np.maximum(defined.sum(axis=1), 1), np.nan)


def _skill(error: float, reference: float) -> float:
    return 1 - error / reference if reference else float("nan")


def _figures(a: float, b: float) -> tuple[str, str]:
    """Both numbers to three significant digits, or to as many as it takes to tell them apart."""
    for digits in range(3, 12):
        said = f"{a:.{digits}g}", f"{b:.{digits}g}"
        if said[0] != said[1] or a == b:
            break
    return said


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.1g} %"


def _json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: None if isinstance(v, float) and not np.isfinite(v) else v for name, v in row.items()}
