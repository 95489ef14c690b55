"""Laws of the routes of series, observations, sessions and events, through the application."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx
import pytest

from foregate.core import DataError
from foregate.service.access.scopes import Principal
from foregate.service.api.app import create_app
from foregate.service.context import Service
from foregate.service.observations.routes import routes as observation_routes
from foregate.service.sessions.routes import _result, routes
from foregate.service.store.database import StoreError
from tests.service.sessions.worlds import MODEL, World


class Access:
    """Lets everybody do everything."""

    async def authenticate(self, request, *, public):
        return Principal("test", frozenset({"admin"}))

    async def admit(self, principal, request):
        return None

    def peer(self, request):
        return "somebody"


@pytest.fixture
def world(tmp_path, url):
    made = World(tmp_path, url)
    made.settings = made.settings.model_copy(
        update={"data_dir": tmp_path, "forecasts": made.settings.forecasts.model_copy(update={"model": MODEL})}
    )
    yield made
    made.close()


@asynccontextmanager
async def client(world):
    service = Service(
        world.settings,
        world.database,
        Access(),
        world.registry,
        world.served,
        world.fleet,
        world.metrics,
        lambda: world.now,
    )
    app = create_app(service, [observation_routes, routes])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as made:
        yield made


def run(coroutine):
    return asyncio.run(coroutine)


def test_a_series_is_made_once(world):
    """A series can be made, changed and read; its frequency stays; a name that is none is refused."""

    async def act():
        async with client(world) as http:
            made = await http.put("/v1/series/plant%207", json={"freq": "30min", "attributes": {"size": 3}})
            assert made.status_code == 201
            again = await http.put("/v1/series/plant%207", json={"freq": "30min", "segment": "north"})
            assert (again.status_code, again.json()["segment"]) == (200, "north")
            other = await http.put("/v1/series/plant%207", json={"freq": "h"})
            assert (other.status_code, other.json()["type"].rsplit("/", 1)[1]) == (409, "other-frequency")
            assert (await http.get("/v1/series/plant%207")).json()["freq"] == "30min"
            for name in ("%E2%80%A8", "%EF%BB%BF", "a" * 201):
                assert (await http.put(f"/v1/series/{name}", json={"freq": "h"})).status_code == 422
            for freq in ("hourly", "0", "9999999999h", "", "-5"):
                assert (await http.put("/v1/series/a", json={"freq": freq})).status_code == 422
            assert (await http.get("/v1/series/none")).status_code == 404
            for name in "cab":
                await http.put(f"/v1/series/{name}", json={"freq": "1"})
            page = (await http.get("/v1/series?limit=2")).json()
            assert [each["name"] for each in page["series"]] == ["a", "b"]
            assert page["next"] == "b"
            rest = (await http.get("/v1/series?after=b")).json()
            assert ([each["name"] for each in rest["series"]], rest["next"]) == (["c", "plant 7"], None)

    run(act())


def test_many_series_are_made_at_once(world):
    """Of many series the new ones are made, or none where one is there with another frequency."""

    async def act():
        async with client(world) as http:
            many = [{"name": f"s{i}", "freq": "h", "segment": "x"} for i in range(30)]
            assert (await http.post("/v1/series", json={"series": many[:20]})).json() == {"created": 20}
            assert (await http.post("/v1/series", json={"series": many})).json() == {"created": 10}
            other = await http.post(
                "/v1/series", json={"series": [{"name": "n", "freq": "h"}, many[3] | {"freq": "D"}]}
            )
            assert other.status_code == 409
            assert (await http.get("/v1/series/n")).status_code == 404

    run(act())


def test_observations_of_many_series(world):
    """Each row succeeds or fails alone, and is told by its place; what is stored can be read page by page."""

    async def act():
        async with client(world) as http:
            await http.put("/v1/series/a", json={"freq": "h"})
            await http.put("/v1/series/b", json={"freq": "1"})
            rows = [
                {"series": "a", "time": "2023-01-01T00:00:00Z", "value": 1.5},
                {"series": "b", "time": 7, "value": None},
                {"series": "none", "time": 7, "value": 1},
                {"series": "a", "time": "2023-01-01T03:30:00+01:00", "value": 1},
                {"series": "a", "time": 12, "value": 1},
                {"series": "a", "time": "2033-01-01", "value": 1},
                {"series": "a", "time": "2023-01-01T03:00:00+01:00", "value": 2, "covariates": {"price": 3.5}},
            ]
            answer = (await http.post("/v1/observations", json={"observations": rows})).json()
            assert answer["counts"] == {"stored": 3, "invalid": 4}
            assert [each["index"] for each in answer["refused"]] == [2, 3, 4, 5]
            told = [each["detail"] for each in answer["refused"]]
            assert "must be there" in told[0]
            assert "whole steps of h away from the first one, 2023-01-01T00:00:00Z" in told[1]
            assert "must be ISO 8601" in told[2]
            assert "must not lie far ahead of the clock" in told[3]
            page = (await http.get("/v1/series/a/observations?limit=1")).json()
            assert page["observations"][0]["time"] == page["next"] == "2023-01-01T00:00:00Z"
            rest = (await http.get("/v1/series/a/observations", params={"after": page["next"]})).json()["observations"]
            assert rest == [{"time": "2023-01-01T02:00:00Z", "value": 2.0, "covariates": {"price": 3.5}, "revision": 0}]
            wrong = await http.get("/v1/series/a/observations?after=yesterday")
            assert wrong.status_code == 422

    run(act())


def test_a_session_over_http(world):
    """Open, step, ask, look and close, with the answers that the API document promises."""

    async def act():
        async with client(world) as http:
            for name in ("a", "b"):
                await http.put(f"/v1/series/{name}", json={"freq": "h", "season_length": 3})
            opened = await http.post("/v1/sessions", json={"series": ["a", "b", "a"]})
            assert opened.json()["created"] == 2
            assert (await http.post("/v1/sessions", json={"series": ["a"]})).json()["created"] == 0
            other = await http.post("/v1/sessions", json={"series": ["a"], "late": "rebuild"})
            assert other.status_code == 409
            first = {"observations": [{"time": "2023-01-01", "value": 1.0}, {"time": "2023-01-01T01:00", "value": 2.0}]}
            stepped = await http.post("/v1/sessions/a/observations", json=first | {"expected_seq": 0})
            body = stepped.json()
            assert (body["seq"], body["version"], body["counts"]) == (2, 1, {"stored": 2})
            assert body["forecast"]["times"] == [f"2023-01-01T0{hour}:00:00Z" for hour in (2, 3, 4)]
            assert (await http.post("/v1/sessions/a/observations", json=first)).json()["forecast"] == body["forecast"]
            steps = [
                {"series": "b", "observations": [{"time": "2023-01-01", "value": 1.0}], "forecast": False},
                {"series": "a", "observations": [{"time": "2023-01-01T00:00", "value": 5.0}]},
                {"series": "c", "observations": [{"time": "2023-01-01T00:00", "value": 5.0}]},
                {"series": "d", "observations": [{"time": "today", "value": 5.0}]},
            ]
            many = (await http.post("/v1/sessions:step", json={"steps": steps})).json()["steps"]
            assert many[0]["stepped"]["forecast"] is None
            assert many[0]["stepped"]["seq"] == 1
            assert [each["problem"] and each["problem"]["status"] for each in many] == [None, 409, 404, 404]
            assert many[1]["problem"]["expected_seq"] == 2
            forecast = await http.get("/v1/sessions/a/forecast?horizon=5&quantiles=0.1,0.9")
            assert forecast.json()["quantiles"] == [0.1, 0.5, 0.9]
            assert len(forecast.json()["values"]) == 5
            assert (await http.get("/v1/sessions/a")).json()["last_time"] == "2023-01-01T01:00:00Z"
            assert [each["series"] for each in (await http.get("/v1/sessions")).json()["sessions"]] == ["a", "b"]
            assert (await http.delete("/v1/sessions/b")).status_code == 204
            for method, path in [("GET", "b"), ("GET", "b/forecast"), ("DELETE", "b"), ("GET", "none")]:
                assert (await http.request(method, f"/v1/sessions/{path}")).status_code == 404

    run(act())


def test_the_future_is_announced_over_http(world):
    """What is known ahead can be told of one series, of many, and with a step; read again; and refused whole."""

    async def act():
        async with client(world) as http:
            for name in "ab":
                await http.put(f"/v1/series/{name}", json={"freq": "1", "season_length": 3})
            row = {"time": 3, "covariates": {"price": 1.5, "kind": "x", "holiday": None}}
            early = await http.put("/v1/series/a/future", json={"future": [row]})
            assert (early.status_code, "must have an observation before" in early.json()["detail"]) == (422, True)
            rows = [{"series": name, "time": 2, "value": 1} for name in "ab"]
            await http.post("/v1/observations", json={"observations": rows})
            assert (await http.put("/v1/series/a/future", json={"future": [row]})).json() == {"changed": 3}
            many = [{"series": name, "time": 4, "covariates": {"price": 2.5}} for name in "ab"]
            assert (await http.post("/v1/future", json={"future": many})).json() == {"changed": 2}
            page = (await http.get("/v1/series/a/future?limit=1")).json()
            assert page == {"future": [row], "next": 3}
            rest = (await http.get("/v1/series/a/future?after=3")).json()
            assert rest == {"future": [{"time": 4, "covariates": {"price": 2.5}}], "next": None}
            for wrong, status in [
                ([row, row], 422),
                ([{"time": "2024-01-01", "covariates": {"price": 1}}], 422),
                ([{"time": 5, "covariates": {}}], 422),
                ([{"time": 5, "covariates": {"price": 1e39}}], 422),
                ([{"time": 20_000, "covariates": {"price": 1}}], 422),
                ([{"time": 2, "covariates": {"price": 1}}, {"time": 9, "covariates": {"price": 1}}], 409),
            ]:
                assert (await http.put("/v1/series/a/future", json={"future": wrong})).status_code == status, wrong
            assert (await http.put("/v1/series/none/future", json={"future": [row]})).status_code == 404
            assert (await http.get("/v1/series/a/future?after=4")).json()["future"] == []
            await http.post("/v1/sessions", json={"series": ["a", "b"]})
            coming = {"time": 6, "covariates": {"price": 3.5}}
            step = {"observations": [{"time": 3, "value": 1}], "future": [coming]}
            assert (await http.post("/v1/sessions/a/observations", json=step)).status_code == 200
            assert (await http.post("/v1/sessions/a/observations", json=step)).json()["counts"] == {"duplicate": 1}
            late = {"observations": [{"time": 4, "value": 1}], "future": [{"time": 1, "covariates": {"price": 1}}]}
            steps = [late | {"series": "a"}, step | {"series": "b"}]
            told = (await http.post("/v1/sessions:step", json={"steps": steps})).json()["steps"]
            assert told[0]["problem"]["type"].endswith("late-announcement")
            assert told[1]["stepped"]["counts"] == {"stored": 1}
            assert (await http.get("/v1/series/b/future?after=4")).json()["future"] == [coming]

    run(act())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"observations": []}, 422),
        ({"observations": [{"time": "2023-01-01", "value": 1e39}]}, 422),
        ({"observations": [{"time": "2023-01-01", "value": "1"}]}, 422),
        ({"observations": [{"time": "soon", "value": 1}]}, 422),
        ({"observations": [{"time": "2023-01-01", "value": 1}, {"time": "2023-01-01", "value": 2}]}, 422),
        ({"observations": [{"time": "2023-01-01T00:30", "value": 1}]}, 422),
        ({"observations": [{"time": "2999-01-01", "value": 1}]}, 422),
        ({"observations": [{"time": "2023-01-01", "value": 1}], "expected_seq": 9}, 409),
        ({"observations": [{"time": "2023-01-01", "value": 1}], "more": 9}, 422),
    ],
)
def test_steps_that_are_refused(world, body, status):
    """What cannot be read is refused with a problem, and changes nothing."""

    async def act():
        async with client(world) as http:
            await http.put("/v1/series/a", json={"freq": "h", "season_length": 3})
            await http.post(
                "/v1/observations", json={"observations": [{"series": "a", "time": "2022-01-01", "value": 1}]}
            )
            await http.post("/v1/sessions", json={"series": ["a"]})
            answer = await http.post("/v1/sessions/a/observations", json=body)
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
            assert (await http.get("/v1/sessions/a")).json()["seq"] == 1

    run(act())


def test_queries_that_are_refused(world):
    """Horizons, quantiles and kinds that are none are refused."""

    async def act():
        async with client(world) as http:
            await http.put("/v1/series/a", json={"freq": "1"})
            await http.post("/v1/sessions", json={"series": ["a"]})
            for query in ("horizon=0", "horizon=99999", "quantiles=2", "quantiles=nan", "quantiles=a", "more=1"):
                assert (await http.get(f"/v1/sessions/a/forecast?{query}")).status_code == 422, query
            assert (await http.get("/v1/sessions/a/forecast")).json()["type"].endswith("nothing-observed")
            for query in ("kinds=none", "after=-1", "after=x"):
                assert (await http.get(f"/v1/events?{query}")).status_code == 422

    run(act())


def test_events_go_on_where_they_were_left(world):
    """Whoever follows hears of every forecast once and in order, across breaks, with what was forecast."""

    async def act():
        await world.fleet.start()
        try:
            await world.series("a")
            await world.open("a")
            await world.step("a", (0, 1.0))
            await asyncio.sleep(0.5)
            stream = await world.fleet.hub.follow(frozenset({"forecast"}), 0)
            heard = []
            for t in range(1, 4):
                await world.step("a", (t, float(t)))
            async for text in stream:
                if text.startswith(b"id"):
                    heard.append(text.decode())
                if len(heard) == 2:
                    break
            last = int(heard[-1].split("\n")[0][4:])
            stream = await world.fleet.hub.follow(frozenset({"forecast"}), last)
            async for text in stream:
                if text.startswith(b"id"):
                    heard.append(text.decode())
                if len(heard) == 4:
                    break
            told = [json.loads(text.split("data: ")[1]) for text in heard]
            assert [each["origin"] for each in told] == [0, 1, 2, 3]
            assert [each["seq"] for each in told] == [1, 2, 3, 4]
            assert told[0]["quantiles"] == [0.1, 0.5, 0.9]
            assert len(told[0]["values"]) == 3
        finally:
            await world.fleet.stop()

    run(act())


def test_a_step_of_several_that_cannot_be_stored_says_why_as_one_alone_would():
    """Of several steps, one that finds the disk full has 507, one that finds no database 503, a bad one 422."""
    told = [StoreError("gone.", full=True), StoreError("gone."), DataError("rows must be good, but got bad.")]
    found = [_result(each, forecast=True).problem for each in told]
    assert [(each.status, each.type.rsplit("/")[-1]) for each in found] == [
        (507, "storage-full"),
        (503, "storage-unavailable"),
        (422, "invalid-data"),
    ]
