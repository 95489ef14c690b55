"""Laws of forecasts of stored series."""

from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest

from foregate.core import Frequency
from foregate.service.observations.announced import announce
from foregate.service.problems import Problem
from foregate.service.store import tables
from foregate.service.store.statements import insert

HOUR = 3_600_000_000
VALUES = [100.0 + 10 * (i % 24) for i in range(60)]


def store(service, name, values, *, freq="h", season=None, step=HOUR, **attributes):
    """Put a series into the tables, None for a row that is not there, and give its number."""

    def work(connection):
        made = {"name": name, "freq": str(freq), "season_length": season, "created_at": 0}
        made["attributes"] = msgspec.json.encode(attributes).decode()
        number = connection.execute(insert(connection, tables.series).values(made)).inserted_primary_key[0]
        rows = [
            {"series": number, "time": i * step, "value": value, "revision": 0, "received_at": 0}
            for i, value in enumerate(values)
            if value is not None
        ]
        if rows:
            connection.execute(insert(connection, tables.observations), rows)
        return number

    return service.service.database.write_now(work)


def ask(service, **body):
    return service.ask("POST", "/v1/forecasts", scope="forecast", json={"horizon": 5} | body)


@dataclass
class FakeSaid:
    """What a session says."""

    series: str
    version: int = 1
    model: str = "pretrained"
    origin: int = 7 * HOUR
    freq: Frequency = field(default_factory=lambda: Frequency.parse("h"))
    times: tuple = ("1970-01-01T08:00:00Z",)
    values: object = field(default_factory=lambda: np.array([[41.0, 42.0, 43.0]], np.float32))


class FakeFleet:
    """Sessions that always say 42."""

    def __init__(self, **said):
        self.said, self.asked = said, []

    async def forecast(self, names, horizon, quantiles):
        self.asked.append((tuple(names), horizon, quantiles))
        if self.said.get("closed"):
            raise Problem(404, "no-such-session", "closed")
        return [FakeSaid(name, **self.said) for name in names]


def follow(service, number, version=1):
    """Open a session of a series, by its row."""
    row = {"series": number, "model": "pretrained", "version": version, "seq": 1, "late": "reject", "created_at": 0}
    row |= {"horizon": 5} if "horizon" in tables.sessions.c else {}
    service.service.database.write_now(lambda c: c.execute(insert(c, tables.sessions).values(row)) and None)


def test_stored_is_sent(service):
    """A stored series is forecast as the same history is that comes with the request, gaps too."""
    values = [None if i in (7, 8) else value for i, value in enumerate(VALUES)]
    store(service, "plant", values)
    stored = ask(service, series=["plant"]).json()["forecasts"]
    history = {"name": "plant", "values": values, "start": "1970-01-01"}
    assert stored == ask(service, freq="h", histories=[history]).json()["forecasts"]


def test_each_series_has_its_own_frequency_and_season(service):
    """Series of several frequencies come back in the order in which they were asked for."""
    store(service, "hourly", VALUES)
    store(service, "counted", VALUES, freq=10, step=10, season=24)
    first, second, again = ask(service, series=["counted", "hourly", "counted"]).json()["forecasts"]
    assert first == again
    assert first["times"] == [600, 610, 620, 630, 640]
    assert second["cutoff"] == "1970-01-03T11:00:00Z"


def test_only_the_latest_rows_are_read(service):
    """Of a long series so many of the latest rows are read as the settings say."""
    store(service, "long", [1e6] * 500 + VALUES * 100)
    most = service.service.settings.forecasts.history
    kept = (VALUES * 100)[-most:]
    start = np.datetime64("1970-01-01", "h") + 500 + 6000 - most
    history = {"name": "long", "values": kept, "start": str(start) + ":00"}
    own = ask(service, freq="h", histories=[history]).json()["forecasts"]
    assert ask(service, series=["long"]).json()["forecasts"] == own


def test_a_session_of_the_version_answers(service):
    """Where a live session of the version that is asked has read the series, its state says the forecast."""
    follow(service, store(service, "live", VALUES))
    store(service, "still", VALUES)
    service.service.fleet = FakeFleet()
    live, still = ask(service, series=["live", "still"]).json()["forecasts"]
    assert service.service.fleet.asked == [(("live",), 5, (0.1, 0.5, 0.9))]
    assert (live["values"], live["cutoff"]) == ([[41.0, 42.0, 43.0]], "1970-01-01T07:00:00Z")
    assert len(still["values"]) == 5


@pytest.mark.parametrize("said", [{"version": 2}, {"closed": True}])
def test_a_session_that_has_moved_on_does_not_answer(service, said):
    """A session that is of another version by now, or closed, leaves the answer to the stored rows."""
    follow(service, store(service, "live", VALUES))
    service.service.fleet = FakeFleet(**said)
    answer = ask(service, series=["live"]).json()
    assert answer["version"] == 1
    assert len(answer["forecasts"][0]["values"]) == 5


