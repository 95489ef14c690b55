"""Someone who runs exported graphs by their manifest alone, with ONNX Runtime."""

import json

import numpy as np
import onnxruntime


class Stranger:
    """Two sessions, and the state of some series."""

    def __init__(self, folder, series=1):
        self.manifest = json.loads((folder / "manifest.json").read_text())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 4
        self.step, self.ahead = (
            onnxruntime.InferenceSession(folder / self.manifest[part]["file"], options) for part in ("step", "forecast")
        )
        self.begin(series)

    def begin(self, series):
        """Forget everything."""
        self.state = {
            each["name"]: np.zeros((series, *each["shape"][1:]), each["type"])
            for each in self.manifest["state"]["arrays"]
        }

    def read(self, value, **others):
        """One row of each series."""
        given = {"value": value, **others}
        inputs = {each["name"]: np.asarray(given[each["name"]], each["type"]) for each in self.inputs("step")}
        arrays = self.manifest["state"]["arrays"]
        kept = {name: self.state[name] for name in self.manifest["step"]["state"]}
        after = self.step.run([each["next"] for each in arrays], inputs | kept)
        self.state = {each["name"]: array for each, array in zip(arrays, after, strict=True)}

    def forecast(self, **known):
        """Quantiles of every series."""
        inputs = {each["name"]: np.asarray(known[each["name"]], each["type"]) for each in self.inputs("forecast")}
        kept = {name: self.state[name] for name in self.manifest["forecast"]["state"]}
        return self.ahead.run(["quantiles"], inputs | kept)[0]

    def inputs(self, part):
        """What a graph is given besides the state."""
        return self.manifest[part]["inputs"]
