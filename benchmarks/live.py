"""What a live forecaster takes: of time per observation and per forecast, and of memory per series.

    python -m benchmarks.live               # all of it: some minutes, most of it a history of 1,000,000 rows
    python -m benchmarks.live update both   # some

- update: one observation of one series by the call, everything included.
- turns: 1,024 series in turn, one observation of one by the call; none of them is in the processor's cache.
- both: an observation, and the calibrated forecast of 24 steps x 9 quantiles after it.
- batch: an observation of each of 1,024 series in one call, per series: in columns of lists, as a service has them that
  gathers what comes in; as a frame of polars; as a list of dictionaries. Averages have the calls that move the tapes.
- history: a call's time after 1,000,000 observations over that after 1,000, by turns.
- many: 100,000 series in one process: memory beyond what the process held before, and observations a second in batches.
- cold: from the start of a program to its first forecast, by the clock, and what it holds then; see `benchmarks.cold`.
- peer: the same as `both` beside neuralforecast's LSTM of these sizes, which reads a window of 168 rows anew; by turns,
  needs `make peers`; see `benchmarks.live_peer`.
- size: the installation on disk, without torch and with it.

The network is an LSTM of two layers of 64 with made-up weights, run by NumPy and ONNX Runtime; torch is not loaded. One
thread: give OMP_NUM_THREADS=1. Series are made up: hourly, with a day and a week, but for `many`, which have a day.
Times are of the processor, medians and 99th percentiles of a thousand calls in the quietest of several rounds, since
other programs lengthen the rest. Prints a table.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.cold import installed
from benchmarks.cold import started as started_cold
from benchmarks.growth import series
from benchmarks.peer import WINDOW, theirs
from benchmarks.process import held
from foregate import Panel
from foregate.data.inputs import InputSpec
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.intervals import Calibration
from foregate.models.spec import NetworkSpec
from foregate.persistence.export import decoder_graph, encoder_graph
from foregate.persistence.runtime import OnnxEngine, StoredNetwork
from foregate.streaming import Live

__all__ = ["MEASURES", "Row", "model", "quietest", "table"]

HIDDEN, HORIZON, SEASONS, ROWS = 64, 24, (24, 168), 1_000
NINE = tuple(round(0.1 * i, 1) for i in range(1, 10))
LEVELS = (0.025, 0.05, *NINE, 0.95, 0.975)
ROUNDS, CALLS = 12, 1_000
TURNS, MANY, LONG = 1_024, 100_000, 1_000_000
TURN = 64
"""Calls until the tape of a series has been filled once."""


@dataclass(frozen=True)
class Row:
    """A figure of the table."""

    what: str
    asked: str
    measured: str


def table(rows: Iterable[Row]) -> str:
    """Markdown.

    Examples:
        >>> print(table([Row("update", "50 µs", "45 µs")]))
        | what | asked | measured |
        |---|---|---|
        | update | 50 µs | 45 µs |
    """
    lines = [f"| {row.what} | {row.asked} | {row.measured} |" for row in rows]
    return "\n".join(["| what | asked | measured |", "|---|---|---|", *lines])


def model(seasons: tuple[int, int] = SEASONS, hidden: int = HIDDEN) -> Fitted:
    """Of weights that are random, which takes as long as any."""
    spec = InputSpec(seasons, 12, 336)
    shape = NetworkSpec(spec.n_features, spec.n_steps, spec.n_profiles, LEVELS, hidden)
    weights = _weights(shape)
    stored = StoredNetwork(shape, weights, encoder_graph(shape, weights), decoder_graph(shape, weights))
    calibration = Calibration(np.full((HORIZON, len(LEVELS)), 1.1))
    return Fitted(OnnxEngine(stored, 1), spec, calibration, HORIZON, 0.1)


def _weights(shape: NetworkSpec) -> dict[str, NDArray[np.float32]]:
    """By torch's names, of the size that training begins with."""
    rng, H, D = np.random.default_rng(0), shape.hidden, shape.decoder
    read, said = H + shape.n_features, shape.n_profiles + len(shape.levels)
    sizes = {"encoder.inputs": (H, shape.n_features), "decoder.state": (D, read), "decoder.step": (D, shape.n_steps)}
    sizes |= {"decoder.mid": (D, D), "decoder.again": (D, read), "decoder.out": (said, D)}
    found: dict[str, tuple[int, ...]] = {f"{name}.weight": size for name, size in sizes.items()}
    found |= {f"{name}.bias": size[:1] for name, size in sizes.items() if name != "decoder.again"}
    for i in range(shape.built.layers):
        layer = {"weight_ih": (4 * H, H), "weight_hh": (4 * H, H), "bias_ih": (4 * H,), "bias_hh": (4 * H,)}
        found |= {f"encoder.layers.{i}.{name}_l0": size for name, size in layer.items()}
    return {name: rng.normal(0, 0.1, size).astype(np.float32) for name, size in found.items()}


