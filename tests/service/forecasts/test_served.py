"""Laws of the models that answer: which one answers, while they are swapped."""

import asyncio
import gc
import shutil
import time
import weakref

import pytest

from foregate.core import Frequency
from foregate.persistence.shipped import SHIPPED
from foregate.service.forecasts.bodies import History
from foregate.service.forecasts.served import ROWS_TOGETHER, Asked, Served
from foregate.service.metrics import Metrics
from foregate.service.problems import Problem
from foregate.service.settings import Settings
from tests.service.forecasts.fakes import FakeRegistry

VALUES = [float(100 + i % 24) for i in range(50)]
ASKED = Asked([History(values=VALUES)], ["a"], Frequency.parse("h"), (24,), 3, (0.5,))


def run(registry, work, **forecasts):
    """Do something with the models of a registry."""

    async def all_of_it():
        served = Served(registry, Settings(forecasts=forecasts), Metrics())
        await served.start()
        try:
            return await asyncio.wait_for(work(served), 60)
        finally:
            await served.close()

    return asyncio.run(all_of_it())


async def until(condition):
    while not condition():
        await asyncio.sleep(0.002)


def test_a_version_is_loaded_once(registry):
    """However many ask for a version at once, and by whatever name, it is loaded once."""

    async def work(served):
        found = await asyncio.gather(*(served.ready("pretrained", which) for which in [2, "challenger"] * 10))
        return len({id(ready) for ready in found})

    assert run(registry, work) == 1
    assert registry.opened == [1, 2]


def test_an_alias_that_moves_is_answered_by_the_old_version_until_the_new_one_is_there(registry):
    """While a version is loaded, the one before answers at once; afterwards the new one does."""

    async def work(served):
        before = await served.ready("pretrained")
        registry.move("pretrained", "champion", 2)
        meanwhile = await asyncio.wait_for(served.ready("pretrained"), 0.05)
        await until(lambda: ("pretrained", 2) in served._loaded)
        after = await served.ready("pretrained")
        return [each.version.version for each in (before, meanwhile, after)]

    assert run(registry, work) == [1, 1, 2]


def swapping(registry, swaps, pause):
    """Move the champion again and again while requests come; what versions answered, and whether rightly."""

    async def work(served):
        truth = {}
        for number in (1, 2):
            ready = await served.ready("pretrained", number)
            truth[number] = (await served.forecast(ready, ASKED))[0].values
        answers, over = [], asyncio.Event()

        async def client():
            while not over.is_set():
                ready = await served.ready("pretrained")
                (said,) = await served.forecast(ready, ASKED)
                answers.append((ready.version.version, said.values))

        clients = [asyncio.create_task(client()) for _ in range(8)]
        for i in range(swaps):
            registry.move("pretrained", "champion", 2 - i % 2)
            await asyncio.sleep(pause)
        over.set()
        await asyncio.gather(*clients)
        return truth, answers

    return run(registry, work, spare=0)


def check_swaps(registry, swaps, pause):
    registry.called.pop(("pretrained", "challenger"))
    truth, answers = swapping(registry, swaps, pause)
    assert {version for version, _ in answers} == {1, 2}
    for version, values in answers:
        for mine, own in zip(values, truth[version], strict=True):
            assert mine == pytest.approx(own, rel=1e-4)
    assert len(registry.opened) > 4  # they were let go of and loaded again


def test_swaps_under_load_fail_no_request(registry):
    """Whoever asks while the champion is swapped gets the forecast of the version that the answer names."""
    check_swaps(registry, 12, 0.15)


@pytest.mark.slow
def test_500_swaps_under_load_fail_no_request(registry):
    """The same, 500 times."""
    check_swaps(registry, 500, 0.1)


def test_versions_that_nobody_asks_for_are_let_go(registry):
    """Memory holds versions with an alias, and as many others as the settings say."""
    for _ in range(4):
        registry.add("pretrained", SHIPPED / "tiny")

    async def work(served):
        gone = weakref.ref(await served.ready("pretrained", 3))
        for number in (4, 5, 6):
            await served.ready("pretrained", number)
        gc.collect()
        return sorted(number for _, number in served._loaded), gone()

    assert run(registry, work, spare=1) == ([1, 5, 6], None)


def test_a_damaged_version_leaves_the_champion(registry, tmp_path):
    """Where a version cannot be loaded, the one before goes on, and whoever asks for it by number is told."""
    shutil.copytree(SHIPPED / "tiny", tmp_path / "bad")
    weights = tmp_path / "bad" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    registry.add("pretrained", tmp_path / "bad")

    async def work(served):
        registry.move("pretrained", "champion", 3)
        await until(lambda: ("pretrained", 3) in served._broken)
        for _ in range(3):
            assert (await served.ready("pretrained")).version.version == 1
        with pytest.raises(Problem, match="version 3 of 'pretrained' must be sound"):
            await served.ready("pretrained", 3)
        registry.move("pretrained", "champion", 2)
        await until(lambda: ("pretrained", 2) in served._loaded)
        return (await served.ready("pretrained")).version.version

    assert run(registry, work) == 2
    assert registry.opened.count(3) == 1


def test_an_alias_that_is_taken_away_is_gone(registry):
    """Nobody answers under a name that nothing has."""

    async def work(served):
        await served.ready("pretrained", "challenger")
        del registry.called["pretrained", "challenger"]
        with pytest.raises(Problem, match="must be there"):
            await served.ready("pretrained", "challenger")

    run(registry, work)


def test_a_service_without_models_starts():
    """Where nothing is registered yet, it starts all the same."""

    async def work(served):
        with pytest.raises(Problem, match="must be there"):
            await served.ready("pretrained")

    run(FakeRegistry(), work)


def test_a_large_request_leaves_room_for_others(registry):
    """A request of many series is computed some at a time, and a small one comes in between."""

    async def work(served):
        ready = await served.ready("pretrained")
        many = ROWS_TOGETHER // len(VALUES) * 6
        large = Asked([History(values=VALUES)] * many, [str(i) for i in range(many)], *list(vars(ASKED).values())[2:])
        began = time.monotonic()
        task = asyncio.create_task(served.forecast(ready, large))
        await asyncio.sleep(0.01)
        await served.forecast(ready, ASKED)
        small = time.monotonic() - began
        assert len(await task) == many
        return small < time.monotonic() - began

    assert run(registry, work)


def test_the_champion_is_counted(registry):
    """Metrics tell which version is champion, after it was swapped too."""

    async def work(served):
        gauge = served._metrics.champion.labels("pretrained")
        before = gauge._value.get()
        registry.move("pretrained", "champion", 2)
        await until(lambda: gauge._value.get() == 2)
        return before

    assert run(registry, work) == 1
