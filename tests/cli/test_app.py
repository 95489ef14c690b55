"""Tests of the verbs together, also as people start them: as a program of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

import foregate

VERBS = ("demo", "audit", "forecast", "fit", "predict", "simulate", "backtest", "stream", "export")
PROGRAM = str(Path(sys.executable).with_name("foregate"))


def started(*words, **options):
    """A run of the program, in a process of its own."""
    return subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=120, check=False, **options)


def test_help_lists_the_verbs(run):
    """Every verb is there with one sentence, in the order of a first visit."""
    shown = run("--help").stdout
    places = [shown.find(f" {verb} ") for verb in VERBS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example(run, verb):
    """Help of each verb shows a command to start from."""
    assert f"$ foregate {verb}" in run(verb, "--help").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Usage: foregate"),
        (("forcast",), "No such command 'forcast'"),
        (("fit",), "Missing argument"),
        (("fit", "sales.csv", "--out", "m"), "Missing option '--horizon'"),
        (("fit", "sales.csv", "--horizon", "two", "--out", "m"), "Invalid value for '--horizon'"),
        (("audit", "sales.csv", "--colour"), "No such option: --colour"),
    ],
)
def test_wrong_use_is_code_2(run, words, said):
    """What cannot be understood is told, with code 2, and nothing is done."""
    assert said in run(*words, code=2).output


def test_version(run):
    """The version is the package's."""
    assert run("--version").stdout == f"{foregate.__version__}\n"


def test_the_program_speaks_on_two_channels(here):
    """Results on standard output, progress and errors on standard error, the code to the shell."""
    done = started("audit", "sales.csv")
    assert (done.returncode, done.stderr) == (0, "· reading sales.csv\n· auditing\n")
    assert done.stdout.startswith("Read      sales.csv: 2 series of 24 rows, step D, 2024-01-01 to 2024-01-24\n")
    failed = started("audit", "sale.csv", "--quiet")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert failed.stderr == (
        "Error: the source must be a file that exists, but 'sale.csv' does not. Did you mean 'sales.csv'?\n"
    )


def test_a_reader_that_goes_away_ends_it_quietly(here):
    """`foregate audit … | head` leaves no traceback."""
    done = subprocess.run(
        ["sh", "-c", f"'{PROGRAM}' audit sales.csv --json | true"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
