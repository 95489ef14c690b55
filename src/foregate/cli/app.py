"""All verbs under one name."""

from __future__ import annotations

from typing import Annotated

import typer

from foregate.cli.audit import audit
from foregate.cli.backtest import backtest
from foregate.cli.backup import backup
from foregate.cli.demo import demo
from foregate.cli.export import export
from foregate.cli.fit import fit
from foregate.cli.forecast import forecast
from foregate.cli.inspect import inspect
from foregate.cli.predict import predict
from foregate.cli.pretrain import pretrain
from foregate.cli.serve import config, keys, serve
from foregate.cli.simulate import simulate
from foregate.cli.stream import stream
from foregate.cli.streams import with_streams
from foregate.cli.suggest import suggest
from foregate.cli.tune import tune
from foregate.cli.verb import verb
from foregate.cli.worker import worker

__all__ = ["app", "main"]

app = typer.Typer(
    name="foregate",
    help="Forecast time series with LSTMs, end to end.",
    epilog="Start with: foregate demo. Each verb explains itself: foregate forecast --help",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
ON_DATA = (demo, audit, suggest, forecast, fit, predict, simulate, backtest, tune, inspect, stream, export, pretrain)
OF_THE_SERVICE = (serve, worker, config, keys, backup)
for one in (*ON_DATA, *OF_THE_SERVICE):
    app.command(one.__name__)(verb(one))


def _version(value: bool) -> None:
    if value:
        import foregate

        typer.echo(foregate.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", metavar="", is_eager=True, callback=_version, help="Show the version and exit.")
    ] = False,
) -> None:
    """Options before the verb."""


def main() -> None:
    """Run the command line; the exit code is 0, 1 (a problem with data or model), 2 (wrong use) or 130 (Ctrl-C)."""
    with_streams(app)
