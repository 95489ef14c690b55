"""What a saved model is, in a few plain facts."""

import json
from dataclasses import replace

import pytest

from foregate.core import ArtifactError
from foregate.persistence import outline_of, save_model, shipped_folder
from foregate.persistence.folder import marks, render


def test_a_fitted_model_says_what_it_forecasts(rich, plain, tmp_path):
    """Facts are those of the model, and JSON can say them."""
    for artifact, name in ((rich, "rich"), (plain, "plain")):
        save_model(tmp_path / name, artifact)
        facts = outline_of(tmp_path / name)
        assert facts["kind"] == "model"
        assert facts["horizon"] == artifact.fitted.horizon
        assert facts["series"] == len(artifact.history)
        assert set(facts["covariates"]) == set(artifact.history.covariates)
        assert json.loads(json.dumps(facts)) == facts


def test_several_targets_are_told(plain, tmp_path):
    """The facts name the targets where a model has several, so that who can serve one only knows beforehand."""
    spec = replace(plain.history.spec, target_cols=("load", "price"))
    save_model(tmp_path / "model", replace(plain, history=replace(plain.history, spec=spec)))
    assert outline_of(tmp_path / "model")["targets"] == ["load", "price"]


def test_the_shipped_network_is_of_its_own_kind():
    """A pretrained network has no horizon: it has any."""
    facts = outline_of(shipped_folder("tiny"))
    assert facts["kind"] == "pretrained"
    assert "horizon" not in facts


def test_what_is_damaged_has_no_facts(plain, tmp_path):
    """A file with another byte is refused; so is a manifest that is none."""
    save_model(tmp_path / "model", plain)
    path = tmp_path / "model" / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ArtifactError, match="checksum"):
        outline_of(tmp_path / "model")
    (tmp_path / "model" / "model.json").write_bytes(b"[" * 200_000)
    with pytest.raises(ArtifactError, match=r"model\.json must be JSON"):
        outline_of(tmp_path / "model")


def test_a_graph_of_somebody_else_is_refused(tmp_path):
    """A graph that Foregate would not have written is refused by name, though its checksum fits."""
    files = {path.name: path.read_bytes() for path in shipped_folder("tiny").iterdir()}
    document = {k: v for k, v in json.loads(files.pop("model.json")).items() if k not in ("seal", "files")}
    files["decoder.onnx"] = files["decoder.onnx"].replace(b"MatMul", b"LumTam")
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "model.json").write_bytes(render({**document, "files": marks(files)}))
    with pytest.raises(ArtifactError, match="the operation LumTam"):
        outline_of(tmp_path)
