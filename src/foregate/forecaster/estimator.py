"""`Forecaster`, the estimator that people use: a thin face over the layers below."""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from foregate.core import (
    Forecast,
    Frequency,
    NotFittedError,
    Panel,
    Role,
    UsageError,
    asked,
    at_least,
    levels_to_quantiles,
)
from foregate.data import align_future, forecast_frame, paths_frame, read, regularize, require_freq, split_known_future
from foregate.forecaster.given import as_before, check_run, recipe_of, spread_weights, to_go_on, with_known
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.paths import simulate
from foregate.models.options import ModelOptions
from foregate.persistence import Artifact, load_shipped, require_size, save_model
from foregate.pipeline.instant import instant, untold
from foregate.pipeline.plan import plan_weights
from foregate.pipeline.recipe import Effort, Recipe
from foregate.pipeline.report import FitReport
from foregate.progress import progress_line
from foregate.streaming import Live
from foregate.training.events import Callback
from foregate.training.result import history_frame

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Forecaster"]

LIVE = "tiny"
"""The pretrained weights of a live forecaster, unless others are named: it answers every observation."""


class Forecaster:
    """The universal LSTM: pretrained, and trained on every origin of every series.

    Args:
        horizon: steps ahead that it learns to look; it can be asked for others.
        model: which network: the names of its parts joined by ``+``, such as ``"gru+stacked"`` or
            ``"seq2seq+additive+student-t"``, or `foregate.ModelOptions`; the universal LSTM when not given. See
            `docs/models.md`.
        freq: step between rows, as a pandas or polars offset or an integer; inferred when not given.
        season_length: one or two season lengths in steps, shortest first; () for none; found in the data if not given.
        effort: ``fast``, ``standard`` or ``best``: time for accuracy. ``instant``: nothing is trained, and forecasts
            can be asked for without `fit`, see `pretrained`.
        seed: same seed, same data, same machine: same forecaster, to the bit.
        options: any other field of `foregate.Recipe`, such as ``{"hidden": 64}``.
        verbose: show a progress line while fitting, if standard error is a terminal.

    Attributes:
        fitted_: the model itself, a `foregate.core.Model`.
        panel_: the regular panel that it was fitted on, which `predict` goes on from.
        future_: rows of a known future that stood behind that panel, if any; not saved with the model.
        report_: what happened while fitting.
        history_: the course of training, a row per validation check.

    Examples:
        >>> from foregate.data import generate
        >>> model = Forecaster(horizon=3, season_length=12, options={"steps": 2, "hidden": 8}).fit(generate(2, 60))
        >>> model.predict(level=[80]).columns
        ['unique_id', 'ds', 'LSTM', 'LSTM-lo-80', 'LSTM-hi-80']
    """

    def __init__(  # noqa: PLR0913 - all that people choose
        self,
        horizon: int,
        *,
        model: str | ModelOptions | None = None,
        freq: Frequency | str | int | None = None,
        season_length: int | Sequence[int] | None = None,
        effort: Effort = "standard",
        seed: int = 0,
        options: Mapping[str, Any] | None = None,
        verbose: bool = True,
    ) -> None:
        self.horizon, self.model, self.freq, self.season_length = horizon, model, freq, season_length
        self.effort, self.seed, self.options, self.verbose = effort, seed, options, verbose
        recipe = self._recipe()  # wrong arguments are told now, not after the data was read
        if recipe.weights is not None:
            require_size(recipe.weights)
        if freq is not None:
            Frequency.parse(freq)

    @classmethod
    def pretrained(
        cls,
        horizon: int,
        *,
        freq: Frequency | str | int | None = None,
        season_length: int | Sequence[int] | None = None,
        weights: str | None = None,
    ) -> Self:
        """A forecaster that is ready: it forecasts any series at once, without training and without torch.

        Each `predict(data)` finds the seasons of that data and calibrates intervals on its past. After `fit(data)`,
        which takes no longer, it goes on with these, and can be saved.

        Args:
            horizon: steps ahead.
            freq, season_length: see `Forecaster`.
            weights: ``tiny`` or ``base``, the size of the network; if not given, decided from the size of the data.

        Examples:
            >>> from foregate.data import generate
            >>> Forecaster.pretrained(horizon=3).predict(generate(2, 60), level=[80]).columns
            ['unique_id', 'ds', 'LSTM', 'LSTM-lo-80', 'LSTM-hi-80']
        """
        options = None if weights is None else {"weights": weights}
        return cls(horizon, freq=freq, season_length=season_length, effort="instant", options=options)

    def fit(  # noqa: PLR0913 - names of columns, and all that there is to say of one run
        self,
        data: Any,
        *,
        id_col: str | None = None,
        time_col: str | None = None,
        target_col: str | None = None,
        target_cols: Sequence[str] | None = None,
        covariates: Mapping[str, Role] | None = None,
        checkpoint: str | Path | None = None,
        callbacks: Sequence[Callback] = (),
        weights: Mapping[str, float] | Sequence[float] | None = None,
        warm: bool = False,
    ) -> Self:
        """Train on a panel, or on anything that `foregate.read` takes.

        Up to 400 steps ahead training begins with the pretrained weights, and what it makes of them is on held-out
        origins never worse than those: blended with them or given up where it brings nothing, as ``report_["notes"]``
        says. Beside it is one from scratch; further ahead all are. With effort ``instant`` nothing is trained: seasons
        are found and intervals calibrated.

        Gaps are made explicit as missing values, which is said there too; the network is told what is missing. The last
        origins of each series that can spare them are held out to choose weights and to calibrate intervals; training
        then goes on for a while with them included.

        Args:
            data: a panel, frame, path, address or database URL.
            id_col, time_col, target_col, target_cols, covariates: see `foregate.read`.
            checkpoint: folder for checkpoints; a run that was stopped goes on from there, to the same result.
            callbacks: functions that are told of every event of training, such as
                `foregate.training.loggers.CsvLogger`.
            weights: how much each series (by id, 1 if not named) or each row, series after series in order of time,
                counts in the loss.
            warm: train on with the weights of the fit before, its seasons and the scales of its covariates, instead of
                beginning anew.

        Raises:
            NotFittedError: a warm start of what was never fitted.
            DataError: the data has a problem; nothing was trained and what was fitted before stays.
            UsageError: something is asked of the training that the effort or a warm start does not do.
            MissingExtraError: torch is not installed, and the effort is not ``instant``.
        """
        recipe = self._recipe()
        check_run(recipe, warm=warm, weights=weights, callbacks=callbacks, checkpoint=checkpoint)
        given = read(
            data,
            id_col=id_col,
            time_col=time_col,
            target_col=target_col,
            target_cols=target_cols,
            covariates=covariates,
            freq=self.freq,
        )
        panel, ahead = split_known_future(require_freq(given))
        panel = regularize(panel)
        began = time.perf_counter()
        run: dict[str, Any] = {"callbacks": callbacks, "weights": spread_weights(weights, given, panel)}
        run |= {"checkpoint": Path(checkpoint)} if checkpoint is not None else {}
        run |= {"warm": to_go_on(self._fitted(), self._history(None)[0], panel)} if warm else {}
        fitted, report = self._made(recipe, panel, run)
        self.fitted_, self.panel_ = fitted, with_known(panel, fitted)
        self.future_ = ahead if fitted.reads_future else None
        self.report_: dict[str, Any] = {**report.facts(), "seconds": round(time.perf_counter() - began, 2)}
        return self

    def forecast(
        self,
        data: Any = None,
        *,
        level: Sequence[float] | float | None = None,
        quantiles: Sequence[float] | float | None = None,
        horizon: int | None = None,
        future: Any = None,
    ) -> Forecast:
        """Like `predict`, as arrays: a `foregate.Forecast` of (S, K, Q) values that hold the median and what was asked.

        Raises:
            NotFittedError: call `fit` first.
            DataError: the data has a problem, or known-future covariates miss a step.
        """
        levels, wanted = asked(level, quantiles)
        return self._answer(data, {*levels_to_quantiles(levels), *wanted}, horizon, future)[0]

    def predict(
        self,
        data: Any = None,
        *,
        level: Sequence[float] | float | None = None,
        quantiles: Sequence[float] | float | None = None,
        horizon: int | None = None,
        future: Any = None,
    ) -> Any:
        """Forecast the steps after the last row of every series.

        Args:
            data: other series, or the same ones with newer rows, in the columns that the model was fitted on; None for
                the panel it was fitted on. Nothing is fitted anew. A pretrained forecaster that was not fitted takes
                any data.
            level: percentages of central intervals, such as [80, 95].
            quantiles: probabilities, instead of `level`.
            horizon: steps ahead; the one it was fitted for when not given.
            future: known-future covariates of those steps, as anything `foregate.read` takes. Rows of `data` with an
                empty target at the end serve as well.

        Returns:
            A frame of the kind that came in, or of polars where that library is not installed: id, time, ``LSTM``
            (the median), and a column per bound or quantile. With several targets, these columns for each target, under
            its name: ``load``, ``load-lo-80``, ``load-hi-80``, ``price``, …
        """
        levels, wanted = asked(level, quantiles)
        said, panel, name = self._answer(data, {*levels_to_quantiles(levels), *wanted}, horizon, future)
        return forecast_frame(said, panel.spec, name=name, levels=levels, quantiles=wanted)

    def simulate(
        self,
        data: Any = None,
        *,
        n: int = 100,
        horizon: int | None = None,
        future: Any = None,
        seed: int = 0,
    ) -> Any:
        """Whole futures of every series: what a sum, a maximum or the first time of something is read from.

        At every step the futures of a series lie where its forecast says, intervals included; from step to step they
        wander as errors did on held-out origins, or as a recursive model has drawn them. Those of different series are
        drawn independently.

        Args:
            data, horizon, future: see `predict`.
            n: futures of each series.
            seed: same seed, same futures; a whole number from 0 on.

        Returns:
            A frame of the kind that came in: id, time, ``sample_id`` from 0 to n - 1, and ``LSTM``, the value.

        Examples:
            >>> from foregate.data import generate
            >>> Forecaster.pretrained(horizon=3).fit(generate(2, 60)).simulate(n=5).shape
            (30, 4)
        """
        at_least(0, seed=seed)
        if self.effort == "instant" and data is not None and not hasattr(self, "fitted_"):
            return Forecaster(**self.get_params()).fit(data).simulate(n=n, horizon=horizon, future=future, seed=seed)
        panel, rows = self._history(data)
        aligned, steps = self._aligned(panel, rows if future is None else future, horizon)
        values = simulate(self.fitted_, panel, steps, n, seed, aligned)
        return paths_frame(values, panel.ids, panel.future_times(steps), panel.spec, name=self.fitted_.name)

    def live(self, data: Any = None, *, allow_late: int = 0) -> Live:
        """A live forecaster, which reads each new observation once; see `foregate.streaming.live`.

        It goes on from `data`, or from what the model was fitted on; so many of the last rows may still be changed. One
        of effort ``instant`` may start from nothing, with its seasons or those usual for its frequency. If not fitted,
        it uses the quicker of the pretrained networks, unless another was named.

        Examples:
            >>> Forecaster.pretrained(horizon=2).live().update({"unique_id": "a", "ds": 1, "y": 2.5}).new
            ('a',)
        """
        if self.effort != "instant" or hasattr(self, "fitted_"):
            panel, ahead = self._history(data)
            live = Live.start(self._fitted(), panel, allow_late=allow_late)
            if ahead is not None:
                live.announce(ahead)
            return live
        if data is not None:
            quick = {"options": {"weights": LIVE, **(self.options or {})}}
            return Forecaster(**(self.get_params() | quick)).fit(data).live(allow_late=allow_late)
        recipe, freq = self._recipe(), Frequency.parse(self.freq or 1)
        live = Live(untold(recipe, freq, load_shipped(recipe.weights or LIVE)), freq=freq)
        live.allow_late(allow_late)
        return live

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the model to a folder: safetensors, JSON and ONNX, no pickle. All of it, or nothing.

        Raises:
            NotFittedError: call `fit` first.
            ArtifactError: the folder exists and `overwrite` is not set, or it is not a model.
        """
        save_model(Path(path), Artifact(self._fitted(), self._recipe(), self.panel_, self.report_), overwrite=overwrite)

    @property
    def history_(self) -> pl.DataFrame:
        """The course of training as a polars frame, a row per validation check; no rows where nothing was trained.

        Of several networks that of the best; `foregate.training.loggers.CsvLogger` has all. Columns: step, loss
        (training, since the check before), score (validation), rate, gradient_norm (before it was limited).

        Raises:
            NotFittedError: call `fit` first.
        """
        self._fitted()
        return history_frame(self.report_["history"])

    def get_params(self, *, deep: bool = True) -> dict[str, Any]:
        """The arguments it was made with, by name, as scikit-learn does."""
        return {name: getattr(self, name) for name in _parameters()}

    def set_params(self, **params: Any) -> Self:
        """Change arguments by name; takes effect at the next `fit`."""
        unknown = sorted(set(params) - set(_parameters()))
        if unknown:
            raise UsageError(f"parameters must be among {', '.join(_parameters())}, but got {', '.join(unknown)}.")
        changed = Forecaster(**(self.get_params() | params))
        for name in params:
            setattr(self, name, getattr(changed, name))
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(Forecaster).parameters
        shown = [f"{n}={v!r}" for n, v in self.get_params().items() if repr(v) != repr(defaults[n].default)]
        return f"Forecaster({', '.join(shown)})"

    def _recipe(self) -> Recipe:
        own = {name: getattr(self, name) for name in ("horizon", "model", "season_length", "effort", "seed")}
        return recipe_of(self.options, **own)

    def _made(self, recipe: Recipe, panel: Panel, run: dict[str, Any]) -> tuple[Fitted, FitReport]:
        """A fitted model of a regular panel."""
        start = load_shipped(plan_weights(recipe, panel)) if recipe.start == "pretrained" else None
        if start is not None and recipe.effort == "instant":
            return instant(recipe, panel, start)
        from foregate.pipeline.fit import fit

        with progress_line(shown=self.verbose) as line:
            return fit(recipe, panel, start=start, **(run | {"callbacks": (*line, *run["callbacks"])}))

    def _answer(self, data: Any, sides: set[float], horizon: int | None, future: Any) -> tuple[Forecast, Panel, str]:
        """The quantiles `sides` of what comes after the data, what that was read as, and the name of the model."""
        if self.effort == "instant" and data is not None and not hasattr(self, "fitted_"):
            own = Forecaster(**(self.get_params() | ({} if horizon is None else {"horizon": horizon}))).fit(data)
            said, panel, name = own._answer(None, sides, horizon, future)
            return replace(said, notes=tuple(dict.fromkeys([*own.report_["notes"], *said.notes]))), panel, name
        panel, rows = self._history(data)
        return self._say(panel, rows if future is None else future, sides, horizon), panel, self.fitted_.name

    def _fitted(self) -> Fitted:
        if not hasattr(self, "fitted_"):
            raise NotFittedError("the forecaster must be fitted first, but got none. Call fit(data), or load a model.")
        return self.fitted_

    def _say(self, panel: Panel, future: Any, sides: set[float], horizon: int | None) -> Forecast:
        """The quantiles `sides` of the steps after a regular panel."""
        known, steps = self._aligned(panel, future, horizon)
        before = self._fitted()
        fitted = before.having_read(panel) if panel is self.panel_ else before  # once, however often it is forecast
        if self.fitted_ is before:  # no other thread has fitted meanwhile
            self.fitted_ = fitted
        forecast = fitted.forecast(panel, steps, sorted(sides), known)
        return replace(forecast, notes=(*forecast.notes, *getattr(known, "notes", ())))

    def _aligned(self, panel: Panel, future: Any, horizon: int | None) -> tuple[Any, int]:
        """The known future of a regular panel, as far as the model reads one, and how many steps are asked for."""
        fitted = self._fitted()
        steps = self.horizon if horizon is None else replace(self._recipe(), horizon=horizon).horizon
        if fitted.reads_future:
            future = align_future(panel, future, steps)
        elif future is not None:
            raise UsageError(
                "future must only be given to a model with known-future covariates, but got some for a model without. "
                'Fit with covariates={"name": "future"} to use them.'
            )
        return future, steps

    def _history(self, data: Any) -> tuple[Panel, Panel | None]:
        """The regular panel to go on from, and the rows of a known future that stood behind it."""
        fitted = self._fitted()
        if data is None:
            return self.panel_, self.future_
        panel, rows = split_known_future(as_before(data, self.panel_, fitted))
        return regularize(panel), rows if fitted.reads_future else None


def _parameters() -> tuple[str, ...]:
    return tuple(inspect.signature(Forecaster).parameters)
