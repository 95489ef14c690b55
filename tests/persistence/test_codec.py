"""Dataclasses come back from JSON as they were, and nothing else comes back as one."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import ArtifactError
from foregate.persistence.codec import decode


@dataclass(frozen=True)
class Inner:
    pair: tuple[int, float]
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class Outer:
    many: tuple[Inner, ...]
    text: str
    flag: bool
    size: int | None = None
    free: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.text == "bad":
            raise ValueError("text must not be bad")


floats = st.floats(allow_nan=False, allow_infinity=False)
inners = st.builds(Inner, st.tuples(st.integers(-(2**53), 2**53), floats), st.sampled_from("ab"))
outers = st.builds(
    Outer,
    st.lists(inners).map(tuple),
    st.text().filter(lambda t: t != "bad"),
    st.booleans(),
    st.none() | st.integers(0, 10),
    st.none() | st.dictionaries(st.text(), st.integers()),
)


@given(outers)
def test_dataclasses_come_back(value):
    """What asdict and JSON make of a dataclass becomes an equal one."""
    assert decode(Outer, json.loads(json.dumps(asdict(value))), "it") == value


SOUND = {"many": [{"pair": [1, 2.0]}], "text": "x", "flag": True}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"many": {}}, r"it\.many must be"),
        ({"many": [{"pair": [1]}]}, r"it\.many\[0\]\.pair must be"),
        ({"many": [{"pair": [1, "2"]}]}, r"it\.many\[0\]\.pair\[1\] must be float"),
        ({"many": [{"pair": [1, float("inf")]}]}, r"must be float, but got inf"),
        ({"many": [{"pair": [2**60, 1]}]}, r"must be int"),
        ({"many": [{"pair": [1, 1], "kind": "c"}]}, r"kind must be Literal"),
        ({"many": [{}]}, r"must have the fields"),
        ({"text": None}, r"it\.text must be str"),
        ({"flag": 1}, r"it\.flag must be bool"),
        ({"size": True}, r"it\.size must be int"),
        ({"free": []}, r"it\.free must be"),
        ({"more": 1}, r"must have the fields"),
        ({"text": "bad"}, r"must make sense, but got: text must not be bad"),
    ],
)
def test_wrong_fields_are_refused_by_name(change, message):
    """The message names the field and what it must be."""
    decode(Outer, SOUND, "it")
    with pytest.raises(ArtifactError, match=message):
        decode(Outer, {**SOUND, **change}, "it")
