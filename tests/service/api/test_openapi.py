"""The API document says what is checked."""

import re

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
