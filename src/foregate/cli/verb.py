"""What every verb shares: groups of options become parameters, and errors become one sentence and an exit code."""

from __future__ import annotations

import dataclasses
import errno
import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_type_hints

import typer

from foregate.cli.options import Reading, Training
from foregate.cli.origins import Origins

__all__ = ["verb"]


def verb(function: Callable[..., None]) -> Callable[..., None]:
    """A function as typer takes it.

    A parameter whose type is a dataclass of options is spread into its fields, and put together again for the call.
    Errors that are raised on purpose end with code 2 for wrong use and 1 for the rest, Ctrl-C with 130; any other
    exception is a defect of Foregate and is shown in full.
    """
    groups, parameters = _spread(function)

    def call(**given: Any) -> None:
        with_code(lambda: function(**_gathered(groups, given)), trains=Training in groups.values())

    call.__name__, call.__doc__ = function.__name__, function.__doc__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {one.name: one.annotation for one in parameters}
    return call


def with_code(run: Callable[[], None], *, trains: bool = False) -> None:
    """Call `run`, and end the program with a sentence and a code if it fails as can be expected.

    Args:
        run: what to do.
        trains: whether it takes `--set`, by which the sentence may then be heeded.
    """
    try:
        run()
    except KeyboardInterrupt:
        typer.echo("Interrupted. What was there before is unchanged.", err=True)
        raise typer.Exit(130) from None
    except OSError as error:
        if error.errno == errno.EPIPE:  # whoever read our output has gone
            raise
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    except Exception as error:
        from foregate.core import ForegateError, UsageError

        if not isinstance(error, ForegateError):
            raise
        typer.echo(_told(str(error), trains=trains), err=True)
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from None


def _spread(function: Callable[..., None]) -> tuple[dict[str, type], list[inspect.Parameter]]:
    hints = get_type_hints(function, include_extras=True)
    groups: dict[str, type] = {}
    parameters = []
    for name, parameter in inspect.signature(function).parameters.items():
        if not dataclasses.is_dataclass(hints[name]):
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        group = groups[name] = hints[name]
        types = get_type_hints(group, include_extras=True)
        for field in fields(group):
            missing = field.default is dataclasses.MISSING
            default = inspect.Parameter.empty if missing else field.default
            kind = inspect.Parameter.KEYWORD_ONLY
            parameters.append(inspect.Parameter(field.name, kind, default=default, annotation=types[field.name]))
    return groups, parameters


def _gathered(groups: dict[str, type], given: dict[str, Any]) -> dict[str, Any]:
    for name, group in groups.items():
        given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
    return given


def _told(message: str, *, trains: bool) -> str:
    """The sentence of an error, and what the arguments it names are called on the command line."""
    named = dict.fromkeys(re.findall(r"(?<!--set )(?<![\w.])([a-z_]+)=", message))
    options = {
        field.name: f"--{field.name.replace('_', '-')}"
        for each in (Reading, Training, Origins)
        for field in fields(each)
    }
    if trains and named.keys() - options.keys():
        from foregate.cli.settings import settings

        options = {name.split(".")[-1]: f"--set {name}" for name in settings()} | options
    said = [options[name] for name in named if name in options]
    return f"Error: {message}" + f"\nOn the command line: {', '.join(said)}" * bool(said)
