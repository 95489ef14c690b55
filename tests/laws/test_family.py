"""The laws of every model, for every cell, encoder, attention, strategy and head that go together.

Where the product is too large, for combinations in which every pair occurs; `make slow` goes through all of them. What
needs no training is tried on networks with loud random weights, in which nothing that is read goes unheard.
"""

import re
from dataclasses import replace
from itertools import pairwise as neighbours

import numpy as np
import pytest
import torch

from foregate.core import Ahead, Panel, UsageError
from foregate.data.input_spec import SEASONAL_PATHS
from foregate.data.inputs import Inputs
from foregate.evaluation import Plan, backtest
from foregate.forecasting.distributions import Distribution
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.intervals import Calibration
from foregate.forecasting.origins import raw_quantiles, read_origins
from foregate.forecasting.paths import simulate
from foregate.models.decoders import LOUDNESS, Decoder
from foregate.models.network import make_network
from foregate.models.options import PARTS, ModelOptions
from foregate.persistence import Artifact, load_model, save_model
from foregate.pipeline.fit import fit, new_network
from foregate.streaming import Live
from foregate.training.engine import TorchEngine
from tests.laws.battery import (
    HORIZON,
    LAWS,
    QUANTILES,
    Subject,
    alone_is_together,
    anything_gets_a_forecast,
    entrances_agree,
    lively,
    name_of,
    never_looks_ahead_in_one_pass,
    quantiles_never_cross,
    same,
    says_what_was_asked,
    troubled,
)
from tests.laws.family import (
    VALUES,
    counts,
    every,
    fitted_with,
    knowing,
    loud,
    loud_network,
    pairs_of,
    pairwise,
    panel_of,
    recipe_of,
    spec_of,
)

VALID, REFUSED = every()
FEW = {VALID[parts].label: VALID[parts] for parts in pairwise(list(VALID))}
SENTENCES = re.compile(r"[a-z_]+ must .*, but got .*[^.]\. [A-Z][^.]*\.")
"""What must be, what there is instead, and what to do."""


def over(models):
    return pytest.mark.parametrize("model", [pytest.param(model, id=model.label) for model in models])


def subject_of(model, fit_of=None, panel=lively):
    """Batches of other sizes round otherwise, and so do values in other units."""
    return Subject(model.label, fit_of or loud(model), 1e-5, 1e-4, panel_of(model, panel), counts=counts(model))


def where(**parts):
    """The few that have one of these values of a part."""
    return [model for model in FEW.values() if all(getattr(model, part) in some for part, some in parts.items())]


WRITTEN_FOR_A_HORIZON = ("direct", "each", "seq2seq")


# What goes together


def test_every_combination_is_made_or_refused_in_sentences():
    """Whatever does not go together is refused with what must be, what was given, and what to do."""
    assert len(VALID) + len(REFUSED) == np.prod([len(values) for values in VALUES.values()])
    assert VALID
    assert REFUSED
    for parts, error in REFUSED.items():
        assert type(error) is UsageError, parts
        assert SENTENCES.fullmatch(str(error)), str(error)
        assert any(str(value) in str(error) for value in parts), f"{error} does not say what was given of {parts}"


def test_every_name_of_a_part_is_used():
    """No name stands for something that goes together with nothing."""
    for i, part in enumerate(VALUES):
        assert {parts[i] for parts in VALID} == set(VALUES[part])
        assert set(PARTS[part]) <= set(VALUES[part])


def test_a_refused_combination_has_a_pair_to_blame():
    """What is refused is two parts that never go together, so that pairs say all there is to say."""
    together = set().union(*map(pairs_of, VALID))
    for parts in REFUSED:
        assert pairs_of(parts) - together, parts


def test_the_few_hold_every_pair():
    """Every two values that go together at all do so in one of the combinations that are tried."""
    wanted = set().union(*map(pairs_of, VALID))
    tried = [tuple(getattr(model, part) for part in VALUES) for model in FEW.values()]
    assert set().union(*map(pairs_of, tried)) == wanted
    assert len(FEW) < len(VALID) / 20


def test_labels_are_read_back():
    """Every combination is spelled in a text of its own, which is read as the same."""
    labels = {model.label: model for model in VALID.values()}
    assert len(labels) == len(VALID)
    assert all(ModelOptions.parse(label) == model for label, model in labels.items())


