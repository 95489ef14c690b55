"""What a stranger must know to run the graphs of a model: their arrays, what these mean, and in which order to go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from foregate.core import Frequency
from foregate.data.clock import days_per_row
from foregate.forecasting.fitted import LEAST_OBSERVATIONS, Fitted
from foregate.persistence.folder import Kind, marks
from foregate.persistence.portable.layout import NEXT, PHASES, SERIES, TAPE, Carry, fields

__all__ = ["AHEAD", "GRAPHS", "STEP", "VERSION", "manifest", "meanings", "observed"]

STEP, AHEAD = "step.onnx", "forecast.onnx"
GRAPHS = Kind("an exported model", "manifest.json", "foregate graphs")
VERSION = 1
"""Of what the manifest says; a reader must refuse a greater one."""
LOOP = (
    "state: an array of zeros for each entry of state.arrays, with the number of series for B",
    "for each row of the grid of times, from the first on, oldest first:",
    "    inputs = {value: the observation of each series, or NaN where there is none} + days if listed + state",
    "    outputs = run(step.onnx, inputs)",
    "    state = for each entry of state.arrays: outputs[entry.next]",
    "at any time: quantiles = run(forecast.onnx, the arrays of state that it lists as inputs).quantiles",
)
"""How the graphs are run."""
RULES = (
    "Rows lie one step apart. A row that is missing is not left out: it is a step with the value NaN.",
    "Series do not feel one another: rows of B may be added, dropped, copied and kept between steps; new ones are zeros.",
    "Values are finite numbers in the units of the data; forecasts have the same units.",
    "What comes before the first observation of a series changes nothing; before it, forecasts are 0 and mean nothing.",
    f"A series of fewer than {LEAST_OBSERVATIONS} observations is forecast by its last value.",
    "The same row must not be given twice; to correct one, go on from a state that was kept before it.",
)
"""What holds for the inputs."""
SHAPES = "Each list of lengths begins with B, the number of series, which may differ from call to call."
TIME = (
    "Days since 1970-01-01 00:00 of the row's time, by the clock that the model was fitted on, with its fraction: those "
    "of the first row, and from there on {step!r} more each row."
)
WORKING = (
    " Of working days: 1.4 times the number of Mondays to Fridays from 1969-12-29 to before that day, minus 3, so that "
    "a week has seven."
)


def observed(fitted: Fitted, freq: Frequency) -> dict[str, Carry]:
    """What the graph of a step takes besides the state."""
    given = {"value": Carry("float32", (), "The observation of each series; NaN where it is missing.")}
    if fitted.spec.clock:
        said = TIME.format(step=fitted.spec.clock.step) + (WORKING if freq.unit == "B" else "")
        given["days"] = Carry("float64", (), said)
    return given


def said_ahead(horizon: int, quantiles: Sequence[float]) -> Carry:
    """What the graph of a forecast gives."""
    meaning = "Of each series and step ahead, the quantiles at the probabilities that `quantiles` lists, ascending."
    return Carry("float64", (horizon, len(quantiles)), meaning)


def meanings(ports: Mapping[str, Carry]) -> dict[str, str]:
    """What each array is, those of the next state too."""
    said = {name: each.meaning for name, each in ports.items()}
    return said | {NEXT + name: f"`{name}` after the row." for name in said}


def manifest(
    fitted: Fitted,
    freq: Frequency,
    state: Mapping[str, Carry],
    ahead: tuple[int, tuple[float, ...]],
    files: Mapping[str, bytes],
) -> dict[str, Any]:
    """The document, which JSON can say.

    Args:
        fitted: the model.
        freq: the step between rows.
        state: the arrays that are carried.
        ahead: K steps, and the probabilities of quantiles.
        files: the graphs, by their names.
    """
    horizon, quantiles = ahead
    spec = fitted.spec
    return {
        "format": GRAPHS.format,
        "version": VERSION,
        "foregate": metadata.version("foregate"),
        "name": fitted.name,
        "frequency": freq.alias,
        "days_per_row": days_per_row(freq),
        "seasons": [m for m in spec.seasons if m > 1],
        "horizon": horizon,
        "quantiles": list(quantiles),
        "shapes": SHAPES,
        "loop": list(LOOP),
        "rules": list(RULES),
        "step": {
            "file": STEP,
            "inputs": _listed(observed(fitted, freq)),
            "outputs": [],
            "state": "all of state.arrays in, and all of them out by the names of `next`",
        },
        "forecast": {
            "file": AHEAD,
            "inputs": [],
            "outputs": _listed({"quantiles": said_ahead(horizon, quantiles)}),
            "state": [name for name in state if name != "hidden"],
        },
        "state": {
            "initial": 0,
            "arrays": [one | {"next": NEXT + one["name"]} | _columns(one["name"]) for one in _listed(state)],
        },
        "files": marks(files),
    }


def _listed(arrays: Mapping[str, Carry]) -> list[dict[str, Any]]:
    return [
        {"name": name, "type": each.dtype, "shape": ["B", *each.shape], "meaning": each.meaning}
        for name, each in arrays.items()
    ]


def _columns(name: str) -> dict[str, Any]:
    """What the entries of an array of the state are, for the curious: nobody needs to look into it."""
    known: dict[str, Any] = {
        "series": list(SERIES),
        "statistics": {field: [where.start, where.stop] for field, where in fields().items()},
        "tape": list(TAPE),
        "phases": list(PHASES),
    }
    return {"entries": known[name]} if name in known else {}
