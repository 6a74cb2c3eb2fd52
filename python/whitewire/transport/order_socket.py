"""Orders over a WebSocket: one authorized session that carries calls and nothing else.

Owns: the session of the order socket and the ids of its calls. Must not know: order states (see
`order_entry`), how a session is kept (see `feed`). Invariants: an id is used once in the life of
the gateway; an answer that is overdue, an id that nobody waits for or a session that lost its
authorization ends the connection, and everything in flight on it is lost together.

Market data would hold replies up on the same connection, so the socket subscribes to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from whitewire._bridge import OrderSocket, ReplyListener
from whitewire.errors import PeerError
from whitewire.protocol.events import Reply as SessionReply
from whitewire.protocol.matching import ById
from whitewire.protocol.pipeline import Pipeline
from whitewire.protocol.replies import Refused
from whitewire.protocol.replies_plain import plain_ack
from whitewire.protocol.replies_socket import UNAUTHORIZED, classify_call, read_reply
from whitewire.protocol.session import SessionPlan
from whitewire.transport.feed import Feed
from whitewire.transport.lane import Lane

if TYPE_CHECKING:
    from aiofastnet.transport import Transport

    from whitewire._bridge import Path
    from whitewire.config import Config
    from whitewire.protocol.nonce import NonceAllocator
    from whitewire.protocol.replies import Reply, RequestKind
    from whitewire.protocol.replies_socket import SocketReply
    from whitewire.transport.order_entry import OrderEntry
    from whitewire.transport.token_desk import TokenDesk

__all__ = ["SocketLane"]

# Calls in flight; how many the venue bears is not documented, 256 together are taken to be safe.
DEPTH, CANCEL_RESERVE = 192, 64
# Ids of calls are apart from those that the session gives to its own requests.
FIRST_CALL = 1 << 32


class _CallSession(Feed):
    """A session whose texts are replies to calls, besides those to its own requests."""

    NAME = "order socket"

    def __init__(self, lane: SocketLane, *args: Any) -> None:
        self._lane = lane
        super().__init__(*args)

    def _listen(self, path: Path, markets: int) -> ReplyListener:
        return ReplyListener(path, self, markets)

    def connection(self) -> OrderSocket:
        """What calls are appended to, of the session that is up."""
        assert self._transport is not None
        stream = cast("Transport", self._transport.underlying_transport)
        return OrderSocket(self._path, self._lane, stream)

    def lost_authorization(self, reason: str) -> None:
        """Ends the session, whose token is not good any more."""
        self._tokens.refused(self._token)
        self._end(reason)

    def on_text(self, text: bytes, now_ns: int) -> None:
        reply = read_reply(text)
        if reply.call_id is None:
            return  # a push of something that nobody subscribed here
        if reply.call_id >= FIRST_CALL:
            self._lane.on_reply(reply, now_ns)
        else:
            own = SessionReply(reply.call_id, reply.error_code, reply.error_message, "")
            self._perform(self._session.on_reply(own, now_ns))

    def on_writable(self, writable: bool) -> None:
        self._lane.on_writable(writable)


class SocketLane(Lane):
    """See the module's documentation.

    Args:
        entry: the pool beside it, which shares path, TLS context and owner.
        config: URL and intervals.
        tokens: where the account's token is got.
    """

    def __init__(self, entry: OrderEntry, config: Config, tokens: TokenDesk) -> None:
        pipeline = Pipeline(DEPTH, CANCEL_RESERVE, _CallSession.NAME, ById())
        super().__init__(entry.owner, entry.path, pipeline)
        self._timeout_ms = config.orders.ack_timeout_ms
        self._last_id = FIRST_CALL
        plan = SessionPlan(calls=True)
        shared = (config, entry.context, entry.path, plan, 0, tokens, self, entry.now_ns)
        self._session = _CallSession(self, *shared)

    async def open(self) -> None:
        """Connects and authorizes; the session restores itself from then on.

        Raises:
            StartupError: the first attempt failed.
            VenueRefusal: the venue refused a token.
        """
        await self._session.open()

    def number(self, nonces: NonceAllocator, now_ms: int) -> int:
        """The id of the next call."""
        self._last_id += 1
        return self._last_id

    def endpoint(self, kind: RequestKind, is_collateral: bool) -> str:
        """The venue counts calls apart from requests, spot and collateral together."""
        return f"socket_{kind.value}"

    def check(self, now_ns: int) -> None:
        """Pings, and ends a session whose oldest answer is overdue."""
        self._session.check(now_ns)
        if self.pipeline.oldest_age_ns(now_ns) > self._timeout_ms * 1_000_000:
            self.pipeline.ready = False
            overdue = PeerError("ack-overdue", f"no answer within {self._timeout_ms} ms")
            self._owner.on_peer_fault(self.pipeline.name, overdue)
            self._session.give_up(str(overdue))

    def on_reply(self, reply: SocketReply, now_ns: int) -> None:
        """The reply to a call.

        Raises:
            PeerError: nobody waits for it, or it cannot be used.
        """
        assert reply.call_id is not None
        request = self.pipeline.match(now_ns, reply.call_id)
        verdict: Reply | None = None
        if not reply.error_code:
            verdict = plain_ack(request.orders[0], reply.result, is_call=True)
        if verdict is None:
            verdict = classify_call(request.kind, reply)
        self.answered(request, (verdict,), 0, now_ns)
        if isinstance(verdict, Refused) and verdict.reject.code == UNAUTHORIZED:
            self.pipeline.ready = False
            self._session.lost_authorization("the venue forgot the authorization")

    def on_writable(self, writable: bool) -> None:
        """The socket's buffer filled up or drained."""
        self.pipeline.ready = writable and self.connection is not None

    async def close(self) -> None:
        """Closes for good."""
        await self._session.close()
        self._drop("the order socket was closed")

    def _drop(self, reason: str) -> None:
        if isinstance(self.connection, OrderSocket):
            self.connection.release()
        self.lose(reason)

    # ---- events of the session --------------------------------------------------------------

    def on_feed_up(self) -> None:
        """Authorized: calls may be sent."""
        self.connection = self._session.connection()
        self.pipeline.ready = True
        self._owner.on_order_socket(True)

    def on_feed_down(self, reason: str) -> None:
        """Gone: nothing that is in flight will be answered."""
        was_up = self.connection is not None
        self._drop(reason)
        if was_up:
            self._owner.on_order_socket(False)

    def on_feed_event(self, kind: int, market: int, event: Any) -> None:
        """Never called: texts are not decoded as a feed's."""

    def on_peer_fault(self, where: str, error: Exception) -> None:
        """The peer broke the protocol; nothing more is sent on this session."""
        self.pipeline.ready = False
        self._owner.on_peer_fault(where, error)