# The battery


@pytest.mark.parametrize("law", LAWS, ids=name_of)
@over(FEW.values())
def test_a_loud_network_obeys(model, law):
    """Every law of the battery."""
    law(subject_of(model))


@pytest.mark.parametrize("law", [law for law in LAWS if law is not anything_gets_a_forecast], ids=name_of)
@over([model for i, model in enumerate(FEW.values()) if i % 4 == 0 or model.strategy == "recursive"])
def test_a_loud_network_of_troubled_series_obeys(model, law):
    """With negative and intermittent series and with covariates, recursive models among them."""
    law(subject_of(model, panel=troubled))


# What a network has read


@over(FEW.values())
def test_a_state_has_read_its_own_row_and_none_after(model):
    """Another row of inputs changes the states from it on, and those alone, however the rows come in pieces."""
    panel = panel_of(model)()
    network = loud_network(model, spec_of(model, panel))
    engine, rng, T = TorchEngine(network), np.random.default_rng(1), 40
    features = rng.normal(size=(3, T, network.spec.n_features)).astype(np.float32)
    every_row = np.tile(np.arange(T), (3, 1))
    before, _ = engine.encode(features, every_row)
    for row in (0, 7, 23, T - 1):
        changed = features.copy()
        changed[:, row] += 1
        after, _ = engine.encode(changed, every_row)
        np.testing.assert_array_equal(after[:, :row], before[:, :row])
        assert (after[:, row] != before[:, row]).any(-1).all()


@over(FEW.values())
def test_a_row_of_zeros_is_not_no_row(model):
    """Where there is nothing to read yet is told apart from rows that happen to hold zeros."""
    inputs = spec_of(model, panel_of(model)())
    engine = TorchEngine(loud_network(model, inputs))
    row = np.random.default_rng(6).normal(size=(2, 1, inputs.n_features)).astype(np.float32)
    after = np.concatenate([np.zeros((2, 5, inputs.n_features), np.float32), row], 1)
    states = [engine.encode(x, np.full((2, 1), x.shape[1] - 1))[0] for x in (row, after)]
    assert (np.abs(states[0] - states[1]).max(-1) > 1e-3).all()


@pytest.mark.parametrize("pieces", [(1,) * 40, (3, 1, 17, 19)], ids=["one by one", "some"])
@over(FEW.values())
def test_pieces_are_the_whole(model, pieces):
    """Read in pieces with what is carried handed on, states are those of one pass, at every row."""
    network = loud_network(model, spec_of(model, panel_of(model)()))
    engine, rng = TorchEngine(network), np.random.default_rng(2)
    features = rng.normal(size=(3, 40, network.spec.n_features)).astype(np.float32)
    whole, last = engine.encode(features, np.tile(np.arange(40), (3, 1)))
    carried, states = None, []
    for begin, end in neighbours(np.cumsum([0, *pieces])):
        read, carried = engine.encode(
            np.ascontiguousarray(features[:, begin:end]), np.tile(np.arange(end - begin), (3, 1)), carried
        )
        states.append(read)
    size = np.abs(whole).max()
    np.testing.assert_allclose(np.concatenate(states, 1), whole, atol=1e-5 * size)
    np.testing.assert_allclose(carried, last, atol=1e-5 * np.abs(last).max())


def expected_next(fitted, panel):
    """What is expected of the step after each series, in the units that it is read in."""
    engine, inputs, last = fitted.engine, Inputs(panel, fitted.spec), panel.lengths[:, None] - 1
    ((_, _, rows, states, features),) = read_origins(engine, inputs, last)
    level, scale = inputs.units(rows)
    said = engine.decode(
        states, features, Ahead(np.ones(1, np.int64), *inputs.steps(rows, np.ones(1, np.int64)), level, scale)
    )
    return level + scale * Distribution(engine.manner.head, engine.manner.levels).mean(said, level, scale)[:, 0]