def started(count: int, rows: int = ROWS, fitted: Fitted | None = None) -> Live:
    """A live forecaster of so many series with so many rows of past."""
    return Live.start(
        fitted or model(), Panel.from_arrays(list(series(0, count, rows)), ids=[f"s{i}" for i in range(count)])
    )


def coming(live: Live, calls: int) -> Iterator[dict[str, Any]]:
    """Observations of all series in turn, each the next of its own."""
    names, y = live.ids, np.random.default_rng(1).normal(100, 10, calls).tolist()
    begins = live.expected().tolist()
    for i in range(calls):
        turn, which = divmod(i, len(names))
        yield {"unique_id": names[which], "ds": begins[which] + turn, "y": y[i]}


def timed(call: Callable[[Any], Any], given: Iterable[Any]) -> NDArray[np.float64]:
    """Microseconds of processor of each call."""
    found, clock = [], time.thread_time_ns
    for each in list(given):
        began = clock()
        call(each)
        found.append(clock() - began)
    return np.array(found) / 1_000


def quietest(rounds: Iterable[NDArray[np.float64]]) -> tuple[float, float]:
    """Median and 99th percentile of the round with the least median.

    Examples:
        >>> quietest([np.array([5.0, 5.0]), np.array([2.0, 4.0])])
        (3.0, 3.98)
    """
    least = min(rounds, key=np.median)
    return float(np.median(least)), float(np.percentile(least, 99))


def _said(found: tuple[float, float]) -> str:
    return f"p50 {found[0]:.0f} µs, p99 {found[1]:.0f} µs"


def update() -> Iterator[Row]:
    """One series."""
    live = started(1)
    found = quietest(timed(live.update, coming(live, CALLS)) for _ in range(ROUNDS))
    yield Row("update of one series", "p50 50 µs, p99 200 µs", _said(found))


def turns() -> Iterator[Row]:
    """Many series, one at a time."""
    live = started(TURNS)
    found = quietest(timed(live.update, coming(live, TURNS)) for _ in range(ROUNDS))
    yield Row(f"update of one of {TURNS:,} series in turn", "", _said(found))


def both() -> Iterator[Row]:
    """An observation and a forecast."""
    yield Row(f"update + forecast of {HORIZON} steps x {len(NINE)} quantiles", "p50 150 µs", _said(_answered()))


def _answered() -> tuple[float, float]:
    """Of an observation and the forecast after it."""
    live = started(1)

    def once(row: Any) -> None:
        live.update(row)
        live.forecast(HORIZON, quantiles=NINE)

    return quietest(timed(once, coming(live, CALLS)) for _ in range(ROUNDS))


def batch() -> Iterator[Row]:
    """Many series at once."""
    live, rng = started(TURNS), np.random.default_rng(2)
    said: dict[str, Callable[[Any], Any]] = {
        "in columns of lists": dict,
        "as a frame of polars": pl.DataFrame,
        "as a list of dictionaries": _one_by_one,
    }
    for how, given in said.items():
        found = _batched(live, TURNS, TURN, given)
        yield Row(f"{TURNS:,} series in one call {how}, per series", "2 µs", _each(found))
    found = _batched(live, TURNS, TURN, dict, rng.permutation(TURNS))
    yield Row(f"the same in columns of lists, in any order of the series, another {TURN} calls", "2 µs", _each(found))


