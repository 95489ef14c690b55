"""Models from elsewhere: what is hostile or damaged is refused, and nothing of it is run."""

import asyncio
import json
import os
import pickle
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load, save

from foregate.core import ArtifactError, UsageError
from foregate.persistence import pack_folder
from foregate.persistence.folder import marks, render
from foregate.service.registry import examine as module
from foregate.service.registry.examine import examine_apart
from tests.house import REPOSITORY
from tests.service.registry.resealed import SOUND, resealed

MOST = 64 << 20


def sealed(folder, **changed):
    """A model with other files, whose manifest says that they are right; ``document`` changes what it says."""
    folder.mkdir(parents=True)
    change = changed.pop("document", None)
    files = {name: content for name, content in SOUND.items() if name != "model.json"}
    files |= {name.replace("__", "."): content for name, content in changed.items()}
    document = {k: v for k, v in json.loads(SOUND["model.json"]).items() if k not in ("seal", "files")}
    if change:
        change(document)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "model.json").write_bytes(render({**document, "files": marks(files)}))
    return folder


def packed(folder, **changed) -> bytes:
    return b"".join(pack_folder(sealed(folder, **changed)))


class Canary:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def safetensors(header, data=b"", length=None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def tensor(begin, end, shape=(1,), dtype="F32"):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


def encoder(change) -> bytes:
    model = onnx.ModelProto.FromString(SOUND["encoder.onnx"])
    change(model)
    return model.SerializeToString()


def external(model):
    entry = model.graph.initializer[0]
    array = numpy_helper.to_array(entry)
    entry.Clear()
    entry.name, entry.data_type, entry.data_location = "w", TensorProto.FLOAT, TensorProto.EXTERNAL
    entry.dims.extend(array.shape)
    told = entry.external_data.add()
    told.key, told.value = "location", "../../../../../../etc/passwd"


def bomb(model):
    """Every forecast would take 16 TiB."""
    model.graph.initializer.append(numpy_helper.from_array(np.array([2**42], "int64"), "huge"))
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["huge"], ["bomb"]))
    output = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = [f"{each}_" if each == output else each for each in node.output]
    model.graph.node.append(helper.make_node("ReduceSum", ["bomb"], ["sum"], keepdims=0))
    model.graph.node.append(helper.make_node("Add", [f"{output}_", "sum"], [output]))


def deep(document):
    value = []
    for _ in range(500):
        value = [value]
    document["facts"] = {"deep": value}


def weights(change) -> bytes:
    arrays = load(SOUND["weights.safetensors"])
    change(arrays)
    return save(arrays)


def renamed(arrays):
    name = min(arrays)
    arrays[f"{name}.other"] = arrays.pop(name)


HOSTILE = {
    "weight too many": lambda path: {
        "weights__safetensors": weights(lambda arrays: arrays.update(extra=np.zeros(4, "float32")))
    },
    "weight by another name": lambda path: {"weights__safetensors": weights(renamed)},
    "other weights than in the graphs": lambda path: {
        "weights__safetensors": weights(lambda arrays: arrays.update({min(arrays): arrays[min(arrays)] + 1}))
    },
    "pickle": lambda path: {"weights__safetensors": pickle.dumps(Canary(path))},
    "pickle as a graph": lambda path: {"encoder__onnx": pickle.dumps(Canary(path))},
    "header of 2^64 bytes": lambda path: {"weights__safetensors": safetensors({}, length=2**64 - 1)},
    "header of 2^40 bytes": lambda path: {"weights__safetensors": safetensors({}, length=2**40)},
    "deep header": lambda path: {"weights__safetensors": safetensors(b"[" * 200_000)},
    "overlap": lambda path: {"weights__safetensors": safetensors({"a": tensor(0, 4), "b": tensor(0, 4)}, b"1234")},
    "beyond the end": lambda path: {"weights__safetensors": safetensors({"a": tensor(0, 4000)}, b"1234")},
    "backwards": lambda path: {"weights__safetensors": safetensors({"a": tensor(4, 0)}, b"1234")},
    "wrong shape": lambda path: {"weights__safetensors": safetensors({"a": tensor(0, 4, (9,))}, b"1234")},
    "shape that overflows": lambda path: {
        "weights__safetensors": safetensors({"a": tensor(0, 4, (2**63, 2**63))}, b"1234")
    },
    "other type": lambda path: {"weights__safetensors": safetensors({"a": tensor(0, 8, (1,), "F64")}, b"12345678")},
    "twice": lambda path: {
        "weights__safetensors": safetensors(
            b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
            b"1234",
        )
    },
    "nothing": lambda path: {"weights__safetensors": b""},
    "weights in other files": lambda path: {"encoder__onnx": encoder(external)},
    "bomb": lambda path: {"encoder__onnx": encoder(bomb)},
    "no graph": lambda path: {"encoder__onnx": b""},
    "half a graph": lambda path: {"encoder__onnx": SOUND["encoder.onnx"][:-1000]},
    "the other graph": lambda path: {"encoder__onnx": SOUND["decoder.onnx"]},
    "deep facts": lambda path: {"document": deep},
    "newer": lambda path: {"document": lambda document: document.update(schema=99)},
    "no network": lambda path: {"document": lambda document: document.pop("network")},
    "huge network": lambda path: {"document": lambda document: document["network"].update(hidden=2**50)},
    "text for a number": lambda path: {"document": lambda document: document["network"].update(hidden="64")},
    "field of its own": lambda path: {"document": lambda document: document["network"].update(__class__="os.system")},
}
ACCEPTED = {"deep facts"}
"""Odd, but harmless: what people wrote about a model is text."""


