"""What is searched: settings that are tried, settings that are fixed, and no point that contradicts itself."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from foregate.core import UsageError, listed
from foregate.models.options import ModelOptions
from foregate.pipeline.recipe import Recipe
from foregate.tuning.dimensions import Choice, Dimension, LogRange, Range, holds, label
from foregate.tuning.names import applied, require_name, value_of

if TYPE_CHECKING:
    from optuna.trial import Trial

__all__ = ["Point", "Space", "usual_space"]

Point = dict[str, Any]
"""Name of a setting -> its value, of those that matter together."""

MOST_CHECKED, DRAWN = 2_000, 500
"""Points at which contradictions are looked for: at the ends all, where there are no more, and else so many drawn."""
MOST_POINTS = 2_000
"""Points of a grid."""
SCRATCH = {"start": "scratch"}
"""What can be chosen only where no weights are there before."""


@dataclass(frozen=True)
class Space:
    """Settings, and what each may be: a `Choice`, a `Range`, a `LogRange`, or a plain value to fix it.

    Examples:
        >>> space = Space({"rate": LogRange(1e-4, 1e-2), "hidden": Choice(16, 32), "start": "scratch"})
        >>> list(space.dimensions), space.fixed
        (['rate', 'hidden'], {'start': 'scratch'})
    """

    settings: Mapping[str, Any]
    """Name of a setting, see `foregate.tuning.tunable` -> what it may be, or what it is."""

    def __post_init__(self) -> None:
        if not isinstance(self.settings, Mapping):
            raise UsageError(
                f"a space must be a dict from names to what they may be, but got {self.settings!r}. Give for example "
                '{"hidden": Choice(32, 64)}.'
            )
        for name, one in self.settings.items():
            require_name(name)
            if not isinstance(one, Dimension):
                label(one)
        for name, dimension in self.dimensions.items():
            for other in dimension.when:
                require_name(other)
                if other == name or getattr(self.settings.get(other), "when", None):
                    raise UsageError(
                        f"what {name} depends on must be a setting that depends on none itself, but got {other!r}. "
                        "Name what that one depends on."
                    )
        object.__setattr__(self, "settings", {name: _listed(one) for name, one in self.settings.items()})

    @property
    def dimensions(self) -> dict[str, Dimension]:
        """What is tried."""
        return {name: one for name, one in self.settings.items() if isinstance(one, Dimension)}

    @property
    def fixed(self) -> Point:
        """What is not."""
        return {name: one for name, one in self.settings.items() if not isinstance(one, Dimension)}

    def changed(self, by: Mapping[str, Any]) -> Space:
        """The same with other settings in place of its own or beside them.

        Examples:
            >>> Space({"hidden": Choice(16, 32)}).changed({"hidden": 64}).settings
            {'hidden': 64}
        """
        return Space({**self.settings, **Space(by).settings})

    def within(self, recipe: Recipe) -> Space:
        """The same for a recipe, checked: what depends on settings that are not tried does so no more, or is left out.

        Raises:
            UsageError: nothing is left to try, or some point contradicts itself; says which and why.
        """
        there = dict(self.settings)
        for name, dimension in self.dimensions.items():
            still: Point = {}
            for other, wanted in dimension.when.items():
                if isinstance(there.get(other), Dimension):
                    self._check_condition(name, other, wanted)
                    still[other] = wanted
                elif not holds(self.fixed[other] if other in self.fixed else value_of(recipe, other), wanted):
                    del there[name]
                    break
            else:
                there[name] = _when(dimension, still)
        space = Space(there)
        if not space.dimensions:
            raise UsageError(
                "a space must have something to try, but got only fixed values. Give a Choice, a Range or a LogRange."
            )
        space.check(recipe)
        return space

    def check(self, recipe: Recipe) -> None:
        """Refuse points that contradict themselves: all are looked at, or as many as take no time.

        Raises:
            UsageError: says which and why.
        """
        for point in self._looked_at():
            try:
                made = applied(recipe, point)
            except UsageError as error:
                tried = ", ".join(f"{name}={label(value)}" for name, value in point.items())
                raise UsageError(
                    f"every point of a space must make sense, but got {tried}: {error} Where settings matter only "
                    "together, give when={…}."
                ) from None
            if made.effort == "instant":
                raise UsageError("effort must be one that trains, but got 'instant' in the space. Give 'fast'.")

    def suggested(self, trial: Trial) -> Point:
        """The point that a sampler chooses."""
        point: Point = {}
        for name, dimension in self._in_order():
            if _matters(dimension, point):
                point[name] = dimension.suggested(trial, name)
        return point

    def grid(self) -> list[Point]:
        """Every point once.

        Raises:
            UsageError: there is no end to them, or there are too many.
        """
        size = math.prod(len(dimension.grid) for dimension in self.dimensions.values())
        if size > MOST_POINTS * 100:
            raise UsageError(_too_many(size))
        found: dict[str, Point] = {}
        names = [name for name, _ in self._in_order()]
        for values in itertools.product(*(dimension.grid for _, dimension in self._in_order())):
            point = self._cut(dict(zip(names, values, strict=True)))
            found[label([[name, value] for name, value in point.items()])] = point
        if len(found) > MOST_POINTS:
            raise UsageError(_too_many(len(found)))
        return list(found.values())

    def stored(self, point: Point) -> Point:
        """A point as a study keeps it."""
        return {name: self.dimensions[name].stored(value) for name, value in point.items()}

    def restored(self, params: Mapping[str, Any]) -> Point:
        """A point from a study."""
        return {name: self.dimensions[name].restored(value) for name, value in params.items()}

    def document(self) -> dict[str, Any]:
        """In types that JSON knows."""
        return {name: one.document() if isinstance(one, Dimension) else one for name, one in self.settings.items()}

    def _check_condition(self, name: str, other: str, wanted: Any) -> None:
        """Refuse what never happens."""
        named = self.dimensions[other]
        possible = wanted if isinstance(wanted, tuple) else (wanted,)
        if isinstance(named, Choice) and not any(holds(value, wanted) for value in named.values):
            raise UsageError(
                f"{name} must depend on something that happens, but got {other}={listed(possible)}, and {other} is one "
                f"of {listed(named.values)}. Choose one of these."
            )

    def _in_order(self) -> list[tuple[str, Dimension]]:
        """What others depend on comes first."""
        return sorted(self.dimensions.items(), key=lambda each: bool(each[1].when))

    def _cut(self, point: Point) -> Point:
        """Without what does not matter."""
        return {name: value for name, value in point.items() if _matters(self.dimensions[name], point)}

    def _looked_at(self) -> Iterator[Point]:
        """Points at which contradictions show: of ranges the ends, of choices all."""
        order = self._in_order()
        if math.prod(len(dimension.tried) for _, dimension in order) <= MOST_CHECKED:
            for values in itertools.product(*(dimension.tried for _, dimension in order)):
                yield self.fixed | self._cut({name: v for (name, _), v in zip(order, values, strict=True)})
            if all(isinstance(dimension, Choice) for _, dimension in order):
                return
        rng = np.random.default_rng(0)
        for i in range(DRAWN):
            drawn = {}
            for name, dimension in order:  # half of them at the ends, where most contradictions are
                ends = dimension.tried
                drawn[name] = ends[int(rng.integers(len(ends)))] if i % 2 else dimension.drawn(rng)
            yield self.fixed | self._cut(drawn)


def usual_space(recipe: Recipe) -> Space:
    """What is tried unless something else is said: what a recipe does not say itself.

    The pretrained network with its rate, batch and regularisation, and networks from scratch with their sizes, cell,
    encoder and head. `docs/tuning.md` lists it.

    Examples:
        >>> "hidden" in usual_space(Recipe(horizon=3)).settings
        True
        >>> "hidden" in usual_space(Recipe(horizon=3, hidden=16, start="scratch")).settings
        False
    """
    space: dict[str, Any] = {
        "start": Choice("pretrained", "scratch"),
        "members": Choice(1, 2),
        "rate": LogRange(5e-4, 2e-2),
        "batch": Choice(16, 32, 64, 96),
        "training.decay": LogRange(1e-6, 1e-2),
        "training.averaging": Choice(0.9, 0.98, 0.995),
        "model.dropout.between": Range(0.0, 0.4, step=0.1),
        "augment.jitter": Choice(0.0, 0.03, 0.1),
        "hidden": Choice(32, 64, 96, 128, when=SCRATCH),
        "layers": Choice(1, 2, 3, when=SCRATCH),
        "decoder": Choice(32, 64, 128, when=SCRATCH),
        "recent": Choice(6, 12, 24, when=SCRATCH),
        "model.cell": Choice("lstm", "gru", when=SCRATCH),
        "model.encoder": Choice("residual", "stacked", "patched", when=SCRATCH),
        "model.head": Choice("quantiles", "student-t", when=SCRATCH),
        "model.forget.value": Choice(0.0, 1.0, 2.0, when=SCRATCH),
    }
    plain, model = Recipe(recipe.horizon), recipe.model
    own = {name for name in space if value_of(recipe, name) != value_of(plain, name)}
    if replace(model, dropout=plain.model.dropout) != ModelOptions():  # a network that was chosen stays
        own |= {name for name in space if name.startswith("model.") and name != "model.dropout.between"} | {"start"}
    if model.strategy == "recursive":
        own.add("members")
    if recipe.training.get("stateful"):
        own.add("augment.jitter")
    return Space({name: dimension for name, dimension in space.items() if name not in own})


def _listed(one: Any) -> Any:
    """A fixed value of several numbers as the only one to choose, since a list stands for a choice in files."""
    return Choice(one) if isinstance(one, (tuple, list)) else one


def _matters(dimension: Dimension, point: Point) -> bool:
    return all(other in point and holds(point[other], wanted) for other, wanted in dimension.when.items())


def _when(dimension: Dimension, when: Point) -> Dimension:
    return Choice(*dimension.values, when=when) if isinstance(dimension, Choice) else replace(dimension, when=when)


def _too_many(size: int) -> str:
    return (
        f"a grid must have at most {MOST_POINTS:,} points, but got {size:,}. Try fewer settings or values, or sample: "
        "sampler='tpe'."
    )
