"""What every connection that carries orders has in common: requests registered, answered, lost.

Owns: the fate of each request on one connection. Must not know: how the connection is made, what
protocol it speaks, order states. Invariant: the owner hears exactly once what became of a request:
answered, lost, or never sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from whitewire.protocol.replies import RequestKind

if TYPE_CHECKING:
    from whitewire._bridge import OrderConnection, Path
    from whitewire.protocol.nonce import NonceAllocator
    from whitewire.protocol.pipeline import Pipeline, Request
    from whitewire.protocol.replies import Reply

__all__ = ["Lane", "OrderEntryOwner"]

STAGE_WIRE_TO_ACK = 5
_OTHER = RequestKind.OTHER  # slow to look up


class OrderEntryOwner(Protocol):
    """Who hears what became of requests."""

    def on_answer(
        self, request: Request, replies: tuple[Reply, ...], status: int, now_ns: int
    ) -> None:
        """The venue answered `request`; one reply per order of it; `status` 0 on a WebSocket.

        Raises:
            PeerError: the answer cannot be used.
        """

    def on_request_lost(self, request: Request, reason: str) -> None:
        """No answer to `request` can come any more."""

    def on_request_unsent(self, request: Request, reason: str) -> None:
        """`request` was prepared, and its connection closed before a byte of it left."""

    def on_lanes(self, up: int, total: int) -> None:
        """The number of usable connections of the pool changed."""

    def on_order_socket(self, is_up: bool) -> None:
        """The WebSocket for orders became usable, or is not any more."""

    def on_peer_fault(self, where: str, error: Exception) -> None:
        """A peer broke the protocol; its connection ends."""


class Lane:
    """One connection that carries orders.

    Args:
        owner: who hears what became of requests.
        path: the bridge's shared path.
        pipeline: its requests in flight.

    Attributes:
        connection: what requests are appended to; None while there is none.
    """

    def __init__(self, owner: OrderEntryOwner, path: Path, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.connection: OrderConnection | None = None
        self._owner = owner
        self._path = path
        self._unsent: list[Request] = []

    def number(self, nonces: NonceAllocator, now_ms: int) -> int:
        """What the next request is told apart by: a nonce, unless the lane has numbers of its own.

        Raises:
            NonceExhausted: there is no nonce now.
        """
        return nonces.next(now_ms)

    def endpoint(self, kind: RequestKind, is_collateral: bool) -> str:
        """The name of the rate limit that a request counts against."""
        return (_COLLATERAL if is_collateral else _SPOT)[kind]

    def push(self, request: Request) -> None:
        """Registers a request whose bytes were just appended to the connection."""
        self.pipeline.push(request)
        self._unsent.append(request)

    def on_written(self, now_ns: int) -> None:
        """Everything appended so far was handed to the socket."""
        for request in self._unsent:
            request.t_sent_ns = now_ns
            for order in request.orders:
                if order.t_sent_ns == 0:
                    order.t_sent_ns = now_ns
        self._unsent.clear()

    def answered(
        self, request: Request, replies: tuple[Reply, ...], status: int, now_ns: int
    ) -> None:
        """Tells the owner; an answer that it cannot use is none, and what it raised goes on."""
        if request.t_sent_ns:
            self._path.record(STAGE_WIRE_TO_ACK, now_ns - request.t_sent_ns)
        if request.kind is _OTHER:
            return
        try:
            self._owner.on_answer(request, replies, status, now_ns)
        except Exception as error:
            # an answer that cannot be used is none; the connection that brought it ends
            self._owner.on_request_lost(request, str(error))
            raise

    def lose(self, reason: str) -> None:
        """The connection is gone: everything in flight is lost, or was never sent."""
        self.connection = None
        self._unsent.clear()
        for request in self.pipeline.on_close():
            if request.kind is RequestKind.OTHER:
                continue
            if request.t_sent_ns:
                self._owner.on_request_lost(request, reason)
            else:
                self._owner.on_request_unsent(request, reason)


_SPOT = {kind: kind.value for kind in RequestKind}
_COLLATERAL = _SPOT | {
    RequestKind.PLACE: "collateral_limit",
    RequestKind.BULK: "collateral_bulk",
}
