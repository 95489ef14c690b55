"""Tests of spaces in files."""

import json

import pytest

from foregate.core import UsageError
from foregate.tuning import Choice, LogRange, Range, Space, read_space

TOML = """
hidden = [16, 32]
batch = 32
rate = { low = 1e-4, high = 1e-2, log = true }
layers = { choices = [1, 2], when = { start = "scratch" } }

[training]
decay = [0.0, 0.01]
optimizer_options = { nesterov = [true, false] }
"""


def test_toml_and_json_say_the_same(tmp_path):
    """Lists are choices, tables ranges, names may be nested, anything else is fixed."""
    (tmp_path / "space.toml").write_text(TOML)
    settings = {
        "hidden": Choice(16, 32),
        "batch": 32,
        "rate": LogRange(1e-4, 1e-2),
        "layers": Choice(1, 2, when={"start": "scratch"}),
        "training.decay": Choice(0.0, 0.01),
        "training.optimizer_options.nesterov": Choice(True, False),
    }
    assert read_space(tmp_path / "space.toml") == settings
    (tmp_path / "space.json").write_text(json.dumps(Space(settings).document()))
    assert read_space(tmp_path / "space.json") == settings


def test_only_what_stands_there(tmp_path):
    """With `usual = false` it is a space of its own, otherwise it changes the usual one."""
    (tmp_path / "space.toml").write_text("usual = false\ncrop = {low = 10, high = 90, step = 10}\n")
    assert read_space(tmp_path / "space.toml") == Space({"crop": Range(10, 90, step=10)})


@pytest.mark.parametrize(
    ("name", "text", "match"),
    [
        ("space.yaml", "", "ends in .toml or .json"),
        ("none.toml", None, "can be read"),
        ("space.toml", "hidden = [", "must be TOML, but got"),
        ("space.json", "[1]", "must name settings"),
        ("space.toml", "usual = 1", "must be true or false"),
        ("space.toml", "hidden = {low = 1}", "either choices, or low and high"),
        ("space.toml", "hidden = {choices = [1], low = 1, high = 2}", "either choices, or low and high"),
        ("space.toml", "hidden = {low = 1, high = 2, lgo = true}", "either choices, or low and high"),
        ("space.toml", "hidden = {choices = 1}", "must be a list"),
        ("space.toml", "hidden = {low = 1, high = 8, step = 2, log = true}", "not go with a step"),
        ("space.toml", "hidden = {low = '1', high = 8}", "from a number to a larger one"),
        ("space.toml", "hiden = [1]", "Did you mean 'hidden'"),
    ],
)
def test_what_is_no_space_is_refused(tmp_path, name, text, match):
    """With the file and what is wrong in it."""
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=match):
        read_space(tmp_path / name)
