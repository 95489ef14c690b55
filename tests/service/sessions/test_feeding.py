"""Laws of sessions whose models are told covariates ahead."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from foregate.core import Frequency
from foregate.data.columns import ColumnSpec
from foregate.data.inputs import InputSpec
from foregate.service.observations.announced import announce
from foregate.service.problems import Problem
from foregate.service.sessions.feeding import Feed, feed
from foregate.streaming.live import Live
from tests.service.sessions.test_fleet import VALUES, close, said
from tests.service.sessions.worlds import World
from tests.streaming.models import Engine, fitted

ONE = Frequency.parse(1)
PRICES = [round(1 + (t % 5) / 4, 2) for t in range(120)]


def model(seasons=(3, 1)):
    """One that reads a covariate that is known ahead and one that is not."""
    columns = ColumnSpec("price", "future", 1.5, 0.3), ColumnSpec("rain", "past", 1.0, 0.5)
    spec = InputSpec(seasons, 4, 20, columns=columns)
    return replace(fitted(seasons), engine=Engine(spec), spec=spec)


class Told(World):
    """A world whose model is told prices ahead."""

    def __init__(self, path, url=None, **settings):
        super().__init__(path, url, **settings)
        self.served.made[1, 3] = model()

    async def announce(self, name, prices):
        """Prices by time."""
        number = (await self.fleet.catalog.all_known([name]))[name].id
        rows = {time: {"price": price} for time, price in prices.items()}
        return await self.database.write(lambda c: announce(c, number, ONE, rows, self.now))

    async def told_step(self, name, *rows, **options):
        """Let a session read rows of time, value and covariates as text."""
        order = await self.order(name, *[row[:2] for row in rows], **options)
        order.rows = [(time, value, text) for time, value, text in rows]
        return await self.fleet.step(order)


def replayed(rows, prices, horizon=3):
    """What a live forecaster says that was told everything at once."""
    live = Live(model())
    live.update([{"unique_id": "a", "ds": t, "y": y, "price": prices[t], "rain": rain} for t, y, rain in rows])
    last = rows[-1][0]
    live.announce([{"unique_id": "a", "ds": last + k, "price": prices[last + k]} for k in range(1, horizon + 1)])
    return live.forecast(horizon, quantiles=(0.1, 0.5, 0.9)).values[0]


@pytest.fixture
def world(tmp_path, url):
    made = Told(tmp_path, url, snapshot_rows=7)
    yield made
    made.close()


def run(coroutine):
    return asyncio.run(coroutine)


def test_what_was_announced_is_read(world):
    """Rows take what was announced where they bring nothing else, steps that were left out too, however states are
    lost; and the forecast is that of a live forecaster that was told the same."""

    async def act():
        await world.series("a")
        await world.open("a")
        prices, rows = dict(enumerate(PRICES)), []
        await world.told_step("a", (0, VALUES[0], '{"price":1.0,"rain":0.5}'))
        rows.append((0, VALUES[0], 0.5))
        await world.announce("a", {t: prices[t] for t in range(1, 60)})
        for t in range(1, 40):
            if t % 6 == 4:
                rows.append((t, None, None))
                continue
            own = '{"price":7.0,"rain":1.5}' if t % 7 == 0 else '{"rain":1.0}'
            stepped = await world.told_step("a", (t, VALUES[t], own))
            rows.append((t, VALUES[t], 1.5 if t % 7 == 0 else 1.0))
            prices[t] = 7.0 if t % 7 == 0 else prices[t]
            if t % 5 == 3:
                if t % 2:
                    await world.fleet.stop()
                world.fleet = world.made()
            close(said(stepped), replayed(rows, prices))
        close((await world.fleet.forecast(["a"], 6))[0].values, replayed(rows, prices, 6))

    run(act())


def test_a_session_is_opened_with_what_was_announced(world):
    """A session of a stored series reads the rows with what was announced of them, and goes on like one that lived."""

    async def act():
        await world.series("a")
        await world.take(("a", 0, VALUES[0]))
        await world.announce("a", {t: PRICES[t] for t in range(1, 60)})
        await world.take(*[("a", t, VALUES[t]) for t in range(1, 30) if t % 4])
        await world.open("a")
        rows = [(t, VALUES[t] if t % 4 else None, None) for t in range(1, 30)]
        prices = {0: None, **dict(enumerate(PRICES[1:], 1))}
        close((await world.fleet.forecast(["a"], 3))[0].values, replayed([(0, VALUES[0], None), *rows], prices))

    run(act())


def test_what_is_not_known_is_said(world):
    """A step is stored without a forecast where the future is not known; who asks hears which times and covariates."""

    async def act():
        await world.series("a")
        await world.open("a")
        stepped = await world.told_step("a", (0, 5.0, '{"price":1.0,"rain":null}'))
        assert (stepped.counts, stepped.said) == ({"stored": 1}, None)
        await world.announce("a", {1: 1.0, 3: 1.0})
        with pytest.raises(Problem, match=r"nothing is of 'price' at '2'\. Announce it") as told:
            await world.fleet.forecast(["a"], 3)
        assert (told.value.status, told.value.slug) == (409, "future-unknown")
        assert told.value.facts["missing"] == [{"time": 2, "columns": ["price"]}]
        assert (await world.fleet.forecast(["a"], 1))[0].values.shape == (1, 3)
        await world.announce("a", {2: None})  # known not to be known
        assert (await world.fleet.forecast(["a"], 3))[0].values.shape == (3, 3)

    run(act())


BEGUN = [(t, VALUES[t], 1.0) for t in range(4)]
"""Rows of a series that is forecast by more than its last value."""


async def begun(world):
    """A session that has read them, at a price of 1."""
    await world.series("a")
    await world.open("a")
    await world.told_step("a", *((t, value, '{"price":1.0,"rain":1.0}') for t, value, _ in BEGUN))
    return dict.fromkeys(range(4), 1.0)


def test_what_is_announced_anew_takes_the_place_of_what_was(world):
    """A forecast goes by what was announced last; what a row was read with stays as it is."""

    async def act():
        prices, heard = await begun(world), []
        for price in (1.0, 2.0):
            assert await world.announce("a", dict.fromkeys(range(4, 8), price)) == 4
            (forecast,) = await world.fleet.forecast(["a"], 3)
            close(forecast.values, replayed(BEGUN, {**prices, **dict.fromkeys(range(4, 8), price)}))
            heard.append(forecast.values)
        assert np.abs(heard[0] - heard[1]).max() > 0.01
        await world.told_step("a", (4, 5.0, '{"rain":1.0}'))
        assert await world.announce("a", {4: 2.0, 5: 3.0}) == 1
        with pytest.raises(Problem, match="must be of times after 4, the newest row, but got '4'"):
            await world.announce("a", {4: 3.0})

    run(act())


def test_what_is_announced_while_a_session_reads_is_read(world):
    """Where something else is announced between reading and writing, it is read anew before anything is written."""

    async def act():
        prices = await begun(world)
        await world.announce("a", dict.fromkeys(range(4, 9), 1.0))
        tell, changed = world.fleet._tell, []

        async def late(steps):
            await tell(steps)
            if not changed:
                changed.append(await world.announce("a", dict.fromkeys(range(4, 9), 2.0)))

        world.fleet._tell = late
        stepped = await world.told_step("a", (4, 6.0, '{"rain":1.0}'))
        rows = [*BEGUN, (4, 6.0, 1.0)]
        close(said(stepped), replayed(rows, {**prices, **dict.fromkeys(range(4, 9), 2.0)}))
        assert np.abs(said(stepped) - replayed(rows, {**prices, **dict.fromkeys(range(4, 9), 1.0)})).max() > 0.01
        world.fleet = world.made()
        close((await world.fleet.forecast(["a"], 3))[0].values, said(stepped))
        assert changed == [5]

    run(act())


def test_one_that_cannot_be_told_fails_alone(world):
    """A price that is text fails where it is read, and the sessions beside that one go on."""

    async def act():
        await world.series("a", "b")
        await world.open("a", "b")
        for name in "ab":
            await world.told_step(name, (0, 5.0, '{"price":1.0,"rain":1.0}'))
            await world.announce(name, dict.fromkeys(range(1, 6), 1.0 if name == "a" else "much"))
        both = await asyncio.gather(
            *(world.told_step(name, (1, 5.0, '{"price":1.0,"rain":1.0}')) for name in "ab"),
            world.fleet.forecast(["b"], 2),
            return_exceptions=True,
        )
        assert [type(each).__name__ for each in both] == ["Stepped", "Stepped", "DataError"]
        assert both[0].said is not None
        assert both[1].said is None

    run(act())


def test_models_that_read_no_future_leave_it_alone():
    """What was announced changes nothing for a model that is not told the future."""
    lives = [Live(fitted((3, 1))) for _ in range(2)]
    for live, known in zip(lives, ({}, {1: {"price": 2.0}, 3: {"price": 1.0}}), strict=True):
        assert feed(live, [Feed("a", [(0, 1.0, None), (4, 2.0, None)], None, "{}", known)], 10) == {}
    np.testing.assert_array_equal(*(live.forecast(3).values for live in lives))
