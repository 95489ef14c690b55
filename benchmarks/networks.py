"""What forecasts: the forecaster that is shipped, or a network in training."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from benchmarks.scores import QUANTILES
from benchmarks.tasks import Task
from foregate.core import Forecast, Panel
from foregate.data.inputs import InputSpec
from foregate.forecasting.fitted import Fitted
from foregate.forecasting.intervals import Calibration
from foregate.models.network import Network, NetworkSpec
from foregate.pipeline.plan import plan_window
from foregate.pipeline.recipe import LEVELS
from foregate.training.checkpoints import FILE
from foregate.training.engine import TorchEngine

__all__ = ["InTraining", "network_of"]

MOST_RECENT = 64
TYPICAL = 0.1
"""Spread given to series too short to have one."""


class InTraining:
    """A network as it is, its intervals not calibrated."""

    def __init__(self, network: Network, recent: int) -> None:
        self.network, self.recent = network, recent

    def __call__(self, panel: Panel, task: Task) -> Forecast:
        """Forecast all series of a panel."""
        spec = InputSpec(task.pair, self.recent, plan_window(task.pair))
        as_is = Calibration(np.ones((1, len(LEVELS))))
        model = Fitted(TorchEngine(self.network), spec, LEVELS, as_is, task.horizon, TYPICAL)
        return model.forecast(panel, task.horizon, QUANTILES)


def network_of(folder: Path, which: str = "best") -> InTraining:
    """The network of a checkpoint of `foregate.training`: `best`, `average` or `network`, its shape read off it."""
    path = folder / FILE if folder.is_dir() else folder
    if not path.exists():
        sys.exit(f"--weights must name a folder with a {FILE}, but there is no {path}.")
    weights = {n.removeprefix(f"{which}."): w for n, w in load_file(path).items() if n.startswith(f"{which}.")}
    hidden, n_features = weights["inputs.weight"].shape
    decoder, n_steps = weights["step.weight"].shape
    n_out = weights["out.weight"].shape[0]
    layers = len({name.split(".")[1] for name in weights if name.startswith("lstms.")})
    spec = NetworkSpec(n_features, n_steps, n_out - len(LEVELS), len(LEVELS), hidden, layers, decoder)
    network = Network(spec)
    network.load_state_dict(weights)
    recents = [r for r in range(1, MOST_RECENT) if InputSpec(recent=r).n_features == n_features]
    here = InputSpec(recent=(recents or [1])[0])
    if not recents or (here.n_steps, here.n_profiles) != (spec.n_steps, spec.n_profiles):
        sys.exit(
            f"{path} must be of a network with today's inputs, but it reads {n_features} features, {spec.n_steps} per "
            f"step and {spec.n_profiles} paths. Train it again, or use the code that it was trained with."
        )
    return InTraining(network, recents[0])


def described(folder: Path) -> dict[str, object]:
    """What a checkpoint says of its run."""
    path = folder / FILE if folder.is_dir() else folder
    raw = path.read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    run = json.loads(header["__metadata__"]["run"])
    return {"step": run["step"], "best_step": run["best_step"], "best_score": run["best_score"]}
