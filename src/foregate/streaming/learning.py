"""A live forecaster's decoder goes on learning: one guarded gradient step at a time, kept or rolled back.

Letters: B origins, J steps that are learnt, Q quantiles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import Ahead, ArtifactError, Engine, MissingExtraError, ModelError
from foregate.forecasting.distributions import Distribution
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.lean import Shaped
from foregate.forecasting.state import State
from foregate.streaming.arrivals import Fate
from foregate.streaming.replay import Replay, blocks, learnt_steps
from foregate.streaming.rows import Rows
from foregate.training.batches import LARGE_TARGET

if TYPE_CHECKING:
    from foregate.training.adaptation import Adaptation, Outcomes

__all__ = ["Learner", "Learning", "Learnt"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
Floats = NDArray[np.floating]
IntArray = NDArray[np.int64]
Learnt = tuple[Mapping[str, Any], Mapping[str, NDArray[Any]]]
"""A learner in plain values and arrays."""

RATE, LEAST_RATE = 5e-4, 5e-6
"""The learning rate to begin with, which it never exceeds, and the least one."""
SLOWER, FASTER = 0.5, 1.1
"""What a step that is rolled back does to the rate, and one that is kept."""
NAMES = ("states", "features", "steps", "paths", "level", "scale", "target")
"""What of an origin is learnt from."""
NEW, BATCH = 8, 96
"""A step is taken when there are so many origins that were not learnt from yet, on so many of them and old ones."""
NEWEST = 32
"""At most so many of these are the newest ones; the others are drawn from all that are kept."""
DEBT = 8
"""Where more origins come at once, so many steps at most are made up for, one at a time."""
LEAST_HELD = 16
"""Steps are not taken before so many origins can judge them."""
WINDOW = 8
"""What was said is compared with what the model as given says over so many horizons, fading."""
LEAST_LEAD = 0.02
"""What was learnt is used where it is ahead by so much, in units of loss times origins: more than rounding makes."""


@dataclass(frozen=True)
class Learning:
    """What has been learnt of a stream."""

    kept: int
    """Steps after which the origins that are held out were forecast better."""
    rolled_back: int
    """Steps after which they were not, and which are forgotten."""
    rate: float
    """The learning rate of the next step."""
    waiting: int
    """Origins whose outcomes have not all come."""
    trained: int
    """Origins that are learnt from, over and over."""
    held_out: int
    """Origins that are never learnt from: they judge every step."""
    loss: float
    """Mean pinball loss of those by what was learnt, in units of scale; NaN before there was a step."""
    loss_given: float
    """The same origins by the model as it was given."""
    used: bool
    """Whether forecasts are made by what was learnt: where it has foretold better of late than the model as given."""


class Learner:
    """Takes origins of a stream, and steps of the decoder.

    Nothing of a model that was given is changed. A step makes new weights, which are used if they are better.
    """

    def __init__(self, given: Fitted, state: State) -> None:
        """Begin with a model as it is given.

        Raises:
            MissingExtraError: torch is not installed.
            ModelError: it is recursive, or not a network whose weights are known.
        """
        engines = _engines(given.engine)
        try:
            from foregate.training.adaptation import Adaptation
        except ImportError as error:
            raise MissingExtraError("learning from a stream", "train") from error
        self.given, self.fitted = given, given
        every = given.engine.manner.reach is not None
        k = learnt_steps(given.horizon, every=every)
        shares = given.engine.shares if isinstance(given.engine, Ensemble) else (1.0,)
        self._widths = given.calibration.at(k)
        self.adaptation = Adaptation.of(engines, shares, self._widths)
        self._learnt_engine = given.engine
        self.replay = Replay(state, given.horizon, k)
        self.kept = self.rolled_back = self.due = 0
        self.rate = RATE
        self.losses: tuple[float, float] = (math.nan, math.nan)
        self.lead = 0.0
        """By how much less was lost by what was said than by what the model as given says, over recent origins."""

    @property
    def told(self) -> Learning:
        """For people to read."""
        trained, held = np.minimum(self.replay.counts[1:], (self.replay.trained, self.replay.held)).tolist()
        counts = self.kept, self.rolled_back, self.rate, len(self.replay.waiting), trained, held
        return Learning(*counts, *self.losses, self.fitted is not self.given)

    def parts(self, rows: Rows, state: State) -> list[Rows]:
        """Rows that come, cut where origins are taken."""
        numbers = rows[0]
        return blocks(rows, state.rows[numbers] + numbers, self.replay.stride)

    def after(self, rows: Rows, state: State, blind: BoolArray | None = None) -> Fate | None:
        """Learn from rows that were just read, each series as far as its next origin at most; see `fitted` then.

        No origins are taken of series of which not all is known ahead that a forecast is told: `blind` (B,).
        """
        numbers, lengths, *_ = rows
        self.replay.came(rows, state.rows[numbers] - lengths)
        came = self.replay.completed(state.rows)
        self.due = min(self.due + int((came < self.replay.places + self.replay.trained).sum()), DEBT * NEWEST)
        self._compare(came, int(lengths.sum()) / len(state))
        self._foretell(self.replay.record(state, numbers if blind is None else numbers[~blind]))
        if self.due < NEW or self.replay.counts[2] < LEAST_HELD:
            return None
        self.due = max(0, self.due - NEWEST)
        return self._step()

    def take(self, numbers: IntArray) -> Learner:
        """An independent copy that goes on with some series, in that order."""
        twin = object.__new__(Learner)
        twin.__dict__ |= self.__dict__ | {"replay": self.replay.take(numbers)}
        return twin

    def compact(self) -> Learnt:
        """All that it needs to go on, but for the model that was given."""
        about = {name: getattr(self, name) for name in ("kept", "rolled_back", "due", "rate", "lead", "losses")}
        arrays = {f"replay.{name}": array for name, array in self.replay.compact().items()}
        return about, arrays | {f"adaptation.{name}": array for name, array in self.adaptation.arrays().items()}

    @classmethod
    def restored(cls, given: Fitted, state: State, learnt: Learnt) -> Learner:
        """Go on from what `compact` gave, with the model that was given then.

        Raises:
            ArtifactError: it is damaged.
            MissingExtraError: torch is not installed.
        """
        learner, (about, arrays) = cls(given, state), learnt
        try:
            learner.kept, learner.rolled_back, learner.due = (int(about[n]) for n in ("kept", "rolled_back", "due"))
            learner.rate, learner.lead = float(about["rate"]), float(about["lead"])
            learner.losses = float(about["losses"][0]), float(about["losses"][1])
            learner.replay.expand(_within(arrays, "replay."), len(state))
            if learner.kept:
                learner.adaptation = learner.adaptation.resumed(_within(arrays, "adaptation."))
                learner._learnt_engine = learner._engine_of(learner.adaptation)
                learner._choose()
        except (KeyError, TypeError, ValueError, IndexError, RuntimeError) as error:
            raise ArtifactError(f"the snapshot must hold what was learnt, but got a damaged one ({error}).") from error
        return learner

    def _foretell(self, places: IntArray) -> None:
        """Keep what is said of origins before their outcomes have come."""
        if len(places):
            self.replay.arrays["said"][places] = self._said(self._learnt_engine, places)

    def _compare(self, places: IntArray, rows: float) -> None:
        """Score what was said of origins whose outcomes have come, and what the model as given says of them."""
        self.lead *= math.exp(-rows / (WINDOW * self.replay.horizon))
        if not len(places) or not self.kept:
            return
        given, said = self._said(self.given.engine, places), self.replay.arrays["said"][places]
        self.lead += len(places) * (self._lost(given, places) - self._lost(said, places))
        self._choose()

    def _step(self) -> Fate:
        held, engine = self._held(), self._learnt_engine
        loss, given = (self._lost(self._said(each, held), held) for each in (engine, self.given.engine))
        after, better = self.adaptation.stepped(self._outcomes(self._batch()), self.rate), math.nan
        if after is not None:
            engine = self._engine_of(after)
            better = self._lost(self._said(engine, held), held)
        if after is not None and better < loss:
            self.adaptation, self._learnt_engine, self.losses = after, engine, (better, given)
            self.kept, self.rate = self.kept + 1, min(self.rate * FASTER, RATE)
            self._choose()
            return "kept"
        self.losses = loss, given
        self.rolled_back, self.rate = self.rolled_back + 1, max(self.rate * SLOWER, LEAST_RATE)
        return "rolled back"

    def _choose(self) -> None:
        """Forecast by what was learnt where that has foretold better of late, or else by the model as given."""
        if self.lead <= LEAST_LEAD:
            self.fitted = self.given
        elif self.fitted.engine is not self._learnt_engine:
            self.fitted = replace(self.given, engine=self._learnt_engine)

    def _engine_of(self, adaptation: Adaptation) -> Engine:
        """What runs the networks of a model as they have become."""
        engine, engines = self.given.engine, adaptation.engines
        return Ensemble(engines, engine.shares) if isinstance(engine, Ensemble) else engines[0]

    def _said(self, engine: Engine, places: IntArray) -> FloatArray:
        """Quantiles (B, J, Q) that an engine says of origins, before they are calibrated."""
        a, k, manner = self.replay.arrays, self.replay.k, engine.manner
        states, features, *known = (a[n][places] for n in NAMES[:-1])
        raw = engine.decode(states, features, Ahead(k, *known))
        return Distribution.of(manner).quantiles(raw, manner.levels, k, *known[-2:])

    def _lost(self, said: Floats, places: IntArray) -> float:
        """The mean pinball loss of quantiles (B, J, Q) of origins, calibrated as forecasts are, over what came."""
        target, q = self.replay.arrays["target"][places].astype(np.float64), np.array(self.given.levels)
        median = said[..., len(q) // 2, None]
        error = target[..., None] - (median + self._widths * (said - median))
        there = ~np.isnan(target)
        size = np.nansum(np.abs(target), -1) / np.maximum(there.sum(-1), 1)
        weight = there / np.maximum(size / LARGE_TARGET, 1)[:, None]
        lost = np.maximum(q * error, (q - 1) * error).mean(-1)
        return float((weight * np.where(there, lost, 0)).sum() / weight.sum())

    def _held(self) -> IntArray:
        """Places of the origins that are held out."""
        replay = self.replay
        return replay.places + replay.trained + np.arange(min(int(replay.counts[2]), replay.held))

    def _batch(self) -> IntArray:
        """Places of the newest origins, and of some that were learnt from before."""
        replay, count = self.replay, int(self.replay.counts[1])
        there = min(count, replay.trained)
        newest = (count - 1 - np.arange(min(NEWEST, there))) % replay.trained
        others = np.setdiff1d(np.arange(there), newest)
        rng = np.random.default_rng([self.kept, self.rolled_back])
        drawn = rng.choice(others, min(BATCH - len(newest), len(others)), replace=False)
        return replay.places + np.append(newest, drawn)

    def _outcomes(self, places: IntArray) -> Outcomes:
        """What was known at origins, and what came."""
        from foregate.training.adaptation import Outcomes

        a = self.replay.arrays
        states, features, *rest = (a[n][places] for n in NAMES)
        return Outcomes(states, features, self.replay.k, *rest)


def _engines(engine: Engine) -> Sequence[Shaped]:
    """The engines of the networks behind one, if their decoders can learn by themselves."""
    engines: Sequence[Engine] = engine.engines if isinstance(engine, Ensemble) else [engine]
    if any(each.manner.strategy == "recursive" for each in engines):
        raise ModelError(
            "a live forecaster that learns must not be recursive, but got a model that is: its forecasts are read by "
            "the encoder again, so that what a step of the decoder does to them cannot be judged from an origin alone. "
            "Fit a model of another strategy, such as 'parallel', or update without learn."
        )
    networks = [each for each in engines if isinstance(each, Shaped)]
    if len(networks) != len(engines):
        raise ModelError(
            f"a live forecaster that learns must run a network of Foregate, but got {type(engine).__name__}. Update "
            "without learn."
        )
    return networks


def _within(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
