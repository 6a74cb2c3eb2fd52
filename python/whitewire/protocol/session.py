"""One WebSocket session as a table: authorize, subscribe, stay alive.

Owns: which frames to send when, which answers are due, and when the session is beyond repair. Must
not know: sockets, what pushes mean. Invariant: the session is LIVE only while every subscription of
its plan was confirmed; a `Fault` ends it, and nothing of it survives into the next one.

Rules
-----
1. The venue forgets everything on a close: the next session authorizes and subscribes anew.
2. Nothing is subscribed before the authorization is confirmed (venue unknown 7).
3. A second subscription replaces the first on most channels (venue trap 25), so each such channel
   is one message with the whole list. Depth and bookTicker are one message per market, depth with
   the flag that adds instead of replacing (venue trap 20).
4. The parameters have four different shapes (venue trap 9).
5. The venue closes a connection whose *client* is silent for 60 s (venue trap 54), so we ping at an
   interval, whatever arrives. No pong within its time means that the connection is dead. When
   nothing at all has arrived for a third of the interval, the ping is sent early.
6. A second depth subscription of a market restarts it with a fresh snapshot. More than 3 in 10 s do
   not help: then the session is ended.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import NamedTuple

from whitewire.errors import UsageError
from whitewire.protocol.events import Reply
from whitewire.protocol.tokens import is_token_refused

__all__ = [
    "Fault",
    "FaultKind",
    "Session",
    "SessionInput",
    "SessionPlan",
    "SessionState",
    "Step",
    "next_session_state",
]

_SECOND_NS = 1_000_000_000
_RESUBSCRIBE_LIMIT = 3
_RESUBSCRIBE_WINDOW_NS = 10 * _SECOND_NS
_PROBE_SHARE = 3
_MAX_PING_INTERVAL_NS = 50 * _SECOND_NS
_FULL_DEPTH_INTERVAL = "0"


class SessionState(StrEnum):
    """Where the session stands."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    AUTHORIZING = "authorizing"
    SUBSCRIBING = "subscribing"
    LIVE = "live"


class SessionInput(Enum):
    """What moves the session."""

    CONNECT = "a connection is being made"
    CONNECTED_PRIVATE = "connected, and there is something private to subscribe"
    CONNECTED_PUBLIC = "connected, everything is public"
    AUTHORIZED = "the authorization was confirmed"
    SUBSCRIBED = "the last subscription was confirmed"
    CLOSED = "the connection is gone"


_S, _I = SessionState, SessionInput
# A missing pair is a fault.
_TRANSITIONS: dict[tuple[SessionState, SessionInput], SessionState] = {
    (_S.CLOSED, _I.CONNECT): _S.CONNECTING,
    (_S.CONNECTING, _I.CONNECTED_PRIVATE): _S.AUTHORIZING,
    (_S.CONNECTING, _I.CONNECTED_PUBLIC): _S.SUBSCRIBING,
    (_S.AUTHORIZING, _I.AUTHORIZED): _S.SUBSCRIBING,
    (_S.SUBSCRIBING, _I.SUBSCRIBED): _S.LIVE,
    **{(state, _I.CLOSED): _S.CLOSED for state in _S},
}


def next_session_state(state: SessionState, cause: SessionInput) -> SessionState | None:
    """The table: the state after `cause`, or None when it must not happen."""
    return _TRANSITIONS.get((state, cause))


@dataclass(slots=True, frozen=True)
class SessionPlan:
    """What to subscribe.

    Attributes:
        depth: levels of the book by market: 1, 5, 10, 20, 30, 50 or 100.
        tickers, trades: markets of the bookTicker and trades channels.
        assets: assets whose balance is watched.
        order_markets, deal_markets: markets whose own orders and fills are watched.
        margin_assets: assets of the collateral account that are watched.
        positions: whether positions, margin calls and liquidations are; of the whole account.
        calls: whether order methods are to be called on it, which needs an authorization, too.
    """

    depth: Mapping[str, int] = field(default_factory=dict)
    tickers: tuple[str, ...] = ()
    trades: tuple[str, ...] = ()
    assets: tuple[str, ...] = ()
    order_markets: tuple[str, ...] = ()
    deal_markets: tuple[str, ...] = ()
    margin_assets: tuple[str, ...] = ()
    positions: bool = False
    calls: bool = False

    @property
    def is_private(self) -> bool:
        """Whether it needs an authorization."""
        own = (self.assets, self.order_markets, self.deal_markets, self.margin_assets)
        return self.calls or self.positions or any(own)


