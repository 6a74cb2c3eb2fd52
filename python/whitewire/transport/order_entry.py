"""Order entry: k warm connections, d requests in flight on each; beside them an order socket.

Owns: the connections of the pool and their reconnection, and the choice of the lane that carries a
request. Must not know: order states, what becomes of a request (see `lane`). Invariant: a request
is handed to one connection, once, and what concerns an order in flight goes where that order is.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from whitewire.endpoints import ENDPOINTS
from whitewire.errors import PeerError, StartupError
from whitewire.protocol.backoff import Backoff
from whitewire.protocol.pipeline import Pipeline, Pool, Request
from whitewire.protocol.replies import RequestKind
from whitewire.transport.lane import Lane
from whitewire.transport.link import Address, connect, is_reset
from whitewire.transport.order_socket import SocketLane

if TYPE_CHECKING:
    from whitewire._bridge import OrderConnection, Path
    from whitewire.config import Config, OrdersConfig
    from whitewire.protocol.orders import Order
    from whitewire.transport.lane import OrderEntryOwner
    from whitewire.transport.token_desk import TokenDesk

__all__ = ["HttpLane", "OrderEntry"]

# Well below the idle time after which a front end closes a silent connection.
WARM_EVERY_NS = 20_000_000_000


class HttpLane(Lane):
    """One connection of the pool with its pipeline; reconnects by itself until closed."""

    def __init__(self, entry: OrderEntry, index: int) -> None:
        config = entry.config
        pipeline = Pipeline(config.in_flight, config.cancel_reserve, f"orders-{index}")
        super().__init__(entry.owner, entry.path, pipeline)
        self._entry = entry
        self._backoff = Backoff(random.Random())
        self._task: asyncio.Task[None] | None = None
        self._used_ns = 0
        self._has_answered = False
        self._reason = ""

    async def open(self) -> None:
        """Connects once; `on_made` makes the lane usable."""
        entry = self._entry
        await connect(entry.address, entry.context, entry.path, self)

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
        super().on_written(now_ns)

    def on_writable(self, writable: bool) -> None:
        self.pipeline.ready = writable and self.connection is not None and self.connection.is_open
        self._entry.lanes_changed()

    def on_response(self, status: int, body: bytes, keep_alive: bool, now_ns: int) -> None:
        request, replies = self.pipeline.on_response(status, body, now_ns)
        self._has_answered = True
        self._backoff.reset()
        if not keep_alive and self.connection is not None:
            # RFC 9112, 9.6: nothing behind this response will be answered
            self.pipeline.ready = False
            self._reason = "the venue closed the connection after an answer"
            self.connection.abort()
        self.answered(request, replies, status, now_ns)

    def on_fault(self, error: Exception) -> None:
        self.pipeline.ready = False
        self._reason = str(error)
        self._entry.owner.on_peer_fault(self.pipeline.name, error)

    def on_lost(self, error: Exception | None) -> None:
        self.lose(f"{self._reason} ({error})" if error else self._reason)
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
        self.lanes = [HttpLane(self, index) for index in range(config.connections)]
        self.socket: SocketLane | None = None
        self._by_pipeline: dict[int, Lane] = {id(lane.pipeline): lane for lane in self.lanes}
        self._pool = Pool([lane.pipeline for lane in self.lanes])

    async def open(self) -> None:
        """Opens every lane, so that each is warm before the first order.

        Raises:
            StartupError: the host cannot be reached or trusted.
        """
        for lane in self.lanes:
            await lane.open()

    async def open_socket(self, config: Config, tokens: TokenDesk) -> None:
        """Opens the order socket beside the pool.

        Raises:
            StartupError: the host cannot be reached or trusted, or closes the session.
            VenueRefusal: the venue refused a token.
        """
        self.socket = SocketLane(self, config, tokens)
        self._by_pipeline[id(self.socket.pipeline)] = self.socket
        await self.socket.open()

    def pick(self, order: Order | None, is_cancel: bool, on_socket: bool = False) -> Lane | None:
        """The lane that the next request should take, or None when all are full or down.

        Args:
            order: the order it concerns; None for one that is new.
            is_cancel: may use the reserve.
            on_socket: by the order socket. What concerns an order that exists takes the pool where
                the socket is full or down: nothing waits for a dead connection.
        """
        socket = self.socket
        is_free = order is None or order.carrier is None
        if on_socket and socket is not None and is_free:
            if socket.pipeline.has_room(is_cancel):
                return socket
            if order is None:
                return None
        pipeline = self._pool.pick(order, is_cancel)
        return None if pipeline is None else self._by_pipeline[id(pipeline)]

    def check(self, now_ns: int) -> None:
        """Housekeeping; call about ten times a second."""
        self.path.enter()
        try:
            for lane in self.lanes:
                lane.check(now_ns)
            if self.socket is not None:
                self.socket.check(now_ns)
        finally:
            self.path.leave()

    def lanes_changed(self) -> None:
        """Tells the owner how many lanes are usable."""
        self.owner.on_lanes(sum(lane.pipeline.ready for lane in self.lanes), len(self.lanes))

    async def close(self) -> None:
        """Closes every lane for good."""
        self.is_closed = True
        if self.socket is not None:
            await self.socket.close()
        for lane in self.lanes:
            await lane.close()
