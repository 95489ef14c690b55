"""The service: forecasts, live sessions, feedback, drift and retraining over HTTP. Needs the "serve" extra."""
