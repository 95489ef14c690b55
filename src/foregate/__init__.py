"""Foregate: LSTM forecasting of time series, end to end."""
