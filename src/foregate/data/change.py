"""How much a series usually changes from row to row, without anything else of its statistics."""

from __future__ import annotations

from collections.abc import Sequence

from foregate.data.statistics import LEAST_SCALE

__all__ = ["usual_change"]


def usual_change(values: Sequence[float], place: Sequence[int], window: int) -> float:
    """The scale of one series in plain units after its last observed row; 0 before any change.

    It is that of `foregate.data.statistics.told`, found without all the rest.

    Args:
        values: those that were observed, in order.
        place: rows of a regular grid at which they were.
        window: how many rows back the average reaches, as the inverse of its rate.

    Examples:
        >>> usual_change([1, 2, 4], [0, 1, 2], 20)
        1.512...
    """
    keep, top, bottom, peak, average = 1 - 1 / window, 0.0, 0.0, 0.0, 0.0
    for i in range(1, len(values)):
        gap = place[i] - place[i - 1]
        decay = keep if gap == 1 else keep**gap
        top = top * decay + abs(values[i] - values[i - 1]) / gap**0.5
        bottom = bottom * decay + 1
        average = top / bottom
        if average > peak:
            peak = average
    return max(average, LEAST_SCALE * peak)
