"""Pieces of the page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.reporting.page import (
    MOST_ROWS,
    WORDS,
    chart,
    details,
    facts,
    items,
    key,
    number,
    paragraph,
    section,
    swatch,
    table,
)

EVIL = "<script>\"'&"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0"),
        (1234.5, "1,234"),
        (-0.5, "−0.500"),
        (99.96, "100"),
        (float("nan"), "–"),
        (float("inf"), "–"),
        (1e12, "1.00e+12"),
    ],
)
def test_numbers_read_well(value, said):
    """Three significant digits, thousands apart, a true minus, and a dash for what is not defined."""
    assert number(value) == said


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300))
def test_a_number_is_close_to_what_it_says(value):
    """What is said differs from the value by less than one in the last of its digits."""
    assert float(number(value).replace(",", "").replace("−", "-")) == pytest.approx(value, rel=0.006, abs=1e-300)


def test_text_is_escaped_everywhere():
    """No piece lets markup through."""
    pieces = [
        table([EVIL], [[EVIL, EVIL], [EVIL, (EVIL, "best")]], caption=EVIL),
        facts([(EVIL, EVIL)], caption=EVIL),
        items([EVIL]),
        paragraph(EVIL),
        details(EVIL, ""),
        section("a", EVIL),
        key([(swatch("ink"), EVIL)]),
        chart(["<svg></svg>"], EVIL, remark=EVIL, note=EVIL),
    ]
    for piece in pieces:
        assert "<script" not in piece
        assert "&lt;script&gt;&quot;&#x27;&amp;" in piece


def test_words_begin_at_the_left():
    """A column of words is said to be one, in its head too; numbers stand below one another at the right."""
    html = table(["a", "b", "c"], [["x", "1", ("because", WORDS)], ["y", "2", ""]], caption="t")
    assert '<th scope="col" class="words">c</th>' in html
    assert '<th scope="col">b</th>' in html
    assert '<td class="words">because</td>' in html
    assert '<td class="words"></td>' in html
    assert "<td>2</td>" in html


def test_long_tables_are_cut_and_counted():
    """Rows beyond the most are counted, not shown."""
    text = table(["a"], [["x"]] * (MOST_ROWS + 1234), caption="c")
    assert text.count("<tr>") == MOST_ROWS + 1
    assert "and 1,234 more rows" in text
    assert "more" not in table(["a"], [["x"]] * MOST_ROWS, caption="c")
    assert items([]) == ""
