"""Models over HTTP."""

import asyncio
from types import SimpleNamespace

import httpx
import pytest
from sqlalchemy import select

from foregate.persistence import pack_folder
from foregate.service.access.scopes import Principal
from foregate.service.api.app import create_app
from foregate.service.clock import now
from foregate.service.metrics import Metrics
from foregate.service.registry.registry import CHAMPION
from foregate.service.registry.routes import routes
from foregate.service.settings import Settings
from foregate.service.store.tables import audit_log

SCOPES = frozenset({"read", "train"})


class Open:
    """Lets everybody in, with the scopes it was told."""

    def __init__(self, scopes=SCOPES):
        self.scopes = scopes

    async def authenticate(self, request, *, public):
        return Principal("tester", self.scopes)

    async def admit(self, principal, request):
        pass

    def peer(self, request):
        return "peer"


@pytest.fixture
def ask(sqlite, make, folder):
    """Asks one question after the other; a registry has model m with two versions, the first the champion."""

    def asked(*questions, scopes=SCOPES, limits=None):
        async def main():
            registry = make(sqlite)
            if not await registry.models():
                for mark, alias in (("a", CHAMPION), ("b", None)):
                    await registry.register("m", folder(mark), source="upload", actor="me", alias=alias)
            settings = Settings(**({"limits": limits} if limits else {}))
            parts = {
                "access": Open(scopes),
                "registry": registry,
                "metrics": Metrics(),
                "database": sqlite,
                "clock": now,
            }
            service = SimpleNamespace(settings=settings, draining=False, **parts)
            transport = httpx.ASGITransport(create_app(service, [routes]))
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return [await client.request(*question[:2], **dict(*question[2:])) for question in questions]

        return asyncio.run(main())

    return asked


def test_what_there_is_can_be_read(ask):
    """Models, versions, aliases and their history are told, and agree."""
    models, model, versions, second, champion, history = ask(
        ("GET", "/v1/models"),
        ("GET", "/v1/models/m"),
        ("GET", "/v1/models/m/versions"),
        ("GET", "/v1/models/m/versions/2"),
        ("GET", "/v1/models/m/versions/champion"),
        ("GET", "/v1/models/m/history"),
    )
    assert models.json() == {"models": [model.json()]}
    assert (model.json()["versions"], model.json()["aliases"]) == (2, {"champion": 1})
    assert versions.json()["versions"] == [champion.json(), second.json()]
    assert champion.json()["aliases"] == ["champion"]
    assert champion.json()["created_at"].endswith("Z")
    assert [(each["before"], each["after"], each["actor"]) for each in history.json()["moves"]] == [(None, 1, "me")]


def test_down_and_up_is_the_same_model(ask):
    """What is downloaded can be uploaded, and is the same to the byte; the first of a name is its champion."""
    (content,) = ask(("GET", "/v1/models/m/versions/champion/content"))
    assert content.headers["content-type"] == "application/x-tar"
    up, again, alias, other = ask(
        ("POST", "/v1/models/n/versions", {"content": content.content}),
        ("POST", "/v1/models/n/versions", {"content": content.content}),
        ("GET", "/v1/models/n/aliases/champion"),
        ("POST", "/v1/models/n/versions?alias=challenger", {"content": content.content}),
    )
    assert (up.status_code, again.status_code) == (201, 201)
    assert content.headers["etag"] == f'"{up.json()["sha256"]}"'
    assert [each.json()["aliases"] for each in (up, again, other)] == [["champion"], [], ["challenger"]]
    assert up.json()["created_by"] == "tester"
    assert alias.json()["version"] == 1


def test_a_name_moves_only_from_where_it_was_seen(ask):
    """With the ETag that was given out, a name moves once; the next one who has it gets 412 and the present state."""
    (seen,) = ask(("GET", "/v1/models/m/aliases/champion"))
    tag = {"If-Match": seen.headers["etag"]}
    moved, late, now = ask(
        ("PUT", "/v1/models/m/aliases/champion", {"json": {"version": 2, "reason": "better"}, "headers": tag}),
        ("PUT", "/v1/models/m/aliases/champion", {"json": {"version": 1}, "headers": tag}),
        ("GET", "/v1/models/m/aliases/champion"),
    )
    assert (moved.status_code, moved.json()["version"]) == (200, 2)
    assert (late.status_code, late.json()["revision"]) == (412, now.json()["revision"])
    assert moved.headers["etag"] == now.headers["etag"] != seen.headers["etag"]


