"""Colours that can be read and told apart."""

import re

import pytest

from foregate.reporting.theme import COLOURS, DASHES, LINES, STYLE, colour_of


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("dark", [0, 1])
def test_text_and_lines_can_be_read(dark):
    """On either page text has the contrast of WCAG AA, 4.5, and lines have 3."""
    for ground in ("page", "card"):
        for role in ("ink", "soft", "good", "warn", "bad", "model-0"):
            assert contrast(COLOURS[role][dark], COLOURS[ground][dark]) >= 4.5, role
        for n in range(len(LINES)):
            assert contrast(COLOURS[f"model-{n}"][dark], COLOURS[ground][dark]) >= 3, n


def test_a_light_colour_stands_for_one_role():
    """No two roles share a light colour, for charts are themed by it."""
    lights = [light for light, _ in COLOURS.values()]
    assert len(set(lights)) == len(lights)


def test_models_differ_by_more_than_colour():
    """Every model has a colour and a dash pattern of its own, up to five; then they begin anew."""
    assert len(set(map(str, LINES))) == len(set(DASHES)) == len(LINES) == len(DASHES)
    names = [str(n) for n in range(7)]
    assert [colour_of(name, names) for name in names] == [0, 1, 2, 3, 4, 0, 1]


def test_the_style_sheet_defines_what_is_used():
    """Every variable that is used is a role, and the sheet fetches nothing."""
    used = set(re.findall(r"var\(--([\w-]+)\)", STYLE))
    assert used <= set(COLOURS)
    assert "url(" not in STYLE
    assert "@import" not in STYLE
    assert STYLE.count("{") == STYLE.count("}")
