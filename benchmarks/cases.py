"""The jobs that contenders are compared on: which sets, from which origins, with which covariates.

Competition sets have one window: the official test part for the final print, the last horizon of the training part (of
the series that can spare it) for choices. Rolling sets have `windows` origins, `stride` rows apart, at the end of the
set for the final print, and as many just before, whose steps end where those of the others begin, for choices.
Long-horizon sets (ETT, weather, exchange rates) follow the protocol of their literature: every origin of the last
months, standardised by the mean and the deviation of the training months.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.job import Job
from benchmarks.sets import table

__all__ = ["CASES", "Case", "Split"]

IntArray = NDArray[np.int64]
LONG_STEPS = {"10m": timedelta(minutes=10), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
"""Between rows of long-horizon sets."""
HUNDREDTHS = tuple(i / 100 for i in range(1, 100))


@dataclass(frozen=True)
class Split:
    """Of a long-horizon set: rows of its three parts; 0 for the last: what is left."""

    train: int
    choices: int
    test: int = 0


@dataclass(frozen=True)
class Case:
    """A set and what is asked of it."""

    words: str
    """What it is, for readers of its figures."""
    data: str
    """Folder of the data."""
    horizon: int
    season: int
    """In steps, of the scale of errors and of classical methods; 1 for none."""
    seasons: tuple[int, ...] = ()
    """Told to contenders where times are whole numbers, shortest first; () for none. Of dates everyone knows them."""
    step: str = "1"
    """Between rows, as polars says it; "1" where times are whole numbers, or dates whose rows are counted."""
    windows: int = 1
    stride: int = 0
    """Rows between two origins; 0: the official test part is the only window."""
    naive2: tuple[float, float] | None = None
    """Official sMAPE and MASE of Naive2 in M4, for OWA."""
    covariates: Mapping[str, str] = field(default_factory=dict)
    split: Split | None = None
    headline: str = "mase"
    """The figure that it is judged by."""

    def __post_init__(self) -> None:
        if self.seasons and self.step != "1":
            raise ValueError(
                f"seasons must be () for steps of {self.step}, where dates tell them, but got {self.seasons}. "
                "Leave them out."
            )

    def job(self, name: str, *, test: bool) -> Job:
        """What contenders are asked; `test` for the final print."""
        if self.split is not None:
            return self._long(name, self.split, test=test)
        if self.data == "gefcom2014_load":
            return self._load(name, test=test)
        rows = table(self.data).select("unique_id", "ds", "y", *self.covariates)
        if self.stride:
            return self._rolling(name, rows, test=test)
        h = self.horizon
        lengths = _lengths(rows)
        if test:
            rows = pl.concat([rows, table(self.data, "test").select("unique_id", "ds", "y")]).sort("unique_id", "ds")
            return self._asked(name, rows, lengths[:, None])
        able = lengths >= 2 * h + 3
        return self._asked(name, rows, np.where(able, lengths - h, 0)[:, None])

    def _rolling(self, name: str, rows: pl.DataFrame, *, test: bool) -> Job:
        rows = _regular(rows, self.step)
        lengths = _lengths(rows)
        span = self.horizon + (self.windows - 1) * self.stride
        back = (0 if test else span) + self.horizon + self.stride * np.arange(self.windows)[::-1]
        known = lengths[:, None] - back
        return self._asked(name, rows, np.where(known >= max(3, self.season + 1), known, 0))

    def _long(self, name: str, split: Split, *, test: bool) -> Job:
        rows = table(self.data).select("unique_id", "ds", pl.col("y").cast(pl.Float64))
        # As in the literature, where rows are counted and stamps that jump are not looked at.
        counted = pl.int_range(pl.len()) * pl.lit(LONG_STEPS[self.step], dtype=pl.Duration("ns"))
        rows = rows.with_columns(ds=(pl.col("ds").first() + counted).over("unique_id"))
        before = pl.col("y").slice(0, split.train)
        rows = rows.with_columns(y=((pl.col("y") - before.mean()) / before.std(ddof=0)).over("unique_id"))
        total = split.train + split.choices + split.test if split.test else int(_lengths(rows)[0])
        rows = rows.filter(pl.int_range(pl.len()).over("unique_id") < total)
        first, last = (split.train + split.choices, total) if test else (split.train, split.train + split.choices)
        origins = np.arange(first, last - self.horizon + 1)
        known = np.tile(origins, (len(_lengths(rows)), 1))
        return replace(
            self._asked(name, rows, known),
            validation=split.choices if test else 0,
            quantiles=(0.025, 0.1, 0.5, 0.9, 0.975),
        )

    def _load(self, name: str, *, test: bool) -> Job:
        """GEFCom2014: a month after each of the official rounds; for choices, the twelve months before the first."""
        rows = table(self.data).filter(pl.col("y").is_not_null())
        task = rows["task"].to_numpy()
        rows = rows.with_columns(w=pl.mean_horizontal(pl.col("^w\\d+$")).cast(pl.Float32))
        ends = np.flatnonzero(np.diff(task) > 0) + 1
        if not test:
            months = rows["ds"].dt.offset_by("-1h").dt.month().to_numpy()
            turns = np.flatnonzero(np.diff(months) != 0) + 1
            ends = turns[turns <= ends[0]][-13:]
        asked = np.diff(ends, append=len(rows))[: None if test else -1]
        job = self._asked(name, rows.select("unique_id", "ds", "y", "w"), ends[None, : len(asked)])
        return replace(job, quantiles=HUNDREDTHS, asked=asked)

    def _asked(self, name: str, rows: pl.DataFrame, known: IntArray) -> Job:
        used = rows.rechunk()
        lengths = _lengths(used)
        last = np.where(known.max(1) > 0, known.max(1) + self.horizon, lengths)
        used = used.filter(pl.int_range(pl.len()).over("unique_id") < pl.Series(np.repeat(last, lengths)))
        keep = known.max(1) > 0
        used = used.filter(pl.Series(np.repeat(keep, np.minimum(last, lengths))))
        seasons = self.seasons if self.step == "1" else None
        return Job(
            name, self.horizon, self.season, seasons, self.step, used, known[keep].astype(np.int64), self.covariates
        )


def _lengths(rows: pl.DataFrame) -> IntArray:
    return rows["unique_id"].rle().struct.field("len").to_numpy().astype(np.int64)


def _regular(rows: pl.DataFrame, step: str) -> pl.DataFrame:
    """Every step in a row of its own: targets of those that were not there are missing, covariates go on."""
    if step == "1":
        return rows.with_columns(ds=pl.int_range(pl.len()).over("unique_id"))
    full = rows.with_columns(pl.col("y").fill_nan(None)).upsample(
        "ds", every=step, group_by="unique_id", maintain_order=True
    )
    others = [name for name in full.columns if name not in ("unique_id", "ds", "y")]
    return full.with_columns(pl.col("unique_id").forward_fill(), *(pl.col(name).forward_fill() for name in others))


_ETT = Split(8_640, 2_880, 2_880)
_LONG = {
    f"{data}:{h}": Case(words, data, h, season, step=step, split=split, headline="mse")
    for words, data, season, step, split in (
        ("ETTh1, transformer oil and loads", "etth1", 24, "1h", _ETT),
        ("ETTh2, the same elsewhere", "etth2", 24, "1h", _ETT),
        ("weather, 21 instruments", "weather", 144, "10m", Split(36_887, 5_270)),
        ("exchange rates, long horizons", "exchange_rate", 1, "1d", Split(5_311, 760)),
    )
    for h in (96, 192, 336, 720)
}

CASES = {
    "m1_yearly": Case("M1 yearly", "m1_yearly", 6, 1),
    "m1_quarterly": Case("M1 quarterly", "m1_quarterly", 8, 4, (4,)),
    "m1_monthly": Case("M1 monthly", "m1_monthly", 18, 12, (12,)),
    "m4_weekly": Case("M4 Weekly", "m4_weekly", 13, 1, (52,), naive2=(9.161, 2.777), headline="owa"),
    "m4_hourly": Case("M4 Hourly", "m4_hourly", 48, 24, (24, 168), naive2=(18.383, 2.395), headline="owa"),
    "nn5_daily": Case("NN5, daily cash withdrawals with missing days", "nn5_daily", 56, 7, step="1d"),
    "vic_elec": Case(
        "Victorian electricity, half-hourly, temperature and holidays known",
        "vic_elec",
        48,
        48,
        step="30m",
        windows=28,
        stride=624,
        covariates={"temperature": "future", "holiday": "future"},
    ),
    "pjm_zones": Case("PJM zones, hourly electricity", "pjm_zones", 24, 24, step="1h", windows=14, stride=216),
    "m5_small": Case(
        "M5, intermittent daily sales, prices and events known",
        "m5_small",
        28,
        7,
        step="1d",
        windows=6,
        stride=28,
        covariates={
            "sell_price": "future",
            "event_type_Cultural": "future",
            "event_type_National": "future",
            "event_type_Religious": "future",
            "event_type_Sporting": "future",
        },
    ),
    "aus_retail": Case("Australian retail, monthly", "aus_retail", 24, 12, step="1mo", windows=2, stride=24),
    "bike_sharing": Case(
        "bike sharing, hourly with missing hours, holidays known",
        "bike_sharing_hourly",
        24,
        24,
        step="1h",
        windows=28,
        stride=216,
        covariates={"holiday": "future", "workingday": "future"},
    ),
    "exchange_daily": Case("exchange rates, daily", "exchange_rate", 30, 1, step="1d", windows=12, stride=60),
    "air_passengers": Case(
        "airline passengers, one monthly series", "air_passengers", 12, 12, step="1mo", windows=9, stride=3
    ),
    "sunspots": Case("sunspots, one monthly series", "sunspots_monthly", 12, 12, step="1mo", windows=22, stride=12),
    "stocks": Case("GAFA stock prices, trading days", "stocks_gafa", 20, 1, (5,), windows=6, stride=20),
    "gefcom_load": Case(
        "GEFCom2014 load, hourly, a month after each round",
        "gefcom2014_load",
        744,
        24,
        step="1h",
        windows=15,
        stride=1,
        covariates={"w": "past"},
        headline="pinball",
    ),
    **_LONG,
}
