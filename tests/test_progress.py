"""The progress line is drawn where somebody looks, and nowhere else."""

import io

import pytest

from foregate.progress import progress_line
from foregate.training.events import Event


class Terminal(io.StringIO):
    """Standard error that somebody looks at."""

    def isatty(self):
        return True


@pytest.mark.parametrize(("shown", "stream"), [(True, io.StringIO), (False, Terminal), (False, io.StringIO)])
def test_nothing_is_drawn_where_nobody_looks(monkeypatch, shown, stream):
    """Unless it is wanted and standard error is a terminal there is nothing to call, and nothing is written."""
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    error = stream()
    monkeypatch.setattr("sys.stderr", error)
    with progress_line(shown=shown) as callbacks:
        assert callbacks == ()
    assert error.getvalue() == ""


def test_one_process_draws(monkeypatch):
    """Of several processes the first one has a line."""
    monkeypatch.setattr("sys.stderr", Terminal())
    for name, value in {"MASTER_ADDR": "localhost", "WORLD_SIZE": "2", "RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    with progress_line(shown=True) as callbacks:
        assert callbacks == ()


def test_one_line_is_drawn_on_a_terminal(monkeypatch, capsys):
    """On a terminal the line has steps, loss and score, before there is a score too; standard output stays empty."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    error = Terminal()
    monkeypatch.setattr("sys.stderr", error)
    with progress_line(shown=True) as (redraw,):
        redraw(Event("started", 0, 20))
        redraw(Event("step", 1, 20, 0.5, None))
        redraw(Event("step", 20, 20, 0.25, 0.125))
        redraw(Event("finished", 20, 20, 9.0, 0.125))
    drawn = error.getvalue()
    assert "20/20" in drawn
    assert "0.2500" in drawn
    assert "0.1250" in drawn
    assert "9.0" not in drawn, "only steps are drawn"
    assert capsys.readouterr().out == ""


def test_the_line_says_which_network_it_is(monkeypatch):
    """Of several networks the line has the number of the one that is trained; of one it has none."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    drawn = []
    for members in (1, 5):
        monkeypatch.setattr("sys.stderr", error := Terminal())
        with progress_line(shown=True) as (redraw,):
            redraw(Event("step", 20, 20, 0.25, 0.125, member=members // 2, members=members))
        drawn.append(error.getvalue())
    assert "network" not in drawn[0]
    assert "network 3 of 5" in drawn[1]


def test_errors_pass_through(monkeypatch):
    """What goes wrong while training goes on outwards."""
    monkeypatch.setattr("sys.stderr", Terminal())
    with pytest.raises(ZeroDivisionError), progress_line(shown=True):
        raise ZeroDivisionError
