"""Importance by permutation: how much worse forecasts become when a network is told something of another time.

Breiman, "Random Forests" (2001), for series: what is read of a group of inputs is taken from another place of another
series, whole stretches at a time, so that each keeps its own course and loses what it had to do with the rest. The
rise of the loss is what the model got out of that group, which its companions do not tell as well. No torch: any
engine reads what it is told.

Letters: G groups, R repeats, S series, O origins of each, K horizon steps, Q quantiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Panel, UsageError, at_least, evenly
from foregate.data import cutoffs
from foregate.data.feature_names import AHEAD, Feature, Source, encoder_features, path_features, step_features
from foregate.data.inputs import Inputs, InputSpec
from foregate.data.later import pl
from foregate.evaluation.metrics import mase_scale
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.origins import decode_origins, read_origins
from foregate.inspection.pictures import heat_map
from foregate.inspection.ranking import ranked
from foregate.inspection.section import Picture, Section
from foregate.inspection.subject import series_of

__all__ = ["Importance", "Shuffle", "importance", "importance_of"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
Metric = Literal["pinball", "mase"]
Group = tuple[str, Source]

MOST_ROWS = 2_000
"""Rows of each series that are read: what lies before says little of the last origins."""
DRAWS, LEVEL = 400, 95
"""Resamples of an interval, and its percentage."""
FEWEST_SERIES = 8
"""From so many series on an interval is of other series; of fewer, of other origins."""


@dataclass(frozen=True)
class Shuffle:
    """How importance is measured.

    Examples:
        >>> Shuffle(repeats=3).by
        'group'
    """

    by: Literal["group", "feature"] = "group"
    """What is permuted together: what people speak of, or each feature by itself, such as a single lag."""
    metric: Metric = "pinball"
    """The loss: ``pinball`` over the model's quantiles, or ``mase``, the error of the median; both divided by the mean
    change over a season of each series."""
    repeats: int = 5
    """R, permutations of each group."""
    series: int = 16
    """Series that are forecast at most, evenly taken."""
    origins: int = 8
    """Origins of each at most, a horizon apart, the newest ones that have a horizon after them."""
    seed: int = 0
    """Of the permutations."""

    def __post_init__(self) -> None:
        for name, value, known in (
            ("by", self.by, ("group", "feature")),
            ("metric", self.metric, ("pinball", "mase")),
        ):
            if value not in known:
                raise UsageError(f"{name} must be {' or '.join(map(repr, known))}, but got {value!r}.")
        at_least(1, repeats=self.repeats, series=self.series, origins=self.origins)


@dataclass(frozen=True)
class Importance:
    """How much worse S series are forecast without each of G groups."""

    ids: NDArray[np.str_]
    """(S,)"""
    groups: tuple[Group, ...]
    """Name and source of each group."""
    loss: FloatArray
    """(S, O) as the model is; NaN where there is no origin."""
    rise: FloatArray
    """(G, R, S, O) how much higher the loss is in each repeat."""
    shuffle: Shuffle
    """How it was measured."""
    notes: tuple[str, ...] = ()
    """What could not be measured, one sentence each."""

    def frame(self) -> pl.DataFrame:
        """A row per series and group: ``unique_id, group, source, loss, rise, low, high``.

        ``low`` and ``high`` bound a 95 % interval over origins; null of a single one.
        """
        loss, parts = np.nanmean(self.loss, 1), []
        for s, name in enumerate(self.ids.tolist()):
            parts.append(self._table(self.rise[:, :, [s]], float(loss[s])).insert_column(0, pl.lit(name, pl.String)))
        return pl.concat([part.rename({part.columns[0]: "unique_id"}) for part in parts])

    def overall(self) -> pl.DataFrame:
        """A row per group, ``group, source, loss, rise, low, high``, the largest rise first."""
        table = self._table(self.rise, float(np.nanmean(self.loss)))
        return table.sort("rise", descending=True, maintain_order=True)

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return {"importance": self.overall(), "importance_by_series": self.frame()}

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What was measured, origin by origin."""
        return {"ids": self.ids, "loss": self.loss, "rise": self.rise}

    def picture(self) -> Picture:
        """How much the loss rises without each group."""
        table = self.overall()
        names, sizes = table["group"].to_list(), table["rise"].to_numpy()
        bounds = table["low"].fill_null(np.nan).to_numpy(), table["high"].fill_null(np.nan).to_numpy()
        first = "; ".join(f"{row['group']} by {row['rise']:.3g}" for row in table.head(3).iter_rows(named=True))
        return Picture(
            title="What forecasts would lose",
            alternative=f"How much the loss rises when a group is told of another time, the most first: {first}",
            draw=partial(ranked, names, sizes, label="rise of the loss", bounds=bounds),
            table=table,
            note="Lines are 95 % intervals. What is told twice looks small, since its companion tells it too.",
        )

    def section(self) -> Section:
        """The part of the page."""
        table = self.overall()
        sure = table.filter(pl.col("low") > 0)["group"].to_list()
        lead = (
            f"The past of {len(self.ids)} series was forecast again, with one group of what is told taken from another "
            f"time and series, {self.shuffle.repeats} times each. The loss of the model as it is: "
            f"{float(np.nanmean(self.loss)):.3g} mean changes over a season. "
            + (f"It surely uses {', '.join(sure)}." if sure else "Of no group it is sure that it is used.")
        )
        return Section("Importance", (lead, *self.notes), (self.picture(), self.by_series()))

    def by_series(self) -> Picture:
        """What each series would lose."""
        mean = np.nanmean(self.rise, (1, 3))
        order = np.argsort(-mean.mean(1), kind="stable")
        shares = (mean / np.maximum(np.abs(mean).max(0, initial=0), 1e-12))[order]
        firsts = [self.groups[g][0] for g in np.argmax(mean, 0)]
        most = max(dict.fromkeys(firsts), key=firsts.count)
        return Picture(
            title="Series by series",
            alternative=f"Rise of the loss by group and series: {most} is the largest of {firsts.count(most)} of "
            f"{len(self.ids)} series",
            draw=partial(heat_map, shares, first=1, label="series", rows=f"{len(order)} groups"),
            table=self.frame(),
            note="Groups in the order of the picture beside it; full is the largest rise of a series, orange a fall.",
        )

    def _table(self, rise: FloatArray, loss: float) -> pl.DataFrame:
        """Of rises (G, R, S, O)."""
        low, high = _interval(rise.mean(1), self.shuffle.seed)
        return pl.DataFrame(
            {
                "group": [name for name, _ in self.groups],
                "source": [source for _, source in self.groups],
                "loss": np.full(len(self.groups), loss),
                "rise": np.nanmean(rise, (1, 2, 3)) if len(self.groups) else np.zeros(0),
                "low": pl.Series(low, nan_to_null=True),
                "high": pl.Series(high, nan_to_null=True),
            },
            schema_overrides={"group": pl.String, "source": pl.String},
        )


