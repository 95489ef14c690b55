"""What the gates of a model do: exact activations, how far they are saturated, which units are dead.

Letters: S series, T steps shown, H units of a layer, O origins of each series, K steps ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import ne
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import evenly
from foregate.data.later import pl
from foregate.inspection.activations import DEAD, HIGH, KEEPS, LOW, LayerGates
from foregate.inspection.pictures import curves, heat_map
from foregate.inspection.section import Entry, Picture, Section
from foregate.inspection.subject import Subject
from foregate.reporting.figures import Curve
from foregate.reporting.view import short
from foregate.training.result import history_frame

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Gates", "gates_of"]

Float32Array = NDArray[np.float32]

MOST_KEPT = 8
"""Series whose activations are written into a file."""
MOST_WRITTEN = 4
"""Origins of each series from which a decoder is shown as it writes."""
_MOST_MAPS = 16
"""Heat maps on the page."""
_BINS = 20
_EXPLAINED = {
    "forget": "Full is kept, empty is forgotten.",
    "update": "Full is kept, empty is replaced.",
    "input": "Full is written, empty is not.",
    "output": "Full is shown, empty is hidden.",
    "reset": "Full reads the state, empty does not.",
    "candidate": "Blue is above 0, orange below.",
    "memory": "As tanh shows it: blue is above 0, orange below.",
}


@dataclass(frozen=True)
class Gates:
    """What all gates did over the last rows of series."""

    ids: NDArray[np.str_]
    """(S,) names of the series."""
    layers: tuple[LayerGates, ...]
    """Of every network, from its first layer on."""
    history: tuple[Mapping[str, Any], ...] = ()
    """The course of training, as in ``Forecaster.report_``."""
    decoders: tuple[LayerGates, ...] = ()
    """Of every network whose decoder is recurrent, that one, at the steps ahead of `origins`."""
    origins: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 0), np.int64))
    """(S, O) rows back from the last one that each origin of `decoders` lies, the newest last; -1 for none."""

    @property
    def shown(self) -> tuple[LayerGates, ...]:
        """All layers that are told of: those that read, and those that write."""
        return self.layers + self.decoders

    @cached_property
    def summary(self) -> pl.DataFrame:
        """A row per network, layer and gate: mean, shares of all activations below and above, dead units."""
        rows = []
        for one in self.shown:
            for name in one.gates:
                low, high = one.saturated(name)
                rows.append(
                    {
                        **_place(one),
                        "gate": name,
                        "mean": float(one.seen(name).mean(dtype=np.float64)),
                        "low": float(low.mean()),
                        "high": float(high.mean()),
                        "dead_units": int(one.dead.sum()),
                        "units": len(one.dead),
                    }
                )
        return pl.DataFrame(rows)

    @cached_property
    def units(self) -> pl.DataFrame:
        """A row per network, layer, gate and unit, from 0 on: mean, shares below and above, whether it is dead."""
        frames = []
        for one in self.shown:
            for name in one.gates:
                low, high = one.saturated(name)
                mean = one.seen(name).mean(0, dtype=np.float64)
                columns = {"unit": np.arange(len(low)), "mean": mean, "low": low, "high": high, "dead": one.dead}
                frames.append(pl.DataFrame(columns).select(*_literals({**_place(one), "gate": name}), pl.all()))
        return pl.concat(frames) if frames else pl.DataFrame()

    @cached_property
    def distribution(self) -> pl.DataFrame:
        """A row per network, layer, gate and bin: share of the activations from `begin` up to `end`."""
        frames = []
        for one in self.shown:
            for name in one.gates:
                ends = np.linspace(-1 if one.signed(name) else 0, one.largest, _BINS + 1)
                flat = one.seen(name).ravel()
                share = np.histogram(flat, ends)[0] / max(1, len(flat))
                columns = {"begin": ends[:-1], "end": ends[1:], "share": share}
                frames.append(pl.DataFrame(columns).select(*_literals({**_place(one), "gate": name}), pl.all()))
        return pl.concat(frames) if frames else pl.DataFrame()

    @cached_property
    def training(self) -> pl.DataFrame:
        """A row per check of the training: mean of the gate that keeps, and half-life, by layer, from 1 on."""
        frame = history_frame(self.history)
        names = [(name, i) for name in ("forget", "half_life") for i in range(frame.width)]
        shown = [pl.col(f"{n}_{i}").alias(f"{n}_{i + 1}") for n, i in names if f"{n}_{i}" in frame.columns]
        return frame.select("step", *shown)

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return {"gates": self.summary, "gate_units": self.units, "gate_training": self.training}

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """Activations by name, such as ``network 1/layer 2/forget``, (S, T, H) of `MOST_KEPT` series at most, and
        ``network 1, decoder/layer 1/forget``, (S, O, K, H), with `origins`; and their ids. `shown` has those of all."""
        some = evenly(len(self.ids), MOST_KEPT)
        named = {
            f"{one.network}/layer {one.layer}/{name}": values[some]
            for one in self.shown
            for name, values in one.values.items()
        }
        return {"ids": self.ids[some], **({"origins": self.origins[some]} if self.decoders else {}), **named}

    def heat_map(self, one: LayerGates, name: str, series: int = 0, origin: int = -1) -> Picture:
        """One gate of one layer over the steps of one series, a line per unit, those that keep longest at the top; of
        a decoder over the steps ahead of an origin, the last one unless said."""
        values = one.values[name][series][origin] if one.decoder else one.values[name][series]
        steps = np.isfinite(values[:, 0])
        keeps = one.values[KEEPS[one.cell]] if one.cell in KEEPS else np.abs(one.values[name])
        order = np.argsort(-np.nanmean(keeps.reshape(-1, keeps.shape[-1]), axis=0), kind="stable")
        shares = values[steps][:, order].T
        shares = np.tanh(shares) if name == "memory" else shares / one.largest
        mean = shares.mean()
        row = {"unit": order, "mean": shares.mean(1), "least": shares.min(1), "most": shares.max(1)}
        first, label = (1.0, "steps ahead") if one.decoder else (1.0 - steps.sum(), "steps before the last")
        where = one.network if one.decoder else f"{one.network}, {one.place}"
        over = f"{steps.sum()} steps{' ahead' * one.decoder}"
        return Picture(
            title=f"{name.capitalize()}, {one.place}",
            alternative=f"{name} of {len(order)} units of {where} over {over}; {mean:.2f} in the mean",
            draw=partial(heat_map, shares, first=first, label=label, rows=f"{len(order)} units"),
            table=pl.DataFrame(row),
            note=_EXPLAINED[name] if name in _EXPLAINED and one.cell in KEEPS else _EXPLAINED["candidate"],
            remark=f"{one.network}, {short(self.ids[series])}" if len(self.ids) else one.network,
        )

    def distributed(self, one: LayerGates) -> Picture:
        """How often each gate of a layer takes which value."""
        of = self.distribution.filter(network=one.network, layer=one.layer)
        lines, entries = [], []
        for c, name in enumerate(one.gates):
            own = of.filter(gate=name)
            middles = (own["begin"] + own["end"]).to_numpy() / 2
            lines.append(Curve(middles, own["share"].to_numpy(), c, c))
            entries.append(Entry(name, f"model-{c}", c))
        told = self.summary.filter(network=one.network, layer=one.layer)
        said = "; ".join(
            f"{r['gate']} is {r['mean']:.2f} in the mean, {r['low']:.0%} below and {r['high']:.0%} above its bounds"
            for r in told.iter_rows(named=True)
        )
        return Picture(
            title=f"How often which value, {one.place}",
            alternative=f"Distribution of the activations of {one.network}, layer {one.layer}: {said}",
            draw=partial(_distribution, lines),
            table=of.drop("network", "layer"),
            note="Share of the activations in each of twenty bins.",
            key=tuple(entries),
            remark=one.network,
        )

    def over_training(self) -> Iterator[Picture]:
        """How the gate that keeps, and its half-life, changed while the network was trained."""
        frame = self.training
        for name, title, note in (
            ("forget", "Forget activation over the training", "Mean over the held-out origins, by layer."),
            ("half_life", "Half-life over the training", "Steps after which half is left at the mean activation."),
        ):
            columns = [column for column in frame.columns if column.startswith(name)]
            if not columns or frame.height < 2:
                continue
            lines = [
                Curve(frame["step"].to_numpy(), frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy(), c, c)
                for c, column in enumerate(columns[:5])
            ]
            said = "; ".join(
                f"layer {c + 1} goes from {line.y[0]:.3g} to {line.y[-1]:.3g}" for c, line in enumerate(lines)
            )
            yield Picture(
                title=title,
                alternative=f"{title}: {said}",
                draw=partial(_over_steps, lines),
                table=frame.select("step", *columns),
                note=note,
                key=tuple(Entry(f"layer {c + 1}", f"model-{c}", c) for c in range(len(lines))),
            )

    def section(self) -> Section:
        """The part of the page."""
        pictures = [self.distributed(one) for one in self.layers[:_MOST_MAPS] + self.decoders]
        maps = [self.heat_map(one, name) for one, name in _wanted(self.layers)[:_MOST_MAPS] if len(self.ids)]
        known = len(self.ids) > 0 and bool((self.origins[:1, -1:] >= 0).all())
        written = [self.heat_map(one, name) for one, name in _wanted(self.decoders)[:_MOST_MAPS] if known]
        lead = (
            f"What the gates of {len(self.layers)} layer{'s' * (len(self.layers) != 1)} did over the last rows of "
            f"{len(self.ids):,} series, replayed exactly. Low is the share of activations under {LOW}, high that over "
            f"{HIGH} (of a candidate, which lies between -1 and 1: under -{HIGH}, over {HIGH}): there a gate hardly "
            f"learns. A unit is dead if what it hands on moves by less than {DEAD} of its range from -1 to 1."
        )
        ahead = (
            f"The decoder writes step after step: its gates are those at every step ahead of up to "
            f"{self.origins.shape[1]} origins of each series, and the maps show the last one."
        )
        return Section(
            "Gates",
            (lead, *([ahead] if self.decoders else [])),
            (*pictures, *self.over_training(), *maps, *written),
            (("Gates", self.summary),),
        )


def gates_of(subject: Subject) -> Gates:
    """The gates of every network over the last rows of series; see `foregate.inspection.replayed`."""
    from foregate.inspection.replayed import replayed, replayed_decoders

    panel = subject.shown()
    back = subject.spread(panel, MOST_WRITTEN)
    origins = np.where(back >= 0, panel.lengths[:, None] - 1 - back, -1)
    layers, decoders = tuple(replayed(subject, panel)), tuple(replayed_decoders(subject, panel, origins))
    return Gates(panel.ids, layers, tuple(subject.facts.get("history", ())), decoders, back)


def _wanted(layers: tuple[LayerGates, ...]) -> list[tuple[LayerGates, str]]:
    """What there is to draw of layers, in their order: of each the gate that keeps first."""
    return [(one, name) for one in layers for name in sorted(one.values, key=partial(ne, KEEPS.get(one.cell)))]


def _place(one: LayerGates) -> dict[str, Any]:
    return {"network": one.network, "layer": one.layer}


def _literals(columns: Mapping[str, Any]) -> list[pl.Expr]:
    return [pl.lit(value).alias(name) for name, value in columns.items()]


def _distribution(lines: list[Curve], size: tuple[int, int]) -> Any:
    return curves(lines, size, label="activation")


def _over_steps(lines: list[Curve], size: tuple[int, int]) -> Any:
    return curves(lines, size, label="training step")
