"""The task that scores what comes."""

import asyncio

import numpy as np
import pytest
from sqlalchemy import insert

from foregate.service.drift.keeper import Keeper
from foregate.service.jobs.changes import change_of
from foregate.service.store.tables import aliases, drift_states, model_versions, models
from tests.service.drift.made import actual, forecast, new_series, shifted


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


@pytest.mark.parametrize("champion", [1, 2])
def test_alarms_of_the_champion_open_a_change(bare, champion):
    """What an alarm begins is committed with it, for the version that forecasts now and for no other."""
    database = bare.service.database
    shifted(database, new_series(database))

    def setup(connection):
        connection.execute(insert(models).values(name="m", created_at=0))
        common = {"model": "m", "sha256": "", "size": 0, "facts": "{}", "metrics": "{}", "source": "upload"}
        rows = [{**common, "version": v, "created_at": 0, "created_by": "x"} for v in (1, 2)]
        connection.execute(insert(model_versions), rows)
        connection.execute(insert(aliases).values(model="m", alias="champion", version=champion, revision=1))

    database.write_now(setup)

    async def run():
        keeper = Keeper(bare.service)
        while await keeper.step():
            pass

    asyncio.run(run())
    found = database.read_now(lambda connection: change_of(connection, "m"))
    assert (found is not None) == (champion == 1)
    if found is not None:
        assert 1050 < found.since < 1070
        assert found.series == ("a",)


def test_what_breaks_does_not_end_the_task(bare, clock, monkeypatch):
    """Whatever goes wrong at one look, the task looks again: nobody else would."""
    keeper, looks = Keeper(bare.service), []

    async def breaks():
        looks.append(1)
        raise RuntimeError("a defect")

    monkeypatch.setattr(keeper, "step", breaks)

    async def run():
        await keeper.start()
        for _ in range(400):
            await asyncio.sleep(0.02)
            if len(looks) > 1:
                break
        await keeper.stop()

    asyncio.run(run())
    assert len(looks) > 1


def test_scores_are_those_of_the_champion(bare):
    """Metrics tell where the champion's detectors stand, the highest of its segments, and nothing of other versions."""

    def setup(connection):
        connection.execute(insert(models).values(name="m", created_at=0))
        common = {"model": "m", "sha256": "", "size": 0, "facts": "{}", "metrics": "{}", "source": "upload"}
        connection.execute(insert(model_versions).values(**common, version=2, created_at=0, created_by="x"))
        connection.execute(insert(aliases).values(model="m", alias="champion", version=2, revision=1))
        said = {"model": "m", "detector": "cusum", "state": "{}", "updated_at": 0}
        for version, segment, score in ((1, "", 3.0), (2, "a", 0.5), (2, "b", 0.75)):
            row = {**said, "version": version, "segment": segment, "score": score}
            connection.execute(insert(drift_states).values(**row))

    bare.service.database.write_now(setup)
    asyncio.run(Keeper(bare.service).look())
    assert 'foregate_drift_score{detector="cusum",model="m"} 0.75' in bare.service.metrics.text().decode()
