"""Look at a panel and say what is there, what is odd, and what to do about it.

findings     one thing found, with its series, places and count
clock        frequency, gaps, repeats, daylight saving, ends
amounts      missing, constant, negative, zero and stand-in values, outliers
shape        strength of trend and season, hints on stationarity
report       `audit` and its result
"""

from foregate.data.audit.findings import Finding, Span
from foregate.data.audit.report import Audit, audit
from foregate.data.audit.shape import Shape

__all__ = ["Audit", "Finding", "Shape", "Span", "audit"]
