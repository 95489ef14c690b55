"""Watches the errors of one model on one group of series, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, at_least
from foregate.monitoring.baseline import Baseline
from foregate.monitoring.calibration import BLOCK, thresholds
from foregate.monitoring.detectors import Coverage, Cusum, Detector, Kind, PageHinkley, State, Windows

__all__ = ["Alarm", "Watch"]

FloatArray = NDArray[np.float64]

LEARNED = 1000
"""Errors from which what is usual is learnt where nothing was said of it."""
QUIET = 200
"""Errors for which a detector that has raised an alarm says nothing: a change is told once."""
DOUBT = 3.0
"""Standard errors by which what is usual may lie beside what was found."""


@dataclass(frozen=True)
class Alarm:
    """One detector has seen a change."""

    kind: Kind
    detector: str
    score: float
    """Statistic by threshold, 1 or more."""
    seen: int
    """Errors that the watch had read."""


class Watch:
    """All detectors over one stream of errors. What it remembers is bounded, and goes through JSON.

    Args:
        errors: of the past, in order of time, while all was well. Where these are fewer than 1000, those that come
            first make up for it, and nothing is told before: from fewer, false alarms are several times as frequent.
        outside: for each of them 1 where the actual lay outside of its interval, else 0.
        every: errors in which one false alarm is expected at most.

    Raises:
        DataError: errors are too few or say nothing, or `outside` does not go with them.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> watch = Watch(rng.normal(size=1000), np.zeros(1000))
        >>> calm = [watch.update(error, 0) for error in rng.normal(size=500)]
        >>> [alarm.detector for told in calm for alarm in told]
        []
        >>> told = [watch.update(error, 0) for error in rng.normal(2, 1, size=50)]
        >>> "cusum" in [alarm.detector for each in told for alarm in each]
        True
    """

    def __init__(
        self, errors: FloatArray | None = None, outside: FloatArray | None = None, *, every: int = 10_000
    ) -> None:
        at_least(100, every=every)
        self.every, self.seen = every, 0
        self.scores: dict[str, float] = {}
        """Detector -> statistic by threshold; 1 is an alarm."""
        self._learning: list[tuple[float, float]] = []
        self._usual: Baseline | None = None
        self._detectors: list[Detector] = []
        self._thresholds: dict[str, float] = {}
        self._states: dict[str, State] = {}
        self._quiet: dict[str, int] = {}
        self._before = np.array([np.nan])
        if errors is not None:
            self._know(errors, np.zeros(len(errors)) if outside is None else outside)

    @property
    def learning(self) -> bool:
        """Whether it does not know yet what is usual."""
        return self._usual is None

    def update(self, error: float, outside: float) -> list[Alarm]:
        """Read the next error, and whether its actual lay outside of the interval; NaN where there was no interval.

        Raises:
            DataError: the error is not finite.
        """
        if not np.isfinite(error):
            raise DataError(f"error must be a finite number, but got {error!r}. Leave missing actuals out.")
        self.seen += 1
        if self._usual is None:
            self._learn(error, outside)
            return []
        now = np.array([float(error)])
        value, self._before = self._usual.unexplained(now, self._before), now
        out = np.array([float(outside)])
        asked = [each for each in self._detectors if each.kind != "coverage" or not np.isnan(outside)]
        return [alarm for detector in asked if (alarm := self._asked(detector, value, out)) is not None]

    def _asked(self, detector: Detector, value: FloatArray, outside: FloatArray) -> Alarm | None:
        name = detector.name
        score = float(detector.step(self._states[name], value, outside)[0]) / self._thresholds[name]
        self.scores[name] = score
        if self._quiet[name] > 0:
            self._quiet[name] -= 1
            if self._quiet[name] == 0:
                self._states[name] = detector.start(1)
            return None
        if score < 1:
            return None
        self._quiet[name] = QUIET
        return Alarm(detector.kind, name, score, self.seen)

    def _know(self, errors: FloatArray, outside: FloatArray) -> None:
        if errors.shape != outside.shape:
            raise DataError(f"outside must have {len(errors)} entries like errors, but got {outside.shape}.")
        if len(errors) >= LEARNED:
            self._calibrate(errors, outside)
        elif not np.isfinite(errors).all():
            raise DataError("errors must be finite numbers, but got others. Leave missing actuals out.")
        else:
            self._learning = list(zip(errors.tolist(), outside.tolist(), strict=True))

    def _learn(self, error: float, outside: float) -> None:
        self._learning.append((float(error), float(outside)))
        if len(self._learning) < LEARNED:
            return
        errors, out = np.array(self._learning).T
        there = out[~np.isnan(out)]  # where nothing is known it is as elsewhere
        try:
            self._calibrate(errors, np.where(np.isnan(out), there.mean() if len(there) else 0.0, out))
        except DataError:  # all the same: nothing can be said of what is usual yet
            del self._learning[: LEARNED // 2]

    def _calibrate(self, errors: FloatArray, outside: FloatArray) -> None:
        self._usual = Baseline.of(errors)
        values = self._usual.unexplained(errors, np.append(np.nan, errors[:-1]))
        self._detectors = _detectors(np.abs(values), outside, self._usual.phi)
        self._thresholds = thresholds(self._detectors, errors, outside, self.every)
        self._begin()

    def forget(self) -> None:
        """Begin anew with what is usual: what has been seen of a change since is forgotten."""
        if self._usual is not None:
            self._begin()

    def _begin(self) -> None:
        self._learning, self._before = [], np.array([np.nan])
        self._states = {detector.name: detector.start(1) for detector in self._detectors}
        self._quiet = {detector.name: 0 for detector in self._detectors}
        self.scores = {detector.name: 0.0 for detector in self._detectors}

    def state(self) -> dict[str, Any]:
        """All that it knows, as plain values for JSON; `resumed` takes it back."""
        common = {"every": self.every, "seen": self.seen}
        if self._usual is None:
            return {**common, "learning": [(error, None if np.isnan(o) else o) for error, o in self._learning]}
        return {
            **common,
            "usual": asdict(self._usual),
            "detectors": [asdict(detector) for detector in self._detectors],  # type: ignore[call-overload]
            "thresholds": self._thresholds,
            "states": {n: {k: _plain(v) for k, v in state.items()} for n, state in self._states.items()},
            "quiet": self._quiet,
            "scores": self.scores,
            "before": _plain(self._before),
        }

    @classmethod
    def resumed(cls, state: Mapping[str, Any]) -> Watch:
        """The watch whose `state` this is: it goes on as if it had never stopped."""
        watch = cls(every=state["every"])
        watch.seen = state["seen"]
        if "usual" not in state:
            watch._learning = [(error, np.nan if outside is None else outside) for error, outside in state["learning"]]
            return watch
        watch._usual = Baseline(**state["usual"])
        watch._detectors = [KINDS[said["name"]](**said) for said in state["detectors"]]
        watch._thresholds = dict(state["thresholds"])
        watch._states = {n: {k: _array(v) for k, v in kept.items()} for n, kept in state["states"].items()}
        watch._quiet, watch.scores = dict(state["quiet"]), dict(state["scores"])
        watch._before = _array(state["before"])
        return watch


KINDS: dict[str, Any] = {"cusum": Cusum, "page-hinkley": PageHinkley, "windows": Windows, "coverage": Coverage}
"""Name -> detector."""


def _detectors(sizes: FloatArray, outside: FloatArray, phi: float) -> list[Detector]:
    """As wary as what was seen is small: what a sample cannot tell from chance is no drift."""
    n, usual = len(sizes), float(outside.mean())
    alike = np.sqrt((1 + phi) / (1 - phi) / n)  # misses resemble their neighbours at most as errors do
    return [
        Cusum(slack=0.4 + DOUBT / float(np.sqrt(n))),
        PageHinkley(slack=0.2 + DOUBT * _doubt(sizes), mean=float(sizes.mean()), known=n),
        Windows(),
        Coverage(usual, max(DOUBT * float(outside.std() * alike), 1 / n)),
    ]


def _doubt(values: FloatArray) -> float:
    """Standard error of the mean of values that resemble their neighbours, by means of blocks."""
    blocks = len(values) // BLOCK
    means = values[: blocks * BLOCK].reshape(blocks, BLOCK).mean(1)
    return float(means.std(ddof=1) / np.sqrt(blocks))


def _plain(values: FloatArray) -> list[Any]:
    """As JSON has it: null for what is not a number, text for infinity."""
    if values.ndim > 1:
        return [_plain(row) for row in values]
    return [None if np.isnan(v) else ("inf" if np.isinf(v) else float(v)) for v in values.tolist()]


def _array(values: list[Any]) -> FloatArray:
    """See `_plain`."""
    if values and isinstance(values[0], list):
        return np.array([_array(row) for row in values])
    return np.array([np.nan if v is None else float(v) for v in values])
