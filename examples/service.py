"""The service from end to end, in a terminal: observations, forecasts, a change of the world, a new model.

    python examples/service.py            or: make demo-service

It starts `foregate serve` and `foregate worker` on a folder of its own, replays hourly demand of six places, turns
every other day over half way, and shows what the service makes of it. Nothing is left behind.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from foregate.client import Client, Forecasts

PLACES = [f"place-{letter}" for letter in "abcdef"]
START = np.datetime64("2025-01-01T00", "h")
PAST, CALM, CHANGED = 24 * 100, 24 * 3, 24 * 150
"""Hours that are stored at first, that are replayed as usual, and at most after the change."""
STATE = {
    "FOREGATE_SERVE_WATCH__COOLDOWN_HOURS": "0",
    "FOREGATE_SERVE_WATCH__POLL_SECONDS": "0.1",
    "FOREGATE_SERVE_WATCH__MARGIN": "0",
}
"""No pauses between trainings, and no more to be saved than is certain."""
BARS = "▁▂▃▄▅▆▇█"


def demand() -> np.ndarray:
    """(places, hours) in MW: days, weekends and noise; then every other day is turned over, and larger."""
    rng, hours = np.random.default_rng(0), np.arange(PAST + CALM + CHANGED)
    level, swing = rng.uniform(80, 400, (6, 1)), rng.uniform(0.15, 0.3, (6, 1))
    day = np.sin(2 * np.pi * (hours / 24 - 0.3)) + 0.4 * np.sin(4 * np.pi * hours / 24)
    week = np.where(hours // 24 % 7 < 5, 0.0, -0.12)
    turned = np.where(hours // 24 % 2, -1.8 * np.roll(day, 5), day)
    wave = swing * np.where(hours < PAST + CALM, day, turned)
    return level * (1 + wave + week + rng.normal(0, 0.03, (6, len(hours))))


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, str]]:
    """The service and a worker, in processes of their own: the address, and the key that it made at its first start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, **STATE, "FOREGATE_SERVE_DATA_DIR": str(folder), "OMP_NUM_THREADS": "1"}
    program = [sys.executable, "-c", "from foregate.cli import main; main()"]
    processes = []
    try:
        with (folder / "log").open("wb") as log, (folder / "said").open("wb") as said:
            words = [*program, "serve", "--port", str(port)]
            processes.append(subprocess.Popen(words, env=environment, stdout=log, stderr=said))
            address = f"http://127.0.0.1:{port}"
            with Client(address, "none yet") as client:
                until(client.ready, "the service")
            processes.append(subprocess.Popen([*program, "worker"], env=environment, stdout=log, stderr=log))
        yield address, (folder / "said").read_text().split()[-1]
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(timeout=60)


def until(there: Callable[[], object], what: str, seconds: float = 300) -> None:
    """Wait for something."""
    end = time.monotonic() + seconds
    while not there():
        if time.monotonic() > end:
            raise SystemExit(f"{what} must be there within {seconds:.0f} s, but is not.")
        time.sleep(0.2)


def drawn(values: np.ndarray) -> str:
    """Numbers as a line of bars."""
    low, high = values.min(), values.max()
    return "".join(BARS[int((value - low) / (high - low + 1e-9) * 7.99)] for value in values)


def when(hour: int) -> str:
    """A time as the service reads it."""
    return f"{START + hour}:00"


def at(hour: int, values: list[float]) -> list[tuple[str, float]]:
    """Observations of one time."""
    return [(when(hour), value) for value in values]


class Replay:
    """Sends hour after hour, and remembers what was forecast."""

    def __init__(self, client: Client, values: np.ndarray) -> None:
        self.client, self.values = client, values
        self.hour = PAST
        self.said: dict[int, Forecasts] = {}
        """Hour -> the forecast of the first place that was made then."""

    def hours(self, count: int) -> float:
        """Replay some, all places at once, and tell how long an hour took, in ms."""
        began = time.perf_counter()
        with ThreadPoolExecutor(len(PLACES)) as pool:
            for hour in range(self.hour, self.hour + count):
                now = self.values[:, hour].tolist()
                steps = list(pool.map(lambda place, value: self.client.step(place, [value]), PLACES, at(hour, now)))
                if steps[0].forecast is not None:
                    self.said[hour] = steps[0].forecast
        self.hour += count
        return 1000 * (time.perf_counter() - began) / max(count, 1)

    def error(self, hours: int = 24) -> float:
        """Mean absolute error of the first place's forecasts one day ahead, of the newest hours, in per cent."""
        pairs = [
            (said.values[PLACES[0]][k][2], self.values[0, hour + k + 1])
            for hour, said in self.said.items()
            for k in range(24)
            if self.hour - hours <= hour + k + 1 < self.hour
        ]
        return 100 * float(np.mean([abs(one - actual) / actual for one, actual in pairs]))


