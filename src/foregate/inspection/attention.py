"""Where attention looks: weights by origin and lag, how evenly, heads apart and together.

Letters: S series, O origins of each, K steps ahead that look for themselves, A heads, L rows looked back on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foregate.data.later import pl
from foregate.forecasting.ensemble import Ensemble
from foregate.inspection.pictures import curves, heat_map
from foregate.inspection.section import Entry, Picture, Section
from foregate.inspection.subject import Subject
from foregate.reporting.figures import Curve
from foregate.reporting.view import short

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Attention", "Looks", "attention_of_subject", "evenness"]

Float32Array = NDArray[np.float32]
FloatArray = NDArray[np.float64]

MOST_ORIGINS = 24
"""Origins of each series that are looked at."""


@dataclass(frozen=True)
class Looks:
    """Where one network looks."""

    network: str
    """Its name."""
    weights: Float32Array
    """(S, O, K, A, L), the newest row last; shares of the rows that there were, NaN where there is no such origin."""

    @property
    def by_lag(self) -> FloatArray:
        """(A, L) mean weight of each head by lag, from 0 on."""
        return _mean(self.weights, (0, 1, 2))[:, ::-1]

    @property
    def entropy(self) -> FloatArray:
        """(S, O, K, A) how evenly each head looks: 0 at a single row, 1 at all alike."""
        return evenness(self.weights)


@dataclass(frozen=True)
class Attention:
    """Where the networks of a model look that have attention."""

    looks: tuple[Looks, ...]
    """Of every network with attention."""
    ids: NDArray[np.str_]
    """(S,) names of the series."""
    origins: NDArray[np.int64]
    """(S, O) rows back from the last one that each origin lies; -1 for none."""
    seasons: tuple[int, ...] = ()
    """Season lengths that the model was told, in rows."""

    @cached_property
    def by_lag(self) -> pl.DataFrame:
        """A row per network, head and lag: mean weight; heads from 1 on, and 0 for all of them together."""
        frames = []
        for one in self.looks:
            for head, weights in enumerate([one.by_lag.mean(0), *one.by_lag]):
                frames.append(
                    pl.DataFrame({"lag": np.arange(len(weights)), "weight": weights}).select(
                        pl.lit(one.network).alias("network"), pl.lit(head, pl.Int64).alias("head"), pl.all()
                    )
                )
        return pl.concat(frames)

    @cached_property
    def summary(self) -> pl.DataFrame:
        """A row per network and head: how evenly it looks, the lag that it looks at most, and half of its weight."""
        rows = []
        for one in self.looks:
            for head, weights in enumerate([one.by_lag.mean(0), *one.by_lag]):
                even = one.entropy if head == 0 else one.entropy[..., head - 1]
                rows.append(
                    {
                        "network": one.network,
                        "head": "all" if head == 0 else str(head),
                        "entropy": float(np.nanmean(even)),
                        "most_at": int(np.argmax(weights)),
                        "half_within": int(np.searchsorted(np.cumsum(weights), 0.5 * weights.sum())),
                    }
                )
        return pl.DataFrame(rows)

    @cached_property
    def by_origin(self) -> pl.DataFrame:
        """A row per network, series, origin and head: entropy, and the lag that is looked at most."""
        frames = []
        for one in self.looks:
            even = _mean(one.entropy, (2,))
            weights = _mean(one.weights, (2,))
            s, o, a = (index.ravel() for index in np.indices(even.shape))
            columns = {
                "unique_id": self.ids[s],
                "rows_back": self.origins[s, o],
                "head": a + 1,
                "entropy": even.ravel(),
                "most_at": np.nan_to_num(weights)[..., ::-1].argmax(-1).ravel(),
            }
            known = pl.DataFrame(columns).filter(pl.col("rows_back") >= 0)
            frames.append(known.select(pl.lit(one.network).alias("network"), pl.all()))
        return pl.concat(frames)

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return {"attention": self.summary, "attention_lags": self.by_lag, "attention_origins": self.by_origin}

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All weights, and where the origins lie."""
        return {"ids": self.ids, "origins": self.origins, **{one.network: one.weights for one in self.looks}}

    def lag_picture(self, one: Looks) -> Picture:
        """Mean weight by lag: all heads together, and each."""
        lags, heads = np.arange(one.weights.shape[-1]), one.by_lag
        lines, entries = [Curve(lags, heads.mean(0))], [Entry("all heads", "model-0")]
        for c, weights in enumerate(heads[:4] if len(heads) > 1 else heads[:0]):
            lines.append(Curve(lags, weights, c + 1, c + 1))
            entries.append(Entry(f"head {c + 1}", f"model-{c + 1}", c + 1))
        told = self.summary.filter(network=one.network, head="all").row(0, named=True)
        marks = [n * m for m in self.seasons for n in (1, 2, 3) if n * m < len(lags)]
        return Picture(
            title="Attention by lag",
            alternative=(
                f"Mean weight of {one.network} by lag: most lies {told['most_at']} rows back, half of it within "
                f"{told['half_within']} rows; it looks with an evenness of {told['entropy']:.2f} from 0 to 1"
            ),
            draw=partial(_by_lag, lines, marks),
            table=self.by_lag.filter(network=one.network).pivot("head", index="lag", values="weight"),
            note="Mean over series, origins and steps. Seasons are dotted."
            if marks
            else "Mean over series and origins.",
            key=tuple(entries),
            remark=one.network,
        )

    def origin_picture(self, one: Looks, series: int = 0) -> Picture:
        """Weights of all heads together by origin and lag, for one series."""
        weights = _mean(one.weights[series], (1, 2))
        known = np.isfinite(weights[:, -1])
        shares = weights[known]
        largest = float(shares.max(initial=0)) or 1.0
        most = shares.argmax(1) - shares.shape[1] + 1
        rows = {"rows_back": self.origins[series][known], "most_at": -most, "weight_there": shares.max(1, initial=0)}
        return Picture(
            title="Attention by origin",
            alternative=f"Weights of {one.network} from {known.sum()} origins of one series on the rows before each",
            draw=partial(
                heat_map,
                shares / largest,
                first=1.0 - shares.shape[1],
                label="rows before the origin",
                rows=f"{known.sum()} origins",
            ),
            table=pl.DataFrame(rows),
            note=f"A line per origin, the newest below; full is a weight of {largest:.2g}.",
            remark=f"{one.network}, {short(self.ids[series])}",
        )

    def section(self) -> Section:
        """The part of the page."""
        lead = (
            f"How much each of the last {self.looks[0].weights.shape[-1]} rows counts, from up to "
            f"{self.origins.shape[1]} origins of {len(self.ids)} series. Entropy says how evenly a head looks, from "
            "0 at a single row to 1 at all alike; half of the weight lies within so many rows."
        )
        pictures = [picture for one in self.looks for picture in (self.lag_picture(one), self.origin_picture(one))]
        return Section("Attention", (lead,), tuple(pictures), (("Heads", self.summary),))


