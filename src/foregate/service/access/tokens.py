"""Bearer tokens (JWT, RFC 7519): our own, and those of an issuer whose public keys are known.

Which algorithm checks a token is decided by the key, never by the token. Whatever is wrong with one, the answer is the
same: not good.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import jwt

from foregate.service.access.scopes import SCOPES, Principal

__all__ = ["Claims", "Own", "foreign", "header_of", "principal_of"]

OWN = "foregate"
"""Issuer of our own tokens."""
LONGEST = 8192
LEEWAY = 30.0
REQUIRED = ("exp", "iat", "iss", "aud", "sub")
REFUSED = frozenset({"b64", "crit", "jku", "jwk", "x5c", "x5u", "zip"})
"""Members of a header by which a token would bring its own key, or rules that nobody here knows."""


@dataclass(frozen=True)
class Claims:
    """What a good token says."""

    subject: str
    scopes: frozenset[str]
    token_id: str
    expires_at: float
    """Seconds since 1970."""


class Own:
    """Tokens that this service gives out and takes back.

    Args:
        secret: signs them.
        audience: for whom they are.
        clock: microseconds since 1970.
    """

    def __init__(self, secret: str, audience: str, clock: Callable[[], int]) -> None:
        self._secret, self._audience, self._clock = secret, audience, clock
        self.key_id = "own-" + hashlib.sha256(b"key id\0" + secret.encode()).hexdigest()[:8]

    def give(self, subject: str, scopes: Iterable[str], seconds: int) -> str:
        """A token.

        Args:
            subject: the prefix of the key that it is given for.
            scopes: what it allows.
            seconds: how long it is good for.
        """
        now = self._clock() // 1_000_000
        claims = {
            "iss": OWN,
            "aud": self._audience,
            "sub": subject,
            "scope": " ".join(sorted(scopes)),
            "iat": now,
            "exp": now + seconds,
            "jti": secrets.token_hex(16),
        }
        return jwt.encode(claims, self._secret, "HS256", {"kid": self.key_id, "typ": "at+jwt"})

    def read(self, token: str) -> Claims | None:
        """What a token says; None: it is not good."""
        return _claims(token, self._secret, "HS256", OWN, (self._audience, self._clock() / 1e6))


def foreign(token: str, key: jwt.PyJWK, issuer: str, audience: str, now: float) -> Claims | None:
    """What a token of another issuer says; None: it is not good.

    Args:
        token: as it came.
        key: of the issuer; it says which algorithm.
        issuer: who must have given it.
        audience: for whom it must be.
        now: seconds since 1970.
    """
    return _claims(token, key.key, key.algorithm_name, issuer, (audience, now))


def header_of(token: str) -> dict[str, Any] | None:
    """The header of a token, which nobody has vouched for; None: it cannot be a good one."""
    if len(token) > LONGEST or not token.isascii():
        return None
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    known = isinstance(header.get("kid"), str) and isinstance(header.get("alg"), str)
    return None if REFUSED & header.keys() or not known else header


def _claims(token: str, key: Any, algorithm: str, issuer: str, expected: tuple[str, float]) -> Claims | None:
    audience, now = expected
    # The times are checked here, by the clock of the service.
    options: Any = {"require": list(REQUIRED), "verify_exp": False, "verify_nbf": False, "verify_iat": False}
    try:
        said = jwt.decode(token, key, [algorithm], options=options, audience=audience, issuer=issuer)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return None
    times = [said["exp"], said["iat"], said.get("nbf", 0)]
    if not all(isinstance(time, int | float) and not isinstance(time, bool) for time in times):
        return None
    expires, issued, begins = times
    subject, token_id = said["sub"], said.get("jti", "")
    if not (now < expires + LEEWAY and max(issued, begins) <= now + LEEWAY):
        return None
    if not (isinstance(subject, str) and 0 < len(subject) <= 200 and isinstance(token_id, str)):
        return None
    return Claims(subject, _scopes(said), token_id, float(expires))


def _scopes(said: dict[str, Any]) -> frozenset[str]:
    named = said.get("scope", said.get("scp", ""))
    words = named.split() if isinstance(named, str) else named if isinstance(named, list) else []
    return frozenset(scope for scope in SCOPES if scope in words)


def principal_of(claims: Claims) -> Principal:
    """Who asks with a token of another issuer."""
    return Principal(f"token:{claims.subject}", claims.scopes)
