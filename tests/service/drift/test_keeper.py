"""The task that scores what comes."""

import asyncio

import numpy as np

from foregate.service.drift.keeper import Keeper
from tests.service.drift.made import actual, forecast, new_series


def test_what_comes_is_scored_and_told_in_metrics(bare, clock):
    """An actual that came while the task runs is scored within a moment, and metrics tell of it."""
    database = bare.service.database
    number = new_series(database)
    forecast(database, number, 0, np.array([[-1.0, 0.0, 1.0]]))

    async def run():
        keeper = Keeper(bare.service)
        await keeper.start()
        actual(database, number, 1, 2.5, at=clock())
        for _ in range(200):
            await asyncio.sleep(0.05)
            if "foregate_interval_coverage{" in bare.service.metrics.text().decode():
                break
        await keeper.look()
        await keeper.stop()

    asyncio.run(run())
    text = bare.service.metrics.text().decode()
    assert 'foregate_forecast_abs_error_scaled_sum{horizon_bucket="1",model="m"} 2.5' in text
    assert 'foregate_interval_coverage{level="80",model="m"} 0.0' in text
    assert 'foregate_jobs{state="queued"} 0.0' in text
