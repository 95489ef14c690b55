"""Laws of the training loop and its checkpoints."""

import copy
import json
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from foregate.core import ArtifactError, ModelError, Panel
from foregate.data.inputs import Inputs, InputSpec
from foregate.models.decoders import Ahead
from foregate.models.heads import pinball
from foregate.models.network import NetworkSpec, One, make_network
from foregate.training.batches import Crops
from foregate.training.checkpoints import FILE, read_checkpoint
from foregate.training.loop import batch_loss, fingerprint_of, train
from foregate.training.options import TrainingOptions
from foregate.training.result import Judged
from foregate.training.schedules import learning_rate

SPEC = InputSpec((3, 1), recent=3, window=50)
LEVELS = (0.1, 0.5, 0.9)
OPTIONS = TrainingOptions(steps=12, batch=6, crop=15, origins=4, checks=4, rate=1e-2)


class PulledPlugError(Exception):
    """Somebody pulled the plug."""


def new_network(*, hidden=6, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        widths = SPEC.n_features, SPEC.n_steps, SPEC.n_profiles
        return make_network(NetworkSpec(*widths, LEVELS, hidden=hidden, decoder=5))


def new_crops(options=OPTIONS, *, lengths=(30, 20)):
    rng = np.random.default_rng(0)
    panel = Panel.from_arrays([10 + np.sin(2 * np.pi * np.arange(n) / 3) + rng.normal(0, 0.2, n) for n in lengths])
    return Crops(Inputs(panel, SPEC), panel.lengths, 3, options)


def score(network):
    """Loss on one fixed batch."""
    return batch_loss(network, new_crops().draw(999)).item()


def weights(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


def test_the_loss_is_the_weighted_mean_over_origins():
    """Forked origins in one pass give the loss of every origin alone, read up to it and decoded there."""
    network, batch = new_network(), new_crops().draw(0)
    total, weight = 0.0, 0.0
    with torch.no_grad():
        for b, columns in enumerate(batch.column):
            for o, column in enumerate(columns):
                read = torch.from_numpy(batch.features[b : b + 1, : column + 1])
                states, _ = network.encode(read, torch.tensor([[column]]))
                steps, paths = (torch.from_numpy(each[b, o][None]) for each in (batch.steps, batch.paths))
                raw = network.decode(states[:, 0], read[:, column], Ahead(torch.from_numpy(batch.k), steps, paths))
                quantiles = network.head.said(raw)
                loss = pinball(torch.from_numpy(batch.target[b, o]), quantiles[0], torch.tensor(LEVELS))
                total += float((loss * torch.from_numpy(batch.weight[b, o])).sum())
                weight += float(batch.weight[b, o].sum())
        assert batch_loss(network, batch).item() == pytest.approx(total / weight, rel=1e-5)


def test_training_lowers_the_loss():
    """After a run the loss on numbers never drawn is lower than before."""
    network = new_network()
    before = score(network)
    train(network, new_crops(TrainingOptions(steps=60, batch=8, crop=15, origins=4)))
    assert score(network) < 0.9 * before


def test_the_weights_are_an_average():
    """What is scored and kept are not the last weights, but an exponential average that lags behind them."""
    own = new_network()
    last = []

    def watch(event):
        if event.name == "step":
            last.append({name: value.detach().clone() for name, value in own.named_parameters()})

    train(own, new_crops(), callbacks=[watch])
    average = {name: value.clone() for name, value in new_network().named_parameters()}
    for step, now in enumerate(last, 1):
        memory = min(OPTIONS.averaging, step / (step + 9))
        average = {name: memory * average[name] + (1 - memory) * now[name] for name in now}
    for name, value in weights(own).items():
        torch.testing.assert_close(value, average[name])
        assert not torch.equal(value, last[-1][name])


def test_gradients_are_clipped(monkeypatch):
    """Before every step of the optimizer the norm of the gradient is within its limit."""
    options = TrainingOptions(**{**vars(OPTIONS), "clip": 1e-3})
    norms = []
    step = torch.optim.AdamW.step

    def watched(self, *arguments, **named):
        gradients = [p.grad for group in self.param_groups for p in group["params"] if p.grad is not None]
        norms.append(float(torch.linalg.vector_norm(torch.cat([g.flatten() for g in gradients]))))
        return step(self, *arguments, **named)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    train(new_network(), new_crops(options))
    assert len(norms) == options.steps
    assert max(norms) <= options.clip * 1.001


def test_the_same_seed_gives_the_same_bits():
    """Two runs with one seed end in the same weights; another seed in others; global generators stay as they were."""
    numpy_before, torch_before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    one, other, third = new_network(), new_network(), new_network()
    first, second = train(one, new_crops(), score=score), train(other, new_crops(), score=score)
    assert first == second
    assert_same_bits(weights(one), weights(other))
    seeded = TrainingOptions(**{**vars(OPTIONS), "seed": 1})
    train(third, new_crops(seeded))
    assert not torch.equal(one.decoder.out.weight, third.decoder.out.weight)
    np.testing.assert_array_equal(numpy_before, np.random.get_state()[1])  # noqa: NPY002
    assert torch.equal(torch_before, torch.get_rng_state())


@pytest.mark.parametrize("stop_at", [1, 3, 4, 8, 11])
@pytest.mark.parametrize("scored", [True, False])
def test_stopped_and_resumed_is_never_stopped(tmp_path, stop_at, scored):
    """Stopped anywhere and taken up from the last checkpoint, a run ends in the same bits and the same report."""
    judge = score if scored else None
    whole = new_network()
    expected = train(whole, new_crops(), score=judge)

    def pull(event):
        if event.step == stop_at:
            raise PulledPlugError

    with pytest.raises(PulledPlugError):
        train(new_network(), new_crops(), score=judge, callbacks=[pull], checkpoint=tmp_path)
    resumed = new_network(seed=5)  # its own first weights do not matter any more
    told = []
    if stop_at < OPTIONS.check_every:
        resumed = new_network()
    result = train(resumed, new_crops(), score=judge, callbacks=[told.append], checkpoint=tmp_path)
    assert result == expected
    assert_same_bits(weights(resumed), weights(whole))
    assert (told[0].name, told[0].step) == ("started", stop_at // OPTIONS.check_every * OPTIONS.check_every)
    assert told[1].step == told[0].step + 1


def test_a_finished_run_is_not_run_again(tmp_path):
    """Resumed after its end, a run draws nothing and leaves the same weights and report."""
    network, again = new_network(), new_network(seed=3)
    expected = train(network, new_crops(), score=score, checkpoint=tmp_path)

    told = []
    assert train(again, new_crops(), score=score, callbacks=[told.append], checkpoint=tmp_path) == expected
    assert [event.name for event in told] == ["started", "finished"]
    assert_same_bits(weights(network), weights(again))
    assert [path.name for path in tmp_path.iterdir()] == [FILE], "no temporary file is left"


def test_the_best_weights_are_kept():
    """Of all checks the weights of the best score are left in the network, whatever came after."""
    seen = []

    def judge(network):
        seen.append(copy.deepcopy(network.state_dict()))
        return [3.0, 1.0, 2.0, 1.5][len(seen) - 1]

    network = new_network()
    result = train(network, new_crops(), score=judge)
    assert (result.steps, result.best_step, result.best_score) == (12, 6, 1.0)
    assert [(record.step, record.score) for record in result.history] == [(3, 3.0), (6, 1.0), (9, 2.0), (12, 1.5)]
    assert_same_bits(weights(network), dict(seen[1]))
    assert not torch.equal(seen[1]["decoder.out.weight"], seen[3]["decoder.out.weight"])


def test_a_run_stops_when_nothing_gets_better():
    """After `patience` checks without a better score the run ends, and its best weights are kept."""
    scores = iter([2.0, 1.0, 1.0, 1.5, 0.1])
    options = TrainingOptions(**{**vars(OPTIONS), "steps": 60, "checks": 20, "patience": 2})
    result = train(new_network(), new_crops(options), score=lambda _: next(scores))
    assert (result.steps, result.best_step, result.best_score) == (12, 6, 1.0)


def test_without_validation_the_last_weights_are_kept():
    """With no score the run goes to its end and no score is reported."""
    told = []
    result = train(new_network(), new_crops(), callbacks=[told.append])
    assert (result.steps, result.best_step) == (12, 12)
    assert math.isinf(result.best_score)
    assert {event.score for event in told} == {None}


def names(told):
    return [(event.name, event.step) for event in told if event.name != "step"]


def test_events_come_in_their_order():
    """Every step is told once; checks, improvements and both ends are told in their place, with what is known then."""
    told, scores = [], iter([3.0, 1.0, 2.0, 1.5])
    result = train(new_network(), new_crops(), score=lambda _: next(scores), callbacks=[told.append])
    steps = [event for event in told if event.name == "step"]
    assert [event.step for event in steps] == list(range(1, 13))
    assert names(told) == [
        ("started", 0),
        *[("checked", 3), ("improved", 3), ("checked", 6), ("improved", 6), ("checked", 9), ("checked", 12)],
        ("finished", 12),
    ]
    assert told[0].loss is told[0].rate is told[0].gradient_norm is None
    assert [event.score for event in steps[:3]] == [None, None, 3.0]
    assert told[-1].history == result.history
    assert all(event.steps == 12 for event in told)
    assert all(event.steps_per_second > 0 and event.gradient_norm > 0 for event in steps)
    assert [event.rate for event in steps] == [learning_rate(step, OPTIONS) for step in range(12)]


def test_an_early_end_is_told():
    """A run that stops since nothing gets better says so before it is finished; one that goes to its end does not."""
    scores, told = iter([1.0, 2.0, 2.0]), []
    options = replace(OPTIONS, patience=2, checks=12)
    train(new_network(), new_crops(options), score=lambda _: next(scores), callbacks=[told.append])
    assert names(told)[-2:] == [("stopped", 3), ("finished", 3)]


@pytest.mark.parametrize("name", ["started", "step", "checked", "improved", "finished"])
def test_what_a_callback_raises_goes_outwards(tmp_path, name):
    """Whenever it is raised, the checkpoint is whole, and the run is taken up from there to the same end."""

    def pull(event):
        if event.name == name and (name != "step" or event.step == 7):
            raise PulledPlugError

    with pytest.raises(PulledPlugError):
        train(new_network(), new_crops(), score=score, callbacks=[pull], checkpoint=tmp_path)
    resumed, whole = new_network(), new_network()
    result = train(resumed, new_crops(), score=score, checkpoint=tmp_path)
    assert result == train(whole, new_crops(), score=score)
    assert_same_bits(weights(resumed), weights(whole))


def test_the_last_weights_can_be_kept():
    """Where the last weights are to be kept they are left in the network; the result has both either way."""
    scores = [3.0, 1.0, 2.0, 1.5]
    kept = {}
    for keep in ("best", "last"):
        network, given = new_network(), iter(scores)
        result = train(network, new_crops(replace(OPTIONS, keep=keep)), score=lambda _, given=given: next(given))
        kept[keep] = weights(network)
        assert_same_bits(kept[keep], {name: torch.tensor(value) for name, value in result.weights[keep].items()})
        assert (result.best_step, result.best_score) == (6, 1.0)
        assert (result.kept_step, result.kept_score) == {"best": (6, 1.0), "last": (12, 1.5)}[keep]
    assert not torch.equal(kept["best"]["decoder.out.weight"], kept["last"]["decoder.out.weight"])


def test_without_averaging_the_weights_are_the_networks_own():
    """An averaging of 0 leaves what the optimizer made of them, to the bit."""
    own, last = new_network(), {}

    def watch(event):
        if event.name == "step":
            last.update(weights(own))

    train(own, new_crops(replace(OPTIONS, averaging=0.0)), callbacks=[watch])
    assert_same_bits(weights(own), last)


def test_the_history_has_what_was_done():
    """A check has the mean loss and gradient norm of the steps before it, the rate of the last one, and the gates."""
    told = []
    judge = partial(Judged, forget=(0.5, 0.75), half_life=(1.0, math.inf))
    result = train(new_network(), new_crops(), score=lambda _: judge(2.5), callbacks=[told.append])
    steps = [event for event in told if event.name == "step"]
    for i, record in enumerate(result.history):
        part = steps[3 * i : 3 * i + 3]
        assert record.loss == pytest.approx(np.mean([event.loss for event in part]))
        assert record.gradient_norm == pytest.approx(np.mean([event.gradient_norm for event in part]))
        assert record.rate == part[-1].rate
        assert (record.forget, record.half_life) == ((0.5, 0.75), (1.0, math.inf))
    assert [record.score for record in result.history] == [2.5] * 4
    unscored = train(new_network(), new_crops(), score=lambda _: judge())
    assert (unscored.best_step, unscored.history[0].forget) == (12, (0.5, 0.75)), "nothing to judge by, but to see"


MANY = [
    {"optimizer": "adam"},
    {"optimizer": "sgd", "rate": 0.1},
    {"optimizer": "sgd", "optimizer_options": {"momentum": 0.0}},
    {"optimizer": "RMSprop", "optimizer_options": {"momentum": 0.5, "centered": True}},
    {"optimizer": "Adagrad", "schedule": "constant", "warm_up": 0.0},
    {"optimizer": "ASGD", "schedule": "step", "schedule_options": {"every": 0.3}},
    {"optimizer": "NAdam", "schedule": "one-cycle", "warm_up": 0.3},
    {"optimizer": "Adafactor", "schedule": "plateau", "schedule_options": {"wait": 1}, "checks": 12},
    {"optimizer": "RAdam", "l1": 1e-3, "clip_value": 0.01, "clip": 0.0},
    {"schedule": "plateau", "schedule_options": {"wait": 1, "factor": 0.1}, "checks": 12, "averaging": 0.0},
    {"optimizer_options": {"betas": (0.8, 0.9), "amsgrad": True}, "keep": "last", "checks": 12, "patience": 2},
]


@pytest.mark.parametrize("given", MANY, ids=str)
def test_any_craft_is_resumed_to_the_bit(tmp_path, given):
    """With any optimizer, schedule or limit, stopped and resumed equals never stopped."""
    options = replace(OPTIONS, **given)
    whole, resumed = new_network(), new_network()
    expected = train(whole, new_crops(options), score=score)
    for stop_at in (4, 8):

        def pull(event, stop_at=stop_at):
            if event.step == stop_at:
                raise PulledPlugError

        with pytest.raises(PulledPlugError):
            train(new_network(), new_crops(options), score=score, callbacks=[pull], checkpoint=tmp_path)
    assert train(resumed, new_crops(options), score=score, checkpoint=tmp_path) == expected
    assert_same_bits(weights(resumed), weights(whole))
    assert not torch.equal(whole.decoder.out.weight, new_network().decoder.out.weight)


class Forgetful(One):
    """Drops half of what it reads, by torch's own random numbers."""

    def encode(self, features, columns, carried=None):
        return super().encode(torch.nn.functional.dropout(features, 0.5, self.training), columns, carried)


def forgetful():
    network = Forgetful(new_network().spec)
    network.load_state_dict(new_network().state_dict())
    return network


def test_what_torch_draws_follows_from_the_seed(tmp_path):
    """Dropout is the same in every run of a seed, taken up again or not, and leaves torch's own generator alone."""
    whole, other, resumed = forgetful(), forgetful(), forgetful()
    before = torch.get_rng_state()
    train(whole, new_crops())
    assert torch.equal(before, torch.get_rng_state())
    train(other, new_crops(replace(OPTIONS, seed=1)))
    assert not torch.equal(whole.decoder.out.weight, other.decoder.out.weight)

    def pull(event):
        if event.step == 8:
            raise PulledPlugError

    with pytest.raises(PulledPlugError):
        train(forgetful(), new_crops(), callbacks=[pull], checkpoint=tmp_path)
    torch.rand(3)  # somebody else draws too
    train(resumed, new_crops(), checkpoint=tmp_path)
    assert_same_bits(weights(whole), weights(resumed))


def test_a_loss_that_is_no_number_is_an_error():
    """Training does not go on, and says what to do, once the loss is NaN."""
    network = new_network()
    network.decoder.out.weight.data[:] = math.nan
    with pytest.raises(ModelError, match=r"loss must be a number, but got nan at step 0\. Lower the learning rate"):
        train(network, new_crops())


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_an_error(value):
    """Weights that cannot be judged are not kept."""
    with pytest.raises(ModelError, match=r"score must be a number, but got (nan|inf) at step 3"):
        train(new_network(), new_crops(), score=lambda _: value)


def test_a_damaged_checkpoint_is_refused(tmp_path):
    """Cut short, emptied or altered, a checkpoint is told apart from a whole one, and left as it is."""
    train(new_network(), new_crops(), checkpoint=tmp_path)
    path = tmp_path / FILE
    whole = path.read_bytes()
    renamed = whole.replace(b"best_step", b"worst_ste")
    for damaged in (b"", whole[: len(whole) // 2], whole[:4], b"{}" * 100, renamed):
        path.write_bytes(damaged)
        with pytest.raises(ArtifactError, match=r"must be a checkpoint of a training run, but got a damaged file"):
            train(new_network(), new_crops(), checkpoint=tmp_path)
        assert path.read_bytes() == damaged


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    """Other options, or a network of another shape, are not mixed into a run."""
    train(new_network(), new_crops(), checkpoint=tmp_path)
    other = TrainingOptions(**{**vars(OPTIONS), "seed": 7})
    with pytest.raises(ArtifactError, match="must be of a run with the same options"):
        train(new_network(), new_crops(other), checkpoint=tmp_path)
    wider = new_network(hidden=7)
    before = weights(wider)
    with pytest.raises(ArtifactError, match="must be of a run of the same network on the same data"):
        train(wider, new_crops(), checkpoint=tmp_path)
    assert_same_bits(before, weights(wider))


def test_a_checkpoint_says_what_it_is(tmp_path):
    """The file is safetensors with one JSON record in its header, and reads back as it was written."""
    result = train(new_network(), new_crops(), score=score, checkpoint=tmp_path / "deep" / "folder")
    raw = (tmp_path / "deep" / "folder" / FILE).read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    record = json.loads(header["__metadata__"]["run"])
    assert record["step"] == result.steps
    saved = read_checkpoint(tmp_path / "deep" / "folder", OPTIONS, fingerprint_of(new_network(), new_crops()))
    assert saved.history == result.history
    assert (saved.best_step, saved.best_score) == (result.best_step, result.best_score)
    assert read_checkpoint(tmp_path, OPTIONS, fingerprint_of(new_network(), new_crops())) is None


def test_a_checkpoint_is_replaced_whole(tmp_path, monkeypatch):
    """If writing fails halfway, the checkpoint before it stays as it was."""
    train(new_network(), new_crops(), checkpoint=tmp_path)
    before = (tmp_path / FILE).read_bytes()
    from foregate.core import files
    from foregate.training import checkpoints

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "fsync", fail)
    saved = read_checkpoint(tmp_path, OPTIONS, fingerprint_of(new_network(), new_crops()))
    with pytest.raises(OSError, match="disk full"):
        checkpoints.write_checkpoint(tmp_path, saved)
    assert (tmp_path / FILE).read_bytes() == before


def test_a_checkpoint_of_other_data_is_refused(tmp_path):
    """A run does not go on from weights that were trained on other values or limits."""
    train(new_network(), new_crops(), score=score, checkpoint=tmp_path)
    other = new_crops()
    other.limits = other.limits - 1
    with pytest.raises(
        ArtifactError, match="on the same data, seasons and horizon, from the same weights, but got one of"
    ):
        train(new_network(), other, score=score, checkpoint=tmp_path)


def test_a_checkpoint_of_other_first_weights_is_refused(tmp_path):
    """What began with other weights that were worth something is not gone on with."""
    train(new_network(), new_crops(), score=score, checkpoint=tmp_path, from_start=True)
    other = new_network()
    with torch.no_grad():
        other.decoder.out.bias += 1
    with pytest.raises(ArtifactError, match="from the same weights, but got one of another"):
        train(other, new_crops(), score=score, checkpoint=tmp_path, from_start=True)
