"""The page says what the lines say: verdicts, figures with intervals, and what follows for the defaults."""

import math

from benchmarks.lab.claim import Claim, Default, Experiment, Statement, gain
from benchmarks.lab.page import newest, page, shown
from benchmarks.lab.verdict import Interval

CLAIM = Claim(
    "gru",
    "GRU or LSTM",
    "A GRU is better.",
    "Both were run.",
    (
        Experiment("forecast", ("pjm_zones", "made hours"), {"lstm": {}, "gru": {"cell": "gru"}}),
        Experiment("own", ("made hours",), {"lstm": {}, "gru": {"model": "gru"}}, "Foregate"),
    ),
    (Statement("A GRU gains 3–10 %", gain("gru", "lstm"), 3, 10),),
)
DEFAULT = Default("the LSTM", "gru", "lstm", {"gru": "GRU"})


def line_of(kind, settings, data, seed, mase):
    about = {"kind": kind, "settings": settings, "data": data, "seed": seed, "scale": "small"}
    return about | {"figures": {"mase": mase}, "cpu_seconds": 1.0}


def lines(gru, own):
    """Three seeds of an LSTM that errs by 1, and of a GRU."""
    found = []
    for seed, off in enumerate((-0.001, 0, 0.001)):
        for data in ("pjm_zones", "made hours"):
            found += [
                line_of("forecast", {}, data, seed, 1.0),
                line_of("forecast", {"cell": "gru"}, data, seed, gru + off),
            ]
        found += [
            line_of("own", {}, "made hours", seed, 1.0),
            line_of("own", {"model": "gru"}, "made hours", seed, own + off),
        ]
    return found


def test_the_page_begins_with_the_verdicts():
    """A row per statement, with the figure, its interval, and a link to its section."""
    text = page(lines(0.95, 0.95), [CLAIM], [DEFAULT])
    first = next(row for row in text.splitlines() if "A GRU gains" in row)
    assert first == "| [A GRU gains 3–10 %](#gru-or-lstm) | **held** | 5.0 % (4.9 to 5.1) | lower error |"
    assert text.index(first) < text.index("## GRU or LSTM")
    assert "In all 18 runs" in text


def test_places_that_differ_are_named():
    """A verdict that depends on the data says where it is so and where not."""
    text = page(lines(0.95, 1.2), [CLAIM], [DEFAULT])
    assert "depends on the data: yes on pjm_zones, made hours; no on made hours (Foregate)" in text
    assert "| made hours (Foregate) | −20.0 % (−20.2 to −19.8), no |" in text
    assert "| gru | 0.950 | 0.950 | 1.200 |" in text


def test_defaults_that_something_beats_are_said():
    """Where another's interval lies above 0 on Foregate's own network the default does not follow; else it agrees."""
    assert "| the LSTM | GRU: 5.0 % (4.8 to 5.2) | **does not follow: GRU did better** |" in page(
        lines(1.2, 0.95), [CLAIM], [DEFAULT]
    )
    assert "| the LSTM | GRU: −20.0 % (−20.2 to −19.8) | agrees |" in page(lines(0.95, 1.2), [CLAIM], [DEFAULT])


def test_what_was_not_run_is_said():
    """A claim without lines has no verdict, and a run that failed is counted."""
    text = page([], [CLAIM], [DEFAULT])
    assert "| not run |" in text
    assert "Not run yet." in text
    broken = line_of("forecast", {}, "pjm_zones", 9, 1.0) | {"failed": "it broke"}
    assert "In all 19 runs, 1 of which failed" in page([*lines(0.95, 0.95), broken], [CLAIM], [DEFAULT])


def test_the_newest_line_of_a_run_counts():
    """Of the scale that is shown."""
    old, new = line_of("own", {}, "made hours", 0, 1.0), line_of("own", {}, "made hours", 0, 2.0)
    other = old | {"scale": "full"}
    (kept,) = newest([old, new, other], "small").values()
    assert kept is new


def test_figures_are_shown_with_their_intervals():
    """In per cent with a decimal, other figures with three digits, and nothing that is no number looks like one."""
    assert shown(Interval(1.26, -2, 3), "%") == "1.3 % (−2.0 to 3.0)"
    assert shown(Interval(0.8512, 0.8, 0.9), "") == "0.851 (0.8 to 0.9)"
    assert shown(Interval(-0.01, -0.02, 0.0), "%") == "0.0 % (0.0 to 0.0)"
    assert shown(Interval(1.9, 1.85, 1.95), "×") == "1.9× (1.85 to 1.95)"
    assert shown(Interval(1.0, -math.inf, math.inf), "%") == "1.0 % (−∞ to ∞)"
    assert shown(Interval(1.6e-7, 0.0, 3e-7), "") == "2e−07 (0 to 3e−07)"
