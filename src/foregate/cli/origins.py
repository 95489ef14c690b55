"""Where held-out origins lie, as options of the command line."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

from typer import Option

__all__ = ["Origins"]

_ORIGINS = "Held-out origins"


@dataclass(frozen=True)
class Origins:
    """Where the held-out origins lie, and what may be known there."""

    scheme: Annotated[
        str,
        Option(
            "--scheme",
            metavar="expanding|rolling|blocked",
            rich_help_panel=_ORIGINS,
            help="What may be known at an origin: all rows before it; the last --train-rows; or those of a block of "
            "its own, which shares no row with others.",
        ),
    ] = "expanding"
    train_rows: Annotated[
        int | None,
        Option("--train-rows", metavar="N", rich_help_panel=_ORIGINS, help="Training rows of every rolling window."),
    ] = None
    gap: Annotated[
        int,
        Option(
            "--gap", metavar="N", rich_help_panel=_ORIGINS, help="Rows between the last known and the first forecast."
        ),
    ] = 0
    step: Annotated[
        int | None,
        Option(
            "--step", metavar="N", rich_help_panel=_ORIGINS, help="Rows between two origins; the horizon if not given."
        ),
    ] = None
    refit: Annotated[
        int | None,
        Option(
            "--refit",
            metavar="N",
            rich_help_panel=_ORIGINS,
            help="Train anew at every N-th origin, 0 for once; if not given once, but in every block.",
        ),
    ] = None
    processes: Annotated[
        int,
        Option("--processes", metavar="N", rich_help_panel=_ORIGINS, help="Trainings at once, each in a process."),
    ] = 1

    def check(self, horizon: int) -> None:
        """Refuse what can be told to be wrong before anything is read."""
        from foregate.core import at_least
        from foregate.evaluation import Plan

        at_least(1, processes=self.processes)
        Plan(horizon, **{name: value for name, value in self.chosen().items() if name != "processes"})

    def chosen(self) -> dict[str, Any]:
        """The arguments of `foregate.backtest`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
