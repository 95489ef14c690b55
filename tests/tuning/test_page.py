"""Tests of the page of a search."""

import re
from dataclasses import replace

import pytest

from foregate.reporting.canvas import own_settings
from foregate.tuning.page import described, in_words, numbers_of, page_of
from tests.tuning.test_result import made

EVIL = "<b>\"'&"


def test_every_picture_has_words_and_numbers():
    """A text alternative for each, the table behind it, and nothing that is loaded."""
    found = made()
    page, drawn = page_of(found), found.pictures()
    assert len(drawn) == 7
    assert page.count("<svg viewBox") == page.count("<title id=") == page.count("<summary>Numbers") == len(drawn)
    assert "default-src 'none';style-src 'unsafe-inline';img-src data:" in page  # the scale of colours is one
    for name in drawn:
        assert in_words(found, name).endswith(".")
        assert numbers_of(found, name).height


def test_the_words_say_what_is_to_be_seen():
    """The best score with its trial, what was stopped, and what mattered most."""
    found = made()
    assert in_words(found, "history") == "The mase of every trial: the best is 0.8, of trial 2, the default 1."
    assert "1 were stopped" in in_words(found, "courses")
    assert "rate 80%" in in_words(found, "importances")
    assert in_words(found, "setting-rate") == "The mase of trials by rate: the best, 0.8, at rate 0.01."
    assert numbers_of(found, "pair").columns == ["trial", "rate", "model.cell", "state", "score"]


def test_settings_are_told_in_few_digits():
    """A rate that was drawn has sixteen of them, which nobody reads."""
    drawn = replace(made().trials[2], point={"rate": 0.01331121989535761, "model.cell": "lstm"})
    found = replace(made(), trials=(*made().trials[:2], drawn, *made().trials[3:]))
    assert "rate=0.0133, model.cell=lstm" in page_of(found)
    assert in_words(found, "setting-rate").endswith("at rate 0.0133.")


def test_the_page_begins_with_the_gain():
    """In the words of the gain itself, and what is to be known stands on it."""
    found = made(notes=(f"beware {EVIL}",))
    page = page_of(found)
    verdict = re.findall('<p class="verdict">(.*?)</p>', page)
    assert verdict == [str(found.gain).splitlines()[0]]
    assert EVIL not in page
    assert "beware &lt;b&gt;" in page


def test_a_search_that_nothing_came_of_has_a_page():
    """The default alone, and no picture but its own."""
    found = made()
    alone = replace(found, trials=found.trials[:1], importance={}, interaction={})
    assert "those of the default" in page_of(alone)


@pytest.mark.parametrize("words", ["plain", EVIL])
def test_a_file_says_what_it_shows(words):
    """The first thing in the picture is its title, which screen readers read."""
    with own_settings():
        svg = described(made().pictures()["history"], words)
    assert svg.startswith("<?xml")
    title = re.findall(r"<svg role=\"img\"[^>]*>\s*<title>(.*?)</title>", svg)
    assert title == ["plain" if words == "plain" else "&lt;b&gt;&quot;&#x27;&amp;"]
