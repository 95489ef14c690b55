"""How long a model remembers: what its gates would keep, and how far back it really looks.

The half-life of a unit follows from its forget activations. How far back the model looks is measured: one observation
k rows before the origin is moved by as much as the series usually changes from one row to the next, and the forecast
is made anew. That goes through everything the model has, statistics and seasonal memory included.

Letters: S series, N units, K horizon, G lags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import Frequency, Panel
from foregate.data.inputs import Inputs
from foregate.data.later import pl
from foregate.data.tracks import LOG
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.origins import decode_state
from foregate.forecasting.state import ROOM, Known, State
from foregate.inspection.activations import LayerGates
from foregate.inspection.gates import Gates
from foregate.inspection.pictures import bars, curves
from foregate.inspection.section import Entry, Picture, Section
from foregate.inspection.subject import Subject, span
from foregate.reporting.figures import Curve

if TYPE_CHECKING:
    import polars as pl

__all__ = ["REACH", "Memory", "half_lives", "lag_grid", "memory_of"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

REACH = 0.05
"""A model looks back as far as an observation moves the forecast by this share of what the most influential does."""
MOST_LAGS = 72
"""Lags that are measured."""
_GROUPS = (-1, 12, 36, 90, 200, 450, 1000, np.inf)
"""Lags that lie close together go on from one state."""
_CELLS_AT_ONCE = 2_000_000
"""Columns of the tapes of states that are carried at once, which bounds memory."""
_STEPS = (0, 1, 3, 10, 30, 100, 300, np.inf)
"""Ends of the bins of half-lives."""


@dataclass(frozen=True)
class Memory:
    """What a model keeps, and what it uses."""

    units: pl.DataFrame
    """A row per network, layer and unit: half_life in rows; no rows of simple cells, which have no gate."""
    lags: IntArray
    """(G,) how many rows before the origin an observation lies; 0 is the last one that the forecast knows."""
    influence: FloatArray
    """(S, G) mean change of the median over the horizon, in units of each series' scale, when the observation is moved
    by one such unit; NaN where there was none."""
    ids: NDArray[np.str_]
    """(S,) names of the series that this was measured on."""
    freq: Frequency
    """The step between two rows."""
    seasons: tuple[int, ...] = ()
    """Season lengths that the model was told, in rows."""

    @cached_property
    def overall(self) -> FloatArray:
        """(G,) mean influence over the series, NaN where no series has such a row."""
        known = np.isfinite(self.influence)
        total = np.where(known, self.influence, 0).sum(0)
        return np.where(known.any(0), total / np.maximum(known.sum(0), 1), np.nan)

    @property
    def share(self) -> FloatArray:
        """(G,) influence as a share of that of the most influential lag; 0 throughout where none has any."""
        largest = np.nanmax(self.overall, initial=0.0)
        return self.overall / largest if largest > 0 else np.zeros(len(self.lags))

    @property
    def reach(self) -> int:
        """How far back the model looks, in rows: the furthest lag measured whose share is at least `REACH`."""
        there = np.flatnonzero(np.nan_to_num(self.share) >= REACH)
        return int(self.lags[there[-1]]) if len(there) else 0

    @property
    def reach_time(self) -> str:
        """The same as time, such as ``7 days``; empty where time is counted in integers."""
        return span(self.freq, self.reach)

    @cached_property
    def effective(self) -> pl.DataFrame:
        """A row per lag: influence, share of the largest."""
        return pl.DataFrame({"lag": self.lags, "influence": self.overall, "share": self.share}).fill_nan(None)

    @cached_property
    def layers(self) -> pl.DataFrame:
        """A row per network and layer: shortest, median and longest half-life of its units, in rows."""
        half = pl.col("half_life")
        wanted = [half.min().alias("shortest"), half.median().alias("median"), half.max().alias("longest")]
        return self.units.group_by("network", "layer", maintain_order=True).agg(*wanted, pl.len().alias("units"))

    @cached_property
    def kept(self) -> pl.DataFrame:
        """A row per network, layer and lag: what is left of a memory after so many rows, in the mean over the units."""
        frames = [pl.DataFrame(schema={"network": pl.String, "layer": pl.Int64, "lag": pl.Int64, "kept": pl.Float64})]
        for (network, layer), own in self.units.group_by("network", "layer", maintain_order=True):
            half = own["half_life"].to_numpy()
            with np.errstate(divide="ignore"):
                left = np.exp2(-self.lags[:, None] / np.maximum(half, 1e-9)).mean(1)
            frames.append(
                pl.DataFrame({"lag": self.lags, "kept": left}).select(
                    pl.lit(network).alias("network"), pl.lit(layer, pl.Int64).alias("layer"), pl.all()
                )
            )
        return pl.concat(frames)

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return {"memory": self.effective, "memory_kept": self.kept, "half_lives": self.units}

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What was measured, series by series."""
        return {"ids": self.ids, "lags": self.lags, "influence": self.influence}

    def picture(self) -> Picture:
        """What the gates would keep, and what moves the forecast, over the lag; seasons are dotted."""
        lines, entries = [Curve(self.lags, self.share)], [Entry("moves the forecast", "model-0")]
        for c, ((network, layer), own) in enumerate(self.kept.group_by("network", "layer", maintain_order=True)):
            if c < 4:
                lines.append(Curve(own["lag"].to_numpy(), own["kept"].to_numpy(), c + 1, c + 1))
                entries.append(Entry(f"kept by {network}, layer {layer}", f"model-{c + 1}", c + 1))
        marks = self._marks()
        said = f", {self.reach_time}" * bool(self.reach_time)
        seasons = f"; the seasons of {' and '.join(map(str, self.seasons))} rows are dotted" if marks else ""
        return Picture(
            title="How far back it looks",
            alternative=(
                f"Share of the influence on the forecast by lag: {self.reach} rows{said} back it is still at least "
                f"{REACH:.0%} of that of the most influential row, which {self._first()}; beside it what the gates keep"
            ),
            draw=partial(_memory, lines, marks),
            table=self.effective,
            note=f"By rows before the origin{seasons}. 1 is the most influential row, and a full memory.",
            key=tuple(entries),
        )

    def half_life_picture(self) -> Picture:
        """How many units have which half-life."""
        names, counts, rows = [_between(*ends) for ends in pairwise(_STEPS)], [], []
        layers = list(self.units.group_by("network", "layer", maintain_order=True))[:5]
        for (network, layer), own in layers:
            found = np.histogram(np.minimum(own["half_life"].to_numpy(), 1e300), _STEPS)[0]
            counts.append(found.astype(np.float64))
            rows += [
                {"network": network, "layer": layer, "half_life": name, "units": int(n)}
                for name, n in zip(names, found, strict=True)
            ]
        told = "; ".join(
            f"{r['network']}, layer {r['layer']}: {_rows(r['shortest'])} to {_rows(r['longest'])} rows, "
            f"{_rows(r['median'])} in the middle"
            for r in self.layers.iter_rows(named=True)
        )
        return Picture(
            title="Half-lives of the units",
            alternative=f"Units by the rows after which half of their memory is left. {told}",
            draw=partial(bars, np.array(counts), names, label="rows until half is left"),
            table=pl.DataFrame(rows),
            note="Units, by the rows after which half of what they hold is left.",
            key=tuple(
                Entry(f"{network}, layer {layer}", f"model-{c}", band=True)
                for c, ((network, layer), _) in enumerate(layers)
            ),
        )

    def section(self) -> Section:
        """The part of the page."""
        time = f" ({self.reach_time})" if self.reach_time else ""
        lead = (
            f"This model looks {self.reach:,} rows back{time}: from there an observation still moves the forecast by "
            f"{REACH:.0%} of what the most influential one does, which {self._first()}. Measured on "
            f"{len(self.ids)} series, as far back as {int(self.lags[-1]):,} rows, by moving one observation at a time."
        )
        if self.reach == self.lags[-1]:
            lead += " It may look further back than was measured."
        if not self.units.height:
            lead += " Its cells have no gate that keeps: there are no half-lives."
            return Section("Memory", (lead,), (self.picture(),))
        return Section("Memory", (lead,), (self.picture(), self.half_life_picture()), (("Half-lives", self.layers),))

    def _first(self) -> str:
        """Where the most influential row lies."""
        lag = int(self.lags[int(np.nanargmax(self.share))]) if np.isfinite(self.share).any() else 0
        return f"lies {lag:,} rows back" if lag else "is the last"

    def _marks(self) -> list[int]:
        return [n * m for m in self.seasons for n in (1, 2, 3) if n * m <= self.lags[-1]]


