"""The depth channel: shared windows on the books, looked at ten times a second.

Owns: what each (market, limit, interval) showed at its last look, and which counter each
subscriber saw last. Must not know: sockets, request syntax. Invariant: for every subscriber the
messages chain: a delta's `past_update_id` is the `update_id` of the message before it.

Rules:

* D4  A snapshot at once, then a delta each 100 ms if the window changed; the timer runs freely
      and all subscribers of the same window share it. Windows that were opened together look at
      different moments, since a hundred looks at once would hold up everything else.
* D5  A snapshot shows the state of the last look, so that the next delta fits it.
* D6  A side without changes is left out of a delta.
* D7  After 10 s without a message a subscriber gets a full snapshot: a reset, not a gap.
* D8  Changes outside the window move the counter and send nothing.
* D9  One window for each market and subscriber: a new one replaces the old.
* D10 A stale snapshot, on request, is one that left late: it shows the book as it was when it was
      asked for, and the delta behind it tells everything since.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from whitewire.venue.access.core import VenueCore
from whitewire.venue.engine.depth_window import WHOLE_BOOK, changed_levels, group_levels
from whitewire.venue.streams.depth_faults import Trail, crossing_bid, frames_in_place_of
from whitewire.venue.streams.shapes import WsShapes, push
from whitewire.venue.values.model import Level
from whitewire.venue.wire.pacing import Periodic, Timers, spread_phases

__all__ = ["DepthStreams", "Subscriber", "Window", "read_window"]

_METHOD = "depth_update"


class Subscriber(Protocol):
    """Where pushes go."""

    account: str | None

    def push(self, method: str, frame: str) -> None:
        """Sends one update."""


@dataclass(frozen=True, slots=True)
class Window:
    """What a subscriber asked to see; an `interval` of zero means ungrouped."""

    market: str
    limit: int
    interval: Decimal


def read_window(core: VenueCore, window: Window) -> tuple[list[Level], list[Level]]:
    """(bids, asks) of a window as they are now, best first."""
    if not window.interval:
        return core.exchange.depth(window.market, window.limit)
    bids, asks = core.exchange.depth(window.market, WHOLE_BOOK)
    return (
        group_levels(bids, window.interval, upward=False)[: window.limit],
        group_levels(asks, window.interval, upward=True)[: window.limit],
    )


class _Look(NamedTuple):
    """A window as it was at one look."""

    bids: list[Level]
    asks: list[Level]
    update_id: int
    timestamp: float


class _Held(NamedTuple):
    """A snapshot that has not left yet, and when it will (D10)."""

    look: _Look
    until: float


@dataclass(slots=True)
class _Sent:
    update_id: int
    at: float
    held: _Held | None = None
    trail: Trail = field(default_factory=Trail)


class _Stream:
    """One window and its subscribers."""

    def __init__(self, core: VenueCore, window: Window) -> None:
        self._core = core
        self._shapes = WsShapes(core.number_text)
        self._window = window
        self._tick_size = core.exchange.markets[window.market].tick_size
        self.subscribers: dict[Subscriber, _Sent] = {}
        self._seen = self._look()

    def _look(self) -> _Look:
        exchange, market = self._core.exchange, self._window.market
        bids, asks = read_window(self._core, self._window)
        return _Look(bids, asks, exchange.update_id(market), exchange.book_time(market))

    def add(self, subscriber: Subscriber) -> None:
        """Sends the snapshot of the last look (D5), if it is not to be a stale one."""
        stale = self._core.faults.take("stale_snapshot", market=self._window.market)
        if stale is None:
            self._send_snapshot(subscriber, self._seen)
            return
        now = self._core.clock()
        held = _Held(self._seen, now + float(stale.values["s"]))
        self.subscribers[subscriber] = _Sent(self._seen.update_id, now, held)

    def tick(self) -> None:
        """Looks again and tells everybody what changed."""
        before = self._seen
        if self._core.exchange.update_id(self._window.market) != before.update_id:
            self._seen = self._look()
            changed = self._changed_since(before)
            if changed:
                self._send_delta(changed)  # D8
        self._release_held()
        quiet_since = self._core.clock() - self._core.options.depth_keepalive_s
        faults = self._core.faults
        for subscriber, sent in list(self.subscribers.items()):
            forced = faults.are_armed and faults.take(
                "keepalive_snapshot", market=self._window.market
            )
            if sent.held is None and (sent.at <= quiet_since or forced):
                self._send_snapshot(subscriber, self._seen)  # D7

    def _release_held(self) -> None:
        """Sends the stale snapshots whose moment has come, and what happened since (D10)."""
        now = self._core.clock()
        for subscriber, sent in list(self.subscribers.items()):
            if sent.held is not None and now >= sent.held.until:
                look = sent.held.look
                self._send_snapshot(subscriber, look)
                changed = self._changed_since(look)
                if changed:
                    subscriber.push(_METHOD, self._delta(look.update_id, changed, now))
                    self.subscribers[subscriber].update_id = self._seen.update_id

    def _changed_since(self, before: _Look) -> dict[str, list[list[str]]]:
        """The sides that differ from an earlier look, and how (D6)."""
        sides = {
            "asks": self._changes(before.asks, self._seen.asks, is_bid=False),
            "bids": self._changes(before.bids, self._seen.bids, is_bid=True),
        }
        return {name: self._shapes.levels(side) for name, side in sides.items() if side}

    def _changes(self, before: list[Level], after: list[Level], *, is_bid: bool) -> list[Level]:
        silent = self._core.options.depth_silent_eviction and len(after) == self._window.limit
        worst = after[-1].price if silent else None
        return changed_levels(before, after, is_bid=is_bid, silent_beyond=worst)

    def _send_delta(self, changed: dict[str, list[list[str]]]) -> None:
        now = self._core.clock()
        market = self._window.market
        faults = self._core.faults
        frames: dict[int, str] = {}
        for subscriber, sent in list(self.subscribers.items()):
            if sent.held is not None:
                continue
            past = sent.update_id
            if past not in frames:
                frames[past] = self._delta(past, changed, now)
            delta = frames[past]
            sent.update_id, sent.at = self._seen.update_id, now
            if not faults.are_armed and not sent.trail.held:
                sent.trail.previous = delta
                subscriber.push(_METHOD, delta)
                continue
            if self._seen.asks and faults.take("crossed_book", market=market):
                delta = self._delta(past, self._crossed(changed), now)
            for frame in frames_in_place_of(delta, sent.trail, faults, market):
                subscriber.push(_METHOD, frame)

    def _delta(self, past: int, changed: dict[str, list[list[str]]], now: float) -> str:
        state: dict[str, Any] = {
            "timestamp": self._seen.timestamp,
            "update_id": self._seen.update_id,
            "past_update_id": past,
            **changed,
            "event_time": now,
        }
        return push(_METHOD, [False, state, self._window.market])

    def _crossed(self, changed: dict[str, list[list[str]]]) -> dict[str, list[list[str]]]:
        bid = crossing_bid(self._seen.asks[0], self._window.interval or self._tick_size)
        return {**changed, "bids": [*self._shapes.levels([bid]), *changed.get("bids", [])]}

    def _send_snapshot(self, subscriber: Subscriber, look: _Look) -> None:
        now = self._core.clock()
        self.subscribers[subscriber] = _Sent(look.update_id, now)
        state = {
            "timestamp": look.timestamp,
            "update_id": look.update_id,
            "asks": self._shapes.levels(look.asks),
            "bids": self._shapes.levels(look.bids),
            "event_time": now,
        }
        subscriber.push(_METHOD, push(_METHOD, [True, state, self._window.market]))


class DepthStreams:
    """All windows that somebody looks through."""

    def __init__(self, core: VenueCore, timers: Timers) -> None:
        self._core = core
        self._timers = timers
        self._phases = spread_phases()
        self._streams: dict[Window, tuple[_Stream, Periodic]] = {}
        self._windows: dict[Subscriber, dict[str, Window]] = {}

    def subscribe(self, subscriber: Subscriber, window: Window, *, keep_others: bool) -> None:
        """Sends a snapshot and then deltas; drops the subscriber's other markets if told to."""
        self.unsubscribe(subscriber, window.market if keep_others else None)  # D9
        self._windows.setdefault(subscriber, {})[window.market] = window
        entry = self._streams.get(window)
        if entry is None:
            stream = _Stream(self._core, window)
            interval_s = self._core.options.depth_interval_ms / 1000
            first_s = interval_s * next(self._phases)
            entry = stream, Periodic(self._timers, interval_s, stream.tick, first_s=first_s)  # D4
            self._streams[window] = entry
        entry[0].add(subscriber)

    def unsubscribe(self, subscriber: Subscriber, market: str | None) -> None:
        """Ends one market's stream for a subscriber, or all of them with None."""
        windows = self._windows.get(subscriber, {})
        for name in list(windows) if market is None else [market]:
            window = windows.pop(name, None)
            if window is None:
                continue
            stream, timer = self._streams[window]
            stream.subscribers.pop(subscriber, None)
            if not stream.subscribers:
                timer.close()
                del self._streams[window]
        if not windows:
            self._windows.pop(subscriber, None)

    def close(self) -> None:
        """Stops every timer."""
        for _, timer in self._streams.values():
            timer.close()
        self._streams.clear()
        self._windows.clear()
