"""Models come back from disk as they were, or not at all."""

import json
import random
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest

from foregate.core import ArtifactError, UsageError
from foregate.forecasting.intervals import Calibration
from foregate.persistence import load_model, save_model
from foregate.persistence.folder import render

FILES = ["decoder.onnx", "encoder.onnx", "history.safetensors", "model.json", "weights.safetensors"]


@pytest.fixture
def saved(tmp_path, plain):
    """A folder with the plain model."""
    save_model(tmp_path / "model", plain)
    return tmp_path / "model"


def same_panel(a, b):
    """Whether two panels are equal in everything."""
    arrays = all(
        np.array_equal(getattr(a, n), getattr(b, n)) and getattr(a, n).dtype == getattr(b, n).dtype
        for n in ("ids", "offsets", "values", "mask", "times")
    )
    columns = list(a.covariates) == list(b.covariates) and all(
        c.role == d.role and c.categories == d.categories and np.array_equal(c.values, d.values, equal_nan=True)
        for c, d in zip(a.covariates.values(), b.covariates.values(), strict=True)
    )
    return arrays and columns and (a.freq, a.spec, a.notes) == (b.freq, b.spec, b.notes)


@pytest.mark.parametrize("runtime", ["torch", "onnx"])
def test_everything_comes_back(tmp_path, artifact, runtime):
    """Recipe, inputs, levels, calibration, history and facts are equal after a round trip, floats to the bit."""
    save_model(tmp_path / "m", artifact)
    again = load_model(tmp_path / "m", runtime=runtime)
    assert again.recipe == artifact.recipe
    assert again.facts == artifact.facts
    assert same_panel(again.history, artifact.history)
    for name in ("spec", "levels", "horizon", "typical_scale", "name"):
        assert getattr(again.fitted, name) == getattr(artifact.fitted, name)
    np.testing.assert_array_equal(again.fitted.calibration.factors, artifact.fitted.calibration.factors)


def test_a_folder_holds_these_files_and_no_others(saved):
    """A model is five files in one folder, and nothing is left beside it."""
    assert sorted(path.name for path in saved.iterdir()) == FILES
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


def test_saving_twice_writes_the_same_bytes(tmp_path, artifact):
    """A model is the same files whenever it is saved, and after being loaded with either runtime."""
    save_model(tmp_path / "a", artifact)
    for runtime in ("torch", "onnx"):
        save_model(tmp_path / runtime, load_model(tmp_path / "a", runtime=runtime))
        names = sorted(path.name for path in (tmp_path / "a").iterdir())
        assert sorted(path.name for path in (tmp_path / runtime).iterdir()) == names
        for name in names:
            assert (tmp_path / runtime / name).read_bytes() == (tmp_path / "a" / name).read_bytes()


AT_ODDS = {
    "one file for two": lambda d: d["networks"].pop(),
    "shares of one": lambda d: d["shares"].pop(),
    "shares beyond 1": lambda d: d.update(shares=[0.9, 0.9]),
    "a share below 0": lambda d: d.update(shares=[1.5, -0.5]),
    "other levels": lambda d: d["networks"][1].update(levels=[0.01, *d["networks"][1]["levels"][1:]]),
    "one is recursive": lambda d: d["networks"][1]["built"].update(strategy="recursive"),
}


@pytest.mark.parametrize("what", AT_ODDS)
def test_members_at_odds_are_refused(tmp_path, several, what):
    """A manifest of several networks names all of their files, a share for each, and networks that go together."""
    save_model(tmp_path / "m", several)
    names = {path.name for path in (tmp_path / "m").iterdir()}
    assert names == {*FILES, "2-decoder.onnx", "2-encoder.onnx", "2-weights.safetensors"}
    forge(tmp_path / "m", AT_ODDS[what])
    with pytest.raises(ArtifactError, match="must"):
        load_model(tmp_path / "m", runtime="onnx")


