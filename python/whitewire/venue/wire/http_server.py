"""HTTP/1.1 on one connection: requests in, responses out in the order of the requests.

Owns: parsing, keep-alive, pipelining, bounds on head and body, modelled service time, and the
delivery of a response including its faults. Must not know: endpoints, authentication, the
engine. Invariant: responses leave in the order in which their requests came, whatever each one
waited for; a connection that broke HTTP's rules gets one 400 and is closed.

Rules:

* H1  A request line and headers of more than 16 KiB, or anything that is not HTTP: 400, close.
* H2  A body of more than 1 MiB: 413, close.
* H3  A connection without traffic for 60 s is closed.
* H4  A request that was received is executed even if its connection has gone by then.
* H5  Where a service time is modelled, a request is answered when the time of all its orders is
      over, counted from its arrival or from the end of what it waits for, which `ServiceModel`
      decides; what it really takes to execute is part of that time. A request without orders takes
      none, but waits as well.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Protocol, cast
from urllib.parse import parse_qsl

import httptools

from whitewire.venue.options import ServiceModel, WireOptions
from whitewire.venue.wire.http_message import Delivery, HttpRequest, HttpResponse, front_page
from whitewire.venue.wire.pacing import Pacer, Queue

__all__ = ["TLS_GOODBYE_S", "Front", "HttpApp", "HttpConnection", "reset_connection"]

# How long a closed connection waits for its peer to end TLS properly.
TLS_GOODBYE_S = 1.0

# So much of a request's modelled time is left for executing it, at most: an execution that is
# quicker than all before it ends at most so much too early.
_EARLIEST = 0.25

# More unanswered requests than this on one connection is not a client but an accident.
_MAX_UNANSWERED = 4_096


class HttpApp(Protocol):
    """What answers the requests of a listener."""

    def service_s(self, request: HttpRequest) -> float:
        """Modelled time that this request takes, seconds."""

    def respond(self, request: HttpRequest) -> HttpResponse:
        """Executes the request. Never raises."""


def reset_connection(transport: asyncio.BaseTransport) -> None:
    """Ends a connection with RST: unsent data is lost and the peer's next call fails."""
    sock = cast("socket.socket", transport.get_extra_info("socket"))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    cast("asyncio.WriteTransport", transport).abort()


class Front:
    """How long requests take and which of them wait for each other, over all connections (H5)."""

    def __init__(self, options: WireOptions, pacer: Pacer) -> None:
        self._pacer = pacer
        self._model = options.service_model
        self._engine = Queue()
        # The least time that a request of such a service time has really taken to execute.
        self._least_s: dict[float, float] = {}

    def queue(self) -> Queue | None:
        """Where the requests of a new connection wait for their turn; None if they do not."""
        match self._model:
            case ServiceModel.SERIAL:
                return Queue()
            case ServiceModel.CONCURRENT:
                return None
            case ServiceModel.ENGINE:
                return self._engine

    def serve(self, queue: Queue | None, service_s: float, execute: Callable[[], None]) -> None:
        """Executes a request so that it is done at the end of its service."""
        now = time.monotonic()
        due = now + service_s if queue is None else queue.admit(now, service_s)
        if due <= now:
            execute()
            return
        begins = due - min(self._least_s.get(service_s, 0.0), service_s * _EARLIEST)
        self._pacer.at(begins, partial(self._execute, service_s, execute))

    def _execute(self, service_s: float, execute: Callable[[], None]) -> None:
        begun = time.monotonic()
        execute()
        took = time.monotonic() - begun
        self._least_s[service_s] = min(took, self._least_s.get(service_s, took))


@lru_cache(maxsize=128)
def _header_name(name: bytes) -> str:
    return name.decode("latin-1").lower()


@dataclass(slots=True, eq=False)
class _Slot:
    """The place of one response in the order of a connection; empty until it may leave."""

    close: bool
    data: bytes | None = None


