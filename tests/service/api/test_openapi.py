"""The API document says what is checked."""

import re
from itertools import pairwise

import pytest

from foregate.service.api.openapi import PARTS
from foregate.service.assembly import routes
from tests.service.fakes import lab


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """The document of all routes."""
    with lab(tmp_path_factory.mktemp("all"), *[part for part in routes() if part.tag != "Access"]) as one:
        return one.ask("GET", "/openapi.json").json()


def operations(said):
    """Every operation, with its place."""
    return [(path, method, one) for path, methods in said["paths"].items() for method, one in methods.items()]


def test_every_route_is_in_it(said):
    """Each endpoint has an operation of its own name, with words and answers."""
    asked = {(one.path, one.method.lower()) for part in routes() for one in part.endpoints}
    assert asked <= {(path, method) for path, method, _ in operations(said)}
    names = [one["operationId"] for _, _, one in operations(said)]
    assert len(set(names)) == len(names)
    for path, _, one in operations(said):
        assert one["summary"], path
        assert {"4XX", "5XX"} < set(one["responses"])


def test_every_route_says_what_it_asks_for(said):
    """Security and scope are told; public routes ask for nothing."""
    by_place = {(one.path, one.method.lower()): one for part in routes() for one in part.endpoints}
    for path, method, one in operations(said):
        endpoint = by_place.get((path, method))
        if endpoint is not None:
            assert one.get("x-scope", "public") == endpoint.scope
            assert bool(one["security"]) == (endpoint.scope != "public")


def test_every_part_of_a_path_is_explained(said):
    """Parameters of paths are those of the template, with a shape."""
    for path, _, one in operations(said):
        named = [each["name"] for each in one["parameters"] if each["in"] == "path"]
        assert named == re.findall(r"{(\w+)}", path)
        assert set(named) <= set(PARTS), path


def test_every_reference_leads_somewhere(said):
    """No schema is named that is not there."""
    text = str(said)
    for name in set(re.findall(r"#/components/schemas/([\w.]+)", text)):
        assert name in said["components"]["schemas"]


def test_every_field_of_a_body_is_explained(said):
    """Whoever reads the document knows what a field means."""
    lacking = [
        f"{name}.{field}"
        for name, schema in said["components"]["schemas"].items()
        for field, one in schema.get("properties", {}).items()
        if name != "ProblemDetails" and "description" not in one
    ]
    assert lacking == []


def test_examples_are_valid(tmp_path_factory):
    """What is shown as an example is what would be taken."""
    import msgspec

    for part in routes():
        for one in part.endpoints:
            for example in one.examples.values():
                msgspec.convert(example, one.body)


def whole_numbers(schema, place=""):
    """Every place of a schema where a whole number may stand, with what is said of it."""
    if isinstance(schema, list):
        for one in schema:
            yield from whole_numbers(one, place)
    elif isinstance(schema, dict):
        if schema.get("type") == "integer":
            yield place, schema
        for name, one in schema.items():
            yield from whole_numbers(one, place if name in ("anyOf", "items", "properties") else f"{place}.{name}")


def asked_with(said):
    """Schemas of all that a request may hold: parameters, and bodies with what they refer to."""
    todo = []
    for path, method, one in operations(said):
        for each in one["parameters"]:
            yield f"{method} {path} {each['name']}", each["schema"]
        todo += [content["schema"] for content in one.get("requestBody", {}).get("content", {}).values()]
    done = set()
    while todo:
        for name in set(re.findall(r"#/components/schemas/([\w.]+)", str(todo.pop()))) - done:
            done.add(name)
            schema = said["components"]["schemas"][name]
            todo.append(schema)
            yield name, schema


READ_ALONE = {"Observation.time", "Moment.time", "Coming.time", "FutureRow.time", "TrainingBody.since"}
"""Times are looked at row by row, so that one that is wrong is refused alone."""


def test_every_whole_number_has_bounds(said):
    """No route takes a number that a database cannot hold, but where each row or parameter is looked at by itself."""
    lacking = [
        f"{name}{place}"
        for name, schema in asked_with(said)
        for place, one in whole_numbers(schema)
        if not (-(2**63) <= one.get("minimum", -(2**64)) <= one.get("maximum", 2**64) < 2**63)
        and not (f"{name}{place}" in READ_ALONE or ".parameters." in place)
    ]
    assert lacking == []


def test_links_lead_to_what_can_be_asked(said):
    """Every link names a route, the parts of its path and members of its body."""
    by_name = {one["operationId"]: (method, one) for _, method, one in operations(said)}
    found = set()
    for _, _, one in operations(said):
        for answer in one["responses"].values():
            for link in answer.get("links", {}).values():
                _, target = by_name[link["operationId"]]
                found.add((one["operationId"], link["operationId"]))
                assert set(link.get("parameters", {})) <= {each["name"] for each in target["parameters"]}
                if "requestBody" in link:
                    (content,) = target["requestBody"]["content"].values()
                    schema = said["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]
                    assert set(link["requestBody"]) <= set(schema["properties"])
    journey = ["put_series", "open_sessions", "step_session", "forecast_session"]
    assert set(pairwise(journey)) <= found
    assert ("upload", "put_alias") in found


def test_a_route_may_have_several_good_answers(said):
    """Who makes a series gets 201, who changes one 200, of the same shape."""
    answers = said["paths"]["/v1/series/{name}"]["put"]["responses"]
    assert answers["200"] == answers["201"]
