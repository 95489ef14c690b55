"""How far back gradients of the forecast reach: what training can learn from.

Letters: S series, G lags.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.data.later import pl
from foregate.inspection.pictures import decades
from foregate.inspection.section import Entry, Picture, Section
from foregate.inspection.subject import Subject
from foregate.reporting.figures import Curve

if TYPE_CHECKING:
    import polars as pl

__all__ = ["AT", "EXPLODES", "VANISHES", "Gradients", "PartGradients", "gradients_of", "verdict"]

FloatArray = NDArray[np.float64]

AT = 100
"""Gradients are judged after so many rows, or at the furthest lag that there is."""
VANISHES, EXPLODES = 0.01, 100.0
"""A gradient vanishes if less than this share of it is left there, and explodes if it has grown to so many times."""
MOST_LAGS = 400
"""Lags that gradients are followed back for: every one is a step of the written-out network."""
WORDS = ("vanishes", "explodes", "is kept")
"""What is said of a gradient."""
_SAID = {"h": "output", "c": "memory"}


@dataclass(frozen=True)
class PartGradients:
    """Gradients of what one network says."""

    network: str
    """The network's name, or that of a cell that is compared."""
    inputs: FloatArray
    """(S, G) norms with respect to what was read at a row, by lag from 0 on; NaN before the first row."""
    states: Mapping[tuple[int, str, str], FloatArray]
    """(S, G) norms with respect to a state, by layer from 1 on, direction (empty for the only one), and ``h`` for what
    a cell hands on or ``c`` for its memory."""

    def curves(self) -> dict[str, FloatArray]:
        """(G,) means over the series, by name."""
        named = {"inputs": _mean(self.inputs)}
        for (layer, direction, state), norms in self.states.items():
            side = f", {direction}" if direction else ""
            named[f"layer {layer}{side}, {_SAID[state]}"] = _mean(norms)
        return named


@dataclass(frozen=True)
class Gradients:
    """Gradients of the forecast median, as a mean over the horizon, in units of each series' scale."""

    parts: tuple[PartGradients, ...]
    """Of every network of the model."""
    ids: NDArray[np.str_]
    """(S,) names of the series that this was measured on."""
    seasons: tuple[int, ...] = ()
    """Season lengths that the model was told, in rows."""
    cells: tuple[PartGradients, ...] = ()
    """The same of other cells of equal size, untrained and trained, where that was asked for."""
    log: pl.DataFrame | None = None
    """Norms of the gradient by part of the network while it was trained, where somebody has recorded them."""

    @cached_property
    def by_lag(self) -> pl.DataFrame:
        """A row per network, state and lag: norm, and share of what it is at lag 0."""
        frames = []
        for part in (*self.parts, *self.cells):
            for name, norms in part.curves().items():
                share = norms / norms[0] if norms[0] > 0 else np.full_like(norms, np.nan)
                columns = {"lag": np.arange(len(norms)), "norm": norms, "share": share}
                frames.append(
                    pl.DataFrame(columns)
                    .fill_nan(None)
                    .select(pl.lit(part.network).alias("network"), pl.lit(name).alias("state"), pl.all())
                )
        return pl.concat(frames) if frames else pl.DataFrame()

    @cached_property
    def summary(self) -> pl.DataFrame:
        """A row per network and state: what the gradient does, and what is left of it after `lag` rows."""
        rows = []
        for part in (*self.parts, *self.cells):
            for name, norms in part.curves().items():
                if name != "inputs":
                    lag, left = left_after(norms)
                    per_row = left ** (1 / lag) if lag and left > 0 else 0.0
                    rows.append(
                        {
                            "network": part.network,
                            "state": name,
                            "gradient": verdict(left),
                            "left": left,
                            "lag": lag,
                            "per_row": per_row,
                        }
                    )
        return pl.DataFrame(rows)

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        logged = {} if self.log is None else {"gradient_training": self.log}
        return {"gradients": self.summary, "gradient_lags": self.by_lag, **logged}

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All norms by name, such as ``network 1/layer 2, memory``, series by series."""
        every: dict[str, NDArray[Any]] = {"ids": self.ids}
        for part in (*self.parts, *self.cells):
            every[f"{part.network}/inputs"] = part.inputs
            for (layer, direction, state), norms in part.states.items():
                side = f", {direction}" if direction else ""
                every[f"{part.network}/layer {layer}{side}, {_SAID[state]}"] = norms
        return every

    def picture(self, part: PartGradients) -> Picture:
        """Gradients with respect to inputs and states by lag, as shares of what they are at the origin."""
        lines, entries, told = [], [], []
        for c, (name, norms) in enumerate(list(part.curves().items())[:5]):
            lag, left = left_after(norms)
            lines.append(Curve(np.arange(len(norms)), norms / (norms[0] or np.nan), c, c))
            entries.append(Entry(name, f"model-{c}", c))
            told.append(f"{left:.2g} of that of the {name} is left after {lag} rows")
        return Picture(
            title="Gradient by lag",
            alternative=f"Norm of the gradient of the forecast by lag, {part.network}: {'; '.join(told)}",
            draw=partial(_by_lag, lines, self._marks(part.inputs.shape[1])),
            table=self.by_lag.filter(network=part.network).pivot("state", index="lag", values="share"),
            note=f"Shares of the gradient at the origin; below {VANISHES:g} it vanishes, above {EXPLODES:g} explodes.",
            key=tuple(entries),
            remark=part.network,
        )

    def compared(self) -> Picture:
        """The gradient with respect to the last layer's memory, by lag, of other cells of equal size."""
        lines, entries, told, table = [], [], [], {}
        for c, part in enumerate(self.cells):
            norms = _mean(list(part.states.values())[-1])  # of an LSTM its memory; the output of others is theirs
            lag, left = left_after(norms)
            share = norms / (norms[0] or np.nan)
            lines.append(Curve(np.arange(len(norms)), share, c % 3, c % 3 if c < 3 else c % 2 + 3))
            entries.append(Entry(part.network, f"model-{c % 3}", c % 3 if c < 3 else c % 2 + 3))
            told.append(f"{part.network} {verdict(left)}: {left:.2g} is left after {lag} rows")
            table[part.network] = share
        frame = pl.DataFrame({"lag": np.arange(len(lines[0].x)), **table}).fill_nan(None)
        return Picture(
            title="RNN, GRU and LSTM",
            alternative=f"Gradient with respect to the last layer's memory by lag. {'; '.join(told)}",
            draw=partial(_by_lag, lines, self._marks(len(lines[0].x))),
            table=frame,
            note="Cells of equal size; with respect to the last layer's memory, as a share of that at the origin.",
            key=tuple(entries),
        )

    def over_training(self) -> Picture:
        """Norms of the gradient by part of the network, while it was trained."""
        assert self.log is not None
        log = self.log.filter(pl.col("member") == self.log["member"].min())
        layers = [name for name in log["part"].unique(maintain_order=True) if ".layers." in name][:5]
        lines = [
            Curve(own["step"].to_numpy(), own["norm"].to_numpy(), c, c)
            for c, own in enumerate(log.filter(part=name) for name in layers)
        ]
        told = "; ".join(f"{name} from {c.y[0]:.2g} to {c.y[-1]:.2g}" for name, c in zip(layers, lines, strict=True))
        return Picture(
            title="Gradient over the training",
            alternative=f"Norm of the gradient of the loss by recurrent layer and training step: {told}",
            draw=partial(decades, lines, label="training step", rules=()),
            table=log,
            note="With respect to the weights of each recurrent layer, before it was limited.",
            key=tuple(Entry(_layer_name(name), f"model-{c}", c) for c, name in enumerate(layers)),
        )

    def section(self) -> Section:
        """The part of the page."""
        lead = (
            "How much a small change of what was read, or of a state, changes the median forecast, by rows before the "
            f"origin: what training can learn from. Measured on {len(self.ids)} series. A gradient vanishes if less "
            f"than {VANISHES:.0%} of it is left after {AT} rows or at the furthest lag, and explodes if it has grown "
            f"{EXPLODES:g}-fold."
        )
        pictures = [self.picture(part) for part in self.parts[:6]]
        pictures += [self.compared()] if self.cells else []
        pictures += [self.over_training()] if self.log is not None and self.log.height else []
        mine = pl.col("network").is_in({part.network for part in self.parts})
        tables = [("Gradients", self.summary.filter(mine)), ("RNN, GRU and LSTM", self.summary.filter(~mine))]
        shown = tuple((caption, frame) for caption, frame in tables if frame.height)
        return Section("Gradients", (lead, self._told()), tuple(pictures), shown)

    def _told(self) -> str:
        own = {part.network for part in self.parts}
        mine = self.summary.filter(pl.col("network").is_in(own))["gradient"].to_list()
        said = [f"it {word} in {mine.count(word)} of {len(mine)} states" for word in WORDS if word in mine]
        return f"In this model {', '.join(said)}." if said else ""

    def _marks(self, length: int) -> list[int]:
        return [n * m for m in self.seasons for n in (1, 2, 3) if n * m < length]


