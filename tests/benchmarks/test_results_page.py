"""The page of results and the README's scoreboard hold what was measured: losses, failures, and nothing else."""

import re

import pytest

from benchmarks.cases import CASES
from benchmarks.results_page import BEGIN, END, newest, page, readme, scoreboard

LONG = [name for name in CASES if name.startswith("etth1:")]


def line_of(who, mase, seed=0, *, of="m1_yearly", part="test"):
    found = {"mase": mase, "crps": mase, "mse": mase, "mae": mase, "pinball": mase, "covers80": 81.0, "covers95": 94.0}
    costs = {"fit_seconds": 7.0, "predict_seconds": 1.0, "peak_mib": 100}
    return {"set": of, "part": part, "contender": who, "seed": seed, "figures": found, **costs}


def failed(who, seed=0, why="took longer than 9 s"):
    return {"set": "m1_yearly", "part": "test", "contender": who, "seed": seed, "failed": why}


def rows_of(text):
    """The cells of a table's rows, without its head."""
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in text.splitlines() if row.startswith("| ")]
    return rows[1:]


def bold(cells):
    return [cell for cell in cells if "**" in cell]


def test_a_row_is_the_mean_of_the_newest_line_of_each_seed():
    """A later run of a seed takes the place of the one before."""
    lines = [line_of("standard", 9.0), line_of("standard", 1.0), line_of("standard", 2.0, seed=1)]
    row = newest(lines)["m1_yearly", "standard"]
    assert (row["mase"], row["seeds"]) == (1.5, "2")


def test_what_older_code_has_said_no_longer_counts():
    """Whatever its seed was; seeds of one code are averaged."""
    older = [line_of("standard", 9.0, seed=i) | {"code": "a"} for i in range(3)]
    newer = [line_of("standard", 1.0 + i, seed=i) | {"code": "b"} for i in range(2)]
    row = newest(older + newer)["m1_yearly", "standard"]
    assert (row["mase"], row["seeds"]) == (1.5, "2")


def test_the_page_is_in_order_and_keeps_losses_and_failures():
    """The best first and in bold; what failed says so; validation parts are no results."""
    text = page(
        [
            line_of("standard", 2.0),
            line_of("AutoETS", 1.0),
            failed("Prophet", why="a | b"),
            line_of("best", 0.1, part="validation"),
        ]
    )
    rows = rows_of(text)
    assert [row[0] for row in rows] == ["AutoETS", "standard", "Prophet"]
    assert bold(rows[0]) == ["**1.000**", "**1.000**"]
    assert not bold(rows[1])
    assert rows[2][1] == "failed: a / b"
    assert len({len(row) for row in rows}) == 1


def test_a_seed_that_failed_is_counted():
    """The mean is of the others, and the row says so."""
    (row,) = rows_of(page([line_of("standard", 2.0), failed("standard", seed=1)]))
    assert (row[1], row[-1]) == ("**2.000**", "1, 1 failed")


def test_the_page_shows_everyone_who_has_lines():
    """An effort with options has a row of its own there, and none on the README."""
    lines = [line_of("standard, model=gru", 1.0), line_of("standard", 2.0)]
    assert [row[0] for row in rows_of(page(lines))] == ["standard, model=gru", "standard"]
    ((_, _, standard, *others),) = rows_of(scoreboard(lines))
    assert standard == "**2.000**"
    assert not bold(others)


def test_sets_without_a_line_have_no_row():
    """Whatever is not there: the page and the scoreboard are made of what is."""
    assert rows_of(scoreboard([line_of("AutoETS", 1.0)]))[0][1:4] == ["", "", ""]
    assert len(rows_of(scoreboard([line_of("AutoETS", 1.0)]))) == 1
    assert rows_of(scoreboard([failed("standard")])) == []
    assert "## " not in page([])


def test_the_lowest_figure_is_bold():
    """Whoever has it, and all that show the same; the best peer of each kind is named."""
    lines = [
        line_of("instant", 2.0),
        line_of("standard", 1.0),
        line_of("best", 1.0000001),
        line_of("SeasonalNaive", 4.0),
        line_of("AutoETS", 3.0),
        line_of("darts GRU", 6.0),
        line_of("gluonts DeepAR", 5.0),
        line_of("neuralforecast NHITS", 0.5),
    ]
    (row,) = rows_of(scoreboard(lines))
    assert row == [
        "M1 yearly, MASE",
        "2.000",
        "**1.000**",
        "**1.000**",
        "3.000 AutoETS",
        "5.000 gluonts DeepAR",
        "81 / 94 %",
        "7.0",
    ]
    (row,) = rows_of(scoreboard([*lines, line_of("AutoTheta", 0.9)]))
    assert bold(row) == ["**0.900** AutoTheta"]


def test_figures_are_means_over_seeds():
    """Of the scoreboard too."""
    (row,) = rows_of(scoreboard([line_of("standard", 1.0), line_of("standard", 2.0, seed=1)]))
    assert row[2] == "**1.500**"


def test_horizons_are_one_row_where_all_four_are_there():
    """A contender that lacks one of them, or failed at it, has no mean."""
    whole = [line_of("standard", 1.0 + i, of=name) for i, name in enumerate(LONG)]
    part = [line_of("best", 0.1, of=name) for name in LONG[1:]]
    stopped = failed("best") | {"set": LONG[0]}
    (row,) = rows_of(scoreboard([*whole, *part, stopped]))
    assert row[0].endswith("MSE")
    assert row[1:4] == ["", "**2.500**", ""]
    assert rows_of(scoreboard([*part, stopped])) == []


def test_the_page_has_the_mean_of_horizons():
    """Of contenders that have all four, options or not, after the horizons themselves."""
    who = "standard, history=96"
    lines = [line_of(who, 1.0 + i, of=name) for i, name in enumerate(LONG)]
    lines += [line_of("best", 0.1, of=name) for name in LONG[1:]]
    _, mean = page(lines).split(", mean\n")
    ((first, figure, *_),) = rows_of(mean)
    assert (first, figure) == (who, "**2.500**")
    assert ", mean" not in page(lines[:3])


def test_the_readme_keeps_what_is_outside_the_marks():
    """What lies between them is made, over and over the same; without a line of a test part it is left as it is."""
    text = f"before\n{BEGIN}\nstale\n{END}\nafter\n"
    lines = [line_of("standard", 1.0)]
    made = readme(text, lines)
    assert re.fullmatch(r"before\n<!-- .* -->\n\|.*\n<!-- .* -->\nafter\n", made, flags=re.DOTALL)
    assert "stale" not in made
    assert readme(made, lines) == made
    assert readme(text, [line_of("standard", 1.0, part="validation")]) == text
    with pytest.raises(SystemExit, match="must have both marks"):
        readme("before\nafter\n", lines)
