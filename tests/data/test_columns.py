"""Laws of covariates as input columns."""

from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Covariate, DataError, Panel
from foregate.data.columns import (
    CODE_WIDTH,
    LARGEST,
    ColumnSpec,
    FromOrigins,
    category_places,
    codes,
    encode_columns,
    fit_columns,
)
from foregate.data.inputs import STEP_WIDTH, Inputs, InputSpec

LENGTHS = (12, 7)
K = np.arange(1, 5)


def panel(**covariates):
    """Two series with the covariates given by name."""
    rng = np.random.default_rng(0)
    made = Panel.from_arrays([rng.normal(5, 1, n) for n in LENGTHS])
    return replace(made, covariates=covariates)


def rows_of(role, values, categories=()):
    return Covariate(role, np.asarray(values, np.float32), categories)


def everything(seed=1):
    """A covariate of every role and kind; the future ones count up, so that a shift shows."""
    rng = np.random.default_rng(seed)
    n = sum(LENGTHS)
    return panel(
        size=rows_of("static", [3.0, 9.0]),
        kind=rows_of("static", [1, 0], ("a", "b")),
        rain=rows_of("past", rng.normal(size=n)),
        wind=rows_of("past", rng.integers(0, 2, n), ("low", "high")),
        price=rows_of("future", np.arange(n) + 10.0),
        promo=rows_of("future", rng.integers(0, 3, n), ("no", "yes", "more")),
    )


def told(columns, rows=slice(None)):
    """Inputs of encoded covariates, side by side."""
    return np.concatenate([column.at(np.arange(len(column.rows))[rows]) for column in columns], -1)


def split(full, ahead):
    """The panel without the last `ahead` rows of each series, and what is known of them."""
    history = full.cut(full.lengths - ahead)
    rows = (full.offsets[1:] - ahead)[:, None] + np.arange(ahead)
    return history, {name: c.values[rows] for name, c in full.covariates.items() if c.role == "future"}


def test_numbers_are_standardised_with_the_training_part():
    """A number becomes its distance from the mean in standard deviations, and whether it is known."""
    part = panel(rain=rows_of("past", [1.0, 3.0, np.nan] + [np.nan] * 16))
    (spec,) = fit_columns(part)
    assert (spec.mean, spec.spread, spec.width) == (2.0, 1.0, 2)
    later = panel(rain=rows_of("past", [4.0, np.nan, 1e6] + [2.0] * 16))
    np.testing.assert_array_equal(told(encode_columns(later, (spec,)).past)[:4], [[2, 1], [0, 0], [LARGEST, 1], [0, 1]])


def test_a_constant_or_unknown_number_has_a_spread_of_one():
    """What never varies, or was never seen, divides by one."""
    constant, never = fit_columns(panel(a=rows_of("past", np.full(19, 7.0)), b=rows_of("past", np.full(19, np.nan))))
    assert (constant.mean, constant.spread) == (7.0, 1.0)
    assert (never.mean, never.spread) == (0.0, 1.0)


def test_categories_have_an_input_each_by_name():
    """Categories are found by their name, not by their code; unknown ones have an input, missing ones are all zeros."""
    (spec,) = fit_columns(panel(kind=rows_of("past", [0, 1, 1] + [np.nan] * 16, ("a", "b", "never"))))
    assert spec.categories == ("b", "a")
    other = panel(kind=rows_of("past", [0, 1, 2, np.nan] + [0] * 15, ("new", "a", "b")))
    wanted = [[0, 0, 1], [0, 1, 0], [1, 0, 0], [0, 0, 0]]
    np.testing.assert_array_equal(told(encode_columns(other, (spec,)).past)[:4], wanted)


def test_models_of_before_read_unknown_categories_as_missing():
    """A column without an input for the unknown has the width and the inputs that it always had."""
    spec = ColumnSpec("kind", "past", categories=("b", "a"))
    other = panel(kind=rows_of("past", [0, 1, 2, np.nan] + [0] * 15, ("new", "a", "b")))
    wanted = [[0, 0], [0, 1], [1, 0], [0, 0]]
    np.testing.assert_array_equal(told(encode_columns(other, (spec,)).past)[:4], wanted)


