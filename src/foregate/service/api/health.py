"""Whether it lives, whether it is ready, and what it counts of itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta, Struct
from starlette.responses import Response

from foregate.service.api.endpoints import PUBLIC, Call, Endpoint, Routes
from foregate.service.context import Check
from foregate.service.problems import Problem

if TYPE_CHECKING:
    from foregate.service.context import Service

__all__ = ["Health", "health_routes", "readiness"]

PATIENCE = 1.0
"""Seconds that a check may take."""


class Health(Struct, frozen=True, kw_only=True):
    """How the service is."""

    status: Annotated[Literal["ok", "degraded"], Meta(description="degraded: it answers, but not everything works.")]
    checks: Annotated[dict[str, str], Meta(description="What is wrong, or ok, by the name of the check.")] = {}


async def readiness(service: Service) -> Health:
    """How the service is.

    Raises:
        Problem: it is not ready.
    """
    if service.draining:
        raise Problem(503, "draining", "requests must go to another process, but got to one that is about to stop.")
    checks = service.checks
    found = dict(zip(checks, await asyncio.gather(*(_outcome(one) for one in checks.values())), strict=True))
    bad = [name for name, outcome in found.items() if outcome != "ok"]
    if any(checks[name].vital for name in bad):
        detail = f"all vital checks must be ok, but got {', '.join(bad)}."
        raise Problem(503, "not-ready", detail, headers={"Retry-After": "1"}, checks=found)
    return Health(status="degraded" if bad else "ok", checks=found)


async def _outcome(check: Check) -> str:
    try:
        async with asyncio.timeout(PATIENCE):
            await check.run()
    except TimeoutError:
        return f"no answer within {PATIENCE:g} s"
    except Exception as error:
        return error.slug if isinstance(error, Problem) else type(error).__name__  # no more: anybody may ask
    return "ok"


def health_routes(service: Service) -> Routes:
    """The routes; who may read the metrics is a setting."""
    routes = Routes("Health")
    add = routes.endpoints.append
    add(Endpoint("GET", "/livez", PUBLIC, live, answer=Health, tag="Health"))
    add(Endpoint("GET", "/readyz", PUBLIC, ready, answer=Health, tag="Health"))
    scope = PUBLIC if service.settings.access.public_metrics else "metrics"
    add(Endpoint("GET", "/metrics", scope, metrics, tag="Health", produces="text/plain; version=0.0.4"))
    return routes


async def live(call: Call[None]) -> Health:
    """Whether the process answers."""
    return Health(status="ok")


async def ready(call: Call[None]) -> Health:
    """Whether requests should come here; 503 where not."""
    return await readiness(call.service)


async def metrics(call: Call[None]) -> Response:
    """What the service counts of itself, as Prometheus reads it."""
    text = await asyncio.to_thread(call.service.metrics.text)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
