"""Daily share prices, and why the naive forecast is hard to beat: `python examples/stock_prices.py`.

Four shares, forecast a week ahead at the end of each of the last fifty weeks: the logarithms of prices, so that errors
are shares of a price. FOREGATE_DATA is the folder that has `stocks_gafa`; without it prices are made up that nobody can
forecast: random walks, whose days are calm and wild in turn. docs/stock-prices.md tells what came out.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from foregate import Forecaster, audit, backtest, compare, inspect, read, scoreboard
from foregate.evaluation import Backtest

HORIZON, WINDOWS = 5, 50
BASELINES = ("LSTM-instant", "Naive", "Drift", "SeasonalNaive")


def prices() -> pl.DataFrame:
    """Closing prices of business days: columns unique_id, ds and y."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("FOREGATE_DATA", beside)) / "stocks_gafa"
    if folder.exists():
        return pl.read_parquet(folder / "train.parquet", columns=["unique_id", "ds", "y"])
    rng, n = np.random.default_rng(0), 1_258
    days = np.busday_offset("2014-01-02", np.arange(n)).astype("datetime64[us]")
    wild = np.exp(0.4 * np.sin(np.arange(n) / 40 + np.arange(4)[:, None]))
    walks = 50 * np.exp(np.cumsum(0.015 * wild * rng.normal(size=(4, n)), 1))
    return pl.concat(pl.DataFrame({"unique_id": f"made up {i}", "ds": days, "y": walks[i]}) for i in range(4))


def moves(result: Backtest, model: str) -> tuple[NDArray[np.float64], ...]:
    """What a week brought and what was said of it (S, W), in log prices, and the width of the 80 % interval."""
    last, said = result.outcomes("Naive").at(0.5)[..., -1], result.outcomes(model)
    low, middle, high = (said.at(q)[..., -1] for q in (0.1, 0.5, 0.9))
    return result.actual[..., -1] - last, middle - last, high - low


def traps(y: NDArray[np.float64]) -> dict[str, float]:
    """What looks like skill in log prices (N,) of one share, and in random walks, and is none."""
    walks = np.random.default_rng(1).normal(size=(2_000, 1_258)).cumsum(1)
    ahead, days = walks[:, 60:] - walks[:, :-60], np.arange(1, 1_259)
    whole = (walks - walks.mean(1, keepdims=True)) / walks.std(1, keepdims=True)
    middle = walks.cumsum(1) / days
    causal = (walks - middle) / np.sqrt(np.maximum((walks**2).cumsum(1) / days - middle**2, 1e-12))

    def related(scaled: NDArray[np.float64]) -> float:
        return float(np.corrcoef(scaled[:, 250:-60].ravel(), ahead[:, 250:].ravel())[0, 1])

    change = np.diff(y)
    return {
        "price and the price of the day before, correlation": float(np.corrcoef(y[1:], y[:-1])[0, 1]),
        "change and the change of the day before, correlation": float(np.corrcoef(change[1:], change[:-1])[0, 1]),
        "mean of both neighbours, error by that of the day before": float(
            np.abs(y[1:-1] - (y[:-2] + y[2:]) / 2).mean() / np.abs(change).mean()
        ),
        "random walks scaled by all of them, correlation with 60 days on": related(whole),
        "random walks scaled by what came before, the same": related(causal),
    }


def main(**options: Any) -> dict[str, Any]:
    """Score, compare, look inside, and print it."""
    frame = prices()
    panel = read(frame.with_columns(pl.col("y").log()), freq="B")
    seen = audit(panel)
    print(f"{seen.n_series} shares, {seen.lengths[1]:,} days; seasons: {seen.seasons or 'none'}; {seen.gaps} holidays")
    model = Forecaster(HORIZON, effort="fast", options=options, verbose=False)
    result = backtest(model, panel, n_windows=WINDOWS, baselines=BASELINES)
    found = compare(result, "mae")
    pairs = found.frame("pairs").filter((pl.col("model") == "Naive") | (pl.col("against") == "Naive"))
    told: dict[str, Any] = {"p": {(set(pair) - {"Naive"}).pop(): p for *pair, p in pairs[:, [0, 1, -1]].rows()}}
    print(f"\n{'':14}{'MAE':>8}{'CRPS':>8}{'in 80 %':>9}{'p':>7}")
    for score in scoreboard(result).scores:
        told[score.model] = tuple(score.overall[name] for name in ("mae", "crps", "coverage-80"))
        p = f"{told['p'][score.model]:7.2f}" if score.model in told["p"] else ""
        print("{:14}{:8.2%}{:8.2%}{:8.1f}%".format(score.model, *told[score.model]) + p)
    print(found.verdict("LSTM", "Naive"))
    plain = Forecaster(HORIZON, effort="instant", verbose=False)
    on_prices = scoreboard(backtest(plain, read(frame, freq="B"), n_windows=WINDOWS, baselines=["Naive"]))
    told["on prices"] = {one.model: one.overall["coverage-80"] for one in on_prices.scores}
    print(f"80 % intervals of prices instead of logarithms hold {told['on prices']['Naive']:.1f} % (Naive)")
    came, said, width = (each[np.isfinite(result.actual[..., -1])] for each in moves(result, "LSTM"))
    told["change"], told["direction"] = float(np.corrcoef(came, said)[0, 1]), float(np.mean(came * said > 0))
    print(
        "\nchange over the week: forecast and outcome correlate {change:.2f}, {direction:.0%} same sign".format(**told)
    )
    told["moves"] = [float(np.abs(came)[some].mean()) for some in np.array_split(np.argsort(width), 5)]
    print("moves, fifths by the width of the interval: " + ", ".join(f"{each:.1%}" for each in told["moves"]))
    memory = inspect(model.fit(panel)).memory
    told["memory"] = memory.effective
    shares = " ".join("–" if share is None else f"{share:.2f}" for share in memory.effective["share"][:21])
    print(f"\ninfluence of the price 0, 1, … 20 days back:\n{shares}")
    told["traps"] = traps(panel.series(0)[np.isfinite(panel.series(0))].astype(np.float64))
    for name, figure in told["traps"].items():
        print(f"{name:64}{figure:7.3f}")
    return told


if __name__ == "__main__":
    main()
