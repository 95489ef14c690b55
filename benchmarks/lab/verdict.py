"""When a claim held: intervals of paired differences, and the rule that turns them into a word. Numpy alone.

A claim says where a figure lies, such as a gain of 3 to 10 %. It is measured in several places (a data set, read by one
kind of network) and several times in each, with seeds of their own; what is compared shares the seed. Then:

1. In a place the interval is Student's t over its seeds, at 95 %. It lies within what is claimed (yes), apart from it
   (no), or reaches across a bound (open).
2. Over all places the figure is the mean of the places' means, with the variance that follows from theirs and the
   degrees of freedom of Welch and Satterthwaite. Places are taken as they are, not as a sample of others; those that
   have one seed alone are left out.
3. No place says no and the whole interval lies within: it *held*. No place says yes and the whole interval lies apart:
   it *did not hold*. Otherwise it *depends on* the data where some place has an answer, and on the seed where none has:
   these runs cannot tell it from chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["Interval", "Place", "Verdict", "interval", "judge", "overall", "student"]

Word = Literal["held", "did not hold", "depends on"]
Answer = Literal["yes", "no", "open"]

LEVEL = 0.95
"""Of intervals."""


@dataclass(frozen=True)
class Interval:
    """A mean and where it may lie."""

    mean: float
    low: float
    high: float

    def within(self, low: float, high: float) -> Answer:
        """Whether it lies in a range."""
        if low <= self.low and self.high <= high:
            return "yes"
        return "no" if self.high < low or high < self.low else "open"


@dataclass(frozen=True)
class Place:
    """What was found in one place."""

    name: str
    found: Interval
    seeds: int
    answer: Answer


@dataclass(frozen=True)
class Verdict:
    """What is left of a claim."""

    word: Word
    on: str
    """``the data``, ``the seed``, or empty where it depends on nothing."""
    figure: Interval
    """Over all places."""
    places: tuple[Place, ...]

    def __str__(self) -> str:
        """The word, and what it depends on: where it is so, and where not."""
        if self.on != "the data":
            return f"{self.word} {self.on}".strip()
        told = {word: [place.name for place in self.places if place.answer == word] for word in ("yes", "no")}
        named = "; ".join(f"{word} on {', '.join(names)}" for word, names in told.items() if names)
        return f"{self.word} {self.on}: {named}"


def student(freedom: float, level: float = LEVEL) -> float:
    """How many standard errors an interval goes to either side.

    Examples:
        >>> round(student(2), 3), round(student(1e9), 3)
        (4.303, 1.96)
    """
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, freedom))


def interval(values: Sequence[float]) -> Interval:
    """Of a mean, by Student's t; without end where there is one value alone.

    Examples:
        >>> interval([1.0, 2.0, 3.0])
        Interval(mean=2.0, low=-0.48..., high=4.48...)
    """
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return Interval(mean, -math.inf, math.inf)
    half = student(n - 1) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half)


def overall(groups: Sequence[Sequence[float]]) -> Interval:
    """Of the mean of the groups' means, which are taken as they are.

    Examples:
        >>> overall([[1.0, 2.0, 3.0], [11.0, 12.0, 13.0]]).mean
        7.0
    """
    mean = float(np.mean([np.mean(group) for group in groups]))
    if any(len(group) < 2 for group in groups):
        return Interval(mean, -math.inf, math.inf)
    parts = np.array([np.var(group, ddof=1) / len(group) for group in groups]) / len(groups) ** 2
    total = float(parts.sum())
    if total == 0:
        return Interval(mean, mean, mean)
    freedom = total**2 / sum(part**2 / (len(group) - 1) for part, group in zip(parts, groups, strict=True))
    half = student(freedom) * math.sqrt(total)
    return Interval(mean, mean - half, mean + half)


def judge(figures: Mapping[str, Sequence[float]], low: float, high: float) -> Verdict:
    """The verdict on a claim that figures lie between `low` and `high`, from the figures of every place.

    Raises:
        ValueError: there are no figures.

    Examples:
        >>> print(judge({"loads": [5.0, 5.1, 4.9], "sales": [4.0, 4.1, 4.2]}, 3, 10))
        held
        >>> print(judge({"loads": [5.0, 5.1, 4.9], "sales": [0.0, 0.1, 0.2]}, 3, 10))
        depends on the data: yes on loads; no on sales
    """
    if not any(len(values) for values in figures.values()):
        raise ValueError("figures must be there for one place at least, but got none. Run the claim first.")
    there = {name: values for name, values in figures.items() if len(values)}
    several = [values for values in there.values() if len(values) > 1] or list(there.values())
    places = []
    for name, values in there.items():
        found = interval(values)
        places.append(Place(name, found, len(values), found.within(low, high)))
    whole = overall(several)
    answer = whole.within(low, high)
    said = {place.answer for place in places}
    if answer == "yes" and "no" not in said:
        return Verdict("held", "", whole, tuple(places))
    if answer == "no" and "yes" not in said:
        return Verdict("did not hold", "", whole, tuple(places))
    if said == {"open"}:
        return Verdict("depends on", "the seed", whole, tuple(places))
    return Verdict("depends on", "the data", whole, tuple(places))
