"""Errors, the panel, the forecast, frequencies and the protocols between the rooms. numpy only."""

from foregate.core.errors import (
    ArtifactError,
    DataError,
    ForegateError,
    MissingExtraError,
    ModelError,
    NotFittedError,
    UsageError,
    at_least,
    is_whole,
    listed,
    require_torch,
)
from foregate.core.forecast import Forecast, asked, levels_to_quantiles, sides_of
from foregate.core.frequency import Frequency, Times
from foregate.core.panel import Covariate, FrameSpec, Panel, Role, evenly, require_panel, require_regular, with_room
from foregate.core.protocols import Ahead, Engine, Fit, Future, Manner, Model, OriginModel

__all__ = [
    "Ahead",
    "ArtifactError",
    "Covariate",
    "DataError",
    "Engine",
    "Fit",
    "Forecast",
    "ForegateError",
    "FrameSpec",
    "Frequency",
    "Future",
    "Manner",
    "MissingExtraError",
    "Model",
    "ModelError",
    "NotFittedError",
    "OriginModel",
    "Panel",
    "Role",
    "Times",
    "UsageError",
    "asked",
    "at_least",
    "evenly",
    "is_whole",
    "levels_to_quantiles",
    "listed",
    "require_panel",
    "require_regular",
    "require_torch",
    "sides_of",
    "with_room",
]
