"""Detectors of change: numbers in, a score out. No torch, no web, no tables."""
