"""`foregate simulate`: whole futures, of a model that was saved."""

from __future__ import annotations

from typing import Annotated

from typer import Option

from foregate.cli.options import Output, Reading
from foregate.cli.saved import Saved
from foregate.cli.screen import stage

__all__ = ["simulate"]


def simulate(
    saved: Saved,
    reading: Reading,
    output: Output,
    paths: Annotated[
        int, Option("--paths", metavar="N", rich_help_panel="Forecaster", help="Futures of each series.")
    ] = 100,
    seed: Annotated[
        int, Option("--seed", metavar="N", rich_help_panel="Forecaster", help="Same seed, same futures.")
    ] = 0,
) -> None:
    """Draw whole futures with a saved model, without training.

    A sum over several steps, a highest day or the first time of something is read from these, and not from the
    quantiles of single steps. A row per series, future (sample_id from 0 on) and step; columns go by the names that
    they had in fitting, if no others are given.

    Example:

        $ foregate simulate model newer.csv --paths 200 --seed 1 --out futures.parquet
    """
    from foregate.cli.tables import hand_over
    from foregate.core import at_least

    at_least(1, paths=paths)
    at_least(0, seed=seed)
    model, panel = saved.opened(reading, output)
    stage(output, f"drawing {paths:,} futures of each series")
    frame = model.simulate(panel, n=paths, horizon=saved.horizon, future=saved.future_data, seed=seed)
    hand_over(frame, saved.out, output, notes=saved.notes(panel), facts={"model": str(saved.model)})
