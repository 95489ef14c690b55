"""What to make, in few words: everything that is not said is decided from the data by the rules in `plan`."""

from __future__ import annotations

from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, Literal, get_args

from foregate.core import UsageError, is_whole, listed
from foregate.data.augment import Augment
from foregate.models.options import ModelOptions
from foregate.models.spec import NetworkSpec
from foregate.training.options import OPTIMIZERS, TrainingOptions

__all__ = ["EFFORTS", "LEVELS", "OF_TRAINING", "Effort", "Recipe"]

Effort = Literal["instant", "fast", "standard", "best"]
EFFORTS: tuple[str, ...] = get_args(Effort)
Beginning = Literal["pretrained", "scratch"]
Combination = Literal["weights", "median"]

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)
"""Probabilities that the network learns; others are interpolated."""
BEST_MEMBERS = 5
"""Networks that effort ``best`` trains: no other trains more where their number is not said."""
_SIZES = ("hidden", "layers", "decoder")
OF_TRAINING = tuple(
    name for name in TrainingOptions.__dataclass_fields__ if name not in ("steps", "rate", "batch", "crop", "seed")
)
"""Names of `Recipe.training`: what a recipe has no field of its own for."""


@dataclass(frozen=True)
class Recipe:
    """How to make a forecaster. Only the horizon has to be said.

    Examples:
        >>> Recipe(horizon=48, season_length=(24, 168)).effort
        'standard'
    """

    horizon: int
    """Steps ahead."""
    season_length: tuple[int, ...] | None = None
    """At most two season lengths in steps, shortest first; () for none; None to find them in the data."""
    effort: Effort = "standard"
    """How long to train: accuracy for time, and nothing else. ``instant``: not at all, and no torch is needed."""
    start: Beginning = "pretrained"
    """What training begins with: the weights that come with the package, or random ones."""
    model: ModelOptions = field(default_factory=ModelOptions)
    """Which network. Any but the usual one is trained from scratch."""
    weights: str | None = None
    """Which of the pretrained weights: ``tiny`` or ``base``; None: decided from the size of the panel."""
    hidden: int | None = None
    """Units of each LSTM layer; None: those of the pretrained weights, or 96 from scratch."""
    layers: int | None = None
    """LSTM layers; None: those of the pretrained weights, or 2 from scratch."""
    decoder: int | None = None
    """Width of the decoder; None: that of the pretrained weights, or 64 from scratch."""
    clock: bool | None = None
    """Whether the network is told the time of the day, the week and the year, where two steps or more make one; None:
    of those that most series have one of, or nearly. Not with effort ``instant``."""
    recent: int = 12
    """Latest values given to the network at each step."""
    steps: int | None = None
    """Training steps at most; None: decided from the size of the panel and the effort."""
    rate: float | None = None
    """Highest learning rate; None: 4e-3 from scratch, and less from pretrained weights."""
    batch: int | None = None
    """Crops per step; None: decided from their length."""
    crop: int | None = None
    """Rows that are read of a crop; None: decided from the season and the horizon."""
    augment: Augment | None = None
    """How much what is trained on is changed from time to time; None for not at all."""
    members: int | None = None
    """Networks that are trained, with seeds of their own, and forecast together; None: 2 of different kinds with effort
    ``standard``, 5 with effort ``best``, else one."""
    combine: Combination = "weights"
    """What several networks say together: the mean, weighted by how each scores on held-out origins, or the median."""
    max_categories: int = 10_000
    """Of each covariate so many of the most frequent categories are told apart; rarer ones are read as unknown."""
    validate: bool = True
    """Hold out the last origins of each series to stop early, to keep the best weights and to calibrate intervals."""
    seed: int = 0
    """Same seed, same data, same machine: same forecaster, to the bit."""
    training: dict[str, Any] = field(default_factory=dict)
    """Further fields of `foregate.training.options.TrainingOptions`, such as ``{"optimizer": "sgd"}``."""

    def __post_init__(self) -> None:
        self._check_kinds()
        self._check_names()
        self._check_seasons()
        self._check_numbers()
        self._check_model()
        self._check_training()
        self._in_python()

    def _check_kinds(self) -> None:
        for name, kind, what, example in (
            ("model", ModelOptions, "ModelOptions", "ModelOptions.parse('gru')"),
            ("training", dict, "a dict from names to values", "{'optimizer': 'sgd'}"),
            ("validate", bool, "True or False", "True"),
            ("clock", bool | None, "True or False, or None to decide from the data", "True"),
        ):
            if not isinstance(getattr(self, name), kind):
                raise UsageError(f"{name} must be {what}, but got {getattr(self, name)!r}. Give for example {example}.")
        if not isinstance(self.augment, Augment | None):
            raise UsageError(
                f"augment must be an Augment, but got {self.augment!r}. Give for example Augment(jitter=0.1)."
            )
        if not isinstance(self.weights, str | None):
            raise UsageError(f"weights must be the name of a size, but got {self.weights!r}. Give for example 'tiny'.")

    def _check_names(self) -> None:
        for name, known in (("effort", Effort), ("start", Beginning), ("combine", Combination)):
            names, value = get_args(known), getattr(self, name)
            if value not in names:
                raise UsageError(f"{name} must be one of {', '.join(names)}, but got {value!r}. Choose one of these.")
        if self.effort == "instant" and self.clock:
            raise UsageError(
                "clock must be None or False for effort='instant', which trains nothing, but got True. Choose "
                "effort='fast', or leave it out."
            )
        if self.effort == "instant" and self.start == "scratch":
            raise UsageError(
                "start must be 'pretrained' for effort='instant', which trains nothing, but got 'scratch'. "
                "Choose effort='fast' to train from scratch."
            )

    def _check_seasons(self) -> None:
        lengths = self.season_length
        if lengths is None:
            return
        if (
            isinstance(lengths, Integral)
            or len(lengths) > 2
            or not all(is_whole(m, 2) for m in lengths)
            or list(lengths) != sorted(set(lengths))
        ):
            raise UsageError(
                f"season_length must be at most two lengths of 2 steps or more, shortest first, but got {lengths}. "
                "Give for example (24, 168), 12, or () for no season."
            )

    def _check_numbers(self) -> None:
        if not is_whole(self.horizon, 1):
            raise UsageError(
                f"horizon must be a whole number of steps from 1 on, but got {self.horizon!r}. Say how far to look."
            )
        if not is_whole(self.seed, 0) or self.seed >= 2**63:
            raise UsageError(
                f"seed must be a whole number from 0 to 2^63 - 1, but got {self.seed!r}. Give for example 0."
            )
        for name in ("recent", "max_categories"):
            if not is_whole(getattr(self, name), 1):
                raise UsageError(f"{name} must be a whole number of at least 1, but got {getattr(self, name)!r}.")
        for name in (*_SIZES, "steps", "batch", "crop", "members"):
            value = getattr(self, name)
            if value is not None and not is_whole(value, 1):
                what = "follow the weights" if name in _SIZES else "decide from the data"
                raise UsageError(f"{name} must be a whole number of at least 1, or None to {what}, but got {value!r}.")
        if self.seed + (self.members or BEST_MEMBERS) > 2**63:  # each member has the seed after the one before
            raise UsageError(
                f"seed must leave room below 2^63 for one seed per member, but got {self.seed} for "
                f"{self.members or f'up to {BEST_MEMBERS}'} members. Give a smaller seed."
            )
        rate = self.rate
        if rate is not None and (isinstance(rate, bool) or not isinstance(rate, Real) or not 0 < rate < 1):
            raise UsageError(f"rate must be between 0 and 1, but got {self.rate!r}. Good values lie around 1e-3.")

    def _check_model(self) -> None:
        if self.effort == "instant" and not self.model.is_pretrained:
            raise UsageError(
                "model must be the usual one for effort='instant', which trains nothing, but got "
                f"{self.model.label!r}. Choose effort='fast'."
            )
        if self.members != 1 and self.model.strategy == "recursive" and (self.members or self.effort == "best"):
            raise UsageError(
                "members must be 1 for a recursive model, whose futures are each its own, but got "
                f"{self.members or 'the 5 of effort best'}. Say members=1."
            )

        hidden, views = self.hidden or NetworkSpec.hidden, self.model.views
        if self.model.attention == "multi-head" and hidden % views:
            raise UsageError(
                f"views must divide the units of a layer (hidden), but got {views} views for {hidden} units. Give for "
                f"example hidden={-(-hidden // views) * views}."
            )

    def _check_training(self) -> None:
        unknown = sorted(str(name) for name in set(self.training) - set(OF_TRAINING))
        if unknown:
            raise UsageError(f"training must have names among {', '.join(OF_TRAINING)}, but got {listed(unknown)}.")
        _require_optimizer(TrainingOptions(1, **self.training))  # all is told now, not after the data was read
        if self.training.get("stateful") and self.augment is not None and self.augment.changes:
            raise UsageError(
                "training must not be stateful where series are changed from time to time, since the state would be of "
                "others, but got both. Leave out stateful or augment."
            )

    def _in_python(self) -> None:
        """Numbers of numpy become Python's, which torch and JSON ask for."""
        for name in ("horizon", "seed", "recent", "max_categories", *_SIZES, "steps", "batch", "crop", "members"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, int(getattr(self, name)))
        if self.rate is not None:
            object.__setattr__(self, "rate", float(self.rate))
        if self.season_length is not None:
            object.__setattr__(self, "season_length", tuple(int(m) for m in self.season_length))


def _require_optimizer(options: TrainingOptions) -> None:
    """Refuse an optimizer that cannot be; torch is loaded only where another than the usual is asked for."""
    if options.optimizer in OPTIMIZERS and not options.optimizer_options:
        return
    try:
        from foregate.training.optimizers import require_optimizer
    except ImportError:  # a fit says that torch is missing
        return
    require_optimizer(options)
