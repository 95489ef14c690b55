"""Foregate: LSTM forecasting of time series, end to end.

The public names are looked up when they are first used, so that `import foregate` is instant and loads
neither torch nor polars.

Examples:
    >>> import foregate
    >>> foregate.Frequency.parse("h").seasons()
    (24, 168)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foregate.core import ArtifactError as ArtifactError
    from foregate.core import DataError as DataError
    from foregate.core import Forecast as Forecast
    from foregate.core import ForegateError as ForegateError
    from foregate.core import Frequency as Frequency
    from foregate.core import MissingExtraError as MissingExtraError
    from foregate.core import ModelError as ModelError
    from foregate.core import NotFittedError as NotFittedError
    from foregate.core import Panel as Panel
    from foregate.core import UsageError as UsageError
    from foregate.data import ReadOptions as ReadOptions
    from foregate.data import audit as audit
    from foregate.data import calendar as calendar
    from foregate.data import clean as clean
    from foregate.data import find_seasons as find_seasons
    from foregate.data import read as read
    from foregate.data import split as split
    from foregate.data import synthetic as synthetic
    from foregate.data import windows as windows
    from foregate.evaluation import calibration as calibration
    from foregate.evaluation import compare as compare
    from foregate.evaluation import scoreboard as scoreboard
    from foregate.forecaster import Forecaster as Forecaster
    from foregate.forecaster import backtest as backtest
    from foregate.forecaster import export as export
    from foregate.forecaster import load as load
    from foregate.inspection import Inspection as Inspection
    from foregate.inspection import inspect as inspect
    from foregate.models.options import ModelOptions as ModelOptions
    from foregate.pipeline.recipe import Recipe as Recipe
    from foregate.streaming import Durable as Durable
    from foregate.streaming import Live as Live

    __version__: str

_HOMES = {
    "ArtifactError": "foregate.core",
    "DataError": "foregate.core",
    "Durable": "foregate.streaming",
    "Forecast": "foregate.core",
    "Forecaster": "foregate.forecaster",
    "ForegateError": "foregate.core",
    "Frequency": "foregate.core",
    "Inspection": "foregate.inspection",
    "Live": "foregate.streaming",
    "MissingExtraError": "foregate.core",
    "ModelError": "foregate.core",
    "ModelOptions": "foregate.models.options",
    "NotFittedError": "foregate.core",
    "Panel": "foregate.core",
    "ReadOptions": "foregate.data",
    "Recipe": "foregate.pipeline.recipe",
    "UsageError": "foregate.core",
    "audit": "foregate.data",
    "backtest": "foregate.forecaster",
    "calendar": "foregate.data",
    "calibration": "foregate.evaluation",
    "clean": "foregate.data",
    "export": "foregate.forecaster",
    "compare": "foregate.evaluation",
    "find_seasons": "foregate.data",
    "inspect": "foregate.inspection",
    "load": "foregate.forecaster",
    "read": "foregate.data",
    "scoreboard": "foregate.evaluation",
    "split": "foregate.data",
    "synthetic": "foregate.data",
    "windows": "foregate.data",
}
"""Public name -> the layer it lives in."""

__all__ = sorted(_HOMES)


def _lookup(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("foregate")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, "__version__"})


if not TYPE_CHECKING:  # a type checker that saw this would let every misspelt name pass
    __getattr__ = _lookup
