"""Laws of what is stored of series, whichever way it comes and whoever reads it."""

import csv
import io
import json
import random
import sqlite3
import threading
import time

import httpx
import numpy as np
import pytest

from foregate.client import Client
from foregate.client.retries import Retries
from foregate.core import Frequency, UsageError
from foregate.service.forecasts.bodies import History
from foregate.service.forecasts.histories import Wanted, rows_of
from foregate.service.observations.catalog import Known
from foregate.service.observations.intake import placed
from foregate.service.observations.parsing import rows_of as table_rows
from tests.service.cutting import WAYS, Cutting
from tests.service.process import started

HOUR = Frequency.parse("h")
TEXTS = {
    "2024-05-31T12:00:00Z": True,
    "2024-05-31T14:00+02:00": True,
    "2024-05-31 12:00": True,
    "2024-05-31T12:00:00.000000": True,
    "2024-05-31T12:00:00.0000000": False,
    "2024-05-31T12": False,
    "20240531T120000": False,
    "2024-W22-5T12:00": False,
    "31.05.2024 12:00": False,
}
KNOWN = Known(1, HOUR, None)


def sent(text):
    """The time of an observation in a body of JSON, of a batch or of a session."""
    return placed(text, KNOWN, 2**60)


def in_a_table(text):
    """That of a row of a CSV file."""
    file = io.StringIO()
    csv.writer(file).writerows([["series", "time", "value"], ["a", text, "1"]])
    ((_, time, _),) = table_rows(io.BytesIO(file.getvalue().encode()), "csv", ["series", "time", "value"])
    return placed(time, KNOWN, 2**60)


def in_a_request(text):
    """That of a row of a history that comes with its request."""
    rows = rows_of(History(values=[1.0], times=[text]), "a", Wanted(HOUR, 1))
    return rows.times[0].astype(np.int64)


@pytest.mark.parametrize("door", [sent, in_a_table, in_a_request])
@pytest.mark.parametrize("text", TEXTS)
def test_a_time_is_one_at_every_door(text, door):
    """The same text is the same time however it comes in, or no time however it comes in."""
    if TEXTS[text]:
        assert door(text) == 1717156800000000
    else:
        with pytest.raises((ValueError, UsageError), match="ISO 8601"):
            door(text)


@pytest.mark.parametrize("text", ["2" * 40, "0" * 40 + "5", "-" + "9" * 31])
def test_numbers_of_a_table_are_not_cut(text):
    """A whole number of a table that has too many digits is refused, not read by its first ones."""
    table = f"series,time,value\na,{text},1\n".encode()
    ((_, time, _),) = table_rows(io.BytesIO(table), "csv", ["series", "time", "value"])
    with pytest.raises(ValueError, match="whole number within"):
        placed(time, Known(1, Frequency.parse(1), None), 2**60)


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
