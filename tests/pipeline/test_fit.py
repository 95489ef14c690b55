"""A fit works for any panel, learns from it alone, and leaves everything else alone."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from foregate.core import Covariate, DataError, Panel, UsageError
from foregate.data.columns import fit_columns
from foregate.data.inputs import Inputs, InputSpec
from foregate.forecasting.intervals import Calibration
from foregate.forecasting.origins import raw_quantiles
from foregate.models.options import ModelOptions
from foregate.persistence import load_shipped
from foregate.pipeline import fit as module
from foregate.pipeline import member
from foregate.pipeline.calibration import calibrated, judged_series, judged_steps
from foregate.pipeline.fit import fit, new_network
from foregate.pipeline.instant import instant
from foregate.pipeline.plan import hold_out
from foregate.pipeline.recipe import LEVELS, Recipe
from foregate.training.batches import Crops
from foregate.training.engine import TorchEngine
from foregate.training.loggers import CsvLogger
from foregate.training.loop import TrainingResult, batch_loss
from foregate.training.options import TrainingOptions

QUANTILES = (0.01, 0.1, 0.5, 0.9, 0.99)
START = load_shipped("tiny")


def small(horizon=4, season=(), **changes):
    return Recipe(horizon, season, **{"steps": 3, "hidden": 6, "decoder": 5, "batch": 8, "crop": 30, **changes})


def wavy(*lengths, seed=0):
    rng = np.random.default_rng(seed)
    return Panel.from_arrays([10 + np.sin(np.arange(n) * np.pi / 2) + rng.normal(0, 0.3, n) for n in lengths])


def weights(fitted):
    """Of all its networks."""
    engines = getattr(fitted.engine, "engines", (fitted.engine,))
    return {
        f"{i}.{name}" if i else name: value
        for i, engine in enumerate(engines)
        for name, value in engine.network.state_dict().items()
    }


def assert_same_model(one, other):
    for name, value in weights(one).items():
        assert torch.equal(value, weights(other)[name]), name
    np.testing.assert_array_equal(one.calibration.factors, other.calibration.factors)
    assert one.spec == other.spec
    assert one.typical_scale == other.typical_scale


def test_large_panels_are_fitted_the_same(monkeypatch):
    """Whether a panel is prepared as a whole or where it is read makes no difference to the bit."""
    panel, recipe = wavy(200, 60, 90, 7), small(start="pretrained", hidden=None, decoder=None)
    whole, _ = fit(recipe, panel, start=START)
    monkeypatch.setattr("foregate.data.inputs.ROWS_KEPT", 0)
    monkeypatch.setattr("foregate.data.stretches.LEAST_APART", 16)
    parts, _ = fit(recipe, panel, start=START)
    assert_same_model(whole, parts)
    one, other = (each.forecast(panel, 4, QUANTILES).values for each in (whole, parts))
    np.testing.assert_array_equal(one, other)


def odd_panels():
    rng = np.random.default_rng(0)
    scales = [10.0**e * (5 + np.sin(np.arange(n)) + rng.normal(0, 0.2, n)) for e, n in ((-6, 3), (9, 60), (0, 500))]
    holes = 5 + rng.normal(0, 1, 60)
    holes[10:30] = np.nan
    late = np.r_[np.full(40, np.nan), 5 + rng.normal(0, 1, 20)]
    ended = np.r_[5 + rng.normal(0, 1, 40), np.full(20, np.nan)]
    return {
        "one short series": [np.array([1.0, 2.0, 1.5, 3.0, 2.0, 4.0, 3.0, 5.0, 4.0, 6.0, 5.0, 7.0])],
        "one series of five points": [np.array([3.0, 1.0, 4.0, 1.0, 5.0])],
        "two points beside a longer series": [np.array([1.0, 2.0]), np.arange(1.0, 10.0)],
        "very different lengths and sizes": scales,
        "constant": [np.full(40, 7.0), np.full(20, -3.0)],
        "all zeros": [np.zeros(40), np.zeros(12)],
        "missing stretches": [holes, late, ended],
        "nothing observed at the end": [ended],
        "nothing observed at first": [late],
        "intermittent counts": [rng.poisson(0.2, 80).astype(float), rng.poisson(0.5, 40).astype(float)],
        "negative": [-5 + rng.normal(0, 1, 50), rng.normal(0, 1, 50)],
        "leading zeros": [np.r_[np.zeros(30), rng.poisson(4, 30)].astype(float)],
        "falls to zero": [np.r_[50 + rng.normal(0, 1, 40), np.zeros(20)]],
        "a spike": [np.where(np.arange(60) == 30, 1e9, 5.0)],
        "one observation beside others": [np.array([4.0]), np.arange(30.0)],
    }


@pytest.mark.parametrize("validate", [True, False])
@pytest.mark.parametrize("name", odd_panels())
def test_any_panel_is_forecast(name, validate):
    """Whatever the series are like: finite quantiles that do not cross, and nothing of the panel has changed."""
    panel = Panel.from_arrays(odd_panels()[name])
    copies = [each.copy() for each in (panel.values, panel.mask, panel.offsets, panel.times)]
    fitted, report = fit(small(season=(4,), validate=validate), panel)
    said = fitted.forecast(panel, 9, QUANTILES).values
    assert np.all(np.isfinite(said))
    assert np.all(np.diff(said, axis=-1) >= 0)
    assert report.parameters > 0
    for before, after in zip(copies, (panel.values, panel.mask, panel.offsets, panel.times), strict=True):
        np.testing.assert_array_equal(before, after)
    for i, values in enumerate(odd_panels()[name]):
        if np.nanmin(values) >= 0:
            assert np.all(said[i] >= 0)
        if np.nanmin(values) == np.nanmax(values) and np.sum(~np.isnan(values)) > 2:
            np.testing.assert_allclose(said[i], values[0], rtol=1e-6)


def test_seasons_are_found_when_not_given():
    """Without a word about seasons, those of the data are used and reported."""
    day = 10 + 5 * np.sin(2 * np.pi * np.arange(240) / 12)
    panel = Panel.from_arrays([day + np.random.default_rng(i).normal(0, 0.1, 240) for i in range(3)])
    _, report = fit(small(season=None), panel)
    assert report.seasons[:1] == (12,)


def test_the_same_recipe_gives_the_same_bits():
    """Same seed, same data: same weights, calibration and report; another seed, other weights."""
    panel = wavy(60, 45)
    (one, first), (other, second) = (fit(small(), panel) for _ in range(2))
    assert first == second
    assert_same_model(one, other)
    third, _ = fit(small(seed=1), panel)
    assert not torch.equal(weights(one)["decoder.out.weight"], weights(third)["decoder.out.weight"])


def test_global_generators_are_left_alone():
    """Neither numpy's nor torch's global generator is read or moved."""
    numpy_before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    fit(small(), wavy(40))
    np.testing.assert_array_equal(numpy_before, np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(torch_before, torch.get_rng_state())


def test_stopped_and_resumed_is_never_stopped(tmp_path):
    """A fit that was stopped and is begun again with the same folder ends in the same model."""
    panel, recipe = wavy(60, 45), small(steps=8)
    expected, report = fit(recipe, panel)

    def pull(event):
        if event.step == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(recipe, panel, callbacks=[pull], checkpoint=tmp_path)
    resumed, same = fit(recipe, panel, checkpoint=tmp_path)
    assert same == report
    assert_same_model(resumed, expected)


def test_nothing_is_written(tmp_path, monkeypatch):
    """Without a folder for checkpoints a fit writes no file where it runs."""
    monkeypatch.chdir(tmp_path)
    fit(small(), wavy(40))
    assert list(tmp_path.iterdir()) == []


def test_held_out_rows_choose_but_do_not_teach_at_first():
    """Without the last training at the end, other held-out values leave the main run's training losses as they were."""
    panel = wavy(60)
    changed = replace(panel, values=np.where(np.arange(60) >= 58, 99, panel.values).astype(np.float32))
    one, other = (fit(small(), each)[1].training.history for each in (panel, changed))
    assert [record.loss for record in one] == [record.loss for record in other]
    assert [record.score for record in one] != [record.score for record in other]


