"""Files of arrays hold what is expected of them and nothing else."""

import json

import numpy as np
import pytest

from foregate.core import ArtifactError
from foregate.persistence.tensors import Form, pack, unpack

FORMS = {"x": Form(np.float32, (2, None)), "n": Form(np.int64, (3,)), "gaps": Form(np.float32, (None,), gaps=True)}
ARRAYS = {
    "x": np.array([[1, 2, 3], [4, 5, 6]], np.float32),
    "n": np.arange(3),
    "gaps": np.array([1, np.nan], np.float32),
}


def test_arrays_come_back():
    """Arrays are equal after a round trip, those of unusual strides too."""
    found = unpack(pack(ARRAYS, FORMS, "f"), FORMS, "f")
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(found[name], array)
    turned = {"x": np.asfortranarray(ARRAYS["x"])}
    np.testing.assert_array_equal(
        unpack(pack(turned, {"x": FORMS["x"]}, "f"), {"x": FORMS["x"]}, "f")["x"], turned["x"]
    )


WRONG = {
    "shape": {"x": np.ones((3, 2), np.float32)},
    "axes": {"x": np.ones(2, np.float32)},
    "type": {"x": np.ones((2, 2))},
    "infinite": {"x": np.full((2, 1), np.inf, np.float32)},
    "NaN": {"x": np.full((2, 1), np.nan, np.float32)},
    "infinite gap": {"gaps": np.array([-np.inf], np.float32)},
    "unknown": {"y": np.ones(1)},
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_neither_written_nor_read(what):
    """An array of another name, type or shape, or with numbers that are none, is refused both ways."""
    arrays = {**ARRAYS, **WRONG[what]}
    with pytest.raises(ArtifactError, match=r"f must (be|hold|have)"):
        pack(arrays, FORMS, "f")
    free = {n: Form(a.dtype.type, a.shape, gaps=True) for n, a in arrays.items()}
    if not any(np.isinf(a).any() for a in arrays.values()):
        with pytest.raises(ArtifactError, match=r"f must (be|hold|have)"):
            unpack(pack(arrays, free, "f"), FORMS, "f")


def test_one_form_is_that_of_all_arrays():
    """Names and shapes may be free; types and numbers are not."""
    free = Form(np.float32, None)
    arrays = {"a": np.ones((2, 3), np.float32), "b": np.ones((), np.float32)}
    assert {name: array.shape for name, array in unpack(pack(arrays, free, "f"), free, "f").items()} == {
        "a": (2, 3),
        "b": (),
    }
    with pytest.raises(ArtifactError, match=r"b in f must be float32, but got float64 \(1,\)"):
        pack({**arrays, "b": np.ones(1)}, free, "f")
    with pytest.raises(ArtifactError, match="b in f must hold finite numbers"):
        pack({**arrays, "b": np.full(1, np.nan, np.float32)}, free, "f")


def header(**arrays):
    """A file that has only a header."""
    text = json.dumps(arrays).encode()
    return len(text).to_bytes(8, "little") + text


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff" * 8,
        b"\xff" * 64,
        header(x={"dtype": "F32", "shape": [2**62, 2**62], "data_offsets": [0, 4]}),
        header(x={"dtype": "F32", "shape": [2, 1], "data_offsets": [0, 8]}),
        header(x={"dtype": "BF16", "shape": [0], "data_offsets": [0, 0]}),
        header(x={"dtype": "F8_E4M3", "shape": [0], "data_offsets": [0, 0]}),
        header(x={"dtype": "???", "shape": [0], "data_offsets": [0, 0]}),
    ],
)
def test_a_damaged_file_is_refused(raw):
    """Whatever the bytes are, the error is one of ours, and no memory is asked for."""
    with pytest.raises(ArtifactError, match="f must"):
        unpack(raw, {"x": Form(np.float32, (None, None))}, "f")
