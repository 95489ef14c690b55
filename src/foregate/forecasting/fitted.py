"""A fitted model: the network, what it must be told, and how wide its intervals are. No torch of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Engine, Forecast, Future, Panel, listed
from foregate.data.inputs import Inputs, InputSpec, View
from foregate.data.tracks import LOG
from foregate.forecasting.distributions import SPREAD_OF_ONE
from foregate.forecasting.intervals import Calibration, interpolate_quantiles
from foregate.forecasting.origins import DECODER_CELLS, decode_origins, in_batches, raw_quantiles, read_origins
from foregate.forecasting.special import normal_score

__all__ = ["SERIES_AT_ONCE", "Fitted", "Reading", "no_counts", "require_counts", "short_series_notes", "uncounted"]

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
Floats = NDArray[np.floating]

PARTS_AT_ONCE = 2
LEAST_OBSERVATIONS = 3
"""Series with fewer observations are forecast by the simple rule of `Fitted.simple`."""
MOST_SAID = 2_000_000
"""So many of the numbers that a network has said are kept, of all horizons together."""
SERIES_AT_ONCE, ROWS_AT_ONCE = 512, 200_000
"""A panel of more series is prepared so many rows at a time, which bounds memory."""


@dataclass(frozen=True)
class Reading:
    """A panel as it was read to its end: its forecast costs the decoder alone."""

    engine: Engine
    """What has read it."""
    inputs: Inputs
    """Of that panel."""
    states: Float32Array
    """(S, W) after the last row of each series."""
    features: Float32Array
    """(S, F) of that row."""
    said: dict[int, FloatArray] = field(default_factory=dict, repr=False)
    """Horizon -> (S, K, Q) what the network says of the steps after, as far as it was asked and that is not much."""

    def raw(self, horizon: int) -> FloatArray:
        """What the network says of every series (S, K, Q); asked once, whatever is then wanted of it."""
        known = self.said.get(horizon)
        if known is not None:
            return known
        engine, panel, k = self.engine, self.inputs.panel, np.arange(1, horizon + 1)
        last, said = panel.offsets[1:] - 1, np.zeros((len(panel), horizon, len(engine.manner.levels)))
        for chosen in in_batches(panel.lengths):  # as they were read, so that not a bit differs from reading again
            rows, states, features = last[chosen], self.states[chosen], self.features[chosen]
            for some, raw in decode_origins(engine, self.inputs, rows, states, features, k):
                said[chosen[some]] = raw
        if said.size <= MOST_SAID:
            while sum(each.size for each in list(self.said.values())) + said.size > MOST_SAID:
                self.said.pop(next(iter(self.said)), None)  # what was asked first
            self.said[horizon] = said
        return said


@dataclass(frozen=True)
class Fitted:
    """Forecasts any regular panel with a trained network; made by `foregate.pipeline.fit` or loaded from a folder."""

    engine: Engine
    """The network."""
    spec: InputSpec
    """What it is told."""
    calibration: Calibration
    """From held-out origins of the panel it was trained on."""
    horizon: int
    """Steps that it was trained to look ahead."""
    typical_scale: float
    """Median relative change per step over the training series: the spread given to series too short to have one."""
    name: str = "LSTM"
    """The column that its forecasts go by."""
    reading: Reading | None = field(default=None, compare=False, repr=False)
    """Of a panel that has been read to its end already; not saved."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Q probabilities that intervals are made from, ascending, the median in the middle."""
        return self.engine.manner.levels

    @property
    def reads_future(self) -> bool:
        """Whether it reads covariates that are known ahead."""
        return any(column.role == "future" for column in self.spec.columns)

    def forecast(
        self, panel: Panel, horizon: int, quantiles: Sequence[float], future: Future | None = None
    ) -> Forecast:
        """Forecast the `horizon` steps after the last row of every series.

        Raises:
            DataError: a series without a single observation, a covariate that is missing, or to a model of counts
                what are none.
        """
        _require_observed(panel)
        if self.spec.plain:
            require_counts(panel)
        values = np.empty((len(panel), horizon, len(quantiles)))
        short = np.zeros(len(panel), np.bool_)

        def fill(series: IntArray) -> None:
            part = panel if len(series) == len(panel) else panel.take(series)
            here = None if future is None else {name: known[series] for name, known in future.items()}
            values[series], short[series] = self._at_end(part, horizon, quantiles, here)

        parts = list(_parts(panel))
        if len(parts) == 1:
            fill(parts[0])
        else:
            with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:  # numpy prepares one part while the network reads another
                list(pool.map(fill, parts))
        notes = (*short_series_notes(panel.ids[short]), *self._unknown_categories(panel))
        times = panel.future_times(horizon)
        return Forecast(panel.ids, times, panel.last_times, tuple(quantiles), values, notes)

    def having_read(self, panel: Panel) -> Fitted:
        """The same model, which has read a panel to its end: it forecasts that by the decoder alone, bit for bit,
        and the same horizon once more by nothing at all.

        Nothing is kept of a panel of many series, which bounds memory; nor where a state is not all that it takes:
        where steps are fed back one by one, or covariates are known ahead.
        """
        if (
            self._reading(panel) is not None
            or len(panel) > SERIES_AT_ONCE
            or self.reads_future
            or self.engine.manner.strategy == "recursive"
        ):
            return self
        inputs, n = Inputs(panel, self.spec), len(panel)
        states, features = (np.zeros((n, width), np.float32) for width in (self.engine.width, self.spec.n_features))
        for series, _, _, *read in read_origins(self.engine, inputs, (panel.lengths - 1)[:, None]):
            states[series], features[series] = read
        return replace(self, reading=Reading(self.engine, inputs, states, features))

    def forecast_origins(self, panel: Panel, origins: IntArray, horizon: int, quantiles: Sequence[float]) -> FloatArray:
        """Forecasts (S, O, K, Q) from rows `origins` (S, O) in one pass; NaN where the origin is -1."""
        if self.spec.plain:
            require_counts(panel)
        parts = list(_parts(panel))
        if len(parts) == 1:
            return self._at(Inputs(panel, self.spec), origins, horizon, quantiles)
        values = np.empty((*origins.shape, horizon, len(quantiles)))
        for series in parts:
            values[series] = self._at(Inputs(panel.take(series), self.spec), origins[series], horizon, quantiles)
        return values

    def _reading(self, panel: Panel) -> Reading | None:
        """Of a panel, if this engine has read it."""
        known = self.reading
        return known if known is not None and known.engine is self.engine and known.inputs.panel is panel else None

    def _at_end(
        self, panel: Panel, horizon: int, quantiles: Sequence[float], future: Future | None
    ) -> tuple[FloatArray, BoolArray]:
        """Forecasts (S, K, Q) after the last rows, and which series (S,) had too few observations for the network."""
        known, last = self._reading(panel), panel.offsets[1:] - 1
        if known is not None and future is None:
            inputs, raw = known.inputs, known.raw(horizon)
            size = max(1, DECODER_CELLS // horizon)
            parts = [slice(i, i + size) for i in range(0, len(panel), size)]
            values = np.concatenate([self.restored(inputs, last[part], raw[part], quantiles) for part in parts])
        else:
            inputs = Inputs(panel, self.spec, future)
            values = self._at(inputs, (panel.lengths - 1)[:, None], horizon, quantiles)[:, 0]
        view, rows = inputs.near(last)
        return values, view.tracks.age[view.tracks.row[rows]] < LEAST_OBSERVATIONS

    def _at(self, inputs: Inputs, origins: IntArray, horizon: int, quantiles: Sequence[float]) -> FloatArray:
        k = np.arange(1, horizon + 1)
        out = np.full((*origins.shape, horizon, len(quantiles)), np.nan)
        for series, column, rows, raw in raw_quantiles(self.engine, inputs, origins, k):
            out[series, column] = self.restored(inputs, rows, raw, quantiles)
        return out

    def restored(
        self, inputs: View, rows: IntArray, raw: Floats, quantiles: Sequence[float], widths: FloatArray | None = None
    ) -> FloatArray:
        """What the network said (B, K, Q) of origins at `rows`, calibrated and in the units of the data.

        Of counts these are whole numbers, also between the levels that the network answers at. Further factors of the
        widths (B, K, Q) are those of a stream that is watched.
        """
        inputs, rows = inputs.near(rows)
        calibrated = self.calibration.apply(raw.astype(np.float64), widths)
        restored = inputs.restore(rows, interpolate_quantiles(calibrated, self.levels, quantiles))
        short = inputs.tracks.age[inputs.tracks.here[rows]] < LEAST_OBSERVATIONS
        if short.any():
            restored[short] = self.simple(inputs, rows[short], np.arange(1, raw.shape[1] + 1), quantiles)
        return np.rint(restored) if self.spec.plain else restored

    def simple(self, inputs: View, rows: IntArray, k: IntArray, quantiles: Sequence[float]) -> FloatArray:
        """The last observed value, with a normal spread of the panel's typical relative change times sqrt(k).

        A positive value is multiplied by 1 + spread and divided by it, which for small spreads is the exponential, and
        does not explode as that does for large ones. 0 where nothing has been observed yet, as the baselines say.
        """
        t = inputs.tracks
        r = t.here[rows]
        is_log = t.unit[rows] == LOG
        last = np.exp(np.where(is_log, t.level[r], 0).astype(np.float64)) * t.anchor[r]
        last = np.where(is_log, last, t.level[r])
        last = np.where(t.age[r] > 0, last, 0)[:, None, None]
        spread = self.typical_scale * np.sqrt(k)[:, None] * normal_score(quantiles) * SPREAD_OF_ONE
        times = (1 + np.abs(spread)) ** np.sign(spread)
        value = np.where(is_log[:, None, None], last * times, last + np.abs(last) * spread)
        return np.where(t.least[r][:, None, None] >= 0, np.maximum(value, 0), value)

    def _unknown_categories(self, panel: Panel) -> Iterator[str]:
        for c in self.spec.columns:
            left = set(panel.covariates[c.name].categories) - set(c.categories)
            if c.categories and left:
                yield f"Categories {listed(sorted(left))} of {c.name!r} have no input and are read as unknown."


def short_series_notes(ids: NDArray[np.str_]) -> tuple[str, ...]:
    """What to say of series that are forecast by the simple rule: a sentence, or nothing where there are none."""
    if not len(ids):
        return ()
    return (f"forecast by the last value, for lack of {LEAST_OBSERVATIONS} observations: {listed(ids)}.",)


def require_counts(panel: Panel) -> None:
    """Refuse observations that are no counts, which a negative binomial distribution cannot have drawn.

    Raises:
        DataError: says how many are negative or not whole, and in which series.
    """
    wrong = panel.mask & uncounted(panel.values)
    if wrong.any():
        raise no_counts(panel.ids[panel.row_series[wrong]], panel.values[wrong])


def uncounted(values: NDArray[np.floating]) -> BoolArray:
    """Which numbers are negative or not whole; none that are missing are.

    Examples:
        >>> uncounted(np.array([0.0, 2.5, -1.0, np.nan]))
        array([False,  True,  True, False])
    """
    wrong: BoolArray = ~np.isnan(values) & ((values < 0) | (values != np.rint(values)))
    return wrong


def no_counts(ids: NDArray[np.str_], values: NDArray[np.floating]) -> DataError:
    """What to say of observations that are no counts, by the series of each."""
    names = list(dict.fromkeys(ids.tolist()))
    return DataError(
        f"the target must be whole numbers from 0 for 'negative-binomial', but got {values[0]:g} and the like in "
        f"{len(values):,} row{'s' if len(values) > 1 else ''} of {len(names):,} series: {listed(names)}. "
        "Choose another head."
    )


def _require_observed(panel: Panel) -> None:
    observed = np.add.reduceat(np.append(panel.mask, False), panel.offsets[:-1]) * (panel.lengths > 0)
    empty = panel.ids[observed == 0]
    if len(empty):
        raise DataError(
            f"every series must have an observed value, but got none in {len(empty)} of {len(panel)}: "
            f"{listed(empty)}. "
            "Leave these series out."
        )


def _parts(panel: Panel) -> Iterator[IntArray]:
    """Numbers of consecutive series with about ROWS_AT_ONCE rows together; of all where there are few."""
    number = panel.offsets[1:] // ROWS_AT_ONCE * (len(panel) > SERIES_AT_ONCE)
    yield from np.split(np.arange(len(panel)), np.flatnonzero(np.diff(number)) + 1)
