"""Laws of a live forecaster that learns: guarded steps of its decoder, which nothing else may take."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from foregate import Forecaster
from foregate.core import ArtifactError, DataError, Forecast, MissingExtraError, ModelError, Panel, UsageError
from foregate.forecasting.ensemble import Ensemble
from foregate.forecasting.fitted import Fitted
from foregate.persistence.engines import start_together, stored
from foregate.streaming import Live, learning
from foregate.training.adaptation import Adaptation
from tests.forecasting import networks
from tests.forecasting.networks import EVERY_WAY, HORIZON, LEVELS, close, engine_of, model
from tests.streaming import models

QUANTILES = (0.1, 0.5, 0.9)
HEADS = ("student-t", "gaussian", "mixture", "point")


def waves(count=4, rows=130, seed=0):
    """Series of a season of 3 rows, with noise."""
    rng, t = np.random.default_rng(seed), np.arange(rows)
    made = [30 + 5 * i + 4 * np.sin(2 * np.pi * (t + i) / 3) + rng.normal(0, 1, rows) for i in range(count)]
    return Panel.from_arrays(made, ids=[f"s{i}" for i in range(count)])


def learnt(fitted, panel=None, *, chunk=4, live=None):
    """A live forecaster that has learnt from a panel, some rows of all series by the call."""
    panel = waves() if panel is None else panel
    live, longest, fates = Live(fitted) if live is None else live, int(panel.lengths.max()), []
    for row in range(0, longest, chunk):
        begins, ends = np.minimum(panel.lengths, row), np.minimum(panel.lengths, row + chunk)
        fates.append(live.update(panel.between(begins, ends), learn=True).learned)
    return live, fates


def said(live: Live | Fitted, panel: Panel | None = None) -> Forecast:
    return live.forecast(quantiles=LEVELS) if panel is None else live.forecast(panel, HORIZON, LEVELS)


def same(one, other):
    np.testing.assert_array_equal(said(one).values, said(other).values)


def frozen(fitted):
    return {name: values.copy() for name, values in fitted.engine.weights().items()}


@pytest.fixture(scope="module")
def taught():
    """A live forecaster that goes by what it has learnt, and the panel."""
    panel = waves()
    live, fates = learnt(model(), panel)
    assert "kept" in fates
    assert live.learning.used
    return live, panel


def test_what_has_learnt_is_the_batch_forecast_of_the_decoder_that_it_has_now(taught):
    """Nothing has to be read again: the state that was carried is that of the model as it has become."""
    live, panel = taught
    assert live.fitted.engine is not model().engine
    close(said(live).values, said(live.fitted, panel).values, 1e-5)
    one = live.forecast(quantiles=LEVELS, ids="s2").values  # the short way
    close(one, said(live.fitted, panel).values[[2]], 1e-5)


def test_the_model_that_was_given_stays_as_it_was():
    """Weights are copied with the first step; encoders are the same ever after."""
    given = model()
    before = frozen(given)
    live, _ = learnt(given)
    assert live.fitted is not given
    for name, values in given.engine.weights().items():
        np.testing.assert_array_equal(values, before[name])
        changed = live.fitted.engine.weights()[name]
        assert np.array_equal(changed, values) == (not name.startswith("decoder"))


@pytest.mark.parametrize(
    ("label", "engine"),
    [*((label, "torch") for label in (*EVERY_WAY, *HEADS, "negative-binomial")), ("lstm", "onnx"), ("each", "onnx")],
)
def test_every_decoder_and_head_learns(label, engine):
    """Held-out origins are forecast better than by the model as given, whatever it is made of and runs on."""
    given, panel = model(label, factor=1.3), waves(rows=100)
    if engine == "onnx":
        given = replace(given, engine=start_together(*stored(given.engine), "onnx"))
    if given.spec.plain:
        panel = Panel.from_arrays([np.rint(panel.series(i)) for i in range(len(panel))], ids=panel.ids)
    live, _ = learnt(given, panel)
    told = live.learning
    assert told.kept > told.rolled_back
    assert told.loss < told.loss_given
    assert told.used
    close(said(live).values, said(live.fitted, panel).values, 1e-4)


def test_an_ensemble_learns_by_each_of_its_members():
    """Every member's decoder goes its own way, and they say together what they say in one pass."""
    spec = model().spec
    engine = Ensemble([engine_of("lstm", spec), engine_of("gru+gaussian", spec, seed=1)], (0.5, 0.5))
    given, panel = replace(model(), engine=engine), waves()
    live, _ = learnt(given, panel)
    assert live.learning.used
    assert live.learning.loss < live.learning.loss_given
    changed = {
        name for name, values in engine.weights().items() if (live.fitted.engine.weights()[name] != values).any()
    }
    assert {name[:10] for name in changed} == {"0.decoder.", "1.decoder."}
    close(said(live).values, said(live.fitted, panel).values, 1e-5)


