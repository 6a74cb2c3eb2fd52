"""The feed: one WebSocket session to the venue, kept alive and restored.

Owns: connecting, the session's frames and timers, reconnection with backoff, the cached token.
Must not know: books and orders (frames go to the core; cold events to its owner). Invariant: the
owner hears `on_feed_up` only when every subscription was confirmed, and `on_feed_down` once per
loss, before any reconnection.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

from picows import WSError, WSMsgType, WSTransport, ws_connect

from whitewire._bridge import FeedListener
from whitewire.errors import PeerError, StartupError, WhitewireError
from whitewire.protocol.backoff import Backoff
from whitewire.protocol.events import EventKind, Reply
from whitewire.protocol.session import FaultKind, Session, SessionPlan, Step
from whitewire.transport.link import explain

if TYPE_CHECKING:
    from whitewire._bridge import Path
    from whitewire.config import Config

__all__ = ["Feed", "FeedOwner"]

# A 100-level snapshot is 8 KiB and 100 trades are 16 KiB; an honest venue stays far below.
MAX_FRAME = 1024 * 1024
# The venue gives 10 tokens per 60 s and calls them short-lived: reused for half of the shortest
# lifetime that was ever reported (60 s).
TOKEN_REUSE_NS = 30_000_000_000
STABLE_AFTER_NS = 10_000_000_000


class FeedOwner(Protocol):
    """Who hears the feed's cold events."""

    def on_feed_up(self) -> None:
        """Authorized and subscribed; books follow."""

    def on_feed_down(self, reason: str) -> None:
        """The session is lost; every book is stale."""

    def on_feed_event(self, kind: int, market: int, event: Any) -> None:
        """A decoded frame that is not book or ticker; or a gap (event None)."""

    def on_peer_fault(self, where: str, error: Exception) -> None:
        """The peer broke the protocol; the session ends."""


class Feed:
    """See the module's documentation.

    Args:
        config: URL and intervals.
        context: TLS context.
        path: the bridge's shared path.
        plan: what to subscribe to.
        markets: number of markets in the core.
        fetch_token: awaitable that asks the venue for a token; None for public channels only.
        owner: who hears events.
        now_ns: monotonic clock.
    """

    def __init__(
        self,
        config: Config,
        context: ssl.SSLContext,
        path: Path,
        plan: SessionPlan,
        markets: int,
        fetch_token: Callable[[], Awaitable[str]] | None,
        owner: FeedOwner,
        now_ns: Callable[[], int],
    ) -> None:
        self._url = config.venue.ws
        self._context = context
        self._fetch_token = fetch_token
        self._owner = owner
        self._now_ns = now_ns
        self._backoff = Backoff(random.Random())
        self._session = Session(
            plan,
            ping_interval_ns=config.feed.ping_interval_ms * 1_000_000,
            pong_timeout_ns=config.feed.pong_timeout_ms * 1_000_000,
        )
        self.listener = FeedListener(path, self, markets)
        self._transport: WSTransport | None = None
        self._token: str | None = None
        self._token_ns = 0
        self._up_ns = 0
        self._closing = False
        self._reason = ""
        self._task: asyncio.Task[None] | None = None
        self._first: asyncio.Future[None] | None = None
        self.sessions = 0

    @property
    def is_up(self) -> bool:
        """Whether the session is authorized and subscribed."""
        return self._up_ns != 0

    async def open(self) -> None:
        """Connects and returns when the session is live; it restores itself from then on.

        Raises:
            StartupError: the first attempt failed.
            VenueRefusal: the venue refused a token.
        """
        self._first = asyncio.get_running_loop().create_future()
        await self._connect()
        await self._first

    async def _connect(self) -> None:
        token = await self._get_token()
        self._session.on_connecting(self._now_ns())
        try:
            await ws_connect(
                lambda: self.listener,
                self._url,
                ssl_context=self._context if self._url.startswith("wss") else None,
                enable_auto_pong=False,
                max_frame_size=MAX_FRAME,
                use_aiofastnet=True,
            )
        except (OSError, TimeoutError, WSError) as error:
            self._session.on_closed()
            raise explain(self._url, error) from error
        self._perform(self._session.on_connected(token, self._now_ns()))

    async def _get_token(self) -> str | None:
        if self._fetch_token is None:
            return None
        age = self._now_ns() - self._token_ns
        if self._token is None or age > TOKEN_REUSE_NS:
            self._token = await self._fetch_token()
            self._token_ns = self._now_ns()
        return self._token

    def check(self, now_ns: int) -> None:
        """Housekeeping: pings and overdue answers; call about ten times a second."""
        if self._transport is not None:
            self._session.on_frame_seen(self.listener.last_frame_ns)
            self._perform(self._session.on_timer(now_ns))
            if self._up_ns and now_ns - self._up_ns > STABLE_AFTER_NS:
                self._backoff.reset()

    def resubscribe(self, market: str) -> None:
        """Asks for a fresh snapshot of one market after a gap."""
        if self._transport is not None:
            self._perform(self._session.resubscribe_depth(market, self._now_ns()))

    def _perform(self, step: Step) -> None:
        if step.fault is not None:
            if step.fault.needs_token:
                self._token = None
            refused = step.fault.kind in (FaultKind.AUTHORIZE_REFUSED, FaultKind.SUBSCRIBE_REFUSED)
            if refused and self._first is not None and not self._first.done():
                self._first.set_exception(StartupError("feed-refused", step.fault.message))
            self._end(step.fault.message)
            return
        for frame in step.frames:
            if self._transport is not None:
                self._transport.send(WSMsgType.TEXT, frame)
        if step.went_live:
            self._up_ns = self._now_ns()
            self.sessions += 1
            self._owner.on_feed_up()
            if self._first is not None and not self._first.done():
                self._first.set_result(None)

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    # ---- events of the listener -------------------------------------------------------------

    def on_open(self, transport: WSTransport) -> None:
        self._transport = transport
        self._reason = ""

    def on_event(self, kind: int, market: int, event: Any) -> None:
        if kind in (EventKind.REPLY, EventKind.REPLY_ERROR):
            self._perform(self._session.on_reply(Reply(*event), self._now_ns()))
        else:
            self._owner.on_feed_event(kind, market, event)

    def on_fault(self, text: str) -> None:
        self._owner.on_peer_fault("feed", PeerError("frame-malformed", text))
        self._end(text)

    def on_close(self) -> None:
        self._transport = None
        self._session.on_closed()
        self._up_ns = 0
        reason = self._reason or "the venue closed the connection"
        if self._first is not None and not self._first.done():
            self._first.set_exception(StartupError("feed-lost", f"{self._url}: {reason}"))
            return
        if self._closing:
            return
        self._owner.on_feed_down(reason)
        self._task = asyncio.get_running_loop().create_task(self._restore())

    async def _restore(self) -> None:
        while not self._closing:
            await asyncio.sleep(self._backoff.next_ns() / 1e9)
            try:
                await self._connect()
            except WhitewireError as error:
                self._owner.on_peer_fault("feed", error)
            else:
                return

    async def close(self) -> None:
        """Closes for good."""
        self._closing = True
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.disconnect(graceful=True)
            await self._transport.wait_disconnected()
