"""Speaking to a service from Python: typed, with retries that do nothing twice."""

from foregate.client.client import Client, Forecasts, Step
from foregate.client.errors import ServiceError, UnreachableError

__all__ = ["Client", "Forecasts", "ServiceError", "Step", "UnreachableError"]