@over(FEW.values())
def test_the_newest_datum_counts(model):
    """Another last observation is another first step, in every series."""
    panel = panel_of(model)(with_missing=False)
    ends = panel.offsets[1:] - 1
    values = panel.values.copy()
    values[ends] = np.round(1.1 * values[ends]) + 1 if counts(model) else 1.01 * values[ends]
    fitted, changed = loud(model)(panel), replace(panel, values=values)
    assert (expected_next(fitted, panel) != expected_next(fitted, changed)).all()
    if not counts(model):  # which may be 0 both times
        said = (fitted.forecast(each, HORIZON, [0.5]).values[:, 0] for each in (panel, changed))
        assert (next(said) != next(said)).all()


def something_ahead(model, inputs, rng, origins=2):
    """Nothing in particular of the steps ahead, as many as are asked for at once."""
    k = np.arange(1, 2 if model.strategy == "recursive" else HORIZON + 1)
    steps, paths = (
        rng.normal(size=(origins, len(k), n)).astype(np.float32) for n in (inputs.n_steps, inputs.n_profiles)
    )
    return Ahead(k, steps, paths, np.zeros(origins, np.float32), np.ones(origins, np.float32))


@over(FEW.values())
def test_the_state_counts_at_every_step(model):
    """What was read, and not only its last row, changes what is said of every step."""
    inputs = spec_of(model, panel_of(model)())
    engine, rng = TorchEngine(loud_network(model, inputs)), np.random.default_rng(3)
    features = rng.normal(size=(2, 30, inputs.n_features)).astype(np.float32)
    other = features.copy()
    other[:, 20] += 1
    column, ahead = np.full((2, 1), 29), something_ahead(model, inputs, rng)
    said = [engine.decode(engine.encode(x, column)[0][:, 0], features[:, -1], ahead) for x in (features, other)]
    assert (said[0] != said[1]).any(-1).all()


@over([model for model in FEW.values() if model.attention])
def test_looking_further_back_finds_nothing_where_nothing_is(model):
    """While the past is shorter than both, a longer lookback with the same weights sees what a shorter one does."""
    inputs = spec_of(model, panel_of(model)())
    near = loud_network(replace(model, lookback=20), inputs)
    far = new_network(recipe_of(replace(model, lookback=50)), inputs).eval()
    weights = {name: value.clone() for name, value in far.state_dict().items()}
    for name, value in near.state_dict().items():
        weights[name][tuple(slice(-n, None) for n in value.shape)] = value  # of places, the latest ones
    far.load_state_dict(weights)
    rng = np.random.default_rng(4)
    features, column = rng.normal(size=(2, 12, inputs.n_features)).astype(np.float32), np.array([[0], [11]])
    ahead = something_ahead(model, inputs, rng)
    one, other = (
        engine.decode(engine.encode(features, column)[0][:, 0], features[:, -1], ahead)
        for engine in map(TorchEngine, (near, far))
    )
    np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5 * np.abs(one).max())


# Steps ahead


@over(FEW.values())
def test_near_steps_do_not_depend_on_far_ones(model):
    """A shorter forecast is the beginning of a longer one."""
    panel = panel_of(model)()
    fitted = loud(model)(panel)
    long = fitted.forecast(panel, HORIZON, QUANTILES).values
    for k in range(1, HORIZON):
        same(subject_of(model), fitted.forecast(panel, k, QUANTILES).values, long[:, :k])


@over([model for model in FEW.values() if model.strategy != "recursive"])
def test_steps_stand_apart_but_those_that_are_written(model):
    """What is said of the first step changes the others where each is written from the one before, and else none."""
    inputs = spec_of(model, panel_of(model)())
    engine, rng = TorchEngine(loud_network(model, inputs)), np.random.default_rng(5)
    features = rng.normal(size=(2, 30, inputs.n_features)).astype(np.float32)
    states = engine.encode(features, np.full((2, 1), 29))[0][:, 0]
    ahead = something_ahead(model, inputs, rng)
    other = ahead.paths.copy()
    other[:, 0] += 1
    said = [engine.decode(states, features[:, -1], each) for each in (ahead, ahead._replace(paths=other))]
    changed = (said[0] != said[1]).any(-1)
    assert changed[:, 0].all()
    assert changed[:, 1].any() if model.strategy == "seq2seq" else not changed[:, 1:].any()