def importance(model: Any, data: Any = None, shuffle: Shuffle | None = None) -> Importance:
    """How much worse the past is forecast when each part of what is told comes from elsewhere.

    Forecasts are made from origins of the past, whose outcomes are known. A recursive model is asked for one step. Of
    a single series static attributes cannot be told from anything else, and are left out, which is said.

    Args:
        model: a fitted `foregate.Forecaster`, with either runtime.
        data: a panel, or anything that `foregate.read` takes, in the columns it was fitted on; None for what it was
            fitted on.
        shuffle: how it is measured.

    Raises:
        DataError: no series has a season of change, a first observation and a horizon after it.

    Examples:
        >>> from foregate import Forecaster
        >>> from foregate.data import generate
        >>> model = Forecaster(horizon=3, season_length=12, options={"steps": 2, "hidden": 8}).fit(generate(2, 60))
        >>> importance(model, shuffle=Shuffle(repeats=1, origins=2)).overall().columns
        ['group', 'source', 'loss', 'rise', 'low', 'high']
    """
    panel, _ = series_of(model, data)
    return importance_of(model.fitted_, panel, shuffle or Shuffle())


def importance_of(fitted: Fitted, panel: Panel, shuffle: Shuffle) -> Importance:
    """See `importance`; of a regular panel."""
    panel = panel.take(evenly(len(panel), shuffle.series)).tail(MOST_ROWS)
    asked = _Asked.of(fitted, panel, shuffle)
    panel = asked.inputs.panel
    groups = dict(_groups(fitted.spec, shuffle.by))
    fixed = [group for group in groups if group[1] == "static"] if len(panel) == 1 else []
    for group in fixed:
        del groups[group]
    loss = asked.loss(asked.inputs)
    rise = np.full((len(groups), shuffle.repeats, *loss.shape), np.nan)
    table = asked.inputs.features(np.arange(len(panel.values)))
    for r in range(shuffle.repeats):
        other = _elsewhere(panel, asked.origins, np.random.default_rng((shuffle.seed, r)))
        for g, places in enumerate(groups.values()):
            rise[g, r] = asked.loss(_Told(asked.inputs, table, other, places)) - loss
    notes = tuple(f"{name} is the same in all that was forecast: one series has nothing to swap." for name, _ in fixed)
    return Importance(panel.ids, tuple(groups), loss, rise, shuffle, notes)


