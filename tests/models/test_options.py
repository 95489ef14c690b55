"""Models by name: what is said comes back as it was said, and what makes no sense is refused at once."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.core import UsageError
from foregate.models.architecture import WINDOWED, Architecture
from foregate.models.cell_spec import Dropout, ForgetGate
from foregate.models.options import PARTS, ModelOptions

COMBINATIONS = [
    dict(zip(PARTS, names, strict=True))
    for names in product(PARTS["cell"], PARTS["encoder"], (None, *PARTS["attention"]), PARTS["strategy"], PARTS["head"])
    if names[2] is None or names[1] not in WINDOWED
]
shares = st.floats(0, 0.99)
gates = st.one_of(
    st.floats(-9, 9).map(lambda bias: ForgetGate(value=bias)),
    st.floats(1e-3, 1e20).map(lambda steps: ForgetGate(retain_steps=steps)),
    st.sampled_from(["long", "short", "noisy"]).map(lambda preset: ForgetGate(preset=preset)),
    st.integers(2, 999).map(lambda steps: ForgetGate(chrono=steps)),
    st.tuples(st.floats(0, 0.4), st.floats(0.5, 1), st.floats(1e-9, 1e20)).map(
        lambda given: ForgetGate(value=1.0, within=given[:2], penalty=given[2])
    ),
)
settings = st.fixed_dictionaries({}, optional={"dropout": st.builds(Dropout, shares, shares, shares), "forget": gates})
strategies = st.one_of(
    st.just({}),
    st.builds(dict, strategy=st.just("recursive"), draws=st.integers(0, 999)),
    st.builds(dict, strategy=st.just("seq2seq"), sampling=shares),
)
heads = st.one_of(
    st.just({}),
    st.builds(dict, head=st.just("mixture"), components=st.integers(1, 9)),
    st.builds(dict, head=st.just("point"), error=st.sampled_from(["mse", "mae", "huber"])),
)
reaching = st.one_of(
    st.just({}),
    st.builds(
        dict, encoder=st.just("dilated"), dilations=st.lists(st.integers(1, 99), min_size=1, max_size=4).map(tuple)
    ),
    st.builds(dict, encoder=st.just("patched"), lookback=st.integers(1, 99), patch=st.none() | st.integers(1, 9)),
    st.builds(dict, attention=st.just("dot"), lookback=st.none() | st.integers(1, 99), entropy=st.floats(-9, 1e20)),
    st.builds(dict, attention=st.just("multi-head"), views=st.integers(1, 9)),
)


def test_no_name_stands_in_two_places():
    """Names of parts, of any kind, are unique: a name alone says what it is."""
    every = [name for names in PARTS.values() for name in names]
    assert len(set(every)) == len(every)
    assert all(sentence for names in PARTS.values() for sentence in names.values())


def test_every_combination_of_parts_has_a_name():
    """What a label says is what it was made from, and no two have the same."""
    labels = {}
    for given_ in COMBINATIONS:
        made = ModelOptions(**given_)
        assert ModelOptions.parse(made.label) == made
        labels[made.label] = given_
    assert len(labels) == len(COMBINATIONS)


@given(settings, reaching, strategies, heads)
def test_every_setting_is_said(given_, parts, strategy, head):
    """Whatever differs from the usual comes back from the label, numbers to the bit."""
    if strategy.get("strategy") == "seq2seq" and "entropy" in parts:
        parts = {**parts, "entropy": 0.0}  # which looks back from its own steps
    if "encoder" in parts and "forget" in given_ and parts["encoder"] == "patched":
        given_ = {**given_, "forget": ForgetGate(preset="long")}  # windows have no range for their gates
    made = ModelOptions(**given_, **parts, **strategy, **head)
    assert ModelOptions.parse(made.label) == made
    assert repr(made) == f"ModelOptions({made.label!r})"


def test_the_usual_model_is_the_one_that_comes_pretrained():
    """Named by its cell; what is dropped changes no weight, everything else is another network."""
    assert ModelOptions().label == "lstm"
    assert ModelOptions.parse("") == ModelOptions.parse("lstm+residual+parallel+quantiles") == ModelOptions()
    assert all(ModelOptions.parse(text).is_pretrained for text in ("lstm", "dropout=0.2", "output_dropout=0.1"))
    assert not any(
        ModelOptions(**each).is_pretrained for each in COMBINATIONS if ModelOptions(**each) != ModelOptions()
    )
    assert not ModelOptions.parse("forget=long").is_pretrained


def test_words_come_in_any_order():
    """Joined by plus or comma, with or without spaces."""
    texts = "gru+stacked+lookback=9+dot", "dot, lookback=9, stacked, gru", " dot +gru+ stacked+lookback=9"
    assert len({ModelOptions.parse(text) for text in texts}) == 1


WRONG = {
    "abacus": r"model must be made of 'lstm', .*'mixture', joined by '\+', but got 'abacus'",
    "gru+rnn-tanh": r"every part of a model must be said once, but got two of cell in 'gru\+rnn-tanh'",
    "views=2+views=3": "must be said once, but got two of views",
    "speed=3": r"a setting of a model must be one of 'lookback', .*'forget_penalty', but got 'speed'",
    "dot+lookback=long": "lookback must be like lookback=48, but got 'long'",
    "dropout=much": r"dropout must be like dropout=0\.2, but got 'much'",
    "dilated+dilations=1-24": "dilations must be like dilations=1x24, but got '1-24'",
    "forget_within=0.5": r"forget_within must be like forget_within=0\.5to0\.99, but got '0\.5'",
    "dilations=1x2": r"dilations must be left out but for a dilated encoder, but got \(1, 2\)",
    "patch=3": "patch must be left out but for a patched encoder, but got 3",
    "lookback=9": "lookback must be left out but for a window or attention, .*, but got 9",
    "dot+lookback=0": "lookback must be a whole number of at least 1, but got 0",
    "patched+dot": "attention must have the states of a carried encoder",
    "dropout=1": r"^dropout must be from 0 up to, not including, 1, but got 1\.0\. Give",
    "point+error=mape": "^error must be one of 'mse', 'mae', 'huber', but got 'mape'",
    "forget_within=0.5to0.9": "^forget_within and forget_penalty must be given together",
    "chrono=5+forget=long": "exactly one of forget_bias, retain_steps, forget and chrono",
    "forget=forever": "^forget must be one of .* Choose",
    "forget_bias=inf": "^forget_bias must be a finite number, but got inf. Give",
    "retain_steps=0": "^retain_steps must be .* Give",
    "chrono=1": "^chrono must be a whole number of at least 2, but got 1. Give",
    "seq2seq+sampling=1": "^sampling must be .* Give",
    "multi-head+views=0": "^views must be a whole number of at least 1, but got 0",
    "patched+patch=0": "^patch must be a whole number of at least 1, but got 0",
    "dilated+dilations=0x1": "dilations must be a tuple of whole numbers from 1 on",
    "dot+entropy=nan": "entropy must be a finite number, but got nan",
    "dot+entropy=inf": "entropy must be a finite number, but got inf",
    "views=5": "views must be left out but for multi-head attention, but got 5. Leave it out",
    "dot+views=5": "views must be left out but for multi-head attention",
    "components=2": "components must be left out but for a mixture",
    "error=mse": "error must be left out but for a point",
    "seq2seq+draws=5": "draws must be left out but for a recursive model",
    "recursive+sampling=0": "sampling must be left out but for seq2seq",
    "rnn-tanh+forget=long": "forget must be left out but for a cell with a gate, lstm or gru, but got forget=long",
    "rnn-relu+retain_steps=5": "forget must be left out but .*, but got retain_steps=5",
    "gruu": "but got 'gruu'. Did you mean 'gru'",
    "lokback=9": "but got 'lokback'. Did you mean 'lookback'",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_makes_no_sense_is_refused(text):
    """At once, with the names that there are or an example of how to say it."""
    with pytest.raises(UsageError, match=WRONG[text]):
        ModelOptions.parse(text)


WRONG_KINDS = (
    {"dropout": 0.2},
    {"dropout": None},
    {"forget": "long"},
    {"sampling": None},
    {"entropy": "x"},
    {"entropy": float("nan")},
    {"views": "4"},
    {"views": True},
    {"lookback": 2.5},
    {"error": "mape"},
    {"head": "mixture", "components": 0},
    {"strategy": "recursive", "draws": -1},
    {"cell": []},
    {"cell": "GRU"},
    {"encoder": "dilated", "dilations": 3},
    {"encoder": "dilated", "dilations": ()},
    {"encoder": "dilated", "dilations": [1, 24]},
    {"encoder": "dilated", "dilations": (1, 2.5)},
)


@pytest.mark.parametrize("given_", WRONG_KINDS, ids=str)
def test_what_is_of_another_kind_is_refused(given_):
    """The message begins with the name of the field, and ends with what to give."""
    name, wrong = list(given_.items())[-1]
    with pytest.raises(UsageError, match=rf"^{name} must be .*, but got {re.escape(repr(wrong))}\."):
        ModelOptions(**given_)


def test_names_are_read_in_any_case_and_numbers_in_any_form():
    """Capital letters make no other model, and a plus inside a number parts nothing."""
    assert ModelOptions.parse("GRU+Stacked+LookBack=9+DOT+Forget=Long") == ModelOptions.parse(
        "gru+stacked+lookback=9+dot+forget=long"
    )
    assert ModelOptions.parse("forget_bias=1e+1+gru") == ModelOptions.parse("forget_bias=10+gru")
    assert ModelOptions.parse("gru+forget_bias=+2") == ModelOptions.parse("forget_bias=2+gru")


def test_what_is_not_said_follows_from_the_seasons():
    """A window spans two long seasons within bounds, in eight patches; layers above the first go back by the short."""

    def resolved(text, seasons=(24, 168), layers=None):
        return ModelOptions.parse(text).resolve(layers, seasons, 48)

    assert [resolved("dot", (m, 1)).rows_back for m in (1, 20, 168)] == [24, 40, 192]
    assert (resolved("patched").rows_back, resolved("patched").patch) == (192, 24)
    assert (resolved("patched+lookback=10+patch=4").rows_back, resolved("patched+lookback=10").patch) == (12, 1)
    assert resolved("bidirectional+lookback=7").patch == 1
    assert resolved("dilated").dilations == (1, 24)
    assert resolved("dilated", (1, 1), layers=3).dilations == (1, 2, 2)
    assert resolved("dilated+dilations=1x7x7").dilations == (1, 7, 7)
    assert resolved("gru", layers=3).dilations == (1, 1, 1)
    with pytest.raises(UsageError, match=r"dilations must be one per layer, but got \(1, 7\) for 3 layers"):
        resolved("dilated+dilations=1x7", layers=3)


def test_what_is_made_for_a_number_of_steps_is_told_it():
    """Strategies with weights for each step reach as far as the horizon; the others anywhere."""
    reaches = {name: ModelOptions(strategy=name).resolve(None, (1, 1), 48).reach for name in PARTS["strategy"]}
    assert reaches == {"parallel": None, "direct": 48, "each": 48, "recursive": None, "seq2seq": 48}


def test_the_usual_model_is_the_universal_network():
    """Nothing said, an architecture is that of no arguments either."""
    assert ModelOptions().resolve(None, (24, 168), 48) == Architecture()
