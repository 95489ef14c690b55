"""Which series of many a report shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST", "spread"]

MOST = 6
"""Series that are shown one by one."""


def spread(errors: NDArray[np.float64], most: int = MOST) -> NDArray[np.int64]:
    """Numbers of at most `most` series: the best, the worst, and others evenly between, best first.

    All are taken if there are no more than `most`, in their own order. Series without an error are taken only if too
    few have one.

    Args:
        errors: (S,) error of each series, NaN where not known.
        most: how many.

    Examples:
        >>> spread(np.array([5.0, 1.0, 4.0, 2.0, 3.0]), most=3)
        array([1, 4, 0])
    """
    if len(errors) <= most:
        return np.arange(len(errors))
    order = np.argsort(errors, kind="stable")  # NaN comes last
    known = order[: int(np.isfinite(errors).sum())]
    pool = known if len(known) >= most else order
    return pool[np.unique(np.linspace(0, len(pool) - 1, most).round().astype(np.int64))]
