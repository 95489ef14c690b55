"""The live forecaster: every observation is read once, and a forecast can be made at any time."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    listed,
    require_regular,
    sides_of,
)
from foregate.data.clock import days_per_row
from foregate.forecasting.fitted import (
    Fitted,
    require_counts,
)
from foregate.forecasting.origins import require_reach
from foregate.streaming.arrivals import Update
from foregate.streaming.carried import Carried
from foregate.streaming.learning import Learning
from foregate.streaming.observations import Wanted, observations
from foregate.streaming.reader import Reader
from foregate.streaming.snapshot import checksum, pack, unpack
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
        fitted: the model, of one target.
        freq: step between rows, as a pandas or polars offset or an integer.
        spec: names of the columns, and how times are held.

    Raises:
        ModelError: the model has several targets.

    Examples:
        >>> from foregate import Forecaster
        >>> live = Forecaster.pretrained(horizon=3, season_length=4).live()
        >>> live.update([{"unique_id": "a", "ds": t, "y": 10.0 + t % 4} for t in range(20)]).read
        20
        >>> live.forecast(level=80).values.shape
        (1, 3, 3)
    """

    def __init__(self, fitted: Fitted, *, freq: Frequency | str | int = 1, spec: FrameSpec | None = None) -> None:
        targets = (spec.target_cols if spec else ()) or [c.name for c in fitted.spec.columns if c.relative]
        if targets:
            raise ModelError(
                f"a live forecaster must have one target, but got a model of several: {listed(targets)}. Fit a model "
                "for each of them, or use predict."
            )
        frequency, clock = Frequency.parse(freq), fitted.spec.clock
        if clock and not math.isclose(days_per_row(frequency), clock.step):
            raise ModelError(
                f"freq must be as long as the step of the model, {clock.step:.4g} days, but got {frequency.alias!r}. "
                "Give the frequency of its panel."
            )
        spec = spec or FrameSpec(time_unit="step" if frequency.is_integer else "us")
        super().__init__(fitted, Carried.empty(fitted.engine, fitted.spec, frequency, spec))

    @classmethod
    def start(cls, fitted: Fitted, panel: Panel, *, allow_late: int = 0) -> Live:
        """Go on from the last rows of a panel, which is read in one pass.

        Args:
            fitted: the model.
            panel: the series so far.
            allow_late: so many of the last rows may be changed, see `allow_late`.

        Raises:
            DataError: the panel is not evenly spaced, lacks a covariate, or to a model of counts holds what are none.
            ModelError: the model has several targets.
        """
        live = cls(fitted, freq=require_regular(panel), spec=panel.spec)
        if fitted.spec.plain:
            require_counts(panel)
        if allow_late:
            live.allow_late(allow_late)
        live._carried.begin(panel)
        return live

    def __len__(self) -> int:
        """How many series there are."""
        return len(self._carried.roster)

    @property
    def freq(self) -> Frequency:
        """The step between two rows."""
        return self._carried.roster.freq

    @property
    def ids(self) -> tuple[str, ...]:
        """Names of the series, in the order in which they appeared."""
        return tuple(self._carried.roster.names)

    @property
    def spec(self) -> FrameSpec:
        """Names of the columns, and how times are held."""
        return self._carried.spec

    @spec.setter
    def spec(self, spec: FrameSpec) -> None:
        self._carried.spec = spec

    def expected(self, ids: Sequence[str] | str | None = None) -> Times:
        """The next time of each series, or of some."""
        numbers = self._carried.roster.known(ids)
        return self._carried.roster.times(numbers, self._carried.state.rows[numbers])

    @property
    def learning(self) -> Learning | None:
        """What `update` has learnt, if it was asked to: steps that were kept and rolled back, and the loss."""
        return None if self._carried.learner is None else self._carried.learner.told

    def update(self, rows: Any, *, learn: bool = False) -> Update:
        """Read observations of any number of series: one, many, or many of each.

        Observations may come in any order within a call. A missing value (None or NaN) is read as missing, and so are
        times that were left out. What was read before is ignored if it is the same. To a model with covariates they
        bring theirs, and the first one of a series those that stay the same.

        Args:
            rows: one observation as a mapping such as ``{"unique_id": "a", "ds": 8, "y": 3.2}``, several as a sequence
                of those or as a mapping of columns; a panel; or a table as `foregate.read` takes it.
            learn: let the decoder learn from them as their outcomes come, a guarded gradient step now and then: kept
                where origins that are held out are forecast better by it, rolled back otherwise. Needs torch.

        Raises:
            DataError: an observation is late, contradicts one that was read, lies between two steps, lacks a covariate,
                is no number, or to a model of counts no count. Nothing of the call has been read then.
            UsageError: the rows are of another kind.
        """
        return self._update(rows, learn=learn)

    def allow_late(self, rows: int) -> None:
        """From now on, let the last rows of every series be changed: late values fill gaps, and `correct` replaces.

        What changes is read again exactly, from a state that lies up to twice as far back, so that forecasts are those
        of a stream in which it came in time. A series then takes three times the memory and 8 bytes a row more. Rows
        that were read before this call stay as they are; `start` has an option of the same name. The same number again
        changes nothing. Of a stream that is watched, late values are not scored.

        Args:
            rows: at least so many may be changed; 0 to refuse what is late, as before.

        Raises:
            UsageError: the number is negative.

        Examples:
            >>> from foregate import Forecaster
            >>> live = Forecaster.pretrained(horizon=3, season_length=4).live()
            >>> live.allow_late(24)
            >>> live.update([{"unique_id": "a", "ds": t, "y": 10.0 + t % 4} for t in (0, 1, 3, 4)]).skipped
            1
            >>> live.update({"unique_id": "a", "ds": 2, "y": 12.0}).late
            1
        """
        at_least(0, rows=rows)
        self._carried.allow_late(rows)

    def correct(self, rows: Any) -> Update:
        """Read other values instead of those that were read, as if they had come in their time.

        Args:
            rows: see `update`; a missing value takes one back.

        Returns:
            what became of them; ``late`` counts those that were read instead.

        Raises:
            DataError: one has not been read yet, or lies further back than `allow_late` allows.
            UsageError: nothing may be changed, or the rows are of another kind.
        """
        if self._carried.rewind is None:
            raise UsageError("correct must come after allow_late(rows), but that was not called. Call it first.")
        return self._read(self._observations(rows), correct=True)

    def announce(self, rows: Any) -> None:
        """Take in known-future covariates of times to come; they may be announced again, with other values.

        Args:
            rows: see `update`, without values of the target: ``{"unique_id": "a", "ds": 9, "price": 2.5}``. What has to
                be known is the steps that are forecast.

        Raises:
            DataError: a series is not known, or a time has been read, lies between two steps, or too far ahead.
            UsageError: the model reads no such covariates, or the rows are of another kind.
        """
        columns = self._carried.columns
        if columns is None or not columns.future:
            raise UsageError("only models with known-future covariates can be told them ahead, but this one has none.")
        self._carried.told_ahead(observations(rows, self.spec, self._alone(), Wanted(False, columns.future)))

    def drop(self, ids: Sequence[str] | str) -> None:
        """Forget series, which have ended; one that comes with such a name later is a new one.

        Raises:
            DataError: one of them is not known.
        """
        ended = self._carried.roster.known(ids)
        self._hold(self._carried.take(np.setdiff1d(np.arange(len(self)), ended)))

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
        watch = Watch(steps, asked(level, None)[0], self.fitted.levels)
        watch.add(len(self))
        self._carried.watch = watch

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
        if self._carried.watch is None:
            raise UsageError("scores must be watched for, but nothing is. Call watch() before the updates.")
        numbers = self._carried.roster.known(ids)
        names = np.array([self._carried.roster.names[i] for i in numbers], np.str_)
        return self._carried.watch.frame(numbers, names, self.spec, recent=recent)

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
        return self._speaker.forecast(ids, steps, sides_of(levels, (0.5, *wanted)))

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
        given = self._observations(rows)
        moved = dict.fromkeys(given.ids)
        wanted = list(moved) if ids is None else [ids] if isinstance(ids, str) else [str(name) for name in ids]
        needed = [name for name in dict.fromkeys([*moved, *wanted]) if name in self._carried.roster.numbers]
        twin = self._take(self._carried.roster.known(needed))
        twin._read(given)
        return twin.forecast(horizon, ids=wanted, **options)

    def fork(self) -> Live:
        """An independent copy."""
        return self._take(np.arange(len(self)))

    def part(self, ids: Sequence[str] | str) -> Live:
        """An independent live forecaster of some series, in that order.

        Raises:
            DataError: one of them is not known, or named twice.

        Examples:
            >>> from foregate import Forecaster
            >>> live = Forecaster.pretrained(horizon=3, season_length=4).live()
            >>> live.update([{"unique_id": name, "ds": 1, "y": 2.5} for name in "ab"]).read
            2
            >>> live.part("b").ids
            ('b',)
        """
        numbers = self._carried.roster.known(ids)
        if len(np.unique(numbers)) < len(numbers):
            raise DataError(f"series must be named once, but got {listed(ids)}. Name each of them once.")
        return self._take(numbers)

    def join(self, other: Live) -> None:
        """Take in the series of another live forecaster of the same model, as `part` gives them; it stays as it is.

        Raises:
            DataError: a series is here already.
            UsageError: the other one is of another model or frequency, allows other rows to be late, or is watched
                otherwise; or one of them has learnt.

        Examples:
            >>> from foregate import Forecaster
            >>> live = Forecaster.pretrained(horizon=3, season_length=4).live()
            >>> live.update([{"unique_id": name, "ds": 1, "y": 2.5} for name in "ab"]).read
            2
            >>> a, b = live.part("a"), live.part("b")
            >>> a.join(b)
            >>> a.ids
            ('a', 'b')
        """
        if other.fitted is not self.fitted and checksum(other.fitted) != checksum(self.fitted):
            raise UsageError("live forecasters must be of one model to be joined, but got two. Start both with one.")
        self._carried.join(other._carried)
        self._hold(self._carried)

    def snapshot(self) -> bytes:
        """The state as safetensors, for `restore` on any machine with the same model."""
        return pack(self._carried, checksum(self._given))

    @classmethod
    def restore(cls, fitted: Fitted, snapshot: bytes) -> Live:
        """Go on from a snapshot.

        Raises:
            ArtifactError: the snapshot is damaged, of another model, or of another version.
        """
        carried = unpack(snapshot, fitted, checksum(fitted))
        live = cls(fitted, freq=carried.roster.freq, spec=carried.spec)
        learner = carried.learner
        live._adopt(fitted if learner is None else learner.fitted, carried)
        return live
