"""Do real series lie inside the prior? Statistics of training parts beside those of generated series.

    python -m benchmarks.priors [SET ...]

For each set and statistic: quantiles of the real series, of generated ones of the same lengths and seasons, and the
share of real series inside the generated ones' 5 to 95 % range. A prior is wide enough where that share is about 90 %
or more; that it is no wider than need be is for the medians to say. Below 85 % a line is marked.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.sets import table
from foregate.data.synthetic import KINDS, Kind, generate_batch

Floats = NDArray[np.float64]

BY_NAME = {kind.name: kind for kind in KINDS}
SETS = {
    "m1_yearly": "yearly",
    "m1_quarterly": "quarterly",
    "m1_monthly": "monthly",
    "aus_retail": "long monthly",
    "m4_weekly": "weekly",
    "nn5_daily": "daily",
    "m5_small": "daily",
    "m4_hourly": "hourly",
    "pjm_zones": "hourly",
    "bike_sharing_hourly": "hourly",
    "vic_elec": "half-hourly",
}
"""Which kind of generated series each set is compared with."""
GROUPS = {
    "nngc1 yearly": "A",
    "nngc1 quarterly": "B",
    "nngc1 monthly": "C",
    "nngc1 weekly": "D",
    "nngc1 daily": "E",
    "nngc1 hourly": "F",
}
"""Groups of the set of transport series, by kind."""
LONGEST = 800
"""Steps: longer series are cut into pieces of this length."""
PIECES = 12
"""Pieces taken of one series, at most."""
GENERATED = 600
"""Series drawn for each set."""


@dataclass(frozen=True)
class Statistics:
    """One number per series and statistic."""

    values: dict[str, list[float]]
    """By name."""

    @classmethod
    def of(cls, series: list[Floats], season: int) -> Statistics:
        """Of each series, NaN where missing."""
        rows = [_one(y, season) for y in series if np.isfinite(y).sum() >= 8]
        return cls({name: [row[name] for row in rows] for name in rows[0]})


def _one(y: Floats, m: int) -> dict[str, float]:
    seen = np.isfinite(y)
    y = np.interp(np.arange(len(y)), np.flatnonzero(seen), y[seen])
    d = np.diff(y)
    step, level = np.abs(d).mean() + 1e-12 * (np.abs(y).mean() + 1e-12), np.abs(y).mean() + 1e-12
    centred = d - d.mean()
    variance = (centred**2).mean() + 1e-24 * level**2
    power = np.abs(np.fft.rfft(centred)[1:]) ** 2 + 1e-20
    power /= power.sum()
    trend = _smooth(y, m if m > 1 else 5)
    half = len(d) // 2
    out = {
        "acf1 of changes": (centred[1:] * centred[:-1]).mean() / variance,
        "acf2 of changes": (centred[2:] * centred[:-2]).mean() / variance,
        "kurtosis of changes (log)": np.log((centred**4).mean() / variance**2 + 1e-3),
        "spectral entropy": -(power * np.log(power)).sum() / np.log(len(power)),
        "change / level (log10)": np.log10(step / level),
        "total change / level": (y[-3:].mean() - y[:3].mean()) / level,
        "one way": abs(d.sum()) / (np.abs(d).sum() + 1e-12 * level),
        "trend strength": 1 - min(1, (y - trend).var() / (y.var() + 1e-24)),
        "later / earlier changes (log)": np.log(
            (np.abs(d[half:]).mean() + step / 50) / (np.abs(d[:half]).mean() + step / 50)
        ),
        "zeros": float((y == 0).mean()),
        "distinct values": len(np.unique(y)) / len(y),
    }
    if m > 1 and len(y) >= 3 * m:
        rest = y - trend
        mean = np.array([rest[p::m].mean() for p in range(m)])
        out["seasonal strength"] = 1 - min(1, (rest - mean[np.arange(len(y)) % m]).var() / (rest.var() + 1e-24))
        out["m-step / 1-step changes (log)"] = np.log(np.abs(y[m:] - y[:-m]).mean() / step + 1e-3)
    elif m > 1:
        out["seasonal strength"] = out["m-step / 1-step changes (log)"] = float("nan")
    return {name: float(value) for name, value in out.items()}


def _smooth(y: Floats, window: int) -> Floats:
    window = min(window, len(y))
    padded = np.pad(y, (window // 2, window - 1 - window // 2), mode="edge")
    return np.convolve(padded, np.ones(window) / window, mode="valid")


def real(name: str) -> list[Floats]:
    """The series of a set, long ones in pieces."""
    rows = table(name.split(" ")[0])
    if name in GROUPS:
        rows = rows.filter(rows["group"].str.ends_with(GROUPS[name]))
    out: list[Floats] = []
    for _, part in rows.group_by("unique_id", maintain_order=True):
        y = part["y"].to_numpy().astype(np.float64)
        pieces = np.array_split(y, -(-len(y) // LONGEST))
        out += pieces[:: max(1, len(pieces) // PIECES)][:PIECES]
    return out


def generated(kind: Kind, lengths: list[int], rng: np.random.Generator) -> list[Floats]:
    """Series of the kind, of lengths drawn from `lengths`, at least 10 observed steps each."""
    out: list[Floats] = []
    while len(out) < GENERATED:
        batch = generate_batch(rng, 12, int(rng.choice(lengths)), kind.seasons, kind.prior)
        rows = np.where(batch.mask, batch.values, np.nan)
        out += [row[int(seen.argmax()) :] for row, seen in zip(rows, batch.mask, strict=True) if seen.sum() >= 8]
    return out[:GENERATED]


def compare(name: str, kind: Kind, rng: np.random.Generator) -> None:
    """Print the table of one set."""
    series = real(name)
    there = Statistics.of(series, kind.seasons[0]).values
    here = Statistics.of(generated(kind, [len(y) for y in series], rng), kind.seasons[0]).values
    print(f"\n{name}: {len(series)} real series, {kind.name}")
    print(f"{'':32}{'real 10 %':>10}{'50 %':>8}{'90 %':>8}{'drawn 5 %':>12}{'50 %':>8}{'95 %':>8}{'inside':>9}")
    for key, values in there.items():
        value = np.array(values)[np.isfinite(values)]
        drawn = np.array(here[key])[np.isfinite(here[key])]
        if not value.size or not drawn.size:
            continue
        a, b = np.quantile(value, [0.1, 0.5, 0.9]), np.quantile(drawn, [0.05, 0.5, 0.95])
        inside = ((value >= b[0] - 1e-9) & (value <= b[2] + 1e-9)).mean()
        flag = "  <" if inside < 0.85 else ""
        print(f"{key:32}{a[0]:10.2f}{a[1]:8.2f}{a[2]:8.2f}{b[0]:12.2f}{b[1]:8.2f}{b[2]:8.2f}{inside:9.0%}{flag}")


def main() -> None:
    """Compare every set, or those named."""
    rng = np.random.default_rng(0)
    every = SETS | {name: name.split(" ")[1] for name in GROUPS}
    for name in sys.argv[1:] or list(every):
        compare(name, BY_NAME[every[name]], rng)


if __name__ == "__main__":
    main()
