"""`foregate worker`: trains what the service asks for, in a process of its own."""

from __future__ import annotations

from typing import Annotated

import typer
from typer import Option

from foregate.cli.serve import ConfigFile, Database, DataDir, settings_of

__all__ = ["worker"]


def worker(
    file: ConfigFile = None,
    data_dir: DataDir = None,
    database: Database = None,
    once: Annotated[
        bool, Option("--once", metavar="", help="End when no job waits, instead of waiting for the next.")
    ] = False,
) -> None:
    """Train models for a service until it is stopped: jobs are done one by one, at a low priority.

    It needs the settings of the service, and with SQLite its data folder. A job whose worker was stopped or killed is
    taken up by the next one, from the last checkpoint in the data folder, to the same result.

    Example:

        $ foregate worker --data-dir service
    """
    settings = settings_of(file, data_dir=data_dir, database=database)
    from foregate.service.jobs.process import work

    work(settings, lambda line: typer.echo(line, err=True), once=once)
