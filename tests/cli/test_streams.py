"""Laws of the streams of the command line: nobody who closes one of them gets a traceback."""

import subprocess
import sys

import pytest

MODULE = f"{sys.executable} -m foregate"


def ran(command):
    """A line of a shell."""
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=300)


def test_the_package_can_be_run():
    """`python -m foregate` is the command line."""
    done = ran(f"{MODULE} --version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("config >&-", 1, "standard output must be open"),
        ("--version >&-", 1, "standard output must be open"),
        ("config > /dev/full", 1, "No space left"),
        ("config 2>&- >/dev/null", 0, ""),
        ("config 2>&- >&-", 1, ""),
        ("config <&- >/dev/null", 0, ""),
    ],
)
def test_a_stream_that_is_closed(command, code, said):
    """Whoever closes standard output is told that the result is lost; without the other two streams all goes on."""
    done = ran(f"{MODULE} {command}")
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 1


def test_a_reader_that_has_gone():
    """Whoever reads no further ends the program without a word."""
    done = ran(f"{{ {MODULE} config; echo code $? >&2; }} | true")
    assert done.stderr == "code 1\n"
