"""Every table of the service."""

import pytest
from sqlalchemy import Integer

from foregate.service.store import tables


@pytest.mark.parametrize("table", tables.METADATA.sorted_tables, ids=lambda table: table.name)
def test_a_table_has_a_key_and_a_name(table):
    """Every table has a primary key, is exported, and gives no number twice."""
    assert table.primary_key.columns
    assert table.name in tables.__all__
    assert getattr(tables, table.name) is table
    counted = [each for each in table.primary_key.columns if each.autoincrement is True]
    assert table.dialect_options["sqlite"]["autoincrement"] == bool(counted)


def test_times_are_large_enough():
    """No column that holds microseconds is of 32 bits."""
    for table in tables.METADATA.sorted_tables:
        for column in table.columns:
            if column.name.endswith(("_at", "until")) or column.name in ("at", "time", "origin"):
                assert not isinstance(column.type, Integer) or column.type.__class__.__name__ == "BigInteger"
