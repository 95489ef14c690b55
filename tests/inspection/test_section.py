"""Laws of a part of the page: every picture can be read aloud and has its numbers; what comes in is text."""

from functools import partial

import numpy as np
import polars as pl
import pytest

from foregate.inspection.pictures import bars, curves, decades, heat_map
from foregate.inspection.section import Entry, Picture, Section, as_html, slug
from foregate.reporting.canvas import SMALL, own_settings
from foregate.reporting.figures import Curve
from foregate.reporting.page import page
from tests.reporting.test_report import HOSTILE, Reader

X = np.arange(30.0)
DRAWN = {
    "lines": partial(curves, [Curve(X, X), Curve(X, X[::-1], 1, 1)], label="rows", marks=(5,), rules=(0.5,)),
    "decades": partial(decades, [Curve(X, 10.0**-X)], label="rows", rules=(0.01,)),
    "bars": partial(bars, np.array([[1.0, 2], [3, 4]]), ["a", "b"], label="rows"),
    "map": partial(heat_map, np.linspace(-1, 1, 60).reshape(4, 15), first=-14.0, label="steps", rows="4 units"),
}


def picture(draw, title="A picture", **changes):
    told = {
        "alternative": "what is seen",
        "draw": draw,
        "table": pl.DataFrame({"lag": [1, 2], "share_of": [0.5, None]}),
    }
    return Picture(**({"title": title} | told | changes))


def html_of(told):
    with own_settings():
        return page("a page", "", as_html(told), images=True)


def test_every_picture_can_be_read_aloud():
    """Each is an image with its alternative, and the table behind it; names within the page are distinct."""
    told = Section("Some part", ("First.", "Second."), tuple(picture(draw, name) for name, draw in DRAWN.items()))
    read = Reader(html_of(told))
    assert read.values("role").count("img") == len(DRAWN)
    assert read.words.count("what is seen") == len(DRAWN)
    assert read.words.count("Numbers") == len(DRAWN)
    assert read.words.count("share of") == len(DRAWN)
    ids = read.values("id")
    assert len(ids) == len(set(ids))
    assert {"some-part", "some-part-title"} <= set(ids)


def test_nothing_is_fetched():
    """Pixels of a heat map are in the page itself; no script, no address."""
    text = html_of(Section("Maps", (), (picture(DRAWN["map"]),)))
    read = Reader(text)
    assert [value for value in read.values("href") if not value.startswith(("#", "data:image/png;base64,"))] == []
    assert any(value.startswith("data:image/png") for value in read.values("href"))
    assert "script" not in read.tags
    assert "http:" not in text
    assert "https:" not in text
    assert "img-src data:" in text


def test_hostile_words_are_text():
    """Titles, alternatives, notes, keys and cells that look like markup are shown as they are and do nothing."""
    evil = HOSTILE[0]
    one = picture(
        DRAWN["lines"], evil, alternative=evil, note=evil, remark=evil, key=(Entry(evil, "model-0"),),
        table=pl.DataFrame({evil: [evil]}),
    )  # fmt: skip
    read = Reader(html_of(Section(evil, (evil,), (one,), ((evil, one.table),))))
    assert "script" not in read.tags
    assert "".join(read.words).count(evil) >= 8


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_a_figure_for_itself(name):
    """A person may ask for one alone, in any size, whatever the settings of matplotlib are."""
    figure = picture(DRAWN[name]).figure((500, 300))
    assert (figure.get_size_inches() * 72).tolist() == [500, 300]
    assert picture(DRAWN[name]).figure().get_size_inches().tolist() == [SMALL[0] / 72, SMALL[1] / 72]


def test_odd_numbers_can_be_drawn():
    """Nothing known, nothing but zeros, one point, no units: none of these is an error."""
    with own_settings():
        for y in (np.full(3, np.nan), np.zeros(3), np.array([1.0, np.nan, np.inf])):
            decades([Curve(np.arange(3), y)], SMALL, label="rows", rules=())
            curves([Curve(np.arange(3), np.where(np.isinf(y), np.nan, y))], SMALL, label="rows")
        heat_map(np.full((1, 1), np.nan), SMALL, first=0.0, label="steps", rows="one unit")


def test_powers_of_ten_are_told_in_full():
    """The digits of small numbers, which the page would cut, are not needed."""
    figure = picture(DRAWN["decades"]).figure()
    told = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert "10⁻⁶" in told
    assert not any("e-" in one for one in told)


def test_titles_become_words():
    """Letters, digits and dashes alone."""
    assert slug("Gates, layer 2: <b>") == "gates-layer-2-b"