def half_lives(layers: Sequence[LayerGates]) -> pl.DataFrame:
    """Half-life of every unit in rows, log 2 over the mean of -log f; a row per network, layer and unit.

    The mean of the logarithm, since what is kept over many steps is the product of the gates. A layer that goes on from
    its state d rows ago keeps for d times as long.
    """
    place = {"network": pl.String, "layer": pl.Int64}
    frames = [pl.DataFrame(schema=place | {"unit": pl.Int64, "half_life": pl.Float64})]
    for one in layers:
        keeps = one.keeps
        if keeps is None:
            continue
        flat = keeps.reshape(-1, keeps.shape[-1])
        flat = flat[np.isfinite(flat[:, 0])].astype(np.float64)
        with np.errstate(divide="ignore"):
            fades = np.abs(np.log(flat)).mean(0)
            half = one.stride * np.log(2) / fades
        frames.append(
            pl.DataFrame({"unit": np.arange(len(half)), "half_life": half}).select(
                pl.lit(one.network).alias("network"), pl.lit(one.layer, pl.Int64).alias("layer"), pl.all()
            )
        )
    return pl.concat(frames)


def lag_grid(furthest: int, seasons: Sequence[int], most: int = MOST_LAGS) -> IntArray:
    """Lags from 0 on: the first ones all, then ever fewer, and every season with its neighbours.

    Examples:
        >>> lag_grid(20, [12], most=6).tolist()
        [0, 1, 2, 10, 11, 12, 13, 14, 20]
    """
    if furthest < most:
        return np.arange(furthest + 1)
    near = np.arange(most // 3 + 1)
    far = np.geomspace(near[-1], furthest, most // 3).round().astype(np.int64)
    around = [n * m + j for m in seasons for n in range(1, 4) for j in (-2, -1, 0, 1, 2)]
    grid = np.unique(np.concatenate([near, far, np.array(around, np.int64)]))
    return grid[grid <= furthest]


def memory_of(subject: Subject, gates: Gates) -> Memory:
    """What the gates of a model keep, and how far back it looks."""
    panel, lags = subject.probed(), lag_grid(subject.lags, subject.seasons)
    return Memory(
        half_lives(gates.layers), lags, influence(subject, panel, lags), panel.ids, subject.freq, subject.seasons
    )


def influence(subject: Subject, panel: Panel, lags: IntArray) -> FloatArray:
    """(S, G) how much the forecast of each series changes when the observation at a lag is moved by one unit of scale.

    As a mean over the horizon, in the same unit. NaN where a series has no observation there. What comes before the
    observation is read once and carried on.
    """
    origins = subject.origins(panel)
    found = np.full((len(panel), len(lags)), np.nan)
    groups = [lags[(lags > low) & (lags <= high)] for low, high in pairwise(_GROUPS)]
    groups = [group for group in groups if len(group)][::-1]
    widest = max(map(len, groups)) * (subject.fitted.spec.lookback + 1 + ROOM)
    size = max(1, _CELLS_AT_ONCE // widest)
    usable = np.flatnonzero(origins >= 0)
    for some in (usable[i : i + size] for i in range(0, len(usable), size)):
        few = panel.take(some)
        reading = _Reading(subject.fitted, few, origins[some])
        for group in groups:
            found[np.ix_(some, np.searchsorted(lags, group))] = reading.moved(group)
    return found


class _Reading:
    """Series that are read up to some rows before their origins, and from there on with one observation moved."""

    def __init__(self, fitted: Fitted, panel: Panel, origins: IntArray) -> None:
        self.fitted, self.panel, self.origins = fitted, panel, origins
        inputs = Inputs(panel, fitted.spec)
        known = Known(inputs.columns, np.arange(len(panel)), panel.offsets[:-1], origins + 1)
        self.state = State(fitted.engine, fitted.spec, known if fitted.spec.columns else None)
        self.state.add(len(panel), None if inputs.days is None else inputs.days.first)
        self.unit = _unit(inputs, panel.offsets[:-1] + origins)
        self.step = np.maximum(1.0, np.rint(self.unit)) if fitted.spec.plain else self.unit

    def moved(self, lags: IntArray) -> FloatArray:
        """(S, G) what moving the observations at lags (G,), ascending, does; later calls ask for smaller ones."""
        S, G, panel = len(self.panel), len(lags), self.panel
        self._read_on(np.maximum(0, self.origins - int(lags[-1])) - self.state.rows)
        lengths = self.origins + 1 - self.state.rows
        rest = panel.between(self.state.rows, self.origins + 1)
        copies = rest.take(np.repeat(np.arange(S), G + 1))
        values, at = copies.values.copy(), lengths[:, None] - 1 - lags
        place = copies.offsets[:-1].reshape(S, G + 1)[:, 1:] + at
        there = (at >= 0) & copies.mask[np.maximum(place, 0)]
        values[place[there]] += np.broadcast_to(self.step[:, None], (S, G))[there].astype(np.float32)
        state = self.state.take(np.repeat(np.arange(S), G + 1))
        state.read(np.arange(S * (G + 1)), copies.lengths, values, copies.mask)
        said = self._median(state).reshape(S, G + 1, -1)
        change = np.abs(said[:, 1:] - said[:, :1]).mean(-1) / self.step[:, None]
        return np.where(there, change, np.nan)

    def _read_on(self, rows: IntArray) -> None:
        """Read so many further rows (S,) of each series."""
        begun = self.state.rows.copy()
        part = self.panel.between(begun, begun + rows)
        on = np.flatnonzero(rows > 0)
        self.state.read(on, rows[on], part.values, part.mask)

    def _median(self, state: State) -> FloatArray:
        """(B, K) medians of the steps after the last rows of all series of a state."""
        numbers = np.arange(len(state))
        view, said = state.view(numbers), np.empty((len(numbers), self.fitted.horizon))
        for part, raw in decode_state(state, numbers, np.arange(1, self.fitted.horizon + 1)):
            said[part] = self.fitted.restored(view, numbers[part], raw, [0.5])[..., 0]
        return said


def _unit(inputs: Inputs, rows: IntArray) -> FloatArray:
    """(S,) one unit of scale at rows, in units of the data: what a series usually changes by from row to row."""
    view, own = inputs.near(rows)
    t = view.tracks
    here = t.here[own]
    size = np.where(t.unit[own] == LOG, np.exp(t.level[here].astype(np.float64)) * t.anchor[here], 1.0)
    scale = t.scale[here].astype(np.float64)
    return np.where(scale > 0, scale, 1.0) * size


def _between(low: float, high: float) -> str:
    return f"{low:g}+" if high == np.inf else f"{low:g}–{high:g}"


def _rows(value: float) -> str:
    return f"{value:,.3g}" if np.isfinite(value) and value < 1e6 else "∞"


def _memory(lines: list[Curve], marks: list[int], size: tuple[int, int]) -> Any:
    return curves(lines, size, label="rows before the origin", marks=marks, rules=(REACH,), limits=(0, 1.05))
