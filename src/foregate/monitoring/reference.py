"""What a version of a model knew when it was made: its inputs and its errors, as bytes that are kept beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core import DataError, Panel
from foregate.monitoring.inputs import Histogram

__all__ = ["Reference", "reference"]

FloatArray = NDArray[np.float64]

FORMAT = 1
MOST_BYTES = 4 << 20
MOST_ERRORS = 2000
MOST_SERIES = 2000
MOST_VALUES = 50_000


@dataclass(frozen=True)
class Reference:
    """Inputs and errors of a model while all was well."""

    inputs: Mapping[str, Histogram] = field(default_factory=dict)
    """Name -> what its values looked like; ``y`` is the target by the level and spread of its series."""
    levels: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Series -> mean and standard deviation of its target."""
    errors: tuple[float, ...] = ()
    """One step ahead, forecast less actual by the spread of its series (see `levels`), in order of time; where there
    are several series, their mean by `spread_of`."""
    outside: tuple[float, ...] = ()
    """For each of them the share of actuals outside of the interval; where there are several series, its deviation from
    the mean by `spread_of`."""
    likeness: float = 1.0
    """Correlation of the errors of two series at one time, 0 to 1."""

    def spread_of(self, n: int) -> float:
        """What the mean of the errors of n series is divided by, so that it varies as much as that of one does."""
        return float(np.sqrt(self.likeness + (1 - self.likeness) / max(n, 1)))

    @property
    def usual(self) -> float:
        """Share of actuals outside of their interval."""
        return float(np.mean(self.outside)) if self.outside else 0.0

    def to_bytes(self) -> bytes:
        """As JSON."""
        return json.dumps({"format": FORMAT, **asdict(self)}, allow_nan=False).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Reference:
        """See `to_bytes`.

        Raises:
            DataError: it is no reference.
        """
        if len(data) > MOST_BYTES:
            raise DataError(f"a reference must have at most {MOST_BYTES:,} bytes, but got {len(data):,}.")
        try:
            said: dict[str, Any] = json.loads(data)
            if said.pop("format") != FORMAT:
                raise DataError(f"a reference must have the format {FORMAT}, but got another. Make it anew.")
            inputs = {str(name): _histogram(each) for name, each in said.pop("inputs").items()}
            levels = {str(name): (float(a), float(b)) for name, (a, b) in said.pop("levels").items()}
            errors, outside = (tuple(map(float, said.pop(name))) for name in ("errors", "outside"))
            likeness = float(said.pop("likeness"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(f"a reference must be as `reference` writes it, but got: {error}. Make it anew.") from None
        if said or len(errors) != len(outside) or not np.isfinite([*errors, *outside, likeness]).all():
            raise DataError("a reference must be as `reference` writes it, but got something else. Make it anew.")
        return cls(inputs, levels, errors, outside, likeness)


def reference(panel: Panel, errors: FloatArray | None = None, outside: FloatArray | None = None) -> Reference:
    """What is usual for a model, from what it was trained on and how it was wrong where it was not.

    Args:
        panel: that it was trained on.
        errors: (S, T) forecast less actual, one step ahead, in the units of the data; NaN where there was none.
        outside: (S, T) 1 where the actual lay outside of its interval, else 0.

    Raises:
        DataError: the panel has fewer than 100 values.

    Examples:
        >>> panel = Panel.from_arrays([np.random.default_rng(0).normal(5, 2, 500)], ids=["a"])
        >>> made = reference(panel)
        >>> sorted(made.inputs), len(made.levels), Reference.from_bytes(made.to_bytes()) == made
        (['y'], 1, True)
    """
    levels, standardised = {}, []
    for i, name in enumerate(panel.ids[:MOST_SERIES].tolist()):
        rows = slice(int(panel.offsets[i]), int(panel.offsets[i + 1]))
        y = np.where(panel.mask[rows], panel.values[rows].astype(np.float64), np.nan)
        there = y[~np.isnan(y)]
        if len(there) < 2 or there.std() == 0:
            continue
        levels[name] = (float(there.mean()), float(there.std()))
        standardised.append((y - there.mean()) / there.std())
    y = np.concatenate(standardised) if standardised else np.zeros(0)
    inputs = {"y": Histogram.of(y[-MOST_VALUES:])}
    for name, column in panel.covariates.items():
        if column.role != "static" and not column.categories:
            inputs[name] = Histogram.of(column.values.astype(np.float64)[-MOST_VALUES:])
    if errors is None or outside is None:
        return Reference(inputs, levels)
    spreads = np.array([levels.get(name, (0.0, np.nan))[1] for name in panel.ids.tolist()])
    return Reference(inputs, levels, *_one_stream(errors / spreads[:, None], outside))


def _one_stream(errors: FloatArray, outside: FloatArray) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """Errors of several series as one of each time, their outside, and how alike they are."""
    errors, outside = errors[:, -MOST_ERRORS:], outside[:, -MOST_ERRORS:]
    there = ~np.isnan(errors)
    n = there.sum(0)
    kept = n > 0
    sums = np.where(there, errors, 0).sum(0)
    bias = sums.sum() / max(int(n.sum()), 1)
    around = np.where(there, errors - bias, 0)
    variance = float((around**2).sum() / max(int(n.sum()), 1))
    pairs = float((n * (n - 1)).sum())
    covariance = float((around.sum(0) ** 2 - (around**2).sum(0)).sum()) / pairs if pairs else 0.0
    likeness = float(np.clip(covariance / variance, 0, 1)) if pairs and variance > 0 else 1.0 if not pairs else 0.0
    spread = np.sqrt(likeness + (1 - likeness) / np.maximum(n, 1))
    stream = (sums / np.maximum(n, 1) / spread)[kept]
    usual = float(np.where(there, outside, 0).sum() / max(int(n.sum()), 1))
    missed = (usual + (np.where(there, outside, 0).sum(0) / np.maximum(n, 1) - usual) / spread)[kept]
    return tuple(np.round(stream, 9).tolist()), tuple(np.round(missed, 9).tolist()), likeness


def _histogram(said: Mapping[str, Any]) -> Histogram:
    edges, shares = tuple(map(float, said["edges"])), tuple(map(float, said["shares"]))
    bounds = {name: float(said["thresholds"][name]) for name in ("psi", "ks", "missing")}
    made = Histogram(edges, shares, float(said["missing"]), int(said["window"]), bounds)
    if len(shares) != len(edges) + 1 or made.window < 2 or min(bounds.values()) <= 0 or not np.isfinite(edges).all():
        raise ValueError("a histogram whose parts contradict one another")
    return made