def _one_by_one(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _each(found: NDArray[np.float64]) -> str:
    quickest, usual, mean = (found.min() * 1e6, float(np.median(found)) * 1e6, found.mean() * 1e6)
    return f"{quickest:.1f} µs the quickest call, {usual:.1f} µs p50, {mean:.1f} µs on average"


def _batched(
    live: Live, size: int, rounds: int, given: Callable[[Any], Any] = dict, order: NDArray[np.int64] | None = None
) -> NDArray[np.float64]:
    """Seconds of processor per observation where so many series come in one call, of each round."""
    names, found = live.ids, []
    names = names if order is None else tuple(names[i] for i in order)
    for _ in range(rounds):
        taken, begin = 0.0, int(live.expected()[0])
        for i in range(0, len(names), size):
            some = list(names[i : i + size])
            rows = given({"unique_id": some, "ds": [begin] * len(some), "y": [100.0 + begin % 7] * len(some)})
            began = time.thread_time()
            live.update(rows)
            taken += time.thread_time() - began
        found.append(taken / len(names))
    return np.array(found)


def history() -> Iterator[Row]:
    """A long past against a short one."""
    fitted = model()
    short, long = (started(1, rows, fitted) for rows in (ROWS, LONG))
    rounds = [[timed(live.update, coming(live, CALLS)) for live in (short, long)] for _ in range(ROUNDS)]
    after_short, after_long = (quietest(each)[0] for each in zip(*rounds, strict=True))
    said = f"{after_long / after_short:.2f}x ({after_long:.0f} µs)"
    yield Row(f"update after {LONG:,} observations over {ROWS:,}", "1.05x at most", said)


def many() -> Iterator[Row]:
    """As many series as one process is to hold."""
    fitted, rows = model((24, 1)), 60
    before = held("VmRSS")
    live = started(MANY, rows, fitted)
    grown, most = held("VmRSS") - before, held("VmHWM") - before
    yield Row(f"memory of {MANY:,} series", "1,024 MiB", f"{grown:,.0f} MiB, at most {most:,.0f} MiB while starting")
    rate = 1 / _batched(live, 4_096, 3).min()
    yield Row(f"observations a second of {MANY:,} series", "200,000", f"{rate:,.0f}")


def cold() -> Iterator[Row]:
    """A program's first forecast."""
    for what, seconds, memory in started_cold(model()):
        yield Row(f"start of a program to {what}", "1 s, 150 MiB", f"{seconds:.2f} s, {memory:.0f} MiB")


def peer() -> Iterator[Row]:
    """The leading library."""
    before, told, after = _answered()[0], theirs(HIDDEN, HORIZON), _answered()[0]
    own = min(before, after)
    for what, asked, key in (
        ("forecast of neuralforecast", "500x", "predict"),
        ("forecast of neuralforecast at its defaults", "", "usual"),
        ("its network alone", "", "forward"),
    ):
        measured = f"{told[key] / own:.0f}x ({told[key]:,.0f} µs over {own:.0f} µs)"
        yield Row(f"{what} from {WINDOW} rows over update + forecast", asked, measured)


def size() -> Iterator[Row]:
    """What is installed."""
    for what, asked, extras in (("without torch", "400 MB", ()), ("with torch", "over 1,000 MB", ("train",))):
        yield Row(f"installation {what}, on disk", asked, f"{sum(installed(*extras).values()) / 1e6:,.0f} MB")


MEASURES: dict[str, Callable[[], Iterator[Row]]] = {
    "update": update,
    "turns": turns,
    "both": both,
    "batch": batch,
    "history": history,
    "many": many,
    "cold": cold,
    "peer": peer,
    "size": size,
}
"""By name."""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("measures", nargs="*", help=f"some of {', '.join(MEASURES)}; all when not given")
    asked = parser.parse_args().measures or list(MEASURES)
    unknown = sorted(set(asked) - set(MEASURES))
    if unknown:
        parser.error(f"measures must be some of {', '.join(MEASURES)}, but got {', '.join(unknown)}")
    print(table(row for name in asked for row in MEASURES[name]()))


if __name__ == "__main__":
    main()
