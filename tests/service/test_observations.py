"""Laws of what is stored of series, from a time in a request to a time in an answer."""

import json
import random
import sqlite3
import threading
import time

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foregate.client import Client
from foregate.client.retries import Retries
from foregate.core import Frequency
from foregate.service.observations.times import array, micros, parsed, shown, steps_between
from tests.service.cutting import WAYS, Cutting
from tests.service.process import started

FREQS = ["h", "30min", "D", "W", "B", "MS", "QS", 1, 7]


@given(st.sampled_from(FREQS), st.integers(0, 500), st.integers(-500, 500))
def test_times_are_counted_as_live_series_count_them(freq, first, ahead):
    """A time so many steps later or earlier lies that many steps away, as it is shown and read again."""
    freq = Frequency.parse(freq)
    start = int(freq.shift(array(0 if freq.is_integer else micros("2001-01-01"), freq), first).astype(np.int64))
    time = int(freq.shift(array(start, freq), ahead).astype(np.int64))
    assert steps_between(start, time, freq) == ahead
    assert parsed(shown(time, freq), freq) == time


def test_times_of_any_zone_are_one():
    """A time is the same however its zone is written; without one it is in UTC."""
    told = ["2024-05-31T12:00:00Z", "2024-05-31T14:00+02:00", "2024-05-31 12:00", "20240531T120000"]
    assert {micros(text) for text in told} == {1717156800000000}
    assert shown(1717156800000001, Frequency.parse("us")) == "2024-05-31T12:00:00.000001Z"
    assert steps_between(0, 1, Frequency.parse("h")) is None


@pytest.mark.parametrize("text", ["", "now", "2024-13-01", "0001-01-01T00:00:00+14:00", "9999-12-31", "1" * 100])
def test_what_is_no_time_is_said(text):
    """What is no time, or lies far away, is refused."""
    with pytest.raises(ValueError, match="a time must"):
        micros(text)


@pytest.mark.parametrize(("time", "freq"), [("2024-01-01", 1), (5, "h"), (2**60, 1), (True, 1)])
def test_times_are_of_the_kind_of_their_series(time, freq):
    """Text where a whole number is expected, and the other way round, is refused."""
    with pytest.raises(ValueError, match="a time of this series must be"):
        parsed(time, Frequency.parse(freq))


HISTORY = 48
PATIENT = Retries(tries=30, pause=0.01, longest=1.0)


def value_of(name, time):
    """What is observed of a series."""
    return float((int(name[1:]) * 7 + time * 3) % 24) + time % 5 / 4


