"""Requests in flight on one connection, and the choice among connections.

Owns: how many requests may be in flight, and which connection carries a request. Must not know:
sockets, framing, order states, how an answer finds its request (see `matching`). Invariant: each
pushed request leaves exactly once: answered by `match` or lost by `on_close`.

A request about an order that has another one in flight goes to the connection that carries it:
the venue then sees both in the order in which they were decided (place, modify, cancel).
"""

from __future__ import annotations

from collections.abc import Sequence

from whitewire.errors import PeerError, UsageError
from whitewire.protocol.matching import InOrder, Matching
from whitewire.protocol.orders import Order
from whitewire.protocol.pace import Meter
from whitewire.protocol.replies import Reply, RequestKind, classify, classify_bulk

__all__ = ["Pipeline", "Pool", "Request"]


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


class Pipeline:
    """The requests in flight on one connection.

    Args:
        matching: how answers find their requests; in order when None.

    Attributes:
        name: for people.
        ready: the transport sets it once connected, and clears it when the connection drains.
        depth: requests in flight allowed for anything.
        cancel_reserve: further ones allowed for cancels.
        meter: how fast its requests are answered.
        rank: how slow it is, next to the other connections of its pool.
    """

    __slots__ = ("_waiting", "cancel_reserve", "depth", "meter", "name", "rank", "ready")

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
        self.ready = False
        self.meter = Meter()
        self.rank = 0
        self._waiting: Matching = InOrder() if matching is None else matching

    @property
    def in_flight(self) -> int:
        """How many requests wait for an answer."""
        return len(self._waiting)

    def has_room(self, is_cancel: bool) -> bool:
        """Whether one more request may be sent."""
        limit = self.depth + self.cancel_reserve if is_cancel else self.depth
        return self.ready and len(self._waiting) < limit

    def push(self, request: Request) -> None:
        """Note that `request` is on the wire, behind all others."""
        self.meter.sent(request, len(self._waiting) == 0)
        self._waiting.add(request)
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
        self.meter.answered(request, now_ns, len(self._waiting) == 0)
        for order in request.orders:
            order.t_ack_ns = order.t_ack_ns or now_ns
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
        if request.kind is RequestKind.OTHER:
            return request, ()
        if request.kind is RequestKind.BULK:
            legs = len(request.orders)
            return request, classify_bulk(status, body, legs, request.stop_on_fail)
        return request, (classify(request.kind, status, body),)

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

    def _release(self, request: Request) -> None:
        for order in request.orders:
            order.in_flight -= 1
            if order.in_flight == 0:
                order.carrier = None


class Pool:
    """Chooses the connection of the next request: the least loaded, of these the fastest."""

    __slots__ = ("pipelines",)

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self.pipelines = tuple(pipelines)

    @property
    def room(self) -> int:
        """How many new orders could be sent now."""
        ready = (pipeline for pipeline in self.pipelines if pipeline.ready)
        return sum(max(pipeline.depth - pipeline.in_flight, 0) for pipeline in ready)

    def pick(self, order: Order | None, is_cancel: bool) -> Pipeline | None:
        """The connection for a request about `order`, or None when it must not be sent now.

        Args:
            order: the order it concerns; None for one that is new, or for no order.
            is_cancel: may use the reserve.
        """
        if order is not None and order.carrier is not None:
            return order.carrier if order.carrier.has_room(is_cancel) else None
        best: Pipeline | None = None
        load = (0, 0)
        for pipeline in self.pipelines:
            if pipeline.has_room(is_cancel):
                mine = (pipeline.in_flight, pipeline.rank)
                if best is None or mine < load:
                    best, load = pipeline, mine
        return best