def test_rare_categories_are_read_as_unknown():
    """Only so many of the most frequent categories as are asked for are told apart; rarer ones are the unknown one."""
    often = np.repeat(np.arange(40), np.arange(40, 0, -1))
    names = tuple(f"c{i}" for i in range(40))
    made = replace(Panel.from_arrays([np.ones(len(often))]), covariates={"kind": rows_of("past", often, names)})
    (spec,) = fit_columns(made, max_categories=32)
    assert spec.categories == names[:32]
    inputs = told(encode_columns(made, (spec,)).past)
    np.testing.assert_array_equal(inputs[:, -1], often >= 32)
    np.testing.assert_array_equal(inputs.sum(1), 1)


@pytest.mark.parametrize(("n", "shared"), [(CODE_WIDTH, 0), (CODE_WIDTH + 1, 1), (1369, 1), (3000, 2)])
def test_every_category_is_told_apart(n, shared):
    """No two categories have the same inputs; up to 148 share none, up to 1,369 at most one of four, then two."""
    table = codes(n)
    common = table @ table.T
    ones = common[0, 0]
    assert ones == (1 if n <= CODE_WIDTH else 4)
    np.testing.assert_array_equal(np.diag(common), ones)
    np.fill_diagonal(common, 0)
    assert common.max() == shared
    assert table.shape[1] == min(n, CODE_WIDTH)


def test_a_code_does_not_depend_on_how_many_there_are():
    """A model that is loaded, or made of fewer series, tells a category the same way."""
    np.testing.assert_array_equal(codes(2000)[:500], codes(500))


def test_a_thousand_shops_keep_the_inputs_narrow():
    """A category per series of a thousand series is told in 148 inputs and the unknown one, all of them apart."""
    shops = Panel.from_arrays([np.ones(2)] * 1000)
    names = tuple(f"shop {i}" for i in range(1000))
    shops = replace(shops, covariates={"shop": Covariate("static", np.arange(1000, dtype=np.float32), names)})
    (spec,) = fit_columns(shops, 10_000)
    inputs = told(encode_columns(shops, (spec,)).static)
    assert inputs.shape == (1000, spec.width) == (1000, CODE_WIDTH + 1)
    assert len(np.unique(inputs, axis=0)) == 1000
    assert not inputs[:, -1].any()


def test_an_unknown_category_of_the_future_is_not_a_missing_one():
    """A step whose category nobody has seen has the input of the unknown, one without a category has none."""
    history = panel(promo=rows_of("future", [0, 1] * 9 + [0], ("no", "yes")))
    specs = fit_columns(history)
    future = {"promo": np.array([[1, 2], [np.nan, 0]], np.float32)}
    column = encode_columns(history, specs, future).future[0]
    steps = column.later(np.array([[0, 0], [1, 1]]), np.array([[0, 1], [0, 1]]))
    np.testing.assert_array_equal(steps, [[[0, 1, 0], [0, 0, 1]], [[0, 0, 0], [1, 0, 0]]])


def test_places_of_categories_are_where_they_are_written():
    """Reading a category as unknown changes exactly the inputs in which its own value shows."""
    full = everything()
    spec = InputSpec((3, 1), columns=fit_columns(full))
    columns = spec.n_features - spec.encoder_width
    for name, (encoder, steps) in zip(("kind", "wind", "promo"), category_places(spec.columns), strict=True):
        covariate = full.covariates[name]
        other = replace(
            full, covariates={**full.covariates, name: replace(covariate, values=covariate.values * np.nan)}
        )
        one, two = (Inputs(each, spec) for each in (full, other))
        differ = (one.features(np.arange(19)) != two.features(np.arange(19))).any(0)[columns:]
        inside = np.zeros_like(differ)
        for span in encoder:
            inside[span] = True
        assert not (differ & ~inside).any()
        assert differ.any()
        ahead = (one.steps(np.arange(19), K)[0] != two.steps(np.arange(19), K)[0]).any((0, 1))[STEP_WIDTH:]
        inside = np.zeros_like(ahead)
        for span in steps:
            inside[span] = True
        assert not (ahead & ~inside).any()
        assert ahead.any() == bool(steps)


def test_a_category_that_was_never_known_has_one_silent_input():
    """A column without a single known category is all zeros, and keeps its place, as does that of unknown ones."""
    made = panel(kind=rows_of("future", np.full(19, np.nan), ("a",)))
    columns = encode_columns(made, fit_columns(made))
    assert told(columns.future).shape == (19, 2)
    assert not told(columns.future).any()


