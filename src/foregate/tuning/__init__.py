"""Choose settings: what the data asks for."""

from foregate.tuning.rates import RateCurve, range_test, rate_curve

__all__ = ["RateCurve", "range_test", "rate_curve"]