def test_forecasts_and_plain_updates_never_learn(taught):
    """The model is the same object after them, and what was learnt is what it was."""
    live, panel = taught[0].fork(), taught[1]
    fitted, told = live.fitted, live.learning
    live.forecast()
    live.peek({"unique_id": "s0", "ds": 130, "y": 31.0})
    for t in range(130, 150):
        assert live.update([{"unique_id": name, "ds": t, "y": 30.0} for name in panel.ids]).learned is None
    assert live.fitted is fitted
    assert live.learning == told


def test_outcomes_that_were_read_without_learning_are_not_learnt_from():
    """They count as missing, for all origins that waited for them."""
    panel, every = waves(rows=110), np.ones(4, np.int64)
    live, _ = learnt(model(), panel.between(0 * every, 32 * every))
    live.update(panel.between(32 * every, 60 * every))
    learnt(None, panel.between(60 * every, 110 * every), live=live)
    replay = live._carried.learner.replay
    there = np.setdiff1d(np.flatnonzero(replay.arrays["series"] >= 0), replay.waiting)
    outcome = replay.arrays["row"][there, None] + replay.k - 1
    np.testing.assert_array_equal(np.isnan(replay.arrays["target"][there]), (outcome >= 32) & (outcome < 60))
    assert (outcome < 32).any()
    assert (outcome >= 60).any()


def test_without_learning_it_is_as_if_there_were_none():
    """Plain updates leave model and forecast bit for bit what they are without the argument."""
    given, panel = model(), waves()
    plain, other = Live(given), Live(given)
    plain.update(panel)
    other.update(panel, learn=False)
    assert other.learning is None
    assert other.fitted is given
    assert plain.snapshot() == other.snapshot()


def test_a_step_that_makes_the_holdout_worse_is_rolled_back(monkeypatch):
    """An absurd rate changes nothing at all, bit for bit, and the rate is lowered."""
    monkeypatch.setattr(learning, "RATE", 0.99)
    monkeypatch.setattr(learning, "LEAST_RATE", 0.9)
    live, fates = learnt(model())
    plain = Live(model())
    for row in range(0, 130, 4):
        plain.update(waves().between(np.full(4, row), np.full(4, min(row + 4, 130))))
    assert "rolled back" in fates
    assert "kept" not in fates
    assert live.learning.rolled_back > 3
    assert live.learning.rate == 0.9
    same(live, plain)


def test_a_step_that_fails_loses_nothing(monkeypatch):
    """A loss that is no number is rolled back."""
    live, _ = learnt(model(), waves(rows=60))
    monkeypatch.setattr(Adaptation, "stepped", lambda self, *_: None)
    kept, before = live.learning.kept, live._carried.learner.adaptation
    later, _ = learnt(None, waves(rows=130).between(np.full(4, 60), np.full(4, 130)), live=live)
    assert later.learning.kept == kept
    assert later.learning.rolled_back > 0
    assert later._carried.learner.adaptation is before


def test_a_fork_learns_on_its_own(taught):
    """What one learns, the other does not; of some series a copy goes on with those."""
    live = taught[0].fork()
    fork, before = live.fork(), said(live).values
    more = waves(rows=200, seed=5).between(np.full(4, 130), np.full(4, 200))
    learnt(None, more, live=fork)
    assert fork.learning.kept + fork.learning.rolled_back > live.learning.kept + live.learning.rolled_back
    np.testing.assert_array_equal(said(live).values, before)
    peeked = live.peek({"unique_id": "s1", "ds": 130, "y": 30.0}, ids=["s1", "s0"])
    assert peeked.ids.tolist() == ["s1", "s0"]


