"""Laws of a service whose servers are slow, cut off, or swallow what is sent: PostgreSQL, Redis, an issuer."""

import contextlib
import time

import httpx
import pytest

from foregate.client import Client
from tests.service.databases import fresh, server
from tests.service.process import started
from tests.service.site import SECRET, redis
from tests.service.test_access import GOOD, ISSUER, Issuer, signed
from tests.service.toxic import SLOW, Toxic

__all__ = ["server"]
pytestmark = pytest.mark.slow

BODY = {"histories": [{"name": "a", "values": [1.0, 2.0, 3.0] * 16}], "horizon": 3}
SECONDS = 12.0
"""So long each of the troubles lasts."""


@pytest.fixture(scope="module")
def world(server, tmp_path_factory):
    """A service, and what is between it and each of its servers."""
    folder = tmp_path_factory.mktemp("absent")
    issuer = Issuer()
    with redis() as counter, contextlib.ExitStack() as stack:
        ends = {"database": server.port, "counter": counter.rsplit(":", 1)[1], "issuer": issuer.server.server_port}
        toxics = {name: Toxic(int(port)) for name, port in ends.items()}
        for each in toxics.values():
            stack.callback(each.close)
        settings = {
            "DATABASE": fresh(server).replace(f":{server.port}/", f":{toxics['database'].port}/"),
            "LIMITS__STORAGE": f"redis://127.0.0.1:{toxics['counter'].port}",
            "ACCESS__ISSUER": ISSUER,
            "ACCESS__JWKS_URL": issuer.url.replace(f":{issuer.server.server_port}", f":{toxics['issuer'].port}"),
            "ACCESS__SECRET": SECRET,
        }
        process = stack.enter_context(started(folder / "data", **settings))
        process.toxics = toxics
        now = time.time()
        process.token = signed({**GOOD, "iat": now, "exp": now + 3600})
        base = f"http://127.0.0.1:{process.port}"
        with Client(base, process.key) as client:
            client.put_series("a", freq="D", season_length=7)
            client.observe([("a", f"2025-01-{1 + i:02}", float(i)) for i in range(28)])
            client.open_sessions(["a"], horizon=2)
        process.asking = stack.enter_context(httpx.Client(base_url=base, timeout=60))
        yield process
    issuer.server.shutdown()
    issuer.server.server_close()


def ask(world, credential):
    """The status of a forecast, and how long it took."""
    began = time.monotonic()
    answer = world.asking.post("/v1/forecasts", json=BODY, headers={"Authorization": f"Bearer {credential}"})
    return answer.status_code, time.monotonic() - began


def ready(world):
    """What readiness says, and how long that took."""
    began = time.monotonic()
    said = world.asking.get("/readyz")
    return said.json()["status"] if said.status_code == 200 else said.status_code, time.monotonic() - began


def store(world, day):
    """The status of a row that is stored, and how long it took."""
    body = {"observations": [{"series": "a", "time": day, "value": 1.0}]}
    began = time.monotonic()
    headers = {"X-API-Key": world.key}
    answer = world.asking.post("/v1/observations", json=body, headers=headers)
    return answer.status_code, time.monotonic() - began


@pytest.mark.parametrize("how", ["slow", "reset", "hole"])
def test_without_the_database_forecasts_go_on(world, how):
    """Forecasts of loaded models are answered, readiness tells, writes end in time, and all is well again by itself."""
    assert (ask(world, world.key)[0], ready(world)[0]) == (200, "ok")
    toxic, forecasts, said, began = world.toxics["database"], [], [], time.monotonic()
    toxic.be(how)
    while time.monotonic() - began < SECONDS:
        forecasts.append(ask(world, world.key))
        said.append(ready(world))
        time.sleep(0.1)
    written = store(world, "2025-02-01")
    toxic.be("well")
    began = time.monotonic()
    while ready(world)[0] != "ok" or store(world, "2025-02-02")[0] != 200:
        assert time.monotonic() - began < 60
        time.sleep(0.2)
    slowest = max(took for _, took in forecasts)
    print(
        f"\n{how}: {len(forecasts)} forecasts, slowest {slowest:.2f} s; readiness {sorted({str(w) for w, _ in said})} "
        f"within {max(took for _, took in said):.2f} s; a write {written[0]} after {written[1]:.1f} s; "
        f"well again after {time.monotonic() - began:.1f} s"
    )
    assert {status for status, _ in forecasts} == {200}
    assert slowest < 2
    assert said[-1][0] == "degraded"
    assert max(took for _, took in said) < 3
    assert written[0] in (200, 503, 504)
    assert written[1] < 40


@pytest.mark.parametrize("name", ["counter", "issuer"])
@pytest.mark.parametrize("how", ["slow", "reset", "hole"])
def test_without_the_others_nobody_waits_for_long(world, name, how):
    """Where limits cannot be counted together or keys of an issuer not fetched, forecasts go on, with known keys."""
    credentials = [world.key, world.token]
    for each in credentials:
        assert ask(world, each)[0] == 200
    if name == "issuer":
        time.sleep(10.5)  # until a key that nobody knows is looked for again
    world.toxics[name].be(how)
    began, forecasts = time.monotonic(), []
    foreign = ask(world, signed({**GOOD, "exp": time.time() + 600}, kid="unknown"))  # the keys are asked for anew
    while time.monotonic() - began < 6:
        forecasts += [ask(world, each) for each in credentials]
        time.sleep(0.1)
    world.toxics[name].be("well")
    slowest = max(took for _, took in forecasts)
    print(f"\n{name} {how}: {len(forecasts)} forecasts, slowest {slowest:.2f} s; a foreign token {foreign}")
    assert foreign[0] == 401
    assert foreign[1] < 5
    assert {status for status, _ in forecasts} == {200}
    assert max(took for _, took in forecasts) < SLOW
