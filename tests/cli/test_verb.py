"""Tests of what every verb shares."""

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from foregate.cli.verb import verb, with_code
from foregate.core import DataError, ForegateError, MissingExtraError, UsageError


@dataclass(frozen=True)
class Size:
    """A group of options."""

    width: Annotated[int, typer.Option("--width", help="How wide.")]
    names: Annotated[list[str] | None, typer.Option("--name")] = None

    def __post_init__(self):
        if self.width < 0:
            raise UsageError("width must be at least 0.")


def draw(shape: Annotated[str, typer.Argument()], size: Size, *, bold: Annotated[bool, typer.Option("--bold")] = False):
    """Draw a shape."""
    typer.echo(f"{shape} {size.width} {size.names} {bold}")


def invoke(*words):
    app = typer.Typer()
    app.command()(verb(draw))
    return CliRunner().invoke(app, list(words))


def test_a_group_is_spread_into_options_and_gathered_again():
    """Fields of a dataclass are options of their own, with their types, and the verb gets the dataclass."""
    result = invoke("square", "--width", "3", "--name", "a", "--name", "b", "--bold")
    assert (result.exit_code, result.output.strip()) == (0, "square 3 ['a', 'b'] True")
    assert invoke("square", "--width", "3").output.strip() == "square 3 None False"


def test_a_field_without_default_is_required():
    """What has no default must be given, and typer says so with code 2."""
    result = invoke("square")
    assert result.exit_code == 2
    assert "--width" in result.stderr


def test_a_contradiction_in_a_group_is_wrong_use():
    """What a group refuses ends like any other wrong argument."""
    result = invoke("square", "--width", "-1")
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", "Error: width must be at least 0.\n")


def fail(error):
    def run():
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("a must be b."), 2, "Error: a must be b.\n"),
        (DataError("a must be b."), 1, "Error: a must be b.\n"),
        (ForegateError("a must be b."), 1, "Error: a must be b.\n"),
        (MissingExtraError("a", "b"), 1, 'Error: a needs the "b" extra. Install it: pip install "foregate[b]"\n'),
        (OSError(28, "No space left on device", "a.csv"), 1, "Error: [Errno 28] No space left on device: 'a.csv'\n"),
        (KeyboardInterrupt(), 130, "Interrupted. What was there before is unchanged.\n"),
    ],
    ids=lambda one: type(one).__name__,
)  # fmt: skip
def test_errors_become_a_sentence_and_a_code(error, code, said, capsys):
    """Wrong use is 2, a problem with data, model or machine is 1, Ctrl-C is 130; all on standard error."""
    with pytest.raises(typer.Exit) as ended:
        with_code(fail(error))
    assert ended.value.exit_code == code
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize("error", [RuntimeError("a defect"), BrokenPipeError(32, "Broken pipe")])
def test_other_errors_are_shown_in_full(error):
    """A defect keeps its traceback, and a reader that has gone is left to typer."""
    with pytest.raises(type(error)):
        with_code(fail(error))


def test_arguments_get_the_names_of_the_command_line(capsys):
    """Where a message names arguments of the API, the options that say the same follow, each once."""
    with pytest.raises(typer.Exit):
        with_code(fail(DataError("Name it: target_col='a' or options=ReadOptions(decimal=','), target_col='b'.")))
    assert capsys.readouterr().err.splitlines()[1:] == ["On the command line: --target-col, --decimal"]
