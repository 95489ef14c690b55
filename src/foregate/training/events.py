"""What training tells while it runs: named events, handed to plain functions. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from foregate.training.result import Record

__all__ = ["Callback", "Event", "EventName", "numbered"]

EventName = Literal["started", "step", "checked", "improved", "stopped", "finished"]


@dataclass(frozen=True)
class Event:
    """Something that happened in training.

    In this order: ``started`` once, at the step that a run begins or goes on at; ``step`` after every step; after one
    with a validation check ``checked`` too, and ``improved`` if its score is the best so far; ``stopped`` if the run
    ends because checks brought nothing better; ``finished`` once, when the chosen weights are in the network.
    """

    name: EventName
    """What happened."""
    step: int
    """Steps done."""
    steps: int
    """Steps at most."""
    loss: float | None = None
    """Training loss of the latest step; None before the first one of this process."""
    score: float | None = None
    """Latest validation score, lower is better; None before the first check or without validation."""
    rate: float | None = None
    """Learning rate of the latest step; None like `loss`."""
    gradient_norm: float | None = None
    """Norm of the gradient of the latest step, before it was limited; None like `loss`."""
    steps_per_second: float = 0.0
    """Speed so far."""
    history: tuple[Record, ...] = ()
    """A record per check so far, those before an interruption too."""
    member: int = 0
    """Which network of a forecaster is trained, from 0 on; each has a run of its own, one after the other."""
    members: int = 1
    """How many there are."""
    norms: Callable[[], Mapping[str, float]] | None = None
    """Asked while the event is told: norms of the gradient of the latest step by part of the network, before it was
    limited; None like `loss`. It costs nothing where nobody asks."""


Callback = Callable[[Event], None]
"""Told of every event. What it raises ends the run and goes on outwards; a checkpoint of the step, if it has one, is
already written, so that the run can be taken up from there."""


def numbered(callbacks: Sequence[Callback], member: int, members: int) -> tuple[Callback, ...]:
    """Callbacks of a run that is one of several: they are told which one it is.

    Examples:
        >>> told = []
        >>> (callback,) = numbered([told.append], 1, 5)
        >>> callback(Event("started", 0, 20))
        >>> told[0].member, told[0].members
        (1, 5)
    """

    def telling(callback: Callback) -> Callback:
        return lambda event: callback(replace(event, member=member, members=members))

    return tuple(map(telling, callbacks))