def test_any_changed_byte_or_length_is_refused(saved):
    """Whatever byte of whatever file is flipped, and wherever a file ends early or late, loading says so."""
    rng = random.Random(0)
    for _ in range(200):
        path = saved / rng.choice(FILES)
        sound = path.read_bytes()
        damaged = bytearray(sound)
        where = rng.randrange(len(sound))
        if rng.random() < 0.6:
            damaged[where] ^= rng.randrange(1, 256)
        elif rng.random() < 0.8:
            del damaged[where:]
        else:
            damaged += sound[: where + 1]
        path.write_bytes(damaged)
        with pytest.raises(ArtifactError, match="must"):
            load_model(saved, runtime="onnx")
        path.write_bytes(sound)
    load_model(saved, runtime="onnx")


def test_a_changed_number_is_refused(saved):
    """A manifest that is still sound JSON, but not what was written, is refused."""
    written = (saved / "model.json").read_bytes()
    for old, new in ((b'"horizon": 4', b'"horizon": 5'), (b'"levels": [0.025', b'"levels": [0.024'), (b"\n}", b"\n }")):
        assert old in written
        (saved / "model.json").write_bytes(written.replace(old, new, 1))
        with pytest.raises(ArtifactError, match="must be as it was written"):
            load_model(saved, runtime="onnx")


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(saved, name):
    """The message names the file that is not there."""
    (saved / name).unlink()
    with pytest.raises(ArtifactError, match=rf"must have the file .*{name}, but got none"):
        load_model(saved)


def test_a_newer_model_is_refused(saved):
    """A model of a later version of the format says that Foregate must be upgraded."""
    forge(saved, lambda d: d.update(schema=2, foregate="9.9"))
    with pytest.raises(ArtifactError, match=r"made by a newer version, Foregate 9\.9\. Upgrade"):
        load_model(saved)


def forge(folder, change):
    """Rewrite the manifest with a change and a valid seal."""
    document = json.loads((folder / "model.json").read_text())
    del document["seal"]
    change(document)
    (folder / "model.json").write_bytes(render(document))


