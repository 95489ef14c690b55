"""How often each may ask: a sliding window, counted here or on a Redis server.

Where the server does not answer, requests are counted here: a limit that is a little wide does less harm than a service
that is down with its counter.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from typing import Any

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.strategies import SlidingWindowCounterRateLimiter as SharedLimiter
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter

from foregate.core import MissingExtraError, UsageError
from foregate.service.problems import Problem

__all__ = ["Rates", "peer_of"]

MOST = 20_000
"""Names that are counted one by one; who comes later shares one of `SHARED` counts."""
SHARED = 1024
PATIENCE = 0.25
"""Seconds that the server has to answer."""
PAUSE = 5.0
"""Seconds until a server that did not answer is asked again."""
log = structlog.get_logger("foregate.access")


class Rates:
    """Counts requests by who asks.

    Args:
        per_minute: that each may ask.
        storage: ``memory://`` or ``redis://…``.

    Raises:
        UsageError: the storage is of another kind.
        MissingExtraError: it needs an extra.
    """

    def __init__(self, per_minute: int, storage: str = "memory://") -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self._memory = MemoryStorage()
        self._here = SlidingWindowCounterRateLimiter(self._memory)
        self._pool = _pool(storage) if storage != "memory://" else None
        self._shared: SharedLimiter | None = None
        if self._pool is not None:
            at: Any = storage_from_string("async+redis://", implementation="redispy", connection_pool=self._pool)
            self._shared = SharedLimiter(at)
        self._failed = float("-inf")

    async def count(self, name: str) -> None:
        """Count one request.

        Raises:
            Problem: there were too many.
        """
        if self._shared is not None and time.monotonic() - self._failed > PAUSE:
            try:
                async with asyncio.timeout(PATIENCE):
                    good = await self._shared.hit(self._item, name)
                    wait = 0.0 if good else (await self._shared.get_window_stats(self._item, name)).reset_time
            except Exception as error:  # of the network, the server or its answer: count here
                self._failed = time.monotonic()
                log.warning("limits are counted here", error=f"{type(error).__name__}: {error}")
            else:
                return self._refuse(wait) if not good else None
        name = self._bounded(name)
        if not self._here.hit(self._item, name):
            self._refuse(self._here.get_window_stats(self._item, name).reset_time)
        return None

    async def close(self) -> None:
        """Let go of the server."""
        if self._pool is not None:
            await self._pool.aclose()

    def _bounded(self, name: str) -> str:
        """What a name is counted under."""
        full = len(self._memory.storage) >= MOST
        known = full and self._here.get_window_stats(self._item, name).remaining < self._item.amount
        return name if known or not full else f"shared {hash(name) % SHARED}"

    def _refuse(self, reset: float) -> None:
        seconds = max(1, min(60, round(reset - time.time() + 0.5)))
        detail = f"at most {self._item.amount:,} requests a minute must come from one, but got more. Wait."
        raise Problem(429, "too-many-requests", detail, headers={"Retry-After": str(seconds)})


def _pool(storage: str) -> Any:
    """Connections to a Redis server."""
    if not storage.startswith(("redis://", "rediss://", "unix://")):
        raise UsageError(f"limits.storage must be memory:// or redis://…, but got {storage!r}.")
    try:
        from redis.asyncio import ConnectionPool
    except ImportError:
        raise MissingExtraError("counting limits on a Redis server", "redis") from None
    return ConnectionPool.from_url(storage, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)


def peer_of(host: str, forwarded: list[str], trusted: list[Any]) -> str:
    """Who is at the other end: the last address that no trusted proxy vouches for; of IPv6 its network of 64 bits.

    Args:
        host: of the socket.
        forwarded: all of X-Forwarded-For.
        trusted: networks of proxies.

    Examples:
        >>> proxies = [ipaddress.ip_network("10.0.0.0/8")]
        >>> peer_of("10.0.0.1", ["1.2.3.4, 5.6.7.8"], proxies), peer_of("9.9.9.9", ["1.2.3.4"], proxies)
        ('5.6.7.8', '9.9.9.9')
    """
    address = _address(host)
    hops = [hop.strip() for line in forwarded for hop in line.split(",")]
    while hops and address is not None and any(address in network for network in trusted):
        before = _address(hops.pop())
        if before is None:
            break
        address = before
    if address is None:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False).network_address)
    return str(address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address
