"""The live forecaster: the state is carried from one observation to the next."""

from foregate.streaming.arrivals import Update
from foregate.streaming.durable import Durable
from foregate.streaming.live import Live

__all__ = ["Durable", "Live", "Update"]
