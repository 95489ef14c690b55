"""Connections."""

import pytest

from foregate.core import UsageError
from foregate.service.store.engines import open_engines, require_local

MOUNTS = """/dev/sda1 / ext4 rw 0 0
server:/x /mnt/far nfs4 rw 0 0
//server/x /mnt/smb cifs rw 0 0
user@host: /mnt/with\\040space fuse.sshfs rw 0 0
/dev/sdb1 /mnt/far/near xfs rw 0 0
short
"""


@pytest.fixture
def mounts(tmp_path):
    file = tmp_path / "mounts"
    file.write_text(MOUNTS)
    return file


@pytest.mark.parametrize("folder", ["/mnt/far", "/mnt/far/deep/down", "/mnt/smb/x", "/mnt/with space/x"])
def test_a_network_file_system_is_refused(folder, mounts, tmp_path):
    """Where the folder is on another machine, the message names the file system and the way out."""
    from pathlib import Path

    with pytest.raises(UsageError, match=r"must be on a local disk, but got .* on (nfs4|cifs|fuse\.sshfs)"):
        require_local(Path(folder), mounts)


@pytest.mark.parametrize("folder", ["/", "/mnt", "/mnt/far/near/x", "/mnt/farther"])
def test_a_local_one_is_not(folder, mounts, tmp_path):
    """What is on this machine passes, wherever it is mounted; and so does everything where nothing is known."""
    from pathlib import Path

    require_local(Path(folder), mounts)
    require_local(Path("/mnt/far"), tmp_path / "nothing")


def test_folders_above_are_made(tmp_path):
    """The folder of a database need not be there."""
    engines = open_engines(f"sqlite:///{tmp_path / 'a' / 'b' / 'foregate.db'}")
    assert (engines.dialect, engines.path) == ("sqlite", tmp_path / "a" / "b" / "foregate.db")
    engines.mutex.close()


def test_a_password_is_not_in_the_message():
    """What is wrong with a URL is told without what is secret in it."""
    with pytest.raises(UsageError) as raised:
        open_engines("postgresql://user:secret@host:notaport/x")
    assert "secret" not in str(raised.value)


def test_any_driver_that_is_named_becomes_the_one_that_is_there():
    """postgresql:// is enough."""
    for url in ("postgresql://u@h/x", "postgresql+psycopg://u@h/x", "postgresql+psycopg2://u@h/x"):
        assert open_engines(url).writer.url.drivername == "postgresql+psycopg"
