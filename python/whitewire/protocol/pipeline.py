"""Requests in flight: FIFO matching on one connection, and the choice among connections.

Owns: which request the next response answers, how many may be in flight, and which connection
carries a request. Must not know: sockets, HTTP framing, order states. Invariant: responses come in
the order of the requests on their connection, so each pushed request leaves exactly once: answered
by `on_response` or lost by `on_close`.

A request about an order that has another one in flight goes to the connection that carries it:
the venue then sees both in the order in which they were decided (place, modify, cancel).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from whitewire.errors import PeerError, UsageError
from whitewire.protocol.orders import Order
from whitewire.protocol.replies import Reply, RequestKind, classify, classify_bulk

__all__ = ["Pipeline", "Pool", "Request"]


class Request:
    """One request on the wire.

    Attributes:
        kind: what it asks for.
        orders: the orders it concerns; one for PLACE, CANCEL and MODIFY, the legs for BULK.
        nonce: its nonce, ms.
        t_sent_ns: when its last byte was handed to the socket, monotonic ns; 0 until then.
        context: whatever the caller needs with the answer.
        stop_on_fail: what a bulk asked for.
    """

    __slots__ = ("context", "kind", "nonce", "orders", "stop_on_fail", "t_sent_ns")

    def __init__(
        self,
        kind: RequestKind,
        orders: tuple[Order, ...] = (),
        nonce: int = 0,
        t_sent_ns: int = 0,
        context: object = None,
        stop_on_fail: bool = False,
    ) -> None:
        self.kind = kind
        self.orders = orders
        self.nonce = nonce
        self.t_sent_ns = t_sent_ns
        self.context = context
        self.stop_on_fail = stop_on_fail


class Pipeline:
    """The requests in flight on one connection, oldest first.

    Attributes:
        name: for people.
        ready: the transport sets it once connected, and clears it when the connection drains.
        depth: requests in flight allowed for anything.
        cancel_reserve: further ones allowed for cancels.
    """

    __slots__ = ("_queue", "cancel_reserve", "depth", "name", "ready")

    def __init__(self, depth: int, cancel_reserve: int, name: str = "") -> None:
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
        self._queue: deque[Request] = deque()

    @property
    def in_flight(self) -> int:
        """How many requests wait for an answer."""
        return len(self._queue)

    def has_room(self, is_cancel: bool) -> bool:
        """Whether one more request may be sent."""
        limit = self.depth + self.cancel_reserve if is_cancel else self.depth
        return self.ready and len(self._queue) < limit

    def push(self, request: Request) -> None:
        """Note that `request` is on the wire, behind all others."""
        self._queue.append(request)
        for order in request.orders:
            order.in_flight += 1
            order.carrier = self

    def on_response(
        self, status: int, body: bytes, now_ns: int
    ) -> tuple[Request, tuple[Reply, ...]]:
        """Match a response with the oldest request and judge it.

        Args:
            status: HTTP status.
            body: the answer's bytes.
            now_ns: monotonic ns, noted as the ack time of its orders.

        Returns:
            The request, and one verdict for each of its orders; none for OTHER, whose caller reads
            the answer itself.

        Raises:
            PeerError: no request waits; the connection cannot be trusted any more.
        """
        if not self._queue:
            raise PeerError(
                "response-without-request",
                f"connection {self.name}: status {status} answers no request",
                "the connection is closed",
            )
        request = self._queue.popleft()
        self._release(request)
        for order in request.orders:
            order.t_ack_ns = order.t_ack_ns or now_ns
        if request.kind is RequestKind.OTHER:
            return request, ()
        if request.kind is RequestKind.BULK:
            legs = len(request.orders)
            return request, classify_bulk(status, body, legs, request.stop_on_fail)
        return request, (classify(request.kind, status, body),)

    def on_close(self) -> list[Request]:
        """The connection is gone: every request in flight is lost, oldest first."""
        self.ready = False
        lost = list(self._queue)
        self._queue.clear()
        for request in lost:
            self._release(request)
        return lost

    def oldest_age_ns(self, now_ns: int) -> int:
        """How long the oldest request has waited since it was sent, 0 when none has."""
        if not self._queue or self._queue[0].t_sent_ns == 0:
            return 0
        return now_ns - self._queue[0].t_sent_ns

    def _release(self, request: Request) -> None:
        for order in request.orders:
            order.in_flight -= 1
            if order.in_flight == 0:
                order.carrier = None


class Pool:
    """Chooses the connection of the next request."""

    __slots__ = ("pipelines",)

    def __init__(self, pipelines: Sequence[Pipeline]) -> None:
        self.pipelines = tuple(pipelines)

    def pick(self, order: Order | None, is_cancel: bool) -> Pipeline | None:
        """The connection for a request about `order`, or None when it must not be sent now.

        Args:
            order: the order it concerns; None for one that is new, or for no order.
            is_cancel: may use the reserve.
        """
        if order is not None and order.carrier is not None:
            return order.carrier if order.carrier.has_room(is_cancel) else None
        best: Pipeline | None = None
        for pipeline in self.pipelines:
            if pipeline.has_room(is_cancel) and (
                best is None or pipeline.in_flight < best.in_flight
            ):
                best = pipeline
        return best
