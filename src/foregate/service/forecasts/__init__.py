"""Forecasts from models that are loaded: batches, and swaps under load."""
