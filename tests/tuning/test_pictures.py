"""Tests of pictures of a search."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_hex

from foregate.reporting.canvas import own_settings
from foregate.reporting.theme import COLOURS
from foregate.tuning.pictures import (
    courses_picture,
    history_picture,
    importance_picture,
    interaction_picture,
    pair_picture,
    slice_picture,
)
from foregate.tuning.result import _course
from tests.tuning.test_result import made

SCORES = np.array([1.0, np.nan, 0.8, 0.9, 90.0])


def drawn(figure) -> str:
    """What it is as SVG."""
    out = io.StringIO()
    figure.savefig(out, format="svg")
    return out.getvalue()


def test_the_best_so_far_never_rises():
    """And every complete trial has its dot, absurd ones outside of what is shown."""
    (axes,) = history_picture(SCORES, 1.0, "mase").axes
    dots, best = axes.lines[:2]
    assert dots.get_ydata().tolist() == [1.0, 0.8, 0.9, 90.0]
    assert best.get_ydata().tolist() == [1.0, 1.0, 0.8, 0.8, 0.8]
    assert axes.get_ylim()[1] < 90


def test_courses_end_where_they_were_stopped():
    """A cross for each that was stopped, and the winner last on top."""
    courses = [np.array([3.0, 2.0, 1.0]), np.array([3.0, 2.9]), np.empty(0)]
    (axes,) = courses_picture(courses, [True, False, False], 0).axes
    crosses = [line for line in axes.lines if line.get_marker() == "x"]
    assert [line.get_xydata().tolist() for line in crosses] == [[[2.0, 2.9]]]


@pytest.mark.parametrize(
    "figure", [importance_picture({"rate": 0.7, "hidden": 0.3}), interaction_picture({("a", "b"): 0.2})]
)
def test_bars_are_named(figure):
    """The largest at the top."""
    (axes,) = figure.axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == sorted(widths)
    assert all(label.get_text() for label in axes.get_yticklabels())


@pytest.mark.parametrize(
    "values", [[1, 2, 3], [1e-4, 1e-3, 1e-1], ["lstm", "gru", "lstm"], [None, 8, 16], [True, False, True]]
)
def test_a_slice_has_a_dot_for_each(values):
    """Whatever kind the values are of."""
    (axes,) = slice_picture("setting", values, np.array([1.0, 2.0, 3.0]), "mase").axes
    assert len(axes.lines[0].get_xdata()) == 3


def test_keys_have_colours_of_the_page():
    """Text in a picture is of a role, so that it can be read on a dark page too."""
    figure = history_picture(SCORES, 1.0, "mase")
    colours = {to_hex(text.get_color()) for text in figure.axes[0].get_legend().get_texts()}
    assert colours == {COLOURS["soft"][0]}


def test_magnitudes_are_told_in_plain_text():
    """Text of a picture that is written is what people read, not a typesetter's code."""
    with own_settings():
        text = drawn(slice_picture("rate", [1e-4, 1e-3, 1e-1], np.array([1.0, 2.0, 3.0]), "mase"))
    assert ">10⁻⁴<" in text
    assert "mathdefault" not in text


def test_a_pair_has_a_dot_for_each():
    """A number by a text, absurd scores with the colour of the worst others."""
    figure = pair_picture(("rate", "cell"), ([0.001, 0.01, 0.1], ["a", "b", "a"]), np.array([1.0, 2.0, 1e9]), "mase")
    (dots,) = figure.axes[0].collections
    assert dots.get_offsets()[:, 1].tolist() == [0, 1, 0]
    assert figure.axes[0].get_xscale() == "log"


def test_networks_are_not_joined():
    """Between the checks of one network and those of the next the line breaks."""
    course = _course({1: 0.5, 2: 0.4, 101: 0.9})
    np.testing.assert_equal(course, [0.5, 0.4, np.nan, 0.9])
    (axes,) = courses_picture([course], [True], 0).axes
    assert axes.lines[0].get_xdata()[-1] == 3


def test_pictures_of_a_search():
    """Every one can be written; those with nothing to show are not there."""
    found = made().pictures()
    assert set(found) == {
        "history",
        "courses",
        "importances",
        "interactions",
        "pair",
        "setting-rate",
        "setting-model.cell",
    }
    for figure in found.values():
        assert drawn(figure).rstrip().endswith("</svg>")