def test_a_snapshot_goes_on_learning(taught):
    """With the model as it was given, forecasts are the same bit for bit, now and after more has been learnt."""
    live = taught[0].fork()
    twin = Live.restore(model(), live.snapshot())
    assert twin.learning == live.learning
    same(twin, live)
    more = waves(rows=190, seed=5).between(np.full(4, 130), np.full(4, 190))
    _, fates = learnt(None, more, live=live)
    _, again = learnt(None, more, live=twin)
    assert fates == again
    assert set(fates) - {None}
    same(twin, live)
    with pytest.raises(ArtifactError, match=r"must be of the model"):
        Live.restore(live.fitted, live.snapshot())


def test_a_snapshot_before_any_step_goes_on_too():
    """Origins that wait travel with it."""
    live, _ = learnt(model(), waves(rows=12))
    twin = Live.restore(model(), live.snapshot())
    assert twin.learning.waiting == live.learning.waiting > 0
    more = waves().between(np.full(4, 12), np.full(4, 130))
    assert learnt(None, more, live=twin)[1] == learnt(None, more, live=live)[1]
    same(twin, live)


def test_a_damaged_snapshot_is_refused(taught):
    """What was learnt must be whole, and of this network."""
    live = taught[0].fork()
    live._carried.learner.replay.arrays["states"] = live._carried.learner.replay.arrays["states"][:, :3]
    with pytest.raises(ArtifactError, match=r"states is float32"):
        Live.restore(model(), live.snapshot())
    about, arrays = taught[0]._carried.learner.compact()
    lacking = {name: array for name, array in arrays.items() if "out.weight" not in name}
    for damaged in ((about, lacking), ({**about, "rate": "fast"}, arrays), ({}, arrays)):
        with pytest.raises(ArtifactError, match=r"must hold what was learnt"):
            learning.Learner.restored(model(), taught[0]._carried.state, damaged)


def test_memory_is_bounded(monkeypatch):
    """However many rows and series there are, what waits and what is kept has its places."""
    monkeypatch.setattr("foregate.streaming.replay.WAITING", 40)
    monkeypatch.setattr("foregate.streaming.replay.TRAINED", 30)
    live, _ = learnt(model(), waves(30, 70))
    size = sum(array.nbytes for array in live._carried.learner.replay.arrays.values())
    assert live.learning.waiting <= 40
    assert live.learning.trained == 30
    learnt(None, waves(30, 140).between(np.full(30, 70), np.full(30, 140)), live=live)
    assert sum(array.nbytes for array in live._carried.learner.replay.arrays.values()) == size
    assert live.learning.kept > 0


def test_one_row_by_the_call_learns_what_all_at_once_do():
    """The same origins, steps and fates, for a series that takes the short way too."""
    panel, given = waves(1, 150), model()
    at_once, _ = learnt(given, panel, chunk=150)
    singly, fates = Live(given), []
    for t, y in enumerate(panel.series(0).tolist()):
        fates.append(singly.update({"unique_id": "s0", "ds": t, "y": y}, learn=True).learned)
    assert at_once.learning.kept == singly.learning.kept == fates.count("kept") > 0
    assert at_once.learning.loss == pytest.approx(singly.learning.loss, rel=1e-3)
    close(said(at_once).values, said(singly).values, 1e-3)


def test_a_watched_stream_learns_and_is_scored():
    """Scores, widths and steps go side by side."""
    live = Live(model())
    live.watch(level=80)
    learnt(None, live=live)
    assert live.scores()["n"].min() > 100
    assert live.learning.kept > 0