def test_intervals_are_calibrated_on_the_held_out_rows():
    """Held-out outcomes far from what came before widen the intervals, and there is where they come from."""
    panel = wavy(60)
    last = np.arange(60) >= 58
    wild = replace(panel, values=np.where(last, 10 * panel.values, panel.values).astype(np.float32))
    one, other = (fit(small(horizon=2), each)[0].calibration.factors for each in (panel, wild))
    assert np.all(other[:, 0] > one[:, 0])


def test_intervals_are_those_of_the_network_that_was_trained(monkeypatch):
    """The factors are what the kept weights ask for on the held-out origins."""
    monkeypatch.setattr(member, "FINISH_SHARE", 0.0)
    panel = wavy(60, 45)
    fitted, _ = fit(small(steps=20), panel)
    held, inputs = hold_out(panel, 4, 1), Inputs(panel, fitted.spec)
    said = raw_quantiles(fitted.engine, inputs, held.origins, judged_steps(4))
    again = calibrated(inputs, held, judged_series(held), 4, ((rows, raw) for _, _, rows, raw in said))
    np.testing.assert_allclose(fitted.calibration.factors, again.factors, rtol=1e-5)


def test_the_report_gives_the_score_of_what_was_kept(monkeypatch):
    """That of the blend, and how much of it was learnt."""
    monkeypatch.setattr(member, "_blend", lambda *_: (0.25, 0.125))
    _, report = tuned(wavy(60, 45))
    assert (report.trust, report.score) == (0.25, 0.125)
    assert any("a blend of 75% pretrained and 25% trained weights" in note for note in report.notes)


