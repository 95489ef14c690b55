"""Metrics, baselines, backtests and the scoreboard. No torch."""
