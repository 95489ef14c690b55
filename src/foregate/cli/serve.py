"""`foregate serve`, `foregate config` and `foregate keys`: the service, and what is to be known of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Option

if TYPE_CHECKING:
    from foregate.service.settings import Settings

__all__ = ["ConfigFile", "DataDir", "Database", "config", "keys", "serve", "settings_of"]

PANEL = "Settings"
ConfigFile = Annotated[
    Path | None,
    Option("--config", metavar="FILE", rich_help_panel=PANEL, help="Settings as TOML."),
]
DataDir = Annotated[
    Path | None,
    Option("--data-dir", metavar="DIR", rich_help_panel=PANEL, help="Folder of the database and the models."),
]
Database = Annotated[
    str | None,
    Option("--database", metavar="URL", rich_help_panel=PANEL, help="PostgreSQL instead of SQLite in the data folder."),
]
Host = Annotated[
    str | None, Option("--host", metavar="ADDRESS", rich_help_panel=PANEL, help="Address that is listened on.")
]
Port = Annotated[int | None, Option("--port", metavar="N", rich_help_panel=PANEL, help="Port; 0: any that is free.")]
Action = Annotated[Literal["add", "list", "revoke", "rotate"], Argument(metavar="ACTION", help="What to do.")]
Which = Annotated[str | None, Argument(metavar="NAME", help="Name of the new key; prefix of one that there is.")]
Scopes = Annotated[
    str, Option("--scopes", metavar="A,B,…", help="What it may do: read, forecast, write, train, metrics, admin.")
]
Days = Annotated[float | None, Option("--days", metavar="N", help="How long it is good for; else until it is revoked.")]
Overlap = Annotated[
    float, Option("--overlap", metavar="SECONDS", help="How long the old key stays good where one is rotated.")
]


def serve(
    file: ConfigFile = None,
    data_dir: DataDir = None,
    database: Database = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Run the forecasting service until it is stopped.

    Settings come from the file, then the environment (FOREGATE_SERVE_…), then these options. The first start makes a
    key that may do everything and shows it on standard error; the log goes to standard output, one JSON object a line.

    Example:

        $ foregate serve --data-dir service --port 8000
    """
    settings = settings_of(file, data_dir=data_dir, database=database, host=host, port=port)
    from foregate.service.run import serve as run

    run(settings)


def config(
    file: ConfigFile = None,
    data_dir: DataDir = None,
    database: Database = None,
    host: Host = None,
    port: Port = None,
) -> None:
    """Show the settings that the service would run with, as JSON. Secrets are hidden.

    Example:

        $ foregate config --config service.toml
    """
    settings = settings_of(file, data_dir=data_dir, database=database, host=host, port=port)
    from foregate.cli.screen import print_json
    from foregate.service.configuration import check, shown

    check(settings)
    print_json(shown(settings))


def keys(
    action: Action,
    name: Which = None,
    scopes: Scopes = "read,forecast",
    days: Days = None,
    overlap: Overlap = 3600.0,
    file: ConfigFile = None,
    data_dir: DataDir = None,
    database: Database = None,
) -> None:
    """Make, list, rotate and revoke the keys of a service, whether it runs or not.

    A key is shown once, when it is made. A running service knows of a change within seconds.

    Example:

        $ foregate keys add loader --scopes write,read --days 90
    """
    from foregate.core import UsageError
    from foregate.service.administration import Keys
    from foregate.service.problems import Problem

    with Keys(settings_of(file, data_dir=data_dir, database=database)) as there:
        if action == "list":
            for line in there.table():
                typer.echo(line)
            return
        if name is None:
            raise UsageError(f"foregate keys {action} must be told a name, but got none.")
        try:
            if action == "add":
                typer.echo(there.add(name, tuple(scopes.split(",")), days))
            elif action == "rotate":
                typer.echo(there.rotate(name, overlap))
            else:
                there.revoke(name)
        except Problem as problem:
            raise UsageError(problem.detail) from None


def settings_of(file: Path | None, **flags: object) -> Settings:
    """The settings of a service: from the file, the environment and these options."""
    from foregate.core import MissingExtraError

    try:
        from foregate.service.configuration import read
    except ImportError as error:
        raise MissingExtraError(f"the service ({error.name})", "serve") from None
    return read(file, flags)
