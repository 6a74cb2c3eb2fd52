"""The WebSocket's methods: their parameters, their answers and their refusals.

Owns: the method table and each method's parameters. Must not know: sockets, frames, how updates
are made. Invariant: a method either changes a subscription and answers success, or
refuses and changes nothing; what it pushes leaves after its answer.

Rules:

* M1  Refusals and what all methods share are in `params` (M1, M5).
* M2  `deals` and `ordersExecuted` subscribe to a list inside the parameters, the other channels
      to the parameters themselves.
* M3  The fourth parameter of depth keeps the socket's other markets; without it, or false, they
      are dropped.
* M4  Depth shows 1, 5, 10, 20, 30, 50 or 100 levels, grouped by "0" or a power of ten from
      1e-8 to 0.1; a single request shows 1 to 100.
* M6  The book ticker takes at most one market at a time, none meaning all.
* M7  `authorize` takes a token and a second text that does not matter; again is allowed and
      replaces the identity.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from whitewire.venue.access.core import VenueCore
from whitewire.venue.engine.depth_window import WHOLE_BOOK
from whitewire.venue.streams.channels import Channel, Channels, Interest
from whitewire.venue.streams.depth import DepthStreams, Subscriber, Window, read_window
from whitewire.venue.streams.market import MarketStreams
from whitewire.venue.streams.shapes import SUCCESS, WsShapes
from whitewire.venue.values.model import OrderType
from whitewire.venue.values.ws_refusals import (
    INTERNAL_ERROR,
    INVALID_ARGUMENT,
    METHOD_NOT_FOUND,
    REQUIRE_AUTHENTICATION,
    WsRefusal,
)
from whitewire.venue.ws.collateral_methods import collateral_methods
from whitewire.venue.ws.market_methods import MarketMethods
from whitewire.venue.ws.orders import WsOrders
from whitewire.venue.ws.params import (
    MAX_PAGE,
    Answer,
    Params,
    market_name,
    market_names,
    page,
    take,
)

__all__ = ["WsMethods"]

_AUTHORIZE_FAILURES = dict(
    (INVALID_ARGUMENT, INTERNAL_ERROR, REQUIRE_AUTHENTICATION, (11, "invalid token"))
)

_DEPTH_LIMITS = frozenset({1, 5, 10, 20, 30, 50, 100})
_INTERVALS = {"0": Decimal(0)} | {
    format(Decimal(1).scaleb(-power), "f"): Decimal(1).scaleb(-power) for power in range(1, 9)
}
_ORDER_FILTERS = {
    0: None,
    1: frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT}),
    2: frozenset(OrderType) - {OrderType.LIMIT, OrderType.STOP_LIMIT},
}

_DONE = Answer(SUCCESS)


class WsMethods:
    """Answers the method calls of all sockets."""

    def __init__(
        self, core: VenueCore, channels: Channels, depth: DepthStreams, streams: MarketStreams
    ) -> None:
        self._core = core
        self._exchange = core.exchange
        self._channels = channels
        self._depth = depth
        self._shapes = WsShapes(core.number_text)
        self._open: dict[str, Callable[[Subscriber, Params], Answer]] = {
            "ping": self._ping,
            "time": self._time,
            "authorize": self._authorize,
            "depth_request": self._depth_request,
            "depth_subscribe": self._depth_subscribe,
            "depth_unsubscribe": self._depth_unsubscribe,
            "bookTicker_subscribe": self._book_ticker_subscribe,
            "bookTicker_unsubscribe": self._book_ticker_unsubscribe,
            "trades_request": self._trades_request,
            "trades_subscribe": self._trades_subscribe,
            "trades_unsubscribe": self._unsubscriber(Channel.TRADES),
            "lastprice_request": self._last_price_request,
            "lastprice_subscribe": self._last_price_subscribe,
            "lastprice_unsubscribe": self._unsubscriber(Channel.LAST_PRICE),
            **MarketMethods(core, streams).table,
        }
        self._authorized: dict[str, Callable[[Subscriber, Params], Answer]] = {
            "balanceSpot_request": self._balance_request,
            "balanceSpot_subscribe": self._balance_subscribe,
            "balanceSpot_unsubscribe": self._unsubscriber(Channel.BALANCE),
            "ordersPending_request": self._pending_request,
            "ordersPending_subscribe": self._pending_subscribe,
            "ordersPending_unsubscribe": self._unsubscriber(Channel.ORDERS_PENDING),
            "ordersExecuted_request": self._executed_request,
            "ordersExecuted_subscribe": self._executed_subscribe,
            "ordersExecuted_unsubscribe": self._unsubscriber(Channel.ORDERS_EXECUTED),
            "deals_request": self._deals_request,
            "deals_subscribe": self._deals_subscribe,
            "deals_unsubscribe": self._unsubscriber(Channel.DEALS),
        }
        self._authorized |= collateral_methods(core, channels.collateral)
        orders = WsOrders(core, channels)
        self._authorized |= {name: self._order_method(orders, name) for name in orders.names}

    def names(self) -> frozenset[str]:
        """Every method."""
        return frozenset(self._open) | frozenset(self._authorized)

    def call(self, subscriber: Subscriber, method: str, params: Params) -> Answer:
        """Runs one method.

        Raises:
            WsRefusal: the documented refusal.
        """
        handler = self._open.get(method)
        if handler is None:
            handler = self._authorized.get(method)
            if handler is None:
                raise WsRefusal(*METHOD_NOT_FOUND)  # M1
            if subscriber.account is None:
                raise WsRefusal(*REQUIRE_AUTHENTICATION)
        return handler(subscriber, params)

    # Parameters

    _take = staticmethod(take)
    _page = staticmethod(page)

    def _market(self, name: object) -> str:
        return market_name(self._exchange, name)

    def _markets(self, names: object) -> frozenset[str] | None:
        return market_names(self._exchange, names)

    def _assets(self, names: Params, account: str) -> frozenset[str] | None:
        known = self._exchange.balances(account)
        if not all(isinstance(name, str) and name in known for name in names):
            raise WsRefusal(*INVALID_ARGUMENT)
        return frozenset(names) or None

    @staticmethod
    def _account(subscriber: Subscriber) -> str:
        if subscriber.account is None:
            raise WsRefusal(*REQUIRE_AUTHENTICATION)
        return subscriber.account

    def _unsubscriber(self, channel: Channel) -> Callable[[Subscriber, Params], Answer]:
        def unsubscribe(subscriber: Subscriber, params: Params) -> Answer:
            self._take(params)
            self._channels.unsubscribe(channel, subscriber)
            return _DONE

        return unsubscribe

    def _order_method(self, orders: WsOrders, name: str) -> Callable[[Subscriber, Params], Answer]:
        return lambda subscriber, params: Answer(
            orders.call(name, self._account(subscriber), params)
        )

    # Service

    def _ping(self, _subscriber: Subscriber, params: Params) -> Answer:
        self._take(params)
        return Answer("pong")

    def _time(self, _subscriber: Subscriber, params: Params) -> Answer:
        self._take(params)
        return Answer(int(self._core.stated_time()))

    def _authorize(self, subscriber: Subscriber, params: Params) -> Answer:
        token, _ = self._take(params, str, str)  # M7
        failed = self._core.faults.take("authorize_failed")
        if failed:
            code = int(failed.values["code"])
            raise WsRefusal(code, _AUTHORIZE_FAILURES[code])
        account = self._core.tokens.redeem(token, self._core.clock())
        if account is None:
            code = self._core.options.authorize_failure_code
            raise WsRefusal(code, _AUTHORIZE_FAILURES.get(code, "invalid token"))
        subscriber.account = account
        return _DONE

    # Depth

    def _window(self, market: str, limit: int, interval: str) -> Window:
        if interval not in _INTERVALS:
            raise WsRefusal(*INVALID_ARGUMENT)
        return Window(self._market(market), limit, _INTERVALS[interval])

    def _depth_request(self, _subscriber: Subscriber, params: Params) -> Answer:
        market, limit, interval = self._take(params, str, int, str)
        window = self._window(market, limit, interval)
        if not 1 <= limit <= MAX_PAGE:  # M4
            raise WsRefusal(*INVALID_ARGUMENT)
        bids, asks = read_window(self._core, window)
        return Answer(
            {
                "timestamp": self._exchange.book_time(market),
                "asks": self._shapes.levels(asks),
                "bids": self._shapes.levels(bids),
            }
        )

    def _depth_subscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        market, limit, interval, *multi = self._take(params, str, int, str, bool, optional=1)
        window = self._window(market, limit, interval)
        if limit not in _DEPTH_LIMITS:  # M4
            raise WsRefusal(*INVALID_ARGUMENT)
        keep_others = multi == [True]  # M3

        def start() -> None:
            self._depth.subscribe(subscriber, window, keep_others=keep_others)

        return Answer(SUCCESS, start)

    def _depth_unsubscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        names = self._take(params, str, optional=1)
        self._depth.unsubscribe(subscriber, self._market(names[0]) if names else None)
        return _DONE

    # Book ticker, trades, last price

    def _book_ticker_subscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        names = self._take(params, str, optional=1)  # M6
        market = self._market(names[0]) if names else None
        return Answer(SUCCESS, lambda: self._channels.add_book_ticker(subscriber, market))

    def _book_ticker_unsubscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        names = self._take(params, str, optional=1)
        if names:
            self._channels.drop_book_ticker(subscriber, self._market(names[0]))
        else:
            self._channels.unsubscribe(Channel.BOOK_TICKER, subscriber)
        return _DONE

    def _trades_request(self, _subscriber: Subscriber, params: Params) -> Answer:
        market, limit, largest_id = self._take(params, str, int, int)
        trades = self._exchange.recent_trades(self._market(market), WHOLE_BOOK)
        older = [trade for trade in trades if not largest_id or trade.id <= largest_id]
        return Answer([self._shapes.trade(trade) for trade in self._page(older, 0, limit)])

    def _trades_subscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        interest = Interest(self._markets(params))
        return Answer(SUCCESS, lambda: self._channels.add_trades(subscriber, interest))

    def _last_price_request(self, _subscriber: Subscriber, params: Params) -> Answer:
        (market,) = self._take(params, str)
        price = self._exchange.statistics(self._market(market)).last_price
        return Answer(self._shapes.text(price or Decimal(0)))

    def _last_price_subscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        self._channels.subscribe(Channel.LAST_PRICE, subscriber, Interest(self._markets(params)))
        return _DONE

    # Account

    def _balance_request(self, subscriber: Subscriber, params: Params) -> Answer:
        account = self._account(subscriber)
        wanted = self._assets(params, account)
        wallets = self._exchange.balances(account)
        return Answer(
            {
                asset: self._shapes.wallet(wallet)
                for asset, wallet in wallets.items()
                if wanted is None or asset in wanted
            }
        )

    def _balance_subscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        interest = Interest(self._assets(params, self._account(subscriber)))
        self._channels.subscribe(Channel.BALANCE, subscriber, interest)
        return _DONE

    def _pending_request(self, subscriber: Subscriber, params: Params) -> Answer:
        market, offset, limit = self._take(params, str, int, int)
        orders = self._exchange.open_orders_of(self._account(subscriber), self._market(market))
        page = self._page(orders, offset, limit)
        return Answer(
            {
                "limit": limit,
                "offset": offset,
                "total": len(orders),
                "records": [self._shapes.order(order) for order in page],
            }
        )

    def _pending_subscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        interest = Interest(self._markets(params))
        self._channels.subscribe(Channel.ORDERS_PENDING, subscriber, interest)
        return _DONE

    def _executed_request(self, subscriber: Subscriber, params: Params) -> Answer:
        wanted, offset, limit = self._take(params, dict, int, int)
        market = self._market(wanted.get("market"))
        codes = wanted.get("order_types", [])
        if not isinstance(codes, list) or not all(type(code) is int for code in codes):
            raise WsRefusal(*INVALID_ARGUMENT)
        orders = [
            order
            for order in self._exchange.finished_orders_of(self._account(subscriber), market)
            if not codes or order.type_code in codes
        ]
        page = self._page(orders, offset, limit)
        records = [self._shapes.executed_order(order) for order in page]
        return Answer({"limit": limit, "offset": offset, "records": records})

    def _executed_subscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        names, order_filter = self._take(params, list, int)  # M2
        if order_filter not in _ORDER_FILTERS:
            raise WsRefusal(*INVALID_ARGUMENT)
        interest = Interest(self._markets(names), _ORDER_FILTERS[order_filter])
        self._channels.subscribe(Channel.ORDERS_EXECUTED, subscriber, interest)
        return _DONE

    def _deals_request(self, subscriber: Subscriber, params: Params) -> Answer:
        market, offset, limit = self._take(params, str, int, int)
        deals = self._exchange.deals_of(self._account(subscriber), self._market(market))
        page = self._page(deals, offset, limit)
        records = [self._shapes.deal_record(deal) for deal in page]
        return Answer({"limit": limit, "offset": offset, "records": records})

    def _deals_subscribe(self, subscriber: Subscriber, params: Params) -> Answer:
        (names,) = self._take(params, list)  # M2
        self._channels.subscribe(Channel.DEALS, subscriber, Interest(self._markets(names)))
        return _DONE
