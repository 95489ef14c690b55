"""Laws of many processes as one: replicas and a worker behind nginx, with PostgreSQL and Redis, no folder in common."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest

from foregate.client import Client
from foregate.persistence import pack_folder, shipped_folder
from tests.service.databases import fresh, server
from tests.service.site import Nginx, redis, site, worker

__all__ = ["server"]
pytestmark = pytest.mark.slow

PER_MINUTE = 400
ROWS = [(f"2025-03-{1 + i // 24:02}T{i % 24:02}:00", 100.0 + (i * 37 % 24)) for i in range(240)]


@pytest.fixture(scope="module")
def fleet(server, tmp_path_factory):
    """Two replicas, a worker and nginx."""
    folder = tmp_path_factory.mktemp("site")
    with redis() as counter:
        database = fresh(server)
        shared = {"DATABASE": database, "LIMITS__STORAGE": counter, "LIMITS__TRUSTED_PROXIES": '["127.0.0.1"]'}
        shared |= {"LIMITS__PER_MINUTE": "120000", "INGEST__SNAPSHOT_ROWS": "16"}
        with site(folder, 2, **shared) as running, worker(folder / "worker", **shared):
            running.nginx = Nginx(folder / "nginx")
            running.nginx.use([one.port for one in running.replicas])
            running.shared = shared
            yield running
            running.nginx.stop()


@pytest.fixture
def clients(fleet):
    """One of each replica."""
    made = [Client(f"http://127.0.0.1:{one.port}", fleet.key) for one in fleet.replicas]
    yield made
    for one in made:
        one.close()


def opened(client, *names):
    for name in names:
        client.put_series(name, freq="h", season_length=24)
        client.observe([(name, *row) for row in ROWS[:48]])
    client.open_sessions(list(names), horizon=6, late="rebuild")


def near(one, other):
    """Whether two forecasts are the same but for rounding: what is stored of a state has fewer digits than it had."""
    return np.allclose(one, other, rtol=1e-6, atol=0)


def test_one_key_was_made_and_is_good_everywhere(fleet, clients):
    """Of two that started on an empty database one showed a key, which both take."""
    assert [bool(one.said(one.errors)) for one in fleet.replicas].count(True) == 1
    assert all(client.models()[0]["name"] == "pretrained" for client in clients)


def test_sessions_stepped_by_turns_are_exact(clients):
    """A session that each replica moves on in its turn says what one says that stayed where it was."""
    opened(clients[0], "turns", "stays")
    for i, row in enumerate(ROWS[48:]):
        here = clients[i % 2].step("turns", [row])
        there = clients[0].step("stays", [row])
        assert here.seq == there.seq
        assert near(here.forecast.values["turns"], there.forecast.values["stays"])


def test_what_both_are_told_at_once_happens_once(clients):
    """Two that send the same rows to both replicas at the same time: each row is read once, the other one hears so."""
    opened(clients[0], "twice", "once")

    def send(client):
        counts = Counter()
        for row in ROWS[48:120]:
            counts.update(client.step("twice", [row]).counts)
        return counts

    with ThreadPoolExecutor(2) as pool:
        both = sum(pool.map(send, clients), Counter())
    assert both == {"stored": 72, "duplicate": 72}
    for row in ROWS[48:120]:
        last = clients[1].step("once", [row])
    again = clients[1].step("twice", [ROWS[119]])
    assert again.seq == last.seq
    found = [client.session_forecast("twice", horizon=6).values["twice"] for client in clients]
    alone = clients[0].session_forecast("once", horizon=6).values["once"]
    assert near(found[0], alone)
    assert near(found[1], alone)


def test_a_revoked_key_is_good_nowhere_within_seconds(fleet, clients):
    """A key that one replica revokes is refused there at once, and by the other after `access.refresh_seconds`."""
    made = clients[0].request("POST", "/v1/keys", {"name": "leaver", "scopes": ["read"]})
    ports = [one.port for one in fleet.replicas]

    def status(port, key):
        return httpx.get(f"http://127.0.0.1:{port}/v1/models", headers={"X-API-Key": key}).status_code

    deadline = time.monotonic() + 4
    while status(ports[1], made["key"]) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    clients[0].request("DELETE", f"/v1/keys/{made['prefix']}")
    began = time.monotonic()
    assert status(ports[0], made["key"]) == 401
    while status(ports[1], made["key"]) != 401:
        assert time.monotonic() - began < 4
        time.sleep(0.05)
    print(f"revoked everywhere after {time.monotonic() - began:.2f} s")


def test_a_model_that_one_takes_in_all_serve(fleet, clients):
    """A version that was sent to one replica is champion of the other within seconds, which fetches its file."""
    packed = b"".join(pack_folder(shipped_folder("base")))
    headers = {"Authorization": f"Bearer {fleet.key}", "Content-Type": "application/x-tar"}
    bases = [f"http://127.0.0.1:{one.port}/v1" for one in fleet.replicas]
    sent = httpx.post(f"{bases[0]}/models/moved/versions", content=packed, headers=headers, timeout=60)
    assert sent.status_code == 201, sent.text
    clients[0].request("PUT", "/v1/models/moved/aliases/champion", {"version": 1, "reason": "first"})
    began = time.monotonic()
    body = {"histories": [{"name": "a", "values": [1.0, 2.0, 3.0] * 8}], "horizon": 3, "model": "moved"}
    answers = []
    for base in (bases[1], bases[0]):
        while (answer := httpx.post(f"{base}/forecasts", json=body, headers={"X-API-Key": fleet.key})).is_error:
            assert time.monotonic() - began < 5, answer.text
        answers.append(answer.json()["forecasts"])
    print(f"served by the other one after {time.monotonic() - began:.2f} s")
    assert answers[0] == answers[1]
    down = httpx.get(f"{bases[1]}/models/moved/versions/1/content", headers={"X-API-Key": fleet.key})
    assert down.content == packed


def test_a_worker_elsewhere_trains_for_all(fleet, clients):
    """A job that one replica takes in is done by the worker, and both serve what it made."""
    clients[0].put_series("trained", freq="D", season_length=7)
    rows = [
        ("trained", f"20{10 + i // 336:02}-{1 + i % 336 // 28:02}-{1 + i % 28:02}", float(i % 7)) for i in range(900)
    ]
    clients[0].observe(rows)
    job = clients[0].train("own", horizon=7, effort="fast", series=["trained"])
    deadline = time.monotonic() + 300
    while clients[1].job(job)["state"] not in ("done", "failed"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert clients[1].job(job)["state"] == "done", clients[1].job(job)
    assert [each["version"] for each in clients[1].versions("own")] == [1]


def test_a_limit_is_one_for_all(fleet, clients, tmp_path):
    """Replicas that count on one server admit together what one would, by turns and behind the balancer."""
    shared = {**fleet.shared, "LIMITS__PER_MINUTE": str(PER_MINUTE)}
    with site(tmp_path / "counted", 2, **shared) as counted, httpx.Client() as asking:
        key = clients[0].request("POST", "/v1/keys", {"name": "busy", "scopes": ["read"]})["key"]
        time.sleep(2.5)
        statuses = Counter(
            asking.get(
                f"http://127.0.0.1:{counted.replicas[i % 2].port}/v1/models", headers={"X-API-Key": key}
            ).status_code
            for i in range(int(1.5 * PER_MINUTE))
        )
    print(statuses)
    assert set(statuses) == {200, 429}
    assert PER_MINUTE <= statuses[200] <= 1.1 * PER_MINUTE + 1


def test_names_that_clients_make_up_help_nobody(fleet, tmp_path):
    """Behind the balancer, of 10,000 requests with as many forged addresses no more pass than the limit, and one."""
    shared = {**fleet.shared, "LIMITS__PER_MINUTE": str(PER_MINUTE)}
    nginx = Nginx(tmp_path / "nginx")
    with site(tmp_path / "forged", 2, **shared) as counted:
        nginx.use([one.port for one in counted.replicas])
        began = time.monotonic()

        def ask(numbers):
            good = Counter()
            with client_elsewhere() as asking:
                for n in numbers:
                    good[asking.get(f"http://127.0.0.1:{nginx.port}/livez", headers=forged(n)).status_code] += 1
            return good

        with ThreadPoolExecutor(4) as pool:
            statuses = sum(pool.map(ask, (range(k, 10_000, 4) for k in range(4))), Counter())
        took = time.monotonic() - began
        minutes = 1 + int(took // 60)
        nginx.stop()
    print(f"{statuses} in {took:.0f} s")
    assert set(statuses) == {200, 429}
    assert statuses[200] <= minutes * PER_MINUTE + 1


def client_elsewhere():
    """One whose address is not that of the balancer."""
    return httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2"), timeout=30)


def forged(n):
    """Headers that claim to come from somewhere else, each time in another way."""
    address = f"{11 + n % 200}.{n // 200 % 250}.{n % 250}.{n % 7}"
    names = ("X-Forwarded-For", "x-forwarded-for", "X-FORWARDED-FOR", "Forwarded", "X-Real-IP", "True-Client-IP")
    values = (
        address,
        f"{address}, 127.0.0.1",
        f"2001:db8:{n:x}::1",
        f"::ffff:{address}",
        f"for={address}",
        f"x, {address}",
    )
    return {names[n % 6]: values[n // 6 % 6], names[(n + 3) % 6]: values[(n + 1) % 6]}


def test_whose_requests_they_are_is_told_right(fleet):
    """The log names the client that nginx saw, whatever it claims, and the balancer only where it speaks for itself."""
    one = fleet.replicas[0]
    with client_elsewhere() as asking:
        for n in range(4):
            said = {**forged(6 * n), "X-Request-Id": f"who-{n}"}
            assert asking.get(f"http://127.0.0.1:{fleet.nginx.port}/livez", headers=said).status_code == 200
    time.sleep(0.5)
    lines = [
        event
        for each in fleet.replicas
        for event in each.events()
        if str(event.get("request_id", "")).startswith("who-")
    ]
    assert len(lines) == 4, one.events()[-3:]
    assert {line["principal"] for line in lines} == {"peer:127.0.0.2"}
