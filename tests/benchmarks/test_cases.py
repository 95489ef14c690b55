"""Sets say what they are, and nothing that contradicts itself."""

import pytest

from benchmarks.cases import CASES, Case


def test_dates_tell_their_seasons():
    """Seasons are told where times are whole numbers alone."""
    with pytest.raises(ValueError, match="seasons must be"):
        Case("days", "days", 7, 7, (7,), step="1d")


def test_every_set_has_words_of_its_own():
    """A reader tells sets apart; the horizons of a long-horizon set are rows of one."""
    words = {case.words: case.split and case.data for case in CASES.values()}
    assert len(words) == len({name.split(":")[0] for name in CASES})
