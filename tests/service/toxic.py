"""A connection that goes bad: between a service and a server, when it is told to."""

import socket
import struct
import threading
import time

SLOW = 2.0
"""Seconds by which what is slow comes later."""


class Toxic:
    """Passes on what is sent to a port of this machine: `well`, `slow`, `reset` or into a `hole`.

    A hole takes all and gives nothing back, as where a firewall forgets a connection behind a balancer.
    """

    def __init__(self, port: int) -> None:
        self.target, self.how = port, "well"
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listening.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def be(self, how: str) -> None:
        """Be so from now on; `reset` cuts all that are connected."""
        self.how = how
        if how == "reset":
            with self._lock:
                for one in self._open:
                    _cut(one)

    def close(self) -> None:
        """End."""
        self._listening.close()
        self.be("reset")

    def _accept(self) -> None:
        while True:
            try:
                one, _ = self._listening.accept()
            except OSError:
                return
            if self.how == "reset":
                _cut(one)
                one.close()
                continue
            other = socket.create_connection(("127.0.0.1", self.target))
            with self._lock:
                self._open |= {one, other}
            for pair in ((one, other), (other, one)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while piece := one.recv(65536):
                if self.how == "slow":
                    time.sleep(SLOW / 2)  # each way
                while self.how == "hole":
                    time.sleep(0.05)
                other.sendall(piece)
        except OSError:
            pass
        finally:
            with self._lock:
                self._open -= {one, other}
            for each in (one, other):
                _cut(each)
                each.close()


def _cut(one: socket.socket) -> None:
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
