"""`foregate backup`."""

import asyncio
import contextlib

from foregate.service import assembly
from foregate.service.settings import Settings


def test_a_service_can_be_started_on_a_copy(run, here):
    """The copy of a service has its models and its keys, and none of its secret."""

    async def once(folder):
        async with assembly.running(Settings(data_dir=folder)) as service:
            return [each.name for each in await service.registry.models()], await service.served.ready("pretrained")

    asyncio.run(once(here / "data"))
    key = run("keys", "add", "loader", "--data-dir", "data").stdout.strip()
    assert run("backup", "copy", "--data-dir", "data").stdout.strip() == "copy"
    assert sorted(path.name for path in (here / "copy").iterdir()) == ["foregate.db", "models"]
    assert key[3:15] in run("keys", "list", "--data-dir", "copy").stdout
    names, ready = asyncio.run(once(here / "copy"))
    assert names == ["pretrained"]
    assert ready.version.version == 1


def test_what_cannot_be_copied_is_told(run, here):
    """Without a service, and into a folder that is there, nothing is copied and nothing is made."""
    assert "must be the folder of a service" in run("backup", "copy", "--data-dir", "data", code=2).output
    assert not (here / "data").exists()
    with contextlib.closing(assembly.database_of(Settings(data_dir=here / "data"))):
        pass
    (here / "copy").mkdir()
    assert "must be new" in run("backup", "copy", "--data-dir", "data", code=2).output
