"""WebSocket connections: frames to method calls, answers and pushes to frames.

Owns: one object for each connection with its identity, its idle clock, its request budget and
its bounded outgoing queue. Must not know: what a method does. Invariant: after a connection was
dropped nothing is sent to it and no method runs for it.

Rules:

* K1  One JSON object with an integer `id`, a text `method` and a list `params` for each message;
      anything else ends the connection without a reply.
* K2  60 s without a client message end the connection without a close frame; WebSocket pings
      count as messages and are answered. The venue never pings.
* K3  A client that reads too slowly is dropped once its queue is full.
* K4  Beyond its budget of requests a connection gets error 7 and stays.
* K5  The path is /ws; too many new connections in a minute are refused with 429.
* K6  Under maintenance every connection gets a close frame and a new one is refused with 503.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from picows import (
    WSCloseCode,
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
    ws_create_server,
)

from whitewire.venue import json_text
from whitewire.venue.channels import Channels
from whitewire.venue.core import VenueCore
from whitewire.venue.depth_stream import DepthStreams
from whitewire.venue.http_server import TLS_GOODBYE_S, reset_connection
from whitewire.venue.rate_limits import FixedWindow
from whitewire.venue.ws_methods import INTERNAL_ERROR, TOO_MANY_REQUESTS, WsMethods, WsRefusal
from whitewire.venue.ws_shapes import error_reply, push, reply

__all__ = ["WsService"]

_LOG = logging.getLogger(__name__)
_PATH = b"/ws"


@dataclass(frozen=True, slots=True)
class _Call:
    id: int
    method: str
    params: list[Any]


def _read_call(text: bytes) -> _Call | None:
    """The method call in a message, or None where it breaks the envelope (K1)."""
    try:
        message = json_text.parse(text)
    except ValueError:
        return None
    if not isinstance(message, dict):
        return None
    request_id, method, params = (message.get(key) for key in ("id", "method", "params"))
    if type(request_id) is not int or not isinstance(method, str) or not isinstance(params, list):
        return None
    return _Call(request_id, method, params)


class _Socket(WSListener):
    """One client connection; a subscriber of the channels."""

    def __init__(self, service: WsService) -> None:
        self.account: str | None = None
        self._service = service
        self._core = service.core
        self._transport: WSTransport | None = None
        self._budget = FixedWindow()
        self._fragments = bytearray()
        self._is_mute = False
        self._loop = asyncio.get_running_loop()
        self._last_message = self._loop.time()
        self._idle: asyncio.TimerHandle | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Starts the idle clock."""
        self._transport = transport
        self._service.sockets.add(self)
        self._idle = self._loop.call_later(self._core.options.ws_idle_s, self._check_idle)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """Forgets everything about the connection."""
        self._transport = None
        if self._idle is not None:
            self._idle.cancel()
        self._service.forget(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """Collects fragments into messages and answers control frames."""
        if self._transport is None or self._is_mute:
            return
        self._last_message = self._loop.time()
        match frame.msg_type:
            case WSMsgType.PING:
                transport.send_pong(frame.get_payload_as_bytes())  # K2
            case WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code())
                self.drop()
            case WSMsgType.TEXT | WSMsgType.CONTINUATION:
                self._fragments += frame.get_payload_as_bytes()
                if len(self._fragments) > self._core.options.ws_max_frame_bytes:
                    self.drop()
                elif frame.fin:
                    text = bytes(self._fragments)
                    self._fragments.clear()
                    self._on_message(text)
            case WSMsgType.BINARY:
                self.drop()  # K1
            case _:
                pass  # A pong to nobody's ping counts as a message and means nothing.

    def pause_writing(self) -> None:
        """The queue is bounded by bytes, see `_send`."""

    def resume_writing(self) -> None:
        """The queue is bounded by bytes, see `_send`."""

    def _on_message(self, text: bytes) -> None:
        if self._core.faults.take("drop_ws"):
            self.reset()
            return
        call = _read_call(text)
        if call is None:
            self.drop()  # K1
            return
        if self._goes_mute(call.method):
            return
        limit = self._core.options.ws_requests
        if not self._budget.has_room(limit, self._core.clock()):
            self._send(error_reply(*TOO_MANY_REQUESTS, call.id))  # K4
            return
        self._budget.count += 1
        try:
            answer = self._service.methods.call(self, call.method, call.params)
        except WsRefusal as refusal:
            self._send(error_reply(refusal.code, refusal.message, call.id))
            return
        except Exception:
            _LOG.exception("method failed: %s", call.method)
            self._send(error_reply(*INTERNAL_ERROR, call.id))
            return
        self._send(reply(answer.result, call.id))
        if answer.then is not None:
            answer.then()

    def push(self, method: str, frame: str) -> None:
        """Sends an update, or what a fault makes of it."""
        faults = self._core.faults
        if not faults.are_armed:
            self._send(frame)
            return
        if self._goes_mute(method) or faults.take("stall_ws", method=method):
            return
        if faults.take("drop_ws", method=method):
            self.reset()
            return
        if faults.take("unknown_json", side="ws", method=method):
            self._send(push("unheardOf_update", [{"nested": [None, True, 1, "text"]}]))
        if faults.take("malformed_frame", method=method):
            frame = frame[: len(frame) // 2]
        oversized = faults.take("oversized_frame", method=method)
        if oversized:
            frame = frame.ljust(int(oversized.values["bytes"]))
        self._send(frame)

    def _goes_mute(self, method: str) -> bool:
        """Whether the connection is half open, from this call or push on if not before."""
        if not self._is_mute:
            fault = self._core.faults.take("half_open", side="ws", method=method)
            self._is_mute = fault is not None
        return self._is_mute

    def _send(self, text: str) -> None:
        if self._transport is None or self._is_mute:
            return
        self._transport.send(WSMsgType.TEXT, text)
        waiting = self._transport.underlying_transport.get_write_buffer_size()
        if waiting > self._core.options.ws_max_queue_bytes:
            _LOG.warning("dropped a slow WebSocket client with %d bytes waiting", waiting)
            self.cut()  # K3

    def send_away(self) -> None:
        """Ends the connection with a close frame (K6)."""
        if self._transport is not None and not self._is_mute:
            self._transport.send_close(WSCloseCode.GOING_AWAY)
            self.drop()

    def drop(self) -> None:
        """Ends the connection without a close frame; what was sent still arrives."""
        self._end(graceful=True)

    def cut(self) -> None:
        """Ends the connection at once; what was not sent yet is lost."""
        self._end(graceful=False)

    def reset(self) -> None:
        """Ends the connection with RST."""
        if self._transport is not None:
            reset_connection(self._transport.underlying_transport)
            self._transport = None

    def _end(self, *, graceful: bool) -> None:
        if self._transport is not None:
            self._transport.disconnect(graceful=graceful)
            self._transport = None

    def _check_idle(self) -> None:
        if self._is_mute:
            return  # half open for as long as the client bears it
        left = self._last_message + self._core.options.ws_idle_s - self._loop.time()
        if left <= 0:
            self.drop()  # K2
        else:
            self._idle = self._loop.call_later(left, self._check_idle)


def _refused(status: HTTPStatus) -> WSUpgradeResponseWithListener:
    refusal = WSUpgradeResponse.create_error_response(status, status.phrase.encode())
    return WSUpgradeResponseWithListener(refusal, None)


class WsService:
    """The WebSocket side of one venue.

    Attributes:
        sockets: live connections.
    """

    def __init__(self, core: VenueCore, channels: Channels, depth: DepthStreams) -> None:
        self.core = core
        self.methods = WsMethods(core, channels, depth)
        self.sockets: set[_Socket] = set()
        self._channels = channels
        self._depth = depth
        self._connects = FixedWindow()

    async def listen(
        self, host: str, port: int, context: ssl.SSLContext | None
    ) -> asyncio.AbstractServer:
        """Starts to accept connections.

        Raises:
            OSError: the port is taken.
        """
        server = await ws_create_server(
            self._accept,
            host,
            port,
            ssl=context,
            ssl_shutdown_timeout=TLS_GOODBYE_S if context else None,
            enable_auto_pong=False,
            max_frame_size=self.core.options.ws_max_frame_bytes,
            logger_name=_LOG,
        )
        return cast("asyncio.AbstractServer", server)

    def _accept(self, request: WSUpgradeRequest) -> _Socket | WSUpgradeResponseWithListener | None:
        if request.path.partition(b"?")[0] != _PATH:  # K5
            return None
        if self.core.faults.holds("maintenance"):
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE)  # K6
        if not self._connects.has_room(self.core.options.ws_connects, self.core.clock()):
            return _refused(HTTPStatus.TOO_MANY_REQUESTS)
        self._connects.count += 1
        return _Socket(self)

    def forget(self, socket: _Socket) -> None:
        """Ends a connection's subscriptions."""
        self.sockets.discard(socket)
        self._channels.drop(socket)
        self._depth.unsubscribe(socket, None)

    def send_away(self) -> None:
        """Ends every connection with a close frame."""
        for socket in list(self.sockets):
            socket.send_away()

    def close(self) -> None:
        """Cuts every connection."""
        for socket in list(self.sockets):
            socket.cut()
