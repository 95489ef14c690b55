"""Choose settings: what the data asks for."""

from foregate.tuning.rates import RateCurve, range_test, rate_curve
from foregate.tuning.suggest import suggest
from foregate.tuning.suggestion import Suggestion

__all__ = ["RateCurve", "Suggestion", "range_test", "rate_curve", "suggest"]
