"""The cold start is that of a program without torch, and an installation counts every library that it brings."""

import subprocess

import pytest

from benchmarks.cold import LIVE, installed, program, saved
from benchmarks.live import model
from foregate import load


def test_a_saved_model_goes_on_from_its_history(tmp_path):
    """What the programs load is a model of the sizes asked for, with a past."""
    saved(tmp_path / "model", model((3, 6), 8))
    live = load(tmp_path / "model", runtime="onnx").live()
    assert live.ids == ("load",)
    assert live.forecast().values.shape[1] == model((3, 6), 8).horizon


def test_a_program_is_timed_to_its_end(tmp_path):
    """It takes longer to do more, it holds something, and one that fails is no measurement."""
    saved(tmp_path / "model", model((3, 6), 8))
    (short, least), (long, more) = program(""), program(LIVE.format(model=str(tmp_path / "model")))
    assert 0 < short < long
    assert 0 < least < more
    with pytest.raises(subprocess.CalledProcessError):
        program("import torch")


def test_an_installation_grows_by_what_an_extra_brings():
    """Nothing that comes without the extra is gone with it, and what is required of others is counted."""
    small, large = installed(), installed("train")
    assert small.items() <= large.items()
    assert "flatbuffers" in small  # of onnxruntime
    assert "sympy" in large.keys() - small.keys()  # of torch
    assert min(small.values()) > 0