def left_after(norms: FloatArray) -> tuple[int, float]:
    """The lag at which a gradient (G,) is judged, and what share of that at lag 0 is left there.

    Examples:
        >>> left_after(np.array([2.0, 1.0, 0.5, np.nan]))
        (2, 0.25)
    """
    known = np.flatnonzero(np.isfinite(norms))
    if not len(known) or not norms[known[0]] > 0:
        return 0, 0.0
    lag = int(known[known <= AT][-1])
    return lag, float(norms[lag] / norms[known[0]])


def verdict(left: float) -> str:
    """What a gradient does of which a share is left.

    Examples:
        >>> verdict(1e-5), verdict(0.5), verdict(1e3)
        ('vanishes', 'is kept', 'explodes')
    """
    return "vanishes" if left < VANISHES else "explodes" if left > EXPLODES else "is kept"


def gradients_of(
    subject: Subject, *, cells: tuple[PartGradients, ...] = (), log: pl.DataFrame | None = None
) -> Gradients:
    """Gradients of every network at the last origins of series; see `foregate.inspection.flow`."""
    from foregate.inspection.flow import flow

    panel = subject.probed()
    origins, furthest = subject.origins(panel), min(subject.lags, MOST_LAGS)
    parts = []
    for part in subject.parts:
        found = flow(part, subject.fitted, panel, origins, furthest)
        parts.append(PartGradients(part.name, found.inputs, found.states))
    return Gradients(tuple(parts), panel.ids, subject.seasons, cells, log)


def _mean(norms: FloatArray) -> FloatArray:
    """(G,) mean over the series that have such a row, NaN where none has."""
    known = np.isfinite(norms)
    return np.where(known.any(0), np.where(known, norms, 0).sum(0) / np.maximum(known.sum(0), 1), np.nan)


def _layer_name(name: str) -> str:
    """What a layer is called, by the name of its module."""
    before, _, number = name.rpartition(".")
    return f"layer {int(number) + 1}" if number.isdigit() and before.endswith("layers") else name


def _by_lag(lines: list[Curve], marks: list[int], size: tuple[int, int]) -> Any:
    return decades(lines, size, label="rows before the origin", marks=marks, rules=(VANISHES,))
