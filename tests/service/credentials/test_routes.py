"""Keys, tokens and the audit log, by HTTP."""

import base64

import pytest


def made(bare, **said):
    """A key that was made over HTTP."""
    answer = bare.ask("POST", "/v1/keys", scope="admin", json={"name": "loader", "scopes": ["read"], **said})
    assert answer.status_code == 201
    return answer.json()


def uses(bare, credential, path="/v1/keys"):
    """The status that a credential gets."""
    return bare.ask("GET", path, headers={"Authorization": f"Bearer {credential}"}).status_code


def token(bare, key, **form):
    """The answer to a request for a token."""
    said = {"grant_type": "client_credentials", "client_id": key["prefix"], "client_secret": key["key"], **form}
    return bare.ask("POST", "/v1/token", data=said)


def test_a_key_opens_what_its_scopes_say(bare):
    """A key is good at once; without the scope it is 403, not 401."""
    assert uses(bare, made(bare)["key"]) == 403
    assert uses(bare, made(bare, name="boss", scopes=["admin"])["key"]) == 200


def test_a_key_is_never_told_again(bare):
    """Lists name keys by their prefix; key and hash are nowhere in them."""
    key = made(bare)
    text = bare.ask("GET", "/v1/keys", scope="admin").text
    assert key["prefix"] in text
    assert key["key"][16:] not in text
    assert "sha256" not in text


def test_a_revoked_key_is_like_none(bare):
    """After it is revoked a key gets 401, and can't be revoked again."""
    key = made(bare, scopes=["admin"])
    assert uses(bare, key["key"]) == 200
    gone = bare.ask("DELETE", f"/v1/keys/{key['prefix']}", scope="admin")
    assert gone.json()["good"] is False
    assert uses(bare, key["key"]) == 401
    assert bare.ask("DELETE", f"/v1/keys/{key['prefix']}", scope="admin").status_code == 404


def test_a_key_ends_by_itself(bare, clock):
    """A key that was made for a day is 401 afterwards."""
    key = made(bare, scopes=["admin"], days=1)
    clock.pass_by(86_399)
    assert uses(bare, key["key"]) == 200
    clock.pass_by(2)
    assert uses(bare, key["key"]) == 401


def test_a_rotated_key_overlaps_its_successor(bare, clock):
    """Both are good during the overlap, then the new one only; both are one principal."""
    old = made(bare, scopes=["admin"])
    answer = bare.ask("POST", f"/v1/keys/{old['prefix']}/rotation", scope="admin", json={"overlap_seconds": 60})
    new = answer.json()
    assert new["name"] == old["name"]
    assert uses(bare, old["key"]) == uses(bare, new["key"]) == 200
    clock.pass_by(61)
    assert uses(bare, old["key"]) == 401
    assert uses(bare, new["key"]) == 200


def test_two_good_keys_cannot_have_one_name(bare):
    """A name that is in use is 409."""
    made(bare)
    again = bare.ask("POST", "/v1/keys", scope="admin", json={"name": "loader", "scopes": ["read"]})
    assert again.status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {"name": "Loader", "scopes": ["read"]},
        {"name": "loader", "scopes": []},
        {"name": "loader", "scopes": ["root"]},
        {"name": "loader", "scopes": ["read"], "days": -1},
        {"name": "../x", "scopes": ["read"]},
    ],
)
def test_an_impossible_key_is_refused(bare, body):
    """Names are words and scopes are known ones."""
    assert bare.ask("POST", "/v1/keys", scope="admin", json=body).status_code == 422


def test_a_token_is_given_for_a_key(bare, clock):
    """A token opens what its key does until it ends, or its key does."""
    key = made(bare, scopes=["admin"])
    basic = base64.b64encode(f"{key['prefix']}:{key['key']}".encode()).decode()
    by_basic = bare.ask(
        "POST", "/v1/token", headers={"Authorization": f"Basic {basic}"}, data={"grant_type": "client_credentials"}
    )
    for answer in (token(bare, key), by_basic):
        assert answer.status_code == 200
        said = answer.json()
        assert said["token_type"] == "Bearer"
        assert said["expires_in"] == 3600
        assert uses(bare, said["access_token"]) == 200
    clock.pass_by(3600 + 29)
    assert uses(bare, said["access_token"]) == 200  # clocks differ a little
    clock.pass_by(2)
    assert uses(bare, said["access_token"]) == 401


def test_a_token_ends_with_its_key(bare):
    """Revoking a key ends its tokens."""
    key = made(bare, scopes=["admin"])
    given = token(bare, key).json()["access_token"]
    bare.ask("DELETE", f"/v1/keys/{key['prefix']}", scope="admin")
    assert uses(bare, given) == 401


def test_a_revoked_token_is_like_none(bare):
    """A token that was given back is 401; giving back what is none says nothing."""
    given = token(bare, made(bare, scopes=["admin"])).json()["access_token"]
    assert uses(bare, given) == 200
    for text in (given, given, "rubbish"):
        assert bare.ask("POST", "/v1/token/revocation", data={"token": text}).status_code == 200
    assert uses(bare, given) == 401


def test_a_token_has_at_most_the_scopes_of_its_key(bare):
    """Less may be asked for, never more."""
    key = made(bare, scopes=["read", "admin"])
    less = token(bare, key, scope="read").json()
    assert less["scope"] == "read"
    assert uses(bare, less["access_token"]) == 403
    weak = made(bare, name="weak", scopes=["read"])
    answer = token(bare, weak, scope="read admin")
    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_scope"


def test_every_wrong_client_gets_one_answer(bare):
    """Unknown client, wrong secret, other client's secret: the same 401."""
    key, other = made(bare), made(bare, name="other")
    wrong = [
        token(bare, key, client_secret=other["key"]),
        token(bare, key, client_id="nobody"),
        token(bare, key, client_secret="x"),
        token(bare, key, client_secret=key["key"][:-1] + "!"),
        bare.ask("POST", "/v1/token", headers={"Authorization": "Basic !"}, data={"grant_type": "client_credentials"}),
    ]
    told = {(answer.status_code, answer.json()["detail"], answer.json()["type"]) for answer in wrong}
    assert len(told) == 1
    assert told.pop()[0] == 401


def test_bad_forms_are_refused(bare):
    """What is no form, names something twice or asks for another grant is 400."""
    for content in (b"\xff", b"a=1&a=2", b"grant_type=password", b"", b"&" * 100):
        assert bare.ask("POST", "/v1/token", content=content).status_code == 400


def test_what_was_done_is_written_down(bare):
    """The audit log has who made and revoked which key, newest first, and no secret."""
    key = made(bare)
    bare.ask("DELETE", f"/v1/keys/{key['prefix']}", scope="admin", headers={"X-Request-Id": "r-7"})
    answer = bare.ask("GET", "/v1/audit", scope="admin")
    newest, before = answer.json()["entries"]
    assert (newest["action"], newest["subject"], newest["request"]) == ("key.revoke", "loader", "r-7")
    assert (before["action"], before["actor"]) == ("key.add", "key:admin")
    assert key["key"][16:] not in answer.text
    older = bare.ask("GET", f"/v1/audit?before={newest['id']}&limit=1", scope="admin").json()["entries"]
    assert older == [before]
