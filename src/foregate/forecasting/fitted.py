"""A fitted model: the network, what it must be told, and how wide its intervals are. No torch of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foregate.core import Ahead, DataError, Engine, Forecast, Future, Panel, listed
from foregate.data.inputs import Inputs, InputSpec, View
from foregate.data.tracks import LOG
from foregate.forecasting.intervals import Calibration, interpolate_quantiles
from foregate.forecasting.special import normal_score

__all__ = [
    "SERIES_AT_ONCE",
    "Fitted",
    "Reading",
    "decode_origins",
    "raw_quantiles",
    "read_origins",
    "short_series_notes",
]

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]

PARTS_AT_ONCE = 2
LEAST_OBSERVATIONS = 3
"""Series with fewer observations are forecast by the simple rule of `Fitted._simple`."""
ENCODER_CELLS = 50_000
ENCODER_STEPS = 4_096
DECODER_CELLS = 50_000
SERIES_AT_ONCE, ROWS_AT_ONCE = 512, 200_000
"""A panel of more series is prepared so many rows at a time, which bounds memory."""


@dataclass(frozen=True)
class Reading:
    """A panel as it was read to its end: its forecast costs the decoder alone."""

    inputs: Inputs
    """Of that panel."""
    states: Float32Array
    """(S, W) after the last row of each series."""
    features: Float32Array
    """(S, F) of that row."""


@dataclass(frozen=True)
class Fitted:
    """Forecasts any regular panel with a trained network; made by `foregate.pipeline.fit` or loaded from a folder."""

    engine: Engine
    """The network."""
    spec: InputSpec
    """What it is told."""
    levels: tuple[float, ...]
    """Q probabilities of its outputs, ascending, the median in the middle."""
    calibration: Calibration
    """From held-out origins of the panel it was trained on."""
    horizon: int
    """Steps that it was trained to look ahead."""
    typical_scale: float
    """Median relative change per step over the training series: the spread given to series too short to have one."""
    name: str = "LSTM"
    """The column that its forecasts go by."""
    reading: Reading | None = field(default=None, compare=False, repr=False)
    """Of the panel that it was made with, where that has been read to its end already; not saved."""

    def forecast(
        self, panel: Panel, horizon: int, quantiles: Sequence[float], future: Future | None = None
    ) -> Forecast:
        """Forecast the `horizon` steps after the last row of every series.

        Raises:
            DataError: a series without a single observation, or a covariate that is missing.
        """
        _require_observed(panel)
        values = np.empty((len(panel), horizon, len(quantiles)))
        short = np.zeros(len(panel), np.bool_)

        def fill(series: IntArray) -> None:
            part = panel if len(series) == len(panel) else panel.take(series)
            here = None if future is None else {name: known[series] for name, known in future.items()}
            values[series], short[series] = self._at_end(part, horizon, quantiles, here)

        with ThreadPoolExecutor(PARTS_AT_ONCE) as pool:  # numpy prepares one part while the network reads another
            list(pool.map(fill, _parts(panel)))
        notes = (*short_series_notes(panel.ids[short]), *self._unknown_categories(panel))
        times = panel.future_times(horizon)
        return Forecast(panel.ids, times, panel.last_times, tuple(quantiles), values, notes)

    def forecast_origins(self, panel: Panel, origins: IntArray, horizon: int, quantiles: Sequence[float]) -> FloatArray:
        """Forecasts (S, O, K, Q) from rows `origins` (S, O) in one pass; NaN where the origin is -1."""
        values = np.empty((*origins.shape, horizon, len(quantiles)))
        for series in _parts(panel):
            part = panel if len(series) == len(panel) else panel.take(series)
            values[series] = self._at(Inputs(part, self.spec), origins[series], horizon, quantiles)
        return values

    def _at_end(
        self, panel: Panel, horizon: int, quantiles: Sequence[float], future: Future | None
    ) -> tuple[FloatArray, BoolArray]:
        """Forecasts (S, K, Q) after the last rows, and which series (S,) had too few observations for the network."""
        known, last = self.reading, panel.offsets[1:] - 1
        if known is not None and known.inputs.panel is panel and future is None:
            inputs, k = known.inputs, np.arange(1, horizon + 1)
            values = np.empty((len(panel), horizon, len(quantiles)))
            for chosen in _batches(panel.lengths):  # as they were read, so that not a bit differs from reading again
                rows, states, features = last[chosen], known.states[chosen], known.features[chosen]
                for some, raw in decode_origins(self.engine, inputs, rows, states, features, k):
                    values[chosen[some]] = self.restored(inputs, rows[some], raw, quantiles)
        else:
            inputs = Inputs(panel, self.spec, future)
            values = self._at(inputs, (panel.lengths - 1)[:, None], horizon, quantiles)[:, 0]
        return values, inputs.tracks.age[inputs.tracks.row[last]] < LEAST_OBSERVATIONS

    def _at(self, inputs: Inputs, origins: IntArray, horizon: int, quantiles: Sequence[float]) -> FloatArray:
        k = np.arange(1, horizon + 1)
        out = np.full((*origins.shape, horizon, len(quantiles)), np.nan)
        for series, column, rows, raw in raw_quantiles(self.engine, inputs, origins, k):
            out[series, column] = self.restored(inputs, rows, raw, quantiles)
        return out

    def restored(self, inputs: View, rows: IntArray, raw: Float32Array, quantiles: Sequence[float]) -> FloatArray:
        """What the network said (B, K, Q) of origins at `rows`, calibrated and in the units of the data."""
        calibrated = self.calibration.apply(raw.astype(np.float64))
        restored = inputs.restore(rows, interpolate_quantiles(calibrated, self.levels, quantiles))
        short = inputs.tracks.age[inputs.tracks.here[rows]] < LEAST_OBSERVATIONS
        restored[short] = self._simple(inputs, rows[short], np.arange(1, raw.shape[1] + 1), quantiles)
        return restored

    def _simple(self, inputs: View, rows: IntArray, k: IntArray, quantiles: Sequence[float]) -> FloatArray:
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
        spread = self.typical_scale * np.sqrt(k)[:, None] * normal_score(quantiles) * 1.25  # sigma of a mean deviation
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


def _require_observed(panel: Panel) -> None:
    observed = np.add.reduceat(np.append(panel.mask, False), panel.offsets[:-1]) * (panel.lengths > 0)
    empty = panel.ids[observed == 0]
    if len(empty):
        raise DataError(
            f"every series must have an observed value, but got none in {len(empty)} of {len(panel)}: "
            f"{listed(empty)}. "
            "Leave these series out."
        )


def raw_quantiles(
    engine: Engine, inputs: Inputs, origins: IntArray, k: IntArray
) -> Iterator[tuple[IntArray, IntArray, IntArray, Float32Array]]:
    """Run the network over whole histories and decode it at origins, a part of the panel at a time.

    Args:
        engine: the network.
        inputs: of a panel of S series.
        origins: (S, O) row of each origin within its series, -1 for none.
        k: (K,) steps ahead.

    Yields:
        series number, origin number, panel row (each (B,)) and quantiles (B, K, Q) in units of the row's scale.
    """
    for series, column, rows, states, features in read_origins(engine, inputs, origins):
        for part, quantiles in decode_origins(engine, inputs, rows, states, features, k):
            yield series[part], column[part], rows[part], quantiles


def read_origins(
    engine: Engine, inputs: Inputs, origins: IntArray
) -> Iterator[tuple[IntArray, IntArray, IntArray, Float32Array, Float32Array]]:
    """The first half of `raw_quantiles`: read histories from the first observation as far as their last origins.

    Yields:
        series number, origin number, panel row (each (B,)), states (B, W) and features (B, F).
    """
    offsets, first = inputs.panel.offsets, inputs.panel.first_observed
    for chosen in _batches(origins.max(1, initial=-1) + 1):
        where, column = np.nonzero(origins[chosen] >= 0)
        position = origins[chosen][where, column]
        begins, read = offsets[chosen] + first[chosen], position - first[chosen][where]
        states, features = _encode(engine, inputs, begins, where, read)
        yield chosen[where], column, offsets[chosen][where] + position, states, features


def decode_origins(
    engine: Engine, inputs: View, rows: IntArray, states: Float32Array, features: Float32Array, k: IntArray
) -> Iterator[tuple[slice, Float32Array]]:
    """The second half of `raw_quantiles`: quantiles (B, K, Q) of a slice of the origins at a time."""
    size = max(1, DECODER_CELLS // len(k))
    for i in range(0, len(rows), size):
        part = slice(i, i + size)
        ahead = Ahead(k, *inputs.steps(rows[part], k), *inputs.units(rows[part]))
        yield part, engine.decode(states[part], features[part], ahead)


def _parts(panel: Panel) -> Iterator[IntArray]:
    """Numbers of consecutive series with about ROWS_AT_ONCE rows together; of all where there are few."""
    number = panel.offsets[1:] // ROWS_AT_ONCE * (len(panel) > SERIES_AT_ONCE)
    yield from np.split(np.arange(len(panel)), np.flatnonzero(np.diff(number)) + 1)


def _batches(lengths: IntArray) -> Iterator[IntArray]:
    """Numbers of series with something to read, longest last, about ENCODER_CELLS steps at a time."""
    order = np.argsort(lengths, kind="stable")
    order = order[lengths[order] > 0]
    begin = 0
    while begin < len(order):
        size = max(1, ENCODER_CELLS // int(lengths[order[begin]]))
        while size > 1 and lengths[order[min(begin + size, len(order)) - 1]] * size > 1.25 * ENCODER_CELLS:
            size = max(1, int(size * 0.8))
        yield order[begin : begin + size]
        begin += size


def _encode(
    engine: Engine, inputs: Inputs, begins: IntArray, where: IntArray, position: IntArray
) -> tuple[Float32Array, Float32Array]:
    """States (N, W) and features (N, F) of N origins: series numbered `where` of a batch, row `position` in each.

    Before the first observation, at a negative position, both are 0.
    """
    lengths = np.zeros(len(begins), np.int64)
    np.maximum.at(lengths, where, position + 1)
    carried, n = None, len(where)
    states, features = np.zeros((n, engine.width), np.float32), np.zeros((n, inputs.spec.n_features), np.float32)
    longest = max(1, int(lengths.max()))
    for begin in range(0, longest, ENCODER_STEPS):
        column = np.arange(begin, min(begin + ENCODER_STEPS, longest))
        block = inputs.features(np.where(column < lengths[:, None], begins[:, None] + column, -1))
        now = np.flatnonzero((position >= begin) & (position <= column[-1]))
        place, columns = _rectangle(where[now], position[now] - begin, len(begins))
        out, carried = engine.encode(block, columns, carried)
        states[now], features[now] = out[where[now], place], block[where[now], position[now] - begin]
    return states, features


def _rectangle(where: IntArray, position: IntArray, series: int) -> tuple[IntArray, IntArray]:
    """Positions (N,) of series numbered `where` (N,), ascending, as one rectangle.

    Returns:
        the column of each in the rectangle (N,), and the rectangle (series, O), 0 where a series has fewer.
    """
    counts = np.bincount(where, minlength=series)
    place = np.arange(len(where)) - np.repeat(np.cumsum(counts) - counts, counts)
    columns = np.zeros((series, max(1, int(counts.max(initial=0)))), np.int64)
    columns[where, place] = position
    return place, columns