def shuffled(rows, draw):
    """Rows as they come: 20 % of them late by up to 50 steps, and 30 % twice."""
    late = {row: draw.uniform(0, 50) for row in draw.sample(rows, len(rows) // 5)}
    again = {row: draw.uniform(0, 200) for row in draw.sample(rows, len(rows) * 3 // 10)}
    order = [(row[1] + late.get(row, 0), row) for row in rows] + [(row[1] + after, row) for row, after in again.items()]
    return [row for _, row in sorted(order)]


def table_of(rows):
    """As CSV."""
    return "series,time,value\n" + "".join(f"{name},{when},{value}\n" for name, when, value in rows)


def sending(url, key, parts, wrong):
    """Send parts until each is acknowledged, every 25th as a table; every request has a connection of its own."""
    transport = httpx.HTTPTransport(limits=httpx.Limits(max_keepalive_connections=0))
    with Client(url, key, retries=PATIENT, transport=transport) as client:
        for number, part in enumerate(parts):
            counts = imported(url, key, part) if number % 25 == 9 else client.observe(part)
            if counts.keys() - {"stored", "duplicate", "recorded"} or sum(counts.values()) != len(part):
                wrong.append(counts)


def imported(url, key, part):
    """What became of a table, however often it had to be sent."""
    headers = {"Authorization": f"Bearer {key}"}
    for _ in range(30):
        try:
            ways = {"params": {"format": "csv"}, "content": table_of(part), "headers": headers, "timeout": 60}
            answer = httpx.post(f"{url}/v1/observations/import", **ways)
            assert answer.status_code == 200, answer.text
            return answer.json()["counts"]
        except httpx.TransportError:
            continue
    raise AssertionError("a table must arrive in 30 tries")


def stored(client, name):
    """All that is kept of a series."""
    found, after = [], None
    while True:
        query = {"limit": 10_000} | ({} if after is None else {"after": after})
        page = client.request("GET", client.path("v1", "series", name, "observations"), query=query)
        found += [(row["time"], row["value"], row["revision"]) for row in page["observations"]]
        after = page["next"]
        if after is None:
            return found


def prepared(client, names, horizon):
    """Series with a history; of the first four forecasts wait for what comes, and the next two have live sessions."""
    for name in names:
        client.put_series(name, freq="1", season_length=24, segment="scored" if name in names[:4] else "")
    client.observe([(name, when, value_of(name, when)) for name in names for when in range(HISTORY)])
    client.open_sessions(names[:4], horizon=horizon)
    for name in names[:4]:
        client.step(name, [(HISTORY, value_of(name, HISTORY))])
        client.request("DELETE", client.path("v1", "sessions", name))
    client.open_sessions(names[4:5], late="rebuild")
    client.open_sessions(names[5:6], late="record")


def scored(database, horizon):
    """Errors by step as they must be: every forecast that waited against every actual, each once."""
    query = (
        'SELECT s.name, f.origin, f.quantiles, f."values", f.scale FROM forecasts f JOIN series s ON s.id = f.series'
    )
    found = {step: [] for step in range(1, horizon + 1)}
    for name, origin, quantiles, values, scale in database.execute(f"{query} WHERE s.segment = 'scored'"):
        levels = json.loads(quantiles)
        middle = np.frombuffer(values, "<f4").reshape(-1, len(levels))[:, levels.index(0.5)].astype(float)
        assert (origin, len(middle)) == (HISTORY, horizon)
        for step in found:
            found[step].append(abs(middle[step - 1] - value_of(name, origin + step)) / scale)
    return {step: (len(errors), float(np.sum(errors))) for step, errors in found.items()}


def storm(folder, series, steps, size, seed):
    """Send rows through a network that cuts, and hold what is stored and scored against what was sent."""
    draw, horizon = random.Random(seed), min(steps, 200)
    names = [f"s{i}" for i in range(series)]
    rows = [(name, when, value_of(name, when)) for name in names for when in range(HISTORY + 1, HISTORY + 1 + steps)]
    with started(folder / "data") as process, Client(f"http://127.0.0.1:{process.port}", process.key) as client:
        prepared(client, names, horizon)
        order, wrong = shuffled(rows, draw), []
        with Cutting(process.port, 0.05, seed) as network:
            parts = [order[i : i + size] for i in range(0, len(order), size)]
            url = f"http://127.0.0.1:{network.port}"
            threads = [threading.Thread(target=sending, args=(url, process.key, parts[i::4], wrong)) for i in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert wrong == []
        assert network.carried > len(parts)
        for name in names:
            before = HISTORY + (name in names[:4])  # the step of the session that made the forecast
            times = [*range(before), *range(HISTORY + 1, HISTORY + 1 + steps)]
            assert stored(client, name) == [(when, value_of(name, when), 0) for when in times]
        seq = {one["series"]: one["seq"] for one in client.request("GET", "/v1/sessions")["sessions"]}
        assert seq[names[4]] == HISTORY + steps
        end = time.monotonic() + 60
        while client.request("GET", "/v1/errors")["waiting"] and time.monotonic() < end:
            time.sleep(0.2)
        with sqlite3.connect(f"file:{folder / 'data' / 'foregate.db'}?mode=ro", uri=True) as database:
            query = "SELECT step, sum(n), sum(error) FROM outcomes WHERE segment = 'scored' GROUP BY step"
            told = {step: (n, pytest.approx(error, rel=1e-6)) for step, n, error in database.execute(query)}
            assert scored(database, horizon) == told
        assert [event for event in process.events() if event["event"] == "defect"] == []
    return network


def test_what_comes_over_a_bad_network_is_stored_and_scored_exactly(tmp_path):
    """Of rows of which 30 % come twice, 20 % out of order and 5 % of connections are cut, each counts once."""
    storm(tmp_path, series=7, steps=60, size=10, seed=1)


@pytest.mark.slow
def test_100_000_observations_over_a_bad_network_are_stored_and_scored_exactly(tmp_path):
    """The same, of 100,000, with cuts of every kind."""
    network = storm(tmp_path, series=100, steps=1000, size=100, seed=2)
    assert network.cuts.keys() >= set(WAYS)
