"""Running means of how forecasts were, by series and step ahead: all outcomes alike, or recent ones above all.

Letters: B series, J steps ahead, Q quantiles, L levels, M measures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foregate.core import FrameSpec, levels_to_quantiles

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Scores"]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

FADING = 0.99
"""What an outcome still counts, of recent ones, when the next of its step is there."""
ALWAYS = ("mae", "bias", "pinball", "last")


class Scores:
    """What is measured of an outcome, and what its sums mean.

    Args:
        quantiles: Q probabilities of forecasts, ascending, the median and the bounds of the levels among them.
        levels: L percentages of central intervals.
    """

    def __init__(self, quantiles: Sequence[float], levels: Sequence[float]) -> None:
        self._q = np.array(quantiles)
        self._levels = tuple(levels)
        sides = np.array([levels_to_quantiles([level]) for level in levels]).reshape(-1, 3)
        self._low, self._high = (self._place(side) for side in (sides[:, 0], sides[:, 2]))
        self._middle = self._place(np.array(0.5))
        self.width = 1 + len(ALWAYS) + 2 * len(levels)
        """1 + M numbers of a step: how many outcomes, and the sums of their measures."""

    def measures(self, actual: FloatArray, said: FloatArray, last: FloatArray, there: BoolArray) -> FloatArray:
        """(B, J, 1 + M) of one outcome each; 0 where there is none.

        Args:
            actual: (B,) what came.
            said: (B, J, Q) what was said of it so many steps ahead.
            last: (B, J) the last value that was known then.
            there: (B, J) where something was said.
        """
        measures = np.empty((*there.shape, self.width))
        over = said - actual[:, None, None]
        measures[..., 0] = 1
        measures[..., 2] = error = over[..., self._middle]
        np.abs(error, out=measures[..., 1])
        measures[..., 3] = (np.maximum(over, 0).sum(-1) - over @ self._q) / len(self._q)
        np.abs(last - actual[:, None], out=measures[..., 4])
        low, high = over[..., self._low], over[..., self._high]
        L = len(self._levels)
        measures[..., self.width - 2 * L : self.width - L] = (low <= 0) & (high >= 0)
        measures[..., self.width - L :] = high - low
        measures[~there] = 0  # a product would keep the NaN of a forecast that could not be made
        return measures

    def fade(self, recent: FloatArray, measures: FloatArray, there: BoolArray) -> FloatArray:
        """Fading sums (B, J, 1 + M) after measures of outcomes that are `there` (B, J)."""
        return recent * np.where(there, FADING, 1)[..., None] + measures

    def frame(
        self,
        counted: FloatArray,
        sums: FloatArray,
        of: tuple[NDArray[np.str_], NDArray[np.int64]],
        spec: FrameSpec,
    ) -> pl.DataFrame:
        """Means as a frame, see `foregate.Live.scores`.

        Args:
            counted: (B, J, 1 + M) sums of all outcomes, for their number.
            sums: (B, J, 1 + M) those whose means are wanted.
            of: names (B,) of the series, and steps (J,).
            spec: the name and the type of the ids.
        """
        import polars as pl

        from foregate.data.frames import id_column

        names, steps = of
        n = sums[..., :1]
        means = np.divide(sums[..., 1:], n, out=np.full_like(sums[..., 1:], np.nan), where=n > 0)
        mae, bias, pinball, last = np.moveaxis(means[..., : len(ALWAYS)], -1, 0)
        skill = 1 - np.divide(mae, last, out=np.full_like(mae, np.nan), where=last > 0)
        columns = {"mae": mae, "bias": bias, "pinball": pinball, "skill": skill}
        both = np.moveaxis(means[..., len(ALWAYS) :].reshape(*mae.shape, 2, -1), (-2, -1), (1, 0))
        for level, (coverage, width) in zip(self._levels, both, strict=True):
            columns |= {f"coverage-{level:g}": coverage, f"width-{level:g}": width}
        frame = pl.DataFrame(
            {
                spec.id_col: id_column(np.repeat(names, len(steps)), spec),
                "step": np.tile(steps, len(names)),
                "n": counted[..., 0].reshape(-1).astype(np.int64),
            }
        )
        return frame.with_columns(
            pl.Series(name, column.reshape(-1)).fill_nan(None) for name, column in columns.items()
        )

    def _place(self, sides: FloatArray) -> NDArray[np.int64]:
        """Where probabilities are among those of the forecasts."""
        places: NDArray[np.int64] = np.abs(self._q - sides[..., None]).argmin(-1)
        return places
