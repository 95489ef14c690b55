"""What is loaded later is the library itself, from the first time that something of it is asked for."""

import json

import narwhals
import polars
import pytest

from foregate.data.later import Later, nw, pl


def test_what_comes_later_is_the_same():
    """Every name gives what the library gives."""
    assert pl.DataFrame is polars.DataFrame
    assert nw.from_native is narwhals.from_native


def test_it_is_asked_for_once():
    """A name that was looked up is an attribute from then on."""
    later = Later("json")
    assert "loads" not in vars(later)
    assert later.loads is json.loads
    assert vars(later)["loads"] is json.loads


def test_what_is_not_there_is_an_ordinary_error():
    """Neither a name that the library has not, nor a library that there is not, passes in silence."""
    with pytest.raises(AttributeError, match="json"):
        _ = Later("json").load_all
    with pytest.raises(ModuleNotFoundError, match="nowhere"):
        _ = Later("nowhere").loads
