"""What became of forecasts: errors, coverage and drift."""