class FaultKind(StrEnum):
    """Why a session is beyond repair."""

    AUTHORIZE_REFUSED = "authorize-refused"
    SUBSCRIBE_REFUSED = "subscribe-refused"
    REPLY_OVERDUE = "reply-overdue"
    PONG_OVERDUE = "pong-overdue"
    RESUBSCRIBE_STORM = "resubscribe-storm"
    UNEXPECTED = "unexpected"


class Fault(NamedTuple):
    """The session must be closed; `needs_token` says that its token must not be used again."""

    kind: FaultKind
    message: str
    needs_token: bool = False


class Step(NamedTuple):
    """What to do next: frames to send, in order, or a fault; `went_live` is true once."""

    frames: tuple[bytes, ...] = ()
    fault: Fault | None = None
    went_live: bool = False


class _Waiting(NamedTuple):
    method: str
    about: str
    due_ns: int


_NOTHING = Step()


class Session:
    """One session after another on the same plan.

    Args:
        plan: what to subscribe.
        first_id: id of the first request; ids are never reused.
        ping_interval_ns: time between pings, at most 50 s by rule 5.
        pong_timeout_ns: time for a pong.
        reply_timeout_ns: time for any other answer.

    Raises:
        UsageError: a ping interval that the venue does not survive.
    """

    def __init__(
        self,
        plan: SessionPlan,
        *,
        first_id: int = 1,
        ping_interval_ns: int = 15 * _SECOND_NS,
        pong_timeout_ns: int = 10 * _SECOND_NS,
        reply_timeout_ns: int = 10 * _SECOND_NS,
    ) -> None:
        if not 0 < ping_interval_ns <= _MAX_PING_INTERVAL_NS:
            raise UsageError(
                "ping-interval",
                f"a ping every {ping_interval_ns} ns does not keep the session",
                "use at most 50 s",
            )
        self.state = SessionState.CLOSED
        self._plan = plan
        self._next_id = first_id
        self._ping_interval_ns = ping_interval_ns
        self._pong_timeout_ns = pong_timeout_ns
        self._reply_timeout_ns = reply_timeout_ns
        self._waiting: dict[int, _Waiting] = {}
        self._pinged_ns = 0
        self._seen_ns = 0
        self._resubscribed: dict[str, deque[int]] = {}

    def on_connecting(self, now_ns: int) -> None:
        """A connection is being made."""
        self.on_closed()
        self._seen_ns = self._pinged_ns = now_ns
        self._move(SessionInput.CONNECT)

    def on_connected(self, token: str | None, now_ns: int) -> Step:
        """The connection is up; `token` may be None for a public plan only."""
        if not self._plan.is_private:
            return self._move(SessionInput.CONNECTED_PUBLIC) or self._subscribe(now_ns)
        if token is None:
            return _fault(FaultKind.AUTHORIZE_REFUSED, "no token for a private plan", True)
        unexpected = self._move(SessionInput.CONNECTED_PRIVATE)
        if unexpected:
            return unexpected
        return Step((self._request("authorize", [token, "public"], "", now_ns),))

    def on_reply(self, reply: Reply, now_ns: int) -> Step:
        """An answer to one of our requests; answers to unknown ids are ignored."""
        waiting = self._waiting.pop(reply.request_id, None)
        if waiting is None or self.state is SessionState.CLOSED:
            return _NOTHING
        if reply.error_code:
            text = f"{waiting.method} {waiting.about}: {reply.error_code} {reply.error_message}"
            if waiting.method == "authorize":
                is_token = is_token_refused(reply.error_code)
                return _fault(FaultKind.AUTHORIZE_REFUSED, text, is_token)
            if waiting.method == "ping":
                return _fault(FaultKind.UNEXPECTED, text)
            return _fault(FaultKind.SUBSCRIBE_REFUSED, text)
        if waiting.method == "authorize":
            return self._move(SessionInput.AUTHORIZED) or self._subscribe(now_ns)
        return self._go_live()

    def on_frame_seen(self, now_ns: int) -> None:
        """Something arrived at `now_ns`; it is enough to report the newest frame."""
        self._seen_ns = max(self._seen_ns, now_ns)

    def on_timer(self, now_ns: int) -> Step:
        """Ping when due and judge what is overdue; call it at least once a second."""
        if self.state in (SessionState.CLOSED, SessionState.CONNECTING):
            return _NOTHING
        is_pinging = False
        for waiting in self._waiting.values():
            is_pinging = is_pinging or waiting.method == "ping"
            if now_ns < waiting.due_ns:
                continue
            if waiting.method == "ping":
                return _fault(FaultKind.PONG_OVERDUE, "no pong: the connection is dead")
            text = f"no answer to {waiting.method} {waiting.about}"
            return _fault(FaultKind.REPLY_OVERDUE, text)
        probe_ns = max(self._seen_ns, self._pinged_ns) + self._ping_interval_ns // _PROBE_SHARE
        is_due = now_ns >= min(self._pinged_ns + self._ping_interval_ns, probe_ns)
        if is_pinging or not is_due:
            return _NOTHING
        self._pinged_ns = now_ns
        return Step((self._request("ping", [], "", now_ns, self._pong_timeout_ns),))

    def resubscribe_depth(self, market: str, now_ns: int) -> Step:
        """Ask for a fresh snapshot of a market of the plan (rule 6)."""
        if self.state not in (SessionState.SUBSCRIBING, SessionState.LIVE):
            return _NOTHING  # the next session subscribes it anyway (rule 1)
        recent = self._resubscribed.setdefault(market, deque())
        while recent and now_ns - recent[0] >= _RESUBSCRIBE_WINDOW_NS:
            recent.popleft()
        if len(recent) >= _RESUBSCRIBE_LIMIT:
            text = f"{market}: {len(recent)} depth subscriptions within 10 s did not help"
            return _fault(FaultKind.RESUBSCRIBE_STORM, text)
        recent.append(now_ns)
        return Step((self._depth(market, now_ns),))

    def on_closed(self) -> None:
        """The connection is gone (rule 1)."""
        self._move(SessionInput.CLOSED)
        self._waiting.clear()
        self._resubscribed.clear()

    def _move(self, cause: SessionInput) -> Step | None:
        """Take one step of the table; a fault when there is none."""
        state = next_session_state(self.state, cause)
        if state is None:
            return _fault(FaultKind.UNEXPECTED, f"{cause.name} in state {self.state.name}")
        self.state = state
        return None

    def _subscribe(self, now_ns: int) -> Step:
        plan = self._plan
        frames: list[bytes] = []

        def add(method: str, params: list[object], markets: tuple[str, ...]) -> None:
            frames.append(self._request(method, params, " ".join(markets), now_ns))

        # Private first: what happens to our orders must not be missed. Shapes: rule 4.
        if plan.order_markets:
            add("ordersPending_subscribe", [*plan.order_markets], plan.order_markets)
        if plan.deal_markets:
            add("deals_subscribe", [[*plan.deal_markets]], plan.deal_markets)
        if plan.assets:
            add("balanceSpot_subscribe", [*plan.assets], plan.assets)
        if plan.positions:
            add("positionsMargin_subscribe", [], ())
            add("positionsAccountMargin_subscribe", [], ())
        if plan.margin_assets:
            add("balanceMargin_subscribe", [*plan.margin_assets], plan.margin_assets)
        frames += [self._depth(market, now_ns) for market in plan.depth]
        for market in plan.tickers:
            add("bookTicker_subscribe", [market], (market,))
        if plan.trades:
            add("trades_subscribe", [*plan.trades], plan.trades)
        return self._go_live()._replace(frames=tuple(frames))

    def _go_live(self) -> Step:
        """LIVE once nothing but a pong is waited for."""
        is_waiting = any(waiting.method != "ping" for waiting in self._waiting.values())
        if self.state is not SessionState.SUBSCRIBING or is_waiting:
            return _NOTHING
        return self._move(SessionInput.SUBSCRIBED) or Step(went_live=True)

    def _depth(self, market: str, now_ns: int) -> bytes:
        params = [market, self._plan.depth[market], _FULL_DEPTH_INTERVAL, True]
        return self._request("depth_subscribe", params, market, now_ns)

    def _request(
        self,
        method: str,
        params: list[object],
        about: str,
        now_ns: int,
        timeout_ns: int | None = None,
    ) -> bytes:
        request_id = self._next_id
        self._next_id += 1
        due_ns = now_ns + (self._reply_timeout_ns if timeout_ns is None else timeout_ns)
        self._waiting[request_id] = _Waiting(method, about, due_ns)
        frame = {"id": request_id, "method": method, "params": params}
        return json.dumps(frame, separators=(",", ":")).encode()


def _fault(kind: FaultKind, message: str, needs_token: bool = False) -> Step:
    return Step(fault=Fault(kind, message, needs_token))
