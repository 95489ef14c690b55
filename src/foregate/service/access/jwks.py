"""The public keys of an issuer, from where he publishes them."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

import jwt
import msgspec

from foregate.core import UsageError
from foregate.service.access.fresh import Fresh

__all__ = ["Jwks", "keys_of"]

ALGORITHMS = {"RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"}
"""Which algorithm goes with a kind of key that names none."""
LARGEST = 1 << 20
PATIENCE = 3.0
SECONDS = 60.0
"""A key that is published is good, and one that is taken away is not, after so many seconds."""
STALE_SECONDS = 3600.0
"""Where the issuer does not answer, his keys are good for so long."""
UNKNOWN_PAUSE = 10.0
"""Seconds between two looks for a key that nobody has published."""


class Document(msgspec.Struct):
    """What an issuer publishes (RFC 7517)."""

    keys: list[dict[str, object]]


class Jwks:
    """Keys by their ids.

    Args:
        url: where they are: https, or http on this machine.
        timer: seconds that only grow.

    Raises:
        UsageError: the URL is of another kind.
    """

    def __init__(self, url: str, timer: Callable[[], float]) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")):
            raise UsageError(f"access.jwks_url must begin with https://, but got {url!r}.")
        self._timer, self._looked = timer, float("-inf")

        async def fetch() -> dict[str, jwt.PyJWK]:
            return keys_of(await asyncio.to_thread(_fetched, url))

        self._keys = Fresh("keys of the issuer", fetch, SECONDS, stale_seconds=STALE_SECONDS, timer=timer)

    async def find(self, key_id: str, algorithm: str) -> jwt.PyJWK | None:
        """The key of an id, if it is one for that algorithm."""
        keys = await self._keys.get() or {}
        if key_id not in keys and self._timer() - self._looked >= UNKNOWN_PAUSE:
            self._looked = self._timer()
            await self._keys.renew(UNKNOWN_PAUSE)
            keys = await self._keys.get() or {}
        key = keys.get(key_id)
        return key if key is not None and key.algorithm_name == algorithm else None


def keys_of(document: bytes) -> dict[str, jwt.PyJWK]:
    """The keys of a published document that can check signatures, by their ids; others are left out.

    Raises:
        ValueError: it is no such document.
    """
    found = {}
    for one in msgspec.json.decode(document, type=Document).keys:
        key_id, algorithm = one.get("kid"), one.get("alg", ALGORITHMS.get(str(one.get("kty"))))
        usable = algorithm in ALGORITHMS.values() and one.get("use", "sig") == "sig"
        if isinstance(key_id, str) and usable:
            try:
                found[key_id] = jwt.PyJWK(one, str(algorithm))
            except jwt.PyJWTError:
                continue
    return found


def _fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
        content: bytes = answer.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError(f"the keys must have at most {LARGEST} bytes, but got more")
    return content
