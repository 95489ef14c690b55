"""Who gets in: every bad token gets the same answer, every route asks for its scope."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from foregate.core import UsageError
from foregate.service.access.keys import FORM
from foregate.service.access.scopes import SCOPES
from foregate.service.api.endpoints import PUBLIC, Endpoint
from foregate.service.assembly import routes
from tests.service.fakes import SECRET, START, lab

ISSUER = "https://issuer.example"
NOW = START // 1_000_000
GOOD = {"iss": ISSUER, "aud": "foregate", "sub": "someone", "scope": "admin", "iat": NOW, "exp": NOW + 600}
KINDS = {
    "RS256": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
}


def jwk(key, algorithm, key_id):
    """A public key as an issuer publishes it."""
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
    return {**made, "kid": key_id, "use": "sig", "alg": algorithm}


class Issuer:
    """Publishes keys on this machine."""

    def __init__(self):
        self.keys = [jwk(key, name, name) for name, key in KINDS.items()]
        self.asked, self.down = 0, False
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked += 1
                self.send_response(500 if issuer.down else 200)
                self.end_headers()
                self.wfile.write(json.dumps({"keys": issuer.keys, "more": 1}).encode())

            def log_message(self, *said):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"


@pytest.fixture
def issuer():
    """An issuer of tokens."""
    one = Issuer()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.fixture
def trusting(tmp_path, clock, issuer):
    """A service that trusts the issuer."""
    access = {"issuer": ISSUER, "jwks_url": issuer.url}
    with lab(tmp_path, settings={"access": access}, clock=clock) as one:
        yield one


def signed(claims=None, algorithm="RS256", key=None, **header):
    """A token of the issuer."""
    head = {"kid": algorithm, **header}
    return jwt.encode({**GOOD, **(claims or {})}, key or KINDS[algorithm], algorithm, head)


def by_hand(header, claims, signature=b""):
    """A token that no library would make."""

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part(header)}.{part(claims)}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def status(one, token, **headers):
    """The status that a token gets."""
    return one.ask("GET", "/v1/keys", headers={"Authorization": f"Bearer {token}", **headers}).status_code


def without(name):
    """Good claims but one."""
    claims = {key: value for key, value in GOOD.items() if key != name}
    return jwt.encode(claims, KINDS["RS256"], "RS256", {"kid": "RS256"})


def public_pem():
    """The issuer's public key, as whoever confuses algorithms would use it for a secret."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return KINDS["RS256"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hs256(header, claims, secret):
    """A token signed with a secret, whatever the library thinks of the secret."""
    import hashlib
    import hmac

    unsigned = by_hand(header, claims).rpartition(".")[0]
    mac = hmac.new(secret, unsigned.encode(), hashlib.sha256).digest()
    return f"{unsigned}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def own(claims, *, kid=None):
    """A token signed with our own secret by somebody else's rules."""
    from foregate.service.access.tokens import Own

    known = Own(SECRET, "foregate", lambda: START).key_id
    return hs256({"alg": "HS256", "kid": kid or known}, claims, SECRET.encode())


