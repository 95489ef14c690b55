"""The fitted model: from states to forecasts, with calibrated intervals."""