FORGERIES = {
    "schema": lambda d: d.update(schema="1"),
    "version zero": lambda d: d.update(schema=0),
    "climbing": lambda d: d["files"].update({"../../x": d["files"].pop("encoder.onnx")}),
    "absolute": lambda d: d["files"].update({"/etc/passwd": d["files"]["encoder.onnx"]}),
    "no files": lambda d: d.update(files=[]),
    "no size": lambda d: d["files"].update({"encoder.onnx": {"sha256": "0"}}),
    "no network": lambda d: d.pop("networks"),
    "wide": lambda d: d["networks"][0].update(hidden=2**40),
    "deep": lambda d: d["networks"][0]["built"].update(dilations=[1] * 9),
    "no layers": lambda d: d["networks"][0]["built"].update(dilations=[]),
    "another cell": lambda d: d["networks"][0]["built"].update(cell="gru"),
    "an unknown cell": lambda d: d["networks"][0]["built"].update(cell="abacus"),
    "parts at odds": lambda d: d["networks"][0]["built"].update(attention="dot"),
    "other width": lambda d: d["networks"][0].update(decoder=9),
    "none of them": lambda d: d["networks"].clear(),
    "more of them": lambda d: d["networks"].append(d["networks"][0]),
    "more shares": lambda d: d.update(shares=[0.5, 0.5]),
    "half a share": lambda d: d.update(shares=[0.5]),
    "other inputs": lambda d: d["inputs"].update(recent=5),
    "boolean": lambda d: d.update(horizon=True),
    "fraction": lambda d: d.update(horizon=1.5),
    "huge": lambda d: d.update(horizon=10**30),
    "seasons": lambda d: d["inputs"].update(seasons=[12, 3]),
    "three seasons": lambda d: d["inputs"].update(seasons=[2, 3, 4]),
    "levels": lambda d: d["networks"][0]["levels"].reverse(),
    "persistence": lambda d: d.update(persistence=1.0),
    "factors": lambda d: d["calibration"][0].pop(),
    "negative factor": lambda d: d["calibration"][0].__setitem__(0, -1),
    "no factors": lambda d: d.update(calibration=[]),
    "scale": lambda d: d.update(typical_scale=-1),
    "recipe": lambda d: d["recipe"].update(effort="heroic"),
    "unknown field": lambda d: d["recipe"].update(charm=1),
    "frequency": lambda d: d["history"]["freq"].update(unit="fortnight"),
    "column": lambda d: d["history"]["columns"].append({"name": "x", "role": "past", "categories": []}),
    "facts": lambda d: d.update(facts=[]),
    "name": lambda d: d.update(name=None),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_forged_manifest_is_refused(saved, what):
    """A manifest that contradicts itself or the files is refused, however well its checksums fit."""
    forge(saved, FORGERIES[what])
    with pytest.raises(ArtifactError, match="must"):
        load_model(saved, runtime="onnx")


def test_a_field_with_a_default_may_be_absent(saved, plain):
    """A model that was saved before a setting existed has the setting's default."""
    forge(saved, lambda d: d["recipe"].pop("seed"))
    assert load_model(saved, runtime="onnx").recipe == plain.recipe


def test_an_unloadable_model_is_not_saved(saved, plain):
    """What could not be loaded again is refused before it replaces what can."""
    broken = replace(plain.fitted, calibration=Calibration(np.ones((1, 3))))
    with pytest.raises(ArtifactError, match="positive factors per step"):
        save_model(saved, replace(plain, fitted=broken), overwrite=True)
    with pytest.raises(UsageError, match="finite numbers"):
        save_model(saved, replace(plain, facts={"score": np.inf}), overwrite=True)
    with pytest.raises(UsageError, match="must be one of torch or ONNX, but got object"):
        save_model(saved, replace(plain, fitted=replace(plain.fitted, engine=object())), overwrite=True)
    load_model(saved)


def test_numbers_of_numpy_are_numbers(tmp_path, plain):
    """Facts may hold numpy's numbers; they come back as Python's."""
    save_model(tmp_path / "m", replace(plain, facts={"n": np.int64(3), "x": np.float32(0.5)}))
    assert load_model(tmp_path / "m").facts == {"n": 3, "x": 0.5}


def test_an_unknown_runtime_is_refused(saved):
    """The runtimes that there are, are named."""
    with pytest.raises(UsageError, match="runtime must be one of auto, torch, onnx, but got 'jax'"):
        load_model(saved, runtime="jax")


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = sys.modules["pandas"] = None
from pathlib import Path
import numpy as np
from foregate.core import MissingExtraError
from foregate.persistence import load_model, save_model, OnnxEngine
folder = Path(sys.argv[1])
a = load_model(folder)
assert isinstance(a.fitted.engine, OnnxEngine)
np.save(folder.parent / "values.npy", a.fitted.forecast(a.history, 4, (0.1, 0.5)).values)
save_model(folder.parent / "again", a)
try:
    load_model(folder, runtime="torch")
except MissingExtraError as error:
    assert error.extra == "train"
else:
    raise AssertionError("torch was found")
assert "onnx" not in sys.modules
"""


def test_a_model_runs_and_is_saved_without_torch(saved, plain):
    """Where torch is not installed a model loads, forecasts and is saved again; asking for torch names the extra."""
    code = [sys.executable, "-W", "error", "-c", WITHOUT_TORCH, str(saved)]
    done = subprocess.run(code, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    expected = plain.fitted.forecast(plain.history, 4, (0.1, 0.5)).values
    np.testing.assert_allclose(np.load(saved.parent / "values.npy"), expected, rtol=1e-5, atol=1e-5)
    again = load_model(saved.parent / "again", runtime="torch")
    assert asdict(again.recipe) == asdict(plain.recipe)
    np.testing.assert_array_equal(again.fitted.forecast(again.history, 4, (0.1, 0.5)).values, expected)
