"""The folder of a model as one file, in one way only."""

import io
import shutil
import subprocess
import tarfile

import pytest

from foregate.core import ArtifactError
from foregate.persistence import pack_folder, shipped_folder, unpack_folder

MOST = 1 << 24


@pytest.fixture
def folder(tmp_path):
    """A folder that looks like a model's."""
    made = tmp_path / "model"
    made.mkdir()
    for i, name in enumerate(("model.json", "weights.safetensors", "2-encoder.onnx", "history.safetensors")):
        (made / name).write_bytes(bytes(range(256)) * i + b"end")
    return made


@pytest.fixture
def unpacked(tmp_path):
    """Unpacks what it is given, and says what came of it."""

    def unpack(content, most_bytes=MOST):
        file, to = tmp_path / "packed", tmp_path / "to"
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir()
        file.write_bytes(content)
        unpack_folder(file, to, most_bytes=most_bytes)
        return {path.name: path.read_bytes() for path in to.iterdir()}

    return unpack


def packed(folder):
    return b"".join(pack_folder(folder))


def archive(*members, end=b"") -> bytes:
    """A tar archive of what other programs may put into one."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content, more in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in more.items():
                setattr(info, key, value)
            tar.addfile(info, io.BytesIO(content))
    blocks = bytearray(made.getvalue())
    for at in range(0, len(blocks), 512):  # Python leaves the numbers of devices out, tar does not
        if blocks[at + 257 : at + 262] == b"ustar":
            blocks[at + 329 : at + 345] = b"0000000\0" * 2
            blocks[at + 148 : at + 156] = b" " * 8
            blocks[at + 148 : at + 156] = b"%06o\0 " % sum(blocks[at : at + 512])
    return bytes(blocks) + end


def test_there_and_back(folder, unpacked):
    """What comes out is what went in."""
    assert unpacked(packed(folder)) == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_model_is_the_same_bytes(folder, tmp_path):
    """Dates, rights and the order of making do not matter."""
    other = tmp_path / "other"
    other.mkdir()
    for path in sorted(folder.iterdir(), reverse=True):
        (other / path.name).write_bytes(path.read_bytes())
        (other / path.name).chmod(0o600)
    assert packed(other) == packed(folder)


def test_everybody_can_read_and_write_it(folder, tmp_path):
    """It is a tar archive to other programs, and theirs, made as the documentation says, is the same to the byte."""
    file = tmp_path / "packed.tar"
    file.write_bytes(packed(folder))
    with tarfile.open(file) as tar:
        assert tar.getnames() == sorted(path.name for path in folder.iterdir())
    said = ["--format=ustar", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mode=0644", "--mtime=@0"]
    names = sorted(path.name for path in folder.iterdir())
    made = subprocess.run(["tar", *said, "-cf", "-", *names], cwd=folder, check=True, capture_output=True).stdout
    assert made == packed(folder)


def test_the_shipped_model_can_be_packed(unpacked):
    """A pretrained folder is one too."""
    assert set(unpacked(packed(shipped_folder("tiny")))) == {
        "decoder.onnx",
        "encoder.onnx",
        "model.json",
        "weights.safetensors",
    }


@pytest.mark.parametrize("name", ["notes.txt", "model.py", "0-encoder.onnx", "1000-encoder.onnx", ".hidden"])
def test_strangers_are_not_packed(folder, name):
    """A folder with something else in it is refused."""
    (folder / name).write_bytes(b"x")
    with pytest.raises(ArtifactError, match=r"must consist of its own files, but got"):
        packed(folder)


def test_links_and_folders_are_not_packed(folder, tmp_path):
    """What leads elsewhere is refused, whatever its name."""
    (tmp_path / "secret").write_text("secret")
    (folder / "encoder.onnx").symlink_to(tmp_path / "secret")
    with pytest.raises(ArtifactError, match=r"but got 'encoder\.onnx'"):
        packed(folder)
    (folder / "encoder.onnx").unlink()
    (folder / "encoder.onnx").mkdir()
    with pytest.raises(ArtifactError, match=r"but got 'encoder\.onnx'"):
        packed(folder)


def test_a_model_has_a_manifest(folder, unpacked):
    """Without model.json it is none, neither in nor out."""
    (folder / "model.json").unlink()
    with pytest.raises(ArtifactError, match=r"must have the file model.json"):
        packed(folder)
    with pytest.raises(ArtifactError, match=r"must have the file model.json"):
        unpacked(archive(("weights.safetensors", b"x", {"mode": 0o644})))


PLAIN = {"mode": 0o644}
GOOD = ("model.json", b"{}", PLAIN)
HOSTILE = {
    "traversal": archive(("../model.json", b"{}", PLAIN)),
    "absolute": archive(("/tmp/model.json", b"{}", PLAIN)),
    "folder": archive(("deep/model.json", b"{}", PLAIN)),
    "dot": archive(("./model.json", b"{}", PLAIN)),
    "another name": archive(GOOD, ("model.pkl", b"", PLAIN)),
    "pickle in torch": archive(GOOD, ("weights.pt", b"", PLAIN)),
    "symbolic link": archive(GOOD, ("weights.safetensors", b"", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"})),
    "hard link": archive(GOOD, ("weights.safetensors", b"", {"type": tarfile.LNKTYPE, "linkname": "model.json"})),
    "device": archive(GOOD, ("weights.safetensors", b"", {"type": tarfile.CHRTYPE})),
    "pipe": archive(GOOD, ("weights.safetensors", b"", {"type": tarfile.FIFOTYPE})),
    "a folder as a file": archive(GOOD, ("weights.safetensors", b"", {"type": tarfile.DIRTYPE})),
    "twice": archive(GOOD, GOOD),
    "order": archive(("weights.safetensors", b"", PLAIN), GOOD),
    "owner": archive((GOOD[0], b"{}", {**PLAIN, "uid": 1})),
    "owner's name": archive((GOOD[0], b"{}", {**PLAIN, "uname": "root"})),
    "setuid": archive((GOOD[0], b"{}", {"mode": 0o4755})),
    "date": archive((GOOD[0], b"{}", {**PLAIN, "mtime": 1})),
    "appendix": archive(GOOD, end=bytes(512)),
    "hidden appendix": archive(GOOD, end=b"MZ"),
    "prefix": archive((f"{'a' * 100}/model.json", b"{}", PLAIN)),
    "line end": archive(("model.json\n", b"{}", PLAIN)),
    "empty": b"",
    "nothing but an end": bytes(10240),
    "zip": b"PK\x03\x04" + bytes(2000),
    "gzip": b"\x1f\x8b\x08" + bytes(2000),
    "pickle": b"\x80\x04\x95" + bytes(2000),
}


def test_an_archive_of_others_can_be_good(unpacked):
    """What is made elsewhere in the one way is accepted: what is refused below is refused for what it says."""
    assert unpacked(archive(GOOD)) == {"model.json": b"{}"}
    assert len(unpacked(archive(GOOD, ("weights.safetensors", b"w" * 600, PLAIN)))) == 2


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_not_be_written_is_not_read(name, unpacked, tmp_path):
    """Whatever else an archive may hold is refused, and nothing is written outside the folder."""
    before = {path.name for path in tmp_path.iterdir()} | {"packed", "to"}
    with pytest.raises(ArtifactError):
        unpacked(HOSTILE[name])
    assert {path.name for path in tmp_path.iterdir()} == before


def test_sizes_that_lie_are_refused(folder, unpacked):
    """A size beyond the end, or one in a format without bounds, reserves no memory and is refused."""
    content = packed(folder)
    for digits in (b"77777777777\0", b"\x80" + b"\xff" * 11, b"-0000000001\0", b"0000000000 \0"):
        with pytest.raises(ArtifactError, match="as Foregate packs it"):
            unpacked(content[:124] + digits + content[136:])


def test_more_than_allowed_is_refused(folder, unpacked):
    """A file that is larger than may be is refused before it is read."""
    content = packed(folder)
    assert unpacked(content, len(content))
    with pytest.raises(ArtifactError, match="must have at most"):
        unpacked(content, len(content) - 1)


def test_every_cut_is_refused(folder, unpacked):
    """Without its last bytes, however few, it is refused."""
    content = packed(folder)
    for length in range(0, len(content), 97):
        with pytest.raises(ArtifactError):
            unpacked(content[:length])


def test_every_byte_counts(folder, unpacked):
    """A bit that is flipped anywhere is refused, or is in the content of a file: nothing else can carry anything."""
    content = packed(folder)
    sound = unpacked(content)
    for at in range(0, len(content), 61):
        changed = content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]
        try:
            assert unpacked(changed) != sound
        except ArtifactError:
            continue
