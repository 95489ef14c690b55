"""From the start of a program to its first forecast, and what an installation takes on disk; rows of `benchmarks.live`.

A program of its own each time: it loads a saved model of two layers of 64 that goes on from 1,000 hourly rows, and
forecasts 24 steps, by `Live.forecast` or by `foregate predict`. Time is by the clock, the least of several; memory is
the most that such a program has held. Python's compiled files are there already, as after an installation, and torch
cannot be imported.

The installation is what `foregate` requires of other libraries, and these of others again, and the files of them all in
this environment, without pip.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np
from packaging.requirements import Requirement

from benchmarks.growth import series
from benchmarks.run import ROOT
from foregate import Panel, Recipe
from foregate.forecasting.fitted import Fitted
from foregate.persistence import Artifact, save_model

__all__ = ["installed", "program", "saved", "started"]

TIMES, ROWS = 7, 1_000
WITHOUT = """
import sys
sys.modules["torch"] = None
"""
LIVE = """
import foregate
foregate.load({model!r}, runtime="onnx").live().forecast()
"""
PREDICT = """
from foregate.cli import main
sys.argv = ["foregate", "predict", {model!r}, "--out", {out!r}, "--overwrite", "--quiet"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""
END = """
import time
from benchmarks.process import held
print(time.time(), held())
"""
DRESS = re.compile(r"[-_.]+")


def saved(folder: Path, fitted: Fitted) -> None:
    """Save a model with a history to go on from."""
    history = Panel.from_arrays(list(series(0, 1, ROWS)), ids=["load"], freq="h")
    recipe = Recipe(fitted.horizon, fitted.spec.seasons, hidden=64)
    save_model(folder, Artifact(fitted, recipe, history, {"notes": [], "history": []}))


def program(code: str) -> tuple[float, float]:
    """Seconds until the end of the code in a program of its own, and MiB that it has held at most."""
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    began = time.time()
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT + code + END], env=kept | paths, check=True, stdout=subprocess.PIPE, text=True
    )
    at, memory = map(float, done.stdout.split()[-2:])
    return at - began, memory


def started(fitted: Fitted) -> Iterator[tuple[str, float, float]]:
    """What was started; seconds of the quickest start; MiB of the largest. The first start is not counted."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        saved(folder, fitted)
        for what, code in (("the first forecast of Live", LIVE), ("the end of `foregate predict`", PREDICT)):
            given = code.format(model=str(folder), out=str(Path(place) / "said.csv"))
            found = np.array([program(given) for _ in range(TIMES + 1)])[1:]
            yield what, float(found[:, 0].min()), float(found[:, 1].max())


def installed(*extras: str) -> dict[str, int]:
    """Bytes of every library that `foregate` with these extras brings, by name, and its own.

    Examples:
        >>> {"foregate", "numpy", "onnxruntime"} <= installed().keys()
        True
        >>> "torch" in installed()
        False
    """
    sizes, waiting = {"foregate": _below(ROOT / "src" / "foregate")}, [("foregate", each) for each in ("", *extras)]
    while waiting:
        name, extra = waiting.pop()
        for each in map(Requirement, metadata.requires(name) or ()):
            wanted = each.marker is None or each.marker.evaluate({"extra": extra})
            library = DRESS.sub("-", each.name).lower()
            if wanted and library not in sizes:
                files = metadata.files(library) or ()
                sizes[library] = sum(path.stat().st_size for path in map(_located, files) if path.is_file())
                waiting += [(library, inner) for inner in ("", *each.extras)]
    return sizes


def _located(file: metadata.PackagePath) -> Path:
    return Path(str(file.locate()))


def _below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