def test_the_held_out_rows_are_learnt_from_at_the_end(monkeypatch):
    """A fifth of the steps follows with them included, and moves the weights."""
    panel = wavy(60)
    fitted, report = fit(small(steps=20), panel)
    assert report.finish_steps == round(0.2 * report.training.best_step) > 0
    monkeypatch.setattr(member, "FINISH_SHARE", 0.0)
    main, without = fit(small(steps=20), panel)
    assert without.training == report.training
    assert without.finish_steps == 0
    assert not torch.equal(weights(fitted)["decoder.out.weight"], weights(main)["decoder.out.weight"])


def test_nothing_is_dropped_where_a_model_forecasts():
    """What was trained with dropout to the very end says the same every time, member by member."""
    model = ModelOptions.parse("dropout=0.5+output_dropout=0.5+recurrent_dropout=0.5")
    panel = wavy(60, 60)
    fitted, report = fit(small(model=model, members=2), panel)
    assert report.finish_steps
    assert not any(engine.network.training for engine in fitted.engine.engines)
    said = [fitted.forecast(panel, 4, QUANTILES).values for _ in range(2)]
    np.testing.assert_array_equal(*said)


def test_finishing_is_slow_and_reads_to_the_end(monkeypatch):
    """First the held-out rows are left out; then every row is learnt from, at a tenth of the rate, drawn anew."""
    runs = []

    def watch(network, crops, *arguments, **options):
        runs.append(crops)
        return train(network, crops, *arguments, **options)

    train = member.train
    monkeypatch.setattr(member, "train", watch)
    panel = wavy(60, 45)
    fit(small(steps=20), panel)
    main, finish = runs
    np.testing.assert_array_equal(main.limits, hold_out(panel, 4, 1).limits)
    assert np.all(main.limits < panel.lengths)
    np.testing.assert_array_equal(finish.limits, panel.lengths)
    assert finish.options.rate == pytest.approx(0.1 * main.options.rate)
    assert finish.options.seed != main.options.seed


def test_covariates_of_the_held_out_rows_teach_no_statistics():
    """Means and categories of covariates come from the training part: the held-out rows change none of them."""
    panel = wavy(60)
    price = np.random.default_rng(0).normal(10, 1, 60).astype(np.float32)
    kind = np.r_[np.zeros(50), np.ones(10)].astype(np.float32)
    columns = {"price": Covariate("future", price), "kind": Covariate("past", kind, ("a", "b"))}
    later = {
        "price": Covariate("future", np.where(np.arange(60) >= 59, 1e6, price).astype(np.float32)),
        "kind": columns["kind"],
    }
    one, other = (fit(small(), replace(panel, covariates=each))[0].spec.columns for each in (columns, later))
    assert one == other


