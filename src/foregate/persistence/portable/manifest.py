"""What a stranger must know to run the graphs of a model: their arrays, what these mean, and what to do when."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from foregate.core import Frequency
from foregate.data.clock import days_per_row
from foregate.forecasting.fitted import LEAST_OBSERVATIONS
from foregate.persistence.folder import Kind, marks
from foregate.persistence.portable.covariates import Named, ahead_ports
from foregate.persistence.portable.graphs import Portable
from foregate.persistence.portable.layout import NEXT, PHASES, SERIES, TAPE, Carry, fields

__all__ = ["AHEAD", "GRAPHS", "STEP", "VERSION", "manifest", "meanings", "rendered", "said_ahead", "time_of"]

STEP, AHEAD = "step.onnx", "forecast.onnx"
GRAPHS = Kind("an exported model", "manifest.json", "foregate graphs")
LINE = 120
"""Characters that a line of the manifest may have."""
EMPTY: Mapping[str, Named] = {}
VERSION = 1
"""Of what the manifest says; a reader must refuse a greater one."""
LOOP = (
    "state[each.name] = zeros(each.shape, each.type) for each of state.arrays, with the number of series for B",
    "for each row of time, oldest first, without leaving any out:",
    "    out = run(step.onnx, step.inputs of that row, and state[name] for name of step.state)",
    "    state[each.name] = out[each.next] for each of state.arrays",
    "whenever a forecast is wanted:",
    "    quantiles = run(forecast.onnx, forecast.inputs if any, and state[name] for name of forecast.state)",
)
"""How the graphs are run."""
RULES = (
    "Rows lie one step apart. A row that is missing is not left out: it is a step with the value NaN.",
    "Series do not feel one another: they may be added (as zeros), dropped, copied and put aside between two steps.",
    "Values are finite numbers in the units of the data; forecasts have the same units.",
    "What comes before the first observation of a series changes no forecast; until then forecasts mean nothing.",
    f"A series of fewer than {LEAST_OBSERVATIONS} observations is forecast by its last value.",
    "The same row must not be given twice; to correct one, go on from a state that was kept before it.",
)
"""What holds for the inputs."""
SHAPES = "Each list of lengths begins with B, the number of series, which may differ from call to call."
TIME = (
    "Days since 1970-01-01 00:00 of the row's time, with their fraction, by the clock that the model was fitted on: of "
    "the first row, and from there on {step!r} more each row."
)
WORKING = (
    " Of working days: 1.4 times the number of Mondays to Fridays from 1969-12-29 to before that day, minus 3, so that "
    "a week has seven."
)


def time_of(portable: Portable, freq: Frequency) -> str:
    """How the time is told to a step."""
    return TIME.format(step=portable.spec.clock.step) + (WORKING if freq.unit == "B" else "")


def said_ahead(horizon: int, quantiles: Sequence[float]) -> Carry:
    """What the graph of a forecast gives."""
    meaning = "Of each series and step ahead, the quantiles at the probabilities that `quantiles` lists, ascending."
    return Carry("float64", (horizon, len(quantiles)), meaning)


def meanings(ports: Mapping[str, Carry]) -> dict[str, str]:
    """What each array is, those of the next state too."""
    said = {name: each.meaning for name, each in ports.items()}
    return said | {NEXT + name: f"`{name}` after the row." for name in said}


def manifest(
    portable: Portable, freq: Frequency, ahead: tuple[int, tuple[float, ...]], files: Mapping[str, bytes]
) -> dict[str, Any]:
    """The document, which JSON can say.

    Args:
        portable: the model.
        freq: the step between rows.
        ahead: K steps, and the probabilities of quantiles.
        files: the graphs, by their names.
    """
    horizon, quantiles = ahead
    known = {each.port: each for each in portable.covariates}
    return {
        "format": GRAPHS.format,
        "version": VERSION,
        "foregate": metadata.version("foregate"),
        "name": portable.fitted.name,
        "frequency": freq.alias,
        "days_per_row": days_per_row(freq),
        "seasons": [m for m in portable.spec.seasons if m > 1],
        "horizon": horizon,
        "quantiles": list(quantiles),
        "shapes": SHAPES,
        "loop": list(LOOP),
        "rules": list(RULES),
        "step": {
            "file": STEP,
            "inputs": _listed(portable.row(time_of(portable, freq)), known),
            "state": list(portable.state),
        },
        "forecast": {
            "file": AHEAD,
            "inputs": _listed(ahead_ports(portable.covariates, horizon), known),
            "state": list(portable.kept()),
            "outputs": _listed({"quantiles": said_ahead(horizon, quantiles)}),
        },
        "state": {
            "initial": 0,
            "arrays": [one | {"next": NEXT + one["name"]} | _entries(one["name"]) for one in _listed(portable.state)],
        },
        "files": marks(files),
    }


def rendered(document: Any, depth: int = 0) -> str:
    """JSON for people: what fits on a line stands on one.

    Examples:
        >>> print(rendered({"a": [1, 2], "b": {}}))
        {"a": [1, 2], "b": {}}
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    if len(text) + 2 * depth <= LINE or not isinstance(document, (dict, list)):
        return text
    before = "  " * (depth + 1)
    if isinstance(document, dict):
        inner = [f"{json.dumps(name)}: {rendered(value, depth + 1)}" for name, value in document.items()]
    else:
        inner = [rendered(value, depth + 1) for value in document]
    lines = ",\n".join(before + each for each in inner)
    open_, close = "{}" if isinstance(document, dict) else "[]"
    return f"{open_}\n{lines}\n{'  ' * depth}{close}"


def _listed(arrays: Mapping[str, Carry], covariates: Mapping[str, Named] = EMPTY) -> list[dict[str, Any]]:
    """Arrays, and of covariates what they are called and their categories."""
    listed = []
    for name, each in arrays.items():
        said = {"name": name, "type": each.dtype, "shape": ["B", *each.shape], "meaning": each.meaning}
        if name in covariates:
            column = covariates[name].column
            said |= {"covariate": column.name, "role": column.role}
            said |= {"categories": list(column.categories)} if column.categories else {}
        listed.append(said)
    return listed


def _entries(name: str) -> dict[str, Any]:
    """What the entries of an array of the state are, for the curious: nobody needs to look into it."""
    known: dict[str, Any] = {
        "series": list(SERIES),
        "statistics": {field: [where.start, where.stop] for field, where in fields().items()},
        "tape": list(TAPE),
        "phases": list(PHASES),
    }
    return {"entries": known[name]} if name in known else {}
