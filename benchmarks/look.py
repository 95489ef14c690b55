"""A quick look at pretrained weights: at once on the validation windows of fourteen sets.

    python -m benchmarks.look                                # those that are shipped: tiny
    python -m benchmarks.look weights/wide                   # a folder of weights
    python -m benchmarks.look build/wide --which average     # a checkpoint of a run of `foregate pretrain`

Beside SeasonalNaive, and as the runner's *instant* would answer; for choices between weights. Of a set at most 60
series, evenly spaced, so always the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.cases import CASES
from benchmarks.contenders.own import answered, panel_of
from benchmarks.job import Job
from benchmarks.networks import WHICH, start_of
from benchmarks.scoring import figures
from foregate.evaluation import SeasonalNaive
from foregate.pipeline.instant import instant
from foregate.pipeline.recipe import Recipe
from foregate.pipeline.start import Start

__all__ = ["GROUPS", "Seen", "look", "sampled", "summary"]

GROUPS = {
    "yearly": ("m1_yearly",),
    "quarterly, monthly": ("m1_quarterly", "m1_monthly", "aus_retail", "air_passengers", "sunspots"),
    "weekly": ("m4_weekly",),
    "daily": ("nn5_daily", "m5_small", "exchange_daily"),
    "hourly": ("m4_hourly", "vic_elec", "pjm_zones", "bike_sharing"),
}
"""Sets that are looked at."""
SERIES = 60
"""Of a set at most."""
NOMINAL = 80


@dataclass(frozen=True)
class Seen:
    """Of one set."""

    mase: float
    naive: float
    """MASE of SeasonalNaive."""
    covers80: float
    """Percent."""

    @property
    def ratio(self) -> float:
        """MASE over that of SeasonalNaive."""
        return self.mase / self.naive


def look(start: Start) -> dict[str, Seen]:
    """What weights say at once, by set."""
    return {
        name: _seen(sampled(CASES[name].job(name, test=False)), start) for names in GROUPS.values() for name in names
    }


def summary(found: Mapping[str, float]) -> list[float]:
    """Geometric means of figures of the sets: over all, and over each of the groups."""
    return [float(np.exp(np.mean([np.log(found[name]) for name in names]))) for names in (found, *GROUPS.values())]


def sampled(job: Job) -> Job:
    """Some of its series, evenly spaced: the same whenever it is asked."""
    chosen = np.linspace(0, len(job.ids) - 1, min(len(job.ids), SERIES)).round().astype(np.int64)
    rows = job.rows.filter(pl.col("unique_id").is_in([job.ids[i] for i in chosen]))
    return replace(job, rows=rows, known=job.known[chosen])


def _seen(job: Job, start: Start) -> Seen:
    recipe = Recipe(job.horizon, job.seasons, "instant", recent=start.recent)
    own = answered(job, lambda panel: (instant(recipe, panel, start)[0], ()), covariates=False)
    found = figures(job, own.values)
    return Seen(found["mase"], figures(job, _naive(job))["mase"], found["covers80"])


def _naive(job: Job) -> NDArray[np.float64]:
    """SeasonalNaive's forecasts (S, W, K, Q)."""
    panel, order = panel_of(job, covariates=False)
    out = np.full((*job.known.shape, job.horizon, len(job.quantiles)), np.nan)
    for window, known in enumerate(job.known[order].T):
        there = np.flatnonzero(known > 0)
        past = panel.take(there).cut(known[there])
        out[order[there], window] = SeasonalNaive(job.season).forecast(past, job.horizon, job.quantiles).values
    return out


def main() -> None:
    """Parse, look, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", nargs="?", default="tiny", help="a shipped size, or a folder")
    parser.add_argument("--which", choices=WHICH, default=WHICH[0], help="of a checkpoint")
    given = parser.parse_args()
    start = start_of(given.weights, given.which)
    print(f"{start.label}\n{'':16}{'MASE':>8}{'SeasonalNaive':>16}{'80 % covers':>14}")
    found = look(start)
    for name, seen in found.items():
        print(f"{name:16}{seen.mase:8.3f}{seen.naive:16.3f}{seen.covers80:12.1f} %")
    means = summary({name: seen.ratio for name, seen in found.items()})
    told = ", ".join(f"{group} {mean:.3f}" for group, mean in zip(GROUPS, means[1:], strict=True))
    off = np.mean([abs(seen.covers80 - NOMINAL) for seen in found.values()])
    print(f"MASE over that of SeasonalNaive {means[0]:.3f} ({told}); coverage off by {off:.1f} points on average")


if __name__ == "__main__":
    main()
