"""A forecaster that was saved, as it was."""

from __future__ import annotations

from pathlib import Path

from foregate.forecaster.estimator import Forecaster
from foregate.forecaster.given import OWN
from foregate.persistence import load_model
from foregate.pipeline.recipe import Recipe

__all__ = ["load"]


def load(path: str | Path, *, engine: str = "auto") -> Forecaster:
    """Load a forecaster that was saved.

    Args:
        path: the folder.
        engine: ``torch``, ``onnx``, or ``auto`` for torch where it is installed.

    Raises:
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
    artifact = load_model(Path(path), engine=engine)
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
