"""`foregate export`: a saved model as graphs that run where nothing of Foregate is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from foregate.cli.options import Output, Overwrite
from foregate.cli.screen import Page, print_json, stage

__all__ = ["export"]


def export(
    model: Annotated[Path, Argument(metavar="MODEL", help="Folder of a model.", show_default=False)],
    out: Annotated[Path, Argument(metavar="OUT", help="Folder for the graphs.", show_default=False)],
    output: Output,
    horizon: Annotated[
        int | None,
        Option("--horizon", metavar="H", rich_help_panel="Forecaster", help="Steps ahead; as fitted if left out."),
    ] = None,
    quantiles: Annotated[
        str | None,
        Option(
            "--quantiles",
            metavar="P,…",
            rich_help_panel="Forecaster",
            help="Probabilities such as 0.1,0.5,0.9; the levels of the model if left out.",
        ),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write a saved model as two ONNX graphs from raw observations, and a manifest that says how to run them.

    step.onnx reads one observation of each series and carries the state on, forecast.onnx says quantiles. ONNX Runtime,
    in any language, is all they need.

    Example:

        $ foregate export model exported --horizon 24 --quantiles 0.1,0.5,0.9
    """
    from foregate.cli.outputs import check_place
    from foregate.forecaster import export as write

    wanted = _probabilities(quantiles)
    check_place(out, names=(), overwrite=overwrite, option="OUT")
    stage(output, f"loading {model}")
    write(model, out, horizon=horizon, quantiles=wanted, overwrite=overwrite)
    files = sorted(path.name for path in out.iterdir())
    if output.json:
        print_json({"model": str(model), "exported": str(out), "files": files})
        return
    page = Page()
    page.add("Files", *(f"{out}/{name}  {(out / name).stat().st_size / 1024:,.0f} KiB" for name in files))
    page.show()


def _probabilities(text: str | None) -> list[float] | None:
    """Numbers between commas.

    Raises:
        UsageError: one is no number.
    """
    from foregate.core import UsageError

    if text is None:
        return None
    try:
        return [float(each) for each in text.split(",")]
    except ValueError:
        raise UsageError(f"--quantiles must be numbers such as 0.1,0.5,0.9, but got {text!r}.") from None
