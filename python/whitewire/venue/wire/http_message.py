"""One HTTP request and one HTTP response of the venue, as values.

Owns: their fields and the bytes of a response. Must not know: sockets, endpoints. Invariant: a
response's bytes are complete and self-delimiting unless its delivery asks for the opposite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from http import HTTPStatus
from typing import NamedTuple

__all__ = ["Delivery", "HttpRequest", "HttpResponse", "front_page"]

_JSON = "application/json"
_HTML = "text/html"

# Statuses that the venue has and HTTP's registry has not.
_VENUE_STATUSES = {453: "Order Type Not Available"}


class Delivery(Enum):
    """How a response reaches its client; all but the first are faults."""

    NORMAL = auto()
    CLOSE = auto()
    CHUNKED = auto()
    TRUNCATED = auto()
    WITHHELD = auto()
    MUTE = auto()
    RESET = auto()


class HttpRequest(NamedTuple):
    """A complete request; header names are lower case, the first of a repeated one counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    client_ip: str


@dataclass(slots=True)
class HttpResponse:
    """A response before it is put on a connection.

    Attributes:
        status: HTTP status.
        body: may be empty.
        content_type: left out of the head where the body is empty.
        delivery: what happens to it on the way.
        delay_s: how long it is held back.
    """

    status: int
    body: bytes = b""
    content_type: str = _JSON
    delivery: Delivery = Delivery.NORMAL
    delay_s: float = 0.0

    def encode(self, *, close: bool) -> bytes:
        """The response's bytes; `close` announces that the connection ends after it."""
        body = self.body
        kind = f"Content-Type: {self.content_type}\r\n" if body else ""
        size = f"Content-Length: {len(body)}\r\n"
        if self.delivery is Delivery.CHUNKED:
            size = "Transfer-Encoding: chunked\r\n"
            body = _in_two_chunks(body)
        elif self.delivery is Delivery.TRUNCATED:
            body = body[: len(body) // 2]
        end = "Connection: close\r\n\r\n" if close else "\r\n"
        return f"{_status_line(self.status)}{kind}{size}{end}".encode() + body


@cache
def _status_line(status: int) -> str:
    return f"HTTP/1.1 {status} {_phrase(status)}\r\n"


def _phrase(status: int) -> str:
    if status in _VENUE_STATUSES:
        return _VENUE_STATUSES[status]
    return HTTPStatus(status).phrase


def _in_two_chunks(body: bytes) -> bytes:
    middle = (len(body) + 1) // 2
    pieces = [piece for piece in (body[:middle], body[middle:]) if piece]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def front_page(status: int) -> HttpResponse:
    """An answer of the front end before the venue: HTML or text, never JSON."""
    phrase = _phrase(status)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return HttpResponse(status, phrase.encode(), _HTML)
    title = f"{status} {phrase}"
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    return HttpResponse(status, page.encode(), _HTML)