def test_a_known_future_is_the_future_that_comes():
    """At every row, a panel with its future given says what the longer panel says, one step ahead and all steps."""
    full = everything()
    spec = InputSpec((3, 1), columns=fit_columns(full))
    history, future = split(full, len(K))
    longer, shorter = Inputs(full, spec), Inputs(history, spec, future)
    for i in range(len(full)):
        ends = full.offsets[i] + history.lengths[i], history.offsets[i + 1]
        for back in range(1, 4):
            there, here = (np.array([end - back]) for end in ends)
            np.testing.assert_array_equal(longer.features(there), shorter.features(here))
            for one, other in zip(longer.steps(there, K), shorter.steps(here, K), strict=True):
                np.testing.assert_array_equal(one, other)


def test_what_is_not_known_of_the_future_is_zeros():
    """Behind the end of the panel, known-future columns are zeros: never those of the next series."""
    full = everything()
    spec = InputSpec((3, 1), columns=fit_columns(full))
    inputs, width = Inputs(full, spec), spec.width("future")
    last = full.offsets[1:] - 1
    assert not inputs.features(last)[:, -width:].any()
    steps, _ = inputs.steps(last - 1, K)
    ahead = steps[..., STEP_WIDTH : STEP_WIDTH + width]
    assert ahead[:, 0].any(axis=-1).all()
    assert not ahead[:, 1:].any()


def test_steps_also_see_the_same_phase_one_season_back():
    """Beside the future's columns stand those of the row that the seasonal profiles come from."""
    full = panel(price=rows_of("future", np.arange(19) / 2.0))
    spec = InputSpec((3, 5), columns=(ColumnSpec("price", "future", spread=2.0),))
    steps, _ = Inputs(full, spec).steps(np.array([6]), K)
    np.testing.assert_array_equal(steps[0, :, STEP_WIDTH] * 4, [7, 8, 9, 10])
    np.testing.assert_array_equal(steps[0, :, STEP_WIDTH + 2] * 4, [4, 5, 6, 4])
    np.testing.assert_array_equal(steps[0, :, STEP_WIDTH + 4] * 4, [2, 3, 4, 5])


def test_past_covariates_do_not_look_ahead():
    """Change past covariates after a row: what is told at it stays to the bit; change it there: it shows."""
    full = everything()
    spec = InputSpec((3, 1), columns=fit_columns(full))
    rain = full.covariates["rain"]
    for changed_from, same in ((6, True), (5, False)):
        values = np.where(np.arange(19) >= changed_from, 99, rain.values).astype(np.float32)
        other = replace(full, covariates={**full.covariates, "rain": replace(rain, values=values)})
        one, two = (Inputs(each, spec).features(np.arange(6)) for each in (full, other))
        assert np.array_equal(one, two) == same


def test_future_covariates_are_known_one_step_ahead_and_no_further():
    """The encoder at a row reads the future columns of the next row, not of the row after it."""
    full = everything()
    spec = InputSpec((3, 1), columns=fit_columns(full))
    price = full.covariates["price"]
    for changed_from, same in ((7, True), (6, False)):
        values = np.where(np.arange(19) >= changed_from, -99, price.values).astype(np.float32)
        other = replace(full, covariates={**full.covariates, "price": replace(price, values=values)})
        one, two = (Inputs(each, spec).features(np.arange(6)) for each in (full, other))
        assert np.array_equal(one, two) == same


def test_static_columns_stand_in_every_row_of_their_series():
    """Every row of a series carries its own static columns."""
    full = everything()
    spec = InputSpec((1, 1), columns=tuple(c for c in fit_columns(full) if c.role == "static"))
    features = Inputs(full, spec).features(np.arange(19))[:, -5:]
    np.testing.assert_array_equal(features, np.repeat([[-1, 1, 0, 1, 0], [1, 1, 1, 0, 0]], LENGTHS, axis=0))


def test_a_missing_covariate_is_refused():
    """The message names the covariate, its role and what there is instead."""
    specs = fit_columns(everything())
    with pytest.raises(
        DataError, match=r"must have the static covariate 'size'.*but got none\. .* covariates={'size': 'static'}"
    ):
        encode_columns(panel(), specs)


