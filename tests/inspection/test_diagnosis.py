"""Forecasters made sick on purpose are found out, and healthy ones are left in peace."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from foregate import Forecaster, load
from foregate.core import Covariate, NotFittedError, Panel
from foregate.data.augment import Augment
from foregate.inspection.diagnosis import Diagnosis, _of_use, diagnose
from foregate.inspection.finding import SEVERITIES, Finding

LEARNS = {"start": "scratch", "members": 1, "hidden": 16, "steps": 80, "batch": 16, "crop": 40}
HARDLY = LEARNS | {"steps": 2}


def waves(S=4, n=150, season=7, noise=0.3, seed=0):
    """Series with a season and noise."""
    rng, t = np.random.default_rng(seed), np.arange(n)
    made = [
        20 + 5 * s + 3 * np.sin(2 * np.pi * t / season + s) + rng.normal(0, noise * (noise > 0), n) for s in range(S)
    ]
    return Panel.from_arrays(made, freq="D")


def walks(S=4, n=200, seed=0):
    """Series of which nothing can be known but the last value."""
    rng = np.random.default_rng(seed)
    return Panel.from_arrays([100 + rng.normal(0, 1, n).cumsum() for _ in range(S)], freq="D")


def fitted(panel, model=None, *, horizon=4, season=7, effort="fast", **options):
    return Forecaster(
        horizon, model=model, season_length=season, effort=effort, options=options or LEARNS, verbose=False
    ).fit(panel)


def found(model, data=None):
    """Findings by name; every setting that is advised can be typed."""
    findings = diagnose(model, data)
    for finding in findings:
        if finding.setting:
            eval(f"Forecaster(4, {finding.setting})", {"Forecaster": Forecaster, "Augment": Augment})  # noqa: S307
        assert finding.evidence
        assert finding.severity == "note" or finding.advice
    ranks = [SEVERITIES.index(finding.severity) for finding in findings]
    assert ranks == sorted(ranks, reverse=True)
    return {finding.name: finding for finding in findings}


@pytest.fixture(scope="module")
def healthy():
    """A forecaster that has learnt its waves; tests make copies of it sick."""
    return fitted(waves())


def with_price(panel, seed=0):
    """The same series, which fall as a price rises; some values are missing, and lengths differ."""
    rng, n = np.random.default_rng(seed), len(panel.values)
    price = rng.normal(size=n).astype(np.float32)
    values, mask = panel.values - 2 * price, rng.random(n) > 0.05
    panel = replace(panel, values=np.where(mask, values, 0).astype(np.float32), mask=mask)
    panel = replace(panel, covariates={"price": Covariate("future", price)})
    return panel.between(np.arange(len(panel)) * 10, panel.lengths)


@pytest.mark.parametrize(
    ("panel", "options"),
    [
        (waves(), {"model": "gru"}),
        (waves(season=12, n=200), {"season": 12}),
        (walks(), {"season": ()}),
        (with_price(waves(n=180)), {}),
        (waves(), {"model": "windowed+lookback=14"}),
        (waves(), {"effort": "instant", "weights": "tiny"}),
    ],
    ids=["gru", "twelve", "walks", "price", "window", "instant"],
)
def test_healthy_forecasters_hear_notes_at_most(panel, options):
    """What was trained on data that it can learn has no finding above a note."""
    assert {name for name, each in found(fitted(panel, **options)).items() if each.severity != "note"} == set()


def test_the_healthy_one_hears_notes_at_most(healthy):
    """The forecaster that others are made sick copies of has no finding above a note."""
    assert {name for name, each in found(healthy).items() if each.severity != "note"} == set()


def test_a_pair_hears_the_same_with_either_runtime(tmp_path):
    """A pair of networks is told the same after it was saved, and loaded to run without torch."""
    model = fitted(waves(), **HARDLY | {"members": 2})
    model.save(tmp_path / "model")
    assert found(load(tmp_path / "model", runtime="onnx")).keys() == found(model).keys()


def test_overfitting_is_found_and_where_it_opens():
    """Trained on few noisy rows until it knows them by heart, and keeping the last weights, it is told so."""
    noise = Panel.from_arrays([np.random.default_rng(0).normal(10, 1, 90)], freq="D")
    sick = LEARNS | {"hidden": 48, "steps": 120, "rate": 1e-2, "training": {"keep": "last", "patience": 99}}
    finding = found(fitted(noise, season=(), **sick))["overfitting"]
    assert finding.severity != "note"
    assert 0 < finding.evidence["opens at step"] < finding.evidence["of"]
    assert f'"steps": {finding.evidence["opens at step"]}' in finding.setting


def test_underfitting_is_found_by_its_errors_and_by_its_course(healthy):
    """What was hardly trained is worse than going on as a season before; what still gets better is told to go on."""
    model = fitted(waves(noise=0.05), **HARDLY)
    assert found(model)["underfitting"].severity == "problem"
    falling = [{"step": 10 * i, "loss": 1 / i, "score": 1 / i} for i in range(1, 11)]
    model = copy.copy(healthy)
    model.report_ = model.report_ | {"history": falling, "validation": 0.1}
    assert found(model)["underfitting"].setting == 'options={"steps": 300}'


@pytest.mark.parametrize(("bias", "state"), [(8, "open"), (-8, "shut")])
def test_forget_gates_that_are_stuck_are_found(bias, state):
    """A gate whose bias no input can overcome is told apart by its state, with another bias to try."""
    finding = found(fitted(waves(), f"forget_bias={bias}", **HARDLY))[f"forget gates stuck {state}"]
    assert finding.evidence["share stuck"] > 0.9
    assert finding.setting == {"open": 'model="lstm+forget_bias=1"', "shut": 'model="retain_steps=7"'}[state]
    assert (finding.evidence["half-life in rows"] > 100) == (state == "open")


def test_dead_and_saturated_units_are_found():
    """Units whose output gate is shut hand on nothing; those whose memory only fills are at an end of their range."""
    model = fitted(waves(), **HARDLY)
    layer = model.fitted_.engine.network.encoder.layers[0]
    with torch.no_grad():
        layer.bias_ih_l0[3 * 16 : 3 * 16 + 10] = -30
    assert found(model)["dead units"].evidence["dead"] == 10
    with torch.no_grad():
        layer.bias_ih_l0[: 4 * 16] = 30  # everything is written, kept and shown
    assert "saturated units" in found(model)


@pytest.mark.parametrize("options", [{"effort": "instant", "members": 1}, HARDLY, {"steps": 2}])
def test_where_nothing_changes_units_are_no_finding(options):
    """Of series that stay as they are nothing but the same can be handed on."""
    panel = Panel.from_arrays([np.full(60, 5.0), np.zeros(60)], freq="D")
    assert not {"dead units", "saturated units"} & found(fitted(panel, **options)).keys()


def test_more_effort_is_advised_where_there_is_more():
    """Who has made the best effort, or has said how many steps, is told a number of steps."""
    lost = fitted(walks(), **HARDLY)
    finding = Finding("bias", "warning", "Medians are too low.", {}, "Train longer.", 'effort="best"')
    assert _of_use(finding, fitted(walks(), effort="instant", members=1)) is finding
    assert _of_use(finding, lost).setting == 'options={"steps": 6}'
    lost.effort, lost.options = "best", None
    assert _of_use(finding, lost).setting == 'options={"steps": 6}'


def test_a_window_that_is_not_used_is_found():
    """Of a long window before noise, that the newest rows say all about, little is used; a shorter one is named."""
    finding = found(fitted(walks(), "windowed+lookback=48", season=(), **HARDLY))["lookback not used"]
    assert finding.evidence["rows"] == 48
    assert "lookback=8" in finding.setting


def test_errors_that_are_left_over_name_the_season_that_was_not_told():
    """A model that was told of no season leaves one in its errors, and hears its length."""
    finding = found(fitted(waves(noise=0.05), season=(), **HARDLY | {"clock": False}))["errors left over"]
    assert finding.evidence["Ljung-Box p of all"] < 1e-3
    assert finding.severity == "warning"
    finding = found(fitted(waves(noise=0.05, n=300, season=12), season=5, **HARDLY | {"clock": False}))
    assert finding["errors left over"].severity == "warning"


def test_bias_is_found_with_its_side(healthy):
    """A decoder that adds a constant says too much at every step, and it is told so."""
    model = copy.deepcopy(healthy)
    decoder = model.fitted_.engine.network.decoder
    with torch.no_grad():
        decoder.out.bias[model.fitted_.spec.n_profiles] += 0.5  # the place
    assert "too high" in found(model)["bias"].what


@pytest.mark.parametrize(("factor", "name"), [(0.2, "intervals too narrow"), (6.0, "intervals too wide")])
def test_intervals_that_lie_are_found(healthy, factor, name):
    """Widths that are stretched or shrunk hold too much or too little."""
    model = copy.copy(healthy)
    calibration = model.fitted_.calibration
    model.fitted_ = replace(model.fitted_, calibration=replace(calibration, factors=calibration.factors * factor))
    finding = found(model)[name]
    assert (finding.evidence["coverage of 80 %"] > 0.8) == (factor > 1)


def test_a_series_that_rules_the_loss_is_named():
    """Beside smooth series, one that nobody can foretell has most of the loss, and a weight to try."""
    rng, smooth = np.random.default_rng(0), waves(S=6, noise=0.03)
    wild = np.exp(rng.normal(3, 2, 150))
    panel = Panel.from_arrays([*(smooth.series(s) for s in range(6)), wild], freq="D")
    finding = found(fitted(panel))["one series rules the loss"]
    assert finding.evidence["series"] == "s6"
    assert '"s6": 0.' in finding.advice


def test_jumps_that_nothing_was_like_are_found_in_new_rows_alone():
    """New rows that leave the old level are told of; the same rows as before, or new ones like them, are not."""
    whole = waves(n=200)
    old = whole.cut(np.full(4, 150))
    model = fitted(old)
    assert "jumps unseen in training" not in found(model, whole)
    values = whole.values.copy()
    values[whole.offsets[2] + 180 : whole.offsets[3]] += 200
    finding = found(model, replace(whole, values=values))["jumps unseen in training"]
    assert finding.evidence["series"] == ["s2"]


def test_the_section_has_a_sentence_for_each_finding():
    """What is said on the page are the findings, and their numbers stand in the table."""
    findings = diagnose(fitted(waves(), "forget_bias=8", **HARDLY))
    told = findings.section()
    assert str(findings).count("\n") == len(findings) - 1
    assert not findings.healthy
    assert len(told.paragraphs) == 1 + len(findings)
    ((_, table),) = told.tables
    assert table["name"].to_list() == [finding.name for finding in findings]
    assert "Nothing" in Diagnosis().section().paragraphs[0]
    assert Diagnosis().healthy


def test_only_fitted_forecasters_are_diagnosed():
    """One that was never fitted is refused."""
    with pytest.raises(NotFittedError, match="fitted first"):
        diagnose(Forecaster(3))
