"""Where there is no torch, every architecture forecasts and streams as it does where it was made."""

import subprocess
import sys

import numpy as np

from foregate.forecasting.ensemble import Ensemble
from foregate.persistence import Artifact, save_model
from tests.laws.battery import HORIZON, QUANTILES, lively
from tests.laws.family import every, fitted_with, loud, pairwise, panel_of, recipe_of

VALID, _ = every()
FEW = [VALID[parts] for parts in pairwise(list(VALID))]
HELD = 3
"""Rows of every series that come as a stream."""
ELSEWHERE = """
import sys
for name in ("matplotlib", "narwhals", "onnx", "pandas", "polars", "scipy", "statsmodels", "torch", "utilsforecast"):
    sys.modules[name] = None
from pathlib import Path
import numpy as np
import foregate
horizon, held, quantiles, folders = {horizon!r}, {held!r}, {quantiles!r}, sorted(Path({place!r}).iterdir())
for folder in folders:
    model = foregate.load(folder, runtime="onnx")
    panel = model.panel_
    said = model.forecast(quantiles=quantiles).values
    live = foregate.Live.start(model.fitted_, panel.cut(panel.lengths - held))
    live.update(panel.between(panel.lengths - held, panel.lengths))
    np.savez(folder / "said.npz", said=said, live=live.forecast(horizon, quantiles=quantiles).values)
"""


def test_every_architecture_runs_without_torch(tmp_path):
    """Saved, loaded and streamed in a program without torch and tables, it says the same within 1e-5; so do several."""
    made = {}
    for model in FEW:
        panel = panel_of(model)()
        made[model.label] = (loud(model)(panel), recipe_of(model), panel)
    several = [loud(FEW[0], seed)(lively()) for seed in (0, 1)]
    together = fitted_with(Ensemble([each.engine for each in several], (0.3, 0.7)), several[0].spec, lively())
    made["several"] = (together, recipe_of(FEW[0]), lively())
    for name, (fitted, recipe, panel) in made.items():
        save_model(tmp_path / name, Artifact(fitted, recipe, panel, {}))
    code = ELSEWHERE.format(horizon=HORIZON, held=HELD, quantiles=tuple(QUANTILES), place=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(made) > 10
    for name, (fitted, _, panel) in made.items():
        expected = fitted.forecast(panel, HORIZON, QUANTILES).values
        size = np.abs(expected).max(axis=(1, 2), keepdims=True)
        found = np.load(tmp_path / name / "said.npz")
        for what in ("said", "live"):
            assert (np.abs(found[what] - expected) <= 1e-5 * size).all(), (name, what)
