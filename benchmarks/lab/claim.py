"""What a claim is: what people say, the runs that put it to the test, and the figures that are made of them.

A run is a network, or several side by side, on the data of one seed. Figures compare runs of the same data and seed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.lab.scale import Scale

__all__ = [
    "Claim",
    "Default",
    "Experiment",
    "Figures",
    "Found",
    "Run",
    "Statement",
    "best",
    "gain",
    "more",
    "name_of",
    "points",
    "told",
]

Line = dict[str, Any]
Figures = dict[str, dict[int, float]]
"""Place -> seed -> figure."""
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """What is run at once, and makes one line of the log."""

    claim: str
    """Whose it is; others may use it too."""
    kind: str
    """One of `benchmarks.lab.kinds.KINDS`."""
    settings: Settings
    """Told to it: those of one contender; of several that are timed together, by name."""
    data: str
    seed: int

    def key(self, scale: str) -> str:
        """The same for runs that are the same."""
        return name_of(self.kind, self.settings, self.data, self.seed, scale)


def name_of(kind: str, settings: Settings, data: str, seed: int, scale: str) -> str:
    """The key of a run, or of its line."""
    return json.dumps([kind, settings, data, seed, scale], sort_keys=True)


@dataclass(frozen=True)
class Experiment:
    """Contenders on several data sets."""

    kind: str
    """Who runs them."""
    data: tuple[str, ...]
    contenders: Mapping[str, Settings]
    """Name -> what is told to it."""
    where: str = ""
    """What stands in brackets after the name of the data where one data set is read in several ways."""
    together: bool = False
    """Whether one run has all of them, in turns, as what is timed must be."""
    cheap: bool = False
    """Whether there are more seeds."""

    def place(self, data: str) -> str:
        """What a data set is called in tables."""
        return f"{data} ({self.where})" if self.where else data

    def seeds(self, scale: Scale) -> int:
        """How many."""
        return scale.cheap_seeds if self.cheap else scale.seeds


@dataclass(frozen=True)
class Statement:
    """One thing that is claimed: that a figure lies between two numbers."""

    words: str
    """What is claimed."""
    figure: Callable[[Found], Figures]
    low: float
    high: float
    unit: str = "%"
    """Behind the figure."""
    what: str = "lower error"
    """What the figure is, as the heading of a column."""


@dataclass(frozen=True)
class Claim:
    """What people say of one thing, and how it is put to the test."""

    name: str
    """On the command line."""
    title: str
    said: str
    """What tutorials say, in a sentence."""
    done: str
    """What was run, in a few sentences."""
    experiments: tuple[Experiment, ...]
    statements: tuple[Statement, ...]
    tables: tuple[tuple[str, str], ...] = (("mase", "MASE"),)
    """What is tabled of every contender: the key of a figure, and what it is called."""

    def runs(self, scale: Scale, seeds: int | None = None) -> Iterator[Run]:
        """All runs, seed by seed, so that a log that ends early has some of everything."""
        for seed in range(max(seeds or experiment.seeds(scale) for experiment in self.experiments)):
            for experiment in self.experiments:
                if seed >= (seeds or experiment.seeds(scale)):
                    continue
                told: Iterable[Settings] = (
                    [experiment.contenders] if experiment.together else experiment.contenders.values()
                )
                for settings in told:
                    for data in experiment.data:
                        yield Run(self.name, experiment.kind, settings, data, seed)


@dataclass(frozen=True)
class Default:
    """What Foregate does where nothing is said, and which runs speak of it."""

    words: str
    """What it does."""
    claim: str
    """The name of the claim whose runs are looked at."""
    contender: str
    """Which of them is the default, or nearest to it."""
    others: Mapping[str, str]
    """Contender -> what it does instead, in words."""
    where: str = "(Foregate)"
    """Which places count: those whose name ends so; empty for all."""


class Found:
    """The newest lines of a claim's runs.

    Args:
        claim: whose runs are looked for.
        lines: of the log, by the key of their runs.
        scale: of the runs.
    """

    def __init__(self, claim: Claim, lines: Mapping[str, Line], scale: str) -> None:
        self.claim, self._lines, self._scale = claim, lines, scale

    def of(self, contender: str, key: str) -> dict[str, dict[int, Any]]:
        """What a contender's runs say of a key: place -> seed -> whatever it is."""
        out: dict[str, dict[int, Any]] = {}
        for experiment in self.claim.experiments:
            if contender not in experiment.contenders:
                continue
            settings = experiment.contenders if experiment.together else experiment.contenders[contender]
            for data in experiment.data:
                for seed in range(MOST_SEEDS):
                    line = self._lines.get(name_of(experiment.kind, settings, data, seed, self._scale))
                    if line is None or "failed" in line:
                        continue
                    figures = line["figures"][contender] if experiment.together else line["figures"]
                    if key in figures:
                        out.setdefault(experiment.place(data), {})[seed] = figures[key]
        return out

    def contenders(self) -> list[str]:
        """Names, in the order they are declared."""
        return list(dict.fromkeys(name for each in self.claim.experiments for name in each.contenders))

    def places(self) -> list[str]:
        """Names, in the order they are declared."""
        return list(dict.fromkeys(each.place(data) for each in self.claim.experiments for data in each.data))


