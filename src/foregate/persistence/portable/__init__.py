"""Models for those who have ONNX Runtime and nothing of Foregate: two graphs from raw observations, and a manifest.

Nothing is prepared outside: `step.onnx` takes observations as they are and carries all that a model carries of a
series, `forecast.onnx` says quantiles in the units of the data.
"""

from foregate.persistence.portable.folder import save_portable

__all__ = ["save_portable"]
