"""Other libraries' forecasters behind the same protocol: AutoETS, AutoTheta and AutoARIMA, and Prophet.

They are local: each series is estimated anew, alone, on all that is known when it is forecast, in one process. What
they cannot do is done here and noted in the forecast: missing values inside a series are filled in on a straight line
(statsforecast's models refuse them or test for seasons badly with them; Prophet does without), those at its ends are
left out, and a series on which the library fails is forecast by `SeasonalNaive`. Covariates are not read.

Sources: Hyndman et al., "Forecasting with Exponential Smoothing" (2008); Fiorucci et al., "Models for optimising the
theta method" (2016); Hyndman and Khandakar, "Automatic time series forecasting" (2008); Taylor and Letham, "Forecasting
at scale" (2018).
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import Fit, Forecast, FrameSpec, Future, MissingExtraError, Model, Panel, Times, UsageError, listed
from foregate.data.frames import native_frame
from foregate.evaluation.baselines import Drift, Naive, SeasonalNaive

__all__ = ["BASELINES", "LIBRARIES", "Statistical", "baseline", "statistical"]

_STATSFORECAST = ("AutoETS", "AutoTheta", "AutoARIMA")
LIBRARIES = (*_STATSFORECAST, "Prophet")
"""Names of the baselines that come from other libraries."""
_BUILT_IN: dict[str, Callable[[int], Model]] = {
    "Naive": lambda season: Naive(),
    "SeasonalNaive": SeasonalNaive,
    "Drift": lambda season: Drift(),
}
BASELINES = (*_BUILT_IN, *LIBRARIES)
"""Names that `baseline` knows."""

_EPOCH = np.datetime64("2000-01-01", "us")
_SEED = 0


def baseline(name: str, *, season: int, besides: Sequence[str] = ()) -> Fit:
    """The fit function of a baseline, for `backtest`.

    Args:
        name: one of `BASELINES`.
        season: length of the season in steps; 1 for none.
        besides: names that the caller knows itself, to be told with the others.

    Raises:
        UsageError: the name is unknown.
        MissingExtraError: its library is not installed.

    Examples:
        >>> panel = Panel.from_arrays([np.array([1.0, 2.0, 1.0, 2.0])])
        >>> baseline("SeasonalNaive", season=2)(panel).forecast(panel, 2, [0.5]).median
        array([[1., 2.]])
    """
    if name in _BUILT_IN:
        return Ready(_BUILT_IN[name](season))
    if name in LIBRARIES:
        return statistical(name, season)
    raise UsageError(f"baseline must be one of {', '.join([*besides, *BASELINES])}, but got {name!r}.")


def statistical(name: str, season: int) -> Fit:
    """The fit function of AutoETS, AutoTheta, AutoARIMA or Prophet.

    Raises:
        UsageError: the name is none of these, or the season is impossible.
        MissingExtraError: the library is not installed.
    """
    if name not in LIBRARIES:
        raise UsageError(f"name must be one of {', '.join(LIBRARIES)}, but got {name!r}.")
    if season < 1:
        raise UsageError(f"season must be a length of at least 1 step, but got {season}. Give 1 for no season.")
    _library(name)
    return Ready(Statistical(name, season))


@dataclass(frozen=True)
class Ready:
    """The fit function of a model that has nothing to be fitted; other processes can be sent it."""

    model: Model

    def __call__(self, panel: Panel) -> Model:
        """The model, whatever the panel."""
        return self.model


@dataclass(frozen=True)
class Statistical:
    """A forecaster of another library as a `Model`."""

    name: str
    season: int
    """Length of the season in steps, at least 1."""

    def forecast(
        self, panel: Panel, horizon: int, quantiles: Sequence[float], future: Future | None = None
    ) -> Forecast:
        """Estimate and forecast every series of a regular panel, one after the other."""
        simple = SeasonalNaive(self.season).forecast(panel, horizon, quantiles)
        values, filled, failed = simple.values.copy(), [], {}
        run = _prophet if self.name == "Prophet" else _statsforecast
        with _silence():
            for i in range(len(panel)):
                history = _History.of(panel, i, simple.times[i])
                try:
                    values[i] = _ordered(run(self, history, quantiles), quantiles)
                except Exception as e:  # whatever the library stumbles over, the other series go on
                    failed[i] = f"{type(e).__name__}: {e}"
                else:
                    filled += [i] if self.name != "Prophet" and np.isnan(history.values).any() else []
        return Forecast(
            simple.ids, simple.times, simple.cutoffs, simple.quantiles, values, self._notes(panel, filled, failed)
        )

    def _notes(self, panel: Panel, filled: list[int], failed: dict[int, str]) -> tuple[str, ...]:
        notes = []
        if filled:
            notes.append(
                f"{self.name}: missing values in {len(filled)} of {len(panel)} series were filled in on a straight "
                f"line ({listed(panel.ids[filled])})."
            )
        if failed:
            notes.append(
                f"{self.name} failed on {len(failed)} of {len(panel)} series and SeasonalNaive stood in "
                f"({listed(panel.ids[list(failed)])}); the first said {next(iter(failed.values()))}."
            )
        return tuple(notes)


@dataclass(frozen=True)
class _History:
    """One series from its first to its last observation, and what is asked of it."""

    values: NDArray[np.float64]
    """NaN where missing, never at the ends."""
    times: Times
    ahead: Times
    """(K,) times to forecast."""
    age: int
    """Steps from the last observation to the end of the series."""

    @classmethod
    def of(cls, panel: Panel, i: int, ahead: Times) -> _History:
        values = panel.series(i)
        observed = np.flatnonzero(~np.isnan(values))
        first, last = (int(observed[0]), int(observed[-1])) if len(observed) else (0, -1)
        times = panel.times[panel.offsets[i] :][first : last + 1]
        return cls(values[first : last + 1], times, ahead, len(values) - 1 - last)


def _statsforecast(model: Statistical, history: _History, quantiles: Sequence[float]) -> NDArray[np.float64]:
    rows, known = np.arange(len(history.values)), ~np.isnan(history.values)
    values = np.interp(rows, rows[known], history.values[known])
    level = {q: round(abs(2 * q - 1) * 100, 10) for q in quantiles}
    said = _library(model.name)(season_length=model.season).forecast(
        y=values, h=history.age + len(history.ahead), level=sorted(set(level.values()) - {0}) or None
    )
    columns = ["mean" if q == 0.5 else f"{'lo' if q < 0.5 else 'hi'}-{level[q]}" for q in quantiles]
    return np.stack([np.asarray(said[column], np.float64) for column in columns], axis=-1)[history.age :]


def _prophet(model: Statistical, history: _History, quantiles: Sequence[float]) -> NDArray[np.float64]:
    """Seasons by the calendar as Prophet chooses them; where time is counted, a step is a day and the season given."""
    times, ahead, values = history.times, history.ahead, history.values
    counted = times.dtype.kind != "M"
    by_calendar = ("yearly_seasonality", "weekly_seasonality", "daily_seasonality") if counted else ()
    prophet = _library("Prophet")(uncertainty_samples=500, **dict.fromkeys(by_calendar, False))
    if counted:
        days = _EPOCH + np.arange(len(values) + history.age + len(ahead)) * np.timedelta64(1, "D")
        times, ahead = days[: len(values)], days[-len(ahead) :]
        if model.season > 1:
            prophet.add_seasonality("season", period=model.season, fourier_order=min(10, model.season // 2))
    prophet.fit(_pandas(ds=times, y=values), seed=_SEED)
    steps = _pandas(ds=ahead)
    with _numpy_seed():
        drawn = prophet.predictive_samples(steps)["yhat"]
        middle = prophet.predict(steps)["yhat"].to_numpy()
    return np.stack([middle if q == 0.5 else np.quantile(drawn, q, axis=1) for q in quantiles], axis=-1)


def _pandas(**columns: NDArray[Any]) -> Any:
    return native_frame(columns, FrameSpec(kind="pandas"))


def _ordered(values: NDArray[np.float64], quantiles: Sequence[float]) -> NDArray[np.float64]:
    """(K, Q) with the point forecast kept and each quantile no nearer to it than the one before, seen from there."""
    if not np.all(np.isfinite(values)):
        raise ArithmeticError("the forecast is not finite")
    below = np.array(quantiles) <= 0.5
    low, high = values[:, below], values[:, ~below]
    low = np.minimum.accumulate(low[:, ::-1], axis=1)[:, ::-1]
    high = np.maximum.accumulate(np.maximum(high, low[:, -1:]) if low.shape[1] else high, axis=1)
    return np.concatenate([low, high], axis=1)


def _library(name: str) -> Any:
    """The class of that name."""
    try:
        if name == "Prophet":
            with _silence():
                import prophet
            return prophet.Prophet
        import statsforecast.models
    except ImportError as e:
        raise MissingExtraError(f"The baseline {name}", "baselines") from e
    return getattr(statsforecast.models, name)


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The libraries warn and log about every second series; what matters of it is in the notes."""
    loggers = [logging.getLogger(name) for name in ("prophet", "prophet.plot", "cmdstanpy")]
    disabled = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, was in zip(loggers, disabled, strict=True):
            logger.disabled = was


@contextlib.contextmanager
def _numpy_seed() -> Iterator[None]:
    """Prophet draws from numpy's global generator: seed it for the same forecast every time, and put it back."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(_SEED)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
