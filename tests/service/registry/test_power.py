"""What is left when the power goes: everything that a row names is whole, in whatever order the disk wrote."""

import asyncio
from itertools import chain, combinations
from pathlib import Path

import pytest

from foregate.service.store.disk import Disk

WHO = {"source": "upload", "actor": "me"}


class Recorder(Disk):
    """A disk that writes down what is asked of it; it may forget to sync."""

    def __init__(self, forgets=()):
        self.log, self.forgets, self._paths = [], forgets, {}

    def make_one(self, folder):
        self.log.append(("name", folder.parent, folder.name, folder))
        super().make_one(folder)

    def create(self, path):
        file = super().create(path)
        self._paths[file] = inode = f"{path}"
        self.log.append(("name", path.parent, path.name, inode))
        return file

    def write(self, file, content):
        for i in range(0, len(content), 400):  # so that the power may go in the middle of a write
            self.log.append(("write", self._paths[file], bytes(content[i : i + 400])))
        super().write(file, content)

    def sync(self, file):
        if "sync" not in self.forgets:
            self.log.append(("sync", self._paths[file]))
        super().sync(file)

    def rename(self, old, new):
        inode = next(entry[3] for entry in reversed(self.log) if entry[0] == "name" and entry[1] / entry[2] == old)
        self.log += [("name", new.parent, new.name, inode), ("name", old.parent, old.name, None)]
        super().rename(old, new)

    def sync_folder(self, folder):
        if "sync_folder" not in self.forgets:
            self.log.append(("sync_folder", folder))
        super().sync_folder(folder)

    def remove(self, path):
        self.log.append(("name", path.parent, path.name, None))
        super().remove(path)


def states(log):
    """Every state that a disk may be in after these calls: names, and what is in each file.

    What was synced is there. Of the names that were not, none, all, or any one or two may have lasted; of a file that
    was not, nothing, all of it, or a half.
    """
    lasting, pending, content, synced = {}, [], {}, {}
    for entry in log:
        if entry[0] == "write":
            content[entry[1]] = content.get(entry[1], b"") + entry[2]
        elif entry[0] == "sync":
            synced[entry[1]] = content.get(entry[1], b"")
        elif entry[0] == "name":
            pending.append(entry[1:])
        elif entry[0] == "sync_folder":
            for folder, name, inode in [each for each in pending if each[0] == entry[1]]:
                lasting[folder / name] = inode
            pending = [each for each in pending if each[0] != entry[1]]
    few = chain.from_iterable(combinations(pending, n) for n in (0, 1, 2))
    for chosen in (*few, tuple(pending)):
        names = dict(lasting)
        names.update({folder / name: inode for folder, name, inode in chosen})
        for part in (0.0, 0.5, 1.0):
            files = {inode: synced.get(inode, all_of[: int(len(all_of) * part)]) for inode, all_of in content.items()}
            if part == 1.0:
                files = dict(content)
            yield names, files


def check(log, root: Path) -> int:
    """Fail if after any of these calls a file that a row names may not be whole; how many states there were."""
    count, rows = 0, []
    for i, entry in enumerate(log):
        if entry[0] == "row":
            rows.append(entry[1:])
        calls = [each for each in log[: i + 1] if each[0] != "row"]
        for names, files in states(calls) if rows else ():
            count += 1
            for path, whole in rows:
                for above in path.relative_to(root).parents:
                    assert above == Path() or names.get(root / above), f"{above} is not there"
                assert names.get(path) is not None, "the file of a row is not there"
                assert files.get(names[path]) == whole, "the file of a row is not whole"
    return count


def registered(database, make, folder, disk) -> Recorder:
    """Three models, the last of them twice, whose rows are put into the same log."""

    async def main():
        registry = make(database, disk=disk)
        models = [folder(mark) for mark in "abc"]
        for one in (*models, models[-1]):
            version = await registry.register("m", one, **WHO)
            disk.log.append(("row", registry.blobs.path(version.sha256), registry.packed(version).read_bytes()))

    asyncio.run(main())
    return disk


def test_when_the_power_goes_rows_name_whole_files(sqlite, make, folder, tmp_path):
    """After every call, whatever of the unsynced the disk has lost, what rows name is there to the byte."""
    log = registered(sqlite, make, folder, Recorder()).log
    assert check(log, tmp_path) > 100


@pytest.mark.parametrize("forgets", ["sync", "sync_folder"])
def test_without_syncing_it_would_be_seen(sqlite, make, folder, tmp_path, forgets):
    """The check above is able to fail: a disk on which files or names are not synced does not pass it."""
    log = registered(sqlite, make, folder, Recorder((forgets,))).log
    with pytest.raises(AssertionError, match=r"is not (there|whole)"):
        check(log, tmp_path)
