"""How much each row counts in the loss, from what people say of series or of rows. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from foregate.core import Panel, UsageError, listed

__all__ = ["row_weights"]

Float32Array = NDArray[np.float32]


def row_weights(panel: Panel, weights: Mapping[str, float] | Sequence[float] | NDArray[np.floating]) -> Float32Array:
    """The weight of every row of a panel as a target of the loss.

    Args:
        panel: that is trained on.
        weights: of series, by their ids, where series that are not named count 1; or of all rows, in their order.

    Returns:
        (N,) finite numbers of at least 0, not all 0.

    Raises:
        UsageError: they are not; or there is no series of a name, or not a weight for every row. Says which.

    Examples:
        >>> panel = Panel.from_arrays([np.ones(2), np.ones(1)], ids=["a", "b"])
        >>> row_weights(panel, {"b": 0.5}).tolist(), row_weights(panel, [0, 1, 2]).tolist()
        ([1.0, 1.0, 0.5], [0.0, 1.0, 2.0])
    """
    by_series = isinstance(weights, Mapping)
    names = panel.ids if by_series else panel.ids[panel.row_series]
    given = _of_series(panel, weights) if isinstance(weights, Mapping) else _numbers(weights)
    if given.shape != (len(names),):
        raise UsageError(f"weights must have one number for each of {len(names)} rows, but got shape {given.shape}.")
    wrong = ~((given >= 0) & (given <= np.finfo(np.float32).max))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        where = f"series {str(names[row])!r}" + ("" if by_series else f", row {row} of the panel")
        raise UsageError(
            f"weights must be finite and 0 or more, but got {given[row]} for {where}; {int(wrong.sum())} of them are "
            "not. Give 0 to what shall not count."
        )
    rows: Float32Array = (given[panel.row_series] if by_series else given).astype(np.float32)
    if not rows.any():
        raise UsageError("weights must not all be 0, but got nothing else. Give 1 to what shall count.")
    return rows


def _of_series(panel: Panel, weights: Mapping[str, float]) -> NDArray[np.float64]:
    unknown = sorted({str(name) for name in weights} - set(panel.ids.tolist()))
    if unknown:
        raise UsageError(f"weights must name series of the panel, but got {listed(unknown)}, which are not there.")
    named = {str(name): weight for name, weight in weights.items()}
    return _numbers([named.get(name, 1.0) for name in panel.ids.tolist()])


def _numbers(weights: object) -> NDArray[np.float64]:
    try:
        return np.asarray(weights, np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError(f"weights must be numbers, but got others: {error}.") from error
