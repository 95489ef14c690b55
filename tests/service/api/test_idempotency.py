"""Requests that are repeated with their key are done once."""

import asyncio

import pytest
from msgspec import Struct
from sqlalchemy import insert, select

from foregate.service.api.endpoints import Routes
from foregate.service.problems import Problem
from foregate.service.store.tables import events, idempotency
from tests.service.fakes import lab

routes = Routes("Tests")
held = {}


class Thing(Struct):
    name: str


class Made(Struct):
    number: int


def effect(name):
    """Write an event; its number is the answer."""
    return lambda connection: connection.execute(
        insert(events).values(at=0, kind="job", subject=name, data="{}")
    ).inserted_primary_key[0]


@routes.add("POST", "/v1/things", scope="write", body=Thing, answer=Made, status=201, idempotent=True)
async def make(call):
    """Make one; the answer is kept afterwards."""
    if call.body.name == "slow":
        held["began"].set()
        await held["go"].wait()
    if call.body.name == "bad":
        raise Problem(422, "bad", "the name must be good, but got bad.")
    return Made(await call.service.database.write(effect(call.body.name)))


@routes.add("POST", "/v1/kept", scope="write", body=Thing, answer=Made, status=201, idempotent=True)
async def kept(call):
    """Make one; the answer is kept with it."""

    def work(connection):
        answer = Made(effect(call.body.name)(connection))
        call.keep(connection, answer, 201)
        return answer

    answer = await call.service.database.write(work)
    if call.body.name == "crash":
        raise KeyError("after the effect")
    return answer


@pytest.fixture
def one(tmp_path, clock):
    """A service with the routes of this file."""
    with lab(tmp_path, routes, settings={"limits": {"seconds": 5}}, clock=clock) as service:
        yield service


def post(one, name, key, path="/v1/things"):
    """Ask for a thing."""
    return one.ask("POST", path, scope="write", json={"name": name}, headers={"Idempotency-Key": key})


def effects(one):
    """How many things were made."""
    return len(one.service.database.read_now(lambda connection: connection.execute(select(events)).all()))


@pytest.mark.parametrize("path", ["/v1/things", "/v1/kept"])
def test_a_repetition_gets_the_same_answer(one, path):
    """Same key, same body: one effect, one answer, and the second says that it is a repetition."""
    first, second = post(one, "a", "k", path), post(one, "a", "k", path)
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert effects(one) == 1


def test_a_key_is_for_one_request(one):
    """Same key, other body or path: 422, and nothing is done."""
    post(one, "a", "k")
    assert post(one, "b", "k").status_code == 422
    assert post(one, "a", "k", "/v1/kept").status_code == 422
    assert effects(one) == 1


def test_keys_belong_to_whoever_uses_them(one):
    """Two principals may use one key and get answers of their own."""
    post(one, "a", "k")
    other = one.ask("POST", "/v1/things", scope="admin", json={"name": "b"}, headers={"Idempotency-Key": "k"})
    assert other.status_code == 201
    assert effects(one) == 2


def test_a_twin_in_flight_waits(one):
    """While the first is being answered the second is 409, and there is one effect."""
    one.key("write")

    async def both():
        held.update(began=asyncio.Event(), go=asyncio.Event())
        said = {"json": {"name": "slow"}, "headers": {"Idempotency-Key": "k"}, "scope": "write"}
        first = asyncio.create_task(one.asking("POST", "/v1/things", **said))
        await held["began"].wait()
        second = await one.asking("POST", "/v1/things", **said)
        held["go"].set()
        return await first, second

    first, second = one.run(both())
    assert first.status_code == 201
    assert second.status_code == 409
    assert second.headers["retry-after"] == "1"
    assert effects(one) == 1


def test_what_failed_may_be_tried_again(one):
    """A refusal is not kept: the key is free."""
    assert post(one, "bad", "k").status_code == 422
    assert post(one, "good", "k").status_code == 201


def test_an_answer_outlives_the_process_that_gave_it(one):
    """Where the answer was written with the effect, a crash right after that does it once all the same."""
    assert post(one, "crash", "k", "/v1/kept").status_code == 500
    again = post(one, "crash", "k", "/v1/kept")
    assert again.status_code == 201
    assert effects(one) == 1


def test_a_request_that_died_does_not_block_its_key(one, clock):
    """After twice the time that a request may take, another try goes ahead."""
    row = {"principal": "key:write", "key": "k", "status": 0, "answer": b"", "at": clock()}
    body = one.app.idempotency
    assert body is not None
    post(one, "a", "other")
    hashed = one.service.database.read_now(
        lambda connection: connection.execute(select(idempotency.c.body)).scalar_one()
    )
    one.service.database.write_now(
        lambda connection: connection.execute(insert(idempotency).values(body=hashed, **row))
    )
    assert post(one, "a", "k").status_code == 409
    clock.pass_by(11)
    assert post(one, "a", "k").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 129, "a b", "é".encode()])
def test_a_key_is_visible_ascii(one, key):
    """Other keys are refused."""
    headers = {"Idempotency-Key": key}
    assert one.ask("POST", "/v1/things", scope="write", json={"name": "a"}, headers=headers).status_code == 422
