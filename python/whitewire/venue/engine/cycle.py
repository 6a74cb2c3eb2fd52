"""What one engine cycle has caused so far, and its way out to the listeners.

Owns: the events that wait for the end of a cycle, and what was touched in it: accounts, markets,
prices, orders against collateral. Must not know: matching, funds, why anything happened. Invariant:
events leave in the order of E8 of the engine; internal accounts have no private ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.book import Book
from whitewire.venue.values.events import (
    BalanceEvent,
    BookEvent,
    DealEvent,
    Event,
    OrderEvent,
    OrderEventKind,
    TradeEvent,
)
from whitewire.venue.values.model import Deal, Order, Product, PublicTrade, Role


class Cycle:
    """The cycle that is running, or the next one."""

    def __init__(
        self,
        accounts: Mapping[str, Account],
        books: Mapping[str, Book],
        publish: Callable[[Event], None],
        *,
        deals_first: bool,
    ) -> None:
        """Starts with an empty cycle.

        Args:
            deals_first: whether a fill's deal precedes its order's event.
        """
        self._accounts = accounts
        self._books = books
        self._publish = publish
        self._deals_first = deals_first
        self._private: list[OrderEvent | DealEvent] = []
        self._trades: list[PublicTrade] = []
        self._involved: dict[str, Account] = {}
        self._markets: dict[str, None] = {}
        self._announced = {name: book.update_id for name, book in books.items()}
        self._touched: list[Order] = []
        self._traded_at: dict[str, list[Decimal]] = {}

    @property
    def is_unsettled(self) -> bool:
        """Whether something happened whose consequences nobody has looked at."""
        return bool(self._traded_at or self._touched)

    def involve(self, order: Order) -> None:
        """Notes that an order's account and market may have changed."""
        self._involved[order.account] = self._accounts[order.account]
        self._markets[order.market] = None

    def report(self, order: Order, event: OrderEventKind) -> None:
        """Notes an order's event."""
        if order.product is not Product.SPOT:
            self._touched.append(order)
        if not self._accounts[order.account].spec.is_internal:
            self._private.append(OrderEvent(order.account, event, order.snapshot()))

    def trade(self, trade: PublicTrade) -> None:
        """Notes a public trade and its price."""
        self._trades.append(trade)
        self.price_seen(trade.market, trade.price)

    def price_seen(self, market: str, price: Decimal) -> None:
        """Notes a price that waiting stops are to be held against."""
        self._traded_at.setdefault(market, []).append(price)

    def deal(
        self, order: Order, role: Role, counter_order_id: int, trade: PublicTrade, fee: Decimal
    ) -> None:
        """Notes and remembers one party's record of a match."""
        account = self._accounts[order.account]
        if not account.spec.is_internal:
            deal = _deal_of(order, role, counter_order_id, trade, fee)
            account.deals.append(deal)
            self._private.append(DealEvent(order.account, deal))

    def take_prices(self) -> dict[str, list[Decimal]]:
        """The prices by market since the last call."""
        prices, self._traded_at = self._traded_at, {}
        return prices

    def take_touched(self) -> list[Order]:
        """The orders against collateral that reported something since the last call."""
        touched, self._touched = self._touched, []
        return touched

    def flush(self) -> None:
        """Publishes what was noted so far: private events, then trades."""
        private, self._private = self._private, []
        trades, self._trades = self._trades, []
        if not self._deals_first:
            private.sort(key=lambda event: isinstance(event, DealEvent))
        for event in private:
            self._publish(event)
        for trade in trades:
            self._publish(TradeEvent(trade))

    def finish(self, now: float) -> None:
        """Publishes everything that is left of the cycle; the next one starts empty."""
        self.flush()
        markets, self._markets = self._markets, {}
        involved, self._involved = self._involved, {}
        for market in markets:
            book = self._books[market]
            if book.update_id != self._announced[market]:
                self._announced[market] = book.update_id
                self._publish(BookEvent(market, book.update_id, now, book.refresh_top(now)))
        for name, account in involved.items():
            assets = account.take_touched()
            if assets and not account.spec.is_internal:
                self._publish(BalanceEvent(name, assets))


def _deal_of(
    order: Order, role: Role, counter_order_id: int, trade: PublicTrade, fee: Decimal
) -> Deal:
    return Deal(
        id=trade.id,
        time=trade.time,
        account=order.account,
        market=order.market,
        order_id=order.id,
        counter_order_id=counter_order_id,
        client_order_id=order.client_order_id,
        side=order.side,
        role=role,
        price=trade.price,
        amount=trade.amount,
        money=trade.money,
        fee=fee,
        fee_asset=order.fee_asset,
        rpi=trade.rpi,
    )
