"""The whole service against whoever means it harm: no answer of 5xx, no schema that is not kept, memory bounded."""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks

from foregate.client import Client, ServiceError
from foregate.service.assembly import routes
from tests.house import REPOSITORY
from tests.service import fuzzing  # its hooks are for the requests that are generated here as well
from tests.service.process import started

CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]
MUTATIONS = 300
MIB = 1 << 20
FORM = "application/x-www-form-urlencoded"
NUMBERS = [-1, 0, 1e308, -1e308, 5e-324, 2**63, 2**64]
HOSTILE = [None, True, *NUMBERS, "", "x" * 300, "\u2028", "\x00", "..", [], {}, [[[]]]]


OTHER_MEDIA = [one.name for part in routes() for one in part.endpoints if one.media not in ("application/json", FORM)]
"""What takes neither JSON nor a form: tests of their own send them worse than can be generated."""


ENDLESS = "follow_events"
"""Its answer has no end; tests of events read it."""
UNSAID = "positive_data_acceptance"
"""No schema says which text is a time or a frequency, nor what is there: that such are refused is no fault."""
RARE = {("DELETE", "/v1/keys/{prefix}"), ("POST", "/v1/keys/{prefix}/rotation")}
"""Whose names cannot be guessed."""


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """A service with all its parts."""
    with started(tmp_path_factory.mktemp("service") / "data") as process:
        yield process


def resident(process):
    """Bytes of memory that a process has."""
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def defects(process):
    """What the service has told of defects of its own."""
    return [event["exception"] for event in process.events() if event["event"] == "defect"]


def statuses(process):
    """Method, route and status of every request so far -> how many."""
    asked = (event for event in process.events() if event["event"] == "request")
    return Counter((event["method"], event["route"], event["status"]) for event in asked)


def lacking(told):
    """Routes that were asked and never answered well: nothing was learned of them."""
    asked = {place[:2] for place in told if place[1] != "unmatched"}
    return asked - {place[:2] for place in told if place[2] < 400} - RARE