def looked(folder) -> dict:
    """What a process said of every file in a folder."""
    command = [sys.executable, "-m", "tests.service.registry.hostile", str(folder)]
    paths = {**os.environ, "PYTHONPATH": os.pathsep.join((str(REPOSITORY / "src"), str(REPOSITORY)))}
    ended = subprocess.run(command, cwd=REPOSITORY, env=paths, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return {line["name"]: line for line in map(json.loads, ended.stdout.splitlines())}


def test_hostile_models_are_refused_and_nothing_is_run(tmp_path):
    """Pickles, headers and graphs that lie, and manifests of nonsense: refused, with no call and no memory for them."""
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for name, make in HOSTILE.items():
        (corpus / f"{name}.tar").write_bytes(packed(tmp_path / "made" / name, **make(tmp_path / "canary")))
    (corpus / "sound.tar").write_bytes(packed(tmp_path / "made" / "sound"))
    found = looked(corpus)
    assert found.keys() == {*HOSTILE, "sound"}
    assert "accepted" in found["sound"]
    accepted = {name for name, line in found.items() if "accepted" in line}
    assert accepted == {"sound", *ACCEPTED}, found
    assert {name: line["broken"] for name, line in found.items() if "broken" in line} == {}
    assert {name: line["tried"] for name, line in found.items() if line["tried"]} == {}
    assert not (tmp_path / "canary").exists()
    assert max(line["peak"] for line in found.values()) < min(line["peak"] for line in found.values()) + 60_000


def mutated(content: bytes, draw: random.Random) -> bytes:
    """With a byte changed, a stretch taken out, put in, or doubled, or the end cut off."""
    at, length = draw.randrange(len(content)), draw.choice((1, 2, 8, 512, 5000))
    how = draw.randrange(5)
    if how == 0:
        return content[:at] + bytes([content[at] ^ (1 << draw.randrange(8))]) + content[at + 1 :]
    if how == 1:
        return content[:at] + content[at + length :]
    if how == 2:
        return content[:at] + draw.randbytes(length) + content[at:]
    if how == 3:
        return content[:at] + content[at : at + length] + content[at:]
    return content[:at]


def mutate(folder, count: int, seed: int) -> dict:
    draw, sound = random.Random(seed), packed(folder / "made")
    corpus = folder / "corpus"
    corpus.mkdir()
    (corpus / "sound.tar").write_bytes(sound)
    made = 0
    while made < count:
        content = mutated(sound, draw)
        if content != sound:
            (corpus / f"{made:06}.tar").write_bytes(content)
            made += 1
    found = looked(corpus)
    for path in corpus.iterdir():
        path.unlink()
    return found


def check_all_refused(found, count):
    assert len(found) == count + 1
    assert [name for name, line in found.items() if "refused" not in line] == ["sound"]
    assert [line for line in found.values() if line["tried"]] == []


def test_whatever_is_changed_is_refused(tmp_path):
    """Of 100 models with anything changed anywhere none is accepted, and none does anything."""
    check_all_refused(mutate(tmp_path, 100, 1), 100)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_ten_thousand_changes_are_refused(tmp_path, seed):
    """Of 10,000 models with anything changed anywhere none is accepted, and none does anything."""
    check_all_refused(mutate(tmp_path, 1000, seed + 100), 1000)


def reseal(folder, count, seed):
    """What is said of models that were changed inside and sealed again, and what they forecast."""
    draw, corpus = random.Random(seed), folder / "corpus"
    corpus.mkdir()
    (corpus / "sound.tar").write_bytes(packed(folder / "made"))
    for number in range(count):
        with tempfile.TemporaryDirectory() as made:
            try:
                content = packed(Path(made) / "model", **resealed(draw, mutated))
            except UsageError:  # what no manifest can hold
                continue
        (corpus / f"{number:06}.tar").write_bytes(content)
    found = looked(corpus)
    assert found.keys() == {path.stem for path in corpus.iterdir()}
    return found


def check_harmless(found):
    """Refused, or served with finite numbers or a reason; nothing run, and memory as it was."""
    assert {name: line for name, line in found.items() if "broken" in line or "broken" in line.get("served", "")} == {}
    assert {name: line for name, line in found.items() if "not finite" in line.get("served", "")} == {}
    assert {name: line["tried"] for name, line in found.items() if line["tried"]} == {}
    assert max(line["peak"] for line in found.values()) < found["sound"]["peak"] + 100_000
    assert found["sound"]["served"] == "finite"
    assert sum("refused" in line for line in found.values()) > len(found) / 4
    assert sum("accepted" in line for line in found.values()) > len(found) / 20


def test_models_that_were_changed_and_sealed_again_break_nothing(tmp_path):
    """Where the checksums were made to fit, a changed model is refused, or serves finite numbers or a reason."""
    check_harmless(reseal(tmp_path, 40, 1))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_thousands_that_were_changed_and_sealed_again_break_nothing(tmp_path, seed):
    """The same, of 2,000 models."""
    check_harmless(reseal(tmp_path, 200, seed + 100))


def test_a_sound_model_has_its_facts(tmp_path):
    """A model that is sound passes, through the process that can do little, with what it says of itself."""
    file = tmp_path / "model.tar"
    file.write_bytes(packed(tmp_path / "made"))
    facts = asyncio.run(examine_apart(file, MOST))
    assert facts["kind"] == "pretrained"
    assert facts["parameters"] > 100_000
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("examine-")] == []


