"""A small trading desk for tests of the venue's engine: an exchange, its clock and its events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from whitewire.venue.collateral.desk import PositionView
from whitewire.venue.collateral.groups import Group
from whitewire.venue.collateral.requests import CollateralRequest, OcoRequest, TpslRequest
from whitewire.venue.drivers.driver import DriverMaker
from whitewire.venue.exchange.exchange import Exchange
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.events import (
    BalanceEvent,
    BookEvent,
    DealEvent,
    Event,
    OrderEvent,
    PositionEvent,
    TradeEvent,
)
from whitewire.venue.values.markets import default_markets
from whitewire.venue.values.model import ZERO, AccountSpec, MarketSpec, Order, OrderType, VenueError
from whitewire.venue.values.money import to_text
from whitewire.venue.values.requests import (
    CancelRequest,
    LimitRequest,
    MarketRequest,
    ModifyRequest,
    StopRequest,
)

MARKET = "BTC_USDT"
PERP = "BTC_PERP"
START = 1_785_730_130.0
FUNDS = {"BTC": Decimal(10), "USDT": Decimal(1_000_000), "ETH": Decimal(100)}


def account(name: str, **changes: object) -> AccountSpec:
    """An account with ample funds."""
    spec = AccountSpec(name=name, key=f"key-{name}", secret=f"secret-{name}", balances=dict(FUNDS))
    return replace(spec, **changes)  # type: ignore[arg-type]


def refusal(
    call: Callable[..., object], *args: object, **fields: object
) -> tuple[int, int, str, dict[str, list[str]]]:
    """What a call that must be refused is refused with: HTTP status, code, message, errors."""
    with pytest.raises(VenueError) as caught:
        call(*args, **fields)
    error = caught.value
    return error.http_status, error.code, error.message, error.errors


def collateral_accounts(money: int = 100_000) -> list[AccountSpec]:
    """Alice, bob and carol with some collateral, yin and yang with very much."""
    some = {"USDT": Decimal(money)}
    much = {"USDT": Decimal(10) ** 9}
    return [
        *(account(name, collateral=some) for name in ("alice", "bob", "carol")),
        *(account(name, collateral=much) for name in ("yin", "yang")),
    ]


class Desk:
    """An exchange without traders, unless the options name some, and everything it has said."""

    def __init__(
        self,
        options: ExchangeOptions | None = None,
        accounts: Iterable[AccountSpec] | None = None,
        seed: int = 1,
        markets: Iterable[MarketSpec] | None = None,
        drivers: Mapping[str, DriverMaker] | None = None,
    ) -> None:
        self.now = START
        self.events: list[Event] = []
        self.exchange = Exchange(
            default_markets() if markets is None else markets,
            [account("alice"), account("bob"), account("carol")] if accounts is None else accounts,
            seed=seed,
            clock=lambda: self.now,
            options=options,
            drivers=drivers,
        )
        self.exchange.listeners.append(self.events.append)

    def limit(self, who: str, side: str, price: object, amount: object, **fields: object) -> Order:
        """Places a limit order."""
        request = LimitRequest(market=MARKET, side=side, price=price, amount=amount)
        return self.exchange.place(who, replace(request, **fields))

    def market(self, who: str, side: str, amount: object, **fields: object) -> Order:
        """Places a market order: a buy is sized in money."""
        return self._market(OrderType.MARKET, who, side, amount, fields)

    def stock_market(self, who: str, side: str, amount: object, **fields: object) -> Order:
        """Places a market order that is sized in stock."""
        return self._market(OrderType.STOCK_MARKET, who, side, amount, fields)

    def _market(
        self, kind: OrderType, who: str, side: str, amount: object, fields: dict[str, object]
    ) -> Order:
        request = MarketRequest(type=kind, market=MARKET, side=side, amount=amount)
        return self.exchange.place(who, replace(request, **fields))  # type: ignore[arg-type]

    def stop_limit(
        self, who: str, side: str, trigger: object, price: object, amount: object, **fields: object
    ) -> Order:
        """Places a stop-limit order."""
        return self._stop(
            StopRequest(OrderType.STOP_LIMIT, MARKET, side, amount, price, trigger), who, fields
        )

    def stop_market(
        self, who: str, side: str, trigger: object, amount: object, **fields: object
    ) -> Order:
        """Places a stop-market order: a buy is sized in money."""
        return self._stop(
            StopRequest(OrderType.STOP_MARKET, MARKET, side, amount, None, trigger), who, fields
        )

    def _stop(self, request: StopRequest, who: str, fields: dict[str, object]) -> Order:
        return self.exchange.place(who, replace(request, **fields))  # type: ignore[arg-type]

    def trade(self, price: object, amount: object = "0.001") -> None:
        """Lets carol sell to bob; nothing better may be in the book."""
        self.limit("carol", "sell", price, amount)
        self.limit("bob", "buy", price, amount)

    def perp_limit(
        self, who: str, side: str, price: object, amount: object, **fields: object
    ) -> Order:
        """Places a limit order against collateral."""
        return self._perp(
            CollateralRequest(OrderType.LIMIT, PERP, side, amount, price), who, fields
        )

    def perp_market(self, who: str, side: str, amount: object, **fields: object) -> Order:
        """Places a market order against collateral."""
        return self._perp(CollateralRequest(OrderType.MARKET, PERP, side, amount), who, fields)

    def perp_stop_limit(
        self, who: str, side: str, trigger: object, price: object, amount: object, **fields: object
    ) -> Order:
        """Places a stop-limit order against collateral."""
        request = CollateralRequest(OrderType.STOP_LIMIT, PERP, side, amount, price, trigger)
        return self._perp(request, who, fields)

    def perp_trigger(
        self, who: str, side: str, trigger: object, amount: object, **fields: object
    ) -> Order:
        """Places a trigger-market order against collateral."""
        request = CollateralRequest(OrderType.STOP_MARKET, PERP, side, amount, None, trigger)
        return self._perp(request, who, fields)

    def _perp(self, request: CollateralRequest, who: str, fields: dict[str, object]) -> Order:
        whole = replace(request, **fields)  # type: ignore[arg-type]
        return self.exchange.collateral.place(who, whole)

    def oco(
        self,
        who: str,
        side: str,
        amount: object,
        price: object,
        trigger: object,
        stop_price: object,
        **fields: object,
    ) -> Group:
        """Places an OCO."""
        request = OcoRequest(PERP, side, amount, price, trigger, stop_price)
        return self.exchange.collateral.place_oco(who, replace(request, **fields))

    def tpsl(
        self, who: str, take_profit: object = None, stop_loss: object = None, **fields: object
    ) -> tuple[Order | None, Order | None]:
        """Places exits of a whole position: (stop-loss, take-profit)."""
        request = replace(TpslRequest(PERP, take_profit, stop_loss), **fields)
        return self.exchange.collateral.place_tpsl(who, request)

    def perp_trade(self, price: object, amount: object = "0.001", market: str = PERP) -> None:
        """Lets yin sell to yang; nothing better may be in the book."""
        self.perp_limit("yin", "sell", price, amount, market=market)
        self.perp_limit("yang", "buy", price, amount, market=market)

    def position(self, who: str, market: str = PERP, side: str = "BOTH") -> PositionView | None:
        """An open position."""
        for view in self.exchange.collateral.positions(who, market):
            if view.position.side.value == side:
                return view
        return None

    def held(self, who: str, market: str = PERP, side: str = "BOTH") -> str:
        """Signed amount of a position as text."""
        view = self.position(who, market, side)
        return "0" if view is None else to_text(view.position.amount)

    def money(self, who: str, asset: str = "USDT") -> str:
        """Balance of an asset of the collateral wallet as text."""
        return to_text(self.exchange.collateral.assets(who, asset)[asset].balance)

    def open(self, who: str) -> list[int]:
        """Numbers of the open orders, newest first."""
        return [self.number(order.id) for order in self.exchange.open_orders_of(who)]

    def last(self, order: Order) -> Order:
        """An order's newest state."""
        for kept in (self.exchange.open_orders_of, self.exchange.finished_orders_of):
            for state in kept(order.account):
                if state.id == order.id:
                    return state
        raise LookupError(order.id)

    def cancel(self, who: str, order: Order) -> Order:
        """Cancels an order by its id."""
        return self.exchange.cancel(who, CancelRequest(order.market, order.id))

    def modify(self, who: str, order: Order, **fields: object) -> Order:
        """Modifies an order by its id."""
        request = ModifyRequest(market=order.market, order_id=order.id)
        return self.exchange.modify(who, replace(request, **fields))

    def said(self, who: str | None = None) -> list[str]:
        """The events since the last call in a short notation, of one account or of all.

        `3 FILLED 17` is order event 3 of order 17, `deal 17` its deal; public events are `trade`
        and `book`, a wallet's is `balance BTC,USDT`. A stop order that waits has a `?`.
        """
        events, self.events[:] = list(self.events), []
        return [text for event in events if (text := self._text(event, who)) is not None]

    def _text(self, event: Event, who: str | None) -> str | None:
        if isinstance(event, TradeEvent):
            return None if who else f"trade {to_text(event.trade.amount)}"
        if isinstance(event, BookEvent):
            return None if who else "book top" if event.top_changed else "book"
        if who not in (None, event.account):
            return None
        if isinstance(event, OrderEvent):
            number = f"{self.number(event.order.id)}{'?' if event.order.is_waiting else ''}"
            return f"{event.event.value} {event.order.status.value} {number}"
        if isinstance(event, DealEvent):
            return f"deal {self.number(event.deal.order_id)}"
        if isinstance(event, PositionEvent):
            return f"position {event.event.value}"
        assert isinstance(event, BalanceEvent)
        return f"balance {','.join(event.assets)}"

    def number(self, order_id: int) -> int:
        """An order's place in the order of all orders, from 1."""
        return order_id - self.exchange.options.first_order_id + 1

    def bids(self) -> list[tuple[str, str]]:
        """The public bids as text."""
        return _texts(self.exchange.depth(MARKET, 100)[0])

    def asks(self) -> list[tuple[str, str]]:
        """The public asks as text."""
        return _texts(self.exchange.depth(MARKET, 100)[1])

    def wallet(self, who: str, asset: str) -> tuple[str, str]:
        """Available and frozen funds as text."""
        wallet = self.exchange.balances(who)[asset]
        return to_text(wallet.available), to_text(wallet.freeze)

    def total(self, asset: str) -> Decimal:
        """What all named accounts and the fee pot hold of an asset."""
        total = self.exchange.fees_collected().get(asset, ZERO)
        for name in self.exchange.accounts:
            wallet = self.exchange.balances(name)[asset]
            total += wallet.available + wallet.freeze
        return total


def _texts(levels: Iterable[tuple[Decimal, Decimal]]) -> list[tuple[str, str]]:
    return [(to_text(price), to_text(amount)) for price, amount in levels]
