"""Every setting of a forecaster by name, and a recipe with some of them changed.

Names are those of ``--set`` and of `foregate.Recipe`: ``hidden``, ``training.decay``, ``augment.jitter``; besides them
``model`` for a whole network and ``model.cell``, ``model.dropout.between``, … for its parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, replace
from difflib import get_close_matches
from functools import cache
from typing import Any, NoReturn

from foregate.core import UsageError
from foregate.data.augment import Augment
from foregate.models.cell_spec import Dropout, ForgetGate
from foregate.models.options import ModelOptions
from foregate.pipeline.recipe import OF_TRAINING, Recipe
from foregate.training.options import TrainingOptions

__all__ = ["applied", "require_name", "tunable", "value_of"]

APART = ("horizon", "seed", "model", "augment", "training")
"""Fields of a recipe that are not tuned as such: they say what is asked for, or hold others."""
GROUPS = {"dropout": Dropout, "forget": ForgetGate}
"""Fields of a model that hold others."""
BEGINS = ("value", "retain_steps", "preset", "chrono")
"""How a forget gate begins, of which exactly one is said."""
OPEN = ("training.optimizer_options", "training.schedule_options")
"""What holds any name."""


@cache
def tunable() -> tuple[str, ...]:
    """The names of all settings that can be tuned; below `OPEN` ones stands any name after a dot.

    Examples:
        >>> names = tunable()
        >>> [name for name in names if name.startswith("model.dropout")]
        ['model.dropout.recurrent', 'model.dropout.between', 'model.dropout.output']
        >>> {"hidden", "rate", "training.decay", "augment.jitter", "model"} <= set(names)
        True
    """
    return tuple(_names())


def require_name(name: object) -> str:
    """A name of a setting that can be tuned.

    Raises:
        UsageError: it is none; says which was likely meant.

    Examples:
        >>> require_name("training.optimizer_options.momentum")
        'training.optimizer_options.momentum'
    """
    if not isinstance(name, str) or not (name in tunable() or (name.rpartition(".")[0] in OPEN and name[-1] != ".")):
        _refuse(name)
    return name


def value_of(recipe: Recipe, name: str) -> Any:
    """What a setting is in a recipe; None where nothing is said of it.

    Examples:
        >>> value_of(Recipe(horizon=3), "model.cell"), value_of(Recipe(horizon=3), "training.decay")
        ('lstm', 0.0001)
    """
    group, _, inner = name.partition(".")
    if not inner:
        return recipe.model.label if name == "model" else getattr(recipe, name)
    if group == "training":
        whole, _, last = inner.partition(".")
        usual = getattr(TrainingOptions(1), whole)
        said = recipe.training.get(whole, usual)
        return said.get(last) if last else said
    thing: Any = recipe.model if group == "model" else recipe.augment or Augment()
    for part in inner.split("."):
        thing = getattr(thing, part)
    return thing


def applied(recipe: Recipe, point: Mapping[str, Any]) -> Recipe:
    """The recipe with some settings changed, all at once, so that only the whole has to make sense.

    Args:
        recipe: to begin with.
        point: name of a setting -> its value.

    Raises:
        UsageError: a name is unknown, or the values contradict one another.

    Examples:
        >>> changed = applied(Recipe(horizon=3), {"model.cell": "gru", "hidden": 32, "training.decay": 0.01})
        >>> changed.model, changed.hidden, changed.training
        (ModelOptions('gru'), 32, {'decay': 0.01})
    """
    own: dict[str, Any] = {}
    inner: dict[str, dict[str, Any]] = {"model": {}, "augment": {}, "training": {}}
    for name, value in point.items():
        group, _, rest = require_name(name).partition(".")
        into, key = (inner[group], rest) if rest else (own, name)
        into[key] = tuple(value) if isinstance(value, list) else value
    whole = own.pop("model", recipe.model)
    model = ModelOptions.parse(whole or "") if isinstance(whole, str | None) else whole
    if inner["model"]:
        model = _model(model, inner["model"])
    if inner["augment"]:
        own["augment"] = replace(recipe.augment or Augment(), **inner["augment"])
    if inner["training"]:
        own["training"] = _training(recipe.training, inner["training"])
    return replace(recipe, model=model, **own)


def _names() -> Iterator[str]:
    yield from (f.name for f in fields(Recipe) if f.name not in APART)
    yield "model"
    for f in fields(ModelOptions):
        if f.name in GROUPS:
            yield from (f"model.{f.name}.{inner.name}" for inner in fields(GROUPS[f.name]))
        else:
            yield f"model.{f.name}"
    yield from (f"augment.{f.name}" for f in fields(Augment))
    yield from (f"training.{name}" for name in OF_TRAINING)


def _model(model: ModelOptions, given: Mapping[str, Any]) -> ModelOptions:
    changed = {name: value for name, value in given.items() if "." not in name}
    for group, kind in GROUPS.items():
        within = {name.partition(".")[2]: value for name, value in given.items() if name.startswith(f"{group}.")}
        if within:
            before = asdict(getattr(model, group))
            if any(within.get(name) is not None for name in BEGINS):
                before = {name: value for name, value in before.items() if name not in BEGINS}
            changed[group] = kind(**(before | within))
    return replace(model, **changed)


def _training(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    training = dict(before)
    for name, value in given.items():
        whole, _, last = name.partition(".")
        training[whole] = {**training.get(whole, {}), last: value} if last else value
    return training


def _refuse(name: object) -> NoReturn:
    known = tunable()
    last = {one.split(".")[-1]: one for one in reversed(known)}
    text = str(name).lower()
    near = get_close_matches(text, known, 1) or [last[one] for one in get_close_matches(text, list(last), 1)]
    guess = f" Did you mean {near[0]!r}?" if near else " foregate.tuning.tunable() lists them all."
    raise UsageError(f"a space must name settings that can be tuned, but got {name!r}.{guess}")