@pytest.mark.parametrize(
    ("covariate", "message"),
    [
        (rows_of("past", np.ones(19), ("a", "b")), "must be past numbers, but got past categories"),
        (rows_of("future", np.ones(19)), "must be past numbers, but got future numbers"),
    ],
)
def test_another_role_or_kind_is_refused(covariate, message):
    """The message says which role and kind it must be, and which came."""
    with pytest.raises(DataError, match=message):
        encode_columns(panel(rain=covariate), (ColumnSpec("rain", "past"),))


def test_a_future_that_lacks_a_column_is_refused():
    """A future is given whole or not at all."""
    full = everything()
    history, future = split(full, 2)
    del future["price"]
    with pytest.raises(
        DataError, match="must hold every known-future covariate of the model, but got none for 'price'"
    ):
        encode_columns(history, fit_columns(full), future)


def from_origins(full, columns, origins, ahead=3):
    """Covariates as they are known at a row of each series, numbered from row 0 to `ahead` steps behind the origins."""
    begins = full.offsets[:-1]
    place = np.concatenate([np.arange(n + 1 + ahead) for n in origins])
    series = np.repeat(np.arange(len(full)), origins + 1 + ahead)
    return FromOrigins(columns, begins[series] + place, series, place > origins[series]), place, series


def test_at_an_origin_what_lies_before_it_is_told_as_in_the_panel():
    """By other numbers of rows, what the encoder reads up to the origins and what it knows of steps is the same."""
    full = everything()
    specs = fit_columns(full)
    columns, width = encode_columns(full, specs), InputSpec(columns=specs)
    known, place, series = from_origins(full, columns, np.array(LENGTHS) - 5)
    numbers, rows = np.arange(len(place)), full.offsets[series] + place
    before = place <= (np.array(LENGTHS) - 5)[series]
    here, there = (np.zeros((len(place), width.encoder_width), np.float32) for _ in range(2))
    known.write_encoder(here, numbers, series)
    columns.write_encoder(there, rows, series)
    np.testing.assert_array_equal(here[before], there[before])
    k = np.array([1, 2, 4])
    phases = k % 3, k % 2
    ours, theirs = (np.zeros((len(place), 3, width.n_steps - STEP_WIDTH), np.float32) for _ in range(2))
    known.write_steps(ours, numbers, series, k, phases)
    columns.write_steps(theirs, rows, series, k, phases)
    np.testing.assert_array_equal(ours, theirs)


def test_after_an_origin_past_covariates_are_not_there():
    """Their columns are zeros, whatever they hold; static and known-future ones are told as ever."""
    full = everything()
    specs = fit_columns(full)
    known, place, series = from_origins(full, encode_columns(full, specs), np.array(LENGTHS) - 5)
    out = np.ones((len(place), InputSpec(columns=specs).encoder_width), np.float32)
    known.write_encoder(out, np.arange(len(place)), series)
    static = sum(spec.width for spec in specs if spec.role == "static")
    past = slice(static, static + sum(spec.width for spec in specs if spec.role == "past"))
    after = place > (np.array(LENGTHS) - 5)[series]
    assert not out[after, past].any()
    assert out[~after, past].any()
    assert out[after, :static].any(1).all()
    assert out[after, past.stop :].any(1).all()


def test_behind_the_end_a_known_future_is_told_and_nothing_else():
    """At a row behind the last one the encoder reads the future that was given, and zeros beyond that."""
    full = everything()
    specs = fit_columns(full)
    history, future = split(full, 3)
    given, whole = encode_columns(history, specs, future), encode_columns(full, specs)
    width = InputSpec(columns=specs).encoder_width
    series = np.arange(len(full))
    for step in range(2):  # the encoder reads a row and the one after it
        ours, theirs = (np.zeros((len(series), width), np.float32) for _ in range(2))
        ahead = np.ones(len(series), bool)
        FromOrigins(given, history.offsets[1:] + step, series, ahead).write_encoder(ours, series, series)
        FromOrigins(whole, full.offsets[1:] - 3 + step, series, ahead).write_encoder(theirs, series, series)
        np.testing.assert_array_equal(ours, theirs)
        assert ours.any()
