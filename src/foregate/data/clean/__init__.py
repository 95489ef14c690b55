"""Make gaps explicit, settle repeats, treat outliers, fill what is missing, and list every change."""

from foregate.data.clean.cleaning import Change, Cleaned, clean
from foregate.data.clean.hampel import Hampel, hampel_bounds
from foregate.data.grid import regularize

__all__ = ["Change", "Cleaned", "Hampel", "clean", "hampel_bounds", "regularize"]
