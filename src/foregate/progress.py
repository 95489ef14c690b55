"""The one progress line of training, drawn from its events; silent where nobody is looking."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from foregate.core.processes import leads

if TYPE_CHECKING:
    from foregate.training.events import Callback, Event

__all__ = ["progress_line"]


@contextmanager
def progress_line(*, shown: bool) -> Iterator[tuple[Callback, ...]]:
    """Callbacks of training that redraw one line on standard error after every step; none if not `shown`.

    The line has which network it is of several, the steps done, the training loss, the validation score, steps per
    second and the time left. Nothing is drawn when standard error is not a terminal, or by other processes than the
    first that `torchrun` has started.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not shown or not console.is_terminal or not leads():
        yield ()
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("training{task.fields[network]}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}  validation {task.fields[score]}  {task.fields[speed]} steps/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, network="", loss="–", score="–", speed="–")

        def redraw(event: Event) -> None:
            if event.name != "step":
                return
            score = "–" if event.score is None else f"{event.score:.4f}"
            bar.update(
                task,
                completed=event.step,
                total=event.steps,
                network=f" network {event.member + 1} of {event.members}" if event.members > 1 else "",
                loss=f"{event.loss:.4f}",
                score=score,
                speed=f"{event.steps_per_second:.1f}",
            )

        yield (redraw,)