def test_covariates_are_used():
    """A model with covariates forecasts otherwise when they are other."""
    panel = wavy(60, 40)
    price = np.random.default_rng(0).normal(10, 1, 100).astype(np.float32)
    panel = replace(panel, covariates={"price": Covariate("future", price)})
    fitted, _ = fit(small(), panel)
    low, high = (fitted.forecast(panel, 4, QUANTILES, {"price": np.full((2, 4), v, np.float32)}) for v in (5, 15))
    assert not np.array_equal(low.values, high.values)


def test_what_nothing_can_check_is_trained_with_more_care(monkeypatch):
    """From pretrained weights, fewer steps at a lower rate; as many and as fast as the recipe says where it does."""
    seen = []

    def training(network, crops, *rest, **named):
        seen.append(crops.options)
        return train(network, crops, *rest, **named)

    train = member.train
    monkeypatch.setattr(member, "train", training)
    panel, recipe = wavy(7, 8), Recipe(4, (), "fast")
    planned = member.plan_training(recipe, panel, (1, 1), pretrained=True)
    fit(recipe, panel, start=START)
    fit(replace(recipe, steps=3, rate=1e-3), panel, start=START)
    assert [each.steps for each in seen] == [round(0.7 * planned.steps), 3]
    assert [each.rate for each in seen] == pytest.approx([planned.rate / 4, 1e-3])


def test_where_nothing_held_out_was_observed_there_is_no_validation():
    """A series that ends in missing rows trains to its end, rather than stop at a score that means nothing."""
    panel = Panel.from_arrays([np.r_[wavy(60).values.astype(float), np.full(30, np.nan)]])
    _, report = fit(small(steps=40), panel)
    assert report.training.steps == report.training.best_step == 40
    assert np.isinf(report.training.best_score)


def test_the_report_says_what_happened():
    """Seasons, weights, steps, held-out series and notes are those of the run."""
    panel = replace(wavy(60, 5), notes=("Three gaps were filled.",))
    fitted, report = fit(small(season=(4,)), panel)
    assert report.seasons == (4,)
    assert report.parameters == sum(value.numel() for value in weights(fitted).values())
    assert report.held_out == 1
    assert report.training.steps == 3
    assert report.notes[0] == "Three gaps were filled."
    assert any("1 of 2 series are too short to hold anything out" in note for note in report.notes)
    assert fitted.levels == LEVELS
    _, without = fit(small(), wavy(5))
    assert without.finish_steps == 0
    assert any("no series is long enough" in note for note in without.notes)


def test_the_simple_rule_is_said():
    """Series with too few observations for the network are named in the notes, and the rule with them."""
    _, report = fit(small(), Panel.from_arrays([wavy(40).values, np.array([5.0]), np.r_[1.0, np.nan, 2.0]]))
    assert report.notes[-1] == "forecast by the last value, for lack of 3 observations: 's1', 's2'."
    assert not any("last value" in note for note in fit(small(), wavy(40))[1].notes)


def test_every_step_is_told():
    """A callback hears of every step of the main run."""
    told = []
    fit(small(), wavy(40), callbacks=[told.append])
    assert [event.step for event in told if event.name == "step"][:3] == [1, 2, 3]


def test_every_event_says_which_network_it_is_of(tmp_path):
    """Of several networks each is numbered in the order of training, and a log has the checks of all."""
    told, log = [], CsvLogger(tmp_path / "log.csv")
    fit(small(members=3), wavy(40), callbacks=[told.append, log])
    assert [(event.member, event.members) for event in told if event.name == "started"] == [(0, 3), (1, 3), (2, 3)]
    checks = [(event.member, event.step) for event in told if event.name == "checked"]
    written = [line.split(",")[:2] for line in (tmp_path / "log.csv").read_text().splitlines()[1:]]
    assert [tuple(map(int, row)) for row in written] == checks
    assert {member for member, _ in checks} == {0, 1, 2}


@pytest.mark.parametrize("series", [[np.array([1.0])], [np.full(9, np.nan)], [np.r_[np.full(9, np.nan), 1.0]]])
def test_nothing_to_learn_from_is_refused(series):
    """At least one series must have two observations; the message says what there is at most."""
    with pytest.raises(DataError, match=r"must have 2 observed values to learn from, but got at most [01]\."):
        fit(small(), Panel.from_arrays(series))


