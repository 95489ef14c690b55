"""`export`: a forecaster as graphs that run anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from foregate.core import Frequency, ModelError, UsageError, listed, require_regular
from foregate.forecaster.estimator import Forecaster
from foregate.forecaster.saved import load
from foregate.forecasting.fitted import Fitted

__all__ = ["export"]


def export(
    model: Forecaster | str | Path,
    folder: str | Path,
    *,
    horizon: int | None = None,
    quantiles: Sequence[float] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a model as two ONNX graphs from raw observations, and a manifest that says how to run them.

    ``step.onnx`` takes an observation of each series and the state before it, and gives the state after it;
    ``forecast.onnx`` takes a state and gives quantiles in the units of the data. All else is within, so that nothing of
    Foregate is needed where they run, and forecasts are those of this model, within 1e-5. ``manifest.json`` says how.

    Args:
        model: a forecaster, or the folder of a saved one.
        folder: a new one.
        horizon: steps ahead; as many as the model was fitted for when not given.
        quantiles: probabilities; the levels of the model when not given.
        overwrite: replace the exported model that is there. Anything else is never replaced.

    Raises:
        NotFittedError: the forecaster was never fitted, and is not pretrained.
        ModelError: the model cannot be written as graphs; says why, and what can be done.
        UsageError: the horizon is further than the model reaches, or a quantile is no probability.
        ArtifactError: the folder is there, or cannot be written; or there is no model.
        MissingExtraError: the onnx package is not installed.

    Examples:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as place:
        ...     export(Forecaster.pretrained(horizon=3, season_length=4), f"{place}/graphs", quantiles=[0.1, 0.5, 0.9])
        ...     sorted(path.name for path in Path(place, "graphs").iterdir())
        ['forecast.onnx', 'manifest.json', 'step.onnx']
    """
    from foregate.persistence.portable import save_portable  # so many formulas are read when they are needed

    given = load(model) if isinstance(model, (str, Path)) else model
    if not isinstance(given, Forecaster):
        raise UsageError(f"model must be a forecaster or the folder of one, but got {type(given).__name__}.")
    fitted, freq = _fitted(given)
    save_portable(folder, fitted, freq, (horizon, quantiles), overwrite=overwrite)


def _fitted(model: Forecaster) -> tuple[Fitted, Frequency]:
    """What forecasts, and the step between rows; a pretrained forecaster may know nothing of any data."""
    if not hasattr(model, "fitted_"):
        live = model.live()
        return live.fitted, live.freq
    panel = model.panel_
    if panel.spec.target_cols:
        raise ModelError(
            f"a model must have one target to be exported as graphs, but got several: "
            f"{listed(panel.spec.target_cols)}. Fit a model for each of them."
        )
    return model.fitted_, require_regular(panel)
