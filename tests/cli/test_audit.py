"""Tests of `foregate audit`."""

import json

import polars as pl

from foregate.data import audit, read


def test_the_document_is_the_audit(run, here):
    """--json prints what the API finds, and nothing else."""
    said = json.loads(run("audit", "sales.csv", "--json").stdout)
    assert said == {"data": "sales.csv", **audit(read("sales.csv")).to_dict()}


def test_people_see_counts_and_findings(run, here):
    """The page names the table, what was decided, what was counted, and what is odd."""
    pl.read_csv("sales.csv").with_row_index().filter(pl.col("index") != 5).drop("index").write_csv("gap.csv")
    shown = run("audit", "gap.csv").stdout
    assert "gap.csv: 2 series of 23 to 24 rows" in shown
    assert "freq inferred as D" in shown
    assert "gaps              1 missing steps" in shown
    assert "warning" in shown.partition("Findings")[2]


def test_nothing_is_written(run, here):
    """An audit leaves the folder as it was."""
    run("audit", "sales.csv")
    assert [path.name for path in here.iterdir()] == ["sales.csv"]


def test_a_future_in_the_table_is_no_missing_data(run, here):
    """Rows behind the last observation that known-future columns have are not counted."""
    pl.DataFrame({"ds": range(1, 9), "y": [1.0, 3, 2, 4, 3, 5, None, None], "price": range(8)}).write_csv("plan.csv")
    said = json.loads(run("audit", "plan.csv", "--future", "price", "--json").stdout)
    assert (said["n_rows"], said["missing"]) == (6, 0)
