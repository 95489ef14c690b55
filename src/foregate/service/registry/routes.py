"""Models over HTTP: what there is, what it is called, up and down."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from sqlalchemy import Connection
from starlette.responses import FileResponse, Response

from foregate.service.api.endpoints import Call, Link, Routes
from foregate.service.problems import Problem
from foregate.service.registry.records import Named, no_such
from foregate.service.registry.registry import CHAMPION, Version

__all__ = ["routes"]

routes = Routes("Models")
PACKED = "application/x-tar"
REASON = 500
MODEL, FOUND = "$request.path.model", "$response.body#/version"


class VersionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a model."""

    model: Annotated[str, Meta(description="name of the model")]
    version: Annotated[int, Meta(description="number of the version, from 1", ge=1)]
    kind: Annotated[str, Meta(description="`model`, or `pretrained` for any horizon and season")]
    sha256: Annotated[str, Meta(description="of the model as one file")]
    size: Annotated[int, Meta(description="bytes of that file")]
    facts: Annotated[dict[str, Any], Meta(description="what the model says of itself")]
    metrics: Annotated[dict[str, Any], Meta(description="how it was scored")]
    has_reference: Annotated[bool, Meta(description="whether it is known what its training data looked like")]
    source: Annotated[str, Meta(description="`shipped`, `upload` or `job:NUMBER`")]
    created_at: Annotated[datetime, Meta(description="when it was registered")]
    created_by: Annotated[str, Meta(description="who registered it")]
    aliases: Annotated[list[str], Meta(description="what it is called now")]


class VersionsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Versions of a model, the newest last."""

    versions: Annotated[list[VersionAnswer], Meta(description="The newest last.")]


class ModelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A model."""

    name: Annotated[str, Meta(description="name of the model")]
    created_at: Annotated[datetime, Meta(description="when its first version was registered")]
    versions: Annotated[int, Meta(description="how many versions it has")]
    aliases: Annotated[dict[str, int], Meta(description="alias and the version that it means")]


class ModelsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All models, by name."""

    models: Annotated[list[ModelAnswer], Meta(description="By name.")]


class AliasAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An alias. Its revision is also the ETag of the answer."""

    model: Annotated[str, Meta(description="name of the model")]
    alias: Annotated[str, Meta(description="what a version is called")]
    version: Annotated[int, Meta(description="number of that version")]
    revision: Annotated[int, Meta(description="counts the moves of the alias; for If-Match")]


class AliasBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where an alias moves, and why."""

    version: Annotated[int, Meta(description="number of the version", ge=1, le=2**31 - 1)]
    reason: Annotated[str, Meta(description="why, for the history", min_length=1, max_length=REASON)] = "by request"


class MoveAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An alias was moved."""

    id: Annotated[int, Meta(description="number of the move")]
    alias: Annotated[str, Meta(description="what was moved")]
    before: Annotated[int | None, Meta(description="version before; null: there was no such alias")]
    after: Annotated[int | None, Meta(description="version after; null: the alias was taken away")]
    actor: Annotated[str, Meta(description="who moved it")]
    reason: Annotated[str, Meta(description="why")]
    at: Annotated[datetime, Meta(description="when")]


class HistoryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Every move of an alias of a model, the newest first."""

    moves: Annotated[list[MoveAnswer], Meta(description="The newest first.")]


class UploadQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What becomes of a model that is uploaded."""

    alias: Annotated[
        str | None,
        Meta(description="moved to it; where it is not given, the first version of a model becomes its champion"),
    ] = None


class ReasonQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: Annotated[str, Meta(description="why, for the history", min_length=1, max_length=REASON)] = "by request"


@routes.add(
    "GET",
    "/v1/models",
    scope="read",
    answer=ModelsAnswer,
    links=(Link("list_versions", {"model": "$response.body#/models/0/name"}),),
)
async def list_models(call: Call[None]) -> ModelsAnswer:
    """All models."""
    return ModelsAnswer(models=[_model(each) for each in await call.service.registry.models()])