@dataclass(frozen=True)
class _Asked:
    """Forecasts of the past, and what came."""

    fitted: Fitted
    inputs: Inputs
    origins: IntArray
    """(S, O) rows of their series; -1 for none."""
    k: IntArray
    actual: FloatArray
    """(S, O, K) NaN where it is missing."""
    scale: FloatArray
    """(S, O) that losses are divided by."""
    metric: Metric

    @classmethod
    def of(cls, fitted: Fitted, panel: Panel, shuffle: Shuffle) -> _Asked:
        """Of the series that have an origin."""
        K = 1 if fitted.engine.manner.strategy == "recursive" else fitted.horizon
        origins = cutoffs(panel.lengths, horizon=K, n_windows=shuffle.origins)
        origins = np.where(origins > panel.first_observed[:, None], origins, -1)
        scale = mase_scale(panel, origins, fitted.spec.seasons[0])
        rows = panel.offsets[:-1, None, None] + origins[..., None] + np.arange(1, K + 1)
        rows = np.minimum(rows, len(panel.values) - 1)
        actual = np.where(panel.mask[rows], panel.values[rows].astype(np.float64), np.nan)
        usable = (origins >= 0) & (scale > 0) & np.isfinite(actual).any(-1)
        which = np.flatnonzero(usable.any(1))
        if not len(which):
            raise DataError(
                f"series must change over a season and have {K} rows after an origin to be forecast, but none of "
                f"{len(panel)} does. Give longer series."
            )
        origins = np.where(usable, origins, -1)
        inputs = Inputs(panel.take(which), fitted.spec)
        return cls(fitted, inputs, origins[which], np.arange(1, K + 1), actual[which], scale[which], shuffle.metric)

    def loss(self, told: Inputs) -> FloatArray:
        """(S, O) of forecasts by what is told; NaN where there is no origin."""
        levels = self.fitted.levels if self.metric == "pinball" else (0.5,)
        q, out = np.array(levels), np.full(self.origins.shape, np.nan)
        engine = self.fitted.engine
        for series, column, rows, states, features in read_origins(engine, told, self.origins):
            for part, raw in decode_origins(engine, told, rows, states, features, self.k):
                said = self.fitted.restored(self.inputs, rows[part], raw, levels)
                error = self.actual[series[part], column[part]][..., None] - said
                lost = np.maximum(q * error, (q - 1) * error).mean(-1) * (1 if self.metric == "pinball" else 2)
                out[series[part], column[part]] = np.nanmean(lost, 1)
        return out / self.scale


class _Told(Inputs):
    """Inputs of which some columns are those of other rows."""

    def __init__(self, own: Inputs, table: Float32Array, other: IntArray, places: Sequence[IntArray]) -> None:
        """Of `own`, whose features of all rows (N, F) are `table`, with columns `places` from rows `other` (N,)."""
        self.panel, self.spec, self.columns, self.days, self._source = (
            own.panel,
            own.spec,
            own.columns,
            own.days,
            own._source,
        )
        self._table, self._other, self._places = table, other, places

    def features(self, rows: IntArray) -> Float32Array:
        """See `Inputs.features`."""
        out, columns = self._table[rows], self._places[0]
        out[..., columns] = self._table[self._other[rows]][..., columns]
        out[rows < 0] = 0
        return out

    def steps(self, rows: IntArray, k: IntArray) -> tuple[Float32Array, Float32Array]:
        """See `Inputs.steps`."""
        told = super().steps(rows, k)
        if any(len(columns) for columns in self._places[1:]):
            for own, there, columns in zip(told, super().steps(self._other[rows], k), self._places[1:], strict=True):
                own[..., columns] = there[..., columns]
        return told


def _groups(spec: InputSpec, by: str) -> Iterator[tuple[Group, tuple[IntArray, IntArray, IntArray]]]:
    """Every group, and its columns among what the encoder reads, what the decoder sees of steps, and paths."""
    tables = encoder_features(spec), step_features(spec), path_features(spec)

    def called(feature: Feature) -> Group:
        return (feature.group if by == "group" else feature.name, feature.source)

    every = dict.fromkeys(called(feature) for table in tables for feature in table if feature.group != AHEAD)
    for group in every:
        a, b, c = (np.flatnonzero([called(f) == group and f.group != AHEAD for f in table]) for table in tables)
        yield group, (a, b, c)


def _elsewhere(panel: Panel, origins: IntArray, rng: np.random.Generator) -> IntArray:
    """(N,) for every row one of another place, mostly of another series: a circular shift of it as far as it is read.

    All rows up to the last origin stay in order, so that what is swapped is as smooth as it was, and is known as far
    ahead as it was.
    """
    S, first = len(panel), panel.first_observed
    read = origins.max(1) + 1 - first
    order = rng.permutation(S)
    partner = np.empty(S, np.int64)
    partner[order] = np.roll(order, 1)
    shift = 1 + (rng.random(S) * np.maximum(read[partner] - 1, 1)).astype(np.int64)
    series = panel.row_series
    place = np.arange(len(series)) - (panel.offsets[:-1] + first)[series]
    there = (np.maximum(place, 0) + shift[series]) % read[partner][series]
    rows: IntArray = (panel.offsets[:-1] + first)[partner][series] + there
    return rows


def _interval(rise: FloatArray, seed: int) -> tuple[FloatArray, FloatArray]:
    """Bounds (G,) of the mean of rises (G, S, O), resampled by series where there are many, else by origins."""
    by_series = rise.shape[1] >= FEWEST_SERIES
    units = np.nanmean(rise, 2) if by_series else rise.reshape(len(rise), -1)
    units = units[:, np.isfinite(units).all(0)]
    n = units.shape[1]
    if n < 2:
        nothing = np.full(len(rise), np.nan)
        return nothing, nothing
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), DRAWS)
    low, high = np.percentile(units @ counts.T / n, [50 - LEVEL / 2, 50 + LEVEL / 2], axis=1)
    return low, high
