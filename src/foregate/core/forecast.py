"""What a model says about the future: quantiles per series and step, in the units of the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foregate.core.errors import UsageError
from foregate.core.frequency import Times

__all__ = ["Forecast", "asked", "levels_to_quantiles", "sides_of"]


def asked(
    level: Sequence[float] | float | None, quantiles: Sequence[float] | float | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Percentages of intervals and probabilities, each given as one number, several or none.

    Raises:
        UsageError: both are given, or one is no number.

    Examples:
        >>> asked(80, None)
        ((80,), ())
    """
    if level is not None and quantiles is not None:
        raise UsageError("level and quantiles must not both be given, but got both. Say the intervals in one way.")
    return _numbers("level", level), _numbers("quantiles", quantiles)


def _numbers(name: str, given: Any) -> tuple[float, ...]:
    """One number or several, of Python; none for None."""
    several = given if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    found = () if given is None else tuple(several)
    others = [one for one in found if type(one) is not float and type(one) is not int]
    if not others:  # as mostly, quickly seen
        return found
    if any(isinstance(one, bool) or not isinstance(one, Real) for one in others):
        example = "[80, 95]" if name == "level" else "[0.1, 0.9]"
        raise UsageError(f"{name} must be a number or several, but got {given!r}. Give for example {name}={example}.")
    return tuple(one if isinstance(one, (int, float)) else float(one) for one in found)


def levels_to_quantiles(levels: Sequence[float]) -> tuple[float, ...]:
    """The quantiles that bound central intervals of `levels` percent, with the median, in order.

    Examples:
        >>> levels_to_quantiles([80, 95])
        (0.025, 0.1, 0.5, 0.9, 0.975)
    """
    return sides_of(tuple(levels), (0.5,))


@lru_cache(64)
def sides_of(levels: tuple[float, ...], wanted: tuple[float, ...]) -> tuple[float, ...]:
    """The quantiles that bound central intervals of `levels` percent, and others, in order.

    Raises:
        UsageError: a level is no percentage.
    """
    for level in levels:
        if not 0 < level < 100:
            raise UsageError(
                f"level must be between 0 and 100 percent, but got {level}. Give for example level=[80, 95]."
            )
    sides = {round(side, 10) for level in levels for side in (0.5 - level / 200, 0.5 + level / 200)}
    return tuple(sorted({*sides, *wanted}))


@dataclass(frozen=True)
class Forecast:
    """Quantile forecasts of S series for K steps.

    Examples:
        >>> two_steps = Forecast(
        ...     ids=np.array(["a"]),
        ...     times=np.array([[8, 9]]),
        ...     cutoffs=np.array([7]),
        ...     quantiles=(0.1, 0.5, 0.9),
        ...     values=np.array([[[4.0, 5.0, 6.0], [3.5, 5.0, 6.5]]]),
        ... )
        >>> two_steps.interval(80)
        (array([[4. , 3.5]]), array([[6. , 6.5]]))
    """

    ids: NDArray[np.str_]
    """(S,)"""
    times: Times
    """(S, K) the time that each value is for."""
    cutoffs: Times
    """(S,) the time of the last row that the forecast knew."""
    quantiles: tuple[float, ...]
    """Q probabilities, ascending."""
    values: NDArray[np.float64]
    """(S, K, Q) in the units of the data; never descending along Q."""
    notes: tuple[str, ...] = ()
    """What the reader should know: fallbacks used, and for which series."""

    @property
    def horizon(self) -> int:
        """K, the number of steps."""
        return int(self.values.shape[1])

    def quantile(self, q: float) -> NDArray[np.float64]:
        """(S, K) the forecast at probability `q`, which must be one of `quantiles`."""
        near = np.flatnonzero(np.isclose(self.quantiles, q, atol=1e-9))
        if not len(near):
            raise UsageError(
                f"q must be one of {self.quantiles}, but got {q}. Ask for it when forecasting: quantiles=[{q}]."
            )
        return self.values[:, :, near[0]]

    @property
    def median(self) -> NDArray[np.float64]:
        """(S, K) the forecast at probability 0.5."""
        return self.quantile(0.5)

    def interval(self, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lower and upper bound (S, K) of the central interval that should hold `level` percent of the outcomes."""
        low, _, high = levels_to_quantiles([level])
        return self.quantile(low), self.quantile(high)