@routes.add("GET", "/v1/models/{model}", scope="read", answer=ModelAnswer)
async def get_model(call: Call[None]) -> ModelAnswer:
    """One model."""
    for each in await call.service.registry.models():
        if each.name == call.path["model"]:
            return _model(each)
    raise no_such(call.path["model"])


@routes.add(
    "GET",
    "/v1/models/{model}/versions",
    scope="read",
    answer=VersionsAnswer,
    links=(
        Link("get_version", {"model": MODEL, "version": "$response.body#/versions/0/version"}),
        Link("put_alias", {"model": MODEL}, {"version": "$response.body#/versions/0/version"}),
    ),
)
async def list_versions(call: Call[None]) -> VersionsAnswer:
    """The versions of a model."""
    registry, model = call.service.registry, call.path["model"]
    found, aliases = await registry.versions(model), await registry.aliases(model)
    return VersionsAnswer(versions=[_version(each, aliases) for each in found])


@routes.add("GET", "/v1/models/{model}/versions/{version}", scope="read", answer=VersionAnswer)
async def get_version(call: Call[None]) -> VersionAnswer:
    """One version, by its number or an alias."""
    registry, model = call.service.registry, call.path["model"]
    found = await registry.resolve(model, call.path["version"])
    return _version(found, await registry.aliases(model))


@routes.add("GET", "/v1/models/{model}/versions/{version}/content", scope="read")
async def download(call: Call[None]) -> Response:
    """A model as one file, a tar archive of the folder that `foregate.load` reads."""
    registry = call.service.registry
    found = await registry.resolve(call.path["model"], call.path["version"])
    path = await asyncio.to_thread(registry.packed, found)
    headers = {"ETag": f'"{found.sha256}"', "Foregate-Version": f"{found.model}/{found.version}"}
    name = f"{found.model}-{found.version}.tar"
    return FileResponse(path, headers=headers, media_type=PACKED, filename=name)


@routes.add(
    "POST",
    "/v1/models/{model}/versions",
    scope="train",
    query=UploadQuery,
    answer=VersionAnswer,
    status=201,
    links=(
        Link("get_version", {"model": MODEL, "version": FOUND}),
        Link("download", {"model": MODEL, "version": FOUND}),
        Link("put_alias", {"model": MODEL}, {"version": FOUND}),
    ),
    media=PACKED,
    limit="upload_bytes",
)
async def upload(call: Call[None]) -> VersionAnswer:
    """A model from one file becomes the next version; it is looked at first, in a process that can do little."""
    registry, model = call.service.registry, call.path["model"]
    alias = call.query.alias
    if alias is None and all(each.name != model for each in await registry.models()):
        alias = CHAMPION

    def also(connection: Connection, made: Version) -> None:
        call.audit(connection, "model.upload", model, version=made.version, sha256=made.sha256, alias=alias)

    found = await registry.receive(model, call.stream(), actor=call.principal.name, alias=alias, also=also)
    return _version(found, registry.known_aliases(model))


@routes.add("GET", "/v1/models/{model}/aliases/{alias}", scope="read", answer=AliasAnswer)
async def get_alias(call: Call[None]) -> Response:
    """Which version an alias means."""
    model, alias = call.path["model"], call.path["alias"]
    found = (await call.service.registry.aliases(model)).get(alias)
    if found is None:
        raise no_such(model, alias)
    return _alias(model, alias, *found)


