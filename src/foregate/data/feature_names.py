"""What every number that a network is told is called: the one place that knows the order of the columns in words.

`Inputs` writes three tables: what the encoder reads of each row, what the decoder sees of each step, and the candidate
paths that it opens gates to. Here each of their columns has a name, a group that people speak of, and a part that says
where it comes from. Tests hold the names to the columns: what a name speaks of changes that column and no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from foregate.data.clock import YEAR
from foregate.data.columns import ColumnSpec
from foregate.data.input_spec import NEIGHBOURS, InputSpec
from foregate.data.statistics import SLOPES, SMOOTHING

__all__ = ["Feature", "Source", "encoder_features", "path_features", "step_features"]

Source = Literal["own", "time", "static", "past", "future"]

RECENT, SEASONAL, MEMORY = "recent values", "values a season ago", "seasonal memory"
LEVEL, TREND, RECORD, FACTS, AHEAD = "level", "trend", "record of the seasons", "kind of series", "steps ahead"
TIME = "time"
CYCLES = {1.0: "day", 7.0: "week", YEAR: "year"}
_SEASONS = ("short", "long")


@dataclass(frozen=True)
class Feature:
    """One column of what a network is told.

    Examples:
        >>> encoder_features(InputSpec(seasons=(7, 1)))[0]
        Feature(name='lag 1', group='recent values', source='own', lag=1)
    """

    name: str
    """What it is, such as ``lag 7`` or the name of a covariate. Columns of one covariate share its name."""
    group: str
    """What people speak of: one of the groups of a series' own past, ``time``, or the name of a covariate."""
    source: Source
    """Where it comes from: the series' ``own`` past, the ``time``, or a covariate of a role."""
    lag: int | None = None
    """How many rows before the row it lies, where it is one value of the past."""


def encoder_features(spec: InputSpec) -> tuple[Feature, ...]:
    """What the encoder reads of each row: (F,) as `Inputs.features` writes it.

    The last value is not among them: it is what all others are told above or below of.

    Examples:
        >>> spec = InputSpec(seasons=(7, 1), columns=(ColumnSpec("price", "future"),))
        >>> names = encoder_features(spec)
        >>> len(names) == spec.n_features, names[12].name, names[-1].name
        (True, 'lag 7', 'price, one step ahead')
    """
    return tuple(_encoder(spec))


def step_features(spec: InputSpec) -> tuple[Feature, ...]:
    """What the decoder sees of each step ahead: (S,) as `Inputs.steps` writes it.

    Examples:
        >>> spec = InputSpec(seasons=(24, 168))
        >>> len(step_features(spec)) == spec.n_steps
        True
    """
    return tuple(_steps(spec))


def path_features(spec: InputSpec) -> tuple[Feature, ...]:
    """The candidate paths that the decoder opens gates to: (P,) as `Inputs.steps` writes them.

    Examples:
        >>> spec = InputSpec(seasons=(24, 168))
        >>> len(path_features(spec)) == spec.n_profiles
        True
    """
    return (*_seasonal_paths(), *_slopes(), *_levels())


def _encoder(spec: InputSpec) -> Iterator[Feature]:
    for lag in spec.lags[: spec.recent]:
        yield Feature(f"lag {lag}", RECENT, "own", lag)
    around = spec.lags[spec.recent :]
    for i, lag in enumerate(around):
        kind = ("one short season", "one long season", "two short seasons")[i // len(NEIGHBOURS)]
        yield Feature(f"lag {lag}" if lag else f"{kind} ago (none)", SEASONAL, "own", lag or None)
    yield from _levels()
    yield from _slopes()
    yield Feature("change over a long season", TREND, "own")
    for what in (*_told("value {} ago"), *_memories(), *(f"a short season ago, slope {rate:g}" for rate in SLOPES)):
        yield Feature(f"error of {what}", RECORD, "own")
    for fact in (
        "rows seen",
        "short season",
        "long season",
        "relative scale",
        "in logarithms",
        "observed now",
        "rows since observed",
        "share of zeros",
        "short memory known",
        "long memory known",
    ):
        yield Feature(fact, FACTS, "own")
    for role in ("static", "past", "future"):
        yield from _columns(spec, role)
    yield from _columns(spec, "future", ", one step ahead")
    yield from _time(spec)


def _steps(spec: InputSpec) -> Iterator[Feature]:
    yield from _seasonal_paths()
    for what in ("one short season ago", "two short seasons ago", "one long season ago"):
        yield Feature(f"{what}: observed", SEASONAL, "own")
    for season in _SEASONS:
        yield Feature(f"{season} memory: how often", MEMORY, "own")
    for what in ("log of steps ahead", "root of steps ahead", "seasons ahead", "place in the season"):
        yield Feature(what, AHEAD, "own")
    yield from _columns(spec, "future")
    for season in _SEASONS:
        yield from _columns(spec, "future", f", a {season} season before")
    yield from _time(spec)


def _seasonal_paths() -> Iterator[Feature]:
    for what in ("one short season ago", "two short seasons ago", "one long season ago", "a long season ago, moved"):
        yield Feature(what, SEASONAL, "own")
    for what in _memories():
        yield Feature(what, MEMORY, "own")


def _memories() -> Iterator[str]:
    yield from (f"{kind} memory of the {season} season" for season in _SEASONS for kind in ("quick", "slow"))


def _told(text: str) -> Iterator[str]:
    yield from (text.format(f"a {season} season") for season in _SEASONS)


def _levels() -> Iterator[Feature]:
    yield Feature("average", LEVEL, "own")
    for rate in SMOOTHING:
        yield Feature(f"smoothed at {rate:g}", LEVEL, "own")


def _slopes() -> Iterator[Feature]:
    for rate in SLOPES:
        yield Feature(f"slope at {rate:g}", TREND, "own")


def _columns(spec: InputSpec, role: Source, when: str = "") -> Iterator[Feature]:
    for column in (each for each in spec.columns if each.role == role):
        yield from [_of(column, role, when)] * column.width


def _of(column: ColumnSpec, role: Source, when: str) -> Feature:
    return Feature(f"{column.name}{when}", column.name, role)


def _time(spec: InputSpec) -> Iterator[Feature]:
    """Sines of all cycles, then their cosines."""
    for wave in ("sine", "cosine"):
        for days in spec.clock.cycles:
            yield Feature(f"{wave} of {_cycle(days)}", TIME, "time")


def _cycle(days: float) -> str:
    """A cycle in words, harmonics as shares of it.

    Examples:
        >>> _cycle(7.0), _cycle(3.5)
        ('the week', 'the week / 2')
    """
    for whole, name in CYCLES.items():
        parts = whole / days
        if parts >= 1 and abs(parts - round(parts)) < 1e-9:
            return f"the {name}" + ("" if round(parts) == 1 else f" / {round(parts)}")
    return f"{days:g} days"
