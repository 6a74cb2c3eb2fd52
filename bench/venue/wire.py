"""One TLS connection that pipelines requests and times their answers.

Owns: a non-blocking socket, what is to be sent, and which answer belongs to which request. Must
not know: schedules, signatures. Invariant: an answer is counted only if it has status 200 and the
proof of its request; anything else ends the measurement with a sentence.
"""

from __future__ import annotations

import socket
import ssl
import time
from array import array
from collections import deque
from urllib.parse import urlsplit

from bench.venue.supply import Request

__all__ = ["Connection", "WrongAnswerError", "open_tls"]

_CONNECT_S = 10.0
_NOT_NOW = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError)


class WrongAnswerError(Exception):
    """The venue answered something else than it should; a number about it is worthless."""


def open_tls(url: str, ca: str) -> ssl.SSLSocket:
    """A connected blocking socket."""
    parts = urlsplit(url)
    raw = socket.create_connection((parts.hostname, parts.port), timeout=_CONNECT_S)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    context = ssl.create_default_context(cafile=ca)
    return context.wrap_socket(raw, server_hostname=parts.hostname)


class Connection:
    """A pipelined connection.

    Attributes:
        sock: the socket, to wait for.
        in_flight: requests without an answer, oldest first: when due (ns), request.
        order_ns: from due to answered, of each placement.
        cancel_ns: the same of each cancel.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.sock.setblocking(False)
        self.in_flight: deque[tuple[int, Request]] = deque()
        self.order_ns = array("q")
        self.cancel_ns = array("q")
        self._unsent = bytearray()
        self._unread = b""

    def queue(self, request: Request, due_ns: int) -> None:
        """Appends a request; it leaves with the next `flush`."""
        self.in_flight.append((due_ns, request))
        self._unsent += request.data

    def flush(self) -> bool:
        """Sends what the socket takes; whether something is left."""
        while self._unsent:
            try:
                del self._unsent[: self.sock.send(self._unsent)]
            except _NOT_NOW:
                return True
        return False

    def receive(self) -> None:
        """Reads what is there and books every whole answer.

        Raises:
            WrongAnswerError: an answer is not what its request asked for, or the end came.
        """
        while True:
            try:
                data = self.sock.recv(1 << 18)
            except _NOT_NOW:
                return
            if not data:
                raise WrongAnswerError(f"closed with {len(self.in_flight)} requests unanswered")
            now = time.perf_counter_ns()
            self._unread = self._book(self._unread + data, now)

    def _book(self, data: bytes, now: int) -> bytes:
        start = 0
        while (end := data.find(b"\r\n\r\n", start)) >= 0:
            length = data.find(b"Content-Length: ", start, end) + 16
            stop = data.find(b"\r", length)
            body = end + 4
            whole = body + int(data[length:stop])
            if whole > len(data):
                break
            due, request = self.in_flight.popleft()
            if not (
                data.startswith(b"HTTP/1.1 200 ", start)
                and data.startswith(request.start, body)
                and data.count(request.proof, body, whole) == request.times
            ):
                raise WrongAnswerError(
                    f"{request.data.partition(b' HTTP')[0]!r} was answered {data[start:whole]!r}"
                )
            (self.order_ns if request.is_order else self.cancel_ns).append(now - due)
            start = whole
        return data[start:]
