"""`foregate backup`: a copy of a service while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument

from foregate.cli.serve import ConfigFile, Database, DataDir, settings_of

__all__ = ["backup"]


def backup(
    target: Annotated[Path, Argument(metavar="FOLDER", help="A new folder.")],
    file: ConfigFile = None,
    data_dir: DataDir = None,
    database: Database = None,
) -> None:
    """Copy the database and the models of a service into a new folder, whether it runs or not.

    It is as of one moment, checked, and whole or not there at all. To restore it, start a service on the folder. The
    secret that signs tokens is not in it: a new one is made, and tokens have to be asked for again; keys stay good.
    PostgreSQL has programs of its own for this.

    Example:

        $ foregate backup monday --data-dir service
    """
    from foregate.service.administration import copy

    copy(settings_of(file, data_dir=data_dir, database=database), target)
    typer.echo(target)
