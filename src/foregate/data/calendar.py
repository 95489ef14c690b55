"""Calendar columns: what the clock and the calendar say about a row, known for the past and for the horizon alike.

Every column is one function of the timestamp (and, for the age, of the series' first timestamp), so the columns of the
future are those that the past will have once it is there. With a time zone, the local clock counts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from foregate.core import (
    Covariate,
    DataError,
    FrameSpec,
    Frequency,
    Future,
    MissingExtraError,
    Panel,
    Times,
    UsageError,
    at_least,
    require_panel,
)

__all__ = ["CalendarOptions", "calendar", "calendar_future"]

FloatArray = NDArray[np.float64]
Float32Array = NDArray[np.float32]
DAY = np.timedelta64(1, "D")
_DAYS = {"us": 1 / 86_400e6, "ms": 1 / 86_400e3, "s": 1 / 86_400, "min": 1 / 1440, "h": 1 / 24, "D": 1, "B": 1, "W": 7}
_DAYS |= {"MS": 30, "ME": 30}
_SUITABLE = (
    (1, ("hour", "weekday", "month")),
    (7, ("weekday", "yearday")),
    (30, ("week",)),
    (90, ("month",)),
    (360, ("quarter",)),
)
"""Steps shorter than so many days, and not than those before, pass through these cycles."""
HOLIDAY_YEARS = (1950, 2100)
"""Years for which holidays are looked up: fixed, so that the codes of their names never depend on the data."""
NO_HOLIDAY = "none"


@dataclass(frozen=True)
class CalendarOptions:
    """Which calendar columns to add."""

    features: tuple[str, ...] | Literal["auto"] = "auto"
    """Cycles, each as the pair of columns ``NAME_sin`` and ``NAME_cos``: ``hour`` (of the day, with minutes),
    ``weekday``, ``day`` (of the month), ``week`` (of the ISO year), ``month``, ``quarter`` and ``yearday``. ``auto``
    takes those that go with the frequency."""
    fourier: tuple[tuple[float, int], ...] = ()
    """Pairs of a period in steps and an order: columns ``fourier_PERIOD_sin1``, ``fourier_PERIOD_cos1``, up to the
    order. The period need not be whole: (365.25, 3)."""
    age: bool = False
    """Whether to add ``age``: log(1 + steps since the first row of the series)."""
    holidays: str | None = None
    """Country, with its subdivision if there is one, as the `holidays` package names them: ``DE``, ``DE-BY``. Adds
    ``holiday``: 1 on holidays, else 0; how many there are in the step where a step is longer than a day."""
    holiday_names: bool = False
    """Whether to add ``holiday_name``: which holiday it is, as a category."""
    holiday_window: tuple[int, int] = (0, 0)
    """Days before and days after: adds ``before_holiday_1``, … and ``after_holiday_1``, …, each 1 so many days before
    or after a holiday."""

    def __post_init__(self) -> None:
        unknown = [] if self.features == "auto" else [name for name in self.features if name not in _CYCLES]
        if unknown:
            raise UsageError(f"features must be 'auto' or some of {', '.join(_CYCLES)}, but got {unknown[0]!r}.")
        for period, order in self.fourier:
            if not 1 <= order <= period / 2:
                raise UsageError(
                    f"the order of a Fourier term must be between 1 and half its period, but got {order} for a "
                    f"period of {period:g} steps. Give for example fourier=((168, 3),)."
                )
        if min(self.holiday_window) < 0:
            raise UsageError(f"holiday_window must be two counts of days, but got {self.holiday_window}.")
        if self.holidays is None and (self.holiday_names or self.holiday_window != (0, 0)):
            raise UsageError('holidays must be a country when names or a window are asked for. Give holidays="DE".')


def calendar(panel: Panel, options: CalendarOptions | None = None) -> Panel:
    """The panel with calendar columns as known-future covariates.

    Args:
        panel: series with a frequency.
        options: which columns; those that go with the frequency if not given.

    Raises:
        UsageError: dates are asked of integer time, a column is there already, or the country is unknown.
        DataError: the panel has no frequency.
        MissingExtraError: holidays need the extra ``calendar``.

    Examples:
        >>> panel = calendar(Panel.from_arrays([np.zeros(3)], freq="h"))
        >>> list(panel.covariates)
        ['hour_sin', 'hour_cos', 'weekday_sin', 'weekday_cos', 'month_sin', 'month_cos']
        >>> panel.covariates["hour_sin"].values.round(2)
        array([0.  , 0.26, 0.5 ], dtype=float32)
    """
    require_panel(panel)
    first = np.repeat(panel.offsets[:-1], panel.lengths)
    columns = _columns(panel, panel.times, panel.times[first], options or CalendarOptions())
    taken = [name for name in columns if name in panel.covariates]
    if taken:
        raise UsageError(
            f"calendar columns must be new, but the panel has {', '.join(taken[:5])} already. Rename or drop those."
        )
    added = {name: Covariate("future", c.values, c.categories) for name, c in columns.items()}
    note = (f"Calendar columns were added: {', '.join(added)}.",) if added else ()
    return replace(panel, covariates={**panel.covariates, **added}, notes=panel.notes + note)


def calendar_future(panel: Panel, horizon: int, options: CalendarOptions | None = None) -> Future:
    """The same columns, as `calendar` with the same options adds, for the steps after each series' last row.

    Args:
        panel: regular series.
        horizon: K, how many steps.
        options: as given to `calendar`.

    Returns:
        name -> (S, K).

    Raises:
        DataError: a series has no rows; else as `calendar`.

    Examples:
        >>> future = calendar_future(Panel.from_arrays([np.zeros(22)], freq="h"), horizon=3)
        >>> future["hour_cos"].round(2)
        array([[0.87, 0.97, 1.  ]], dtype=float32)
    """
    at_least(1, horizon=horizon)
    if np.any(panel.lengths == 0):
        raise DataError(f"every series must have at least one row, but {int(np.sum(panel.lengths == 0))} have none.")
    times = panel.future_times(horizon)
    starts = np.broadcast_to(panel.times[panel.offsets[:-1]][:, None], times.shape)
    columns = _columns(panel, times.reshape(-1), starts.reshape(-1), options or CalendarOptions())
    return {name: column.values.reshape(times.shape) for name, column in columns.items()}


class _Column(NamedTuple):
    values: Float32Array
    categories: tuple[str, ...] = ()


def _columns(panel: Panel, times: Times, starts: Times, options: CalendarOptions) -> dict[str, _Column]:
    """All columns for times (N,) of series that begin at starts (N,)."""
    frequency = _frequency(panel)
    columns: dict[str, _Column] = {}
    names = _suitable(frequency) if options.features == "auto" else options.features
    dated = bool(names) or options.holidays is not None
    if frequency.is_integer and (dated or not (options.fourier or options.age)):
        raise UsageError(
            "calendar columns must be computed from dates, but time is counted in integers here. Only fourier and age "
            'are possible, for example CalendarOptions(fourier=((24, 3),)), or read the data with a freq such as "h".'
        )
    if dated:
        local = _local(times, panel.spec)
        for name in names:
            columns |= _waves(name, _CYCLES[name](local))
        if options.holidays is not None:
            columns |= _holiday_columns(local, frequency, options.holidays, options)
    if options.fourier:
        epoch = np.int64(0) if frequency.is_integer else np.datetime64(0, "us")
        steps, _ = frequency.index(times, np.asarray(epoch))
        for period, order in options.fourier:
            for k in range(1, order + 1):
                columns |= _waves(f"fourier_{period:g}", np.mod(k * np.mod(steps, period) / period, 1), str(k))
    if options.age:
        steps, _ = frequency.index(times, starts)
        columns["age"] = _Column(np.log1p(steps).astype(np.float32))
    return columns


def _frequency(panel: Panel) -> Frequency:
    if panel.freq is None:
        raise DataError("the panel must have a frequency, but it is not known yet. Run clean on it or use with_freq.")
    return panel.freq


def _suitable(frequency: Frequency) -> tuple[str, ...]:
    """The cycles that rows of this frequency pass through."""
    if frequency.is_integer:
        return ()
    days = frequency.count * _DAYS[frequency.unit]
    for shortest_too_long, names in _SUITABLE:
        if days < shortest_too_long:
            return names
    return ()


def _local(times: Times, spec: FrameSpec) -> Times:
    """The wall clock that belongs to times of a panel."""
    if spec.time_zone is None or spec.wall_clock:
        return times
    import polars as pl

    utc = pl.Series(times.astype("datetime64[us]")).dt.replace_time_zone("UTC")
    return utc.dt.convert_time_zone(spec.time_zone).dt.replace_time_zone(None).to_numpy()


def _waves(name: str, phase: FloatArray, suffix: str = "") -> dict[str, _Column]:
    """The two columns that place a phase between 0 and 1 on a circle."""
    angle = 2 * np.pi * phase
    waves: dict[str, Callable[[FloatArray], FloatArray]] = {"sin": np.sin, "cos": np.cos}
    return {f"{name}_{wave}{suffix}": _Column(f(angle).astype(np.float32)) for wave, f in waves.items()}


def _share(part: NDArray[Any], whole: NDArray[Any]) -> FloatArray:
    share: FloatArray = part / whole
    return share


def _weekday(local: Times) -> NDArray[np.int64]:
    """0 for Monday; the first day of 1970 was a Thursday."""
    return (local.astype("datetime64[D]").astype(np.int64) + 3) % 7


def _month(local: Times) -> NDArray[np.int64]:
    return local.astype("datetime64[M]").astype(np.int64) % 12


def _since(local: Times, unit: Literal["M", "Y"]) -> FloatArray:
    """Share of the days of the month or year that have passed, whole days only."""
    period = local.astype(f"datetime64[{unit}]")
    first, following = period.astype("datetime64[D]"), (period + 1).astype("datetime64[D]")
    return _share(local.astype("datetime64[D]") - first, following - first)


def _iso_week(local: Times) -> FloatArray:
    """Weeks passed of those of the ISO year, which is the year of the week's Thursday."""
    days = local.astype("datetime64[D]")
    thursday = days + (3 - _weekday(local))
    year = thursday.astype("datetime64[Y]")
    late = (year + 1).astype("datetime64[D]") - 4 * DAY  # 28 December is always in the last week
    last_thursday = late + (3 - _weekday(late))
    first = year.astype("datetime64[D]")
    return _share((thursday - first) // (7 * DAY), (last_thursday - first) // (7 * DAY) + 1)


_CYCLES: dict[str, Callable[[Times], FloatArray]] = {
    "hour": lambda local: (local - local.astype("datetime64[D]")) / DAY,
    "weekday": lambda local: _weekday(local) / 7,
    "day": lambda local: _since(local, "M"),
    "week": _iso_week,
    "month": lambda local: _month(local) / 12,
    "quarter": lambda local: _month(local) // 3 / 4,
    "yearday": lambda local: _since(local, "Y"),
}


def _holiday_columns(local: Times, frequency: Frequency, country: str, options: CalendarOptions) -> dict[str, _Column]:
    codes, names = _holiday_codes(country)
    begin, end = _days_of_step(local, frequency)
    before, after = options.holiday_window
    origin = np.datetime64(f"{HOLIDAY_YEARS[0]}-01-01", "D")
    first, last = (begin - origin).astype(np.int64), (end - origin).astype(np.int64)
    if len(first) and (first.min() < after or last.max() + before > len(codes)):
        raise DataError(
            f"times must lie between {HOLIDAY_YEARS[0]} and {HOLIDAY_YEARS[1]} for holidays, but reach from "
            f"{begin.min()} to {end.max()}. Leave holidays out."
        )
    until = np.concatenate([[0], np.cumsum(codes > 0)])

    def count(shift: int) -> _Column:
        return _Column((until[last + shift] - until[first + shift]).astype(np.float32))

    columns = {"holiday": count(0)}
    if options.holiday_names:
        if np.any(last - first > 1):
            raise UsageError("holiday_names must be asked for steps of a day at most, but a step is longer here.")
        columns["holiday_name"] = _Column(codes[first].astype(np.float32), names)
    columns |= {f"before_holiday_{days}": count(days) for days in range(1, before + 1)}
    columns |= {f"after_holiday_{days}": count(-days) for days in range(1, after + 1)}
    return columns


def _days_of_step(local: Times, frequency: Frequency) -> tuple[Times, Times]:
    """First day of the step that a row stands for, and the day after its last."""
    days = local.astype("datetime64[D]")
    if frequency.unit == "ME":
        return frequency.shift(local, -1).astype("datetime64[D]") + DAY, days + DAY
    if frequency == Frequency(1, "B"):
        return days, days + DAY
    return days, np.maximum(days + DAY, frequency.shift(local, 1).astype("datetime64[D]"))


@lru_cache(maxsize=8)
def _holiday_codes(country: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """For every day of `HOLIDAY_YEARS` the code of its holiday, 0 for none, and the names in the order of the codes."""
    try:
        import holidays
    except ImportError:
        raise MissingExtraError("Holidays", "calendar") from None

    code, _, subdivision = country.partition("-")
    first, last = HOLIDAY_YEARS
    try:
        found = holidays.country_holidays(code, subdiv=subdivision or None, years=range(first, last + 1))
    except NotImplementedError as reason:
        raise UsageError(
            f"holidays must be a country that the holidays package knows, but got {country!r}: {reason}. "
            'Give for example holidays="DE" or holidays="DE-BY".'
        ) from None
    names = (NO_HOLIDAY, *sorted(set(found.values())))
    origin = np.datetime64(f"{first}-01-01", "D")
    codes = np.zeros(int((np.datetime64(f"{last + 1}-01-01", "D") - origin).astype(np.int64)), np.int64)
    for date, name in found.items():
        position = int((np.datetime64(date, "D") - origin).astype(np.int64))
        if 0 <= position < len(codes):  # an observed day may fall into the neighbouring year
            codes[position] = names.index(name)
    return codes, names
