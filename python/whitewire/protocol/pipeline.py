"""Requests in flight on one connection, and the choice among connections.

Owns: how many requests may be in flight, and which connection carries a request. Must not know:
sockets, framing, order states, how an answer finds its request (see `matching`). Invariant: each
pushed request leaves exactly once: answered by `match` or lost by `on_close`.

A request about an order that has another one in flight goes to the connection that carries it:
the venue then sees both in the order in which they were decided (place, modify, cancel).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from whitewire.errors import PeerError, UsageError
from whitewire.protocol.matching import InOrder, Matching
from whitewire.protocol.orders import Order
from whitewire.protocol.pace import Meter
from whitewire.protocol.replies import Reply, RequestKind, classify, classify_bulk
from whitewire.protocol.replies_plain import plain_ack

__all__ = ["Pipeline", "Pool", "Request"]

_BULK, _OTHER = RequestKind.BULK, RequestKind.OTHER  # slow to look up


class Request:
    """One request on the wire.

    Attributes:
        kind: what it asks for.
        orders: the orders it concerns; one for PLACE, CANCEL and MODIFY, the legs for BULK.
        nonce: its nonce, ms; on a WebSocket the id of the call.
        t_sent_ns: when its last byte was handed to the socket, monotonic ns; 0 until then.
        context: whatever the caller needs with the answer.
        stop_on_fail: what a bulk asked for.
        endpoint: whose rate limit it counts against; that of its kind where nothing is said.
    """

    __slots__ = ("context", "endpoint", "kind", "nonce", "orders", "stop_on_fail", "t_sent_ns")

    def __init__(
        self,
        kind: RequestKind,
        orders: tuple[Order, ...] = (),
        nonce: int = 0,
        t_sent_ns: int = 0,
        context: object = None,
        stop_on_fail: bool = False,
        endpoint: str = "",
    ) -> None:
        self.kind = kind
        self.orders = orders
        self.nonce = nonce
        self.t_sent_ns = t_sent_ns
        self.context = context
        self.stop_on_fail = stop_on_fail
        self.endpoint = endpoint or kind.value


class _Board:
    """Which connections have how many requests in flight: a bit for each that is ready.

    Attributes:
        at: bits by load; the lowest bit is that of the fastest connection.
        least: no connection has fewer in flight.
        is_sorted: whether the bits are in the order of the ranks.
    """

    __slots__ = ("at", "is_sorted", "least")

    def __init__(self) -> None:
        self.at: defaultdict[int, int] = defaultdict(int)
        self.least = 0
        self.is_sorted = True

    def flip(self, bit: int, load: int) -> None:
        """A connection became ready, or is not any more."""
        self.at[load] ^= bit
        if load < self.least:
            self.least = load


class Pipeline:
    """The requests in flight on one connection.

    Args:
        matching: how answers find their requests; in order when None.

    Attributes:
        name: for people.
        depth: requests in flight allowed for anything.
        cancel_reserve: further ones allowed for cancels.
        in_flight: how many requests wait for an answer.
        meter: how fast its requests are answered.
    """

    __slots__ = ("_bit", "_board", "_rank", "_ready", "_waiting", "cancel_reserve", "depth",
                 "in_flight", "meter", "name")  # fmt: skip

    def __init__(
        self, depth: int, cancel_reserve: int, name: str = "", matching: Matching | None = None
    ) -> None:
        if depth < 1 or cancel_reserve < 0:
            raise UsageError(
                "pipeline-depth",
                f"depth {depth} with a cancel reserve of {cancel_reserve} cannot carry requests",
                "use a depth of at least 1 and a reserve of at least 0",
            )
        self.depth = depth
        self.cancel_reserve = cancel_reserve
        self.name = name
        self.in_flight = 0
        self.meter = Meter()
        self._ready = False
        self._rank = 0
        self._board, self._bit = _Board(), 1
        self._waiting: Matching = InOrder() if matching is None else matching

    @property
    def ready(self) -> bool:
        """The transport sets it once connected, and clears it when the connection drains."""
        return self._ready

    @ready.setter
    def ready(self, ready: bool) -> None:
        """Tells the pool's board."""
        if ready != self._ready:
            self._ready = ready
            self._board.flip(self._bit, self.in_flight)

    @property
    def rank(self) -> int:
        """How slow it is, next to the other connections of its pool."""
        return self._rank

    @rank.setter
    def rank(self, rank: int) -> None:
        """Bits are given anew before the next choice."""
        if rank != self._rank:
            self._rank = rank
            self._board.is_sorted = False

    def has_room(self, is_cancel: bool) -> bool:
        """Whether one more request may be sent."""
        limit = self.depth + self.cancel_reserve if is_cancel else self.depth
        return self._ready and self.in_flight < limit

    def push(self, request: Request) -> None:
        """Note that `request` is on the wire, behind all others."""
        load = self.in_flight
        self._waiting.add(request)
        self.in_flight = load + 1
        if load == 0:
            self.meter.first_sent(request)
        if self._ready:
            at, bit = self._board.at, self._bit
            at[load] ^= bit
            at[load + 1] ^= bit
        for order in request.orders:
            order.in_flight += 1
            order.carrier = self

    def match(self, now_ns: int, number: int = 0) -> Request:
        """The request that an answer belongs to.

        Args:
            now_ns: monotonic ns, noted as the ack time of its orders.
            number: what the answer names, where answers name their requests.

        Raises:
            PeerError: no such request waits; the connection cannot be trusted any more.
        """
        request = self._waiting.take(number)
        if request is None:
            which = f"call {number}" if number else "an answer"
            raise PeerError(
                "response-without-request",
                f"connection {self.name}: {which} answers no request",
                "the connection is closed",
            )
        self._release(request)
        for order in request.orders:
            if not order.t_ack_ns:
                order.t_ack_ns = now_ns
        self.meter.answered(request, now_ns, self.in_flight == 0)
        return request

    def on_response(
        self, status: int, body: bytes, now_ns: int
    ) -> tuple[Request, tuple[Reply, ...]]:
        """Match an HTTP response with its request and judge it.

        Args:
            status: HTTP status.
            body: the answer's bytes.
            now_ns: see `match`.

        Returns:
            The request, and one verdict for each of its orders; none for OTHER, whose caller reads
            the answer itself.

        Raises:
            PeerError: see `match`.
        """
        request = self.match(now_ns)
        kind, orders = request.kind, request.orders
        if kind is _OTHER:
            return request, ()
        if kind is _BULK:
            return request, classify_bulk(status, body, len(orders), request.stop_on_fail, orders)
        reply: Reply | None = plain_ack(orders[0], body) if status == 200 else None
        if reply is None:
            reply = classify(kind, status, body)
        return request, (reply,)

    def on_close(self) -> list[Request]:
        """The connection is gone: every request in flight is lost, oldest first."""
        self.ready = False
        lost = self._waiting.drain()
        self.meter.forget()
        for request in lost:
            self._release(request)
        return lost

    def oldest_age_ns(self, now_ns: int) -> int:
        """How long the oldest request has waited since it was sent, 0 when none has."""
        oldest = self._waiting.oldest()
        if oldest is None or oldest.t_sent_ns == 0:
            return 0
        return now_ns - oldest.t_sent_ns

    def join(self, board: _Board, bit: int) -> None:
        """From now on its load is told to a pool's board, which knows it by that bit."""
        self._board, self._bit = board, bit
        if self._ready:
            board.flip(bit, self.in_flight)

    def _release(self, request: Request) -> None:
        load = self.in_flight
        self.in_flight = load - 1
        if self._ready:
            board, bit = self._board, self._bit
            board.at[load] ^= bit
            board.at[load - 1] ^= bit
            if load <= board.least:
                board.least = load - 1
        for order in request.orders:
            order.in_flight -= 1
            if order.in_flight == 0:
                order.carrier = None


