"""WebSocket connections: frames to method calls, answers and pushes to frames.

Owns: one object for each connection with its identity, its idle clock, its request budgets and
its bounded outgoing queue. Must not know: what a method does. Invariant: after a connection was
dropped nothing is sent to it and no method runs for it but orders that were held up or served.

Rules:

* K1  One JSON object with an integer `id`, a text `method` and a list `params` for each message;
      anything else ends the connection without a reply.
* K2  60 s without a client message end the connection without a close frame; WebSocket pings
      count as messages and are answered. The venue never pings.
* K3  A client that reads too slowly is dropped once its queue is full.
* K4  Beyond its budget of requests a connection gets error 7 and stays; calls that make orders
      have a budget of their own.
* K5  The path is /ws; too many new connections in a minute are refused with 429.
* K6  Under maintenance a new connection is refused with 503, every call gets error 3 while there
      is a grace, and then every connection a close frame.
* K7  Calls are executed in the order of their arrival, and answered in it unless the options say
      that replies to order methods take their time.
* K8  Order methods take the modelled service time (H5); what is no order does not wait for them.
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
import time
from dataclasses import dataclass
from functools import partial
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

from whitewire.venue.access.core import VenueCore
from whitewire.venue.access.rate_limits import FixedWindow
from whitewire.venue.streams.channels import Channels
from whitewire.venue.streams.depth import DepthStreams
from whitewire.venue.streams.market import MarketStreams
from whitewire.venue.streams.shapes import error_reply, push, reply
from whitewire.venue.values.ws_refusals import (
    INTERNAL_ERROR,
    SERVICE_UNAVAILABLE,
    TOO_MANY_REQUESTS,
    WsRefusal,
)
from whitewire.venue.wire import json_text
from whitewire.venue.wire.http_server import TLS_GOODBYE_S, Front, reset_connection
from whitewire.venue.wire.pacing import Pacer
from whitewire.venue.ws.methods import WsMethods
from whitewire.venue.ws.orders import is_order_method, is_placement
from whitewire.venue.ws.params import Answer

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
        self._queue = service.front.queue()
        self._core = service.core
        self._transport: WSTransport | None = None
        self._budget = FixedWindow()
        self._place_budget = FixedWindow()
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
        faults = self._core.faults
        call = _read_call(text)
        dropped = faults.take("drop_ws", method=call.method) if call else faults.take("drop_ws")
        is_cut_after = dropped is not None and dropped.values["when"] == "after"
        if dropped is not None and not is_cut_after:
            self.reset()
            return
        if call is None:
            self.drop()  # K1
            return
        if self._goes_mute(call.method):
            return
        if not self._has_room(call.method):
            self._send(error_reply(*TOO_MANY_REQUESTS, call.id))  # K4
            return
        execute, is_order = partial(self._execute, call, is_cut_after), is_order_method(call.method)
        late = faults.take("late_order", method=call.method) if is_order else None
        if late:
            self._loop.call_later(float(late.values["ms"]) / 1000, execute)
        elif is_order:
            service_s = self._core.options.service_us * 1e-6
            self._service.front.serve(self._queue, service_s, execute)  # K8
        else:
            execute()

    def _has_room(self, method: str) -> bool:
        """Takes a call off its budget, if that has room (K4)."""
        options = self._core.options
        budget, limit = self._budget, options.ws_requests
        if is_placement(method):
            budget, limit = self._place_budget, options.ws_place_requests
        if not budget.has_room(limit, self._core.clock()):
            return False
        budget.count += 1
        return True

    def _execute(self, call: _Call, is_cut_after: bool) -> None:
        """Runs one call and answers it."""
        answer: Answer | None = None
        refusal: WsRefusal | None = None
        try:
            if self._core.faults.holds("maintenance"):
                raise WsRefusal(*SERVICE_UNAVAILABLE)  # K6
            answer = self._service.methods.call(self, call.method, call.params)
            text = reply(answer.result, call.id)
        except WsRefusal as error:
            refusal = error
            text = error_reply(refusal.code, refusal.message, call.id)
        except Exception:
            _LOG.exception("method failed: %s", call.method)
            text = error_reply(*INTERNAL_ERROR, call.id)
        if is_cut_after:
            self.reset()
        elif is_order_method(call.method):
            is_accepted, is_local = answer is not None, refusal and not refusal.from_engine
            self._reply_to_order(call.method, text, accepted=is_accepted, local=bool(is_local))
        else:
            self._send(text)
        if answer is not None and answer.then is not None:
            answer.then()

    def _reply_to_order(self, method: str, text: str, *, accepted: bool, local: bool) -> None:
        """Sends a reply when the options and faults let it go (K7).

        Args:
            accepted: the engine has executed the call.
            local: the call has not reached the engine.
        """
        faults, options = self._core.faults, self._core.options
        if accepted and faults.take("lost_ack", side="ws", method=method):
            return
        delay_s = 0.0
        if not (local and options.ws_early_refusals):
            delay_s = options.ws_reply_delay_us / 1e6 + self._service.jitter_s()
        slow = faults.take("slow_ack", side="ws", method=method)
        if slow:
            delay_s += float(slow.values["ms"]) / 1000
        if delay_s:
            self._service.pacer.at(time.monotonic() + delay_s, lambda: self._send(text))
        else:
            self._send(text)

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
        waiting = self.waiting_bytes()
        if waiting > self._core.options.ws_max_queue_bytes:
            _LOG.warning("dropped a slow WebSocket client with %d bytes waiting", waiting)
            self.cut()  # K3

    def waiting_bytes(self) -> int:
        """What was sent and has not left yet."""
        if self._transport is None:
            return 0
        return int(self._transport.underlying_transport.get_write_buffer_size())

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
        pacer: replies that are held back.
    """

    def __init__(
        self,
        core: VenueCore,
        front: Front,
        channels: Channels,
        depth: DepthStreams,
        streams: MarketStreams,
    ) -> None:
        self.core, self.front = core, front
        self.pacer = Pacer(asyncio.get_running_loop())
        self._random = random.Random("replies")
        self.methods = WsMethods(core, channels, depth, streams)
        self.sockets: set[_Socket] = set()
        self._channels = channels
        self._depth = depth
        self._streams = streams
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

    def jitter_s(self) -> float:
        """What the next reply to an order method takes longer by chance."""
        most_us = self.core.options.ws_reply_jitter_us
        return self._random.uniform(0, most_us) / 1e6 if most_us else 0.0

    def forget(self, socket: _Socket) -> None:
        """Ends a connection's subscriptions."""
        self.sockets.discard(socket)
        self._channels.drop(socket)
        self._depth.unsubscribe(socket, None)
        self._streams.drop(socket)

    def waiting_bytes(self) -> int:
        """The longest of the outgoing queues."""
        return max((socket.waiting_bytes() for socket in self.sockets), default=0)

    def send_away(self) -> None:
        """Ends every connection with a close frame."""
        for socket in list(self.sockets):
            socket.send_away()

    def close(self) -> None:
        """Cuts every connection."""
        self.pacer.close()
        for socket in list(self.sockets):
            socket.cut()