def test_a_session_of_another_version_is_not_asked(service):
    """A session of another version than the one that is asked says nothing."""
    follow(service, store(service, "live", VALUES), version=2)
    service.service.fleet = FakeFleet()
    ask(service, series=["live"])
    assert service.service.fleet.asked == []


def test_what_is_stored_besides_is_not_in_the_way(service, registry, trained):
    """Attributes that a model does not read are left aside, and covariates that are not stored are missing."""
    store(service, "shop", [10.0 + i % 7 for i in range(30)], freq="D", step=24 * HOUR, shop="big", colour="red")
    assert ask(service, series=["shop"]).status_code == 200
    registry.add("shops", trained, "champion")
    future = {"shop": {"open": [1, 1, 1, 1]}}
    answer = ask(service, series=["shop"], model="shops", horizon=4, future=future)
    assert answer.status_code == 200, answer.text


def test_the_future_that_was_announced_is_read(service, registry, trained):
    """What was announced is as good as what comes with the request; what is nowhere is told by its time."""
    registry.add("shops", trained, "champion")
    day = 24 * HOUR
    number = store(service, "shop", [10.0 + i % 7 for i in range(30)], freq="D", step=day, shop="big")
    asked = {"series": ["shop"], "model": "shops", "horizon": 4}
    opened = {(29 + k) * day: {"open": float(k != 2)} for k in range(1, 4)}

    def tell(rows):
        service.service.database.write_now(lambda c: announce(c, number, Frequency.parse("D"), rows, 0))

    tell(opened)
    answer = ask(service, **asked)
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (409, "future-unknown")
    assert answer.json()["missing"] == [{"time": "1970-02-03T00:00:00Z", "columns": ["open"]}]
    tell({33 * day: {"open": 1.0}})
    announced = ask(service, **asked).json()
    given = ask(service, **asked, future={"shop": {"open": [1, 0, 1, 1]}}).json()
    other = ask(service, **asked, future={"shop": {"open": [1, 1, 1, 1]}}).json()
    assert announced["forecasts"] == given["forecasts"] != other["forecasts"]
    assert [each["recorded"] for each in (announced, given, other)] == [True, False, False]


def test_rows_have_what_was_announced_of_them(service, registry, trained):
    """A row that brings no covariates has those that were announced, and a row that brings its own has these."""
    registry.add("shops", trained, "champion")
    day, daily = 24 * HOUR, Frequency.parse("D")
    values = [10.0 + i % 7 for i in range(30)]
    told = {i * day: {"open": float(i % 3 > 0), "price": 1.0} for i in range(1, 40)}
    own = {5 * day: {"open": 1.0, "price": 2.0}}
    for name in ("told", "own"):
        number = store(service, name, values[:1], freq="D", step=day, shop="big")

        def work(connection, number=number, name=name):
            announce(connection, number, daily, told if name == "told" else dict(list(told.items())[29:]), 0)
            for i in range(1, 30):
                known = own.get(i * day) or (told[i * day] if name == "own" else None)
                row = {"series": number, "time": i * day, "value": values[i], "revision": 0, "received_at": 0}
                row["covariates"] = known and msgspec.json.encode(known).decode()
                connection.execute(insert(connection, tables.observations), row)

        service.service.database.write_now(work)
    first, second = ask(service, series=["told", "own"], model="shops", horizon=4).json()["forecasts"]
    assert first["values"] == second["values"]


def test_series_that_are_not_there_are_named(service):
    """What is not stored, or has no rows, is refused by its name."""
    store(service, "empty", [])
    answer = ask(service, series=["ghost"])
    assert (answer.status_code, answer.json()["detail"][:40]) == (404, "series must be stored, but got 'ghost'. ")
    answer = ask(service, series=["empty"])
    assert answer.status_code == 422
    assert "got none of 'empty'" in answer.json()["detail"]


def test_what_lies_before_a_long_gap_is_not_read(service):
    """After a gap longer than what is read, the series begins anew, however long the gap is."""
    number = store(service, "back", VALUES)
    later = [
        {"series": number, "time": (10**7 + i) * HOUR, "value": value, "revision": 0, "received_at": 0}
        for i, value in enumerate(VALUES)
    ]
    service.service.database.write_now(lambda c: c.execute(insert(c, tables.observations), later) and None)
    start = str(np.datetime64("1970-01-01", "h") + 10**7) + ":00"
    own = ask(service, freq="h", histories=[{"name": "back", "values": VALUES, "start": start}]).json()["forecasts"]
    assert ask(service, series=["back"]).json()["forecasts"] == own
