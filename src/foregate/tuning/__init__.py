"""Choose settings: what the data asks for, and the search for those that forecast better."""

from foregate.tuning.dimensions import Choice, LogRange, Range
from foregate.tuning.names import tunable
from foregate.tuning.rates import RateCurve, range_test, rate_curve
from foregate.tuning.result import Gain, TrialRecord, Tuning
from foregate.tuning.run import tune
from foregate.tuning.search import Search
from foregate.tuning.space import Space, usual_space
from foregate.tuning.space_file import read_space
from foregate.tuning.suggest import suggest
from foregate.tuning.suggestion import Suggestion

__all__ = [
    "Choice",
    "Gain",
    "LogRange",
    "Range",
    "RateCurve",
    "Search",
    "Space",
    "Suggestion",
    "TrialRecord",
    "Tuning",
    "range_test",
    "rate_curve",
    "read_space",
    "suggest",
    "tunable",
    "tune",
    "usual_space",
]
