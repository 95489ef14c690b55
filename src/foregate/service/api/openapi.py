"""The API document, made from the endpoints: what is checked is what is written."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.responses import Response

import foregate
from foregate.service.api.endpoints import PUBLIC, Call, Endpoint, Link, Routes
from foregate.service.names import MOST, WORD, WORD_PATTERN

__all__ = ["document", "document_routes"]

NAME = {"type": "string", "pattern": WORD_PATTERN}
ALIAS = {"type": "string", "pattern": f"^(?![0-9]+$){WORD}$"}
PARTS: dict[str, tuple[dict[str, Any], str]] = {
    "alias": (ALIAS, "Name of a version, such as champion; no number."),
    "job": ({"type": "integer", "minimum": 1, "maximum": MOST}, "Number of a job."),
    "model": (NAME, "Name of a model."),
    "name": ({"type": "string", "minLength": 1, "maxLength": 200}, "Name of a series, percent-encoded."),
    "prefix": ({"type": "string", "pattern": "^[a-z0-9]{12}$"}, "Public part of a key."),
    "series": ({"type": "string", "minLength": 1, "maxLength": 200}, "Name of a series, percent-encoded."),
    "version": ({"type": "string", "pattern": f"^([1-9][0-9]{{0,8}}|{WORD})$"}, "Number or alias."),
}
"""What parts of paths are; another one is text."""
REF = "#/components/schemas/{name}"


class ProblemDetails(msgspec.Struct, kw_only=True):
    """What is wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document (OpenAPI 3.1) of some endpoints."""
    types = [kind for one in endpoints for kind in (one.body, one.form, one.answer) if kind not in (None, bytes)]
    schemas, components = msgspec.json.schema_components([*types, ProblemDetails], ref_template=REF)
    for schema in components.values():
        for one in schema.get("properties", {}).values():
            _explain(one)
    by_type = {id(kind): schema for kind, schema in zip([*types, ProblemDetails], schemas, strict=True)}
    paths: dict[str, Any] = {}
    for one in endpoints:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, by_type)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Foregate", "version": foregate.__version__, "description": _about()},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or a token."},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def document_routes(endpoints: Sequence[Endpoint]) -> Routes:
    """The route that gives the document; it is encoded once."""
    encoded = msgspec.json.encode(document(endpoints))

    async def openapi(call: Call[None]) -> Response:
        return Response(encoded, media_type="application/json")

    routes = Routes("Health")
    routes.add("GET", "/openapi.json", scope=PUBLIC)(openapi)
    return routes


def _explain(field: dict[str, Any]) -> None:
    """What is said of one of the kinds that a field may be of is said of the field, where nothing else is."""
    said = [kind["description"] for kind in field.get("anyOf", ()) if "description" in kind]
    if said:
        field.setdefault("description", said[0])


def _about() -> str:
    return (
        "Forecasts from LSTMs that remember. Every error is a problem document; every request may carry X-Request-Id."
    )


def _operation(endpoint: Endpoint, schemas: dict[int, Any]) -> dict[str, Any]:
    text = inspect.cleandoc(endpoint.handler.__doc__ or "")
    said: dict[str, Any] = {
        "operationId": endpoint.name,
        "tags": [endpoint.tag],
        "summary": text.partition("\n")[0].rstrip("."),
        "description": text,
        "parameters": [*_parts(endpoint), *_query(endpoint), *_headers(endpoint)],
        "responses": _answers(endpoint, schemas),
        "security": [] if endpoint.scope == PUBLIC else [{"bearer": []}, {"key": []}],
    }
    if endpoint.scope != PUBLIC:
        said["x-scope"] = endpoint.scope
    if endpoint.body is not None or endpoint.media != "application/json":
        kind = endpoint.form or endpoint.body
        content: dict[str, Any] = {"schema": {"type": "string"} if kind in (None, bytes) else schemas[id(kind)]}
        if endpoint.examples:
            content["examples"] = {name: {"value": value} for name, value in endpoint.examples.items()}
        said["requestBody"] = {"required": True, "content": {endpoint.media: content}}
    return said


def _parts(endpoint: Endpoint) -> list[dict[str, Any]]:
    found = []
    for name in re.findall(r"{(\w+)", endpoint.path):
        schema, text = PARTS.get(name, ({"type": "string"}, f"The {name}."))
        found.append({"name": name, "in": "path", "required": True, "schema": schema, "description": text})
    return found


def _query(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    (schema,), components = msgspec.json.schema_components([endpoint.query], ref_template=REF)
    properties = components[schema["$ref"].rpartition("/")[2]]["properties"]
    found = []
    for name, one in properties.items():
        _explain(one)
        text = one.get("description", "")
        found.append({"name": name, "in": "query", "required": False, "schema": one, "description": text})
    return found


def _headers(endpoint: Endpoint) -> list[dict[str, Any]]:
    found = []
    if endpoint.idempotent:
        schema = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}
        text = "The same for every try of one request: it is done once."
        found.append({"name": "Idempotency-Key", "in": "header", "schema": schema, "description": text})
    if endpoint.scope != PUBLIC:
        schema = {"type": "number", "exclusiveMinimum": 0}
        text = "Milliseconds that the caller waits."
        found.append({"name": "Foregate-Deadline-Ms", "in": "header", "schema": schema, "description": text})
    return found


def _answers(endpoint: Endpoint, schemas: dict[int, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "Done."}
    if endpoint.answer is not None:
        good["content"] = {endpoint.produces: {"schema": schemas[id(endpoint.answer)]}}
    elif endpoint.produces != "application/json":
        good["content"] = {endpoint.produces: {"schema": {"type": "string"}}}
    if endpoint.links:
        good["links"] = {link.to: _link(link) for link in endpoint.links}
    problem = {"application/problem+json": {"schema": schemas[id(ProblemDetails)]}}
    answers = {str(status): good for status in (endpoint.status, *endpoint.also)}
    answers["4XX"] = {"description": "The request must be changed.", "content": problem}
    answers["5XX"] = {"description": "The service cannot answer now.", "content": problem}
    return answers


def _link(link: Link) -> dict[str, Any]:
    said: dict[str, Any] = {"operationId": link.to}
    if link.parameters:
        said["parameters"] = dict(link.parameters)
    if link.body is not None:
        said["requestBody"] = dict(link.body)
    return said
