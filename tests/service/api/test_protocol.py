"""Laws of a connection on which requests come at a bad time."""

import contextlib
import socket
import threading
import time

import uvicorn

from foregate.service.api.load import Shed
from foregate.service.api.protocol import protocol_of
from foregate.service.settings import LimitSettings

REFUSED = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy"


class Bad(Shed):
    """Refuses paths that say so, and notes what was counted."""

    def __init__(self):
        self.coming, self.most = 0, 0

    def refusal(self, scope):
        self.most = max(self.most, self.coming)
        return REFUSED if scope["path"] == "/bad" else None


async def answer(scope, receive, send):
    """Say how long the body was."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    text = b"%d bytes" % size
    headers = [(b"content-length", b"%d" % len(text))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


@contextlib.contextmanager
def connected(shed):
    """A connection to a server that refuses."""
    http = protocol_of(LimitSettings(header_seconds=5, header_bytes=1 << 20), shed)
    server = uvicorn.Server(uvicorn.Config(answer, port=0, http=http, ws="none", lifespan="off", log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        with socket.create_connection(server.servers[0].sockets[0].getsockname(), timeout=10) as connection:
            yield connection
    finally:
        server.should_exit = True
        thread.join()


def request(path, body=b"", more=b""):
    """A request as it is sent."""
    return b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s" % (path, len(body), more, body)


def read(connection, n):
    """Until so many answers are there, or nothing more comes."""
    said = b""
    while said.count(b"HTTP/1.1 ") < n or not said.endswith((b"busy", b"bytes")):
        piece = connection.recv(65536)
        if not piece:
            break
        said += piece
    return said


def test_a_refused_request_leaves_the_connection_as_it_was():
    """After a refusal, whose body goes by unread, the next request on the connection is answered."""
    with connected(Bad()) as connection:
        connection.sendall(request(b"/bad", b"x" * 100_000))
        assert read(connection, 1) == REFUSED
        connection.sendall(request(b"/good", b"abc"))
        assert read(connection, 1).endswith(b"3 bytes")


def test_answers_keep_the_order_of_requests():
    """Of requests that are sent at once, some of which come at a bad time, every one is answered in its turn."""
    with connected(Bad()) as connection:
        connection.sendall(request(b"/good", b"a") + request(b"/bad") * 2 + request(b"/good", b"abcd"))
        said = read(connection, 4)
    assert said.startswith(b"HTTP/1.1 200")
    assert said.endswith(b"4 bytes")
    assert said.count(b"HTTP/1.1 ") == 4


def test_thousands_of_refusals_at_once_end():
    """However many requests are sent at once on one connection, they end."""
    with connected(Bad()) as connection:
        connection.sendall(request(b"/bad") * 3000 + request(b"/good", b"ab"))
        assert read(connection, 3001).count(b"HTTP/1.1 ") == 3001


def test_who_waits_to_be_told_to_go_on_is_hung_up_on():
    """Where a refused request has announced a body and waits, or wanted no more, the connection ends."""
    for more in (b"Expect: 100-continue\r\n", b"Connection: close\r\n"):
        with connected(Bad()) as connection:
            connection.sendall(b"POST /bad HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n" + more + b"\r\n")
            said = b""
            while piece := connection.recv(65536):
                said += piece
        assert said == REFUSED


def test_what_came_is_counted_until_its_first_step():
    """Requests count as coming while their tasks have not begun, and no longer."""
    shed = Bad()
    with connected(shed) as connection:
        connection.sendall(request(b"/good", b"a") * 3)
        read(connection, 3)
        assert shed.coming == 0
