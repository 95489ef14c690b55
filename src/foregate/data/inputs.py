"""From observations to the network's inputs, and from its outputs to forecasts: written once, used by all.

Training, prediction and backtests all ask one `Inputs` for the features at panel rows, for what the decoder sees of
each horizon step from there, for targets in the units of the row, and for the way back to the units of the data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foregate.core import Future, Panel
from foregate.data.clock import Days
from foregate.data.columns import (
    Columns,
    Covariates,
    FromOrigins,
    category_places,
    encode_columns,
    read_as_unknown,
)
from foregate.data.input_spec import STEP_WIDTH, InputSpec
from foregate.data.lags import lagged
from foregate.data.related import squash
from foregate.data.statistics import ERRORS, SLOPES, SMOOTHING
from foregate.data.stretches import Marks, Stretches
from foregate.data.tracks import LOG, Tracks, make_tracks

__all__ = ["InputSpec", "Inputs", "Units", "View", "in_units"]

IntArray = NDArray[np.int64]
Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

FURTHEST_SEASON = 32
"""Seasons ahead beyond which the decoder is not told how far it is: it has not learnt what that would mean."""
TREND_REACH = 2
"""A slope goes on for so many times the rows that it was seen in."""
LEAST_ERROR = 0.02
"""In units of scale: smaller errors of what a forecast can be made of are not told apart."""
LARGEST_EXPONENT = 80.0
"""Zero has no logarithm; it counts as this far below the first value."""
FORGOTTEN = 0.05
"""Share of the crops in training in which a category is read as unknown."""
ROWS_KEPT = 500_000
"""Panels of more rows are not prepared as a whole."""
MOST_SPANS, MOST_TIMES = 10, 1000
"""A forecast goes no further beyond what a series has seen than so many times its range, and in logarithms no further
than to so many times the greatest value or to that share of the least one."""


class Units(NamedTuple):
    """What a number of the network means: level + scale times it, in the units that a series is read in."""

    level: Float32Array
    """(...,)"""
    scale: Float32Array
    """(...,) positive."""


def in_units(values: FloatArray, units: Units, anchor: Float32Array, is_log: BoolArray) -> FloatArray:
    """Values (B, ...) in the units of the data, as outputs of the network at origins (B,): what `View.restore` undoes.

    Args:
        values: in the units of the data.
        units: of the origins.
        anchor: what logarithms are taken relative to, of each.
        is_log: whether it is read in logarithms.
    """
    shape = -1, *[1] * (values.ndim - 1)
    level, scale, anchor = (each.reshape(shape) for each in (*units, anchor))
    is_log = is_log.reshape(shape)
    floor = np.where(is_log, anchor * np.exp(-LARGEST_EXPONENT), 1)
    z = np.where(is_log, np.log(np.where(is_log, np.maximum(values, floor), 1) / anchor), values)
    return ((z - level) / scale).astype(np.float64)


class View:
    """Causal, scale-free view of series: what the network is told of them, and what its outputs mean.

    Rows are numbers of tracks' rows; -1 stands for padding and gives zeros. Whatever is asked of row n depends on rows
    up to n of the same series, and on covariates that are known then, alone.
    """

    def __init__(
        self,
        tracks: Tracks,
        spec: InputSpec,
        series: IntArray,
        columns: Covariates,
        days: FloatArray | None = None,
    ) -> None:
        """Look at tracks whose N rows belong to `series` (N,), with encoded covariates of those series.

        `days` (N,) are the times of the rows since 1970, where they are told.
        """
        self._tracks, self.spec, self._series, self._columns = tracks, spec, series, columns
        self._days = days

    @property
    def tracks(self) -> Tracks:
        """All that is carried, at every row."""
        return self._tracks

    def near(self, rows: IntArray, ahead: int = 0) -> tuple[View, IntArray]:
        """A view that has `rows` (...), and so many rows ahead of each as there are; and their numbers in it."""
        return self, rows

    def features(self, rows: IntArray) -> Float32Array:
        """What the encoder reads at each row: (..., F)."""
        safe = np.maximum(rows, 0)
        out = np.empty_like(rows, np.float32, shape=(*rows.shape, self.spec.n_features))
        i = 0
        for columns in lagged(self.tracks, self.spec, safe, *self.units(safe)):
            out[..., i : i + columns.shape[-1]] = columns
            i += columns.shape[-1]
        for column in self._relative(safe):
            out[..., i] = column
            i += 1
        out[..., :i] = squash(out[..., :i])
        out[..., i : i + ERRORS] = self._skill(safe)
        i += ERRORS
        for fact in self._facts(safe):
            out[..., i] = fact
            i += 1
        time = self.spec.n_features - self.spec.clock.width  # the last columns
        self._columns.write_encoder(out[..., i:time], safe, self._series[safe])
        if self._days is not None:
            out[..., time:] = self.spec.clock.waves(self._days[safe])
        out[rows < 0] = 0
        return out

    def _relative(self, rows: IntArray) -> Iterator[NDArray[Any]]:
        """Features in units of the row's scale: paths, slopes, and what a long season changed."""
        t, spec = self.tracks, self.spec
        r, here, begin = t.row[rows], t.here[rows], t.begin[rows]
        level, scale = t.level[here], self._unit_scale(here)
        for value in self._paths(here):
            yield (value - level) / scale
        for j in range(len(SLOPES)):
            yield t.slope[here, j] * spec.seasons[0] / scale
        ago = r - spec.seasons[1]
        there = (ago >= begin) & (spec.seasons[1] > 1)
        yield np.where(there, (t.season_mean[r, 0] - t.season_mean[np.maximum(ago, begin), 0]) / scale, 0)

    def _skill(self, rows: IntArray) -> NDArray[Any]:
        """How well all that a forecast can be made of has foretold the next row: (..., ERRORS)."""
        here = self.tracks.here[rows]
        skill = np.log(self.tracks.errors[here] / self._unit_scale(here)[..., None] + LEAST_ERROR)
        return np.where(np.isnan(skill), 0, skill)

    def _facts(self, rows: IntArray) -> Iterator[NDArray[Any] | float]:
        """How much has been seen, the seasons, and what kind of numbers these are."""
        t, (short, long) = self.tracks, self.spec.seasons
        r, here = t.row[rows], t.here[rows]
        yield np.log1p(t.age[here]) / 5
        yield np.log(short) / 3
        yield np.log(long) / 3
        yield np.log(np.maximum(t.relative[here], 1e-6)) / 5
        yield t.unit[rows]
        yield t.mask[r]
        yield np.log1p(t.gap[here])
        yield t.zeros[here]
        yield t.count[r, 0] > 0
        yield t.count[r, 1] > 0 if long > 1 else 0.0

    def steps(self, rows: IntArray, k: IntArray) -> tuple[Float32Array, Float32Array]:
        """What the decoder sees of the steps k (K,) ahead of each row.

        Returns:
            step features (..., K, S), and the candidate paths (..., K, P) in units of the row's scale above its level.
        """
        t, (short, long) = self.tracks, self.spec.seasons
        r, here, begin = (a[..., None] for a in (t.row[rows], t.here[rows], t.begin[rows]))
        level, scale = t.level[here], self._unit_scale(here)
        paths, known = [], []
        own = 1 if long > 1 else 0  # where a season lies that there is none of, is not looked at
        for m, which, season in ((short, 0, 0), (short, 0, 1), (long, own, 0)):
            back = self._phase(k, m) + season * m
            index = r - back
            there = (index >= begin) & (m > 1 or season == 0)
            index = np.maximum(index, begin)
            observed = there & t.mask[index]
            filled = np.where(t.mask[index], t.z[index], self._remembered(r, index, which, 0) if m > 1 else t.z[index])
            paths.append(np.where(there, (filled - level) / scale, 0))
            known.append(observed)
        ago = r - long  # the level goes on as since then, for two long seasons
        shift = (t.season_mean[r, 0] - t.season_mean[np.maximum(ago, begin), 0]) * np.minimum(-(-k // long), 2)
        paths.append(paths[-1] + np.where((ago >= begin) & (short > 1) & (long > 1), shift / scale, 0))
        for which, m in ((0, short), (own, long)):
            index = r - self._phase(k, m)
            there = (index >= begin) & (m > 1)
            index = np.maximum(index, begin)
            there &= t.count[index, which] > 0
            remembered = (self._remembered(r, index, which, slow) for slow in (0, 1))
            paths += [np.where(there, (value - level) / scale, 0) for value in remembered]
            known.append(np.where(there, np.log1p(t.count[index, which]) / 2, 0))
        shape = (*rows.shape, len(k))
        out = np.empty_like(rows, np.float32, shape=(*shape, self.spec.n_steps))
        seasons_ahead = np.minimum(k / short, FURTHEST_SEASON)
        where = np.log1p(k) / 3, np.sqrt(k) / 5, seasons_ahead / 8, (k - 1) % short / short
        for i, column in enumerate((*map(squash, paths), *known, *where)):
            out[..., i] = column
        time = self.spec.n_steps - self.spec.clock.width
        self._columns.write_steps(
            out[..., STEP_WIDTH:time], rows, self._series[rows], k, (self._phase(k, short), self._phase(k, long))
        )
        if self._days is not None:
            out[..., time:] = self.spec.clock.waves(self.spec.clock.after(self._days[rows][..., None], k))
        flat = [np.broadcast_to((value - level) / scale, shape) for value in self._paths(here)]
        reach = np.minimum(k, TREND_REACH * t.age[here])
        slopes = [reach * t.slope[here, j] / scale for j in range(len(SLOPES))]
        return out, np.stack([np.broadcast_to(p, shape) for p in (*paths, *slopes, *flat)], -1).astype(np.float32)

    def units(self, rows: IntArray) -> Units:
        """What 0 and 1 stand for in the outputs and targets of each row (...)."""
        here = self.tracks.here[rows]
        return Units(self.tracks.level[here], self._unit_scale(here))

    def targets(self, rows: IntArray, k: IntArray) -> tuple[Float32Array, BoolArray]:
        """What came k steps (K,) after each row, in units of its scale above its level, and where that is known.

        It is known where it was observed, unless nothing had changed up to the row: then there is no unit to say it in.
        """
        t = self.tracks
        r, end = t.row[rows][..., None], t.end[rows][..., None]
        index = r + k
        there = index < end
        index = np.minimum(index, end - 1)
        there &= t.mask[index] & (t.scale[r] > 0)
        return np.where(there, (t.z[index] - t.level[r]) / self._unit_scale(r), 0).astype(np.float32), there

    def restore(self, rows: IntArray, outputs: NDArray[np.floating]) -> FloatArray:
        """Network outputs (..., K, Q) seen from rows (...) in the units of the data.

        What was never negative so far is not forecast to be. However far ahead, nothing is forecast that lies further
        out than MOST_SPANS and MOST_TIMES say: what a network adds up over a thousand steps from a few values, and the
        exponential of it, means nothing out there. Sound forecasts are nowhere near.
        """
        t = self.tracks
        here = t.here[rows][..., None, None]
        is_log = t.unit[rows][..., None, None] == LOG
        value = t.level[here].astype(np.float64) + outputs.astype(np.float64) * t.scale[here]
        value = np.clip(value, *self._bounds(here, is_log))
        value = np.where(is_log, np.exp(np.where(is_log, value, 0)) * t.anchor[here], value)
        restored: FloatArray = np.where(t.least[here] >= 0, np.maximum(value, 0), value)
        return restored

    def relative(self, rows: IntArray, values: FloatArray) -> FloatArray:
        """Values (B, ...) in the units of the data, as outputs of the network at rows (B,): what `restore` undoes."""
        t, here = self.tracks, self.tracks.here[rows]
        return in_units(values, self.units(rows), t.anchor[here], t.unit[rows] == LOG)

    def _bounds(self, here: IntArray, is_log: BoolArray) -> tuple[FloatArray, FloatArray]:
        """The least and the greatest that may be forecast, in the units of the track."""
        t = self.tracks
        seen = t.age[here] > 0
        ends = [np.where(seen, end[here], t.anchor[here]).astype(np.float64) for end in (t.least, t.most)]
        low, high = (np.where(is_log, np.log(np.where(is_log, end / t.anchor[here], 1)), end) for end in ends)
        reach = MOST_SPANS * (high - low)
        reach = np.where(is_log, np.minimum(reach, np.log(MOST_TIMES)), reach)
        return low - reach, high + reach

    def _unit_scale(self, here: IntArray) -> Float32Array:
        scale = self.tracks.scale[here]
        unit: Float32Array = np.where(scale > 0, scale, np.float32(1))
        return unit

    def _paths(self, here: IntArray) -> list[Float32Array]:
        """Levels that a forecast may return to: the average and the smoothed values."""
        t = self.tracks
        return [t.mean[here], *(t.smooth[here, i] for i in range(len(SMOOTHING)))]

    def _remembered(self, r: IntArray, index: IntArray, which: int, slow: int) -> Float32Array:
        """The season's mean at row r plus what the quick or slow memory holds for the phase of row `index`."""
        t = self.tracks
        remembered: Float32Array = t.season_mean[r, which] + t.profile[index, 2 * which + slow]
        return remembered

    @staticmethod
    def _phase(k: IntArray, m: int) -> IntArray:
        """How far before the origin the last row with the phase of step k lies: 0 to m - 1."""
        return m * -(-k // m) - k


class _Parts:
    """Of a large panel the stretches that were asked for latest."""

    def __init__(self, panel: Panel, spec: InputSpec, columns: Columns, days: Days | None) -> None:
        self.spec, self.columns, self.days = spec, columns, days
        self.marks = Marks(panel, spec.seasons, spec.window, spec.lookback, plain=spec.plain)
        self.latest: tuple[Stretches, View] | None = None

    def near(self, rows: IntArray, ahead: int) -> tuple[View, IntArray]:
        """See `View.near`."""
        asked = rows[rows >= 0] if (rows >= 0).any() else np.zeros(1, np.int64)
        latest = self.latest
        if latest is None or not self.marks.hold(latest[0], asked, ahead):
            self.latest = latest = None  # what it holds is free to go
            self.latest = latest = self._read(self.marks.around(asked, ahead))
        stretches, view = latest
        return view, stretches.places(rows)

    def _read(self, stretches: Stretches) -> tuple[Stretches, View]:
        rows = stretches.rows
        series = np.repeat(stretches.series, stretches.ends - stretches.begins)
        columns = FromOrigins(self.columns, rows, series, np.zeros(len(rows), np.bool_))
        days = None if self.days is None else self.days.at(rows, series)
        return stretches, View(self.marks.tracks(stretches), self.spec, series, columns, days)


class Inputs(View):
    """The view of a regular panel: rows are panel rows.

    A panel of up to `ROWS_KEPT` rows is prepared once. Of a larger one the stretches are prepared that are asked for,
    and the latest are kept, so that memory does not grow with what is not read. Both have the same bits.
    """

    def __init__(self, panel: Panel, spec: InputSpec, future: Future | None = None) -> None:
        """Prepare a panel, and what is known of the steps after it."""
        self.panel, self.spec, self.columns = panel, spec, encode_columns(panel, spec.columns, future)
        self.days = Days.of(panel, spec.clock) if spec.clock else None
        self._source: View | _Parts
        if len(panel.values) > ROWS_KEPT:
            self._source = _Parts(panel, spec, self.columns, self.days)
        else:
            tracks, series = make_tracks(panel, spec.seasons, spec.window, plain=spec.plain), panel.row_series
            days = None if self.days is None else self.days.at(np.arange(len(series)), series)
            self._source = View(tracks, spec, series, self.columns, days)

    @property
    def tracks(self) -> Tracks:
        """All that is carried, at every row: of small panels only, since it takes about 160 bytes each."""
        return self.near(np.arange(len(self.panel.values)))[0].tracks

    def near(self, rows: IntArray, ahead: int = 0) -> tuple[View, IntArray]:
        """See `View.near`."""
        return self._source.near(rows, ahead)

    def features(self, rows: IntArray) -> Float32Array:
        """See `View.features`."""
        view, own = self.near(rows)
        return view.features(own)

    def steps(self, rows: IntArray, k: IntArray) -> tuple[Float32Array, Float32Array]:
        """See `View.steps`."""
        view, own = self.near(rows)
        return view.steps(own, k)

    def units(self, rows: IntArray) -> Units:
        """See `View.units`."""
        view, own = self.near(rows)
        return view.units(own)

    def targets(self, rows: IntArray, k: IntArray) -> tuple[Float32Array, BoolArray]:
        """See `View.targets`."""
        view, own = self.near(rows, int(k[-1]))
        return view.targets(own, k)

    def restore(self, rows: IntArray, outputs: NDArray[np.floating]) -> FloatArray:
        """See `View.restore`."""
        view, own = self.near(rows)
        return view.restore(own, outputs)

    def relative(self, rows: IntArray, values: FloatArray) -> FloatArray:
        """See `View.relative`."""
        view, own = self.near(rows)
        return view.relative(own, values)

    def forget(self, rng: np.random.Generator, features: Sequence[Float32Array], steps: Float32Array) -> None:
        """Read each category of some of the B crops of a training batch as unknown, in place.

        So the weights of the unknown are learnt even where every category of the training part has its own: they come
        to say what to expect of one that nothing is known of.

        Args:
            rng: what to draw the crops from.
            features: arrays (B, ..., F) that the encoder reads.
            steps: (B, ..., S) what the decoder sees of steps.
        """
        columns = self.spec.n_features - self.spec.clock.width - self.spec.encoder_width
        for of_encoder, of_steps in category_places(self.spec.columns):
            some = np.flatnonzero(rng.random(len(steps)) < FORGOTTEN)
            places = [(array[..., columns:], of_encoder) for array in features] + [(steps[..., STEP_WIDTH:], of_steps)]
            for array, spans in places:
                for span in spans:
                    array[some, ..., span] = read_as_unknown(array[some, ..., span])
