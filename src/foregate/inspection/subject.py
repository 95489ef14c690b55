"""What is looked into: the networks behind a forecaster, run by torch, and the series that they read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import (
    Engine,
    Frequency,
    MissingExtraError,
    NotFittedError,
    Panel,
    UsageError,
    at_least,
    evenly,
    require_regular,
)
from foregate.data import regularize, split_known_future
from foregate.forecaster import Forecaster
from foregate.forecaster.given import as_before
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.fitted import Fitted
from foregate.persistence.engines import as_torch

if TYPE_CHECKING:
    from foregate.models.network import One

__all__ = ["Part", "Scope", "Subject", "series_of", "span", "subject_of"]

_LENGTHS = (("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000), ("second", 1_000_000))


@dataclass(frozen=True)
class Scope:
    """How much is looked at: more says more, and takes longer."""

    series: int = 100
    """Series whose gates are shown at most, evenly taken of those that there are."""
    probes: int = 16
    """Of these so many, evenly taken, are what memory, gradients and attention are measured on."""
    rows: int = 200
    """The last rows of each series whose gates are shown."""
    lags: int | None = None
    """How far back memory is measured, in rows; three short seasons or two long ones, at least 100, if None."""

    def __post_init__(self) -> None:
        at_least(1, series=self.series, probes=self.probes, rows=self.rows, lags=1 if self.lags is None else self.lags)


@dataclass(frozen=True)
class Part:
    """One network of several that forecast together."""

    name: str
    """What it is called, such as ``network 2``."""
    network: One
    """With its weights, in torch."""
    step: int | None = None
    """The step ahead that it was made for, where it was made for one."""


@dataclass(frozen=True)
class Subject:
    """A forecaster as it is looked into."""

    fitted: Fitted
    """The model, run by torch."""
    panel: Panel
    """The series that it reads, regular."""
    scope: Scope = field(default_factory=Scope)
    """How much is looked at."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What happened while fitting, as in ``Forecaster.report_``."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """Its networks; of one that has a network for every step, those of the first, a middle and the last step."""
        from foregate.training.engine import TorchEngine

        engines = self.fitted.engine.engines if isinstance(self.fitted.engine, Ensemble) else (self.fitted.engine,)
        parts = []
        for i, engine in enumerate(engines):
            assert isinstance(engine, TorchEngine)  # as_torch has seen to it
            name = f"network {i + 1}" if len(engines) > 1 else "network"
            parts += _ones(name, engine.network)
        return tuple(parts)

    @property
    def seasons(self) -> tuple[int, ...]:
        """Season lengths that it was told, in rows."""
        return tuple(m for m in self.fitted.spec.seasons if m > 1)

    @property
    def lags(self) -> int:
        """How far back memory is measured, in rows: no further than the longest series."""
        short, long = self.fitted.spec.seasons
        wanted = max(100, 3 * short, 2 * long) if self.scope.lags is None else self.scope.lags
        return int(max(1, min(wanted, self.panel.lengths.max(initial=1) - 1)))

    @property
    def freq(self) -> Frequency:
        """The step between two rows."""
        return require_regular(self.panel)

    def shown(self) -> Panel:
        """The series whose gates are shown."""
        return self.panel.take(evenly(len(self.panel), self.scope.series))

    def probed(self) -> Panel:
        """The series that memory, gradients and attention are measured on: the longest are taken first."""
        observed = np.flatnonzero(self.origins(self.panel) >= self.lags)
        pool = observed if len(observed) else np.argsort(-self.panel.lengths, kind="stable")[: self.scope.probes]
        return self.panel.take(pool[evenly(len(pool), self.scope.probes)])

    def origins(self, panel: Panel) -> NDArray[np.int64]:
        """(S,) the last row of each series that can be forecast from: so far from its end as the future must be known.

        Never before the first observation, and -1 where there is none.
        """
        back = self.fitted.horizon if self.fitted.reads_future else 0
        origins: NDArray[np.int64] = panel.lengths - 1 - back
        return np.where(origins >= panel.first_observed, origins, -1)

    def spread(self, panel: Panel, most: int, *, behind: int = 0) -> NDArray[np.int64]:
        """(S, O) rows back from the end of each series of evenly spread origins, the newest last, `most` at most, over
        the last rows that are shown of it; -1 where there is none. So many rows lie behind each, or half of all."""
        last = self.origins(panel)
        count = int(min(most, self.scope.rows))
        seen = last - panel.first_observed + 1
        wide = np.minimum(self.scope.rows, seen - np.minimum(behind, seen // 2))
        places = np.linspace(1, 0, count) if count > 1 else np.zeros(1)
        steps = np.rint(places[None] * np.maximum(wide - 1, 0)[:, None]).astype(np.int64)
        back = (panel.lengths - 1 - last)[:, None] + steps
        return np.where((last >= 0)[:, None] & (steps < np.maximum(wide, 1)[:, None]), back, -1)


def subject_of(model: Forecaster, data: Any = None, scope: Scope | None = None) -> Subject:
    """A fitted forecaster and the series that it is to read.

    Args:
        model: fitted or loaded, with either runtime.
        data: a panel, or anything that `foregate.read` takes, in the columns it was fitted on; None for what it was
            fitted on.
        scope: how much is looked at.

    Raises:
        UsageError: the model is no forecaster.
        NotFittedError: it was never fitted.
        MissingExtraError: torch is not installed.
    """
    panel, _ = series_of(model, data)
    fitted = replace(model.fitted_, engine=_in_torch(model.fitted_.engine), reading=None)
    return Subject(fitted, panel, scope or Scope(), dict(model.report_))


def series_of(model: Forecaster, data: Any = None) -> tuple[Panel, Panel | None]:
    """The regular series that a forecaster is to read, and the rows of a known future that stood behind them.

    Args:
        model, data: see `subject_of`.

    Raises:
        UsageError: the model is no forecaster.
        NotFittedError: it was never fitted.
    """
    if not isinstance(model, Forecaster):
        raise UsageError(
            f"model must be a Forecaster, but got a value of type {type(model).__name__}. Load one first: load(path)."
        )
    if not hasattr(model, "fitted_"):
        raise NotFittedError("the forecaster must be fitted first, but got none. Call fit(data), or load a model.")
    if data is None:
        return model.panel_, model.future_
    panel, ahead = split_known_future(as_before(data, model.panel_, model.fitted_))
    return regularize(panel), ahead


def _in_torch(engine: Engine) -> Engine:
    """The networks run by torch: themselves where they are already."""
    try:
        from foregate.training.engine import TorchEngine
    except ImportError as error:
        raise MissingExtraError("looking into a model", "train") from error
    engines = engine.engines if isinstance(engine, Ensemble) else (engine,)
    return engine if all(isinstance(each, TorchEngine) for each in engines) else as_torch(engine)


def _ones(name: str, network: Any) -> list[Part]:
    from foregate.models.network import Each

    if not isinstance(network, Each):
        return [Part(name, network)]
    chosen = evenly(len(network.each), 3)
    return [Part(f"{name}, step {k + 1}", network.each[k], k + 1) for k in dict.fromkeys(chosen.tolist())]


def span(freq: Frequency, rows: float) -> str:
    """So many rows as time, in its greatest unit; empty where time is counted in integers or the rows have no end.

    Examples:
        >>> span(Frequency.parse("h"), 36), span(Frequency.parse("MS"), 18), span(Frequency.parse(1), 5)
        ('1.5 days', '18 months', '')
    """
    if freq.is_integer or not np.isfinite(rows):
        return ""
    if freq.microseconds is None:
        unit, count = ("business day" if freq.unit == "B" else "month"), rows * freq.count
    else:
        whole = rows * freq.microseconds
        unit, size = next(((name, size) for name, size in _LENGTHS if whole >= size), _LENGTHS[-1])
        count = whole / size
    said = f"{count:,.1f}".removesuffix(".0")
    return f"{said} {unit}{'s' * (said != '1')}"
