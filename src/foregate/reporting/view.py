"""What the sections of a report share: which series and models they speak of, and how they call them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from foregate.core import Forecast, Panel
from foregate.data.audit.findings import stamp
from foregate.evaluation import REFERENCE, Backtest, Scoreboard
from foregate.reporting.canvas import BROAD, SMALL
from foregate.reporting.page import number
from foregate.reporting.sample import spread

__all__ = ["View", "short"]

MOST_LETTERS = 80
"""Longer names are cut."""
_UNITS = {"us": "microsecond", "ms": "millisecond", "s": "second", "min": "minute", "h": "hour", "D": "day"}
_UNITS |= {"B": "business day", "W": "week"}


def short(name: object) -> str:
    """A name that leaves room for others.

    Examples:
        >>> len(short("x" * 1000))
        80
    """
    text = str(name)
    return text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"


@dataclass(frozen=True)
class View:
    """One reading of a panel, its forecast and its backtest."""

    panel: Panel
    forecast: Forecast | None
    backtest: Backtest | None
    board: Scoreboard | None
    wanted: str
    """The model whose report this is."""

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Models of the backtest, our own first, then the reference."""
        given = self.backtest.models if self.backtest else ()
        return tuple(sorted(given, key=lambda name: (name != self.wanted, name != REFERENCE)))

    @property
    def model(self) -> str:
        """The model that the report is about."""
        return self.models[0] if self.models else self.wanted

    @property
    def other(self) -> str | None:
        """The model that it is held against."""
        return self.models[1] if len(self.models) > 1 else None

    @cached_property
    def measure(self) -> str:
        """The error that is shown: MASE, or the mean absolute error where MASE is defined nowhere."""
        defined = self.board is not None and np.isfinite(self.board[self.model].overall["mase"])
        return "mase" if defined else "mae"

    @property
    def measured(self) -> str:
        """Its name."""
        return self.measure.upper()

    @cached_property
    def levels(self) -> tuple[float, ...]:
        """Intervals of the forecast to show, in percent: 80 and 95 if there, else the two widest."""
        quantiles = self.forecast.quantiles if self.forecast else ()
        found = {round(100 * (1 - 2 * q), 6) for q in quantiles if q < 0.5 and np.any(np.isclose(quantiles, 1 - q))}
        return (80.0, 95.0) if {80.0, 95.0} <= found else tuple(sorted(found)[-2:])

    @cached_property
    def errors(self) -> NDArray[np.float64]:
        """(S,) error of the model on each series of the panel, NaN where it was not tested."""
        errors = np.full(len(self.panel), np.nan)
        if self.board is not None:
            places = [self.place[one] for one in self.board.ids.tolist() if one in self.place]
            known = [i for i, one in enumerate(self.board.ids.tolist()) if one in self.place]
            errors[places] = self.board[self.model].by_series[self.measure][known]
        return errors

    @cached_property
    def place(self) -> dict[str, int]:
        """id -> number of the series in the panel."""
        return {one: i for i, one in enumerate(self.panel.ids.tolist())}

    @cached_property
    def sample(self) -> NDArray[np.int64]:
        """Numbers of the series that are shown one by one."""
        return spread(self.errors)

    def series_in(self, ids: NDArray[np.str_]) -> list[tuple[int, int]]:
        """Pairs of number in the panel and number in `ids`, of the series of the sample that are in `ids`."""
        wanted = {str(self.panel.ids[i]): int(i) for i in self.sample}
        found = {one: k for k, one in enumerate(ids.tolist()) if one in wanted}
        return [(i, found[one]) for one, i in wanted.items() if one in found]

    def called(self, i: int) -> str:
        """What series number `i` of the panel is called."""
        spec = self.panel.spec
        return short(self.panel.ids[i] if spec.has_ids or spec.target_cols else spec.target_col)

    def remark(self, i: int) -> str:
        """How well the model did on series number `i`, compared with the others."""
        error = self.errors[i]
        if not np.isfinite(error):
            return ""
        said = f"{self.measured} {number(error)}"
        if len(self.panel) == 1 or not np.isfinite(self.errors).sum() > 1:
            return said
        best, worst = np.nanmin(self.errors), np.nanmax(self.errors)
        return said + (", the best" if error == best < worst else ", the worst" if error == worst > best else "")

    @property
    def sampling(self) -> str:
        """Which series are shown, if not all."""
        if len(self.sample) == len(self.panel):
            return ""
        how = "evenly spread"
        if np.isfinite(self.errors).sum() >= len(self.sample):
            how = f"the best, the worst and others evenly between, by {self.measured} of {self.model} in the backtest"
        return f"Shown are {len(self.sample)} of {len(self.panel):,} series: {how}."

    def times(self, values: Iterable[object]) -> list[str]:
        """Times as people write them."""
        return [str(stamp(time, self.panel)) for time in values]

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Sizes of the chart of one series: two for a series that is alone, one for a wide page and one for a phone."""
        return (BROAD, SMALL) if len(self.sample) == 1 else (SMALL,)

    @property
    def step(self) -> str:
        """How long a step is; nothing where time is counted in integers or the frequency is not known."""
        freq = self.panel.freq
        if freq is None or freq.is_integer:
            return ""
        months = {1: "month", 3: "quarter", 12: "year"}
        count, unit = freq.count, _UNITS.get(freq.unit, "month")
        if freq.unit in ("MS", "ME"):
            size = next(size for size in (12, 3, 1) if count % size == 0)
            count, unit = count // size, months[size]
        return f"of one {unit}" if count == 1 else f"of {count} {unit}s"
