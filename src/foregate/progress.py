"""The one progress line of training, drawn from its events; silent where nobody is looking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["progress_line"]


@contextmanager
def progress_line(*, shown: bool) -> Iterator[Callable[[Any], None] | None]:
    """A function to call after every training step, which redraws one line on standard error; None if not `shown`.

    The line has the steps done, the training loss, the validation score, steps per second and the time left. Nothing is
    drawn when standard error is not a terminal.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not shown or not console.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("training"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("loss {task.fields[loss]}  validation {task.fields[score]}  {task.fields[speed]} steps/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None, loss="–", score="–", speed="–")

        def on_step(event: Any) -> None:
            score = "–" if event.score is None else f"{event.score:.4f}"
            bar.update(
                task,
                completed=event.step,
                total=event.steps,
                loss=f"{event.loss:.4f}",
                score=score,
                speed=f"{event.steps_per_second:.1f}",
            )

        yield on_step
