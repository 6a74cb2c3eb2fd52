"""Order entry: k warm connections, d requests in flight on each, answers matched in order.

Owns: the sockets of the order path and their reconnection. Must not know: order states (it hands
requests and answers to its owner). Invariant: a request is handed to a connection at most once;
its owner hears exactly once what became of it: answered, lost, or never sent.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from whitewire.endpoints import ENDPOINTS
from whitewire.errors import PeerError, StartupError
from whitewire.protocol.backoff import Backoff
from whitewire.protocol.pipeline import Pipeline, Pool, Request
from whitewire.protocol.replies import RequestKind
from whitewire.transport.link import Address, connect, is_reset

if TYPE_CHECKING:
    from whitewire._bridge import OrderConnection, Path
    from whitewire.config import OrdersConfig
    from whitewire.protocol.orders import Order
    from whitewire.protocol.replies import Reply

__all__ = ["Lane", "OrderEntry", "OrderEntryOwner"]

STAGE_WIRE_TO_ACK = 5
# Well below the idle time after which a front end closes a silent connection.
WARM_EVERY_NS = 20_000_000_000


class OrderEntryOwner(Protocol):
    """Who hears what became of requests."""

    def on_answer(
        self, request: Request, replies: tuple[Reply, ...], status: int, now_ns: int
    ) -> None:
        """The venue answered `request`; one reply per order of it.

        Raises:
            PeerError: the answer cannot be used.
        """

    def on_request_lost(self, request: Request, reason: str) -> None:
        """No answer to `request` can come any more."""

    def on_request_unsent(self, request: Request, reason: str) -> None:
        """`request` was prepared, and its connection closed before a byte of it left."""

    def on_lanes(self, up: int, total: int) -> None:
        """The number of usable connections changed."""

    def on_peer_fault(self, where: str, error: Exception) -> None:
        """A peer broke the protocol; its connection ends."""


class Lane:
    """One connection of the pool with its pipeline; reconnects by itself until closed."""

    def __init__(self, entry: OrderEntry, index: int) -> None:
        config = entry.config
        self.pipeline = Pipeline(config.in_flight, config.cancel_reserve, f"orders-{index}")
        self.connection: OrderConnection | None = None
        self._entry = entry
        self._backoff = Backoff(random.Random())
        self._unsent: list[Request] = []
        self._task: asyncio.Task[None] | None = None
        self._used_ns = 0
        self._has_answered = False
        self._reason = ""

    async def open(self) -> None:
        """Connects once; `on_made` makes the lane usable."""
        entry = self._entry
        await connect(entry.address, entry.context, entry.path, self)

    def push(self, request: Request) -> None:
        """Registers a request whose bytes were just appended to the connection."""
        self.pipeline.push(request)
        self._unsent.append(request)

    def check(self, now_ns: int) -> None:
        """Ends a connection whose oldest answer is overdue; keeps an idle one warm."""
        if self._task is not None and self._task.done():
            self._task.result()  # an error of ours ended it: the caller has to know
        connection = self.connection
        if connection is None or connection.transport is None:
            return
        if is_reset(connection.transport):
            connection.abort()
            return
        timeout_ms = self._entry.config.ack_timeout_ms
        if self.pipeline.oldest_age_ns(now_ns) > timeout_ms * 1_000_000:
            connection.abort(PeerError("ack-overdue", f"no answer within {timeout_ms} ms"))
            return
        is_idle = self.pipeline.in_flight == 0 and now_ns - self._used_ns > WARM_EVERY_NS
        if is_idle and connection.append(self._entry.warm_request):
            self.push(Request(RequestKind.OTHER))

    async def close(self) -> None:
        """Closes for good."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))
        if self.connection is not None:
            self.connection.abort()

    # ---- events of the connection -----------------------------------------------------------

    def on_made(self, connection: OrderConnection) -> None:
        self.connection = connection
        self.pipeline.ready = True
        self._has_answered = False
        self._reason = "the connection closed"
        self._used_ns = self._entry.now_ns()
        self._entry.lanes_changed()

    def on_written(self, now_ns: int) -> None:
        self._used_ns = now_ns
        for request in self._unsent:
            request.t_sent_ns = now_ns
            for order in request.orders:
                if order.t_sent_ns == 0:
                    order.t_sent_ns = now_ns
        self._unsent.clear()

    def on_writable(self, writable: bool) -> None:
        self.pipeline.ready = writable and self.connection is not None and self.connection.is_open
        self._entry.lanes_changed()

    def on_response(self, status: int, body: bytes, keep_alive: bool, now_ns: int) -> None:
        request, replies = self.pipeline.on_response(status, body, now_ns)
        self._has_answered = True
        self._backoff.reset()
        if request.t_sent_ns:
            self._entry.path.record(STAGE_WIRE_TO_ACK, now_ns - request.t_sent_ns)
        if not keep_alive and self.connection is not None:
            # RFC 9112, 9.6: nothing behind this response will be answered
            self.pipeline.ready = False
            self._reason = "the venue closed the connection after an answer"
            self.connection.abort()
        if request.kind is RequestKind.OTHER:
            return
        try:
            self._entry.owner.on_answer(request, replies, status, now_ns)
        except Exception as error:
            # an answer that cannot be used is none; the connection that brought it ends
            self._entry.owner.on_request_lost(request, str(error))
            raise

    def on_fault(self, error: Exception) -> None:
        self.pipeline.ready = False
        self._reason = str(error)
        self._entry.owner.on_peer_fault(self.pipeline.name, error)

    def on_lost(self, error: Exception | None) -> None:
        owner = self._entry.owner
        reason = f"{self._reason} ({error})" if error else self._reason
        self.connection = None
        self._unsent.clear()
        for request in self.pipeline.on_close():
            if request.kind is RequestKind.OTHER:
                continue
            if request.t_sent_ns:
                owner.on_request_lost(request, reason)
            else:
                owner.on_request_unsent(request, reason)
        self._entry.lanes_changed()
        if not self._entry.is_closed and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._reconnect())

    async def _reconnect(self) -> None:
        while self.connection is None:
            # One that served and was closed is replaced at once, as front ends close connections
            # after so many requests; one that never answered is not tried again so soon.
            wait_ns = 0 if self._has_answered else self._backoff.next_ns()
            self._has_answered = False
            await asyncio.sleep(wait_ns / 1e9)
            try:
                await self.open()
            except StartupError as error:
                self._entry.owner.on_peer_fault(self.pipeline.name, error)


