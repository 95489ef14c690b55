"""Search for settings that forecast better: spaces, samplers, studies that can be stopped and shared, and what came."""

from foregate.tuning.dimensions import Choice, LogRange, Range
from foregate.tuning.names import tunable
from foregate.tuning.result import Gain, TrialRecord, Tuning
from foregate.tuning.run import tune
from foregate.tuning.search import Search
from foregate.tuning.space import Space, usual_space
from foregate.tuning.space_file import read_space

__all__ = [
    "Choice",
    "Gain",
    "LogRange",
    "Range",
    "Search",
    "Space",
    "TrialRecord",
    "Tuning",
    "read_space",
    "tunable",
    "tune",
    "usual_space",
]