def some_steps_are_those_of_all(subject):
    """Asked for a few steps alone, a model says of them what it says when asked for all."""
    panel = subject.panel()
    fitted = subject.fit(panel)
    inputs, origins, every_step = Inputs(panel, fitted.spec), panel.lengths[:, None] - 1, np.arange(1, HORIZON + 1)
    whole, some = (
        np.concatenate([raw for *_, raw in raw_quantiles(fitted.engine, inputs, origins, k)])
        for k in (every_step, np.array([2, 5]))
    )
    same(subject, some, whole[:, [1, 4]])


def nothing_is_said_beyond_its_reach(subject):
    """What was made for so many steps says so, at every entrance."""
    panel = subject.panel()
    fitted = subject.fit(panel)
    message = f"the horizon must be at most the {HORIZON} steps .*, but got {HORIZON + 1}. Fit one with"
    with pytest.raises(UsageError, match=message):
        fitted.forecast(panel, HORIZON + 1, QUANTILES)
    with pytest.raises(UsageError, match=message):
        fitted.forecast_origins(panel, panel.lengths[:, None] - 1, HORIZON + 1, QUANTILES)
    with pytest.raises(UsageError, match=message):
        Live.start(fitted, panel).forecast(HORIZON + 1)


@over(FEW.values())
def test_some_steps_are_those_of_all(model):
    """Whether steps are written one after the other or not, they may be asked for alone."""
    some_steps_are_those_of_all(subject_of(model))


@over(FEW.values())
def test_what_is_known_of_a_step_counts_from_that_step_on(model):
    """A known-future covariate of step j changes what is said of it, and of no step before."""
    panel = panel_of(model, knowing)()
    fitted = loud(model)(panel)
    origins = panel.lengths[:, None] - 1 - HORIZON
    before = fitted.forecast_origins(panel, origins, HORIZON, QUANTILES)[:, 0]
    for j in range(2, HORIZON + 1):  # the first step is read at the origin already
        rows = panel.offsets[:-1] + origins[:, 0] + j
        values = panel.covariates["known"].values.copy()
        values[rows] += 3
        moved = replace(panel.covariates["known"], values=values)
        changed = replace(panel, covariates={**panel.covariates, "known": moved})
        after = fitted.forecast_origins(changed, origins, HORIZON, QUANTILES)[:, 0]
        np.testing.assert_array_equal(after[:, : j - 1], before[:, : j - 1])
        assert (after[:, j - 1] != before[:, j - 1]).any()
        if model.strategy in ("parallel", "direct", "each"):
            np.testing.assert_array_equal(after[:, j:], before[:, j:])


@over(FEW.values())
def test_nothing_that_comes_later_is_read(model):
    """Targets and past covariates after an origin may be anything: not a bit of a forecast from it changes."""
    panel = panel_of(model, knowing)()
    fitted = loud(model)(panel)
    origins = panel.lengths[:, None] - 1 - np.array([[HORIZON + 3, HORIZON]])
    before = fitted.forecast_origins(panel, origins, HORIZON, QUANTILES)
    later = np.arange(len(panel.values)) > (panel.offsets[:-1] + origins[:, -1])[panel.row_series]
    seen = panel.covariates["seen"]
    junk = replace(seen, values=np.where(later, 7, seen.values).astype(np.float32))
    changed = replace(
        panel,
        values=np.where(later, 9999 if counts(model) else -1e4, panel.values).astype(np.float32),
        mask=panel.mask ^ later,
        covariates={**panel.covariates, "seen": junk},
    )
    np.testing.assert_array_equal(fitted.forecast_origins(changed, origins, HORIZON, QUANTILES), before)
    earlier = replace(seen, values=np.where(later, seen.values, np.nan_to_num(seen.values) + 1).astype(np.float32))
    told = replace(panel, covariates={**panel.covariates, "seen": earlier})
    assert (fitted.forecast_origins(told, origins, HORIZON, QUANTILES) != before).any(), "past ones are read at all"


@over(where(strategy=WRITTEN_FOR_A_HORIZON))
def test_a_horizon_beyond_its_reach_is_refused(model):
    """A network with outputs or weights for each step has no others."""
    nothing_is_said_beyond_its_reach(subject_of(model))


@over([model for model in FEW.values() if model.strategy not in WRITTEN_FOR_A_HORIZON])
def test_any_other_horizon_is_forecast(model):
    """The others go on as far as they are asked to."""
    panel = panel_of(model)()
    said = loud(model)(panel).forecast(panel, 4 * HORIZON, QUANTILES).values
    assert np.isfinite(said).all()
    assert (np.diff(said, axis=-1) >= 0).all()


