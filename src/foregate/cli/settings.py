"""`--set NAME=VALUE`: what `Forecaster(options={…})` takes, as text; names, types and defaults are the code's own."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

__all__ = ["Setting", "listing", "options_of", "settings"]

NONE = "none"
"""What stands for None."""
WIDTH = 100
"""Characters of a line of the listing."""
LIKENESS = 0.6
"""Of a name that is guessed, from 0 to 1."""
_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a name"}
_EXAMPLES = {int: "2", float: "0.01", bool: "true", str: "adamw"}


@dataclass(frozen=True)
class Setting:
    """One thing that can be set."""

    kind: Any
    """Its type, as the field is annotated."""
    usual: Any
    """What it is if nobody sets it."""
    meaning: str
    """The docstring under the field."""

    @property
    def values(self) -> str:
        """What may be given, in words.

        Examples:
            >>> settings()["hidden"].values, settings()["combine"].values
            ('a whole number or none', 'weights or median')
        """
        words = [NONE if kind is NoneType else _words(kind) for kind in _kinds(self.kind)]
        return " or ".join(words)

    @property
    def default(self) -> str:
        """What is usual, as it would be typed; empty for a group of names, of which none is given."""
        return "" if isinstance(self.usual, dict) else _written(self.usual)


def settings() -> dict[str, Setting]:
    """Name -> what can be set, in the order of the fields; a name that ends in ``.NAME`` stands for any name there.

    Examples:
        >>> [name for name in settings() if name.startswith("augment.")][:2]
        ['augment.jitter', 'augment.scaling']
        >>> settings()["training.optimizer"].default
        'adamw'
    """
    from foregate.pipeline.recipe import OF_TRAINING, Recipe
    from foregate.training.options import TrainingOptions

    found: dict[str, Setting] = {}
    for name, setting in _fields(Recipe):
        if name in _with_option():
            continue
        if name == "training":
            found.update((f"training.{inner}", one) for inner, one in _fields(TrainingOptions) if inner in OF_TRAINING)
        elif groups := [kind for kind in _kinds(setting.kind) if dataclasses.is_dataclass(kind)]:
            found.update((f"{name}.{inner}", one) for inner, one in _fields(groups[0]))
        else:
            found[name] = setting
    return {f"{name}.NAME" if get_origin(one.kind) is dict else name: one for name, one in found.items()}


def options_of(given: Sequence[str]) -> dict[str, Any]:
    """Texts such as ``hidden=64`` or ``augment.jitter=0.03`` as the options of a forecaster.

    Raises:
        UsageError: one is no setting, is said twice, or has a value that its field cannot have.

    Examples:
        >>> options_of(["hidden=64", "training.optimizer=sgd", "training.optimizer_options.nesterov=true"])
        {'hidden': 64, 'training': {'optimizer': 'sgd', 'optimizer_options': {'nesterov': True}}}
    """
    from foregate.core import UsageError
    from foregate.data.augment import Augment

    known, options, said = settings(), dict[str, Any](), set[str]()
    for text in given:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals:
            raise UsageError(f"--set must be NAME=VALUE, but got {text!r}. Give for example --set hidden=64.")
        *groups, last = name.split(".")
        above = ".".join([*groups, "NAME"])
        if (name not in known and above not in known) or last in ("", "NAME"):
            _refuse_name(name, known)
        if name in said:
            raise UsageError(f"--set must name a setting once, but got two of {name!r}. Leave one of them out.")
        said.add(name)
        kind = known[name].kind if name in known else get_args(known[above].kind)[1]
        into = options
        for group in groups:
            into = into.setdefault(group, {})
        into[last] = _read(name, kind, value, known.get(name))
    if "augment" in options:
        options["augment"] = Augment(**options["augment"])
    return options


def listing() -> str:
    """All of them for people who read them in a terminal: name, default and values, and below what is meant."""
    lines = ["What --set NAME=VALUE can say, and what is usual:", ""]
    for name, one in settings().items():
        lines += [f"{name}{f'={one.default}' * bool(one.default)}  ({one.values})"]
        lines += textwrap.wrap(one.meaning, WIDTH, initial_indent="    ", subsequent_indent="    ")
    return "\n".join(lines)


def _with_option() -> tuple[str, ...]:
    """Fields of a recipe that have an option of their own on the command line."""
    from foregate.forecaster.given import OWN

    return (*OWN, "weights")


def _fields(cls: Any) -> Iterator[tuple[str, Setting]]:
    """Every field of a dataclass."""
    hints, meanings = get_type_hints(cls), _meanings(cls)
    for field in dataclasses.fields(cls):
        usual = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        yield field.name, Setting(hints[field.name], usual, meanings.get(field.name, ""))


def _meanings(cls: type) -> dict[str, str]:
    """Field -> the docstring under it, as plain text."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    found = {}
    for node, below in zip(body.body, body.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            found[ast.unparse(node.target)] = " ".join(str(below.value.value).replace("``", "`").split())
    return found


def _kinds(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _words(kind: Any) -> str:
    """What values a type has."""
    if get_origin(kind) is Literal:
        *words, last = get_args(kind)
        return f"{', '.join(words)} or {last}"
    if get_origin(kind) is dict:
        return _words(get_args(kind)[1])
    return "a number, a name, true, false or several joined by commas" if kind is Any else _WORDS[kind]


def _written(value: Any) -> str:
    return NONE if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _read(name: str, kind: Any, text: str, setting: Setting | None) -> Any:
    """A text as a value of a type.

    Raises:
        UsageError: it is none.
    """
    from foregate.core import UsageError

    if kind is Any:
        parts = [_guessed(part.strip()) for part in text.split(",")]
        return tuple(parts) if len(parts) > 1 else parts[0]
    for one in _kinds(kind):
        try:
            return _value(one, text)
        except ValueError:
            continue
    (first, *_), usual = _kinds(kind), None if setting is None else setting.usual
    example = _written(usual) if usual is not None else _EXAMPLES[first]
    words = Setting(kind, None, "").values
    raise UsageError(f"{name} must be {words}, but got {text!r}. Give for example --set {name}={example}.")


def _value(kind: Any, text: str) -> Any:
    """A text as a value of one type; ValueError where it is none."""
    words: Mapping[str, Any] | None = None
    if kind is NoneType:
        words = {NONE: None}
    elif kind is bool:
        words = {"true": True, "false": False}
    elif get_origin(kind) is Literal:
        words = {str(word): word for word in get_args(kind)}
    if words is None:
        return kind(text)
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


def _guessed(text: str) -> Any:
    """A text as what it looks like, where the type is not known."""
    for kind in (int, float, bool, NoneType):
        try:
            return _value(kind, text)
        except ValueError:
            continue
    return text


def _refuse_name(name: str, known: Mapping[str, Setting]) -> NoReturn:
    """Say what may be set, and what was likely meant."""
    from foregate.core import UsageError

    if name in _with_option():
        raise UsageError(
            f"--set must name what has no option of its own, but got {name!r}. Give --{name.replace('_', '-')}."
        )
    last = {one.removesuffix(".NAME").split(".")[-1]: one for one in known}
    words = [word for word in name.lower().replace(".", "_").split("_") if word in last]
    near = [one for one in known if one.startswith(f"{name}.")]
    near += [last[word] for word in [name, *reversed(words)] if word in last]
    for names in (last, {one: one for one in known}):
        near += [names[one] for one in get_close_matches(name.lower(), list(names), 1, LIKENESS)]
    guess = f"Did you mean {near[0]!r}? " if near else ""
    raise UsageError(f"--set must name a setting, but got {name!r}. {guess}--set help lists them all.")
