"""What names are like."""

import re

import pytest

from foregate.service.names import WORD, WORD_PATTERN


@pytest.mark.parametrize("name", ["a", "0", "demand-24.h_2", "a" * 64])
def test_words_are_names(name):
    """Small letters, digits, dots, dashes and underscores, up to 64 of them."""
    assert re.fullmatch(WORD, name)
    assert re.search(WORD_PATTERN, name)


@pytest.mark.parametrize("name", ["", ".", "..", "-a", "A", "a/b", "a b", "ä", "a" * 65, "a\x00"])
def test_what_could_be_a_path_is_no_name(name):
    """Nothing that a file system or a label could take for something else."""
    assert not re.fullmatch(WORD, name)
    assert not re.search(WORD_PATTERN, name)
