"""The paper of the charts: places, ticks, and the way into the page."""

import re

import numpy as np
import pytest
from matplotlib import dates
from matplotlib.figure import Figure

from foregate.core import MissingExtraError
from foregate.reporting.canvas import (
    SMALL,
    inline_svg,
    line,
    log_axis,
    new_axes,
    own_settings,
    positions,
    value_axis,
)
from foregate.reporting.theme import COLOURS


def drawn(key="a", label="label"):
    with own_settings():
        figure, axes = new_axes((300, 200))
        line(axes, np.arange(5.0), np.array([1.0, np.nan, 2.0, np.nan, 3.0]), color=COLOURS["ink"][0])
        value_axis(axes)
        return inline_svg(figure, key, label)


def test_places_are_days_or_integers():
    """Times stand where matplotlib's dates stand; integers where they are."""
    times = np.array(["1969-12-31T12:00", "2024-02-29"], "datetime64[us]")
    np.testing.assert_allclose(positions(times), dates.date2num(times))
    np.testing.assert_array_equal(positions(np.array([3, 9])), [3.0, 9.0])


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.0, 1.0], {"0.00", "0.25", "1.00"}),
        ([-3.0, 3.0], {"−2", "0", "2"}),
        ([340.001, 340.002], {"340.00100", "340.00125"}),
        ([0.0, 8e6], {"0", "2 M", "8 M"}),
        ([2.5e9, 9e9], {"4 bn", "8 bn"}),
        ([1e-7, 9e-7], {"2e-07"}),
        ([12_000.0, 18_000.0], {"12,000", "18,000"}),
    ],
)
def test_ticks_tell_values_apart(values, labels):
    """Ticks are round, all told to the same digit, no two alike."""
    with own_settings():
        _, axes = new_axes((400, 300))
        axes.plot([0, 1], values)
        value_axis(axes)
        told = [tick.get_text() for tick in axes.get_yticklabels()]
    assert len(set(told)) == len(told) >= 2
    assert labels <= set(told)


def test_colours_are_roles_and_names_are_its_own():
    """A chart in the page has no fixed colour of the theme, no style for others, and names with its key in front."""
    svg = drawn("key-1")
    assert not set(re.findall(r"#[0-9a-f]{6}\b", svg)) & {light for light, _ in COLOURS.values()}
    assert "var(--ink)" in svg
    assert "<style" not in svg
    assert "<metadata" not in svg
    assert all(name.startswith("key-1-") for name in re.findall(r'id="([^"]*)"', svg))
    assert "&lt;b&gt;" in drawn(label="<b>")


def test_a_value_between_two_missing_ones_is_seen():
    """A single observation draws no line, so it is a dot."""
    assert drawn().count("<use") >= 3


def test_charts_are_the_same_every_time():
    """Two drawings of the same are the same, to the byte."""
    assert drawn() == drawn()


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    """Where matplotlib is not installed the error says what brings it."""
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"Drawing charts needs .*foregate\[train\]"), own_settings():
        pass


def test_pyplot_does_not_know_the_figures():
    """Figures are plain ones, which nobody has to close."""
    with own_settings():
        figure, _ = new_axes((300, 200))
    assert type(figure) is Figure
    assert figure.canvas.manager is None


@pytest.mark.parametrize(
    ("values", "labels"), [((1e-4, 5e-3), {"10⁻⁴", "2·10⁻⁴", "10⁻³"}), ((1e-5, 1.0), {"10⁻⁴", "1"})]
)
@pytest.mark.parametrize("which", ["x", "y"])
def test_decades_are_told_in_plain_text(values, labels, which):
    """What a page shows of a logarithmic axis is letters, no code of a typesetter; few decades are told between."""
    with own_settings():
        figure, axes = new_axes(SMALL)
        axes.plot(values, values, "o")
        log_axis(axes, np.array(values), which)
        texts = set(re.findall(r">([^<>]+)</text>", inline_svg(figure, "a", "b")))
    assert labels <= texts
    assert not any("$" in text for text in texts)


def test_numbers_of_ticks_are_told_in_full():
    """Places are rounded to hundredths of a pixel, and nothing that people read is."""
    with own_settings():
        figure, axes = new_axes(SMALL)
        axes.plot([0.0, 1.0], [0.0, 0.004])
        value_axis(axes)
        svg = inline_svg(figure, "a", "b")
    assert {"0.001", "0.002", "0.003"} <= set(re.findall(r">([^<>]+)</text>", svg))
    assert not re.search(r"<[^>]*\d\.\d{3}", svg)