def test_where_a_model_lies_may_be_said_from_where_one_is(tmp_path, monkeypatch):
    """The process is elsewhere: a path that begins at the working directory of the service still means the same."""
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "model.tar").write_bytes(packed(tmp_path / "model"))
    monkeypatch.chdir(tmp_path)
    assert asyncio.run(examine_apart(Path("service/model.tar"), MOST))["kind"] == "pretrained"


def test_a_reading_that_takes_too_long_is_stopped(tmp_path, monkeypatch):
    """A model that is not read in time is refused, and its process is gone."""
    monkeypatch.setattr(module, "SECONDS", 0.05)
    file = tmp_path / "model.tar"
    file.write_bytes(packed(tmp_path / "made"))
    with pytest.raises(ArtifactError, match=r"must be read in 0\.05 s, but took longer"):
        asyncio.run(examine_apart(file, MOST))


def test_a_process_that_ends_is_a_model_that_is_refused(tmp_path, monkeypatch):
    """If the process is killed by what it reads, the model is refused; whoever asked goes on."""
    monkeypatch.setattr(module, "_environment", lambda: {"PYTHONPATH": str(tmp_path / "nowhere")})
    monkeypatch.setattr(module.sys, "executable", "/bin/false")
    with pytest.raises(ArtifactError, match="reading it ended with 1"):
        asyncio.run(examine_apart(tmp_path / "model.tar", MOST))


def test_no_secret_reaches_the_process(monkeypatch):
    """What is in the environment of the service stays there."""
    monkeypatch.setenv("FOREGATE_SERVE_ACCESS__SECRET", "secret")
    assert "secret" not in repr(module._environment()).lower()


@pytest.mark.parametrize(
    "attempt", ["import os; os.system('true')", "import socket; socket.create_connection(('127.0.0.1', 9))"]
)
def test_what_no_model_does_is_stopped(attempt, tmp_path):
    """In the process that looks at models, starting programs and connecting fail, even if something got so far."""
    code = f"from foregate.service.registry.examine import _limit; _limit(1000)\n{attempt}"
    ended = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "a model must be read without" in ended.stderr
