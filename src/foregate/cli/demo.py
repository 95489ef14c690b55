"""`foregate demo`: the main job on real data, without asking for any."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from foregate.cli.options import Effort, Output, Overwrite, Training
from foregate.cli.screen import print_json, stage

if TYPE_CHECKING:
    from foregate.core import Panel

__all__ = ["demo"]

_HORIZON = 52
_LEVELS = (80.0, 95.0)


def demo(
    output: Output,
    out: Annotated[
        Path, Option("--out", metavar="DIR", rich_help_panel="Output", help="Folder for the results.")
    ] = Path("demo"),
    effort: Effort = "standard",
    overwrite: Overwrite = False,
) -> None:
    """Do the main job on real data, the CO2 above Mauna Loa.

    Forecasts a year from the weekly record of 1958 to 2001, of which 59 weeks are missing, as foregate forecast would.
    Takes about a minute, or seconds with --effort instant; what an earlier demo has left is replaced.

    Example:

        $ foregate demo
    """
    from foregate.cli.job import FILES, Job
    from foregate.cli.outputs import check_place
    from foregate.data import co2, read

    model = Training(_HORIZON, effort=effort).forecaster(None, verbose=not output.quiet)
    stage(output, "reading the record that statsmodels ships")
    panel = read(co2())
    model_there = out / "model"
    check_place(out, FILES, model=model_there, overwrite=overwrite or _of_demo(model_there, panel))
    result = Job("CO2 above Mauna Loa", panel, model, _LEVELS).run(lambda text: stage(output, text))
    advice = (
        (
            f"foregate predict {shlex.quote(str(model_there))} --horizon 104 --level 50,90",
            "two years, other intervals",
        ),
        ("foregate forecast DATA --horizon H", "a table of your own: CSV, Parquet, JSON, a database"),
    )
    files = result.write(out, advice)
    if output.json:
        print_json(result.to_dict(out, files))
    else:
        result.show(out, files, advice)


def _of_demo(model: Path, panel: Panel) -> bool:
    """Whether there is a model that was fitted on this very record: then an earlier demo has left it."""
    from foregate.core import ArtifactError
    from foregate.data import regularize
    from foregate.forecaster import load

    try:
        history = load(model, runtime="onnx").panel_
    except ArtifactError:
        return False
    return history.values.tobytes() == regularize(panel).values.tobytes()
