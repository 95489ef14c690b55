"""Is the world still the one that a model was trained in? Inputs, errors and coverage, watched with bounded memory."""

from foregate.monitoring.baseline import Baseline
from foregate.monitoring.inputs import Histogram, InputWatch
from foregate.monitoring.reference import Reference, reference
from foregate.monitoring.watch import Alarm, Watch

__all__ = ["Alarm", "Baseline", "Histogram", "InputWatch", "Reference", "Watch", "reference"]