def pinball(live, panel, begins, rows, *, learn):
    """The mean loss of the forecasts of a stream over its last two thirds, 6 rows of all series by the call."""
    losses, K, q = [], live.fitted.horizon, np.array(QUANTILES)
    for row in range(0, rows - K, 6):
        live.update(panel.between(begins + row, begins + row + 6), learn=learn)
        values = live.forecast(quantiles=QUANTILES).values
        came = np.stack([panel.series(i)[begins[i] + row + 6 :][:K] for i in range(len(panel))])[..., None]
        losses.append(np.maximum(q * (came - values), (q - 1) * (came - values)).mean())
    return np.mean(losses[len(losses) // 3 :])


def changing(kind, seed, rows=1_000, season=12):
    """Noise around a season, which has another length from row 500 on where that is the kind; or a random walk."""
    rng, t = np.random.default_rng(seed), np.arange(rows)
    noise = rng.normal(0, 1, rows)
    if kind == "random walk":
        return 100 + np.cumsum(noise) / 2
    length = np.where((t >= 500) & (kind == "another season"), 8, season)
    return 100 + 4 * np.sin(2 * np.pi * t / length) + noise


@pytest.mark.parametrize(("kind", "most"), [("another season", 0.95), ("one season", 1.0), ("random walk", 1.01)])
def test_learning_pays_where_a_stream_has_changed_and_does_no_harm_elsewhere(kind, most):
    """Another season: forecasts lose less than without; an unchanged stream, and a random walk: no more."""
    panel = Panel.from_arrays([changing(kind, seed) for seed in range(4)])
    losses, begins = [], np.full(4, 400)
    for learn in (False, True):
        live = Forecaster.pretrained(12, season_length=12, weights="tiny").live()
        live.update(panel.between(0 * begins, begins))
        losses.append(pinball(live, panel, begins, 600, learn=learn))
    assert losses[1] < most * losses[0]


@pytest.mark.parametrize("learn", [1, None, "yes", np.True_])
def test_learn_is_yes_or_no(learn):
    """Anything else is refused, and nothing is read."""
    live = Live(model())
    with pytest.raises(UsageError, match=r"learn must be True or False, but got"):
        live.update({"unique_id": "a", "ds": 1, "y": 2.0}, learn=learn)
    assert len(live) == 0


def test_what_cannot_learn_says_why():
    """A recursive model, and an engine whose weights are unknown; nothing is read."""
    for given, why in (
        (model("recursive+draws=0"), "recursive"),
        (models.fitted(), "a network of Foregate, but got Eng"),
    ):
        live = Live(given)
        with pytest.raises(ModelError, match=why):
            live.update({"unique_id": "a", "ds": 1, "y": 2.0}, learn=True)
        assert len(live) == 0
        assert live.update({"unique_id": "a", "ds": 1, "y": 2.0}).read == 1


def test_learning_needs_torch(monkeypatch, taught):
    """Where it is not installed, the error names the extra, and nothing is read; nor is a snapshot of it."""
    monkeypatch.setitem(sys.modules, "foregate.training.adaptation", None)
    live = Live(model())
    with pytest.raises(MissingExtraError, match=r"learning from a stream needs .*foregate\[train\]"):
        live.update({"unique_id": "a", "ds": 1, "y": 2.0}, learn=True)
    assert len(live) == 0
    with pytest.raises(MissingExtraError, match="learning"):
        Live.restore(model(), taught[0].snapshot())


def test_a_refused_observation_teaches_nothing(taught):
    """What is wrong is refused before anything is read or learnt."""
    live = taught[0].fork()
    told = live.learning
    with pytest.raises(DataError):
        live.update([{"unique_id": "s0", "ds": 130, "y": 1.0}, {"unique_id": "s0", "ds": 0, "y": 99.0}], learn=True)
    assert live.learning == told
    assert live.expected("s0")[0] == 130


def test_late_rows_and_covariates_are_learnt_around():
    """Origins of series whose past has changed are forgotten, and none are taken where the future is not known."""
    live = Live(model())
    live.allow_late(30)
    y = np.random.default_rng(0).normal(50, 5, 60)
    for t in range(60):
        if t != 40:
            live.update({"unique_id": "a", "ds": t, "y": float(y[t])}, learn=True)
    assert len(live._carried.learner.replay.waiting)
    assert live.update({"unique_id": "a", "ds": 40, "y": float(y[40])}, learn=True).late == 1
    assert not len(live._carried.learner.replay.waiting)
    told = networks.model("lstm", columns=networks.history_columns())
    blind = Live(told)
    for t in range(30):
        row = {"unique_id": "a", "ds": t, "y": float(y[t]), "kind": "a", "seen": 1.0, "sky": "clear", "price": 9.0}
        blind.update(row | {"promo": "no"}, learn=True)
    assert blind.learning.waiting == 0
    ahead = [{"unique_id": "a", "ds": t, "price": 9.0, "promo": "no"} for t in range(30, 50)]
    blind.announce(ahead)
    for t in range(30, 40):
        row = {"unique_id": "a", "ds": t, "y": float(y[t]), "seen": 1.0, "sky": "clear", "price": 9.0, "promo": "no"}
        blind.update(row, learn=True)
    assert blind.learning.waiting > 0