def test_what_is_moved_and_uploaded_is_audited(ask, sqlite):
    """The audit log has every upload, every move and every alias taken away, and none that was refused."""
    (content,) = ask(("GET", "/v1/models/m/versions/1/content"))
    ask(
        ("POST", "/v1/models/n/versions", {"content": content.content}),
        ("PUT", "/v1/models/m/aliases/x", {"json": {"version": 2}}),
        ("PUT", "/v1/models/m/aliases/x", {"json": {"version": 1}, "headers": {"If-None-Match": "*"}}),
        ("DELETE", "/v1/models/m/aliases/x"),
    )
    rows = sqlite.read_now(lambda connection: connection.execute(select(audit_log).order_by(audit_log.c.id)).all())
    assert [(row.action, row.actor, row.subject) for row in rows] == [
        ("model.upload", "tester", "n"),
        ("alias.move", "tester", "m"),
        ("alias.remove", "tester", "m"),
    ]


def test_a_name_can_be_made_only_once(ask):
    """With If-None-Match: * a name is given only if it is new; with If-Match: * only if it is there."""
    new, body = {"If-None-Match": "*"}, {"version": 1}
    there = {"If-Match": "*"}
    answers = ask(
        ("PUT", "/v1/models/m/aliases/x", {"json": body, "headers": there}),
        ("PUT", "/v1/models/m/aliases/x", {"json": body, "headers": new}),
        ("PUT", "/v1/models/m/aliases/x", {"json": {"version": 2}, "headers": new}),
        ("PUT", "/v1/models/m/aliases/x", {"json": {"version": 2}, "headers": there}),
    )
    assert [each.status_code for each in answers] == [412, 200, 412, 200]


def test_a_name_can_be_taken_away(ask):
    """An alias that was taken away is not there, and the history says who did it and why."""
    gone, missing, again, history = ask(
        ("DELETE", "/v1/models/m/aliases/champion?reason=wrong"),
        ("GET", "/v1/models/m/aliases/champion"),
        ("DELETE", "/v1/models/m/aliases/champion"),
        ("GET", "/v1/models/m/history"),
    )
    assert [gone.status_code, missing.status_code, again.status_code] == [204, 404, 404]
    last = history.json()["moves"][0]
    assert (last["before"], last["after"], last["actor"], last["reason"]) == (1, None, "tester", "wrong")


ODD = ["%2e%2e", "..%2f..%2fetc%2fpasswd", "..%5c", "m%00", "M", "%E2%80%A5", "m%23", "m%20", "a" * 65]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_lead_nowhere(ask, name):
    """Whatever is tried for a name, it is not there or no name: never an error of the server, never a file."""
    answers = ask(
        ("GET", f"/v1/models/{name}"),
        ("GET", f"/v1/models/{name}/versions"),
        ("GET", f"/v1/models/m/versions/{name}"),
        ("GET", f"/v1/models/m/versions/{name}/content"),
        ("GET", f"/v1/models/m/aliases/{name}"),
        ("PUT", f"/v1/models/m/aliases/{name}", {"json": {"version": 1}}),
        ("POST", f"/v1/models/{name}/versions", {"content": b"x"}),
    )
    assert {each.status_code for each in answers} <= {404, 405, 422}


@pytest.mark.parametrize("tag", ["abc", '"-1"', '"1.5"', '"99999999999"', '"١"'.encode(), "W/x"])
def test_what_is_no_etag_is_refused(ask, tag):
    """If-Match must be what was given out."""
    (answer,) = ask(("PUT", "/v1/models/m/aliases/champion", {"json": {"version": 2}, "headers": {"If-Match": tag}}))
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) == (422, "invalid-header")


def test_an_upload_that_is_too_large_is_refused(ask, folder):
    """The limit of uploads holds, and nothing is registered."""
    content = b"".join(pack_folder(folder("big", 50_000)))
    limits = {"upload_bytes": 20_000}
    answer, model = ask(("POST", "/v1/models/n/versions", {"content": content}), ("GET", "/v1/models/n"), limits=limits)
    assert (answer.status_code, model.status_code) == (413, 404)


def test_who_may_only_read_changes_nothing(ask):
    """Moving, taking away and uploading need the scope train."""
    questions = (
        ("PUT", "/v1/models/m/aliases/champion", {"json": {"version": 2}}),
        ("DELETE", "/v1/models/m/aliases/champion"),
        ("POST", "/v1/models/m/versions", {"content": b""}),
    )
    assert [each.status_code for each in ask(*questions, scopes=frozenset({"read"}))] == [403] * 3
