"""A forecaster that was saved, as it was."""

from __future__ import annotations

from pathlib import Path

from foregate.forecaster.estimator import Forecaster
from foregate.forecaster.given import OWN
from foregate.persistence import load_model
from foregate.pipeline.recipe import Recipe

__all__ = ["load"]


def load(path: str | Path, *, runtime: str = "auto") -> Forecaster:
    """Load a forecaster that was saved.

    Args:
        path: the folder.
        runtime: what runs the network. ``onnx``: ONNX Runtime and NumPy, no torch, which need not be installed; for
            forecasts and streams. ``torch``: for training on, too; forecasts are to the bit those of before, which
            ONNX Runtime's are within 1e-5. ``auto``: torch where it is installed, but for a forecaster of effort
            ``instant``, which ONNX Runtime ran before.

    Raises:
        UsageError: there is no such runtime.
        MissingExtraError: torch is asked for, and not installed.
        ArtifactError: the folder is no model, is damaged, or was made by a newer version; the message says which.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> from foregate.data import generate
        >>> model = Forecaster(horizon=3, season_length=12, options={"steps": 2, "hidden": 8}).fit(generate(2, 60))
        >>> with TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/model")
        ...     load(f"{folder}/model").predict().equals(model.predict())
        True
    """
    artifact = load_model(Path(path), runtime=runtime)
    recipe = artifact.recipe
    defaults = Recipe(recipe.horizon)
    options = {
        name: getattr(recipe, name)
        for name in Recipe.__dataclass_fields__
        if name not in OWN and getattr(recipe, name) != getattr(defaults, name)
    }
    model = Forecaster(
        recipe.horizon,
        model=None if recipe.model == defaults.model else recipe.model,
        freq=artifact.history.freq,
        season_length=recipe.season_length,
        effort=recipe.effort,
        seed=recipe.seed,
        options=options or None,
    )
    model.fitted_, model.panel_, model.future_ = artifact.fitted, artifact.history, None
    model.report_ = dict(artifact.facts)
    return model
