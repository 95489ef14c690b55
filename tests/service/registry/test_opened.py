"""Models as folders to be loaded from."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from foregate.core import ArtifactError
from foregate.persistence import pack_folder
from foregate.service.registry.blobs import Blob, Blobs
from foregate.service.registry.opened import Opened, folder_checksum


@pytest.fixture
def kept(tmp_path, folder):
    """A function that makes what opens, and a model that is kept."""
    blobs = Blobs(tmp_path / "blobs")
    return (lambda: Opened(blobs, tmp_path / "open")), blobs.put(pack_folder(folder("a")))


def test_the_folder_is_the_model(kept, folder):
    """What is opened packs to the same bytes."""
    make, blob = kept
    assert folder_checksum(make().open(blob)) == blob.sha256


def test_many_may_open_at_once(kept):
    """However many open one model together, all get the same whole folder."""
    make, blob = kept
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda opened: opened.open(blob), [make() for _ in range(8)]))
    assert len(found) == 1
    assert folder_checksum(found.pop()) == blob.sha256


def test_a_folder_that_somebody_took_away_comes_back(kept):
    """What was opened and is gone is opened again."""
    make, blob = kept
    opened = make()
    for path in (there := opened.open(blob)).iterdir():
        path.unlink()
    there.rmdir()
    assert folder_checksum(opened.open(blob)) == blob.sha256


def test_what_is_not_there_cannot_be_opened(kept):
    """A model whose file is gone is an error, and no folder is left."""
    make, blob = kept
    opened = make()
    with pytest.raises(ArtifactError, match="must be there, but got"):
        opened.open(Blob("0" * 64, 5))
    assert opened.open(blob).is_dir()
    assert len(list(opened.folder.iterdir())) == 1
