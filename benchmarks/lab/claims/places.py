"""Where most claims are put to the test."""

from __future__ import annotations

__all__ = ["FEW", "FEW_OWN", "OWN", "PLACES"]

PLACES = ("pjm_zones", "nn5_daily", "aus_retail", "made hours", "made waves")
"""Three real panels and two made-up ones."""
FEW = ("pjm_zones", "nn5_daily", "made hours")
"""Of them, where a claim asks for many runs."""
OWN = ("pjm_zones", "nn5_daily", "made hours")
"""Read by Foregate's own network."""
FEW_OWN = ("nn5_daily", "made hours")
"""Of them, where a claim asks for many runs."""