# Aligned


def ramp(model):
    """Two series whose value is the time; not all positive, so that no logarithm is taken, but for counts."""
    begin = 0.0 if counts(model) else -30.0
    return Panel.from_arrays([begin + np.arange(n) for n in (61, 48)], start=np.int64(begin))


def saying(model, panel, what, draws=0):
    """A network that says one thing only: the slope goes on, each step says its own number, or the level stays."""
    spec = spec_of(model, panel)
    plain = replace(model, draws=draws) if model.strategy == "recursive" else model
    network = make_network(loud_network(plain, spec).spec)
    network.load_state_dict(loud_network(plain, spec).state_dict())
    decoders = [part for part in network.modules() if isinstance(part, Decoder)]
    with torch.no_grad():
        for i, decoder in enumerate(decoders):
            decoder.out.weight.zero_()
            bias = decoder.out.bias.view(-1, spec.n_profiles + network.head.n_outputs)
            bias[:, : spec.n_profiles] = -40  # gates are shut
            bias[:, spec.n_profiles] = 0  # the place
            bias[:, spec.n_profiles + 1 :] = -20 if counts(model) else 0  # of counts the median lies elsewhere
            if what == "step":
                bias[:, spec.n_profiles] = (1 + i + torch.arange(len(bias))) / LOUDNESS
            elif what == "slope":
                bias[:, SEASONAL_PATHS] = 40
    return fitted_with(TorchEngine(network.eval()), spec, panel)


@pytest.mark.parametrize(
    ("model", "what"),
    [
        pytest.param(model, what, id=f"{model.label}-{what}")
        for model in FEW.values()
        for what in ("slope", "step")
        if what == "slope" or model.strategy in ("direct", "each")
    ],
)
def test_each_row_carries_its_own_time(model, what):
    """Where the value is the time, every row that is forecast is its own time."""
    panel = ramp(model)
    fitted = saying(model, panel, what)
    origins = panel.lengths[:, None] - 1 - np.array([[17, HORIZON, 0]])
    said = fitted.forecast_origins(panel, origins, HORIZON, [0.5])[..., 0]
    now = panel.times[panel.offsets[:-1, None] + origins]
    np.testing.assert_allclose(said, now[..., None] + np.arange(1, HORIZON + 1), atol=1e-3)
    np.testing.assert_allclose(fitted.forecast(panel, HORIZON, [0.5]).values[..., 0], said[:, -1], atol=1e-3)
    live = Live.start(fitted, panel).forecast()
    np.testing.assert_allclose(live.values[..., 0], live.times, atol=1e-3)
    result = backtest(fitted, panel, Plan(horizon=HORIZON, n_windows=3, step=2))
    np.testing.assert_allclose(result.outcomes(fitted.name).at(0.5), result.times, atol=1e-3)


@over(where(strategy=("recursive",)))
def test_what_is_drawn_is_what_goes_on(model):
    """Of a walk that says of each step that it lies about the one before, futures spread as the root of the steps."""
    panel = ramp(model)
    fitted = saying(model, panel, "level", draws=200)
    fitted = replace(fitted, calibration=Calibration(np.ones((1, len(fitted.levels)))))
    width = np.diff(fitted.forecast(panel, HORIZON, [0.2, 0.8]).values, axis=-1)[..., 0]
    growth = width[:, -1] / width[:, 0]
    assert ((growth > 0.7 * HORIZON**0.5) & (growth < 1.5 * HORIZON**0.5)).all(), growth


# Streams


@over(FEW.values())
def test_a_stream_is_a_batch(model):
    """From a panel, then in chunks of any size, within 1e-5 of one pass over everything; and so from a snapshot."""
    panel = panel_of(model)()
    fitted = loud(model)(panel)
    subject = subject_of(model)
    begin = panel.lengths // 3
    live, read = Live.start(fitted, panel.cut(begin)), 0
    for size in (1, 1, 2, 7, 1, 13, 64):
        ends = np.minimum(begin + read + size, panel.lengths)
        live.update(panel.between(begin + read, ends))
        read += size
        expected = fitted.forecast(panel.cut(ends), HORIZON, QUANTILES).values
        same(subject, live.forecast(quantiles=QUANTILES).values, expected)
    again = Live.restore(fitted, live.snapshot())
    np.testing.assert_array_equal(again.forecast(quantiles=QUANTILES).values, live.forecast(quantiles=QUANTILES).values)