MOST_SEEDS = 32
"""Of any claim."""


def _paired(one: Figures, other: Figures, compare: Callable[[float, float], float]) -> Figures:
    """A figure of each place and seed that both have."""
    pairs = {
        place: {seed: compare(value, other[place][seed]) for seed, value in seeds.items() if seed in other[place]}
        for place, seeds in one.items()
        if place in other
    }
    return {place: seeds for place, seeds in pairs.items() if seeds}


def gain(contender: str, over: str, key: str = "mase") -> Callable[[Found], Figures]:
    """By how many per cent a contender's figure is lower than another's."""
    return lambda found: _paired(found.of(contender, key), found.of(over, key), lambda a, b: 100 * (1 - a / b))


def more(contender: str, than: str, key: str = "mase", *, percent: bool = True) -> Callable[[Found], Figures]:
    """By how many per cent a contender's figure is higher than another's; or how many times it is that."""
    scaled = (lambda a, b: 100 * (a / b - 1)) if percent else (lambda a, b: a / b)
    return lambda found: _paired(found.of(contender, key), found.of(than, key), scaled)


def points(contender: str, over: str, key: str) -> Callable[[Found], Figures]:
    """How much higher a contender's figure is than another's."""
    return lambda found: _paired(found.of(contender, key), found.of(over, key), lambda a, b: a - b)


def told(contender: str, key: str) -> Callable[[Found], Figures]:
    """What the runs of a contender say themselves."""
    return lambda found: found.of(contender, key)


def best(inside: Sequence[str], outside: Sequence[str], key: str = "mase") -> Callable[[Found], Figures]:
    """By how many per cent the best of some contenders is lower than the best of others.

    Which one is best in a place is said by the other seeds, so that none is chosen by what it is judged by.
    """

    def figure(found: Found) -> Figures:
        sides = [[found.of(name, key) for name in names] for names in (inside, outside)]
        out: Figures = {}
        for place in {place for side in sides for each in side for place in each}:
            there = [[each[place] for each in side if place in each] for side in sides]
            seeds = set.intersection(*(set(each) for side in there for each in side)) if all(there) else set()
            for seed in sorted(seeds) if len(seeds) > 1 else ():
                others = seeds - {seed}
                chosen = [min(side, key=lambda each: np.mean([each[s] for s in others]))[seed] for side in there]
                out.setdefault(place, {})[seed] = 100 * (1 - chosen[0] / chosen[1])
        return {place: out[place] for place in sorted(out)}

    return figure
