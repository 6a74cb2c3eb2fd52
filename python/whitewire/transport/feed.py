"""The feed: one WebSocket session to the venue, kept alive and restored.

Owns: connecting, the session's frames and timers, reconnection with backoff.
Must not know: books and orders (frames go to the core; cold events to its owner). Invariant: the
owner hears `on_feed_up` only when every subscription was confirmed, and `on_feed_down` once for
each connection that was open, up or not, before any reconnection.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from picows import WSCloseCode, WSError, WSMsgType, WSTransport, ws_connect

from whitewire._bridge import FeedListener
from whitewire.errors import PeerError, StartupError, WhitewireError
from whitewire.protocol.backoff import Backoff
from whitewire.protocol.events import EventKind, Reply
from whitewire.protocol.session import Session, SessionPlan, Step
from whitewire.transport.link import CONNECT_TIMEOUT_S, explain, is_reset

if TYPE_CHECKING:
    from whitewire._bridge import Path
    from whitewire.config import Config
    from whitewire.transport.receive import Reception
    from whitewire.transport.token_desk import TokenDesk

__all__ = ["Feed", "FeedOwner"]

# A 100-level snapshot is 8 KiB and 100 trades are 16 KiB; an honest venue stays far below.
MAX_FRAME = 1024 * 1024
STABLE_AFTER_NS = 10_000_000_000
# How long a connection that was given up waits for its peer to end TLS properly.
TLS_GOODBYE_S = 1.0


class FeedOwner(Protocol):
    """Who hears the feed's cold events."""

    def on_feed_up(self) -> None:
        """Authorized and subscribed; books follow."""

    def on_feed_down(self, reason: str) -> None:
        """The connection is lost; nothing that it said can be trusted any longer."""

    def on_feed_event(self, kind: int, market: int, event: Any) -> None:
        """A decoded frame that is not book or ticker; or a gap (event None).

        Raises:
            PeerError: the event cannot be used.
        """

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
        tokens: where the account's token is got.
        owner: who hears events.
        now_ns: monotonic clock.
        reception: how the loop waits for frames; None leaves it to the loop.

    Attributes:
        NAME: for people.
        listener: the decoder of its frames.
        sessions: how often the feed came up.
    """

    NAME = "feed"

    def __init__(
        self,
        config: Config,
        context: ssl.SSLContext,
        path: Path,
        plan: SessionPlan,
        markets: int,
        tokens: TokenDesk,
        owner: FeedOwner,
        now_ns: Callable[[], int],
        reception: Reception | None = None,
    ) -> None:
        self._reception = reception
        self._url = config.venue.ws
        self._context = context
        self._tokens = tokens
        self._owner = owner
        self._now_ns = now_ns
        self._backoff = Backoff(random.Random())
        self._session = Session(
            plan,
            ping_interval_ns=config.feed.ping_interval_ms * 1_000_000,
            pong_timeout_ns=config.feed.pong_timeout_ms * 1_000_000,
        )
        self._path = path
        self.listener = self._listen(path, markets)
        self.sessions = 0
        self._transport: WSTransport | None = None
        self._token: str | None = None
        self._is_token_refused = False
        self._up_ns = 0
        self._reason = ""
        self._has_fault = False
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None
        self._is_first_up: asyncio.Future[None] | None = None

    def _listen(self, path: Path, markets: int) -> FeedListener:
        return FeedListener(path, self, markets)

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
        loop = asyncio.get_running_loop()
        self._is_first_up = loop.create_future()
        self._task = loop.create_task(self._keep())
        await asyncio.wait((self._task, self._is_first_up), return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()  # raises what kept it from coming up

    async def _keep(self) -> None:
        """One session after the other; the first one has to come up.

        The first attempt may be repeated once with another token: the one that was refused may have
        served another socket already, and the venue does not say whether it is good for several.
        """
        may_repeat = True
        while True:
            self._is_token_refused = False
            try:
                await self._live_once()
            except WhitewireError as error:
                if self.sessions == 0:
                    raise
                self._owner.on_peer_fault(self.NAME, error)
            if self.sessions == 0 and self._is_token_refused and may_repeat:
                may_repeat = False
                continue
            if self.sessions == 0:
                raise StartupError("feed-lost", f"{self._url}: {self._reason}")
            await asyncio.sleep(self._backoff.next_ns() / 1e9)

    async def _live_once(self) -> None:
        """Connects, and returns when that connection is gone.

        Raises:
            WhitewireError: it never came to be.
        """
        token = self._token = await self._tokens.get()
        self._session.on_connecting(self._now_ns())
        tls: dict[str, Any] = {}
        if self._url.startswith("wss"):
            tls = {"ssl_context": self._context, "ssl_shutdown_timeout": TLS_GOODBYE_S}
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                transport, _ = await ws_connect(
                    lambda: self.listener,
                    self._url,
                    enable_auto_pong=False,
                    max_frame_size=MAX_FRAME,
                    max_redirects=0,
                    use_aiofastnet=True,
                    **tls,
                )
        except (OSError, TimeoutError, UnicodeError, WSError) as error:
            raise explain(self._url, error) from error
        if self._transport is None:  # it closed already; within the handshake that is no error
            raise StartupError("connect-failed", f"{self._url}: closed within the handshake")
        self._perform(self._session.on_connected(token, self._now_ns()))
        try:
            await transport.wait_disconnected()
        except WSError as error:
            # refused by the WebSocket layer, too large or no frame at all; it may hand the frame
            # on nevertheless, and then the fault was told already
            if not self._has_fault:
                self._owner.on_peer_fault(self.NAME, PeerError("frame-malformed", str(error)))

    def check(self, now_ns: int) -> None:
        """Housekeeping: pings and overdue answers; call about ten times a second."""
        if self.sessions and self._task is not None and self._task.done():
            self._task.result()  # an error of ours ended it: the caller has to know
        if self._transport is not None and is_reset(self._transport.underlying_transport):
            self._end("the connection was reset")
        if self._transport is not None:
            self._session.on_frame_seen(self.listener.last_frame_ns)
            self._perform(self._session.on_timer(now_ns))
            if self._up_ns and now_ns - self._up_ns > STABLE_AFTER_NS:
                self._backoff.reset()

    def give_up(self, reason: str) -> None:
        """Ends this session, for a reason that only its owner can see; the next one follows."""
        self._end(reason)

    def resubscribe(self, market: str) -> None:
        """Asks for a fresh snapshot of one market after a gap."""
        if self._transport is not None:
            self._perform(self._session.resubscribe_depth(market, self._now_ns()))

    def _perform(self, step: Step) -> None:
        if step.fault is not None:
            if step.fault.needs_token:
                self._is_token_refused = True
                self._tokens.refused(self._token)
            self._end(step.fault.message)
            return
        for frame in step.frames:
            if self._transport is not None:
                self._transport.send(WSMsgType.TEXT, frame)
        if step.went_live:
            self._up_ns = self._now_ns()
            self.sessions += 1
            self._owner.on_feed_up()
            if self._is_first_up is not None and not self._is_first_up.done():
                self._is_first_up.set_result(None)

    def _end(self, reason: str) -> None:
        if self._transport is not None:
            self._reason = reason
            self._transport.disconnect(graceful=False)

    # ---- events of the listener -------------------------------------------------------------

    def on_open(self, transport: WSTransport) -> None:
        self._transport = transport
        if self._reception is not None:
            self._reception.watch(transport.underlying_transport)
        self._reason = "the venue closed the connection"
        self._has_fault = False

    def on_event(self, kind: int, market: int, event: Any) -> None:
        if kind in (EventKind.REPLY, EventKind.REPLY_ERROR):
            self._perform(self._session.on_reply(Reply(*event), self._now_ns()))
        else:
            self._owner.on_feed_event(kind, market, event)

    def on_fault(self, error: Exception) -> None:
        self._has_fault = True
        self._owner.on_peer_fault(self.NAME, error)
        self._end(str(error))

    def on_close(self) -> None:
        if self._transport is not None and self._reception is not None:
            self._reception.forget(self._transport.underlying_transport)
        self._transport = None
        self._session.on_closed()
        self._up_ns = 0
        if not self._is_closing:
            self._owner.on_feed_down(self._reason)

    async def close(self) -> None:
        """Closes for good."""
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.send_close(WSCloseCode.OK)
            self._transport.disconnect(graceful=False)
        if self._task is not None:
            await asyncio.wait((self._task,))
