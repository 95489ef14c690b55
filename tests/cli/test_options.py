"""Tests of the options."""

from typing import get_args, get_type_hints

import pytest

from foregate.cli import options
from foregate.cli.options import Reading, Training, percents
from foregate.core import UsageError
from foregate.evaluation import BASELINES
from foregate.forecaster import INSTANT
from foregate.pipeline.recipe import EFFORTS


def test_help_names_what_the_library_knows():
    """The efforts and baselines that help speaks of are those that there are."""
    assert get_args(get_type_hints(Training, include_extras=True)["effort"])[1].metavar == "|".join(EFFORTS)
    assert f": {', '.join((INSTANT, *BASELINES))}." in get_args(options.Baselines)[1].help


def test_every_option_has_a_help_text():
    """No option of a group goes unexplained."""
    for group in (Reading, Training, options.Output):
        for name, hint in get_type_hints(group, include_extras=True).items():
            assert get_args(hint)[1].help, f"{group.__name__}.{name}"


@pytest.mark.parametrize(
    ("given", "levels"), [(None, (80, 95)), (["80,95"], (80, 95)), (["50", " 90"], (50, 90)), (["99.5"] * 2, (99.5,))]
)  # fmt: skip
def test_levels_may_be_repeated_or_joined(given, levels):
    """Both ways of giving levels mean the same; each counts once, and without any there are two."""
    assert percents(given) == levels


@pytest.mark.parametrize(("given", "said"), [(["high"], "must be percentages"), (["120"], "between 0 and 100")])
def test_levels_are_percentages(given, said):
    """Anything else is refused."""
    with pytest.raises(UsageError, match=said):
        percents(given)


@pytest.mark.parametrize(
    ("given", "lengths"), [(None, None), (["24,168"], [24, 168]), (["24", "168"], [24, 168]), (["1"], []), (["7"], [7])]
)
def test_season_lengths_reach_the_forecaster(given, lengths):
    """One or two lengths, 1 for none, and nothing to have them found."""
    assert Training(3, season_length=given).forecaster(None, verbose=False).season_length == lengths


@pytest.mark.parametrize(
    ("training", "said"),
    [
        (Training(0), "horizon must be"),
        (Training(3, effort="much"), "effort must be one of instant, fast, standard, best, but got 'much'"),
        (Training(3, season_length=["week"]), "season_length must be whole numbers, but got 'week'"),
        (Training(3, season_length=["7,7"]), "season_length must be at most two"),
    ],
)
def test_wrong_training_is_told_before_anything_is_read(training, said):
    """The forecaster that options describe is made, and refused, without data."""
    with pytest.raises(UsageError, match=said):
        training.forecaster(None, verbose=False)


def test_reading_checks_itself():
    """What can be wrong whatever the table is, is told without a table."""
    Reading(freq="D", decimal=",").check()
    for wrong, said in (
        (Reading(freq="fortnight"), "freq must be"),
        (Reading(decimal=";"), "decimal must be"),
        (Reading(static=["a"], past=["a", "b"]), "'a' has more than one role"),
    ):
        with pytest.raises(UsageError, match=said):
            wrong.check()


def test_a_step_of_digits_is_a_number():
    """Integer time steps by a number, the calendar by a word."""
    assert [Reading(freq=freq).step for freq in (None, "D", "2")] == [None, "D", 2]


def test_reading_hands_everything_on(here):
    """Columns, roles and overrides arrive at the reader."""
    here.joinpath("a.txt").write_text("shop;day;units;price\nx;01/02/2024;1,5;2\nx;02/02/2024;2,5;3\n")
    reading = Reading(
        id_col="shop", time_col="day", target_col="units", past=["price"], decimal=",", separator=";",
        date_format="%d/%m/%Y", freq="D",
    )  # fmt: skip
    panel = reading.read("a.txt")
    assert panel.values.tolist() == [1.5, 2.5]
    assert {name: one.role for name, one in panel.covariates.items()} == {"price": "past"}
    assert str(panel.times[0])[:10] == "2024-02-01"


def test_repeated_times_are_settled_as_said(here):
    """The row to keep is chosen by a word, as `clean` does it, and that is noted."""
    here.joinpath("twice.csv").write_text("ds,y\n2024-01-01,1\n2024-01-01,3\n2024-01-02,5\n")
    for word, value in (("first", 1), ("last", 3), ("mean", 2)):
        panel = Reading(duplicates=word).read("twice.csv")
        assert panel.values.tolist() == [value, 5]
        assert "repeated timestamp" in panel.notes[-1]
    assert len(Reading().read("twice.csv").values) == 3
