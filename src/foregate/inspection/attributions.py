"""Attributions: how much each thing that a network was told moved its forecast, summing to all of it.

They are integrated gradients (Sundararajan, Taly and Yan 2017), see `foregate.inspection.integrated`. The reference is
the average row: the mean of every feature over the rows that are read, and of what the decoder sees over origins. So an
attribution says why this forecast differs from that of an average row.

Letters: B origins, one of each series; T rows read before it, C columns of what is told, D distances.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import at_least
from foregate.data.feature_names import Feature
from foregate.data.later import pl
from foregate.inspection.pictures import curves
from foregate.inspection.ranking import ranked
from foregate.inspection.section import Picture, Section
from foregate.inspection.subject import Scope, Subject, subject_of
from foregate.reporting.figures import Curve

__all__ = ["Attributions", "attributions", "attributions_of"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NODES, MOST_NODES = 24, 400
"""Points of the line at which gradients are taken at first, and at most."""
UNEXPLAINED = 0.01
"""There are ever more of them until no more than this is left unexplained of any forecast, in units of scale."""


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
    model: Any, data: Any = None, *, scope: Scope | None = None, step: int | None = None, nodes: int | None = None
) -> Attributions:
    """What moved the latest forecasts of a forecaster, by integrated gradients.

    Of several networks these are the means of each, by their shares in the forecast. A recursive model is explained
    one step ahead. Where covariates are known ahead, forecasts are made that far before the end of each series.

    Args:
        model: a fitted `foregate.Forecaster`.
        data: see `foregate.inspect`; None for what it was fitted on.
        scope: how many series, and how many rows before the origin; what was read before stays as it is.
        step: a step ahead; None for the mean of all up to the horizon.
        nodes: points at which gradients are taken; if None as many as bring `Attributions.gap` below 0.01, 400 at most.

    Examples:
        >>> from foregate import Forecaster
        >>> from foregate.data import generate
        >>> model = Forecaster(horizon=3, season_length=12, options={"steps": 2, "hidden": 8}).fit(generate(2, 60))
        >>> found = attributions(model)
        >>> found.overall().columns, bool((found.gap < 0.01).all())
        (['group', 'source', 'share'], True)
    """
    return attributions_of(subject_of(model, data, scope), step=step, nodes=nodes)


def attributions_of(subject: Subject, *, step: int | None = None, nodes: int | None = None) -> Attributions:
    """See `attributions`."""
    from foregate.inspection.integrated import attributed

    at_least(1, nodes=1 if nodes is None else nodes, step=1 if step is None else step)
    if nodes is not None:
        return Attributions(*attributed(subject, step, nodes))
    many = NODES
    found = Attributions(*attributed(subject, step, many))
    while (unexplained := found.gap > UNEXPLAINED).any() and many < MOST_NODES:
        many = min(4 * many, MOST_NODES)
        found = _instead(found, unexplained, Attributions(*attributed(subject, step, many, unexplained)))
    return found


def _instead(found: Attributions, which: NDArray[np.bool_], better: Attributions) -> Attributions:
    """The same, with the series `which` (B,) as `better` has them."""
    new = {name: getattr(found, name).copy() for name in ("values", "by_distance", "by_row")}
    for name, whole in new.items():
        whole[which] = getattr(better, name)
    return replace(found, **new)


def _summed(values: FloatArray, of: IntArray, groups: int) -> FloatArray:
    """(B, G) sums of columns (B, C) that belong to groups (C,)."""
    out = np.zeros((len(values), groups))
    np.add.at(out.T, of, values.T)
    return out
