"""Who asks, what they may do, and how often.

Keys and revoked tokens are read from the database every few seconds and kept: a request costs no query, and requests
that need no database are answered while there is none.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, delete, insert, select
from starlette.requests import Request

from foregate.service.access import keys, tokens
from foregate.service.access.fresh import Fresh
from foregate.service.access.jwks import Jwks
from foregate.service.access.rates import Rates, peer_of
from foregate.service.access.scopes import Principal, granted
from foregate.service.problems import Problem
from foregate.service.store.tables import revoked_tokens

if TYPE_CHECKING:
    from foregate.service.settings import Settings
    from foregate.service.store.database import Database

__all__ = ["Gate", "Known", "unauthorized"]

STALE_SECONDS = 600.0
"""Where the database does not answer, keys are good for so long."""
ANYONE = Principal("anyone", frozenset({"admin"}))
"""Who asks where no key is required."""


@dataclass(frozen=True)
class Known:
    """What the database says of who may ask."""

    keys: Mapping[str, keys.Key]
    """By their prefixes."""
    revoked: frozenset[str]
    """Ids of our own tokens."""


def unauthorized() -> Problem:
    """The one answer to whoever cannot be told from anybody else, whatever the reason."""
    detail = "Authorization must be 'Bearer' with a key or token that is good, but got none."
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


class Gate:
    """Lets in who may.

    Args:
        settings: of the service.
        database: where the keys are.
        secret: signs our own tokens.
        clock: microseconds since 1970.
        timer: seconds that only grow.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        secret: str,
        clock: Callable[[], int],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        access, limits = settings.access, settings.limits
        self._access, self._database, self._clock = access, database, clock
        self._known = Fresh(
            "keys", self._read, access.refresh_seconds, stale_seconds=STALE_SECONDS, pause=1.0, timer=timer
        )
        self.own = tokens.Own(secret, access.audience, clock)
        self._jwks = Jwks(access.jwks_url, timer) if access.jwks_url and access.issuer else None
        self._rates = Rates(limits.per_minute, limits.storage, timer)
        self._trusted = [ipaddress.ip_network(text) for text in limits.trusted_proxies]

    async def authenticate(self, request: Request, *, public: bool) -> Principal:
        """Who asks; where the route is public, whoever they are.

        Raises:
            Problem: that cannot be told: always the same 401.
        """
        if public:
            return Principal(f"peer:{self.peer(request)}", frozenset())
        if not self._access.required:
            return ANYONE
        principal = await self.principal_of(_credential(request))
        if principal is None:
            raise unauthorized()
        return principal

    async def admit(self, principal: Principal, request: Request) -> None:
        """Count a request.

        Raises:
            Problem: there were too many.
        """
        await self._rates.count(principal.name)

    async def principal_of(self, credential: str | None) -> Principal | None:
        """Whose key or token it is; None: nobody's."""
        if credential is None:
            return None
        if credential.startswith("fg_"):
            key = await self.key_of(credential)
            return key.principal if key else None
        header = tokens.header_of(credential)
        if header is None:
            return None
        if header["kid"] == self.own.key_id:
            return await self._of_own(credential) if header["alg"] == "HS256" else None
        return await self._of_issuer(credential, header["kid"], header["alg"])

    async def key_of(self, credential: str) -> keys.Key | None:
        """The key that this is; None: none that is good."""
        known = await self._get()
        key = known.keys.get(keys.prefix_of(credential) or "")
        return key if keys.matches(credential, key) and key is not None and key.good(self._clock()) else None

    async def revoke_token(self, token: str) -> bool:
        """End a token of our own; whether it was one."""
        claims = self.own.read(token)
        if claims is None:
            return False
        until = int(claims.expires_at + tokens.LEEWAY) * 1_000_000 + 1_000_000

        def work(connection: Connection) -> None:
            table = revoked_tokens.c
            connection.execute(
                delete(revoked_tokens).where((table.jti == claims.token_id) | (table.until < self._clock()))
            )
            connection.execute(insert(revoked_tokens).values(jti=claims.token_id, until=until))

        await self._database.write(work)
        await self.renew()
        return True

    async def renew(self) -> None:
        """Read the keys again; who has changed some calls it."""
        await self._known.renew()

    async def close(self) -> None:
        """Let go of the server that counts."""
        await self._rates.close()

    def peer(self, request: Request) -> str:
        """The address of who asks."""
        host = request.client.host if request.client else "unknown"
        forwarded = request.headers.getlist("x-forwarded-for") if self._trusted else []
        return peer_of(host, forwarded, self._trusted)

    async def _of_own(self, token: str) -> Principal | None:
        claims, known = self.own.read(token), await self._get()
        if claims is None or not claims.token_id or claims.token_id in known.revoked:
            return None
        key = known.keys.get(claims.subject)
        if key is None or not key.good(self._clock()):
            return None
        return Principal(key.principal.name, granted(claims.scopes, key.scopes))

    async def _of_issuer(self, token: str, key_id: str, algorithm: str) -> Principal | None:
        if self._jwks is None or self._access.issuer is None:
            return None
        key = await self._jwks.find(key_id, algorithm)
        if key is None:
            return None
        claims = tokens.foreign(token, key, self._access.issuer, self._access.audience, self._clock() / 1e6)
        return tokens.principal_of(claims) if claims else None

    async def _get(self) -> Known:
        known = await self._known.get()
        if known is None:
            detail = "the keys must be read to tell who asks, but the database does not answer. Try again."
            raise Problem(503, "storage-unavailable", detail, headers={"Retry-After": "1"})
        return known

    async def _read(self) -> Known:
        def work(connection: Connection) -> Known:
            rows = connection.execute(select(revoked_tokens.c.jti))
            return Known({key.prefix: key for key in keys.all_keys(connection)}, frozenset(row.jti for row in rows))

        return await self._database.read(work)


def _credential(request: Request) -> str | None:
    """What a request says of who asks: a Bearer token, or X-API-Key; None: nothing, or more than one thing."""
    bearer = request.headers.getlist("authorization")
    plain = request.headers.getlist("x-api-key")
    if len(bearer) + len(plain) != 1:
        return None
    if plain:
        return plain[0].strip()
    kind, _, credential = bearer[0].partition(" ")
    return credential.strip() if kind.lower() == "bearer" else None
