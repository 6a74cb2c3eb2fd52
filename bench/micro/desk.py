"""A whole gateway whose order connections end in this process: no venue, no wire, one thread.

Owns: the gateway's state at the start, the other ends of its connections, the answers. Must not
know: what is measured. Invariant: the venue's part is played only in `answer`, never while a call
of the gateway runs, so whatever a call takes is the gateway's own doing.

A call's writes go into socket pairs, where they stay until `answer` reads and verifies them.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import tempfile
from decimal import Decimal
from typing import Any

import aiofastnet

from bench.micro.measure import expect
from bench.micro.stream import NO_LIMITS
from whitewire import _core
from whitewire._bridge import OrderConnection, epoch_ms, now_ns
from whitewire.config import (
    Config,
    Credentials,
    JournalConfig,
    MarketConfig,
    OrdersConfig,
    VenueConfig,
)
from whitewire.endpoints import ENDPOINTS
from whitewire.gateway import Gateway, GatewayState
from whitewire.lifecycle import Lifecycle
from whitewire.market import Market
from whitewire.strategy import Strategy
from whitewire.transport.link import Address, tls_context
from whitewire.transport.order_entry import OrderEntry

__all__ = ["MARKET", "Desk"]

MARKET = Market("BTC_USDT", "BTC", "USDT", 2, 6)
_KEY, _SECRET = "k" * 32, "s" * 32
_URL = "http://127.0.0.1:1"
_FIRST_ORDER_ID = 4_000_000_000
_READ = 1 << 20
_PATIENCE_S = 5
_BUFFER = 1 << 22


class _Deaf(Strategy):
    """A strategy that asks for nothing by itself."""

    markets = (MARKET.name,)

    def on_stop(self, gw: Gateway, reason: str) -> None:
        """A strategy needs one callback."""


class Desk:
    """See the module's documentation; `open` before anything else, in a running loop.

    Args:
        connections: to the venue.

    Attributes:
        gateway: ACTIVE, with a fresh book of 59000 to 61000.
        ticket: of its post-only bids.
    """

    def __init__(self, connections: int) -> None:
        self._state = tempfile.TemporaryDirectory(prefix="whitewire-desk-")
        limits = MarketConfig(
            max_order_amount=Decimal(10),
            max_order_notional=Decimal(10_000_000),
            collar_percent=Decimal(50),
            max_book_age_ms=10_000_000,
        )
        config = Config(
            venue=VenueConfig(rest=_URL, public_rest=_URL, ws="ws://127.0.0.1:1"),
            markets={MARKET.name: limits},
            orders=OrdersConfig(connections=connections, in_flight=64),
            journal=JournalConfig(path=self._state.name, durable_ms=1_000),
        )
        self._lifecycle = Lifecycle(_Deaf(), config, Credentials(key=_KEY, secret=_SECRET))
        self.gateway: Gateway = self._lifecycle.gateway
        self._far: list[socket.socket] = []
        self._next_id = _FIRST_ORDER_ID

    async def open(self) -> None:
        """Brings the gateway to where `on_start` would be called."""
        gateway, now = self.gateway, now_ns()
        gateway.journal.open(1, _fail, gateway.engine.halt)
        limits = NO_LIMITS | {"max_book_age_ns": 10**15}
        index = gateway.engine.add_market(MARKET.name, 2, 6, 100, limits)
        gateway.add_market(MARKET, gateway.engine.book(index, MARKET.name))
        gateway.guard.set_limits()
        gateway.engine.on_frame(_snapshot(), now)
        gateway.clock.on_venue_time(epoch_ms() // 1000, now, now)
        gateway.state = GatewayState.ACTIVE
        gateway.engine.halt(False)
        gateway.blind.clear()
        gateway.set_armed(MARKET.name, True)
        await self._connect()
        gateway.callbacks.open()
        self.ticket = gateway.ticket(MARKET.name, "buy")

    async def _connect(self) -> None:
        gateway, loop = self.gateway, asyncio.get_running_loop()
        gateway.entry = OrderEntry(
            Address(_URL),
            tls_context(None),
            gateway.path,
            gateway.config.orders,
            gateway.reactions,
            now_ns,
        )
        for lane in gateway.entry.lanes:
            near, far = socket.socketpair()
            for end in (near, far):
                end.setblocking(False)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            connection = OrderConnection(gateway.path, lane, _core.HttpParser())
            await aiofastnet.create_connection(
                loop, lambda connection=connection: connection, sock=near
            )
            self._far.append(far)

    async def close(self) -> None:
        """Ends connections and journal."""
        await self.gateway.entry.close()
        await asyncio.sleep(0)
        for far in self._far:
            far.close()
        self.gateway.journal.close()
        self._state.cleanup()

    def refresh(self) -> None:
        """Gives back what a burst of calls used up: rate limits, nonces."""
        numbers, _ = self.gateway.throttle.native()
        for cell in range(len(numbers)):
            numbers[cell] = 0
        self.gateway.nonces.last = 0
        self.gateway.allowance.check(now_ns())

    async def answer(self) -> list[dict[str, Any]]:
        """Reads what was sent, verifies each request and answers it.

        Returns the bodies, connection by connection.

        Raises:
            WrongAnswerError: the venue would refuse a request.
        """
        bodies: list[dict[str, Any]] = []
        for far, body, reply in self.replies():
            bodies.append(body)
            far.sendall(reply)
        async with asyncio.timeout(_PATIENCE_S):
            while any(lane.pipeline.in_flight for lane in self.gateway.entry.lanes):
                await asyncio.sleep(0)
        return bodies

    def replies(self) -> list[tuple[socket.socket, dict[str, Any], bytes]]:
        """Reads and verifies what was sent: where each answer goes, the request's body, the answer.

        Raises:
            WrongAnswerError: the venue would refuse a request.
        """
        sent = [(far, body) for far in self._far for body in _requests(_drain(far))]
        return [(far, body, self._reply(body)) for far, body in sent]

    def _reply(self, body: dict[str, Any]) -> bytes:
        """Acknowledges placements, changes and cancels."""
        self._next_id += 1
        known = self.gateway.store.by_client_id(body["clientOrderId"])
        expect(known is not None, "the request names no order")
        assert known is not None
        price, amount = body.get("price", f"{known.price:f}"), f"{known.amount:f}"
        is_over = body["request"] == ENDPOINTS["cancel"].path
        row = {
            "orderId": known.venue_id if is_over else self._next_id,
            "clientOrderId": body["clientOrderId"],
            "market": MARKET.name,
            "side": known.side.value,
            "type": "limit",
            "timestamp": 1700000000.0,
            "dealMoney": "0",
            "dealStock": "0",
            "amount": body.get("amount", amount),
            "left": body.get("amount", amount),
            "price": price,
            "status": "CANCELED" if is_over else "OPEN",
        }
        content = json.dumps(row).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)


def _fail(reason: str) -> None:
    raise AssertionError(reason)


def _snapshot() -> bytes:
    params = {
        "bids": [["59000", "1"]],
        "asks": [["61000", "1"]],
        "update_id": 1,
        "timestamp": epoch_ms() / 1000,
        "event_time": epoch_ms() / 1000,
    }
    frame = {"method": "depth_update", "params": [True, params, MARKET.name], "id": None}
    return json.dumps(frame).encode()


def _drain(far: socket.socket) -> bytes:
    parts = []
    try:
        while part := far.recv(_READ):
            parts.append(part)
    except BlockingIOError:
        pass
    return b"".join(parts)


def _requests(data: bytes) -> list[dict[str, Any]]:
    """The bodies of whole, rightly signed requests.

    Raises:
        WrongAnswerError: something else was sent.
    """
    bodies = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        start, *lines = head.decode("ascii").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        size = int(headers["Content-Length"])
        body, data = rest[:size], rest[size:]
        payload = headers["X-TXC-PAYLOAD"]
        expect(base64.b64decode(payload, validate=True) == body, "the payload is not the body")
        signature = hmac.new(_SECRET.encode(), payload.encode(), hashlib.sha512).hexdigest()
        expect(headers["X-TXC-SIGNATURE"] == signature, "the signature is wrong")
        bodies.append(json.loads(body))
        expect(start == f"POST {bodies[-1]['request']} HTTP/1.1", f"it begins with {start!r}")
    return bodies
