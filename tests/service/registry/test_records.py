"""What is known of models."""

import pytest

from foregate.service.problems import Problem
from foregate.service.registry.records import Version, require_alias, require_name

ROW = {"model": "m", "version": 1, "sha256": "0", "size": 1, "reference": None, "source": "upload"} | {
    "created_at": 0,
    "created_by": "me",
}


def test_a_version_comes_from_its_row():
    """Facts and metrics are JSON in the row, and mappings in the version."""
    version = Version.of(ROW | {"facts": '{"kind": "pretrained"}', "metrics": '{"mase": 0.5}'})
    assert version.metrics == {"mase": 0.5}
    assert version.is_pretrained
    assert not Version.of(ROW | {"facts": "{}", "metrics": "{}"}).is_pretrained


def test_names_are_plain():
    """Letters, digits and a few marks make a name; a number is no alias."""
    for name in ("a", "0", "demand.v2", "a_b-c", "a" * 64):
        require_name(name)
    with pytest.raises(Problem, match="must not be a number"):
        require_alias("7")