def test_a_horizon_longer_than_the_data_is_refused():
    """No series shows what lies a horizon ahead, so there is nothing to learn; the message has both numbers."""
    with pytest.raises(DataError, match=r"the longest series, but got 9 steps for 9 rows\. .* or effort='instant'"):
        fit(small(horizon=9), Panel.from_arrays([np.arange(9.0), np.arange(4.0)]))


def test_an_uneven_panel_is_refused():
    """Gaps must be made explicit first."""
    panel = wavy(20)
    with pytest.raises(DataError, match="must be evenly spaced, but got gaps or no frequency"):
        fit(small(), replace(panel, times=panel.times * 2))
    with pytest.raises(DataError, match="must be evenly spaced"):
        fit(small(), replace(panel, freq=None))


def test_training_helps():
    """A few steps on a season beat none: the validation score falls."""
    _, report = fit(small(season=(4,), steps=40, hidden=12, horizon=4), wavy(80, 80, 80))
    scores = [record.score for record in report.training.history]
    assert min(scores) < 0.97 * scores[0]


def tuned(panel, **changes):
    """Fitted from the pretrained weights."""
    return fit(small(hidden=None, decoder=None, **changes), panel, start=START)


def priced(*lengths):
    panel = wavy(*lengths)
    rng = np.random.default_rng(0)
    kind = Covariate("static", np.arange(len(lengths), dtype=np.float32) % 2, ("a", "b"))
    price = Covariate("future", rng.normal(10, 1, len(panel.values)).astype(np.float32))
    seen = Covariate("past", rng.normal(0, 1, len(panel.values)).astype(np.float32))
    return replace(panel, covariates={"kind": kind, "price": price, "seen": seen})


@pytest.mark.parametrize("panel", [wavy(60, 45), priced(60, 45)], ids=["plain", "with covariates"])
def test_before_the_first_step_forecasts_are_the_instant_ones(panel):
    """The pretrained weights are taken over, and covariates enter through zeros: they change nothing yet."""
    recipe = Recipe(4, (4,))
    fitted, _ = instant(replace(recipe, effort="instant"), replace(panel, covariates={}), START)
    spec = replace(fitted.spec, columns=fit_columns(panel))
    first = replace(fitted, engine=TorchEngine(new_network(recipe, spec, START)), spec=spec, reading=None)
    future = {"price": np.full((2, 4), 99, np.float32)} if panel.covariates else None
    said = first.forecast(panel, 4, QUANTILES, future).values
    np.testing.assert_allclose(said, fitted.forecast(panel, 4, QUANTILES).values, rtol=1e-6)


def test_covariates_are_learnt_from_the_first_step():
    """The zeros that covariates enter through move, and with them the forecasts."""
    panel = priced(60, 45)
    network = new_network(Recipe(4, (4,)), InputSpec((4, 1), columns=fit_columns(panel)), START)
    F = START.shape.n_features
    assert not network.encoder.inputs.weight[:, F:].any()
    crops = Crops(Inputs(panel, InputSpec((4, 1), columns=fit_columns(panel))), panel.lengths, 4, TrainingOptions(1))
    batch_loss(network, crops.draw(0)).backward()
    H = START.shape.hidden
    decoder = network.decoder
    for layer, known in ((network.encoder.inputs, F), (decoder.state, H + F), (decoder.again, H + F)):
        assert layer.weight.grad[:, known:].abs().sum() > 0
    assert decoder.step.weight.grad[:, START.shape.n_steps :].abs().sum() > 0


def test_the_result_is_never_worse_than_the_instant_forecaster():
    """Whatever training did, the blend that is kept scores at least as well on the held-out origins."""
    for seed in range(3):
        _, report = tuned(wavy(60, 45, seed=seed), season=(4,), seed=seed)
        assert report.score <= report.training.start_score
        assert report.trust in (0, 0.25, 0.5, 0.75, 1)
        assert report.start == START.label


def test_training_that_spoils_is_given_up():
    """With a learning rate that destroys the weights, the instant forecaster is what remains, and it is said."""
    panel = wavy(60, 45)
    fitted, report = tuned(panel, season=(4,), rate=0.3, steps=4, members=1)
    assert (report.trust, report.training.best_step, report.finish_steps) == (0, 0, 0)
    assert report.score == report.training.start_score
    for name, value in weights(fitted).items():
        np.testing.assert_array_equal(value.numpy(), START.weights[name])
    assert any("forecasts are the instant ones" in note for note in report.notes)
    at_once, _ = instant(Recipe(4, (4,), "instant"), panel, START)
    one, other = (each.forecast(panel, 4, (0.5,)).values for each in (fitted, at_once))
    np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.parametrize("best", [0.0, 0.25, 0.75, 1.0])