@over(FEW.values())
def test_futures_lie_where_quantiles_do_and_are_of_their_series(model):
    """Simulated futures have the forecast's quantiles at every step, and depend on nothing beside their series."""
    panel, n = panel_of(model)(), 5
    fitted = loud(model)(panel)
    futures = simulate(fitted, panel, HORIZON, n, seed=3)
    evenly = ((np.arange(n) + 0.5) / n).tolist()
    said = fitted.forecast(panel, HORIZON, evenly).values
    np.testing.assert_array_equal(np.sort(futures, 1).swapaxes(1, 2), said)
    subject = subject_of(model)
    same(subject, simulate(fitted, panel.take([2, 0]), HORIZON, n, seed=3), futures[[2, 0]])
    np.testing.assert_array_equal(simulate(fitted, panel, HORIZON, n, seed=3), futures)


# Saved


@pytest.mark.parametrize("make", [lively, troubled], ids=name_of)
@over(FEW.values())
def test_saved_is_loaded_is_exported(model, make, tmp_path):
    """Loaded by torch the same to the bit; by ONNX Runtime within 1e-5 of each series' size, live as well."""
    panel = panel_of(model, make)()
    fitted = loud(model)(panel)
    save_model(tmp_path / "model", Artifact(fitted, recipe_of(model), panel, {}))
    before = fitted.forecast(panel, HORIZON, QUANTILES).values
    loaded, exported = (load_model(tmp_path / "model", runtime=runtime) for runtime in ("torch", "onnx"))
    assert loaded.recipe == recipe_of(model)
    np.testing.assert_array_equal(loaded.fitted.forecast(panel, HORIZON, QUANTILES).values, before)
    subject = subject_of(model)
    same(subject, exported.fitted.forecast(panel, HORIZON, QUANTILES).values, before)
    if make is lively:
        same(subject, Live.start(exported.fitted, panel).forecast(quantiles=QUANTILES).values, before)


# Trained


class StoppedError(Exception):
    """Thrown by a callback in the middle of a run."""


def trained_in_pieces(recipe, panel, folder):
    """The fit of a run that was stopped after its first check and taken up again."""

    def stop(event):
        if event.name == "checked":
            raise StoppedError

    with pytest.raises(StoppedError):
        fit(recipe, panel, callbacks=[stop], checkpoint=folder)
    return fit(recipe, panel, checkpoint=folder)[0]


@over(FEW.values())
def test_trained_it_is_reproducible(model, tmp_path):
    """The same seed gives the same bits, stopped and taken up again or not; another seed gives others."""
    panel, recipe = panel_of(model)(), recipe_of(model, training={"checks": 2})
    one = fit(recipe, panel)[0]
    pieces = trained_in_pieces(recipe, panel, tmp_path)
    weights, same_weights = one.engine.weights(), pieces.engine.weights()
    for name, values in weights.items():
        np.testing.assert_array_equal(values, same_weights[name])
        assert np.isfinite(values).all()
    first = one.forecast(panel, HORIZON, QUANTILES).values
    np.testing.assert_array_equal(first, pieces.forecast(panel, HORIZON, QUANTILES).values)
    assert np.isfinite(first).all()
    other = fit(replace(recipe, seed=1), panel)[0].forecast(panel, HORIZON, QUANTILES).values
    assert (first != other).any()


@over(FEW.values())
def test_training_moves_every_weight(model):
    """No part is left out of what is learnt, with dropout of every kind."""
    panel = panel_of(model, knowing)()
    dropped = ModelOptions.parse(f"{model.label}+recurrent_dropout=0.2+dropout=0.1+output_dropout=0.1")
    recipe = recipe_of(dropped, training={"averaging": 0.0, "decay": 0.0})
    fitted = fit(recipe, panel)[0]
    first = {name: value.numpy() for name, value in new_network(recipe, fitted.spec).state_dict().items()}
    for name, values in fitted.engine.weights().items():
        assert (values != first[name]).any(), name


