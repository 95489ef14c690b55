"""Make a panel regular and say what was changed on the way."""

from foregate.data.clean.grid import regularize

__all__ = ["regularize"]
