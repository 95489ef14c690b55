"""The networks that come with the package are whole, of this version, and say what they said when they were made."""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from foregate.core import ArtifactError, UsageError
from foregate.data.inputs import InputSpec
from foregate.models.network import Network
from foregate.models.options import ModelOptions
from foregate.persistence import shipped
from foregate.persistence.runtime import OnnxEngine
from foregate.persistence.shipped import (
    SHIPPED,
    check_forecast,
    load_shipped,
    read_start,
    shipped_facts,
    shipped_sizes,
    write_shipped,
)
from foregate.pipeline.fit import new_network
from foregate.pipeline.recipe import LEVELS, Recipe
from foregate.training.engine import TorchEngine
from tests.house import REPOSITORY

MOST_BYTES = {"tiny": 1_700_000, "base": 15_000_000}


def small(seed=0, **changes) -> Network:
    return new_network(Recipe(1, hidden=8, decoder=8, seed=seed, **changes), InputSpec())


@pytest.mark.parametrize("size", shipped_sizes())
def test_the_files_say_what_they_said(size):
    """A fixed series is forecast as it was when the weights were written, by both runtimes."""
    document = json.loads((SHIPPED / size / "model.json").read_text())
    for runtime in ("onnx", "torch"):
        said = check_forecast(load_shipped(size, runtime=runtime))
        np.testing.assert_allclose(said, document["check"], rtol=1e-5)


@pytest.mark.parametrize("size", shipped_sizes())
def test_they_are_small_and_known(size):
    """Sizes stay within what a download may cost, and something is said of where the weights come from."""
    assert sum(path.stat().st_size for path in (SHIPPED / size).iterdir()) <= MOST_BYTES[size]
    assert shipped_facts(size)
    start = load_shipped(size)
    assert start.shape.levels == LEVELS
    assert start.label == f"{size} {start.version}"
    assert load_shipped(size) is start


def test_a_size_that_is_not_there_is_refused():
    """The message lists the sizes that there are."""
    with pytest.raises(UsageError, match=r"weights must be one of tiny.*, but got 'huge'\. Choose one of these\."):
        load_shipped("huge")
    with pytest.raises(UsageError, match="runtime must be one of auto, torch, onnx, but got 'jax'"):
        load_shipped("tiny", runtime="jax")


def test_sizes_are_those_of_the_folder(tmp_path, monkeypatch):
    """Whatever lies in the folder is on offer, smallest first; a missing folder offers nothing."""
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path / "none")
    assert shipped_sizes() == ()
    monkeypatch.setattr(shipped, "SHIPPED", tmp_path)
    write_shipped(tmp_path / "a", new_network(Recipe(1, hidden=16), InputSpec()), {"seed": 0})
    write_shipped(tmp_path / "b", small(), {"seed": 0})
    assert shipped_sizes() == ("b", "a")
    assert shipped_facts("b") == {"seed": 0}


def test_written_is_read(tmp_path):
    """What was written comes back to the bit, and another network is another version; the first is replaced."""
    network = small()
    write_shipped(tmp_path / "tiny", network, {"what": "a test"})
    one = read_start(tmp_path / "tiny")
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(one.weights[name], value.numpy())
    write_shipped(tmp_path / "tiny", small(seed=1), {"what": "a test"})
    other = read_start(tmp_path / "tiny", runtime="torch")
    assert other.version != one.version
    assert other.version == hashlib.sha256((tmp_path / "tiny" / "weights.safetensors").read_bytes()).hexdigest()[:8]
    assert torch.equal(other.engine.network.decoder.out.weight, small(seed=1).decoder.out.weight)


@pytest.mark.parametrize("name", ["n_steps", "n_profiles"])
def test_other_widths_are_refused(tmp_path, monkeypatch, name):
    """Weights made for other inputs than this version's are told apart, before and after they were written."""
    network = new_network(Recipe(1, hidden=8), InputSpec(recent=13))
    with pytest.raises(ArtifactError, match=r"n_features \d+ instead of \d+: they were made for other inputs"):
        write_shipped(tmp_path / "tiny", network, {})
    assert not (tmp_path / "tiny").exists()
    write_shipped(tmp_path / "tiny", small(), {})
    wider = getattr(InputSpec(), name) + 1
    monkeypatch.setattr(InputSpec, name, property(lambda spec: wider))
    with pytest.raises(ArtifactError, match=rf"must hold pretrained weights of this version, but: .*{name} \d+"):
        read_start(tmp_path / "tiny")


def test_the_runtime_is_the_one_that_was_asked_for():
    """ONNX Runtime unless torch is named."""
    kinds = [type(load_shipped("tiny", runtime=runtime).engine) for runtime in ("auto", "onnx", "torch")]
    assert kinds == [OnnxEngine, OnnxEngine, TorchEngine]


def test_weights_may_be_given_more_recent_values(tmp_path):
    """How many they are given is kept with them, and counts in the widths that they must have."""
    network = new_network(Recipe(1, hidden=8, decoder=8), InputSpec(recent=13))
    write_shipped(tmp_path / "tiny", network, {}, recent=13)
    assert read_start(tmp_path / "tiny").recent == 13


def test_other_levels_are_refused(tmp_path, monkeypatch):
    """Weights whose outputs mean other quantiles than this version's are told apart."""
    write_shipped(tmp_path / "tiny", small(), {})
    monkeypatch.setattr(shipped, "LEVELS", (0.01, *LEVELS[1:]))
    with pytest.raises(ArtifactError, match=r"levels .* instead of"):
        read_start(tmp_path / "tiny")


@pytest.mark.parametrize("name", ["weights.safetensors", "encoder.onnx", "decoder.onnx", "model.json"])
def test_damage_is_noticed(tmp_path, name):
    """A byte that has changed in any file is noticed, and a file that is missing."""
    folder = shutil.copytree(SHIPPED / "tiny", tmp_path / "tiny")
    raw = bytearray((folder / name).read_bytes())
    raw[len(raw) // 2] ^= 1
    (folder / name).write_bytes(raw)
    with pytest.raises(ArtifactError):
        read_start(folder)
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match="must have the file"):
        read_start(folder)


def test_a_start_serves_its_own_sizes_alone():
    """A recipe that asks for nothing, or for the same sizes, is served; any other is not."""
    start = load_shipped("tiny")
    own = start.shape
    assert start.serves(Recipe(1))
    assert start.serves(Recipe(1, hidden=own.hidden, layers=own.built.layers, decoder=own.decoder))
    for other in ({"hidden": own.hidden + 1}, {"layers": own.built.layers + 1}, {"decoder": own.decoder + 1}):
        assert not start.serves(replace(Recipe(1), **other))
    assert start.serves(Recipe(1, model=ModelOptions.parse("dropout=0.1"))), "what is dropped in training is no part"
    for label in ("gru", "student-t", "direct", "additive", "forget_bias=2"):
        assert not start.serves(Recipe(1, model=ModelOptions.parse(label)))
    assert not start.serves(Recipe(1, recent=start.recent + 1))


def test_they_are_in_the_wheel_and_the_sdist(tmp_path):
    """Both distributions hold every file of every size."""
    pytest.importorskip("hatchling", reason="builds the distributions")
    for kind in ("wheel", "sdist"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(tmp_path)]
        subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    wanted = {f"foregate/weights/{path.parent.name}/{path.name}" for path in SHIPPED.glob("*/*")}
    assert wanted
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        assert wanted <= set(wheel.namelist())
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/src/")[2] for name in sdist.getnames()}
    assert wanted <= names