@over([model for i, model in enumerate(FEW.values()) if i % 4 == 1 or model.strategy == "recursive"])
def test_trained_and_judged_it_forecasts_troubled_series(model):
    """With covariates, held-out origins and calibrated intervals: forecasts are finite, ordered and looked back for."""
    subject = subject_of(model, lambda panel: fit(recipe_of(model, validate=True), panel)[0], troubled)
    for law in (says_what_was_asked, never_looks_ahead_in_one_pass, quantiles_never_cross):
        law(subject)


# Together


def ensembles():
    """Each model beside the next one of the few that may stand in an ensemble, by the median and by weights."""
    able = [model for model in FEW.values() if model.strategy != "recursive" and not counts(model)]
    for i, (one, other) in enumerate(neighbours(able)):
        shares = None if i % 2 else (0.7, 0.3)
        yield pytest.param((one, other), shares, id=f"{one.label} & {other.label}")


def together(models, shares):
    """Fits loud networks that forecast as one."""

    def fit_all(panel):
        members = [loud(model, seed)(panel) for seed, model in enumerate(models)]
        return fitted_with(Ensemble([member.engine for member in members], shares), members[0].spec, panel)

    return fit_all


@pytest.mark.parametrize(("models", "shares"), list(ensembles()))
def test_an_ensemble_obeys(models, shares):
    """Networks of all kinds side by side look at nothing ahead, nor at other series, and live they say the same."""
    subject = subject_of(models[0], together(models, shares), lively)
    for law in (
        never_looks_ahead_in_one_pass,
        entrances_agree,
        alone_is_together,
        quantiles_never_cross,
        some_steps_are_those_of_all,
    ):
        law(subject)
    if any(model.strategy in WRITTEN_FOR_A_HORIZON for model in models):
        nothing_is_said_beyond_its_reach(subject)
    panel = lively()
    fitted = subject.fit(panel)
    live = Live.start(fitted, panel.cut(panel.lengths // 2))
    live.update(panel.between(panel.lengths // 2, panel.lengths))
    same(subject, live.forecast(quantiles=QUANTILES).values, fitted.forecast(panel, HORIZON, QUANTILES).values)


@over([model for i, model in enumerate(FEW.values()) if model.strategy != "recursive" and not counts(model)])
def test_twins_say_what_one_does(model):
    """An ensemble of a network and itself is that network; of others it lies between them."""
    panel = lively()
    alone = [loud(model, seed)(panel).forecast(panel, HORIZON, QUANTILES).values for seed in (0, 1)]
    one = loud(model)(panel)
    for shares in (None, (0.5, 0.5)):
        twins = fitted_with(Ensemble([one.engine] * 2, shares), one.spec, panel)
        said = twins.forecast(panel, HORIZON, QUANTILES).values
        same(subject_of(model), said, alone[0])
    both = together([model, model], (0.9, 0.1))(panel).forecast(panel, HORIZON, QUANTILES).values
    near, far = (np.abs(np.log(both / each)).mean() for each in alone)
    assert 0 < near < far


# All of it


@pytest.mark.slow
@over(VALID.values())
def test_all_of_them_are_fitted_and_forecast(model, tmp_path):
    """Every combination there is trains, forecasts in order, live and saved as well; series are forecast alone."""
    panel, subject = panel_of(model)(), subject_of(model)
    fitted = fit(recipe_of(model, steps=1), panel)[0]
    before = fitted.forecast(panel, HORIZON, QUANTILES).values
    assert np.isfinite(before).all()
    assert (np.diff(before, axis=-1) >= 0).all()
    same(subject, fitted.forecast(panel.take([3, 1]), HORIZON, QUANTILES).values, before[[3, 1]])
    live = Live.start(fitted, panel.cut(panel.lengths // 2))
    live.update(panel.between(panel.lengths // 2, panel.lengths))
    same(subject, live.forecast(quantiles=QUANTILES).values, before)
    save_model(tmp_path / "model", Artifact(fitted, recipe_of(model), panel, {}))
    exported = load_model(tmp_path / "model", runtime="onnx").fitted
    same(subject, exported.forecast(panel, HORIZON, QUANTILES).values, before)
    law = never_looks_ahead_in_one_pass
    law(subject)