def main() -> None:
    """Start, replay, change, retrain, stop."""
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder)) as (address, key),
        Client(address, key) as client,
    ):
        values, began = demand(), time.monotonic()
        print(f"1. {address} is ready; models: {', '.join(model['name'] for model in client.models())}")

        for place in PLACES:
            client.put_series(place, freq="h", season_length=24, segment="demand")
        rows = [(p, when(t), float(values[i, t])) for i, p in enumerate(PLACES) for t in range(PAST)]
        print(f"2. {client.observe(rows)['stored']:,} observations of {len(PLACES)} series, on disk")

        number = client.train("demand", horizon=24, series=PLACES, season_length=24, held_out=24 * 42)
        until(lambda: client.job(number)["state"] not in ("queued", "running"), "the first model")
        print(f"3. trained: {told(client, number)}")

        client.open_sessions(PLACES, model="demand", horizon=24)
        replay = Replay(client, values)
        spent = replay.hours(CALM)
        shown = np.array([step[2] for step in client.session_forecast(PLACES[0], horizon=24).values[PLACES[0]]])
        print(f"4. {CALM} hours replayed, {spent:.0f} ms each until all is stored, {len(PLACES)} forecasts too")
        print(f"   the last day {drawn(values[0, replay.hour - 24 : replay.hour])}  the next {drawn(shown)}")
        usual = replay.error()
        print(f"   error of the last day {usual:.1f} %; {coverage(client)}")

        print("5. the world changes: every other day is turned over, and larger")
        print(f"   {follow(client, replay)}")
        replay.hours(max(0, PAST + CALM + 24 - replay.hour))
        changed = replay.error()
        print(f"   error of the last day {changed:.1f} %; it was {usual:.1f} %")

        print("6. nobody does anything, and the service trains on what has come since, again and again; a new version")
        print("   takes over where its error is below both others' with 99 % confidence")
        swapped = settle(client, replay)
        now = f"{replay.error():.1f} %; it was {usual:.1f} % before the change, and {changed:.1f} % after it"
        print(f"   {swapped}: error of the last day {now}")
        lines = [line for line in metrics(address, key) if line.startswith(SHOWN)]
        print("7. what Prometheus sees\n   " + "\n   ".join(lines))
        print(f"8. stopped after {time.monotonic() - began:.0f} s")


SHOWN = (
    "foregate_champion_version",
    "foregate_drift_alarms_total",
    "foregate_jobs",
    "foregate_model_swaps_total",
    "foregate_sessions_active",
)


def told(client: Client, number: int) -> str:
    """What came of a job."""
    job = client.job(number)
    return f"job {number} ({job['trigger']}) {job['state']}: {(job['result'] or {}).get('reason', 'no reason given')}"


def coverage(client: Client) -> str:
    """The share of actuals inside the intervals, as the service counts it."""
    inside = [errors["coverage"] for errors in client.errors(model="demand")]
    return ", ".join(f"{100 * share:.0f} % inside the {level} % interval" for level, share in inside[-1].items())


def follow(client: Client, replay: Replay) -> str:
    """Replay until there is an alarm."""
    first = replay.hour
    while replay.hour + 6 <= len(replay.values[0]):
        replay.hours(6)
        until(lambda: not client.request("GET", "/v1/errors")["waiting"], "scores")
        alarms = client.drift(model="demand")["alarms"]
        if alarms:
            return f"alarm of {alarms[-1]['detector']} after {replay.hour - first} hours"
    return "no alarm"


def settle(client: Client, replay: Replay) -> str:
    """Replay and let trainings end, until a new version is champion or the data ends."""
    before = replay.client.models()
    seen: set[int] = set()
    while replay.hour + 24 <= len(replay.values[0]):
        until(lambda: not client.request("GET", "/v1/errors")["waiting"], "scores")
        time.sleep(0.5)  # what they ask for is asked for then
        until(lambda: not client.jobs(state="queued") and not client.jobs(state="running"), "trainings")
        for job in reversed(client.jobs(model="demand")):
            if job["trigger"] != "person" and job["id"] not in seen:
                seen.add(job["id"])
                print(f"   {told(client, job['id'])}")
        replay.hours(24)
        if replay.client.models() != before and any(said.version > 1 for said in replay.said.values()):
            replay.hours(48)  # so that all forecasts of the last day are its own
            return f"version {max(said.version for said in replay.said.values())} answers"
    return "the champion stays"


def metrics(address: str, key: str) -> list[str]:
    """What /metrics says, line by line."""
    import httpx

    return httpx.get(f"{address}/metrics", headers={"Authorization": f"Bearer {key}"}).text.splitlines()


if __name__ == "__main__":
    main()
