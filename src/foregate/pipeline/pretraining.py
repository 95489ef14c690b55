"""Training on made-up series only, so that a network forecasts series it has never seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from foregate.core import UsageError, at_least, listed
from foregate.data.inputs import InputSpec
from foregate.data.synthetic import KINDS, Kind
from foregate.models.network import Network
from foregate.models.spec import NetworkSpec
from foregate.pipeline.fit import new_network
from foregate.pipeline.judge import batch_score
from foregate.pipeline.recipe import Recipe
from foregate.pipeline.synthetic_crops import SyntheticCrops
from foregate.training.ahead import drawn_ahead
from foregate.training.engine import require_device
from foregate.training.events import Callback
from foregate.training.loop import train
from foregate.training.options import TrainingOptions
from foregate.training.result import TrainingResult

__all__ = ["Pretraining", "Validation", "pretrain"]

HELD_BACK_BATCHES = 4
"""Validation batches per kind of series, drawn with another seed."""


@dataclass(frozen=True)
class Validation:
    """A real table whose last horizon is forecast at every check, to be looked at; nothing is chosen by it."""

    data: str
    """Whatever `foregate.read` takes."""
    horizon: int
    """Steps that are held back and forecast."""
    season_length: tuple[int, ...] | None = None
    """See `Recipe.season_length`."""
    id_col: str | None = None
    """Column that names the series; this one and the next two are inferred where they are not given."""
    time_col: str | None = None
    """Column of times."""
    target_col: str | None = None
    """Column of the numbers to forecast."""

    def __post_init__(self) -> None:
        Recipe(self.horizon, self.season_length)


@dataclass(frozen=True)
class Pretraining:
    """A pretraining run: all that its weights follow from, on the same machine to the bit.

    Examples:
        >>> run = Pretraining(TrainingOptions(steps=100), kinds={"yearly": 1, "monthly": 3})
        >>> [(kind.name, kind.weight) for kind in run.drawn()]
        [('yearly', 1.0), ('monthly', 3.0)]
    """

    training: TrainingOptions
    """Of the run; `batch` is the most series of a step, `crop` the rows read of one, about."""
    hidden: int = NetworkSpec.hidden
    """Units of each LSTM layer."""
    layers: int = 2
    """LSTM layers."""
    decoder: int = NetworkSpec.decoder
    """Width of the decoder."""
    recent: int = InputSpec.recent
    """Latest values given to the network at each step."""
    kinds: dict[str, float] = field(default_factory=dict)
    """Which kinds of series are drawn how often, by name; empty for all of `foregate.data.synthetic.KINDS`."""
    validation: tuple[Validation, ...] = ()
    """Real tables to watch."""

    def __post_init__(self) -> None:
        at_least(1, hidden=self.hidden, layers=self.layers, decoder=self.decoder, recent=self.recent)
        known = [kind.name for kind in KINDS]
        unknown = sorted(set(self.kinds) - set(known))
        if unknown:
            raise UsageError(f"kinds must be among {', '.join(known)}, but got {listed(unknown)}. Use these names.")
        if self.kinds and not (min(self.kinds.values()) >= 0 and sum(self.kinds.values()) > 0):
            raise UsageError(f"kinds must have weights of 0 or more, not all 0, but got {dict(self.kinds)}.")

    def drawn(self) -> tuple[Kind, ...]:
        """What series are drawn from."""
        if not self.kinds:
            return KINDS
        return tuple(replace(k, weight=float(self.kinds[k.name])) for k in KINDS if self.kinds.get(k.name))

    def network(self) -> Network:
        """With its first weights, which follow from the seed."""
        recipe = Recipe(
            1, hidden=self.hidden, layers=self.layers, decoder=self.decoder, recent=self.recent, seed=self.training.seed
        )
        return new_network(recipe, InputSpec(recent=self.recent))


def pretrain(
    run: Pretraining,
    *,
    processes: int = 0,
    callbacks: Sequence[Callback] = (),
    on_check: Callable[[Network, float], None] | None = None,
    checkpoint: Path | None = None,
) -> tuple[Network, TrainingResult]:
    """Train a network without covariates on made-up series alone.

    Args:
        run: what to make; it does not stop early if `patience` is at least `checks`.
        processes: that draw batches ahead, beside this one; the result is the same for any number.
        callbacks: told of every event, see `foregate.training.events`.
        on_check: given the averaged weights and their held-back score at every check.
        checkpoint: folder to write checkpoints to, and to go on from, to the same bits.

    Returns:
        The network with the averaged weights of the best check on held-back series, and how training went.

    Raises:
        ArtifactError: the checkpoint is damaged, or of another run.
        ModelError: the loss is no longer a number.
        UsageError: there is no such device here.
    """
    options = run.training
    require_device(options.device)
    crops = SyntheticCrops(options, run.recent, run.drawn())
    network = run.network()
    held_back = replace(crops, options=replace(options, seed=options.seed + 1))
    batches = [
        held_back.batch_of(kind, np.random.default_rng([held_back.options.seed, i, j]), j)
        for i, kind in enumerate(crops.kinds)
        for j in range(HELD_BACK_BATCHES)
    ]

    def score(judged: Network) -> float:
        value = float(np.mean([batch_score(judged, batch) for batch in batches]))
        if on_check is not None:
            on_check(judged, value)
        return value

    with drawn_ahead(crops, processes) as source:
        result = train(network, source, score=score, callbacks=callbacks, checkpoint=checkpoint)
    return network.cpu(), result
