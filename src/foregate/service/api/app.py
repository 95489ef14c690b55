"""The application: every route of every part, with what surrounds a request."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from foregate.service.api.endpoints import Endpoint, Routes, answer_of
from foregate.service.context import Service
from foregate.service.problems import Problem

__all__ = ["create_app"]


def create_app(service: Service, parts: Sequence[Routes] = ()) -> FastAPI:
    """The application of a service.

    Args:
        service: its parts.
        parts: routes of each part of the API.
    """
    app = FastAPI(title="Foregate", docs_url=None, redoc_url=None)
    app.state.service = service
    for part in parts:
        for endpoint in part.endpoints:
            app.add_api_route(endpoint.path, _handler(endpoint, service), methods=[endpoint.method], tags=[part.tag])
    return app


def _handler(endpoint: Endpoint, service: Service) -> Any:
    async def handle(request: Request) -> Response:
        request_id = secrets.token_hex(8)
        try:
            return await answer_of(endpoint, service, request, request_id)
        except Problem as problem:
            return problem.response(request_id)

    handle.__name__ = endpoint.handler.__name__
    handle.__doc__ = endpoint.handler.__doc__
    return handle