OTHER = rsa.generate_private_key(65537, 2048)
BAD = {
    "nothing": "",
    "words": "not a token",
    "two parts": "a.b",
    "not base64": "!.!.!",
    "alg none": by_hand({"alg": "none", "kid": "RS256"}, GOOD),
    "alg None": by_hand({"alg": "None", "kid": "RS256"}, GOOD),
    "alg nOnE": by_hand({"alg": "nOnE", "kid": "RS256"}, GOOD),
    "alg missing": by_hand({"kid": "RS256"}, GOOD),
    "alg a list": by_hand({"alg": ["RS256"], "kid": "RS256"}, GOOD),
    "kid missing": by_hand({"alg": "RS256"}, GOOD),
    "public key as secret": hs256({"alg": "HS256", "kid": "RS256"}, GOOD, public_pem()),
    "other key": signed(key=OTHER),
    "key of another algorithm": signed(algorithm="ES256", kid="RS256"),
    "unknown kid": signed(kid="nobody"),
    "kid traversal": signed(kid="../../../etc/passwd"),
    "kid SQL": signed(kid="' OR 1=1 --"),
    "jku": signed(jku="https://evil.example/keys"),
    "x5u": signed(x5u="https://evil.example/cert"),
    "own jwk": signed(key=OTHER, jwk=jwk(OTHER, "RS256", "RS256")),
    "good key, jwk": signed(jwk=jwk(OTHER, "RS256", "RS256")),
    "unknown crit": signed(crit=["new"], new=1),
    "expired": signed({"exp": NOW - 31}),
    "not yet": signed({"nbf": NOW + 60}),
    "issued later": signed({"iat": NOW + 60}),
    "wrong audience": signed({"aud": "another"}),
    "wrong issuer": signed({"iss": "https://evil.example"}),
    "our issuer, foreign key": signed({"iss": "foregate"}),
    **{f"no {name}": without(name) for name in ("exp", "iat", "iss", "aud", "sub")},
    "exp is text": signed() if False else by_hand({"alg": "RS256", "kid": "RS256"}, {**GOOD, "exp": "never"}),
    "subject is a number": jwt.encode({**GOOD, "sub": "x"}, OTHER, "RS256", {"kid": "RS256"}),
    "huge": signed({"more": "x" * 9000}),
    "stripped signature": signed().rpartition(".")[0] + ".",
    "cut signature": signed()[:-8],
    "own secret, no jti": own({**GOOD, "iss": "foregate"}),
    "own secret, unknown key": own({**GOOD, "iss": "foregate", "jti": "1", "sub": "aaaaaaaaaaaa"}),
    "own secret, foreign issuer": own({**GOOD, "jti": "1"}),
    "own kid, RS256": signed(kid="own-00000000"),
    "API key, unknown": "fg_aaaaaaaaaaaa_" + "a" * 43,
    "API key, short": "fg_aaaaaaaaaaaa_a",
    "not ASCII": "tök€n".encode().decode("latin-1"),
}


@pytest.mark.parametrize("algorithm", KINDS)
def test_a_good_token_of_the_issuer_gets_in(trusting, algorithm):
    """RS256, ES256 and EdDSA, each with a key that is published for it."""
    assert status(trusting, signed(algorithm=algorithm)) == 200
    assert status(trusting, signed({"scope": "read"}, algorithm)) == 403
    assert status(trusting, signed({"scope": "", "scp": ["admin", "else"]}, algorithm)) == 403
    assert status(trusting, signed({"exp": NOW - 20}, algorithm)) == 200  # clocks differ a little


def test_every_bad_token_gets_the_same_answer(trusting):
    """Whatever is wrong with it: the same status, headers and words, so that nobody learns from them."""
    told = {}
    for name, token in BAD.items():
        answer = trusting.ask("GET", "/v1/keys", headers={"Authorization": b"Bearer " + token.encode("latin-1")})
        said = answer.json()
        said.pop("request_id")
        headers = {key: value for key, value in answer.headers.items() if key != "x-request-id"}
        told[name] = (answer.status_code, json.dumps(said), json.dumps(headers))
    assert {name: said[0] for name, said in told.items() if said[0] != 401} == {}
    assert len(set(told.values())) == 1


def test_two_credentials_are_none(trusting):
    """Who says twice who he is could be told differently by a proxy, and is refused."""
    key = trusting.key("admin")
    twice = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
    assert trusting.run(trusting_ask(trusting, twice)) == 401
    assert status(trusting, key, **{"X-API-Key": key}) == 401
    assert trusting.ask("GET", "/v1/keys", headers={"X-API-Key": key}).status_code == 200
    assert trusting.ask("GET", "/v1/keys", headers={"Authorization": f"Basic {key}"}).status_code == 401


async def trusting_ask(one, headers):
    """Ask with headers that repeat."""
    import httpx

    async with httpx.AsyncClient(transport=httpx.ASGITransport(one.app), base_url="http://tests") as client:
        return (await client.get("/v1/keys", headers=headers)).status_code


def test_keys_of_the_issuer_are_rotated_without_a_restart(trusting, issuer, clock):
    """A new key is good within a minute, and one that was taken away is not; nobody makes us ask all the time."""
    new = rsa.generate_private_key(65537, 2048)
    assert status(trusting, signed()) == 200
    issuer.keys.append(jwk(new, "RS256", "second"))
    clock.pass_by(11)
    assert status(trusting, signed(key=new, kid="second")) == 200
    asked = issuer.asked
    for number in range(20):
        assert status(trusting, signed(kid=f"unknown {number}")) == 401
    assert issuer.asked <= asked + 1
    del issuer.keys[0]
    clock.pass_by(61)
    assert status(trusting, signed()) == 401
    assert status(trusting, signed({"iat": NOW + 60, "exp": NOW + 600}, key=new, kid="second")) == 200


