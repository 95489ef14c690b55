"""Keys from the command line; see also tests/cli/test_serve.py."""

import pytest
from sqlalchemy import select

from foregate.service.administration import Keys
from foregate.service.problems import Problem
from foregate.service.settings import Settings
from foregate.service.store.tables import audit_log


def test_what_is_done_from_the_shell_is_written_down_too(tmp_path):
    """The audit log has who made and ended keys by hand."""
    with Keys(Settings(data_dir=tmp_path)) as keys:
        prefix = keys.add("loader", ("read",), None).split("_")[1]
        keys.rotate(prefix, 0.0)
        with pytest.raises(Problem, match="must be of a key that is good"):
            keys.revoke("nothing")
        rows = keys._database.read_now(lambda connection: connection.execute(select(audit_log)).all())
    assert [row.action for row in rows] == ["key.add", "key.rotate"]
    assert all(row.actor.startswith("shell:") for row in rows)
