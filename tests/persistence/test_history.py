"""Panels come back from disk as they were."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from foregate.core import ArtifactError, Covariate, Panel
from foregate.persistence.codec import decode
from foregate.persistence.history import Outline, pack_history, unpack_history
from foregate.persistence.tensors import Form, pack, unpack

FREQUENCIES = [1, 7, "s", "30min", "h", "D", "B", "W", "MS", "ME", "QS", "QE", "YS", "2YS", "5B", "90s"]


def sent(panel):
    """The panel after a round trip through JSON and bytes."""
    outline, raw = pack_history(panel)
    return unpack_history(decode(Outline, json.loads(json.dumps(asdict(outline))), "history"), raw)


@pytest.mark.parametrize("freq", FREQUENCIES)
def test_times_and_frequency_come_back(freq):
    """Whatever the frequency, times and those after the end are the same."""
    panel = Panel.from_arrays([np.arange(5.0), np.arange(3.0)], freq=freq)
    again = sent(panel)
    assert again.freq == panel.freq
    assert again.times.dtype == panel.times.dtype
    np.testing.assert_array_equal(again.future_times(3), panel.future_times(3))


def test_any_ids_come_back():
    """Ids of any script, empty ones and broken surrogates are the same."""
    ids = ["", "a", "ä北🙂", "\ud800", "x" * 1000, "line\nbreak", " "]
    panel = Panel.from_arrays([np.arange(2.0)] * len(ids), ids=ids)
    assert sent(panel).ids.tolist() == ids


def test_a_panel_of_many_series_is_small():
    """100,000 ids take the bytes of their letters and an offset each."""
    panel = Panel.from_arrays([np.zeros(1)] * 100_000)
    _, raw = pack_history(panel)
    assert len(raw) < 100_000 * (4 + 1 + 8 + 8 + 8 + 6) + 2_000


def test_a_panel_without_frequency_comes_back():
    """What is not known stays unknown."""
    assert sent(replace(Panel.from_arrays([np.arange(2.0)]), freq=None)).freq is None


FORMS = {
    "values": Form(np.float32, (None,)),
    "mask": Form(np.bool_, (None,)),
    "times": Form(np.int64, (None,)),
    "offsets": Form(np.int64, (None,)),
    "ids": Form(np.uint8, (None,)),
    "ids.offsets": Form(np.int64, (None,)),
    "covariate.0": Form(np.float32, (None,), gaps=True),
}


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("offsets", np.array([0, 4, 2, 5]), "offsets .* must rise"),
        ("offsets", np.array([0, 2, 3]), "offsets .* must rise"),
        ("offsets", np.array([], np.int64), "offsets .* must rise"),
        ("offsets", np.array([0, 5]), "must be a panel"),
        ("ids.offsets", np.array([0, 2**62, 2]), "must rise"),
        ("ids", np.array([255, 255], np.uint8), "ids .* must be text"),
        ("ids", np.array([65, 65], np.uint8), "ids .* must be unique"),
        ("mask", np.array([True]), "must be a panel"),
        ("values", np.ones(5), "values .* must be float32"),
        ("covariate.0", np.array([0, 1, 2, 0, 0], np.float32), "must hold codes below 2"),
        ("covariate.0", np.array([0, 1], np.float32), "must be a panel"),
    ],
)
def test_arrays_that_make_no_panel_are_refused(name, array, message):
    """Offsets that jump, ids that repeat, codes without a category: each is told."""
    sky = {"sky": Covariate("past", np.array([0, 1, np.nan, 0, 0], np.float32), ("clear", "grey"))}
    panel = replace(Panel.from_arrays([np.arange(2.0), np.arange(3.0)], ids=["A", "B"]), covariates=sky)
    outline, raw = pack_history(panel)
    arrays = {**unpack(raw, FORMS, "f"), name: array}
    raw = pack(arrays, {n: Form(a.dtype.type, a.shape, gaps=True) for n, a in arrays.items()}, "f")
    with pytest.raises(ArtifactError, match=message):
        unpack_history(outline, raw)
