"""Databases of each kind, and registries whose models are small and quickly looked at."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from foregate.persistence import unpack_folder
from foregate.service.registry.blobs import Blobs
from foregate.service.registry.registry import Registry
from foregate.service.registry.shared import SharedBlobs
from tests.service.databases import database, server, server_url, sqlite, url

__all__ = ["database", "folder", "make", "server", "server_url", "sqlite", "url"]


async def glance(packed: Path, most_bytes: int) -> dict[str, object]:
    """What a model says of itself, without running it."""
    with tempfile.TemporaryDirectory() as folder:
        unpack_folder(packed, Path(folder), most_bytes=most_bytes)
        return {"kind": "model", **json.loads((Path(folder) / "model.json").read_bytes())}


def write_model(folder: Path, mark: str, size: int = 1000) -> Path:
    """A folder that looks like a model's, with a mark in it."""
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps({"mark": mark}))
    (folder / "weights.safetensors").write_bytes(mark.encode().ljust(size, b"."))
    return folder


@pytest.fixture
def folder(tmp_path) -> Callable[..., Path]:
    """Makes a folder that looks like a model's."""
    return lambda mark="a", size=1000: write_model(tmp_path / f"model-{mark}", mark, size)


@pytest.fixture
def make(tmp_path) -> Iterator[Callable[..., Registry]]:
    """Makes a registry on a database; a second one knows of the first only what is stored.

    With PostgreSQL its files are in the database, and each registry has a folder of its own, as on another machine.
    """

    def made(database, disk=None, **options):
        if database.dialect == "postgresql":
            folder = Path(tempfile.mkdtemp(dir=tmp_path))
            blobs = SharedBlobs(database, folder, disk=disk)
        else:
            folder = tmp_path / "models"
            blobs = Blobs(folder, disk=disk)
        return Registry(database, folder, **{"examine": glance, "blobs": blobs} | options)

    return made