def test_an_issuer_that_is_down_holds_nobody_up(trusting, issuer, clock):
    """Known keys stay good for an hour, and no longer."""
    long = {"exp": NOW + 90_000}
    assert status(trusting, signed(long)) == 200
    issuer.down = True
    clock.pass_by(3000)
    assert status(trusting, signed(long)) == 200
    clock.pass_by(700)
    assert status(trusting, signed(long)) == 401
    issuer.down = False
    clock.pass_by(6)
    assert status(trusting, signed(long)) == 200


def test_a_route_without_a_scope_cannot_be_made():
    """The scope is asked for, and must be one that there is."""
    with pytest.raises(TypeError):
        Endpoint("GET", "/v1/x", handler=print)
    with pytest.raises(UsageError, match="scope of /v1/x must be one of"):
        Endpoint("GET", "/v1/x", "", print)


ALL = [one for part in routes() for one in part.endpoints]


def placed(path):
    """A template with something in its places."""
    import re

    return re.sub(r"{(\w+)}", lambda match: "1" if match[1] in ("version", "id") else "abc", path)


@pytest.fixture(scope="module")
def all_routes(tmp_path_factory):
    """A service with every route that there is, but with no parts behind them."""
    with lab(tmp_path_factory.mktemp("all"), *[part for part in routes() if part.tag != "Access"]) as one:
        for scope in SCOPES:
            one.key(scope)
        yield one


@pytest.mark.parametrize("endpoint", ALL, ids=lambda one: f"{one.method} {one.path}")
def test_every_route_asks_for_its_scope(all_routes, endpoint):
    """Nobody: 401. Every other scope: 403. Its own, and admin: neither."""
    said = {"content": b"{", "headers": {"Content-Type": "application/json", "Foregate-Deadline-Ms": "2000"}}
    path = placed(endpoint.path)
    if endpoint.scope == PUBLIC:
        assert all_routes.ask(endpoint.method, path, **said).status_code not in (401, 403) or endpoint.tag == "Access"
        return
    assert all_routes.ask(endpoint.method, path, **said).status_code == 401
    for scope in SCOPES:
        answer = all_routes.ask(endpoint.method, path, scope=scope, **said)
        assert (answer.status_code == 403) == (scope not in (endpoint.scope, "admin")), scope


def test_keys_are_read_again_after_a_while(bare, clock):
    """What another process has changed is known after two seconds, not before that is looked at."""
    from foregate.service.access.keys import Order, add, revoke

    database = bare.service.database
    bare.key("admin")
    assert bare.ask("GET", "/v1/keys", scope="admin").status_code == 200
    key = database.write_now(lambda connection: add(connection, Order("late", ("admin",), "tests", clock())))
    clock.pass_by(2.1)
    assert status(bare, key) == 200
    prefix = FORM.fullmatch(key)[1]
    database.write_now(lambda connection: revoke(connection, prefix, clock()))
    clock.pass_by(2.1)
    assert status(bare, key) == 401


def test_keys_stay_good_while_the_database_is_away(bare, clock, monkeypatch):
    """Where keys cannot be read, those that were read are used for ten minutes; then nobody is let in."""
    from foregate.service.store.database import StoreError

    assert bare.ask("GET", "/v1/keys", scope="admin").status_code == 200

    async def gone(work):
        raise StoreError("gone.")

    monkeypatch.setattr(bare.service.database, "read", gone)
    clock.pass_by(300)
    assert bare.ask("GET", "/metrics", scope="admin").status_code == 200
    clock.pass_by(400)
    assert bare.ask("GET", "/metrics", scope="admin").status_code == 503


def test_no_key_is_asked_for_where_the_settings_say_so(tmp_path):
    """On this machine alone a service may do without keys; everybody may everything then."""
    with lab(tmp_path, settings={"access": {"required": False}}) as one:
        assert one.ask("GET", "/v1/keys").status_code == 200
