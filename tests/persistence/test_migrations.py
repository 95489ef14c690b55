"""Models of older versions are brought up to date step by step; newer ones are refused."""

import pytest

from foregate.core import ArtifactError
from foregate.persistence import migrations


def test_every_older_version_has_its_step():
    """There is a function for each version before today's, and for no other."""
    assert sorted(migrations.STEPS) == list(range(1, migrations.SCHEMA))


def test_steps_are_taken_in_order(monkeypatch):
    """A model two versions old goes through both steps."""
    monkeypatch.setattr(migrations, "SCHEMA", 3)
    monkeypatch.setattr(migrations, "STEPS", {n: lambda d, n=n: {**d, "path": [*d["path"], n]} for n in (1, 2)})
    assert migrations.migrate({"schema": 1, "path": []})["path"] == [1, 2]
    assert migrations.migrate({"schema": 2, "path": []})["path"] == [2]
    assert migrations.migrate({"schema": 3, "path": []})["path"] == []


@pytest.mark.parametrize("schema", [None, True, 0, -1, "1", 1.0])
def test_a_version_that_is_none_is_refused(schema):
    """The version is a whole number."""
    with pytest.raises(ArtifactError, match="must be a whole number"):
        migrations.refuse_newer({"schema": schema})
