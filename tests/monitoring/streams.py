"""Streams of errors."""

from benchmarks.service.alarms import autoregressive, outside

__all__ = ["autoregressive", "outside"]
