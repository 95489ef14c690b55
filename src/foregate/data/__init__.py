"""Read, audit, clean, calendar, split, scale and window series, and prepare them for the network. No torch."""

from foregate.data import synthetic
from foregate.data.audit import Audit, Finding, Span, audit
from foregate.data.calendar import CalendarOptions, calendar, calendar_future
from foregate.data.clean import Change, Cleaned, Hampel, clean
from foregate.data.examples import co2, generate
from foregate.data.frames import (
    forecast_frame,
    id_column,
    native_frame,
    panel_frame,
    paths_frame,
    quantile_columns,
    time_column,
)
from foregate.data.future import KnownFuture, align_future, split_known_future
from foregate.data.grid import regularize
from foregate.data.infer import FrequencyFinding, infer_frequency, require_freq
from foregate.data.read import ReadOptions, read
from foregate.data.scale import FittedScaler, Scaler, choose_transform, running_scaler
from foregate.data.seasons import SeasonEvidence, find_seasons, season_evidence
from foregate.data.split import Folds, Split, blocked_folds, cutoffs, expanding_origins, rolling_origins, split
from foregate.data.windows import Window, Windows, windows

__all__ = [
    "Audit",
    "CalendarOptions",
    "Change",
    "Cleaned",
    "Finding",
    "FittedScaler",
    "Folds",
    "FrequencyFinding",
    "Hampel",
    "KnownFuture",
    "ReadOptions",
    "Scaler",
    "SeasonEvidence",
    "Span",
    "Split",
    "Window",
    "Windows",
    "align_future",
    "audit",
    "blocked_folds",
    "calendar",
    "calendar_future",
    "choose_transform",
    "clean",
    "co2",
    "cutoffs",
    "expanding_origins",
    "find_seasons",
    "forecast_frame",
    "generate",
    "id_column",
    "infer_frequency",
    "native_frame",
    "panel_frame",
    "paths_frame",
    "quantile_columns",
    "read",
    "regularize",
    "require_freq",
    "rolling_origins",
    "running_scaler",
    "season_evidence",
    "split",
    "split_known_future",
    "synthetic",
    "time_column",
    "windows",
]
