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

from whitewire.config import DEFAULT_POOL
from whitewire.endpoints import ENDPOINTS
from whitewire.errors import PeerError, StartupError
from whitewire.protocol.backoff import Backoff
from whitewire.protocol.pace import bucket_of, laggard
from whitewire.protocol.pipeline import Pipeline, Pool, Request
from whitewire.protocol.replies import RequestKind
from whitewire.protocol.service import PoolSize, pool_size
from whitewire.transport.lane import Lane
from whitewire.transport.link import Address, connect, is_reset
from whitewire.transport.order_socket import SocketLane

if TYPE_CHECKING:
    from whitewire._bridge import OrderConnection, Path
    from whitewire.config import Config, OrdersConfig
    from whitewire.protocol.orders import Order
    from whitewire.protocol.service import Measurement
    from whitewire.transport.lane import OrderEntryOwner
    from whitewire.transport.token_desk import TokenDesk

__all__ = ["HttpLane", "OrderEntry"]

# Well below the idle time after which a front end closes a silent connection.
WARM_EVERY_NS = 20_000_000_000
# One slow lane at a time, and a new one proves itself first.
REPLACE_EVERY_NS = 10_000_000_000


class HttpLane(Lane):
    """One connection of the pool with its pipeline; reconnects by itself until closed.

    Attributes:
        index: its place in the pool.
        is_retired: another one has that place; this one lives until its answers have come.
    """

    def __init__(self, entry: OrderEntry, index: int) -> None:
        size, reserve = entry.size, entry.config.cancel_reserve
        pipeline = Pipeline(size.in_flight, reserve, f"orders-{index}")
        super().__init__(entry.owner, entry.path, pipeline)
        self.index = index
        self.is_retired = False
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

    def limit(self, depth: int) -> None:
        """How many unanswered requests new orders may make of it, chosen here or by the core."""
        self.pipeline.depth = depth
        if self.connection is not None:
            self.connection.limit(depth, self.pipeline.cancel_reserve)

    def rank_by(self, typical_ns: int) -> None:
        """Lets the faster of two lanes be chosen, here and by the core."""
        self.pipeline.rank = bucket_of(typical_ns)
        if self.connection is not None:
            self.connection.rank = self.pipeline.rank

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
        connection.limit(self.pipeline.depth, self.pipeline.cancel_reserve)
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
        is_over = self._entry.is_closed or self.is_retired
        if not is_over and (self._task is None or self._task.done()):
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
        measured: what a probe found; decides where the configuration says `auto`.

    Attributes:
        size: of the pool.
        lanes: of the pool, by index.
        socket: for orders over the WebSocket; None where there is none.
        replaced: how many lanes were replaced for being slow.
    """

    def __init__(
        self,
        address: Address,
        context: ssl.SSLContext,
        path: Path,
        config: OrdersConfig,
        owner: OrderEntryOwner,
        now_ns: Callable[[], int],
        measured: Measurement | None = None,
    ) -> None:
        self.address = address
        self.context = context
        self.path = path
        self.config = config
        self.owner = owner
        self.now_ns = now_ns
        self.measured = measured
        self.size = _size(config, measured)
        self.is_closed = False
        self.replaced = 0
        self._replaced_ns = 0
        self._replacing: asyncio.Task[None] | None = None
        self._retired: list[HttpLane] = []
        ping = ENDPOINTS["ping"].path
        self.warm_request = f"GET {ping} HTTP/1.1\r\nHost: {address.header}\r\n\r\n".encode()
        self.lanes = [HttpLane(self, index) for index in range(self.size.connections)]
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

    @property
    def room(self) -> int:
        """How many new orders the lanes of the pool could take now."""
        return self._pool.room

    @property
    def spread(self) -> int:
        """How many new orders would go to a lane each."""
        return self._pool.spread

    def pick(self, order: Order | None, is_cancel: bool, on_socket: bool = False) -> Lane | None:
        """The lane that the next request should take, or None when all are full or down.

        Args:
            order: the order it concerns; None for one that is new.
            is_cancel: may use the reserve.
            on_socket: by the order socket. What concerns an order that exists takes the pool where
                the socket is full or down, and a cancel the socket where the pool is: nothing waits
                for a dead connection.
        """
        socket = self.socket
        if socket is not None and (order is None or order.carrier is None):
            has_room = socket.pipeline.has_room(is_cancel)
            if on_socket and (has_room or order is None):
                return socket if has_room else None
        else:
            has_room = False
        pipeline = self._pool.pick(order, is_cancel)
        if pipeline is None:
            return socket if is_cancel and has_room else None
        return self._by_pipeline[id(pipeline)]

    def check(self, now_ns: int) -> None:
        """Housekeeping; call about ten times a second."""
        self.path.enter()
        try:
            for lane in (*self.lanes, *self._retired):
                lane.check(now_ns)
                lane.rank_by(lane.pipeline.meter.alone.recent_ns(now_ns) or 0)
            if self.socket is not None:
                self.socket.check(now_ns)
        finally:
            self.path.leave()
        self._let_go()
        self._replace_laggard(now_ns)

    # ---- slow lanes -------------------------------------------------------------------------

    def _replace_laggard(self, now_ns: int) -> None:
        """Begins to replace a lane that is persistently slower than the others."""
        if self._replacing is not None:
            if not self._replacing.done():
                return
            self._replacing.result()  # an error of ours ended it: the caller has to know
        if now_ns - self._replaced_ns < REPLACE_EVERY_NS:
            return
        slow = laggard([lane.pipeline.meter.alone for lane in self.lanes])
        if slow is not None:
            self._replaced_ns = now_ns
            work = self._replace(self.lanes[slow])
            self._replacing = asyncio.get_running_loop().create_task(work)

    async def _replace(self, slow: HttpLane) -> None:
        """Connects another lane, and only then takes the slow one's place away from it."""
        lane = HttpLane(self, slow.index)
        self._by_pipeline[id(lane.pipeline)] = lane
        try:
            await lane.open()
        except StartupError as error:
            del self._by_pipeline[id(lane.pipeline)]
            self.owner.on_peer_fault(lane.pipeline.name, error)
            return
        slow.is_retired = True
        if slow.connection is not None:
            slow.connection.limit(0, 0)  # no reflex begins anything on it
        self._retired.append(slow)
        self.lanes[slow.index] = lane
        self._pool = Pool([each.pipeline for each in self.lanes])
        self.replaced += 1
        self.lanes_changed()

    def _let_go(self) -> None:
        """Closes retired lanes that wait for no answer."""
        for lane in list(self._retired):
            if lane.pipeline.in_flight == 0:
                self._retired.remove(lane)
                del self._by_pipeline[id(lane.pipeline)]
                if lane.connection is not None:
                    lane.connection.abort()

    def lanes_changed(self) -> None:
        """Tells the owner how many lanes are usable."""
        self.owner.on_lanes(sum(lane.pipeline.ready for lane in self.lanes), len(self.lanes))

    async def close(self) -> None:
        """Closes every lane for good."""
        self.is_closed = True
        if self._replacing is not None:
            self._replacing.cancel()
            await asyncio.wait((self._replacing,))
        if self.socket is not None:
            await self.socket.close()
        for lane in (*self.lanes, *self._retired):
            await lane.close()


def _size(config: OrdersConfig, measured: Measurement | None) -> PoolSize:
    """The pool as configured; as the probe suggests where that says `auto`."""
    size = PoolSize(*DEFAULT_POOL)
    if measured is not None:
        size = pool_size(measured, config.burst_legs)
    connections, in_flight = config.connections, config.in_flight
    return PoolSize(
        size.connections if connections == "auto" else connections,
        size.in_flight if in_flight == "auto" else in_flight,
    )
