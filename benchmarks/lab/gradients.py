"""How much of a gradient is left a hundred steps back, in networks that have been trained.

Letters: B windows, L steps, H hidden.
"""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import torch

from benchmarks.lab import own as foregates
from benchmarks.lab.data import panel
from benchmarks.lab.learn import Windows, fitted
from benchmarks.lab.network import Textbook
from benchmarks.lab.scale import Scale
from benchmarks.lab.settings import Settings
from foregate.inspection.flow import flow
from foregate.inspection.subject import Part
from foregate.models.cells import Layer, Stack
from foregate.models.network import One
from foregate.training.engine import TorchEngine

__all__ = ["left", "own", "textbook"]

BEYOND = 28
"""Steps of a window beyond the lag that is judged."""


def textbook(settings: dict[str, Any], data: str, scale: Scale, seed: int) -> dict[str, float]:
    """Of the textbook network, with its first weights and with those it has learnt."""
    lag = scale.lengths[0]
    chosen = Settings(**(settings | {"lookback": lag + BEYOND}))
    given = panel(data, scale, seed)
    torch.manual_seed(seed)
    begun = Textbook(chosen, chosen.hidden or scale.hidden, lag + BEYOND, given.horizon)
    trained, windows = fitted(chosen, given, scale, seed)
    found = {"untrained": left(begun, windows, lag), "trained": left(trained, windows, lag)}
    return {name: round(value, 8) for name, value in found.items() if math.isfinite(value)}


def left(network: Textbook, windows: Windows, lag: int) -> float:
    """Norm of the gradient of the mean forecast with respect to the state `lag` steps before the end of the window, by
    that at its end; of an LSTM with respect to its memory. Means over windows at the first origin of each series. No
    number where none is left at the end already, behind units that say nothing but 1 or -1."""
    given = windows.panel
    x, _, _, _ = windows.at(np.arange(len(given.values)), given.trained, 0)
    cell = cast(Layer, Stack.of(network.layers[0]).layers[0]).cell
    state, states = cell.zeros(x), []
    for t in range(x.shape[1]):
        state, _ = cell(x[:, t : t + 1], state)
        state[-1].retain_grad()
        states.append(state)
    network.out(state.h).mean(1).sum().backward()
    then, now = (states[-1 - back][-1].grad for back in (lag, 0))
    end = float(now.double().norm(dim=-1).mean())
    if not end:
        return math.nan
    return 0.0 if then is None else float(then.double().norm(dim=-1).mean()) / end


def own(settings: dict[str, Any], data: str, scale: Scale, seed: int) -> dict[str, float]:
    """Of the last layer of Foregate's network, which has been trained."""
    lag = scale.lengths[0]
    given = panel(data, scale, seed)
    model = foregates.fit(settings, given, scale, seed).fitted_
    network = cast(One, cast(TorchEngine, model.engine).network)
    found = flow(Part("network", network), model, foregates.past(given), given.trained - 1, lag)
    norms = np.nanmean(list(found.states.values())[-1], 0)
    return {"trained": round(float(norms[lag] / norms[0]), 8)}
