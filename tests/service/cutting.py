"""A network between client and service that cuts connections: a proxy in threads, whose cuts are drawn beforehand."""

import contextlib
import random
import socket
import struct
import threading
from collections import Counter

WAYS = ("in the request", "before the answer", "in the answer", "unread")
"""Where a connection ends: within what is asked; when the service has begun to answer, of which nothing goes on; within
the answer; or as soon as all is asked, so that the service answers nobody."""
PIECE = 1 << 16


class Cutting:
    """Carries connections to a port, and cuts some of them.

    Args:
        port: of the service.
        share: of connections that are cut.
        seed: of what is cut, and how.
    """

    def __init__(self, port, share, seed=0):
        self.target, self.share, self.draw = port, share, random.Random(seed)
        self.cuts, self.carried = Counter(), 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *said):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(10)

    def run(self):
        """Take connections until it ends."""
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            way = self.draw.choice(WAYS) if self.draw.random() < self.share else None
            self.carried += 1
            self.cuts[way] += way is not None
            threading.Thread(target=self.carry, args=(near, way, self.draw.randrange(1, 2000)), daemon=True).start()

    def carry(self, near, way, size):
        """One connection, which ends after `size` bytes of the part where it is cut."""
        with near, socket.create_connection(("127.0.0.1", self.target)) as far, contextlib.suppress(OSError):
            back = threading.Thread(target=self.answer, args=(near, far, way, size), daemon=True)
            back.start()
            asked, length = b"", None
            while piece := near.recv(PIECE):
                if way == "in the request" and len(asked) + len(piece) >= size:
                    far.sendall(piece[: max(0, size - len(asked))])
                    break
                far.sendall(piece)
                asked += piece
                length = whole(asked) if length is None else length
                if way == "unread" and length is not None and len(asked) >= length:
                    break
            if way in ("in the request", "unread"):
                cut(near)
                cut(far)
            back.join(60)

    def answer(self, near, far, way, size):
        """The way back."""
        with contextlib.suppress(OSError):
            sent = 0
            while piece := far.recv(PIECE):
                if way == "before the answer" or (way == "in the answer" and sent + len(piece) > size % 400):
                    near.sendall(piece[: size % 400] if way == "in the answer" else b"")
                    cut(near)
                    cut(far)
                    return
                near.sendall(piece)
                sent += len(piece)
            near.shutdown(socket.SHUT_RDWR)


def whole(asked):
    """Bytes of a request, as soon as its headers are there; None before."""
    head, end, _ = asked.partition(b"\r\n\r\n")
    if not end:
        return None
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    return len(head) + 4 + int(lines.get(b"content-length", b"0"))


def cut(one):
    """End a connection at once, as a network does that goes away."""
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
