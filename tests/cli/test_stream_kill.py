"""`foregate stream` is killed, again and again: what it answered is there, once."""

import datetime as dt
import json
import random
import subprocess
import threading
from contextlib import suppress

import pytest

from tests.cli.test_app import PROGRAM
from tests.cli.test_stream import stream

WORDS = ("--pretrained", "--freq", "h", "--horizon", "3", "--level", "80", "--watch")
START, HOUR = dt.datetime(2024, 1, 1), dt.timedelta(hours=1)
AHEAD = 300
"""Observations that may be on their way when the end comes."""


def row(i):
    """Observation i of a stream of two series, each hour; some are missing."""
    name, hour = "ab"[i % 2], i // 2
    value = None if i % 17 == 4 else round(20 + hour % 24 - (i * 7919 % 100) / 30, 3)
    return {"unique_id": name, "ds": (START + hour * HOUR).isoformat(), "y": value}


def killed_after(state, rows, delay, *, cold):
    """Answers to the rows that the program had given when it was killed, seconds after its start or first answer."""
    words = [PROGRAM, "stream", *WORDS, "--state", state, "--save-every", "7"]
    answers = []
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        timer = threading.Timer(delay, running.kill)

        def listen():
            for line in running.stdout:
                if line.endswith(b"\n"):
                    answers.append(json.loads(line))
                if len(answers) == 1 and not cold:
                    timer.start()

        listener = threading.Thread(target=listen)
        listener.start()
        if cold:
            timer.start()
        with suppress(BrokenPipeError):
            for one in rows:
                running.stdin.write(json.dumps(one).encode() + b"\n")
                running.stdin.flush()
        listener.join(60)
        shown = running.stderr.read()
        running.wait(60)
    assert running.returncode == -9, shown.decode()
    return answers


@pytest.mark.parametrize("kills", [5, pytest.param(200, marks=pytest.mark.slow)])
def test_it_may_be_killed_at_any_moment(here, kills):
    """Killed at random, and its snapshots too: no answer is lost, none counts twice, and forecasts are bit-equal."""
    chance = random.Random(kills)
    given, times = [], 0
    for kill in range(kills):
        cold = kill % 5 == 3
        delay = chance.uniform(0, 1.2) if cold else chance.uniform(0, 0.3)
        rows = [row(i) for i in range(len(given), len(given) + AHEAD)]
        answers = killed_after("live.state", rows, delay, cold=cold)
        for i, answer in enumerate(answers):
            assert answer["unique_id"] == rows[i]["unique_id"]
            assert not {"error", "skipped"} & answer.keys(), (kill, i, answer)
            if answer.pop("repeated", 0):  # it was read, but the end came before its answer
                assert i == 0
                times += 1
        given += answers
    assert len(given) > kills
    last = [row(i) for i in range(len(given), len(given) + 10)]
    rest, _ = stream(*WORDS, "--state", "live.state", lines=[*last, {"op": "scores"}])
    rest[0].pop("repeated", None)
    whole, _ = stream(*WORDS, lines=[*(row(i) for i in range(len(given) + 10)), {"op": "scores"}])
    assert [*given, *rest] == whole
    assert {path.name for path in here.glob("*live*")} <= {"live.state", "live.state.journal"}
    print(f"{kills} kills, {len(given)} observations answered, {times} of them only when they were sent again")
