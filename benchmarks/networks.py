"""What forecasts: the forecaster that is shipped, or another network in its place, such as one in training."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from benchmarks.scores import QUANTILES
from benchmarks.tasks import Task
from foregate import Forecaster
from foregate.core import Forecast, Panel
from foregate.data.inputs import InputSpec
from foregate.forecasting.fitted import Fitted
from foregate.models.spec import NetworkSpec
from foregate.pipeline.calibration import no_calibration
from foregate.pipeline.instant import instant
from foregate.pipeline.plan import plan_window
from foregate.pipeline.prepare import choose_seasons
from foregate.pipeline.recipe import LEVELS, Effort, Recipe
from foregate.pipeline.start import Start

if TYPE_CHECKING:
    from foregate.models.network import Network

__all__ = ["Contender", "Other", "Shipped", "start_of", "start_with"]

MOST_RECENT = 64
TYPICAL = 0.1
"""Spread given to series too short to have one, where intervals are not calibrated."""


class Contender(Protocol):
    """Forecasts panels, at once or after fitting them."""

    def __call__(self, panel: Panel, task: Task, effort: Effort = "instant") -> Forecast:
        """Forecast all series of a panel."""
        ...


class Shipped:
    """Through the public interface, as anyone would; told the seasons of the task, or left to find them."""

    def __init__(self, seed: int = 0, *, told: bool = True) -> None:
        self.seed, self.told = seed, told
        self.facts: dict[str, object] = {"network": "shipped"}

    def __call__(self, panel: Panel, task: Task, effort: Effort = "instant") -> Forecast:
        """Forecast all series of a panel."""
        seasons = task.seasons if self.told else None
        model = Forecaster(task.horizon, season_length=seasons, effort=effort, seed=self.seed, verbose=False).fit(panel)
        self.facts["network"] = model.report_["start"]
        return model.forecast(level=[80])


class Other:
    """Other weights in place of those that are shipped."""

    def __init__(self, start: Start, seed: int = 0, *, told: bool = True, calibrated: bool = True) -> None:
        self.start, self.seed, self.told, self.calibrated = start, seed, told, calibrated
        self.facts: dict[str, object] = {"network": start.label}

    def __call__(self, panel: Panel, task: Task, effort: Effort = "instant") -> Forecast:
        """Forecast all series of a panel."""
        seasons = task.seasons if self.told else None
        recipe = Recipe(task.horizon, seasons, effort, recent=self.start.recent, seed=self.seed)
        return self._made(recipe, panel).forecast(panel, task.horizon, QUANTILES)

    def _made(self, recipe: Recipe, panel: Panel) -> Fitted:
        if recipe.effort != "instant":
            from foregate.pipeline.fit import fit

            return fit(recipe, panel, start=self.start)[0]
        if self.calibrated:
            return instant(recipe, panel, self.start)[0]
        seasons = choose_seasons(recipe, panel)
        spec = self.start.spec(seasons, plan_window(seasons))
        return Fitted(self.start.engine, spec, LEVELS, no_calibration(), recipe.horizon, TYPICAL)


def start_of(path: Path, which: str = "best") -> Start:
    """Weights from a folder of shipped ones, or from a checkpoint of a run: its `best`, `average` or last `network`.

    The shape of a network in training is read off its weights.
    """
    from foregate.persistence.shipped import read_start
    from foregate.training.checkpoints import FILE

    if path.is_dir() and not (path / FILE).exists():
        return read_start(path)
    file = path / FILE if path.is_dir() else path
    if not file.exists():
        sys.exit(f"--weights must name a folder of weights or of a checkpoint, but there is no {file}.")
    return _in_training(file, which)


def _in_training(file: Path, which: str) -> Start:
    from safetensors.torch import load_file

    from foregate.models.network import Network

    weights = {n.removeprefix(f"{which}."): w for n, w in load_file(file).items() if n.startswith(f"{which}.")}
    hidden, n_features = weights["inputs.weight"].shape
    decoder, n_steps = weights["step.weight"].shape
    n_paths = weights["out.weight"].shape[0] - len(LEVELS)
    layers = len({name.split(".")[1] for name in weights if name.startswith("lstms.")})
    shape = NetworkSpec(n_features, n_steps, n_paths, len(LEVELS), hidden, layers, decoder)
    recent = next((r for r in range(1, MOST_RECENT) if InputSpec(recent=r).n_features == n_features), 0)
    here = InputSpec(recent=recent)
    if not recent or (here.n_steps, here.n_profiles) != (n_steps, n_paths):
        sys.exit(
            f"{file} must be of a network with today's inputs, but it reads {n_features} features, {n_steps} per step "
            f"and {n_paths} paths. Train it again, or use the code that it was trained with."
        )
    network = Network(shape)
    network.load_state_dict(weights)
    raw = file.read_bytes()
    run = json.loads(json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])["__metadata__"]["run"])
    step = run["best_step"] if which == "best" else run["step"]
    return start_with(network, recent, str(file.parent), f"{which} at step {step}")


def start_with(network: Network, recent: int, name: str, version: str) -> Start:
    """A network that is in memory, as what to start from."""
    from foregate.training.engine import TorchEngine

    arrays = {each: value.detach().numpy() for each, value in network.state_dict().items()}
    return Start(network.spec, arrays, TorchEngine(network), recent, LEVELS, name, version)
