"""The live forecaster: every observation is read once, and a forecast can be made at any time."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import (
    DataError,
    Forecast,
    FrameSpec,
    Frequency,
    ModelError,
    Panel,
    Times,
    UsageError,
    asked,
    at_least,
    levels_to_quantiles,
    listed,
    require_regular,
)
from foregate.data.clock import days_of, days_per_row
from foregate.forecasting.fitted import (
    LEAST_OBSERVATIONS,
    Fitted,
    no_counts,
    require_counts,
    short_series_notes,
    uncounted,
)
from foregate.forecasting.origins import decode_state, require_reach
from foregate.forecasting.state import State
from foregate.streaming.arrivals import Update, arrange
from foregate.streaming.learning import Learning
from foregate.streaming.observations import Observations, observations
from foregate.streaming.one import One, one
from foregate.streaming.reader import Reader
from foregate.streaming.roster import Roster
from foregate.streaming.snapshot import Carried, checksum, pack, unpack
from foregate.streaming.watch import Watch

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Live", "Update"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Live(Reader):
    """A fitted model with the state of many series, which moves on with every observation.

    The forecast is that of the model over the whole history, to the rounding of float32, but costs the same however
    long that is. Series may appear at any time. Times must be whole steps of the frequency; steps that are left out
    are read as missing.

    Args:
        fitted: the model; without covariates.
        freq: step between rows, as a pandas or polars offset or an integer.
        spec: names of the columns, and how times are held.

    Raises:
        ModelError: the model has covariates, or several targets.

    Examples:
        >>> from foregate import Forecaster
        >>> live = Forecaster.pretrained(horizon=3, season_length=4).live()
        >>> live.update([{"unique_id": "a", "ds": t, "y": 10.0 + t % 4} for t in range(20)]).read
        20
        >>> live.forecast(level=80).values.shape
        (1, 3, 3)
    """

    def __init__(self, fitted: Fitted, *, freq: Frequency | str | int = 1, spec: FrameSpec | None = None) -> None:
        if spec is not None and spec.target_cols:
            raise ModelError(
                f"a live forecaster must have one target, but got a model of several: {listed(spec.target_cols)}. Fit "
                "a model for each of them, or use predict."
            )
        if fitted.spec.columns:
            raise ModelError(
                "a live forecaster must have a model without covariates, but got one with "
                f"{listed(column.name for column in fitted.spec.columns)}. Fit one without them, or use predict."
            )
        frequency, clock = Frequency.parse(freq), fitted.spec.clock
        if clock and not math.isclose(days_per_row(frequency), clock.step):
            raise ModelError(
                f"freq must be as long as the step of the model, {clock.step:.4g} days, but got {frequency.alias!r}. "
                "Give the frequency of its panel."
            )
        super().__init__(fitted)
        self._roster = Roster(frequency)
        self.spec = spec or FrameSpec(time_unit="step" if self.freq.is_integer else "us")

    @classmethod
    def start(cls, fitted: Fitted, panel: Panel) -> Live:
        """Go on from the last rows of a panel, which is read in one pass.

        Raises:
            DataError: the panel is not evenly spaced, or to a model of counts holds what are none.
            ModelError: the model has covariates.
        """
        live = cls(fitted, freq=require_regular(panel), spec=panel.spec)
        if fitted.spec.plain:
            require_counts(panel)
        filled = np.flatnonzero(panel.lengths)
        starts = panel.times[panel.offsets[filled]]
        live._roster.add(panel.ids[filled].tolist(), starts)
        numbers = live._state.add(len(filled), days_of(starts, live.freq))
        live._state.read(numbers, panel.lengths[filled], panel.values, panel.mask)
        return live

    def __len__(self) -> int:
        """How many series there are."""
        return len(self._roster)

    @property
    def freq(self) -> Frequency:
        """The step between two rows."""
        return self._roster.freq

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the series, in the order in which they appeared."""
        return tuple(self._roster.names)

    def expected(self, ids: Sequence[str] | str | None = None) -> Times:
        """The next time of each series, or of some."""
        numbers = self._roster.known(ids)
        return self._roster.times(numbers, self._state.rows[numbers])

    @property
    def learning(self) -> Learning | None:
        """What `update` has learnt, if it was asked to: steps that were kept and rolled back, and the loss."""
        return None if self._learner is None else self._learner.told

    def update(self, rows: Any, *, learn: bool = False) -> Update:
        """Read observations of any number of series: one, many, or many of each.

        Observations may come in any order within a call. A missing value (None or NaN) is read as missing, and so are
        times that were left out. What was read before is ignored if it is the same.

        Args:
            rows: one observation as a mapping such as ``{"unique_id": "a", "ds": 8, "y": 3.2}``, several as a sequence
                of those or as a mapping of columns; a panel; or a table as `foregate.read` takes it.
            learn: let the decoder learn from them as their outcomes come, a guarded gradient step now and then: kept
                where origins that are held out are forecast better by it, rolled back otherwise. Needs torch.

        Raises:
            DataError: an observation is late, contradicts one that was read, lies between two steps, is no number, or
                to a model of counts no count. Nothing of the call has been read then.
            UsageError: the rows are of another kind.
        """
        self._prepare(learn=learn)
        if self._quick is not None:
            found = one(rows, self.spec, self._alone)
            number = None if found is None else self._roster.numbers.get(found.id)
            if found is not None and number is not None and self._next(number, found):
                return Update((found.id,), (), 1, 0, 0, self._learn_one(number, found.value) if learn else None)
        return self._read(observations(rows, self.spec, self._alone()), learn=learn)

    def _next(self, number: int, found: One) -> bool:
        """Read what comes next of a series; False where it is not that, or takes the longer way."""
        plain, value = self.fitted.spec.plain, found.value
        if self._quick is None or not self._roster.awaits(number, self._state.rows.item(number), found.time):
            return False
        if plain and value == value and (value < 0 or not value.is_integer()):
            return False
        if not self._quick.read(number, value):
            return False
        if self._watch is not None and value == value:
            some = np.array([number])
            self._watch.observed(some, self._state.rows[some] - 1, np.array([value], np.float32), self._say)
        return True

    def _read(self, given: Observations, *, learn: bool = False) -> Update:
        wrong = uncounted(given.values)
        if self.fitted.spec.plain and wrong.any():
            raise no_counts(np.array(given.ids, np.str_)[wrong], given.values[wrong])
        plan = arrange(given, self._roster, self._state)
        numbers, new = plan.numbers, plan.numbers < 0
        if new.any():
            numbers[new] = self._state.add(int(new.sum()), days_of(plan.starts[new], self.freq))
            self._roster.add(plan.update.new, plan.starts[new])
            if self._watch is not None:
                self._watch.add(int(new.sum()))
        on = plan.lengths > 0
        learned = self._take_in((numbers[on], plan.lengths[on], plan.values, plan.mask), learn=learn)
        return replace(plan.update, learned=learned)

    def watch(self, horizon: int | None = None, *, level: Sequence[float] | float = (80, 95)) -> None:
        """From now on, score every forecast when its actual arrives, and let intervals follow what comes.

        After every observation with a value, a forecast is made and kept until its outcomes are there; missing values
        are not scored. Each outcome moves the width of the intervals of its step, starting from the model's own
        calibration, so that they go on holding what they promise when the series changes; medians stay. An update then
        costs a forecast more, and a series that watches K steps about K² / 2 numbers for each quantile; of a horizon of
        more than 24 steps 24 are judged, evenly spread. What was watched before is forgotten.

        Args:
            horizon: K steps; as many as the model was fitted for when not given.
            level: percentages of central intervals whose coverage is counted.

        Raises:
            UsageError: the horizon is further than the model reaches, or a level is no percentage.

        Examples:
            >>> from foregate import Forecaster
            >>> live = Forecaster.pretrained(horizon=3, season_length=4).live()
            >>> live.watch(level=80)
            >>> live.update([{"unique_id": "a", "ds": t, "y": 10.0 + t % 4} for t in range(20)]).read
            20
            >>> live.scores()["n"].to_list()
            [19, 18, 17]
        """
        steps = self.fitted.horizon if horizon is None else horizon
        at_least(1, horizon=steps)
        require_reach(self.fitted.engine.manner, steps)
        self._watch = Watch(steps, asked(level, None)[0], self.fitted.levels)
        self._watch.add(len(self))

    def scores(self, ids: Sequence[str] | str | None = None, *, recent: bool = False) -> pl.DataFrame:
        """How the forecasts were that have been scored since `watch`, as a polars frame: a row per series and step.

        Args:
            ids: the series; all of them when not given.
            recent: let what lies a hundred outcomes back count about a third, and so on, instead of counting all alike.

        Returns:
            columns: the id; ``step``; ``n`` outcomes; ``mae``; ``bias`` (positive: too high); ``pinball``, the mean
            quantile loss; ``skill``, the share of the absolute error of the last value that is not made; and of each
            level ``coverage-80``, the share of outcomes inside, and ``width-80``, the mean width. Null where nothing
            has been scored.

        Raises:
            DataError: a series that is asked for is not known.
            UsageError: nothing is watched.
        """
        if self._watch is None:
            raise UsageError("scores must be watched for, but nothing is. Call watch() before the updates.")
        numbers = self._roster.known(ids)
        names = np.array([self._roster.names[i] for i in numbers], np.str_)
        return self._watch.frame(numbers, names, self.spec, recent=recent)

    def forecast(
        self,
        horizon: int | None = None,
        *,
        level: Sequence[float] | float | None = None,
        quantiles: Sequence[float] | float | None = None,
        ids: Sequence[str] | str | None = None,
    ) -> Forecast:
        """Forecast the steps after the last row of each series.

        Args:
            horizon: K steps; as many as the model was fitted for when not given.
            level: percentages of central intervals, such as [80, 95].
            quantiles: probabilities, instead of `level`.
            ids: the series; all of them when not given.

        Returns:
            the median and what was asked for. Series without a single observation are left out, and told in the notes.

        Raises:
            DataError: a series that is asked for is not known, or has no observation; or there is none at all.
        """
        steps = self.fitted.horizon if horizon is None else horizon
        at_least(1, horizon=steps)
        levels, wanted = asked(level, quantiles)
        sides = tuple(sorted({*levels_to_quantiles(levels), *wanted}))
        found = self._quickly(ids, steps, sides)
        if found is not None:
            return found
        numbers, notes = self._observed(ids)
        values, short = self._said(numbers, steps, sides)
        read = self._state.rows[numbers]
        times = self._roster.times(numbers[:, None], read[:, None] + np.arange(steps))
        names = np.array([self._roster.names[i] for i in numbers], np.str_)
        notes += short_series_notes(names[short])
        return Forecast(names, times, self._roster.times(numbers, read - 1), sides, values, notes)

    def _quickly(self, ids: Sequence[str] | str | None, horizon: int, quantiles: tuple[float, ...]) -> Forecast | None:
        """The forecast of one series, where it takes the short way."""
        names = self._roster.names if ids is None else [ids] if isinstance(ids, str) else ids
        number = self._roster.numbers.get(names[0]) if len(names) == 1 and self._quick is not None else None
        values = None if number is None else self._soon(number, horizon, quantiles)
        if number is None or values is None:
            return None
        times = self._roster.times(np.array([number]), self._state.rows[number] + np.arange(-1, horizon))[None]
        return Forecast(np.array(names, np.str_), times[:, 1:], times[:, 0], quantiles, values[None])

    def peek(
        self, rows: Any, horizon: int | None = None, *, ids: Sequence[str] | str | None = None, **options: Any
    ) -> Forecast:
        """What `forecast` would say if these observations had been read; nothing is changed.

        Args:
            rows: see `update`.
            horizon: see `forecast`.
            ids: the series; those of the observations when not given.
            options: the other arguments of `forecast`.
        """
        given = observations(rows, self.spec, self._alone())
        moved = dict.fromkeys(given.ids)
        wanted = list(moved) if ids is None else [ids] if isinstance(ids, str) else [str(name) for name in ids]
        needed = [name for name in dict.fromkeys([*moved, *wanted]) if name in self._roster.numbers]
        twin = self._take(self._roster.known(needed))
        twin._read(given)
        return twin.forecast(horizon, ids=wanted, **options)

    def fork(self) -> Live:
        """An independent copy."""
        return self._take(np.arange(len(self)))

    def snapshot(self) -> bytes:
        """The state as safetensors, for `restore` on any machine with the same model."""
        carried = Carried(self._roster, self.spec, self._state, self._watch, self._learnt)
        return pack(carried, checksum(self._given))

    @classmethod
    def restore(cls, fitted: Fitted, snapshot: bytes) -> Live:
        """Go on from a snapshot.

        Raises:
            ArtifactError: the snapshot is damaged, of another model, or of another version.
            ModelError: the model has covariates.
        """
        kept = unpack(snapshot, State(fitted.engine, fitted.spec), checksum(fitted))
        live = cls(fitted, freq=kept.roster.freq, spec=kept.spec)
        live._roster, live._watch = kept.roster, kept.watch
        live._hold(kept.state)
        live._resume(kept.learnt)
        return live

    def _say(self, numbers: IntArray, horizon: int, sides: Sequence[float]) -> FloatArray:
        """Quantiles (B, K, Q) of the steps after the last rows of series (B,), the short way where there is one."""
        soon = self._soon(int(numbers[0]), horizon, tuple(sides)) if len(numbers) == 1 else None
        return self._said(numbers, horizon, sides)[0] if soon is None else soon[None]

    def _soon(self, number: int, horizon: int, sides: tuple[float, ...]) -> FloatArray | None:
        """Quantiles (K, Q) of one series, where it takes the short way."""
        if self._quick is None:
            return None
        widths = self._widths(np.array([number]), horizon)
        return self._quick.forecast(number, horizon, sides, None if widths is None else widths[0])

    def _widths(self, numbers: IntArray, horizon: int) -> FloatArray | None:
        """Factors (B, K, Q) of what a watched stream has taught; None where it is not watched."""
        return None if self._watch is None else self._watch.widths(numbers, horizon)

    def _said(self, numbers: IntArray, horizon: int, sides: Sequence[float]) -> tuple[FloatArray, BoolArray]:
        """Quantiles (B, K, Q) of the steps after the last rows of series (B,), and which have too few observations."""
        k, view, rows = np.arange(1, horizon + 1), self._state.view(numbers), np.arange(len(numbers))
        values = np.empty((len(numbers), horizon, len(sides)))
        widths = self._widths(numbers, horizon)
        for part, raw in decode_state(self._state, numbers, k):
            own = None if widths is None else widths[part]
            values[part] = self.fitted.restored(view, rows[part], raw, sides, own)
        return values, view.tracks.age < LEAST_OBSERVATIONS

    def _take(self, numbers: IntArray) -> Live:
        twin = copy.copy(self)
        twin._roster, twin._watch = self._roster.take(numbers), self._watch and self._watch.take(numbers)
        twin._learner = self._learner and self._learner.take(numbers)
        twin._hold(self._state.take(numbers))
        return twin

    def _alone(self) -> str | None:
        """The series that a row without an id belongs to; None where there are several."""
        names = self._roster.names
        return names[0] if len(names) == 1 else None if names else self.spec.target_col

    def _observed(self, ids: Sequence[str] | str | None) -> tuple[IntArray, tuple[str, ...]]:
        """The numbers of the series asked for that have an observation, and a note of those that do not."""
        numbers = self._roster.known(ids)
        seen = self._state.seen(numbers) > 0
        empty = [self._roster.names[i] for i in numbers[~seen]]
        if not seen.any() or (empty and ids is not None):
            raise DataError(
                "every series must have an observed value to be forecast, but got none "
                f"{'in ' + listed(empty) if empty else 'at all'}. Update with an observation first."
            )
        note = f"left out, for lack of any observation: {listed(empty)}."
        return numbers[seen], (note,) if empty else ()