def evenness(weights: Float32Array) -> FloatArray:
    """Entropy (...) of weights (..., L), as a share of what it would be were all places that have any alike.

    Examples:
        >>> evenness(np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]])).tolist()
        [1.0, 0.0]
    """
    exact = weights.astype(np.float64)
    there = (exact > 0).sum(-1)
    surprise = (exact * -np.log(np.maximum(exact, np.finfo(np.float64).tiny))).sum(-1)
    even: FloatArray = surprise / np.log(np.maximum(there, 2))
    return even


def attention_of_subject(subject: Subject) -> Attention | None:
    """Where every network looks from evenly spaced origins of series; None of a model without attention."""
    from foregate.pipeline.attention import attention_of
    from foregate.training.engine import TorchEngine

    engine, panel = subject.fitted.engine, subject.probed()
    engines = engine.engines if isinstance(engine, Ensemble) else (engine,)
    # Where few rows have been seen, weights are large for want of others.
    back = subject.spread(panel, MOST_ORIGINS, behind=subject.parts[0].network.spec.built.rows_back - 1)
    some, which = np.nonzero(back >= 0)
    cut = panel.take(some).cut(panel.lengths[some] - back[some, which])
    cut = replace(cut, ids=np.arange(len(some)).astype(np.str_))
    found = []
    for i, one in enumerate(engines):
        assert isinstance(one, TorchEngine)  # as_torch has seen to it
        if one.network.spec.built.attention is None or not len(some):
            continue
        looked = attention_of(replace(subject.fitted, engine=one), cut)
        weights = np.full((*back.shape, *looked.shape[1:]), np.nan, np.float32)
        weights[some, which] = looked
        found.append(Looks(f"network {i + 1}" if len(engines) > 1 else "network", weights))
    return Attention(tuple(found), panel.ids, back, subject.seasons) if found else None


def _mean(values: NDArray[np.floating[Any]], axes: tuple[int, ...]) -> FloatArray:
    """Mean over axes of what is known, NaN where nothing is."""
    known = np.isfinite(values)
    total, count = np.where(known, values, 0).sum(axes, dtype=np.float64), known.sum(axes)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _by_lag(lines: list[Curve], marks: list[int], size: tuple[int, int]) -> Any:
    return curves(lines, size, label="rows before the origin", marks=marks)
