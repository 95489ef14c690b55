"""What forecasts of a stream lose when the decoder learns from it, and when it does not.

    python -m benchmarks.learning                            # made-up streams, most of which change
    python -m benchmarks.learning --set pjm_zones vic_elec   # real series, as they come
    python -m benchmarks.learning --set pjm_zones --effort fast   # a network that was trained on the set

A forecast is made four times per horizon, after all rows so far were read, a quarter of a horizon by the call. The loss
is the mean pinball loss at thirteen levels over all steps, and the figures are its ratio to that of the same stream
without learning, the mean over series: of each quarter of the stream, and of all of it. The network is the small
pretrained one, calibrated on the part before the stream begins, if it is not told otherwise.
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.intervals import FIRST, HISTORY, REAL, ROWS, SEASON, SEEDS, STREAM, STREAMS, stream
from benchmarks.sets import table
from foregate import Forecaster, Live, Panel, read
from foregate.data import regularize

__all__ = ["Stream", "losses", "main"]

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)


class Stream(NamedTuple):
    """A fitted forecaster, and the rows that come after what it was fitted on."""

    model: Forecaster
    panel: Panel
    begin: NDArray[np.int64]
    end: NDArray[np.int64]


def made_up(kind: str) -> Stream:
    """Streams of a kind, whose first rows are the history."""
    panel = Panel.from_arrays([stream(kind, seed) for seed in range(SEEDS)])
    begin, end = np.full(SEEDS, FIRST), np.full(SEEDS, ROWS)
    model = Forecaster.pretrained(SEASON, season_length=SEASON, weights="tiny")
    return Stream(model.fit(panel.cut(begin)), panel, begin, end)


def real(name: str, effort: str, rows: int) -> Stream:
    """A real set from where its history ends."""
    what = REAL[name]
    panel = regularize(read(table(name).select("unique_id", "ds", "y"), freq=what.freq))
    begin = (panel.lengths * HISTORY).astype(np.int64)
    if effort == "instant":
        model = Forecaster.pretrained(what.horizon, freq=what.freq, season_length=what.season, weights="tiny")
    else:
        model = Forecaster(what.horizon, freq=what.freq, season_length=what.season, effort=effort)
    return Stream(model.fit(panel.cut(begin)), panel, begin, np.minimum(begin + rows, panel.lengths))


def losses(given: Stream, *, learn: bool) -> tuple[Live, NDArray[np.float64]]:
    """The live forecaster at the end, and the loss (T, S) of each forecast of each series."""
    model, panel, done, end = given
    live, q, found = model.live(), np.array(LEVELS), []
    K = live.fitted.horizon
    values = [np.where(panel.mask, panel.values, np.nan)[a:b] for a, b in pairwise(panel.offsets)]
    while (done + max(1, K // 4) + K <= end).all():
        before, done = done, done + max(1, K // 4)
        live.update(panel.between(before, done), learn=learn)
        said = live.forecast(K, quantiles=LEVELS).values
        came = np.stack([y[row : row + K] for y, row in zip(values, done.tolist(), strict=True)])[..., None]
        found.append(np.nanmean(np.maximum(q * (came - said), (q - 1) * (came - said)), (1, 2)))
    return live, np.array(found)


def line(name: str, given: Stream) -> str:
    """A row of the table."""
    _, plain = losses(given, learn=False)
    began = time.process_time()
    live, learning = losses(given, learn=True)
    seconds, told = time.process_time() - began, live.learning
    parts = [slice(i * len(plain) // 4, (i + 1) * len(plain) // 4) for i in range(4)]
    ratios = [np.nanmean(np.nanmean(learning[p], 0) / np.nanmean(plain[p], 0)) for p in (*parts, slice(None))]
    cells = " | ".join(f"{ratio:.3f}" for ratio in ratios)
    counts = f"{told.kept} kept, {told.rolled_back} rolled back" if told is not None else ""
    return f"| {name} | {cells} | {counts} | {seconds:.0f} s |"


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs="*", choices=list(REAL), default=[])
    parser.add_argument("--effort", default="instant", help="of the fit before a real stream")
    parser.add_argument("--rows", type=int, default=STREAM, help="the most rows of a real stream")
    given = parser.parse_args()
    print("| stream | first quarter | second | third | last | all | steps | processor |")
    print("|---|---|---|---|---|---|---|---|")
    for name in given.set:
        print(line(name, real(name, given.effort, given.rows)), flush=True)
    for kind in () if given.set else STREAMS:
        print(line(kind, made_up(kind)), flush=True)


if __name__ == "__main__":
    main()
