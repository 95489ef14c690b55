"""The leading library's side of `benchmarks.live`, in the environment of the peers.

    build/peers/bin/python -m benchmarks.live_peer HIDDEN HORIZON WINDOW

Fits neuralforecast's LSTM of two layers for a few steps, which takes as long to forecast with as any, and forecasts
nine quantiles from a window of rows, each time a newer one, in a frame that is there already when the clock starts and
has no row beyond the window; times are whole numbers. Prints microseconds of processor as JSON, of one thread:

- predict: its own call, with progress, logging, checkpoints, summaries and the scaling of windows switched off; frames
  of polars or of pandas, whichever is quicker. Lightning's ``barebones`` is no quicker.
- usual: the same call at the library's defaults.
- forward: its network alone, without the call that the library offers.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl
import torch
from neuralforecast import NeuralForecast
from neuralforecast.losses.pytorch import MQLoss
from neuralforecast.models import LSTM

from benchmarks.contenders.neural import QUIET, quiet
from benchmarks.growth import series

ROUNDS, CALLS, STEPS = 4, 15, 3
NINE = [round(0.1 * i, 1) for i in range(1, 10)]


def main() -> None:
    """Fit, time, print."""
    hidden, horizon, window = map(int, sys.argv[1:])
    quiet()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    y = series(0, 1, 1_000 + CALLS)[0]
    past = pl.DataFrame({"unique_id": ["load"] * len(y), "ds": np.arange(len(y)), "y": y})
    windows = [past[i : i + window] for i in range(len(y) - window - CALLS, len(y) - window)]
    frames = windows, [each.to_pandas() for each in windows]
    plain = _fitted(past, hidden, horizon, window, scaler_type="identity", **QUIET)
    usual = _fitted(past, hidden, horizon, window)
    told: dict[str, Any] = {
        "predict": min(_least(plain.predict, each) for each in frames),
        "usual": min(_least(usual.predict, each) for each in frames),
        "forward": _forward(plain.models[0], windows),
    }
    told["versions"] = {name: version(name) for name in ("neuralforecast", "torch", "lightning")}
    print(json.dumps(told))


def _fitted(past: pl.DataFrame, hidden: int, horizon: int, window: int, **settings: Any) -> NeuralForecast:
    """A forecaster of the library."""
    model = LSTM(
        h=horizon,
        input_size=window,
        encoder_n_layers=2,
        encoder_hidden_size=hidden,
        decoder_layers=2,
        decoder_hidden_size=hidden,
        loss=MQLoss(quantiles=NINE),
        max_steps=STEPS,
        accelerator="cpu",
        **settings,
    )
    forecaster = NeuralForecast([model], 1)
    forecaster.fit(past)
    return forecaster


def _forward(model: LSTM, windows: Iterable[pl.DataFrame]) -> float:
    """Of the network alone, without Lightning and without frames."""
    model.eval()
    given = [
        {"insample_y": torch.tensor(each["y"].to_numpy(), dtype=torch.float32)[None, :, None]}
        | dict.fromkeys(("futr_exog", "hist_exog", "stat_exog"))
        for each in windows
    ]
    with torch.inference_mode():
        return _least(model, given)


def _least(call: Callable[[Any], Any], given: Iterable[Any]) -> float:
    """Median microseconds of a call in the quietest round, after one that is not counted."""
    rounds, given = [], list(given)
    for _ in range(ROUNDS + 1):
        found = []
        for each in given:
            began = time.thread_time_ns()
            call(each)
            found.append(time.thread_time_ns() - began)
        rounds.append(statistics.median(found) / 1_000)
    return min(rounds[1:])


if __name__ == "__main__":
    main()
