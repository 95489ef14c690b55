"""How to train: plain numbers, saved with the model. No torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Literal, get_args

from foregate.core import UsageError, at_least, listed

__all__ = ["OPTIMIZERS", "SCHEDULE_OPTIONS", "Arithmetic", "Keep", "Precision", "Schedule", "TrainingOptions"]

Arithmetic = Literal["float32", "bfloat16"]
Precision = Literal["auto", "float32", "bfloat16"]
Schedule = Literal["cosine", "constant", "step", "one-cycle", "plateau"]
Keep = Literal["best", "last"]

OPTIMIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "adamw": ("AdamW", {"fused": True}),
    "adam": ("Adam", {"fused": True}),
    "sgd": ("SGD", {"momentum": 0.9}),
}
"""Short name -> class of `torch.optim` and what it is told unless the options say otherwise."""
SCHEDULE_OPTIONS: dict[Schedule, dict[str, float]] = {
    "cosine": {"last": 1e-3},
    "constant": {},
    "step": {"every": 0.3, "factor": 0.1},
    "one-cycle": {"first": 1 / 25, "last": 1 / 250_000},
    "plateau": {"factor": 0.5, "wait": 2},
}
"""What each schedule can be told, and what it is told otherwise; see `foregate.training.schedules`."""
STEEPEST = 4
"""Relative scales to a higher power would leave some origins no weight at all, in float32."""


@dataclass(frozen=True)
class TrainingOptions:
    """Settings of one training run.

    Examples:
        >>> TrainingOptions(steps=100, optimizer="sgd", schedule="step", schedule_options={"every": 0.25}).check_every
        5
    """

    steps: int
    """Optimizer steps at most; the learning rate is planned over all of them."""
    batch: int = 48
    """Crops per step, over all processes together."""
    crop: int = 336
    """Rows that the encoder reads of one crop."""
    origins: int = 24
    """Forecast origins per crop that a loss is taken at."""
    stateful: bool = False
    """Read every series from its beginning, crop after crop, and carry the state on between, instead of crops from
    anywhere that begin with nothing; see `foregate.training.streams`."""
    every_step: bool = False
    """Train all steps ahead at a time, as a network must that writes them one after the other; of longer horizons some
    random ones otherwise."""
    rate: float = 4e-3
    """Highest learning rate; `schedule` says what it is at each step."""
    decay: float = 1e-4
    """Weight decay, as the optimizer has it: apart from the gradient in ``adamw``, added to it in ``adam``, ``sgd``."""
    clip: float = 0.5
    """The norm of the gradient is limited to this; 0 for no limit."""
    averaging: float = 0.98
    """The weights that are used are an exponential average with this memory per step; 0 for the weights themselves."""
    scale_power: float = 0.5
    """Weight of an origin: its relative scale to this power. 1 minimises relative errors (as sMAPE does), 0 errors in
    units of each series' own change (as MASE does)."""
    patience: int = 6
    """Stop when this many checks in a row bring no better validation score; as many as `checks` never stops early."""
    checks: int = 20
    """Validation checks over the whole run."""
    precision: Precision = "auto"
    """Of the encoder's arithmetic; weights, the decoder and all forecasts stay float32. ``auto``: bfloat16 where that
    is quicker, twice for LSTMs on processors that multiply matrices of it (AMX); see `foregate.training.precision`."""
    device: str = "cpu"
    """Where to train, by torch's name. Of several processes on a machine each takes its own where this is ``cuda``."""
    seed: int = 0
    """All randomness of the run comes from this number."""
    optimizer: str = "adamw"
    """``adamw``, ``adam``, ``sgd`` (with a momentum of 0.9), or the name of a class of ``torch.optim``."""
    optimizer_options: dict[str, Any] = field(default_factory=dict)
    """Its further arguments by torch's names, such as ``{"betas": (0.9, 0.99)}``: numbers, texts, or tuples of them."""
    l1: float = 0.0
    """The sum of the absolute weights, times this, is added to what is minimised: of matrices only, not of biases. The
    loss that is reported is without it."""
    schedule: Schedule = "cosine"
    """How the learning rate goes after the warm-up: ``cosine`` falls to nearly nothing, ``constant`` stays, ``step``
    falls at once now and then, ``one-cycle`` rises and falls along cosines, ``plateau`` falls when checks bring nothing
    better."""
    schedule_options: dict[str, float] = field(default_factory=dict)
    """What the schedule can be told, see `SCHEDULE_OPTIONS`: ``last`` and ``first`` rates as shares of the highest,
    ``every`` how many shares of the steps it falls by ``factor``, ``wait`` for so many checks in a row."""
    warm_up: float = 0.1
    """Share of the steps over which the rate rises: in a straight line, or along a cosine where it is ``one-cycle``."""
    clip_value: float = 0.0
    """Every number of the gradient is limited to between minus this and this, before its norm is; 0 for no limit."""
    keep: Keep = "best"
    """The weights that are left in the network: those of the ``best`` check, or the ``last`` ones."""

    def __post_init__(self) -> None:
        at_least(
            1, **{name: getattr(self, name) for name in ("steps", "batch", "crop", "origins", "checks", "patience")}
        )
        at_least(0, seed=self.seed)
        for name in ("rate", "decay", "clip", "averaging", "scale_power", "l1", "warm_up", "clip_value"):
            _require_number(name, getattr(self, name))
        for name in ("stateful", "every_step"):
            if not isinstance(getattr(self, name), bool):
                raise UsageError(f"{name} must be True or False, but got {getattr(self, name)!r}. Give one of these.")
        for name in ("optimizer", "device"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name):
                raise UsageError(f"{name} must be a name, but got {getattr(self, name)!r}.")
        for name in ("optimizer_options", "schedule_options"):
            if not isinstance(getattr(self, name), dict):
                raise UsageError(f"{name} must be a dict from names to values, but got {getattr(self, name)!r}.")
        for name, choices in (("schedule", Schedule), ("keep", Keep), ("precision", Precision)):
            if getattr(self, name) not in get_args(choices):
                known = " or ".join(get_args(choices))
                raise UsageError(f"{name} must be {known}, but got {getattr(self, name)!r}. Choose one of these.")
        if not 0 < self.rate < 1:
            raise UsageError(f"rate must be between 0 and 1, but got {self.rate}. Good values lie around 1e-3.")
        for name in ("averaging", "warm_up"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name} must be from 0 up to, not including, 1, but got {getattr(self, name)}.")
        for name in ("decay", "clip", "clip_value", "l1"):
            if not 0 <= getattr(self, name) < math.inf:
                raise UsageError(f"{name} must be 0 or more, but got {getattr(self, name)}. Give 0 to do without it.")
        if not -STEEPEST <= self.scale_power <= STEEPEST:
            raise UsageError(
                f"scale_power must be from {-STEEPEST} to {STEEPEST}, but got {self.scale_power}. Give 0, 0.5 or 1."
            )
        self._check_schedule()
        self._check_optimizer()

    def _check_schedule(self) -> None:
        usual = SCHEDULE_OPTIONS[self.schedule]
        unknown = sorted(set(self.schedule_options) - set(usual))
        if unknown:
            known = f"among {', '.join(usual)}" if usual else "empty"
            raise UsageError(
                f"schedule_options must be {known} for schedule={self.schedule!r}, but got {listed(unknown)}."
            )
        for name, number in self.of_schedule.items():
            _require_number(f"{name} of the schedule", number)
            if name != "wait" and not 0 < number <= 1:
                raise UsageError(f"{name} of the schedule must be above 0 and at most 1, but got {number}.")
        wait = self.of_schedule.get("wait", 1)
        if wait < 1 or wait != int(wait):
            raise UsageError(f"wait of the schedule must be a whole number of checks from 1 on, but got {wait}.")
        if self.schedule == "plateau" and wait >= self.patience:
            raise UsageError(
                f"wait of the schedule must be less than the patience of {self.patience} checks, after which the run "
                f"stops, but got {wait}. Give a longer patience."
            )

    def _check_optimizer(self) -> None:
        own = {"params": "", "lr": " Give rate instead.", "weight_decay": " Give decay instead."}
        for name, value in self.optimizer_options.items():
            if name in own:
                raise UsageError(f"optimizer_options must not name {name}, but got {value!r}.{own[name]}")
            parts = value if isinstance(value, (tuple, list)) else [value]
            if not all(part is None or isinstance(part, (bool, int, float, str)) for part in parts):
                raise UsageError(
                    f"optimizer_options must hold numbers, texts, or tuples of them, but got {value!r} for {name}."
                )
        # JSON has no tuples: what comes back from it shall be equal to what went there.
        plain = {name: tuple(v) if isinstance(v, list) else v for name, v in self.optimizer_options.items()}
        object.__setattr__(self, "optimizer_options", plain)

    @property
    def check_every(self) -> int:
        """Steps between two validation checks."""
        return max(1, self.steps // self.checks)

    @property
    def of_schedule(self) -> dict[str, float]:
        """Everything the schedule is told."""
        return SCHEDULE_OPTIONS[self.schedule] | self.schedule_options


def _require_number(name: str, number: object) -> None:
    if isinstance(number, bool) or not isinstance(number, Real):
        raise UsageError(f"{name} must be a number, but got {number!r}.")