class OrderEntry:
    """The pool of lanes. See the module's documentation.

    Args:
        address: the host that carries orders.
        context: TLS context.
        path: the bridge's shared path.
        config: pool size and timeouts.
        owner: who hears answers and losses.
        now_ns: monotonic clock.
    """

    def __init__(
        self,
        address: Address,
        context: ssl.SSLContext,
        path: Path,
        config: OrdersConfig,
        owner: OrderEntryOwner,
        now_ns: Callable[[], int],
    ) -> None:
        self.address = address
        self.context = context
        self.path = path
        self.config = config
        self.owner = owner
        self.now_ns = now_ns
        self.is_closed = False
        ping = ENDPOINTS["ping"].path
        self.warm_request = f"GET {ping} HTTP/1.1\r\nHost: {address.header}\r\n\r\n".encode()
        self.lanes = [Lane(self, index) for index in range(config.connections)]
        self._by_pipeline = {id(lane.pipeline): lane for lane in self.lanes}
        self._pool = Pool([lane.pipeline for lane in self.lanes])

    async def open(self) -> None:
        """Opens every lane, so that each is warm before the first order.

        Raises:
            StartupError: the host cannot be reached or trusted.
        """
        for lane in self.lanes:
            await lane.open()

    def pick(self, order: Order | None, is_cancel: bool) -> Lane | None:
        """The lane that the next request should take, or None when all are full or down."""
        pipeline = self._pool.pick(order, is_cancel)
        return None if pipeline is None else self._by_pipeline[id(pipeline)]

    def check(self, now_ns: int) -> None:
        """Housekeeping; call about ten times a second."""
        self.path.enter()
        try:
            for lane in self.lanes:
                lane.check(now_ns)
        finally:
            self.path.leave()

    def lanes_changed(self) -> None:
        """Tells the owner how many lanes are usable."""
        self.owner.on_lanes(sum(lane.pipeline.ready for lane in self.lanes), len(self.lanes))

    async def close(self) -> None:
        """Closes every lane for good."""
        self.is_closed = True
        for lane in self.lanes:
            await lane.close()
