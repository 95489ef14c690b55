"""A model where nothing of Foregate is installed: `foregate export MODEL exported`, then `python examples/portable.py`.

It needs NumPy and ONNX Runtime, and follows `manifest.json` alone: two series are read row by row, one of them with
missing values, and forecast from where they end. `portable.js` does the same in another language.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

State = dict[str, NDArray[Any]]
ROWS, FIRST_DAY = 120, 19_723.0  # the latter is 2024-01-01


class Exported:
    """What `foregate export` wrote."""

    def __init__(self, folder: Path) -> None:
        self.manifest = json.loads((folder / "manifest.json").read_text())
        if self.manifest["version"] > 1:
            raise ValueError("the manifest is newer than this program")
        files = (folder / self.manifest[part]["file"] for part in ("step", "forecast"))
        self.step, self.ahead = (onnxruntime.InferenceSession(file) for file in files)

    def start(self, series: int) -> State:
        """Before the first row."""
        arrays = self.manifest["state"]["arrays"]
        return {each["name"]: np.zeros((series, *each["shape"][1:]), each["type"]) for each in arrays}

    def read(self, state: State, row: int, values: list[float]) -> State:
        """After one more row of each series, NaN where it is missing."""
        days = FIRST_DAY + row * self.manifest["days_per_row"]
        known = {"value": np.array(values, np.float32), "days": np.full(len(values), days)}
        given = {each["name"]: known[each["name"]] for each in self.manifest["step"]["inputs"]}
        arrays = self.manifest["state"]["arrays"]
        after = self.step.run([each["next"] for each in arrays], given | state)
        return {each["name"]: array for each, array in zip(arrays, after, strict=True)}

    def forecast(self, state: State) -> NDArray[np.float64]:
        """Quantiles (series, steps ahead, probabilities)."""
        return self.ahead.run(["quantiles"], {name: state[name] for name in self.manifest["forecast"]["state"]})[0]


def main(folder: str = "exported") -> dict[str, Any]:
    """Read two series, forecast them, and print the first steps of both."""
    model = Exported(Path(folder))
    state = model.start(2)
    for row in range(ROWS):
        value = 100 + 10 * math.sin(2 * math.pi * row / 24) + row % 7
        state = model.read(state, row, [value, math.nan if row % 5 == 3 else value - 100])
    quantiles = model.forecast(state)
    for series, steps in enumerate(quantiles):
        for k, values in enumerate(steps[:3], 1):
            said = zip(model.manifest["quantiles"], values, strict=True)
            print(f"series {series}, step {k}:", " ".join(f"{p:g}: {value:.2f}" for p, value in said))
    return {"quantiles": quantiles, "state": state}


if __name__ == "__main__":
    main(*sys.argv[1:])