@routes.add(
    "PUT",
    "/v1/models/{model}/aliases/{alias}",
    scope="train",
    body=AliasBody,
    answer=AliasAnswer,
    links=(
        *(Link(name, {"model": MODEL, "alias": "$request.path.alias"}) for name in ("get_alias", "delete_alias")),
        Link("get_history", {"model": MODEL}),
    ),
)
async def put_alias(call: Call[AliasBody]) -> Response:
    """Give a version a name. With If-Match, only if nobody has moved it since; with If-None-Match: *, only if new."""
    model, alias, body = call.path["model"], call.path["alias"], call.body
    revision = await call.service.registry.move(
        model,
        alias,
        body.version,
        actor=call.principal.name,
        reason=body.reason,
        revision=await _revision(call),
        also=lambda connection: call.audit(connection, "alias.move", model, alias=alias, version=body.version),
    )
    return _alias(model, alias, body.version, revision)


@routes.add("DELETE", "/v1/models/{model}/aliases/{alias}", scope="train", query=ReasonQuery, status=204)
async def delete_alias(call: Call[None]) -> Response:
    """Take an alias away. The version stays. With If-Match, only if nobody has moved it since."""
    model, alias = call.path["model"], call.path["alias"]
    await call.service.registry.remove(
        model,
        alias,
        actor=call.principal.name,
        reason=call.query.reason,
        revision=await _revision(call),
        also=lambda connection: call.audit(connection, "alias.remove", model, alias=alias),
    )
    return Response(status_code=204)


@routes.add("GET", "/v1/models/{model}/history", scope="read", answer=HistoryAnswer)
async def get_history(call: Call[None]) -> HistoryAnswer:
    """Who moved which alias of a model, when and why."""
    moves = await call.service.registry.history(call.path["model"])
    return HistoryAnswer(
        moves=[
            MoveAnswer(
                id=each.id,
                alias=each.alias,
                before=each.before,
                after=each.after,
                actor=each.actor,
                reason=each.reason,
                at=_time(each.at),
            )
            for each in moves
        ]
    )


async def _revision(call: Call[Any]) -> int | None:
    """What If-Match or If-None-Match asks for; 0: that there is no such alias."""
    match, none = call.request.headers.get("if-match"), call.request.headers.get("if-none-match")
    if none is not None:
        if none.strip() != "*" or match is not None:
            raise Problem(422, "invalid-header", f"If-None-Match must be * and alone, but got {none[:80]!r}.")
        return 0
    if match is None:
        return None
    if match.strip() == "*":
        found = (await call.service.registry.aliases(call.path["model"])).get(call.path["alias"])
        if found is None:
            raise Problem(412, "moved-meanwhile", "the alias must be there, but got none. Leave If-Match out.")
        return found[1]
    said = match.strip().removeprefix('"').removesuffix('"')
    if not (said.isascii() and said.isdigit() and len(said) < 10):
        detail = f"If-Match must be the ETag of the alias, but got {match[:80]!r}. Ask for the alias first."
        raise Problem(422, "invalid-header", detail)
    return int(said)


def _alias(model: str, alias: str, version: int, revision: int) -> Response:
    answer = AliasAnswer(model=model, alias=alias, version=version, revision=revision)
    headers = {"ETag": f'"{revision}"'}
    return Response(msgspec.json.encode(answer), headers=headers, media_type="application/json")


def _model(named: Named) -> ModelAnswer:
    return ModelAnswer(
        name=named.name,
        created_at=_time(named.created_at),
        versions=named.versions,
        aliases=dict(sorted(named.aliases.items())),
    )


def _version(version: Version, aliases: dict[str, tuple[int, int]]) -> VersionAnswer:
    return VersionAnswer(
        model=version.model,
        version=version.version,
        kind=str(version.facts.get("kind", "model")),
        sha256=version.sha256,
        size=version.size,
        facts=dict(version.facts),
        metrics=dict(version.metrics),
        has_reference=version.reference is not None,
        source=version.source,
        created_at=_time(version.created_at),
        created_by=version.created_by,
        aliases=sorted(alias for alias, (number, _) in aliases.items() if number == version.version),
    )


def _time(at: int) -> datetime:
    """From microseconds since 1970."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).replace(microsecond=at % 1_000_000)
