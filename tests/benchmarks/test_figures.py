"""The table of the family says what stands in the log."""

import json

from benchmarks.figures import MODELS, SETS, figures
from foregate import ModelOptions


def row_of(model, tmp_path, *lines):
    """The cells of a model in the table of a log."""
    log = tmp_path / "log.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in figures(log).splitlines()[2:]]
    return next(cells for name, *cells in rows if name == f"`{model}`")


def scored(mase, model="gru", seed=0, where="nn5_daily"):
    return {"model": model, "set": where, "seed": seed, "mase": mase}


def test_a_figure_is_the_mean_over_the_newest_line_of_each_seed(tmp_path):
    """Another seed counts beside the first, and a later run of a seed instead of the one before."""
    cells = row_of("gru", tmp_path, scored(9.0), scored(1.0), scored(2.0, seed=1), scored(5.0, where="etth1"))
    assert cells[4:] == ["–", "1.500", "–", "5.000"]


def test_bold_is_a_hundredth_ahead_of_the_usual_network(tmp_path):
    """Both as means over their seeds."""
    usual = scored(2.0, model="lstm"), scored(1.0, model="lstm", seed=1)
    assert row_of("gru", tmp_path, *usual, scored(1.48))[5] == "**1.480**"
    assert row_of("gru", tmp_path, *usual, scored(1.49))[5] == "1.490"


def test_costs_are_the_newest(tmp_path):
    """Of a model that was timed twice."""
    lines = [{"model": "gru", "cost": {"parameters": 1_000 * n, "step": n}} for n in (1, 2)]
    assert row_of("gru", tmp_path, *lines)[2:4] == ["2,000", "2.0"]


def test_without_a_log_every_model_has_a_row_of_dashes(tmp_path):
    """Nothing measured is nothing claimed."""
    rows = figures(tmp_path / "none.jsonl").splitlines()
    assert len(rows) == 2 + len(MODELS)
    assert all(row.endswith(" | –" * (2 + len(SETS)) + " |") for row in rows[2:])


def test_every_model_of_the_table_is_another_one():
    """Each name is read as `--model` reads it."""
    assert len({ModelOptions.parse(model).label for model in MODELS}) == len(MODELS)
