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
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from whitewire.venue.core import VenueCore
from whitewire.venue.depth_faults import Trail, crossing_bid, frames_in_place_of
from whitewire.venue.depth_window import WHOLE_BOOK, changed_levels, group_levels
from whitewire.venue.model import Level
from whitewire.venue.pacing import Periodic, Timers, spread_phases
from whitewire.venue.ws_shapes import WsShapes, push

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


@dataclass(slots=True)
class _Sent:
    update_id: int
    at: float
    trail: Trail = field(default_factory=Trail)


class _Stream:
    """One window and its subscribers."""

    def __init__(self, core: VenueCore, window: Window) -> None:
        self._core = core
        self._shapes = WsShapes(core.number_text)
        self._window = window
        self._tick_size = core.exchange.markets[window.market].tick_size
        self.subscribers: dict[Subscriber, _Sent] = {}
        self._look()

    def _look(self) -> None:
        market = self._window.market
        self._bids, self._asks = read_window(self._core, self._window)
        self._update_id = self._core.exchange.update_id(market)
        self._timestamp = self._core.exchange.book_time(market)

    def add(self, subscriber: Subscriber) -> None:
        """Sends the snapshot of the last look (D5)."""
        self._send_snapshot(subscriber)

    def tick(self) -> None:
        """Looks again and tells everybody what changed."""
        bids, asks = self._bids, self._asks
        if self._core.exchange.update_id(self._window.market) != self._update_id:
            self._look()
            sides = {
                "asks": self._changes(asks, self._asks, is_bid=False),
                "bids": self._changes(bids, self._bids, is_bid=True),
            }
            changed = {
                name: self._shapes.levels(side) for name, side in sides.items() if side
            }  # D6
            if changed:
                self._send_delta(changed)  # D8
        quiet_since = self._core.clock() - self._core.options.depth_keepalive_s
        faults = self._core.faults
        for subscriber, sent in list(self.subscribers.items()):
            forced = faults.are_armed and faults.take(
                "keepalive_snapshot", market=self._window.market
            )
            if sent.at <= quiet_since or forced:
                self._send_snapshot(subscriber)  # D7

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
            past = sent.update_id
            if past not in frames:
                frames[past] = self._delta(past, changed, now)
            delta = frames[past]
            sent.update_id, sent.at = self._update_id, now
            if not faults.are_armed and not sent.trail.held:
                sent.trail.previous = delta
                subscriber.push(_METHOD, delta)
                continue
            if self._asks and faults.take("crossed_book", market=market):
                delta = self._delta(past, self._crossed(changed), now)
            for frame in frames_in_place_of(delta, sent.trail, faults, market):
                subscriber.push(_METHOD, frame)

    def _delta(self, past: int, changed: dict[str, list[list[str]]], now: float) -> str:
        state: dict[str, Any] = {
            "timestamp": self._timestamp,
            "update_id": self._update_id,
            "past_update_id": past,
            **changed,
            "event_time": now,
        }
        return push(_METHOD, [False, state, self._window.market])

    def _crossed(self, changed: dict[str, list[list[str]]]) -> dict[str, list[list[str]]]:
        bid = crossing_bid(self._asks[0], self._window.interval or self._tick_size)
        return {**changed, "bids": [*self._shapes.levels([bid]), *changed.get("bids", [])]}

    def _send_snapshot(self, subscriber: Subscriber) -> None:
        now = self._core.clock()
        self.subscribers[subscriber] = _Sent(self._update_id, now)
        state = {
            "timestamp": self._timestamp,
            "update_id": self._update_id,
            "asks": self._shapes.levels(self._asks),
            "bids": self._shapes.levels(self._bids),
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