def test_the_blend_that_scores_best_is_taken(best):
    """Between first and trained weights the share with the lowest score is found, and left in the network."""
    network = new_network(small(), InputSpec())
    first = {name: torch.zeros_like(value) for name, value in network.state_dict().items()}
    network.load_state_dict({name: torch.ones_like(value) for name, value in first.items()})

    def score(judged):
        return abs(judged.decoder.out.bias[0].item() - best)

    result = TrainingResult(9, 9, 1 - best, (), best)
    trust, found = member._blend(network, first, result, score)
    assert (trust, found) == (best, 0)
    assert all(torch.all(value == best) for value in network.state_dict().values())


def test_unchecked_training_is_careful():
    """Where nothing can be held out, pretrained weights are trained for fewer steps than from scratch, and slower."""
    panel = wavy(9, 8)
    recipe = Recipe(4, (), "fast", crop=9, batch=4)
    own, report = fit(recipe, panel, start=START)
    _, scratch = fit(replace(recipe, start="scratch"), panel, start=START)
    assert 0 < report.training.steps < scratch.training.steps
    assert (report.trust, report.finish_steps, scratch.start) == (1, 0, "scratch")
    moved = max(float((value - torch.tensor(START.weights[n])).abs().max()) for n, value in weights(own).items())
    assert 0 < moved < 0.2


