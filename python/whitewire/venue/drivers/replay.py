"""A market driven by a recorded feed: what it says happens, at the pace at which it was received.

Owns: the place in the recording, the time of each message on the venue's clock, and the recorded
book as far as it is known. Must not know: how levels become orders, or users. Invariant: what the
recording says and when is the same whatever users do; they change what they meet.

Rules:

* P1  The first message of the recording happens when the market is made; the others follow at
      their recorded distance, divided by the speed. A message whose time is before the one
      before it happens together with that one.
* P2  A snapshot states every level, a delta the levels it names. A gap leaves the book standing
      until the next snapshot; a delta that is not newer is passed over.
* P3  The first trades message of a market is history. Of it the newest trade prints, so that the
      market has a last price, unless it has one; later on each trade prints once, by its id.
* P4  The book ticker is ahead of the depth: what it says of the best levels is so until a depth
      message that is not older. Levels better than its best are gone.
* P5  What a trade or the ticker has changed without a depth message saying so goes back to what
      the depth says with its next message.
* P6  At its end a recording stops, and the book stays as it is; or it begins anew 0.1 s after
      its last message, as often as that takes.
* P7  A pause of the engine that is too long to be caught up postpones the rest of the recording.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from whitewire.venue.drivers.driver import MarketFloor
from whitewire.venue.drivers.recording import (
    DepthMessage,
    Message,
    Survey,
    TickerMessage,
    TradesMessage,
    read,
)
from whitewire.venue.drivers.replay_book import ReplayBook, is_better
from whitewire.venue.options import ReplayOptions
from whitewire.venue.values.model import ZERO, Level, Side

__all__ = ["Replay"]

_LOG = logging.getLogger(__name__)
_PAUSE_S = 0.1

_Sizes = dict[Side, dict[Decimal, Decimal]]


class Replay:
    """The recorded flow of one market; a `MarketDriver`.

    Attributes:
        market: its name.
    """

    def __init__(self, floor: MarketFloor, options: ReplayOptions, survey: Survey) -> None:
        """Finds the first message; nothing happens yet.

        Args:
            floor: the market to drive.
            options: the file, which has been surveyed, and how to play it.
            survey: what the file holds.
        """
        self.market = floor.spec.name
        self._book = ReplayBook(floor)
        self._options = options
        self._started = survey.started
        self._length_s = (survey.ended - survey.started) / options.speed + _PAUSE_S
        self._origin = self._due = floor.now
        self._has_traded = False
        self._stated: _Sizes = _no_sizes()
        self._touched: dict[Side, set[Decimal]] = {Side.BUY: set(), Side.SELL: set()}
        self._begin()
        self._go_on()

    def next_due(self) -> float:
        """When the next message happens, epoch seconds; infinity after the last one."""
        return self._due

    def skip_to(self, now: float) -> None:
        """Postpones the rest so that the next message happens no earlier than `now` (P7)."""
        if self._due < now:
            self._origin += now - self._due
            self._due = now

    def act(self) -> None:
        """Lets the next message happen."""
        message, now = self._next, self._due
        match message:
            case DepthMessage():
                self._on_depth(message, now)
            case TradesMessage():
                self._on_trades(message, now)
            case TickerMessage():
                self._on_ticker(message, now)
        self._go_on()

    def _begin(self) -> None:
        """Opens the recording at its beginning; nothing is known of its book."""
        self._messages: Iterator[Message] = read(Path(self._options.file), self.market)
        self._update_id: int | None = None
        self._ticker: TickerMessage | None = None
        self._last_trade_id: int | None = None

    def _go_on(self) -> None:
        """Finds the next message and when it is due (P1, P6)."""
        try:
            self._next = next(self._messages, None)
            if self._next is None and self._options.loop:
                self._begin()
                self._origin += self._length_s
                self._next = next(self._messages, None)
        except ValueError as error:
            _LOG.error("the replay of %s ends early: %s", self.market, error)
            self._next = None
        if self._next is None:
            self._due = math.inf
        else:
            distance_s = (self._next.at - self._started) / self._options.speed
            self._due = max(self._due, round(self._origin + distance_s, 6))

    def _on_depth(self, message: DepthMessage, now: float) -> None:
        levels = {Side.BUY: dict(message.bids), Side.SELL: dict(message.asks)}
        changes = _no_sizes()
        if message.past_update_id is None:  # P2
            for side, stated in self._stated.items():
                changes[side] = dict.fromkeys([*stated, *self._book.prices(side)], ZERO)
                stated.clear()
        elif self._update_id is None or message.update_id <= self._update_id:
            return
        elif message.past_update_id != self._update_id:
            self._update_id = None
            return
        self._update_id = message.update_id
        for side, stated in self._stated.items():
            for price in self._touched[side]:  # P5
                changes[side][price] = stated.get(price, ZERO)
            self._touched[side].clear()
            changes[side].update(levels[side])
            stated.update(levels[side])
            for price, size in levels[side].items():
                if not size:
                    del stated[price]
        if self._ticker is not None and self._ticker.update_id > message.update_id:
            self._put_ticker(self._ticker, changes)
        self._book.arrange(changes, now)

    def _on_ticker(self, message: TickerMessage, now: float) -> None:
        newest = self._ticker.update_id if self._ticker is not None else -1
        if self._update_id is None or message.update_id <= max(newest, self._update_id):  # P4
            return
        self._ticker = message
        changes = _no_sizes()
        self._put_ticker(message, changes)
        self._book.arrange(changes, now)

    def _put_ticker(self, ticker: TickerMessage, changes: _Sizes) -> None:
        """Adds to some changes what the ticker says of the best levels (P4)."""
        best: dict[Side, Level | None] = {Side.BUY: ticker.bid, Side.SELL: ticker.ask}
        for side, level in best.items():
            limit = None if level is None else level.price
            gone = set(self._book.better(side, limit))
            gone |= {
                price for price in changes[side] if limit is None or is_better(side, price, limit)
            }
            changes[side].update(dict.fromkeys(gone, ZERO))
            self._touched[side] |= gone
            if level is not None:
                changes[side][level.price] = level.amount
                self._touched[side].add(level.price)

    def _on_trades(self, message: TradesMessage, now: float) -> None:
        newest = max((trade.id for trade in message.trades), default=0)
        last, self._last_trade_id = self._last_trade_id, max(newest, self._last_trade_id or 0)
        news = [trade for trade in message.trades if last is not None and trade.id > last]
        if last is None and not self._has_traded:  # P3
            news = list(message.trades[-1:])
        for trade in news:
            self._has_traded = True
            self._touched[trade.side.opposite].update(self._book.trade(trade, now))


def _no_sizes() -> _Sizes:
    return {Side.BUY: {}, Side.SELL: {}}