class Pool:
    """Chooses the connection of the next request: the least loaded, of these the fastest.

    A pipeline belongs to the pool that was made last.
    """

    __slots__ = ("_board", "_by_bit", "_deepest", "_shallowest", "pipelines")

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self.pipelines = tuple(pipelines)
        self._deepest = max((each.depth + each.cancel_reserve for each in pipelines), default=0)
        self._shallowest = min((each.depth for each in pipelines), default=0)
        self._arrange()

    @property
    def room(self) -> int:
        """How many new orders could be sent now."""
        ready = (pipeline for pipeline in self.pipelines if pipeline.ready)
        return sum(max(pipeline.depth - pipeline.in_flight, 0) for pipeline in ready)

    @property
    def spread(self) -> int:
        """How many new orders would go to a connection each, the least loaded ones."""
        board = self._board
        for load in range(board.least, self._shallowest):
            if board.at[load]:
                return board.at[load].bit_count()
        return 0

    def pick(self, order: Order | None, is_cancel: bool) -> Pipeline | None:
        """The connection for a request about `order`, or None when it must not be sent now.

        Args:
            order: the order it concerns; None for one that is new, or for no order.
            is_cancel: may use the reserve.
        """
        if order is not None and order.carrier is not None:
            return order.carrier if order.carrier.has_room(is_cancel) else None
        if not self._board.is_sorted:
            self._arrange()
        board = self._board
        for load in range(board.least, self._deepest):
            bits = board.at[load]
            if bits:
                board.least = load
                best = self._by_bit[bits & -bits]
                return best if best.has_room(is_cancel) else self.scan(is_cancel)
        return None

    def scan(self, is_cancel: bool) -> Pipeline | None:
        """What `pick` finds, by looking at each: where the least loaded one is full."""
        room = [pipeline for pipeline in self.pipelines if pipeline.has_room(is_cancel)]
        return min(room, key=lambda each: (each.in_flight, each.rank), default=None)

    def _arrange(self) -> None:
        """Gives each pipeline its bit, by its rank."""
        board = self._board = _Board()
        self._by_bit: dict[int, Pipeline] = {}
        by_rank = sorted(self.pipelines, key=lambda pipeline: pipeline.rank)
        for place, pipeline in enumerate(by_rank):
            self._by_bit[1 << place] = pipeline
            pipeline.join(board, 1 << place)
