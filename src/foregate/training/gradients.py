"""A callback that records how large the gradient of every part of a network is while it is trained. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foregate.core import at_least
from foregate.training.events import Event

if TYPE_CHECKING:
    import polars as pl

__all__ = ["GradientLog"]


class GradientLog:
    """A callback that records the norm of the gradient by part of the network, before it was limited.

    Parts go by the names of torch's modules, such as ``encoder.layers.0`` for the first recurrent layer.

    Args:
        every: so many steps are one record apart.

    Raises:
        UsageError: it is no whole number from 1 on.

    Examples:
        >>> log = GradientLog(every=10)
        >>> log(Event("step", 10, 20, norms=lambda: {"encoder.layers.0": 0.5}))
        >>> log.frame().rows()
        [(0, 10, 'encoder.layers.0', 0.5)]
    """

    def __init__(self, every: int = 10) -> None:
        at_least(1, every=every)
        self.every = every
        self.records: list[tuple[int, int, str, float]] = []
        """Member, step, part and norm."""

    def __call__(self, event: Event) -> None:
        """Record what the event brings; a fit that begins anew begins the record anew."""
        if event.name == "started" and event.member == 0:
            self.records.clear()
        if event.name == "step" and event.norms is not None and (event.step % self.every == 0 or event.step == 1):
            self.records += [(event.member, event.step, part, norm) for part, norm in event.norms().items()]

    def frame(self) -> pl.DataFrame:
        """A row per network, step and part: member, step, part, norm."""
        import polars as pl

        schema = {"member": pl.Int64, "step": pl.Int64, "part": pl.String, "norm": pl.Float64}
        return pl.DataFrame(self.records, schema=schema, orient="row")
