"""How often each may ask: a sliding window, counted here or on a Redis server.

Where the server does not answer, requests are counted here: a limit that is a little wide does less harm than a service
that is down with its counter.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.storage import storage_from_string

from foregate.core import MissingExtraError, UsageError
from foregate.service.problems import Problem

__all__ = ["Rates", "peer_of"]

SECONDS = 60
MOST = 20_000
"""Names that are counted one by one; who comes later shares one of `SHARED` counts."""
SHARED = 1024
PATIENCE = 0.25
"""Seconds that the server has to answer."""
PAUSE = 5.0
"""Seconds until a server that did not answer is asked again."""
log = structlog.get_logger("foregate.access")


class Window:
    """Counts of this minute and the one before, which counts for as much as of it lies within the last 60 seconds.

    In memory of this process; `limits` has such a counter too, which starts a thread every hundredth of a second.

    Args:
        most: in a minute.
        timer: seconds that only grow.
    """

    def __init__(self, most: int, timer: Callable[[], float]) -> None:
        self._most, self._timer = most, timer
        self.counts: dict[str, tuple[int, int, int]] = {}
        """Name -> number of the minute, requests in it, requests in the one before."""

    def hit(self, name: str) -> float:
        """Count a request; 0 where it may be, else in how many seconds one may be."""
        minute, within = divmod(self._timer(), SECONDS)
        key = self._bounded(name, int(minute))
        at, now, before = self.counts.get(key, (int(minute), 0, 0))
        if at != minute:
            now, before = 0, now if at == minute - 1 else 0
        over = now + before * (1 - within / SECONDS) + 1 - self._most
        if over <= 0:
            self.counts[key] = (int(minute), now + 1, before)
            return 0.0
        left = SECONDS - within
        soon = over * SECONDS / before if before else math.inf
        return soon if soon <= left else left + max(0, now + 1 - self._most) * SECONDS / max(now, 1)

    def _bounded(self, name: str, minute: int) -> str:
        """What a name is counted under."""
        if name in self.counts or len(self.counts) < MOST:
            return name
        self.counts = {key: count for key, count in self.counts.items() if count[0] >= minute - 1}
        return name if len(self.counts) < MOST else f"shared {hash(name) % SHARED}"


class Rates:
    """Counts requests by who asks.

    Args:
        per_minute: that each may ask.
        storage: ``memory://`` or ``redis://…``.
        timer: seconds that only grow.

    Raises:
        UsageError: the storage is of another kind.
        MissingExtraError: it needs an extra.
    """

    def __init__(
        self, per_minute: int, storage: str = "memory://", timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._item = RateLimitItemPerMinute(per_minute)
        self.here = Window(per_minute, timer)
        self._pool = _pool(storage) if storage != "memory://" else None
        self._shared: SlidingWindowCounterRateLimiter | None = None
        if self._pool is not None:
            at: Any = storage_from_string("async+redis://", implementation="redispy", connection_pool=self._pool)
            self._shared = SlidingWindowCounterRateLimiter(at)
        self._failed = float("-inf")

    async def count(self, name: str) -> None:
        """Count one request.

        Raises:
            Problem: there were too many.
        """
        wait = await self._counted(self._shared, name) if self._shared is not None else None
        if wait is None:
            wait = self.here.hit(name)
        if wait > 0:
            seconds = max(1, min(60, math.ceil(wait)))
            detail = f"at most {self._item.amount:,} requests a minute must come from one, but got more. Wait."
            raise Problem(429, "too-many-requests", detail, headers={"Retry-After": str(seconds)})

    async def close(self) -> None:
        """Let go of the server."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _counted(self, shared: SlidingWindowCounterRateLimiter, name: str) -> float | None:
        """See `Window.hit`, of the server; None: it does not answer."""
        if time.monotonic() - self._failed < PAUSE:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                if await shared.hit(self._item, name):
                    return 0.0
                return max(1.0, (await shared.get_window_stats(self._item, name)).reset_time - time.time())
        except Exception as error:  # of the network, the server or its answer
            self._failed = time.monotonic()
            log.warning("limits are counted here", error=f"{type(error).__name__}: {error}")
            return None


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


@lru_cache(4096)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address