class HttpConnection(asyncio.Protocol):
    """One client connection."""

    def __init__(
        self, app: HttpApp, options: WireOptions, front: Front, peers: set[HttpConnection]
    ) -> None:
        self._app = app
        self._options = options
        self._front = front
        self._queue = front.queue()
        self._peers = peers
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._client_ip = ""
        self._slots: deque[_Slot] = deque()
        self._is_corked = False
        self._is_closing = False
        self._is_mute = False
        self._idle: asyncio.TimerHandle | None = None
        self._last_activity = 0.0
        self._refusal: HTTPStatus | None = None
        self._parsed_something = False
        self._silent_bytes = 0
        self._max_head_bytes = options.max_head_bytes
        self._start_message()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the idle clock."""
        self._transport = cast("asyncio.Transport", transport)
        self._client_ip = transport.get_extra_info("peername")[0]
        self._peers.add(self)
        self._last_activity = time.monotonic()
        self._idle = self._loop.call_later(self._options.http_idle_s, self._check_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drops what was still to be sent; requests in service are executed all the same (H4)."""
        self._transport = None
        self._is_closing = True
        self._slots.clear()
        self._peers.discard(self)
        if self._idle is not None:
            self._idle.cancel()

    def data_received(self, data: bytes) -> None:
        """Parses and answers; what can be answered at once leaves in one write."""
        if self._is_closing:
            return
        self._last_activity = time.monotonic()
        self._is_corked = True
        try:
            step = self._max_head_bytes
            for start in range(0, len(data), step):
                piece = data[start : start + step]
                self._parsed_something = False
                self._parser.feed_data(piece)
                self._bound_silence(len(piece))
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            if not self._is_closing:
                self._refuse(self._refusal or HTTPStatus.BAD_REQUEST)  # H1
        finally:
            self._is_corked = False
            self._flush()

    def pause_writing(self) -> None:
        """Stops reading from a client that does not read."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Reads again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """Ends the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # httptools callbacks

    def _start_message(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._head_bytes = 0

    def on_message_begin(self) -> None:
        """A new request starts."""
        self._parsed_something = True
        self._start_message()

    def on_url(self, url: bytes) -> None:
        """A piece of the request target."""
        self._parsed_something = True
        self._url += url
        self._head_bytes += len(url)
        if self._head_bytes > self._max_head_bytes:
            self._fail(HTTPStatus.BAD_REQUEST)  # H1

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; the first of a repeated name counts."""
        self._parsed_something = True
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self._max_head_bytes:
            self._fail(HTTPStatus.BAD_REQUEST)  # H1
        name_text = _header_name(name)
        if name_text not in self._headers:
            self._headers[name_text] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """Refuses a body that is announced too long, before it comes."""
        self._parsed_something = True
        announced = self._headers.get("content-length", "0")
        if announced.isdigit() and int(announced) > self._options.max_body_bytes:
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)  # H2

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._parsed_something = True
        self._body += body
        if len(self._body) > self._options.max_body_bytes:
            self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)  # H2

    def on_message_complete(self) -> None:
        """A whole request is there."""
        if self._is_closing:
            return
        if len(self._slots) >= _MAX_UNANSWERED:
            self.close()
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        request = HttpRequest(
            method=self._parser.get_method().decode(),
            path=path,
            query=dict(parse_qsl(query, keep_blank_values=True)) if query else {},
            headers=self._headers,
            body=bytes(self._body),
            client_ip=self._client_ip,
        )
        # The parser stops at an upgrade that nobody here offers: answered, then closed.
        ends = self._parser.should_upgrade() or not self._parser.should_keep_alive()
        self._accept(request, _Slot(close=ends))

    def _bound_silence(self, size: int) -> None:
        """Bounds what the parser keeps to itself: one header that never ends."""
        self._silent_bytes = 0 if self._parsed_something else self._silent_bytes + size
        if self._silent_bytes > self._max_head_bytes:
            self._fail(HTTPStatus.BAD_REQUEST)  # H1

    def _fail(self, status: HTTPStatus) -> None:
        self._refusal = status
        raise httptools.HttpParserError(status.phrase)

    # Execution and delivery

    def _accept(self, request: HttpRequest, slot: _Slot) -> None:
        self._slots.append(slot)
        self._is_closing = slot.close
        if self._options.service_us:
            service_s = self._app.service_s(request)
            self._front.serve(self._queue, service_s, partial(self._execute, request, slot))
        else:
            self._execute(request, slot)

    def _execute(self, request: HttpRequest, slot: _Slot) -> None:
        if self._is_mute:
            return
        response = self._app.respond(request)
        if self._transport is None:
            return
        if response.delivery is not Delivery.NORMAL and not self._deliver_badly(response, slot):
            return
        data = response.encode(close=slot.close)
        if response.delay_s > 0:
            self._loop.call_later(response.delay_s, self._fill, slot, data)
        else:
            self._fill(slot, data)

    def _deliver_badly(self, response: HttpResponse, slot: _Slot) -> bool:
        """Does to the connection what a fault asks for; whether anything is sent."""
        match response.delivery:
            case Delivery.RESET:
                self._is_closing = True
                if self._transport is not None:
                    reset_connection(self._transport)
                return False
            case Delivery.WITHHELD:
                return False
            case Delivery.MUTE:
                self._is_closing = self._is_mute = True
                return False
            case Delivery.CLOSE | Delivery.TRUNCATED:
                slot.close = self._is_closing = True
            case Delivery.NORMAL | Delivery.CHUNKED:
                pass
        return True

    def _refuse(self, status: HTTPStatus) -> None:
        self._is_closing = True
        slot = _Slot(close=True)
        self._slots.append(slot)
        self._fill(slot, front_page(status).encode(close=True))

    def _fill(self, slot: _Slot, data: bytes) -> None:
        slot.data = data
        if not self._is_corked:
            self._flush()

    def _flush(self) -> None:
        ready: list[bytes] = []
        ends = False
        while self._slots and self._slots[0].data is not None and not ends:
            slot = self._slots.popleft()
            ready.append(cast("bytes", slot.data))
            ends = slot.close
        if not ready or self._transport is None:
            return
        self._last_activity = time.monotonic()
        self._transport.write(b"".join(ready))
        if ends:
            self._slots.clear()
            self._transport.close()

    def _check_idle(self) -> None:
        if self._is_mute:
            return  # half open for as long as the client bears it
        left = self._last_activity + self._options.http_idle_s - time.monotonic()
        if left <= 0 and self._transport is not None:
            self._is_closing = True
            self._transport.close()  # H3
        else:
            self._idle = self._loop.call_later(max(left, 0.001), self._check_idle)
