"""Every channel but depth and those of collateral: who listens, and the events on their way out.

Owns: the subscriptions of the event channels, the once-a-second channels, and the place of
private pushes before or after the reply that they belong to. Must not know: sockets, request
syntax, the depth channel. Invariant: one subscriber gets its pushes in the order of the engine's
events; nothing is encoded that nobody listens to.

Rules:

* C1  A new subscription replaces the old one; only the book ticker accumulates.
* C2  No markets (or assets) in a subscription means all of them.
* C3  The book ticker leaves at once on every change of a best price or amount.
* C4  Balances leave within a second and only for assets that changed; last prices each second.
* C5  A finished order is pushed on ordersPending and on ordersExecuted.
* C6  A reply and the pushes of its request travel apart: either may come first.
* C7  Subscribing to the book ticker shows the standing top; to trades, the newest 100.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from whitewire.venue.access.core import VenueCore
from whitewire.venue.options import PushOrder
from whitewire.venue.streams.collateral import CollateralChannels
from whitewire.venue.streams.depth import Subscriber
from whitewire.venue.streams.shapes import WsShapes, push
from whitewire.venue.values.events import (
    BalanceEvent,
    BookEvent,
    DealEvent,
    Event,
    OrderEvent,
    OrderEventKind,
    PositionEvent,
    TradeEvent,
)
from whitewire.venue.values.model import OrderType, Wallet
from whitewire.venue.wire.pacing import Periodic, Timers

__all__ = ["Channel", "Channels", "Interest"]

_REPLAYED_TRADES = 100


class Channel(Enum):
    """The channels served here."""

    BOOK_TICKER = auto()
    TRADES = auto()
    LAST_PRICE = auto()
    BALANCE = auto()
    ORDERS_PENDING = auto()
    ORDERS_EXECUTED = auto()
    DEALS = auto()


@dataclass(frozen=True, slots=True)
class Interest:
    """What a subscriber wants of a channel; None means all (C2)."""

    names: frozenset[str] | None = None
    order_types: frozenset[OrderType] | None = None

    def covers(self, name: str) -> bool:
        """Whether a market or asset is wanted."""
        return self.names is None or name in self.names


class Channels:
    """Routes engine events to subscribers."""

    def __init__(
        self,
        core: VenueCore,
        loop: asyncio.AbstractEventLoop,
        rng: random.Random,
        timers: Timers | None = None,
    ) -> None:
        """Starts the timers of the once-a-second channels.

        Args:
            core: the venue.
            loop: where requests are executed.
            rng: of the order of pushes and replies.
            timers: where the venue's time runs; the loop, if not given.
        """
        self._core = core
        self._loop = loop
        self._timers = timers = timers or loop
        self._rng = rng
        self._shapes = WsShapes(core.number_text)
        self._interests: dict[Channel, dict[Subscriber, Interest]] = {
            channel: {} for channel in Channel
        }
        self._is_in_request = False
        self._held: list[tuple[Subscriber, str, str]] = []
        self._changed_wallets: dict[str, set[str]] = {}
        self._shown_wallets: dict[tuple[str, str], Wallet] = {}
        self._traded_markets: set[str] = set()
        self._periodics = [
            Periodic(timers, core.options.balance_interval_ms / 1000, self.flush_balances),
            Periodic(timers, core.options.lastprice_interval_ms / 1000, self.flush_last_prices),
        ]
        core.exchange.listeners.append(self.on_event)
        self.collateral = CollateralChannels(core, timers, self._push_private)

    def close(self) -> None:
        """Stops the timers."""
        for timer in self._periodics:
            timer.close()
        self.collateral.close()

    # Subscriptions

    def subscribe(self, channel: Channel, subscriber: Subscriber, interest: Interest) -> None:
        """Replaces the subscriber's interest in a channel (C1)."""
        self._interests[channel][subscriber] = interest

    def unsubscribe(self, channel: Channel, subscriber: Subscriber) -> None:
        """Ends the subscriber's interest in a channel."""
        self._interests[channel].pop(subscriber, None)

    def add_book_ticker(self, subscriber: Subscriber, market: str | None) -> None:
        """Adds one market, or all with None, and shows its standing top (C1, C7)."""
        current = self._interests[Channel.BOOK_TICKER].get(subscriber, Interest(frozenset()))
        every = market is None or current.names is None
        names = None if every else (current.names or frozenset()) | {str(market)}
        self.subscribe(Channel.BOOK_TICKER, subscriber, Interest(names))
        for name in self._core.exchange.markets if market is None else [market]:
            subscriber.push("bookTicker_update", self._book_ticker(name))

    def drop_book_ticker(self, subscriber: Subscriber, market: str) -> None:
        """Takes one market out of a subscription."""
        current = self._interests[Channel.BOOK_TICKER].get(subscriber)
        if current is not None:
            names = self._core.exchange.markets if current.names is None else current.names
            rest = frozenset(names) - {market}
            self.subscribe(Channel.BOOK_TICKER, subscriber, Interest(rest))

    def add_trades(self, subscriber: Subscriber, interest: Interest) -> None:
        """Subscribes to trades and replays the newest ones of each market (C7)."""
        self.subscribe(Channel.TRADES, subscriber, interest)
        for market in self._core.exchange.markets:
            if interest.covers(market):
                trades = self._core.exchange.recent_trades(market, _REPLAYED_TRADES)
                shapes = [self._shapes.trade(trade) for trade in trades]
                subscriber.push("trades_update", push("trades_update", [market, shapes]))

    def drop(self, subscriber: Subscriber) -> None:
        """Forgets a subscriber."""
        for interests in self._interests.values():
            interests.pop(subscriber, None)
        self.collateral.drop(subscriber)

    # Order of replies and pushes

    def begin_request(self) -> None:
        """Private pushes wait until the request is executed (C6)."""
        self._is_in_request = True

    def end_request(self) -> None:
        """Lets the request's pushes go now, or once its reply has left (C6)."""
        self._is_in_request = False
        if not self._held:
            return
        order = self._core.options.push_order
        if self._core.faults.take("private_before_ack"):
            order = PushOrder.BEFORE
        if order is PushOrder.RANDOM:
            order = self._rng.choice((PushOrder.BEFORE, PushOrder.AFTER))
        if order is PushOrder.BEFORE:
            self._release()
        else:
            self._loop.call_soon(self._release)

    def _release(self) -> None:
        held, self._held = self._held, []
        for subscriber, method, frame in held:
            subscriber.push(method, frame)

    def _push_private(self, subscribers: Iterable[Subscriber], method: str, params: Any) -> None:
        faults = self._core.faults
        frame = ""
        for subscriber in subscribers:
            frame = frame or push(method, params)
            if faults.take("private_missing", method=method):
                continue
            late = faults.take("private_late", method=method)
            if late:
                delay_s = float(late.values["ms"]) / 1000
                self._timers.call_later(delay_s, subscriber.push, method, frame)
                continue
            copies = 2 if faults.take("private_duplicated", method=method) else 1
            for _ in range(copies):
                if self._is_in_request or self._held:
                    self._held.append((subscriber, method, frame))
                else:
                    subscriber.push(method, frame)

    # Events

    def on_event(self, event: Event) -> None:
        """Takes one event of the engine."""
        match event:
            case BookEvent():
                if event.top_changed:
                    self._on_top(event.market)
            case TradeEvent():
                self._on_trade(event)
            case OrderEvent():
                self._on_order(event)
            case DealEvent():
                self._on_deal(event)
            case BalanceEvent():
                self._changed_wallets.setdefault(event.account, set()).update(event.assets)
            case PositionEvent():
                self.collateral.on_danger(event)

    def _on_top(self, market: str) -> None:
        frame = ""
        for subscriber, interest in list(self._interests[Channel.BOOK_TICKER].items()):
            if interest.covers(market):
                frame = frame or self._book_ticker(market)
                subscriber.push("bookTicker_update", frame)  # C3

    def _book_ticker(self, market: str) -> str:
        top = self._core.exchange.top(market)
        return push("bookTicker_update", [self._shapes.book_ticker(top, self._core.clock())])

    def _on_trade(self, event: TradeEvent) -> None:
        trade = event.trade
        self._traded_markets.add(trade.market)
        frame = ""
        for subscriber, interest in list(self._interests[Channel.TRADES].items()):
            if interest.covers(trade.market):
                frame = frame or push("trades_update", [trade.market, [self._shapes.trade(trade)]])
                subscriber.push("trades_update", frame)

    def _listeners(
        self, channel: Channel, account: str, market: str, kind: OrderType | None = None
    ) -> list[Subscriber]:
        return [
            subscriber
            for subscriber, interest in self._interests[channel].items()
            if subscriber.account == account
            and interest.covers(market)
            and (kind is None or interest.order_types is None or kind in interest.order_types)
        ]

    def _on_order(self, event: OrderEvent) -> None:
        order = event.order
        pending = self._listeners(Channel.ORDERS_PENDING, event.account, order.market)
        executed: list[Subscriber] = []
        if event.event is OrderEventKind.FINISHED:  # C5
            executed = self._listeners(
                Channel.ORDERS_EXECUTED, event.account, order.market, order.type
            )
        if not pending and not executed:
            return
        shape = self._shapes.order(order)
        self._push_private(pending, "ordersPending_update", [int(event.event), shape])
        self._push_private(executed, "ordersExecuted_update", [shape])

    def _on_deal(self, event: DealEvent) -> None:
        listeners = self._listeners(Channel.DEALS, event.account, event.deal.market)
        if listeners:
            self._push_private(listeners, "deals_update", self._shapes.deal_tuple(event.deal))

    # Once a second

    def flush_balances(self) -> None:
        """Shows each account the assets that differ from what was shown last (C4)."""
        changed_wallets, self._changed_wallets = self._changed_wallets, {}
        for account, assets in changed_wallets.items():
            wallets = self._core.exchange.balances(account)
            changed = {
                asset: wallets[asset]
                for asset in sorted(assets)
                if self._shown_wallets.get((account, asset)) != wallets[asset]
            }
            self._shown_wallets.update(
                {(account, asset): wallet for asset, wallet in changed.items()}
            )
            self._show_balances(account, changed)

    def _show_balances(self, account: str, changed: dict[str, Wallet]) -> None:
        for subscriber, interest in list(self._interests[Channel.BALANCE].items()):
            if subscriber.account != account:
                continue
            shown = {
                asset: self._shapes.wallet(wallet)
                for asset, wallet in changed.items()
                if interest.covers(asset)
            }
            if shown:
                self._push_private([subscriber], "balanceSpot_update", [shown])

    def flush_last_prices(self) -> None:
        """Shows the last price of each market that traded since (C4)."""
        traded_markets, self._traded_markets = self._traded_markets, set()
        for market in sorted(traded_markets):
            price = self._core.exchange.statistics(market).last_price
            for subscriber, interest in list(self._interests[Channel.LAST_PRICE].items()):
                if interest.covers(market) and price is not None:
                    params = [market, self._shapes.text(price)]
                    subscriber.push("lastprice_update", push("lastprice_update", params))
