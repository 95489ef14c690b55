"""Integrated gradients: how much each thing that a network was told moved its forecast, summing to all of it.

Sundararajan, Taly and Yan, "Axiomatic Attribution for Deep Networks" (2017). Between what a network is told, x, and a
reference x', the attribution of input i is (x_i - x'_i) ∫ ∂F/∂x_i dα along the straight line from x' to x. The sum over
all inputs is F(x) - F(x'), which is what tells a complete account from a plausible one. The integral is taken at the
nodes of Gauss and Legendre. These are a few lines of torch; tests hold them to captum, which does the same.

The reference is the average row: the mean of every feature over the rows that are read, and of what the decoder sees
over origins. So an attribution says why this forecast differs from that of an average day.

Letters: B origins, one of each series; T rows read before it, F features, K steps, S step features, P candidate paths.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foregate.core import Engine, Panel, at_least, evenly
from foregate.data.feature_names import Feature, encoder_features, path_features, step_features
from foregate.data.inputs import Inputs
from foregate.data.later import pl
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.origins import require_reach
from foregate.inspection.pictures import curves
from foregate.inspection.ranking import ranked
from foregate.inspection.section import Picture, Section
from foregate.inspection.subject import Scope, Subject, subject_of
from foregate.models.network import Ahead, Network
from foregate.reporting.figures import Curve

__all__ = ["Attributions", "attributions", "attributions_of", "integrated"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NODES = 24
"""Points of the line at which gradients are taken."""
REFERENCES = 64
"""Origins of each series whose mean is what the decoder is told in the reference, at most."""


@dataclass(frozen=True)
class Attributions:
    """What moved the forecasts of B series, in units of the scale of each."""

    ids: NDArray[np.str_]
    """(B,) series that were forecast."""
    origins: IntArray
    """(B,) the row of each series that it was forecast from."""
    steps: tuple[int, ...]
    """Steps ahead whose mean is what is told apart."""
    features: tuple[Feature, ...]
    """(C,) all that a network is told: what the encoder reads, then what the decoder sees of steps, then paths."""
    values: FloatArray
    """(B, C) how much each moved the forecast, over all rows and steps; positive: upwards."""
    by_distance: FloatArray
    """(B, D) size of what moved it by how many rows before the origin it lies; a single value where it stands, all that
    is added up of the past where it was read."""
    by_row: FloatArray
    """(B, T) size of what moved it by how many rows before the origin the encoder read it."""
    difference: FloatArray
    """(B,) the forecast less that of the reference: what `values` sum to."""

    @property
    def gap(self) -> FloatArray:
        """(B,) what is left unexplained: how far the sum is from the difference, for want of more nodes."""
        gap: FloatArray = np.abs(self.values.sum(1) - self.difference)
        return gap

    def frame(self) -> pl.DataFrame:
        """A row per series and group: ``unique_id, group, source, attribution, share``, the largest first.

        ``attribution`` is signed, in units of the series' scale; ``share`` is the part that its columns have in the
        sizes of all, 0 to 1: it does not vanish where columns of a group pull against one another.
        """
        groups = list(dict.fromkeys((feature.group, feature.source) for feature in self.features))
        of = np.array([groups.index((feature.group, feature.source)) for feature in self.features])
        signed, sizes = (_summed(each, of, len(groups)) for each in (self.values, np.abs(self.values)))
        shares = sizes / np.maximum(sizes.sum(1, keepdims=True), 1e-12)
        G = len(groups)
        order = np.argsort(-shares, axis=1, kind="stable")
        return pl.DataFrame(
            {
                "unique_id": np.repeat(self.ids, G),
                "group": [groups[g][0] for g in order.ravel()],
                "source": [groups[g][1] for g in order.ravel()],
                "attribution": np.take_along_axis(signed, order, 1).ravel(),
                "share": np.take_along_axis(shares, order, 1).ravel(),
            }
        )

    def overall(self) -> pl.DataFrame:
        """A row per group, ``group, source, share``: the mean share over series, the largest first."""
        mean = self.frame().group_by("group", "source", maintain_order=True).agg(pl.col("share").mean())
        return mean.sort("share", descending=True, maintain_order=True)

    def distances(self) -> pl.DataFrame:
        """``rows_back, share, within``: how far back what mattered lies, and the share of it up to there."""
        sizes = self.by_distance / np.maximum(self.by_distance.sum(1, keepdims=True), 1e-12)
        share = sizes.mean(0)
        return pl.DataFrame({"rows_back": np.arange(len(share)), "share": share, "within": np.cumsum(share)})

    def reach(self, share: float = 0.9) -> int:
        """Rows before the origin within which so much of what mattered lies."""
        return int(np.searchsorted(self.distances()["within"].to_numpy(), share - 1e-12))

    def rows_used(self, share: float = 0.9) -> int:
        """Rows before the origin within which the encoder has read so much of what mattered; 0 is the origin's own."""
        sizes = self.by_row / np.maximum(self.by_row.sum(1, keepdims=True), 1e-12)
        return int(np.searchsorted(np.cumsum(sizes.mean(0)), share - 1e-12))

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return {"attributions": self.frame(), "attributions_by_distance": self.distances()}

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What moved each forecast, by name of what was told."""
        names = np.array([feature.name for feature in self.features])
        return {"ids": self.ids, "names": names, "values": self.values, "difference": self.difference}

    def pictures(self) -> tuple[Picture, Picture]:
        """Which groups moved the forecasts, and how far back what moved them lies."""
        table, far = self.overall(), self.distances()
        first = "; ".join(f"{row['group']} {row['share']:.0%}" for row in table.head(3).iter_rows(named=True))
        back, within = far["rows_back"].to_numpy(), far["within"].to_numpy()
        shown = max(2, self.reach(0.99) + 1)
        return (
            Picture(
                title="What moved the latest forecasts",
                alternative=f"Share of each group in what moved the latest forecasts, the most first: {first}",
                draw=partial(ranked, table["group"].to_list(), table["share"].to_numpy(), label="share"),
                table=table,
                note="Mean over series of the sizes of integrated gradients.",
            ),
            Picture(
                title="How far back that lies",
                alternative="Share of what moved the forecasts by rows before the origin: 90 % of what the encoder "
                f"read lies within {self.reach(0.9)} rows",
                draw=partial(curves, [Curve(back[:shown], within[:shown])], label="rows before the origin"),
                table=far,
                note="Single values where they stand, averages where they were read.",
            ),
        )

    def section(self) -> Section:
        """The part of the page."""
        lead = (
            f"Why the latest forecasts of {len(self.ids)} series differ from that of an average row, by integrated "
            "gradients: what is told is brought in along a straight line from the average, and its share in the change "
            f"is added up. 90 % of what the encoder read and that mattered lies within {self.reach(0.9)} rows of the "
            f"origin. At most {self.gap.max(initial=0.0):.1g} units of scale are left unexplained."
        )
        return Section("Attributions", (lead,), self.pictures())


def attributions(
    model: Any, data: Any = None, *, scope: Scope | None = None, step: int | None = None, nodes: int = NODES
) -> Attributions:
    """What moved the latest forecasts of a forecaster, by integrated gradients.

    Of several networks these are the means of each, by their shares in the forecast. A recursive model is explained
    one step ahead. Where covariates are known ahead, forecasts are made that far before the end of each series.

    Args:
        model: a fitted `foregate.Forecaster`.
        data: see `foregate.inspect`; None for what it was fitted on.
        scope: how many series, and how many rows before the origin; what was read before stays as it is.
        step: a step ahead; None for the mean of all up to the horizon.
        nodes: points at which gradients are taken; more leave a smaller `Attributions.gap`.

    Examples:
        >>> from foregate import Forecaster
        >>> from foregate.data import generate
        >>> model = Forecaster(horizon=3, season_length=12, options={"steps": 2, "hidden": 8}).fit(generate(2, 60))
        >>> found = attributions(model)
        >>> found.overall().columns, bool((found.gap < 0.01).all())
        (['group', 'source', 'share'], True)
    """
    return attributions_of(subject_of(model, data, scope), step=step, nodes=nodes)


def attributions_of(subject: Subject, *, step: int | None = None, nodes: int = NODES) -> Attributions:
    """See `attributions`."""
    at_least(1, nodes=nodes, step=1 if step is None else step)
    fitted, panel = subject.fitted, subject.probed()
    panel = panel.take(np.flatnonzero(subject.origins(panel) >= 0))
    manner = fitted.engine.manner
    horizon = 1 if manner.strategy == "recursive" else max(fitted.horizon, step or 1)
    require_reach(manner, horizon)
    wanted = np.arange(horizon) if step is None else np.array([min(step, horizon) - 1])
    told = _Told.of(Inputs(panel, fitted.spec), subject.origins(panel), horizon, subject.scope.rows)
    moved, difference = [np.zeros(each.shape) for each in told.x], np.zeros(len(panel))
    for share, engine in _engines(fitted.engine):
        function = told.forecast_of(engine.network, wanted, told.carried(engine))
        pieces = integrated(function, told.x, told.reference, nodes)
        with torch.inference_mode():
            difference += share * (function(*told.x) - function(*told.reference)).double().numpy()
        for total, piece in zip(moved, pieces, strict=True):
            total += share * piece.double().numpy()
    spec = fitted.spec
    encoder = encoder_features(spec)
    return Attributions(
        panel.ids,
        subject.origins(panel),
        tuple((wanted + 1).tolist()),
        (*encoder, *step_features(spec), *path_features(spec)),
        np.concatenate([each.sum(1) for each in moved], 1),
        _by_distance(np.abs(moved[0]), told.column, [feature.lag or 0 for feature in encoder]),
        _by_distance(np.abs(moved[0]), told.column, [0] * len(encoder)),
        difference,
    )


def integrated(
    function: Callable[..., Tensor], x: tuple[Tensor, ...], reference: tuple[Tensor, ...], nodes: int = NODES
) -> tuple[Tensor, ...]:
    """Integrated gradients of a function of several arrays, each attribution shaped like what it is of.

    Args:
        function: of arrays (B, ...) to (B,), each of which depends on its own row of them alone.
        x: what is to be explained.
        reference: what it is compared with, shaped alike.
        nodes: of the integral.

    Examples:
        >>> x, nothing = torch.tensor([[1.0, 2.0]]), torch.zeros(1, 2)
        >>> integrated(lambda x: x[:, 0] * x[:, 1], (x,), (nothing,))[0]
        tensor([[1.0000, 1.0000]])
    """
    places, weights = np.polynomial.legendre.leggauss(nodes)
    total = [torch.zeros_like(each) for each in x]
    for place, weight in zip((places + 1) / 2, weights / 2, strict=True):
        line = zip(reference, x, strict=True)
        here = [(a + float(place) * (b - a)).requires_grad_() for a, b in line]
        gradients = torch.autograd.grad(function(*here).sum(), here, allow_unused=True)
        for each, gradient in zip(total, gradients, strict=True):
            if gradient is not None:
                each += float(weight) * gradient
    return tuple((b - a) * each for a, b, each in zip(reference, x, total, strict=True))


@dataclass(frozen=True)
class _Told:
    """What networks are told of B origins."""

    inputs: Inputs
    begins: IntArray
    """(B,) panel row that the rows begin at which are told apart."""
    column: IntArray
    """(B,) where the origin lies among them."""
    x: tuple[Tensor, Tensor, Tensor]
    """Features (B, T, F), step features (B, K, S) and paths (B, K, P)."""
    reference: tuple[Tensor, Tensor, Tensor]
    """What an average row and an average origin would be told, shaped alike."""

    @classmethod
    def of(cls, inputs: Inputs, origins: IntArray, horizon: int, rows: int) -> _Told:
        panel, k = inputs.panel, np.arange(1, horizon + 1)
        first = panel.first_observed
        start = np.maximum(origins + 1 - rows, first)
        column, begins = origins - start, panel.offsets[:-1] + start
        T = np.arange(int(column.max(initial=0)) + 1)
        read = np.where(column[:, None] >= T, begins[:, None] + T, -1)
        x = inputs.features(read), *inputs.steps(panel.offsets[:-1] + origins, k)
        some = np.concatenate([_spread(panel, s, int(first[s]), int(origins[s])) for s in range(len(panel))])
        usual = x[0][read >= 0].mean(0), *(each.mean(0) for each in inputs.steps(some, k))
        reference = [np.broadcast_to(a, b.shape).copy() for a, b in zip(usual, x, strict=True)]
        a, b, c = (torch.from_numpy(each) for each in x)
        d, e, f = (torch.from_numpy(each) for each in reference)
        return cls(inputs, begins, column, (a, b, c), (d, e, f))

    def carried(self, engine: Any) -> Tensor:
        """(B, C) what a network carries on from the rows before; series by series, as they are of unequal length."""
        panel, out = self.inputs.panel, np.zeros((len(self.begins), engine.carries), np.float32)
        for i, (first, end) in enumerate(zip(panel.offsets[:-1] + panel.first_observed, self.begins, strict=True)):
            if end > first:
                block = self.inputs.features(np.arange(first, end)[None])
                out[i] = engine.encode(block, np.zeros((1, 1), np.int64))[1][0]
        return torch.from_numpy(out)

    def forecast_of(self, network: Network, wanted: IntArray, carried: Tensor) -> Callable[..., Tensor]:
        """The mean place of some steps (B,), in units of scale above the level, as a function of all that is told."""
        columns, which = torch.from_numpy(self.column)[:, None], torch.from_numpy(wanted)

        def function(features: Tensor, steps: Tensor, paths: Tensor) -> Tensor:
            states, _ = network.encode(features, columns, carried)
            own = features.gather(1, columns[..., None].expand(-1, -1, features.shape[-1]))[:, 0]
            k = torch.arange(1, steps.shape[1] + 1)
            said = network.decode(states[:, 0], own, Ahead(k, steps, paths))
            return said[:, which, 0].mean(1)  # the first output of every head is the place

        return function


def _engines(engine: Engine) -> Iterator[tuple[float, Any]]:
    """The networks behind an engine of torch, each with its share of the forecast."""
    if not isinstance(engine, Ensemble):
        yield 1.0, engine
        return
    equal = (1 / len(engine.engines),) * len(engine.engines)
    yield from zip(engine.shares or equal, engine.engines, strict=True)


def _spread(panel: Panel, series: int, first: int, last: int) -> IntArray:
    """Panel rows of one series to be averaged over, from its first observation to its origin."""
    rows: IntArray = panel.offsets[series] + first + evenly(last - first + 1, REFERENCES)
    return rows


def _by_distance(sizes: FloatArray, column: IntArray, ago: Sequence[int]) -> FloatArray:
    """(B, D) of (B, T, F) by rows before the origin: those of the row, and how long `ago` before it a feature was."""
    B, T, F = sizes.shape
    lags = np.array(ago)
    back = (column[:, None] - np.arange(T))[..., None] + lags
    out = np.zeros((B, T + int(lags.max())))
    there = (back - lags) >= 0
    np.add.at(out, (np.broadcast_to(np.arange(B)[:, None, None], (B, T, F))[there], back[there]), sizes[there])
    return out


def _summed(values: FloatArray, of: IntArray, groups: int) -> FloatArray:
    """(B, G) sums of columns (B, C) that belong to groups (C,)."""
    out = np.zeros((len(values), groups))
    np.add.at(out.T, of, values.T)
    return out
