"""The channels of prices over time: day statistics, today's statistics, candles.

Owns: the charts of all markets, who listens to what of them, and when it is sent. Must not know:
sockets, request syntax, accounts. Invariant: what has not changed since it was last sent is not
sent again; nothing is summed up that nobody listens to.

Rules:

* Q6  A new subscription replaces the old one; no markets means all. A socket has one candle
      subscription: one market at one interval.
* Q7  What stands is shown at once; from then on changes, each second, candles each half second.
* Q8  Statistics of subscriptions cover the last 24 hours; today starts at midnight UTC.
* Q9  A market that never traded has "0" for every price, and no candles.
* Q10 When a candle has closed since the last look, its final state goes out with the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whitewire.venue.access.core import VenueCore
from whitewire.venue.streams.candles import DAY_S, Bar, Chart, opening
from whitewire.venue.streams.depth import Subscriber
from whitewire.venue.streams.shapes import push
from whitewire.venue.values.events import Event, TradeEvent
from whitewire.venue.values.model import ZERO
from whitewire.venue.wire.pacing import Periodic, Timers

__all__ = ["MarketStreams"]

Json = dict[str, Any]
_NOTHING = Bar(0, ZERO, ZERO, ZERO, ZERO)


class _Statistics:
    """One channel of statistics: its subscribers, and what it showed of each market last."""

    def __init__(self, method: str, read: Callable[[str], Json]) -> None:
        self.method = method
        self.read = read
        self.subscribers: dict[Subscriber, frozenset[str] | None] = {}
        self.shown: dict[str, Json] = {}

    def listeners(self, market: str) -> list[Subscriber]:
        return [
            subscriber
            for subscriber, names in self.subscribers.items()
            if names is None or market in names
        ]


class MarketStreams:
    """Sums up the public tape for whoever asks."""

    def __init__(self, core: VenueCore, timers: Timers) -> None:
        self._core = core
        self._charts = {market: Chart() for market in core.exchange.markets}
        self._day = _Statistics("market_update", lambda market: self.statistics(market, DAY_S))
        self._today = _Statistics("marketToday_update", self.today)
        self._candle_subscribers: dict[Subscriber, tuple[str, int]] = {}
        self._shown_candles: dict[tuple[str, int], list[list[Any]]] = {}
        self._timers = [
            Periodic(timers, core.options.market_interval_ms / 1000, self.flush_statistics),
            Periodic(timers, core.options.candles_interval_ms / 1000, self.flush_candles),
        ]
        core.exchange.listeners.append(self.on_event)

    def close(self) -> None:
        """Stops the timers."""
        for timer in self._timers:
            timer.close()

    def on_event(self, event: Event) -> None:
        """Takes one event of the engine."""
        if isinstance(event, TradeEvent):
            self._charts[event.trade.market].add(event.trade)

    # Questions

    def statistics(self, market: str, period_s: int) -> Json:
        """Prices and volumes of the last `period_s` seconds."""
        total = self._charts[market].total(self._core.clock() - period_s) or _NOTHING  # Q9
        text = self._core.number_text
        return {
            "period": period_s,
            "last": text(total.close),
            "open": text(total.open),
            "close": text(total.close),
            "high": text(total.high),
            "low": text(total.low),
            "volume": text(total.volume),
            "deal": text(total.money),
        }

    def today(self, market: str) -> Json:
        """Prices and volumes since midnight UTC (Q8)."""
        midnight = opening(self._core.clock(), DAY_S)
        total = self._charts[market].total(midnight) or _NOTHING
        text = self._core.number_text
        return {
            "last": text(total.close),
            "open": text(total.open),
            "high": text(total.high),
            "low": text(total.low),
            "volume": text(total.volume),
            "deal": text(total.money),
        }

    def candles(self, market: str, start: int, end: int, interval: int) -> list[list[Any]]:
        """Candles as the wire shows them; the future has none."""
        text = self._core.number_text
        end = min(end, int(self._core.clock()))
        return [
            [
                candle.time,
                text(candle.open),
                text(candle.close),
                text(candle.high),
                text(candle.low),
                text(candle.volume),
                text(candle.money),
                market,
            ]
            for candle in self._charts[market].candles(start, end, interval)
        ]

    # Subscriptions

    def subscribe_day(self, subscriber: Subscriber, names: frozenset[str] | None) -> None:
        """Subscribes to the statistics of the last 24 hours (Q6)."""
        self._subscribe(self._day, subscriber, names)

    def subscribe_today(self, subscriber: Subscriber, names: frozenset[str] | None) -> None:
        """Subscribes to the statistics since midnight (Q6)."""
        self._subscribe(self._today, subscriber, names)

    def _subscribe(
        self, channel: _Statistics, subscriber: Subscriber, names: frozenset[str] | None
    ) -> None:
        channel.subscribers.pop(subscriber, None)
        for market in self._core.exchange.markets:
            if names is None or market in names:  # Q7
                state = channel.read(market)
                if not channel.listeners(market):
                    channel.shown[market] = state
                subscriber.push(channel.method, push(channel.method, [market, state]))
        channel.subscribers[subscriber] = names

    def subscribe_candles(self, subscriber: Subscriber, market: str, interval: int) -> None:
        """Subscribes to candles (Q6)."""
        now = int(self._core.clock())
        standing = self.candles(market, now - interval, now, interval)
        self._candle_subscribers.pop(subscriber, None)
        if (market, interval) not in self._candle_subscribers.values():
            self._shown_candles[market, interval] = standing
        if standing:  # Q7
            subscriber.push("candles_update", push("candles_update", standing[-1:]))
        self._candle_subscribers[subscriber] = (market, interval)

    def unsubscribe_day(self, subscriber: Subscriber) -> None:
        """Ends a subscription to the statistics of the last 24 hours."""
        self._day.subscribers.pop(subscriber, None)

    def unsubscribe_today(self, subscriber: Subscriber) -> None:
        """Ends a subscription to the statistics since midnight."""
        self._today.subscribers.pop(subscriber, None)

    def unsubscribe_candles(self, subscriber: Subscriber) -> None:
        """Ends a subscription to candles."""
        self._candle_subscribers.pop(subscriber, None)

    def drop(self, subscriber: Subscriber) -> None:
        """Forgets a subscriber."""
        self.unsubscribe_day(subscriber)
        self.unsubscribe_today(subscriber)
        self.unsubscribe_candles(subscriber)

    # On time

    def flush_statistics(self) -> None:
        """Sends the statistics that changed (Q7)."""
        for channel in (self._day, self._today):
            self._flush(channel)

    def _flush(self, channel: _Statistics) -> None:
        for market in self._core.exchange.markets:
            listeners = channel.listeners(market)
            if not listeners:
                continue
            state = channel.read(market)
            if channel.shown.get(market) == state:
                continue
            channel.shown[market] = state
            frame = push(channel.method, [market, state])
            for subscriber in listeners:
                subscriber.push(channel.method, frame)

    def flush_candles(self) -> None:
        """Sends the candles that changed (Q7, Q10)."""
        wanted = set(self._candle_subscribers.values())
        self._shown_candles = {
            key: shown for key, shown in self._shown_candles.items() if key in wanted
        }
        now = int(self._core.clock())
        frames = {}
        for market, interval in wanted:
            newest = self.candles(market, now - interval, now, interval)
            shown = self._shown_candles.get((market, interval), [])
            fresh = [candle for candle in newest if candle not in shown]
            self._shown_candles[market, interval] = newest
            if fresh:
                frames[market, interval] = push("candles_update", fresh)
        for subscriber, key in list(self._candle_subscribers.items()):
            if key in frames:
                subscriber.push("candles_update", frames[key])
