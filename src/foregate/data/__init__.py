"""Read, audit, clean, calendar, split, scale and window series, and prepare them for the network. No torch."""

from foregate.data.calendar import CalendarOptions, calendar, calendar_future
from foregate.data.clean import regularize
from foregate.data.scale import FittedScaler, Scaler, choose_transform, running_scaler
from foregate.data.seasons import SeasonEvidence, find_seasons, season_evidence
from foregate.data.split import Folds, Split, blocked_folds, cutoffs, expanding_origins, rolling_origins, split
from foregate.data.windows import Window, Windows, windows

__all__ = [
    "CalendarOptions",
    "FittedScaler",
    "Folds",
    "Scaler",
    "SeasonEvidence",
    "Split",
    "Window",
    "Windows",
    "blocked_folds",
    "calendar",
    "calendar_future",
    "choose_transform",
    "cutoffs",
    "expanding_origins",
    "find_seasons",
    "regularize",
    "rolling_origins",
    "running_scaler",
    "season_evidence",
    "split",
    "windows",
]
