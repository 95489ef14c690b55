"""A slow, obvious live forecaster: a list of rows per series, and a batch forecast of all of them."""

import numpy as np

from foregate.core import Covariate, Panel


class Slow:
    """Knows what every row of every series is, and reads all of them whenever it is asked.

    Rows are dictionaries of a value, NaN for a missing one, and covariates in the coding of the model's categories.
    """

    def __init__(self, model):
        self.model, self.rows, self.ahead, self.static = model, {}, {}, {}

    def update(self, name, step, value, timed=None, static=None):
        """The row `step` of a series is this; steps that are left out are missing."""
        rows = self.rows.setdefault(name, [])
        if static is not None:
            self.static.setdefault(name, static)
        while len(rows) <= step:
            rows.append((np.nan, self.ahead.get((name, len(rows)), {})))
        rows[step] = value, timed or {}

    def announce(self, name, step, timed):
        """Known-future values of a row that has not come."""
        self.ahead[name, step] = timed

    def drop(self, name):
        """A series has ended."""
        self.rows.pop(name)
        self.static.pop(name, None)
        self.ahead = {key: told for key, told in self.ahead.items() if key[0] != name}

    def forecast(self, name, horizon, levels):
        """Quantiles (K, Q) after the last row."""
        rows = self.rows[name]
        panel = Panel.from_arrays([np.array([value for value, _ in rows])], ids=[name])
        columns, future = {}, {}
        for spec in self.model.spec.columns:
            if spec.role == "static":
                found = np.array([self.static[name][spec.name]], np.float32)
            else:
                found = np.array([told.get(spec.name, np.nan) for _, told in rows], np.float32)
            columns[spec.name] = Covariate(spec.role, found, spec.categories)
            if spec.role == "future":
                ahead = [self.ahead.get((name, len(rows) + k), {}).get(spec.name, np.nan) for k in range(horizon)]
                future[spec.name] = np.array([ahead], np.float32)
        object.__setattr__(panel, "covariates", columns)
        return self.model.forecast(panel, horizon, levels, future or None).values[0]
