"""`foregate pretrain`: make weights for instant forecasts, from nothing but made-up series."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from foregate.cli.options import Output, Overwrite
from foregate.cli.screen import Page, print_json, stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from foregate.models.network import Network
    from foregate.pipeline.pretraining import Pretraining

__all__ = ["Asked", "pretrain"]

_RUN = "Run"


@dataclass(frozen=True)
class Asked:
    """Which run, and how."""

    config: Annotated[
        str,
        Option(
            "--config", metavar="FILE", rich_help_panel=_RUN, help="TOML file, or the size of weights of the package."
        ),
    ] = "tiny"
    checkpoint: Annotated[
        Path | None,
        Option(
            "--checkpoint",
            metavar="DIR",
            rich_help_panel=_RUN,
            help="Folder for checkpoints; an interrupted run goes on from there, to the same bits.",
        ),
    ] = None
    processes: Annotated[
        int,
        Option("--processes", metavar="N", rich_help_panel=_RUN, help="That draw series, beside the one that learns."),
    ] = 1

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            UsageError: says what.
        """
        from foregate.core import UsageError

        if self.processes < 0:
            raise UsageError(
                f"processes must be 0 or more, but got {self.processes}. Give 1 to make up series beside learning."
            )


def pretrain(
    output: Output,
    out: Annotated[
        Path, Option("--out", metavar="DIR", rich_help_panel="Output", help="Folder for the weights, named after them.")
    ],
    asked: Asked,
    overwrite: Overwrite = False,
) -> None:
    """Train a network on made-up series alone, to forecast any series at once.

    Example:

        $ foregate pretrain --config tiny --checkpoint run --out weights/mine
    """
    from foregate.cli.outputs import check_place
    from foregate.core import require_torch

    require_torch()
    asked.check()
    from foregate.persistence.runs import read_run, run_facts
    from foregate.persistence.shipped import write_shipped
    from foregate.pipeline.pretraining import pretrain
    from foregate.progress import progress_line

    run = read_run(asked.config)
    check_place(out, model=out, overwrite=overwrite)
    began = time.perf_counter()
    on_check = _watching(run, output)
    stage(output, f"training for {run.training.steps:,} steps on series that are made up as they are needed")
    with progress_line(shown=not output.quiet) as callbacks:
        network, result = pretrain(
            run, processes=asked.processes, callbacks=callbacks, on_check=on_check, checkpoint=asked.checkpoint
        )
    facts = {**run_facts(run), "best_step": result.best_step, "held_back_score": result.best_score}
    write_shipped(out, network, facts, recent=run.recent)
    if output.json:
        print_json({"weights": str(out), **facts})
        return
    page = Page()
    size = sum(p.numel() for p in network.parameters())
    page.add("Made", f"{size:,} weights, {result.steps:,} steps in {time.perf_counter() - began:.0f} s")
    page.add("Score", f"{result.best_score:.4f} on held-back series at step {result.best_step:,}")
    page.add("Files", f"{out}/")
    page.show()


def _watching(run: Pretraining, output: Output) -> Callable[[Network, float], None]:
    """Says at every check how the averaged weights forecast held-back series and the tables of the run."""
    from foregate.persistence.runs import Watched

    watched = [Watched.of(each) for each in run.validation]

    def on_check(network: Network, score: float) -> None:
        said: list[Any] = [f"held-back series {score:.4f}"]
        for each in watched:
            own, naive = each.mase(network, run.recent)
            said.append(f"{Path(each.validation.data).name} MASE {own:.3f} (SeasonalNaive {naive:.3f})")
        stage(output, ", ".join(said))

    return on_check
