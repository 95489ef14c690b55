"""A day of electricity demand, with calendar and temperature: `python examples/energy_demand.py`.

Demand in Victoria by half hours, forecast at midnight for the whole day, on four weeks of a hot summer: by what the
network is told of weather and holidays, beside simpler methods. FOREGATE_DATA is the folder that has `vic_elec`;
without it demand is made up that follows temperature, hour and weekend. docs/energy-demand.md tells what came out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foregate import Forecaster, audit, backtest, inspect, read, scoreboard, what_if
from foregate.evaluation import Backtest, Scoreboard

DAY, WINDOWS, ERROR, KEPT = 48, 28, 1.5, 0.98
"""Half hours of a day, days to forecast, spread (°C) of the error of a weather forecast, and what it keeps per step."""
SIMPLE = ("SeasonalNaive", "AutoETS", "AutoTheta")
LEARNT = {"start": "scratch", "hidden": 32, "steps": 200}
TOLD = {
    "demand alone": {},
    "temperature so far": {"holiday": "future", "temperature": "past"},
    "weather forecast": {"holiday": "future", "forecast": "future"},
    "weather as it came": {"holiday": "future", "temperature": "future"},
}
"""What the network is told beside demand and the clock, and from when on it is known."""


def demand() -> pl.DataFrame:
    """A year and two months: unique_id, ds (UTC), local (time), y (MW), temperature (°C), holiday, and a forecast."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("FOREGATE_DATA", beside)) / "vic_elec"
    rng = np.random.default_rng(0)
    if folder.exists():
        span = pl.col("ds").is_between(pl.datetime(2012, 12, 31, 13), pl.datetime(2014, 2, 25, 12, 30))
        frame = pl.read_parquet(folder / "train.parquet").filter(span).rename({"local_time": "local"})
    else:
        t = np.arange(60 * DAY)
        warm = 20 + drift(rng, len(t), 4.0) - 6 * np.cos(2 * np.pi * (t - 6) / DAY)
        off, hour = (t // DAY % 7 > 4).astype(np.int8), -np.cos(2 * np.pi * (t - 6) / DAY)
        y = 4_500 + 700 * hour - 500.0 * off + 90 * np.abs(warm - 19) + rng.normal(0, 40, len(t))
        times = np.datetime64("2014-01-01", "us") + t * np.timedelta64(30, "m")
        columns = {"unique_id": ["made up"] * len(t), "ds": times, "local": times}
        frame = pl.DataFrame(columns | {"y": y, "temperature": warm, "holiday": off})
    return frame.with_columns(forecast=pl.col("temperature") + pl.Series(drift(rng, frame.height, ERROR)))


def drift(rng: np.random.Generator, n: int, spread: float) -> NDArray[np.float64]:
    """Errors (N,) of a spread that last for about a day."""
    noise, found = rng.normal(0, spread * np.sqrt(1 - KEPT**2), n), np.zeros(n)
    for i in range(1, n):
        found[i] = KEPT * found[i - 1] + noise[i]
    return found


def errors_by_hour(result: Backtest, local: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Mean absolute error (24,) by the hour of the local day, whose times (N,) are those of the series."""
    wrong = np.abs(result.actual - result.outcomes("LSTM").at(0.5))[0]
    rows = result.origins[0][:, None] + 1 + np.arange(DAY)
    hours = local[rows].astype("datetime64[h]").astype(np.int64) % 24
    return np.array([np.nanmean(wrong[hours == h]) for h in range(24)])


def line(name: str, board: Scoreboard, model: str = "LSTM") -> tuple[float, ...]:
    """Print a line of the table."""
    found = tuple(board[model].overall[each] for each in ("mae", "wape", "crps", "coverage-80"))
    print(f"{name:20}{found[0]:8.0f}{found[1]:8.1f}%{found[2]:8.0f}{found[3]:9.1f}%")
    return found


def scored(frame: pl.DataFrame, model: Forecaster, windows: int) -> dict[str, Any]:
    """Print how well days are forecast, overall and by hour."""
    print(f"{'':20}{'MAE, MW':>8}{'WAPE':>9}{'CRPS':>8}{'in 80 %':>10}")
    told: dict[str, Any] = {"hours": {}}
    for name, roles in TOLD.items():
        panel = read(frame.select("unique_id", "ds", "y", *roles), covariates=roles)
        if not roles:  # two weeks are known: of a year, AutoETS and AutoTheta would take minutes
            instant = Forecaster(DAY, effort="instant", verbose=False)
            of: dict[str, Any] = {"scheme": "rolling", "train_rows": 14 * DAY, "baselines": SIMPLE}
            board = scoreboard(backtest(instant, panel, n_windows=windows, **of))
            told |= {other: line(other, board, other) for other in SIMPLE}
        result = backtest(model, panel, n_windows=windows, baselines=[] if roles else ["LSTM-instant"])
        board = scoreboard(result)
        if not roles:
            told["LSTM-instant"] = line("LSTM-instant", board, "LSTM-instant")
        told[name], told["hours"][name] = line(name, board), errors_by_hour(result, frame["local"].to_numpy())
    return told


def looked_into(frame: pl.DataFrame, model: Forecaster) -> dict[str, Any]:
    """Print how far back the model looks that was told a weather forecast, and what a warmer day would be."""
    roles = TOLD["weather forecast"]
    past = frame[:-DAY].select("unique_id", "ds", "y", *roles)
    model.fit(past, covariates=roles)
    memory = inspect(model, lags=8 * DAY).memory
    print(f"\nlooks {memory.reach} half hours back, {memory.reach_time}")
    shares = dict(memory.effective.select("lag", "share").rows())
    print("influence by half hours back: " + ", ".join(f"{n}: {shares[n]:.2f}" for n in (0, 1, 2, 24, 47, 48, 335)))
    told: dict[str, Any] = {"reach": memory.reach, "influence": memory.effective}
    for change in ("+5", "-5"):
        ahead = frame[-DAY:].select("unique_id", "ds", *roles)
        told[change] = what_if(model, None, {"forecast": change}, future=ahead).difference[0].reshape(-1, 2).mean(1)
    return told


def print_hours(told: dict[str, Any]) -> None:
    """Print the errors of each hour, and by how much it would be higher were the day 5 °C warmer, or colder."""
    columns = told["hours"] | {"+5 °C": told["+5"], "-5 °C": told["-5"]}
    print("\nMW    " + "  ".join(columns))
    for h in range(24):
        print(f"{h:02}:00 " + "  ".join(f"{each[h]:{len(name)}.0f}" for name, each in columns.items()))


def main(windows: int = WINDOWS, **options: Any) -> dict[str, Any]:
    """Score, look inside, ask what if, and print it."""
    frame, model = demand(), Forecaster(DAY, effort="fast", options=LEARNT | options, verbose=False)
    found = audit(read(frame.select("unique_id", "ds", "y")))
    print(f"{found.n_rows:,} half hours, seasons of {' and '.join(map(str, found.seasons))}; {found.missing} missing\n")
    told = scored(frame, model, windows) | looked_into(frame, model)
    print_hours(told)
    return told


if __name__ == "__main__":
    main()