def test_intervals_that_nothing_tells_about_are_the_instant_ones(monkeypatch):
    """Where nothing is held out, trained intervals are as wide as the instant forecaster would make them."""
    usual = module.instant
    panel, recipe = wavy(9, 8), Recipe(4, (), "fast", crop=9, batch=4, steps=1)

    def wider(*given):
        fitted, report = usual(*given)
        return replace(fitted, calibration=Calibration(np.full((1, len(LEVELS)), 2.0))), report

    plain, _ = fit(recipe, panel, start=START)
    monkeypatch.setattr(module, "instant", wider)
    wide, _ = fit(recipe, panel, start=START)
    ratio = wide.calibration.factors / plain.calibration.factors
    np.testing.assert_allclose(np.delete(ratio, len(LEVELS) // 2, 1), 2, rtol=1e-3)


def test_other_sizes_are_trained_from_scratch():
    """Sizes that are not those of the weights are honoured, and it is said what they would have to be."""
    fitted, report = fit(small(), wavy(60), start=START)
    assert report.start == "scratch"
    assert fitted.engine.network.spec.hidden == 6
    assert any(
        "trained from scratch, since the pretrained weights 'tiny' are of another network" in note
        for note in report.notes
    )
    assert not any("scratch" in note for note in fit(small(start="scratch"), wavy(60), start=START)[1].notes)


@pytest.mark.parametrize("stopped", [0, 1])
def test_a_tuned_run_stopped_and_resumed_is_never_stopped(tmp_path, stopped):
    """From pretrained weights too, in whichever of its networks."""
    panel = wavy(60, 45)
    expected, report = tuned(panel, steps=8)

    def pull(event):
        if event.step == 5 and event.member == stopped:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(small(hidden=None, decoder=None, steps=8), panel, start=START, callbacks=[pull], checkpoint=tmp_path)
    resumed, same = fit(small(hidden=None, decoder=None, steps=8), panel, start=START, checkpoint=tmp_path)
    assert same == report
    assert_same_model(resumed, expected)


def test_instant_is_no_training():
    """A recipe that trains nothing is not for `fit`."""
    with pytest.raises(UsageError, match="effort must be one that trains, but got 'instant'"):
        fit(Recipe(4, (), "instant"), wavy(60), start=START)


def test_the_last_weights_are_blended_and_finished_like_the_best():
    """Where the last weights are kept, what is told of the run is told of them."""
    best, last = (fit(small(steps=12, training={"keep": keep}), wavy(40))[1] for keep in ("best", "last"))
    assert last.training.kept_step == last.training.steps
    assert last.score == last.training.history[-1].score
    assert best.score == min(record.score for record in best.training.history)
    assert last.finish_steps >= best.finish_steps


@pytest.mark.parametrize("values", [np.arange(40) - 20.0, np.arange(40) + 0.5])
def test_counts_are_not_learnt_from_what_is_none(values):
    """Negative and fractional numbers are refused before anything is trained; missing ones are none."""
    recipe = small(model=ModelOptions.parse("negative-binomial"))
    with pytest.raises(
        DataError, match=r"must be whole numbers from 0 for 'negative-binomial', but got .* rows of 1 series"
    ):
        fit(recipe, Panel.from_arrays([values]))
    fit(recipe, Panel.from_arrays([np.where(np.arange(40) == 7, np.nan, np.arange(40.0))]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden": 6}, r"of another network: hidden is \d+, and 6 is asked for\."),
        ({"model": ModelOptions.parse("gru+point")}, r"of another network: gru\+point is asked for"),
    ],
)
def test_what_keeps_pretrained_weights_away_is_said(changes, message):
    """The sizes or parts that differ, and no others."""
    recipe = Recipe(4, (), **{"steps": 2, "batch": 4, "crop": 20, **changes})
    (note,) = (each for each in fit(recipe, wavy(40), start=START)[1].notes if "scratch" in each)
    assert re.search(message, note)


def test_a_window_longer_than_any_history_is_refused():
    """With the rows that there are; as long as it is taken."""
    for lookback, wrong in ((41, True), (40, False)):
        recipe = small(model=ModelOptions.parse(f"patched+lookback={lookback}+patch=1"))
        if wrong:
            with pytest.raises(DataError, match=r"lookback must be at most .*, but got 41 for 40 rows\. Give"):
                fit(recipe, wavy(40, 30))
        else:
            fit(recipe, wavy(40, 30))


@pytest.mark.parametrize("device", ["tpu", "xla:0"])
def test_a_device_that_is_not_there_is_refused(device):
    """Before anything is prepared."""
    with pytest.raises(UsageError, match=f"device must be one that torch can use here, but got '{device}'"):
        fit(small(training={"device": device}), wavy(40))


def test_weights_of_held_out_rows_alone_teach_nothing():
    """Weights that leave nothing to learn from are refused; held-out rows may weigh nothing."""
    rows = np.zeros(40)
    rows[-1] = 1
    with pytest.raises(UsageError, match=r"above 0 for some row that is trained on, but got 0 for all \d+ of them"):
        fit(small(), wavy(40), weights=rows)
    fit(small(), wavy(40), weights=1 - rows)


@pytest.mark.parametrize(
    ("series", "changes", "share"),
    [
        (1, {}, 3 / 4),
        (4, {}, 3 / 7),
        (10, {}, None),
        (1, {"effort": "fast"}, 3 / 4),
        (1, {"members": 2}, None),
        (1, {"combine": "median"}, None),
        (1, {"start": "scratch"}, None),
        (1, {"validate": False}, None),
    ],
)
def test_what_little_can_tell_is_not_believed_alone(series, changes, share):
    """Of few held-out windows the pretrained network keeps the share that they leave in doubt, and its forecasts."""
    panel, start = wavy(*[24] * series), load_shipped("tiny")  # a window of 10 steps each
    recipe = Recipe(10, (), **{"steps": 2, "batch": 4, "crop": 20} | changes)
    fitted, report = fit(recipe, panel, start=start)
    noted = [note for note in report.notes if note.startswith("few windows")]
    if share is None:
        assert not noted
        return
    assert noted == [
        f"few windows could be held out: {share:.0%} of the forecast is what the pretrained weights said before."
    ]
    *members, last = fitted.engine.engines
    assert fitted.engine.shares[-1] == pytest.approx(share)
    assert sum(fitted.engine.shares) == pytest.approx(1)
    assert len(members) == (1 if changes else 2)
    at_once, _ = instant(Recipe(10, (), "instant"), panel, start)
    plain = replace(fitted, engine=last, calibration=Calibration(np.ones((1, len(LEVELS)))))
    said, expected = (each.forecast(panel, 10, (0.5,)).values for each in (plain, at_once))
    np.testing.assert_allclose(said, expected, rtol=1e-4)
