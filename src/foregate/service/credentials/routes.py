"""Keys, tokens, and the log of who has done what."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import replace
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, unquote_plus

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Connection, select
from starlette.responses import Response

from foregate.service.access import keys
from foregate.service.access.gate import unauthorized
from foregate.service.access.scopes import Scope, granted
from foregate.service.api.endpoints import PUBLIC, Call, Link, Routes
from foregate.service.clock import DAY
from foregate.service.names import MOST, WORD_PATTERN
from foregate.service.problems import Problem
from foregate.service.store.tables import audit_log

__all__ = ["routes"]

routes = Routes("Access")
FORM = "application/x-www-form-urlencoded"
Name = Annotated[str, Meta(pattern=WORD_PATTERN, description="A word that says who uses it.", examples=["loader"])]


class NewKey(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to be made."""

    name: Name
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=6, description="What it may do.")]
    days: Annotated[
        Annotated[float, Meta(gt=0, le=36_500)] | None,
        Meta(description="How long it is good for; null: until it is revoked."),
    ] = None


class Rotation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a key is replaced."""

    overlap_seconds: Annotated[float, Meta(ge=0, le=31_536_000, description="How long the old key stays good.")] = (
        3600.0
    )


class MadeKey(Struct, frozen=True, kw_only=True):
    """A key that was made."""

    key: Annotated[str, Meta(description="The key. It is told this once and can't be found again.")]
    prefix: Annotated[str, Meta(description="Its public name, and the client id of OAuth2.")]
    name: Annotated[str, Meta(description="Who uses it.")]


class KeyFacts(Struct, frozen=True, kw_only=True):
    """What is known of a key."""

    prefix: Annotated[str, Meta(description="Its public name.")]
    name: Annotated[str, Meta(description="Who uses it.")]
    scopes: Annotated[list[str], Meta(description="What it may do.")]
    created_at: Annotated[int, Meta(description="When it was made, in microseconds since 1970.")]
    created_by: Annotated[str, Meta(description="Who made it.")]
    expires_at: Annotated[int | None, Meta(description="Until when it is good, in microseconds since 1970.")]
    revoked_at: Annotated[int | None, Meta(description="When it was revoked, in microseconds since 1970.")]
    good: Annotated[bool, Meta(description="Whether it may be used now.")]


class KeyList(Struct, frozen=True, kw_only=True):
    """All keys."""

    keys: Annotated[list[KeyFacts], Meta(description="Oldest first.")]


class Token(Struct, frozen=True, kw_only=True):
    """A token, as OAuth2 gives it."""

    access_token: Annotated[str, Meta(description="For the header Authorization: Bearer.")]
    token_type: Annotated[str, Meta(description="Always Bearer.")]
    expires_in: Annotated[int, Meta(description="Seconds that it is good for.")]
    scope: Annotated[str, Meta(description="What it allows, parted by spaces.")]


class TokenForm(Struct, frozen=True, kw_only=True):
    """What is asked for a token; id and secret may come by Basic authorization instead."""

    grant_type: Annotated[Literal["client_credentials"], Meta(description="The only one that there is.")]
    client_id: Annotated[str | UnsetType, Meta(description="Prefix of the key.")] = UNSET
    client_secret: Annotated[str | UnsetType, Meta(description="The whole key.")] = UNSET
    scope: Annotated[
        str | UnsetType, Meta(description="Scopes of the key, parted by spaces; all where it is not given.")
    ] = UNSET


class RevocationForm(Struct, frozen=True, kw_only=True):
    """A token that is to end."""

    token: Annotated[str, Meta(description="The token.")]
    token_type_hint: Annotated[str | UnsetType, Meta(description="Not read.")] = UNSET


class Page(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stretch of a list."""

    before: Annotated[
        Annotated[int, Meta(ge=1, le=MOST)] | None, Meta(description="Entries with lower numbers only.")
    ] = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="Entries at most.")] = 100


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Who has done what."""

    id: Annotated[int, Meta(description="Number of the entry.")]
    at: Annotated[int, Meta(description="When, in microseconds since 1970.")]
    actor: Annotated[str, Meta(description="Who.")]
    action: Annotated[str, Meta(description="What was done.")]
    subject: Annotated[str, Meta(description="To what.")]
    detail: Annotated[dict[str, Any], Meta(description="More of it.")]
    request: Annotated[str, Meta(description="Id of the request.")]


class AuditPage(Struct, frozen=True, kw_only=True):
    """A stretch of the audit log."""

    entries: Annotated[list[AuditEntry], Meta(description="Newest first.")]


@routes.add(
    "POST",
    "/v1/keys",
    scope="admin",
    body=NewKey,
    answer=MadeKey,
    status=201,
    links=tuple(Link(name, {"prefix": "$response.body#/prefix"}) for name in ("rotate_key", "revoke_key")),
    examples={"loader": {"name": "loader", "scopes": ["write", "read"], "days": 90}},
)
async def add_key(call: Call[NewKey]) -> MadeKey:
    """Make an API key. It is shown in this answer and never again."""
    body, now = call.body, call.service.clock()
    ends = now + int(body.days * DAY) if body.days is not None else None
    order = keys.Order(body.name, tuple(dict.fromkeys(body.scopes)), call.principal.name, now, ends)

    def work(connection: Connection) -> str:
        key = keys.add(connection, order)
        call.audit(connection, "key.add", order.name, prefix=keys.prefix_of(key), scopes=sorted(order.scopes))
        return key

    return await _made(call, await call.service.database.write(work), body.name)


@routes.add("GET", "/v1/keys", scope="admin", answer=KeyList)
async def list_keys(call: Call[None]) -> KeyList:
    """All keys that there are and were, without the keys themselves."""
    now = call.service.clock()
    return KeyList(keys=[_facts(key, now) for key in await call.service.database.read(keys.all_keys)])


@routes.add("DELETE", "/v1/keys/{prefix}", scope="admin", answer=KeyFacts)
async def revoke_key(call: Call[None]) -> KeyFacts:
    """End a key at once, and with it the tokens that were given for it."""
    prefix, now = call.path["prefix"], call.service.clock()

    def work(connection: Connection) -> keys.Key:
        key = keys.revoke(connection, prefix, now)
        call.audit(connection, "key.revoke", key.name, prefix=prefix)
        return key

    key = await call.service.database.write(work)
    await call.service.access.renew()
    return _facts(replace(key, revoked_at=now), now)


@routes.add("POST", "/v1/keys/{prefix}/rotation", scope="admin", body=Rotation, answer=MadeKey, status=201)
async def rotate_key(call: Call[Rotation]) -> MadeKey:
    """Make a key with the name and scopes of another one, which stays good for a while."""
    prefix, now, by = call.path["prefix"], call.service.clock(), call.principal.name

    def work(connection: Connection) -> tuple[str, str]:
        key = keys.replace(connection, prefix, by=by, at=now, overlap=call.body.overlap_seconds)
        name = next(one.name for one in keys.all_keys(connection) if one.prefix == prefix)
        call.audit(connection, "key.rotate", name, prefix=prefix, successor=keys.prefix_of(key))
        return key, name

    key, name = await call.service.database.write(work)
    return await _made(call, key, name)


@routes.add("POST", "/v1/token", scope=PUBLIC, body=bytes, answer=Token, media=FORM, form=TokenForm)
async def give_token(call: Call[bytes]) -> Token:
    """A short-lived token for a key, by OAuth2 client credentials.

    The client id is the prefix of the key and the client secret the whole key, by Basic authorization or in the form.
    """
    form = _form(call.body)
    if form.get("grant_type") != "client_credentials":
        detail = "grant_type must be client_credentials, but got another one."
        raise Problem(400, "unsupported-grant", detail, error="unsupported_grant_type")
    client, secret = _client(call.request.headers.get("authorization"), form)
    key = await call.service.access.key_of(secret)
    if key is None or key.prefix != client:
        raise unauthorized()
    asked = frozenset(form.get("scope", " ".join(key.scopes)).split())
    if not asked or asked != granted(asked, key.scopes):
        detail = f"scope must be some of {' '.join(sorted(key.scopes))}, but got more, or none."
        raise Problem(400, "invalid-scope", detail, error="invalid_scope")
    seconds = call.service.settings.access.token_seconds
    token = call.service.access.own.give(key.prefix, asked, seconds)
    return Token(access_token=token, token_type="Bearer", expires_in=seconds, scope=" ".join(sorted(asked)))


@routes.add("POST", "/v1/token/revocation", scope=PUBLIC, body=bytes, media=FORM, form=RevocationForm)
async def revoke_token(call: Call[bytes]) -> Response:
    """End a token of this service (RFC 7009): whoever holds it may. The answer is the same whatever it was."""
    token = _form(call.body).get("token")
    if token is None:
        raise Problem(400, "invalid-request", "token must be in the form, but got none.", error="invalid_request")
    await call.service.access.revoke_token(token)
    return Response(status_code=200)


@routes.add("GET", "/v1/audit", scope="admin", query=Page, answer=AuditPage)
async def read_audit(call: Call[None]) -> AuditPage:
    """Who has done what, newest first."""
    before, limit = call.query.before, call.query.limit

    def work(connection: Connection) -> list[AuditEntry]:
        wanted = select(audit_log).order_by(audit_log.c.id.desc()).limit(limit)
        if before is not None:
            wanted = wanted.where(audit_log.c.id < before)
        rows = connection.execute(wanted)
        return [AuditEntry(**{**row._mapping, "detail": json.loads(row.detail)}) for row in rows]

    return AuditPage(entries=await call.service.database.read(work))


async def _made(call: Call[Any], key: str, name: str) -> MadeKey:
    await call.service.access.renew()
    return MadeKey(key=key, prefix=str(keys.prefix_of(key)), name=name)


def _facts(key: keys.Key, now: int) -> KeyFacts:
    return KeyFacts(
        prefix=key.prefix,
        name=key.name,
        scopes=sorted(key.scopes),
        created_at=key.created_at,
        created_by=key.created_by,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        good=key.good(now),
    )


def _form(body: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=20, strict_parsing=bool(body), errors="strict"
        )
    except ValueError:
        raise Problem(400, "malformed-body", "the body must be a form, but got something else.") from None
    if len(dict(pairs)) != len(pairs):
        raise Problem(400, "malformed-body", "every name must be in the form once, but got one twice.")
    return dict(pairs)


def _client(authorization: str | None, form: dict[str, str]) -> tuple[str, str]:
    """Client id and secret, from Basic authorization or the form."""
    if authorization is None:
        return form.get("client_id", ""), form.get("client_secret", "")
    kind, _, credential = authorization.partition(" ")
    try:
        said = base64.b64decode(credential, validate=True).decode() if kind.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        said = ""
    client, _, secret = said.partition(":")
    return unquote_plus(client), unquote_plus(secret)
