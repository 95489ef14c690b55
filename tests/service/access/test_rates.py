"""How often each may ask."""

import asyncio
import shutil
import socket
import subprocess
import time

import pytest

from foregate.core import UsageError
from foregate.service.access import rates
from foregate.service.access.rates import Rates, peer_of
from foregate.service.problems import Problem
from tests.service.fakes import lab


def admitted(counter, names):
    """How many of these get through."""

    refused = []

    async def run():
        good = 0
        for name in names:
            try:
                await counter.count(name)
                good += 1
            except Problem as problem:
                refused.append((problem.status, 1 <= int(problem.headers["Retry-After"]) <= 60))
        await counter.close()
        return good

    good = asyncio.run(run())
    assert set(refused) <= {(429, True)}
    return good


def test_each_may_ask_so_often():
    """Requests beyond the limit are 429 with Retry-After, and each is counted alone."""
    counter = Rates(5)
    assert admitted(counter, ["a"] * 20) == 5
    assert admitted(counter, ["b"] * 3) == 3


def test_a_burst_over_the_edge_of_a_minute_is_no_loophole():
    """Twice the limit does not fit around the edge between two windows; half a minute later half of it does."""
    now = [60_000_059.9]
    counter = Rates(100, timer=lambda: now[0])
    before = admitted(counter, ["a"] * 150)
    now[0] += 0.2
    assert before + admitted(counter, ["a"] * 150) <= 101
    now[0] += 30
    assert 48 <= admitted(counter, ["a"] * 150) <= 51
    now[0] += 121
    assert admitted(counter, ["a"] * 150) == 100


def test_who_waits_as_long_as_told_gets_in():
    """After Retry-After a request is admitted."""
    now = [60_000_030.0]
    counter = Rates(10, timer=lambda: now[0])
    assert admitted(counter, ["a"] * 10) == 10
    for _ in range(3):
        now[0] += counter.here.hit("a") + 0.01
        assert counter.here.hit("a") == 0


def test_names_are_bounded(monkeypatch):
    """However many names ask, few are kept, and who is known keeps his own count."""
    monkeypatch.setattr(rates, "MOST", 50)
    monkeypatch.setattr(rates, "SHARED", 4)
    counter = Rates(10)
    assert admitted(counter, ["known"] * 5) == 5
    admitted(counter, [f"n{number}" for number in range(1000)])
    assert len(counter.here.counts) <= 50 + 4
    assert admitted(counter, ["known"] * 20) == 5


def test_forged_addresses_are_not_believed(tmp_path):
    """Ten thousand addresses that a caller makes up are one caller."""
    with lab(tmp_path, settings={"limits": {"per_minute": 20}}) as one:

        async def many():
            good = 0
            for number in range(300):
                forged = {
                    "X-Forwarded-For": f"10.1.{number}.1",
                    "Forwarded": f"for=10.1.{number}.2",
                    "X-Real-IP": f"10.1.{number}.3",
                }
                answer = await one.asking("GET", "/livez", headers=forged)
                good += answer.status_code == 200
            return good

        assert one.run(many()) <= 21


@pytest.mark.parametrize(
    ("host", "forwarded", "peer"),
    [
        ("1.2.3.4", ["9.9.9.9"], "1.2.3.4"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["8.8.8.8, 9.9.9.9, 10.0.0.2"], "9.9.9.9"),
        ("10.0.0.1", ["8.8.8.8", "9.9.9.9"], "9.9.9.9"),
        ("10.0.0.1", ["rubbish"], "10.0.0.1"),
        ("10.0.0.1", ["9.9.9.9, rubbish"], "10.0.0.1"),
        ("::ffff:10.0.0.1", ["9.9.9.9"], "9.9.9.9"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::"),
        ("unix", ["9.9.9.9"], "unix"),
    ],
)
def test_the_last_address_that_nobody_vouches_for_counts(host, forwarded, peer):
    """Only what trusted proxies say of who came to them is believed; IPv6 counts by network."""
    import ipaddress

    assert peer_of(host, forwarded, [ipaddress.ip_network("10.0.0.0/8")]) == peer


def test_another_storage_is_refused():
    """Limits are counted in memory or on a Redis server."""
    with pytest.raises(UsageError, match="must be memory:// or redis://"):
        Rates(5, "file:///etc/passwd")


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory):
    """The URL of a Redis server that was started for these tests."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no Redis server is installed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [program, "--port", str(port), "--save", "", "--dir", str(tmp_path_factory.mktemp("redis"))]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as process:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}"
        process.terminate()


def test_processes_share_a_count_on_a_server(redis_server):
    """Two that count on one server admit together what one would."""
    first, second = Rates(10, redis_server), Rates(10, redis_server)
    assert admitted(first, ["shared"] * 7) + admitted(second, ["shared"] * 7) == 10


def test_a_server_that_is_away_is_done_without():
    """Where no server answers, limits hold in this process, and nobody waits for long."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)  # takes connections and says nothing
        counter = Rates(5, f"redis://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert admitted(counter, ["a"] * 20) == 5
        assert time.monotonic() - began < 5