def test_generated_requests_are_answered_as_the_document_says(target, monkeypatch):
    """Whatever the document allows, and some that it does not, gets an answer that the document knows; never 5xx."""
    monkeypatch.setenv("FOREGATE_FUZZ_KEY", target.key)
    address = f"http://127.0.0.1:{target.port}"
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json").exclude(operation_id=[*OTHER_MEDIA, ENDLESS])
    schema.config.generation.update(with_security_parameters=False)
    asked, before = Counter(), statuses(target)
    for found in schema.get_all_operations():

        @settings(
            max_examples=2 if found.ok().method != "get" else 4,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=found.ok().as_strategy())
        def run(case):
            answer = case.call(base_url=address, headers={"X-API-Key": target.key}, timeout=10)
            case.validate_response(answer, checks=CHECKS)
            asked[answer.status_code // 100] += 1

        run()
    assert asked[2] > 50, (asked, statuses(target) - before)
    assert 401 not in {place[2] for place in statuses(target) - before if place[1] != "/v1/token"}
    assert defects(target) == []


def bodies():
    """Method, path and a good body of everything that takes one."""
    found = []
    for part in routes():
        for one in part.endpoints:
            if one.limit == "upload_bytes":  # each is looked at in a process of its own: tests of the registry
                continue
            path = one.path.replace("{model}", "pretrained").replace("{alias}", "champion")
            path = path.replace("{version}", "1").replace("{prefix}", "a" * 12)
            found += [(one.method, path, json.dumps(example).encode()) for example in one.examples.values()]
            if one.method in ("POST", "PUT") and not one.examples:
                found.append((one.method, path, b'{"name": "a", "values": [1, 2, 3]}'))
    return found


def grown(draw, value):
    """A value of JSON with something wrong in it."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(list(value))
        kind = draw.random()
        if kind < 0.15:
            return {name: one for name, one in value.items() if name != key}
        if kind < 0.25:
            return {**value, draw.choice(["x", "__proto__", key.upper(), ""]): 1}
        return {**value, key: grown(draw, value[key])}
    if isinstance(value, list) and value and draw.random() < 0.8:
        place = draw.randrange(len(value))
        if draw.random() < 0.2:
            return value * draw.choice([2, 50])
        return [*value[:place], grown(draw, value[place]), *value[place + 1 :]]
    return draw.choice(HOSTILE)


def mutated(draw, body):
    """A body with something wrong in it: of its meaning, of its bytes, or of both."""
    kind = draw.random()
    if kind < 0.6:
        return json.dumps(grown(draw, json.loads(body))).encode()
    if kind < 0.7:
        number = draw.choice([b"NaN", b"Infinity", b"1e999", b"-1e999", b"-0", b"0.1e", b"1" * 5000, b"0x10"])
        return body.replace(draw.choice([b"1", b"2", b"0", b"24"]), number, draw.choice([1, 3]))
    if kind < 0.75:
        return draw.choice([b"[", b'{"a":']) * draw.choice([10, 1000, 100_000])
    if kind < 0.8:
        return draw.choice(
            [b"", b"null", b"\xef\xbb\xbf" + body, body * 2, b"\x1f\x8b\x08" + body, body.decode().encode("utf-16")]
        )
    changed = bytearray(body)
    for _ in range(draw.choice([1, 2, 10])):
        place = draw.randrange(len(changed))
        changed[place : place + draw.choice([0, 1, 4])] = bytes([draw.randrange(256)])
    return bytes(changed)


def refused(constant):
    """NaN or infinity, which are no JSON."""
    raise ValueError(constant)


def not_json(content):
    """Whether an answer holds what JSON has no word for; text that quotes a caller may hold it."""
    try:
        json.loads(content or b"null", parse_constant=refused)
    except ValueError:
        return True
    return False


def bombard(target, number, seed):
    """Send mutated bodies; the statuses that came, and those that must not."""
    draw, every = random.Random(seed), bodies()
    seen, wrong = {}, []
    headers = {"Authorization": f"Bearer {target.key}", "Content-Type": "application/json"}
    with httpx.Client(base_url=f"http://127.0.0.1:{target.port}", headers=headers, timeout=20) as client:
        for _ in range(number):
            method, path, body = draw.choice(every)
            sent = mutated(draw, body)
            began = time.monotonic()
            answer = client.request(method, path, content=sent)
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
            told = answer.headers.get("content-type", "")
            good = answer.status_code < 400
            bad_shape = not_json(answer.content) if good else told != "application/problem+json"
            if answer.status_code >= 500 or bad_shape or time.monotonic() - began > 5:
                wrong.append((method, path, sent[:300], answer.status_code, answer.content[:300]))
    return seen, wrong


def test_mutated_bodies_are_refused_or_answered(target):
    """No body that was broken on purpose gets 5xx or NaN, and memory does not grow with them."""
    bombard(target, 50, 0)
    before = resident(target)
    seen, wrong = bombard(target, MUTATIONS, 1)
    assert wrong == []
    assert defects(target) == []
    assert seen.keys() >= {200, 400, 422}
    assert resident(target) - before < 64 * MIB


@pytest.mark.slow
def test_very_many_mutated_bodies_are_refused_or_answered(target):
    """50,000 of them."""
    bombard(target, 500, 0)
    before = resident(target)
    seen, wrong = bombard(target, 50_000, 2)
    assert wrong == []
    assert defects(target) == []
    assert seen.keys() >= {200, 400, 422}
    assert resident(target) - before < 64 * MIB


@pytest.mark.slow
def test_schemathesis_finds_nothing(target, tmp_path):
    """Its own program with all its phases, stateful ones too."""
    program = Path(sys.executable).with_name("schemathesis")
    words = [
        str(program),
        "run",
        f"http://127.0.0.1:{target.port}/openapi.json",
        "--header",
        f"X-API-Key: {target.key}",  # the other header is for who asks for a token
        "--max-examples",
        os.environ.get("FOREGATE_FUZZ_EXAMPLES", "1000"),
        "--checks",
        "all",
        "--exclude-checks",
        UNSAID,
        "--generation-with-security-parameters",  # else nearly all are 401; keys and tokens have tests of their own
        "false",
        "--request-timeout",
        "20",
        "--no-color",
        "--generation-deterministic",
        "--continue-on-failure",
        *[f"--exclude-operation-id={name}" for name in (*OTHER_MEDIA, ENDLESS)],
    ]
    with Client(f"http://127.0.0.1:{target.port}", target.key) as client:
        for name in fuzzing.NAMES:
            client.put_series(name, freq="h")
        client.observe([(name, f"2024-05-{day:02}", day % 7) for name in fuzzing.NAMES for day in range(1, 29)])
        client.open_sessions(fuzzing.NAMES, late="rebuild")
    hooks = {"SCHEMATHESIS_HOOKS": "tests.service.fuzzing", "FOREGATE_FUZZ_KEY": target.key}
    environ = {**os.environ, **hooks, "PYTHONPATH": f"{REPOSITORY}{os.pathsep}{REPOSITORY / 'src'}"}
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, env=environ)
    (tmp_path / "said").write_text(done.stdout)
    assert done.returncode == 0, done.stdout[-20_000:]
    assert defects(target) == []
    told = statuses(target)
    assert not [place for place in told if place[2] >= 500]
    assert lacking(told) == set()


def test_the_client_speaks_to_it(target):
    """What the client sends is what the service takes: forecasts by name, models, refusals."""
    with Client(f"http://127.0.0.1:{target.port}", target.key) as client:
        assert client.ready()
        season = [float(number % 24) for number in range(168)]
        found = client.forecast({"a": season, "b": [*season[:-1], None]}, horizon=24, season_length=24)
        assert found.values.keys() == {"a", "b"}
        assert len(found.values["a"]) == 24
        assert len(found.values["a"][0]) == len(found.quantiles)
        assert (found.model, found.version) == ("pretrained", 1)
        assert client.models()
        assert [one["version"] for one in client.versions("pretrained")] == [1]
        with pytest.raises(ServiceError, match="404"):
            client.versions("nothing")
