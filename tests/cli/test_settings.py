"""Tests of `--set`."""

import dataclasses
import json

import pytest

from foregate import Forecaster, load
from foregate.cli.options import Training
from foregate.cli.settings import listing, options_of, settings
from foregate.core import UsageError
from foregate.data.augment import Augment
from foregate.pipeline.recipe import OF_TRAINING, Recipe
from foregate.training.options import TrainingOptions

FAST = ("--horizon", "3", "--effort", "fast", "--season-length", "1")


def test_every_field_can_be_said_in_one_way():
    """What a recipe, an augmentation and a run can be told is a setting or an option of its own, and never both."""
    own = {field.name for field in dataclasses.fields(Training)} - {"set"}
    tops = [name for name in settings() if "." not in name]
    assert own.isdisjoint(tops)
    assert {*own, *tops, "augment", "training"} == set(Recipe.__dataclass_fields__)
    inner = {name.split(".")[1] for name in settings() if name.startswith("training.")}
    assert inner == set(OF_TRAINING)
    assert {f"augment.{name}" for name in Augment.__dataclass_fields__} <= set(settings())


def test_every_setting_is_explained():
    """Each has a meaning and words for its values, and the listing names all of them."""
    shown = listing()
    for name, one in settings().items():
        assert one.meaning, name
        assert one.values, name
        assert f"\n{name}" in shown


def test_defaults_change_nothing():
    """The default of every setting, as it is shown, is read as what is usual."""
    given = options_of([f"{name}={one.default}" for name, one in settings().items() if not name.endswith(".NAME")])
    assert given.pop("augment") == Augment()
    assert TrainingOptions(1, **given.pop("training")) == TrainingOptions(1)
    assert Recipe(3, **given) == Recipe(3)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("hidden=64", {"hidden": 64}),
        (" hidden = none ", {"hidden": None}),
        ("rate=1e-3", {"rate": 0.001}),
        ("validate=False", {"validate": False}),
        ("combine=median", {"combine": "median"}),
        ("augment.jitter=0.03", {"augment": Augment(jitter=0.03)}),
        ("training.warm_up=0", {"training": {"warm_up": 0.0}}),
        ("training.schedule_options.wait=3", {"training": {"schedule_options": {"wait": 3.0}}}),
        ("training.optimizer_options.betas=0.9, 0.99", {"training": {"optimizer_options": {"betas": (0.9, 0.99)}}}),
        ("training.optimizer_options.foreach=none", {"training": {"optimizer_options": {"foreach": None}}}),
        ("training.optimizer_options.mode=a=b", {"training": {"optimizer_options": {"mode": "a=b"}}}),
    ],
)
def test_a_text_has_the_type_of_its_field(text, options):
    """A value is read as the field is annotated, or as what it looks like where any is taken."""
    assert repr(options_of([text])) == repr(options)


def test_nested_settings_come_together():
    """Several of a group are one group."""
    told = options_of(["augment.jitter=0.1", "training.clip=1", "augment.knot=12", "training.keep=last"])
    assert told == {"augment": Augment(jitter=0.1, knot=12), "training": {"clip": 1.0, "keep": "last"}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hidden", "--set must be NAME=VALUE, but got 'hidden'"),
        ("hiden=6", r"must name a setting, but got 'hiden'\. Did you mean 'hidden'"),
        ("optimizer=sgd", "Did you mean 'training.optimizer'"),
        ("learning_rate=0.1", "Did you mean 'rate'"),
        ("weight_decay=0.1", "Did you mean 'training.decay'"),
        ("augment=0.1", "Did you mean 'augment.jitter'"),
        ("training.optimizer_options.=1", "must name a setting, but got"),
        ("=1", r"must name a setting, but got ''\. --set help"),
        ("seed=1", r"no option of its own, but got 'seed'\. Give --seed\."),
        ("season_length=7", "Give --season-length"),
        ("hidden=6.5", r"hidden must be a whole number or none, but got '6\.5'\. Give for example --set hidden=2\."),
        ("recent=many", "--set recent=12"),
        ("validate=perhaps", "validate must be true or false, but got 'perhaps'"),
        ("training.schedule=cos", "must be cosine, constant, step, one-cycle or plateau, but got 'cos'"),
        ("training.schedule_options.wait=long", "training.schedule_options.wait must be a number, but got 'long'"),
        ("augment.jitter=-1", "jitter must be a number of 0 or more"),
    ],
)
def test_what_is_wrong_is_told(text, said):
    """A name that there is not, and a value that its field cannot have, are refused with what was likely meant."""
    with pytest.raises(UsageError, match=said):
        options_of([text])


def test_twice_is_refused():
    """Which of two values counts is not guessed."""
    with pytest.raises(UsageError, match="but got two of 'hidden'"):
        options_of(["hidden=2", "hidden=3"])


@pytest.mark.parametrize("verb", ["fit", "forecast", "backtest"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hiden=6", "Did you mean 'hidden'"),
        ("hidden=0", "hidden must be a whole number of at least 1"),
        ("training.optimizer=magic", "optimizer must be adamw"),
        ("training.optimizer_options.nesterov=true", "optimizer_options must be what AdamW takes"),
        ("training.device=abacus", "device must be one that torch can use here"),
    ],
)
def test_it_is_told_before_anything_is_read(run, verb, text, said):
    """Every verb that trains refuses wrong settings as wrong use, although the table is not there."""
    out = ("--out", "m") if verb != "backtest" else ()
    assert said in run(verb, "none.csv", *FAST, *out, "--set", text, code=2).stderr


def test_the_fix_is_told_in_words_of_the_command_line(run):
    """Where a message names a setting of the API, what says the same is named; not where it is named already."""
    words = ("fit", "none.csv", *FAST, "--out", "m", "--model", "recursive")
    assert run(*words, "--set", "members=2", code=2).stderr.endswith("\nOn the command line: --set members\n")
    assert "On the command line" not in run(*words, "--set", "hidden=x", code=2).stderr


def test_a_fit_is_that_of_the_api(run, here):
    """What is set arrives: the model is the one of the same options in Python, and they are kept with it."""
    words = ("steps=4", "hidden=8", "layers=1", "augment.jitter=0.1", "training.optimizer=sgd", "training.checks=2")
    run("fit", "sales.csv", *FAST, "--out", "m", *(part for word in words for part in ("--set", word)))
    options = {
        "steps": 4, "hidden": 8, "layers": 1, "augment": Augment(jitter=0.1),
        "training": {"optimizer": "sgd", "checks": 2},
    }  # fmt: skip
    model = Forecaster(3, effort="fast", season_length=1, options=options, verbose=False).fit("sales.csv")
    kept = load(here / "m", runtime="torch")
    assert kept.options == options
    assert kept.predict(level=80).equals(model.predict(level=80))


def test_weights_and_settings_go_together(run, here):
    """The option for weights stands beside `--set`."""
    words = ("fit", "sales.csv", "--horizon", "3", "--effort", "fast", "--weights", "base", "--set", "steps=1")
    said = json.loads(run(*words, "--out", "m", "--json").stdout)
    assert said["start"].startswith("base")
    assert said["steps"] == 1


def test_help_lists_them_without_data(run):
    """`--set help` needs nothing else, and `--help` says so."""
    assert run("fit", "--set", "help").stdout == f"{listing()}\n"
    assert "lists" in run("fit", "--help").stdout
