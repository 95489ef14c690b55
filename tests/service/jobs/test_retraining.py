"""A challenger is trained and judged."""

import asyncio
from dataclasses import asdict, replace

import numpy as np
import pytest

from foregate import DataError, Panel, load
from foregate.monitoring import Reference
from foregate.service.jobs.queue import Wanted
from foregate.service.jobs.retraining import Opponent, Order, _by_time, _learnt, _plan, _reference, _since, make, review
from foregate.service.jobs.worker import Worker
from tests.service.jobs.stock import QUICK, seasonal, store

ORDER = Order(**QUICK)


def panel(n=200, **said):
    return Panel.from_arrays([seasonal(n, seed, **said) for seed in range(2)], ids=["a", "b"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A challenger of the pretrained network, and its folder."""
    folder = tmp_path_factory.mktemp("job")
    return make(panel(), ORDER, Opponent(None), folder, lambda event: None), folder


def test_the_newest_rows_are_known_to_nobody(made):
    """Training ends before the first row that is held out, and the metrics say where."""
    said = made[0].metrics
    assert said["held_out"] <= 30
    assert said["trained_until"] == 200 - said["held_out"] - 1
    assert load(made[1] / "model").panel_.lengths.tolist() == [200 - said["held_out"]] * 2


def test_all_three_are_scored_on_the_same_forecasts(made):
    """Errors and coverage are told of challenger, champion and the seasonal naive forecast."""
    said = made[0].metrics
    assert set(said["mase"]) == set(said["coverage"]) == {"challenger", "champion", "SeasonalNaive"}
    assert all(0 < error < 5 for error in said["mase"].values())
    assert said["origins"] >= 10


def test_the_held_out_rows_change_nothing_that_was_trained(made, tmp_path):
    """Other values in the held-out rows give the same challenger, to the bit: it cannot have seen them."""
    changed = [np.append(series[:170], series[170:] * 3 + 50) for series in (seasonal(200, 0), seasonal(200, 1))]
    make(Panel.from_arrays(changed, ids=["a", "b"]), ORDER, Opponent(None), tmp_path, lambda event: None)
    ours, theirs = ((f / "model" / "weights.safetensors").read_bytes() for f in (made[1], tmp_path))
    assert ours == theirs


def test_a_reference_goes_with_it(made):
    """The reference knows the inputs of every series; from so few held-out rows it says nothing of errors."""
    found = Reference.from_bytes(made[0].reference)
    assert set(found.levels) == {"a", "b"}
    assert found.errors == ()


@pytest.mark.parametrize("values", [np.zeros(200), seasonal(40)])
def test_series_of_which_nothing_is_usual_have_no_reference(made, values):
    """Of series that never vary, or of few values, nothing is said of what is usual, and nothing fails for that."""
    model = load(made[1] / "model", runtime="onnx").fitted_
    said = _reference(model, Panel.from_arrays([values], ids=["a"]), ORDER, 20)
    assert Reference.from_bytes(said) == Reference()


def test_what_the_champion_knows_is_no_test(made, tmp_path):
    """Where too few rows are new to the champion nothing is trained, and said so; some more are enough."""
    champion = Opponent(made[1] / "model")  # it knows 170 rows, as it says itself
    with pytest.raises(DataError, match="rows that the champion was not trained on"):
        make(panel(174), ORDER, champion, tmp_path, lambda event: None)
    found = make(panel(185), ORDER, champion, tmp_path, lambda event: None)
    assert found.metrics["held_out"] <= 15


def test_a_worse_challenger_is_rejected(made, tmp_path):
    """One that was hardly trained does not replace one that was."""
    lame = Order(**{**QUICK, "options": {**QUICK["options"], "steps": 1}})
    verdict = make(panel(), lame, Opponent(made[1] / "model"), tmp_path, lambda event: None).verdict
    assert not verdict.promote
    assert verdict.ratios["champion"] > 1


@pytest.mark.slow
def test_a_hundred_worse_challengers_are_rejected(made, tmp_path):
    """Of a hundred challengers that were really trained, but hardly, each from its own seed, none is promoted."""
    champion, hardly = Opponent(made[1] / "model"), {**QUICK, "options": {**QUICK["options"], "steps": 1}}
    promoted = [
        make(panel(), Order(**hardly, seed=seed), champion, tmp_path / str(seed), lambda event: None).verdict.promote
        for seed in range(100)
    ]
    assert promoted == [False] * 100


def test_a_warm_start_goes_on_with_the_champion(made, tmp_path):
    """A warm challenger has the champion's seasons and is trained further."""
    warm = Order(**{**QUICK, "warm": True})
    found = make(panel(), warm, Opponent(made[1] / "model"), tmp_path, lambda event: None)
    assert found.metrics["mase"]["challenger"] < 1


@pytest.mark.parametrize(("rows", "held"), [(300, 30), (40, 12), (5000, 500), (30_000, 1000)])
def test_as_much_is_held_out_as_a_watch_needs(rows, held):
    """A tenth is held out, at least enough to judge by, and of long series the errors that a watch begins with."""
    plan = _plan(Panel.from_arrays([np.ones(rows)]), Order(3), np.array([-1]))
    assert held - 20 < (plan.n_windows - 1) * (plan.step or 1) + plan.horizon <= held


def test_after_a_change_only_its_rows_are_learnt(made, tmp_path):
    """Twice the rows of the change are read and those alone count; what was before can be anything else."""
    since = replace(ORDER, since=139, held_out=90)
    found = make(panel(), since, Opponent(None), tmp_path / "a", lambda event: None)
    held = found.metrics["held_out"]
    assert held == 15  # a quarter of 60
    assert found.metrics["rows"] == 2 * (60 - held)
    assert load(tmp_path / "a" / "model").panel_.lengths.tolist() == [2 * (60 - held)] * 2
    reference = Reference.from_bytes(found.reference)
    assert reference.inputs == {}  # of so few values
    level = np.mean([seasonal(200, 0)[140:], seasonal(200, 1)[140:]])
    assert np.mean([reference.levels[name][0] for name in "ab"]) == pytest.approx(level, abs=1e-5)


def test_a_reference_of_a_short_change_reaches_back():
    """Of a change with fewer values than a reference needs, it is of the newest ones that are enough."""
    one = panel(300).take(np.array([0]))
    assert _since(one, 299 - 60).lengths.tolist() == [100]
    assert _since(one, 299 - 160).lengths.tolist() == [160]
    assert _since(panel(300), 299 - 60).lengths.tolist() == [60, 60]
    assert _since(panel(80), 79 - 30).lengths.tolist() == [80, 80]


def test_what_came_before_a_change_has_no_weight():
    """Rows up to the change are read and count 0, rows after it count 1; without a change all count alike."""
    known, counts = _learnt(panel(50), replace(ORDER, since=39))
    assert known.lengths.tolist() == [20, 20]
    assert counts == [*[0.0] * 10, *[1.0] * 10] * 2
    assert _learnt(panel(50), ORDER)[1] is None
    assert _learnt(panel(50), replace(ORDER, since=47))[1] is None  # too few to learn from alone


def test_a_few_new_rows_of_a_champion_that_knows_most_are_told(made, tmp_path):
    """After a change, too, rows that the champion was trained on do not count in the comparison."""
    with pytest.raises(DataError, match="Wait for more"):
        make(panel(175), replace(ORDER, since=139), Opponent(made[1] / "model"), tmp_path, lambda event: None)


@pytest.fixture(scope="module")
def lame(tmp_path_factory):
    """The folder of a model that was hardly trained."""
    folder = tmp_path_factory.mktemp("lame")
    order = Order(**{**QUICK, "options": {**QUICK["options"], "steps": 1}})
    make(panel(), order, Opponent(None), folder, lambda event: None)
    return folder / "model"


def test_a_review_tells_which_of_two_was_better_since(made, lame):
    """On rows that came after the promotion, the better of two versions is the better one, whichever is champion."""
    longer, good = panel(260), made[1] / "model"
    assert review(longer, ORDER, lame, Opponent(good), 199).promote
    assert not review(longer, ORDER, good, Opponent(lame), 199).promote
    assert not review(longer, ORDER, good, Opponent(good), 199).promote


def test_a_series_that_ended_is_not_judged(made, lame):
    """What both knew of a series already says nothing of which is better, whatever the newest rows of others are."""
    alone, good = seasonal(260, 0), made[1] / "model"
    both = Panel.from_arrays([alone, 1000 * seasonal(170, 1) ** 2], ids=["a", "b"])
    ours, theirs = (
        review(each, ORDER, lame, Opponent(good), 199) for each in (both, Panel.from_arrays([alone], ids=["a"]))
    )
    assert ours.ratios == pytest.approx(theirs.ratios)
    assert ours.promote


def test_every_part_of_a_season_is_forecast():
    """Origins of short forecasts do not always fall on the same days of the week."""
    plan = _plan(Panel.from_arrays([np.ones(30_000)]), Order(1, season_length=24), np.array([-1]))
    assert len({window * plan.step % 24 for window in range(plan.n_windows)}) == 24


def test_errors_of_one_time_stand_together():
    """Where series end at different times, errors of the same time are in the same column, and the newest are kept."""
    values = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [7.0, 8.0, 9.0]])
    times = np.array([[5, 6, 7], [4, 5, 6], [1, 2, 3]])
    found = _by_time(values, times, np.array([[True] * 3, [True] * 3, [True] * 3]))
    assert found[:2].tolist() == [[1.0, 2.0, 3.0], [20.0, 30.0, pytest.approx(np.nan, nan_ok=True)]]
    assert np.isnan(found[2]).all()


def test_a_review_needs_new_rows(made, lame):
    """Before enough has come since the promotion nothing is said."""
    with pytest.raises(DataError, match="Wait for more"):
        review(panel(202), ORDER, lame, Opponent(made[1] / "model"), 199)


def test_a_worse_champion_is_rolled_back_by_itself(made, lame, database, registry, jobs, tmp_path):
    """A review whose live rows speak for the version before puts that one back, with the reason in the history."""
    number = store(database, seasonal(260, 0))
    metrics = {"order": asdict(ORDER), "judged_until": 199, "trained_until": 169}

    async def run():
        for folder in (made[1] / "model", lame):
            await registry.register("demand", folder, metrics=metrics, source="job:1", actor="job:1", alias="champion")
        said = {"version": 2, "before": 1, "series": ["a"]}
        job = await jobs.submit(Wanted("review", "demand", "promotion", said, "foregate"))
        await Worker(jobs, registry, tmp_path / "jobs").step()
        return await jobs.get(job.id), await registry.resolve("demand"), await registry.history("demand")

    job, champion, history = asyncio.run(run())
    assert number
    assert job.result["rolled_back"], job.result
    assert champion.version == 1
    assert history[0].reason.startswith("rolled back: since then version 1 made")
