"""Pretraining runs as TOML files, and real tables to watch them on."""

from __future__ import annotations

import copy
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foregate.core import ArtifactError, Panel, UsageError
from foregate.data import read, regularize, require_freq
from foregate.evaluation import Contender, Plan, SeasonalNaive, backtest, scoreboard
from foregate.persistence.codec import decode
from foregate.persistence.shipped import SHIPPED, shipped_sizes
from foregate.pipeline.instant import instant
from foregate.pipeline.pretraining import Pretraining, Validation
from foregate.pipeline.recipe import Recipe
from foregate.pipeline.start import Start
from foregate.training.engine import TorchEngine

if TYPE_CHECKING:
    from foregate.forecasting.fitted import Fitted
    from foregate.models.network import Network

__all__ = ["Watched", "read_run", "run_facts"]


def read_run(file: str | Path) -> Pretraining:
    """A run from a TOML file, or that behind weights of the package by their size.

    The file has a table ``[training]`` with `TrainingOptions` (``steps`` at least), and what else `Pretraining` has.

    Raises:
        UsageError: there is no such file, or it says something else; it says what.

    Examples:
        >>> read_run("tiny").layers
        2
    """
    path = SHIPPED / f"{file}.toml" if str(file) in shipped_sizes() else Path(file)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the run must be a TOML file or one of {', '.join(shipped_sizes())}, but got {file}: {error}. "
            "Check the path and what is in it."
        ) from error
    try:
        return decode(Pretraining, document, "the run", f"Mend {path}.")
    except ArtifactError as error:
        raise UsageError(str(error)) from error


def run_facts(run: Pretraining) -> dict[str, Any]:
    """What a run was made of, as JSON can say it; without the tables it was watched on."""
    facts = asdict(run)
    del facts["validation"]
    return facts


@dataclass(frozen=True)
class Watched:
    """A real table, read, and the last horizon of it to be forecast."""

    validation: Validation
    """What was asked for."""
    panel: Panel
    """Regular."""

    @classmethod
    def of(cls, validation: Validation) -> Watched:
        """Read the table.

        Raises:
            DataError: it cannot be read.
        """
        v = validation
        found = read(v.data, id_col=v.id_col, time_col=v.time_col, target_col=v.target_col)
        return cls(validation, regularize(require_freq(found)))

    def mase(self, network: Network, recent: int) -> tuple[float, float]:
        """MASE of a network as it is, and of the seasonal naive forecast, on the last horizon of every series."""
        v = self.validation
        judged = TorchEngine(copy.deepcopy(network).cpu())  # the one in training stays where and as it is
        start = Start(network.spec, judged.weights(), judged, recent, "in training", "")
        recipe = Recipe(v.horizon, v.season_length, effort="instant", recent=recent)

        def made(past: Panel) -> Fitted:
            return instant(recipe, past, start)[0]

        plan = Plan(v.horizon)
        season = plan.season_of(self.panel) if v.season_length is None else max([*v.season_length[:1], 1])
        contenders: dict[str, Contender] = {"LSTM": made, "SeasonalNaive": SeasonalNaive(season)}
        board = scoreboard(backtest(contenders, self.panel, Plan(v.horizon, season=season)))
        return board["LSTM"].overall["mase"], board["SeasonalNaive"].overall["mase"]
