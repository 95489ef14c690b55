"""What a fuzzer has to know of this service to get beyond its first answers: names that are there, texts of times.

It touches most of the requests that are meant to be good; those that are broken on purpose stay as they are.
Schemathesis' own program loads it by ``SCHEMATHESIS_HOOKS``; ``FOREGATE_FUZZ_KEY`` is the key that it asks with.
"""

import copy
import os
import random
import zlib

import schemathesis
from schemathesis import GenerationMode

from foregate.service.assembly import routes

NAMES = ["a", "b", "plant-7", "a b é"]
KNOWN = {
    "freq": ["h", "h", "h", "1", "MS"],
    "time": ["2024-05-31T12:00:00Z", "2024-06-01", "2024-06-01T01:00:00Z", "2024-07-01", 6],
    "start": ["2024-05-01", 5],
    "model": ["pretrained", "pretrained", "demand"],  # the first is there, the other one may be trained
    "version": [1, "champion"],
    "alias": ["champion", "challenger"],
    "job": [1, 2, 3],
    "horizon": [1, 3, 24],
    "quantiles": [[0.1, 0.5, 0.9]],
    "season_length": [7, 24],
    "grant_type": ["client_credentials"],
    "kinds": ["forecast", "drift,job"],
    "expected_seq": [None],
    "reason": ["because"],
}
"""Field -> values that are right where it stands."""
EXAMPLES = {f"{one.method} {one.path}": list(one.examples.values()) for part in routes() for one in part.endpoints}
"""Operation -> good bodies."""


def planted(value, draw, name=""):
    """A value of JSON with what is there in the place of what is not."""
    if isinstance(value, dict) and "datatype" not in value:  # names of tensors are others
        return {key: planted(one, draw, key) for key, one in value.items()}
    if name == "series" and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return [draw.choice(NAMES) for _ in value]
    if isinstance(value, list):
        return [planted(one, draw) for one in value] if name not in KNOWN else draw.choice([*KNOWN[name], value])
    if name in ("series", "name") and isinstance(value, str):
        return draw.choice(NAMES)
    return draw.choice(KNOWN[name]) if name in KNOWN and value is not None else value


@schemathesis.hook
def map_case(context, case):
    """Let every other good request name what is there."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return case
    told = repr((case.operation.label, case.path_parameters, case.query, case.body))
    draw = random.Random(zlib.crc32(told.encode("utf-8", "replace")))
    if draw.random() < 0.3:
        return case
    for example in EXAMPLES.get(case.operation.label, ()):
        if draw.random() < 0.8 and isinstance(case.body, dict):
            taken = {name: one for name, one in case.body.items() if draw.random() < 0.2}
            case.body = {**copy.deepcopy(example), **taken}
    for part in ("path_parameters", "query", "body"):
        value = getattr(case, part)
        linked = part == "path_parameters" and case.meta.phase.name == "stateful"  # and right as it is
        if isinstance(value, dict) and value and not linked:
            found = planted(copy.deepcopy(value), draw)
            if case.operation.label == "POST /v1/jobs":
                found |= {"model": "demand", "rows": 2000, "held_out": None}
            if part == "path_parameters":
                found = {name: str(one) for name, one in found.items()}
            setattr(case, part, found)
    key = os.environ.get("FOREGATE_FUZZ_KEY", "")
    if case.operation.path == "/v1/token" and isinstance(case.body, dict):
        case.body = {"grant_type": "client_credentials", "client_id": key[3:15], "client_secret": key}
    return case


@schemathesis.hook
def before_call(context, case, kwargs):
    """Keep what the fuzzer itself needs: its key, the first model, and time for an answer."""
    path, headers = case.path_parameters or {}, case.headers
    if headers is not None and good_number(headers.get("Foregate-Deadline-Ms")):
        headers["Foregate-Deadline-Ms"] = "20000"  # who waits for a millisecond gets 504, and rightly
    if path.get("prefix") == os.environ.get("FOREGATE_FUZZ_KEY", "")[3:15]:
        path["prefix"] = "a" * 12
    if case.method.upper() == "DELETE" and (path.get("model"), path.get("alias")) == ("pretrained", "champion"):
        path["alias"] = "challenger"


def good_number(text):
    """Whether a header is a deadline that may be taken."""
    try:
        return 0 < float(text) * 0.001 < float("inf")
    except (TypeError, ValueError):
        return False
