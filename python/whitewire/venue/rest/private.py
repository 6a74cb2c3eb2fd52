"""The private REST endpoints: what an authenticated account may do and ask.

Owns: turning a request's parameters into engine calls, and the shape of each 200 body. Must not
know: HTTP framing, signatures, rate limits, how a field is validated (the engine does that).
Invariant: one call of the engine for one request.

Rules:

* T1  Deleting a kill switch, cancelling everything, and some empty maps answer `[]`.
* T2  With `ticker` the balance is the bare entry, not keyed by its asset.
* T3  The executed history is a list with `market` and a map of lists without it; the order
      history is always a map. An empty map arrives as `[]`.
* T4  `market/fee` is in percent and ignores its `market`; futures have usual fees of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, TypeVar

from whitewire.venue.access.core import VenueCore
from whitewire.venue.rest.shapes import RestShapes, usual_market
from whitewire.venue.values import refusals
from whitewire.venue.values.markets import FUTURES_MAKER_FEE, FUTURES_TAKER_FEE
from whitewire.venue.values.model import Deal, MarketSpec, Order, OrderType
from whitewire.venue.values.requests import (
    CancelAllRequest,
    CancelRequest,
    ExecutedHistoryQuery,
    KillSwitchRequest,
    LimitRequest,
    MarketRequest,
    ModifyRequest,
    OpenOrdersQuery,
    OrderDealsQuery,
    OrderHistoryQuery,
    StopRequest,
)

__all__ = ["PrivateEndpoints"]

Json = Any
Params = dict[str, Any]
_HUNDRED = Decimal(100)
_FUTURES_FEES = (FUTURES_MAKER_FEE, FUTURES_TAKER_FEE)
_Record = TypeVar("_Record", Deal, Order)


class PrivateEndpoints:
    """Handlers; each takes the caller's account and the decoded body, and may raise VenueError."""

    def __init__(self, core: VenueCore) -> None:
        self._core = core
        self._exchange = core.exchange
        self._shapes = RestShapes(
            core.number_text,
            fee_rates=core.options.order_fee_rates,
            margin_type_names=core.options.margin_type_names,
        )
        self._usual = usual_market(core.exchange.markets)

    def websocket_token(self, account: str, _params: Params) -> Json:
        """POST profile/websocket_token."""
        now = self._core.clock()
        if self._core.faults.take("expired_token"):
            now -= self._core.options.token_ttl_s
        return {"websocket_token": self._core.tokens.issue(account, now)}

    def market_fee(self, _account: str, _params: Params) -> Json:
        """POST market/fee (T4)."""
        spot = self._usual
        return {
            "error": None,
            **self._fee_pair(spot),
            "futures_taker": self._core.number_text(FUTURES_TAKER_FEE * _HUNDRED),
            "futures_maker": self._core.number_text(FUTURES_MAKER_FEE * _HUNDRED),
            "rpi_maker_fee_premium": None,
            "futures_rpi_maker_fee_premium": None,
            "custom_fee": {
                spec.name: self._fee_pair(spec)
                for spec in self._exchange.markets.values()
                if (spec.maker_fee, spec.taker_fee)
                != (_FUTURES_FEES if spec.is_futures else (spot.maker_fee, spot.taker_fee))
            },
        }

    def _fee_pair(self, spec: MarketSpec) -> Json:
        text = self._core.number_text
        return {"taker": text(spec.taker_fee * _HUNDRED), "maker": text(spec.maker_fee * _HUNDRED)}

    def new_order(self, account: str, params: Params) -> Json:
        """POST order/new."""
        return self._shapes.order(self._exchange.place(account, LimitRequest.from_body(params)))

    def market_order(self, account: str, params: Params) -> Json:
        """POST order/market."""
        request = MarketRequest.from_body(OrderType.MARKET, params)
        return self._shapes.order(self._exchange.place(account, request))

    def stock_market_order(self, account: str, params: Params) -> Json:
        """POST order/stock_market."""
        request = MarketRequest.from_body(OrderType.STOCK_MARKET, params)
        return self._shapes.order(self._exchange.place(account, request))

    def stop_limit_order(self, account: str, params: Params) -> Json:
        """POST order/stop_limit."""
        request = StopRequest.from_body(OrderType.STOP_LIMIT, params)
        return self._shapes.order(self._exchange.place(account, request))

    def stop_market_order(self, account: str, params: Params) -> Json:
        """POST order/stop_market."""
        request = StopRequest.from_body(OrderType.STOP_MARKET, params)
        return self._shapes.order(self._exchange.place(account, request))

    def bulk(self, account: str, params: Params) -> Json:
        """POST order/bulk."""
        results = self._exchange.place_bulk(account, params.get("orders"), params.get("stopOnFail"))
        return [self._shapes.leg(result) for result in results]

    def cancel(self, account: str, params: Params) -> Json:
        """POST order/cancel."""
        return self._shapes.order(self._exchange.cancel(account, CancelRequest.from_body(params)))

    def cancel_all(self, account: str, params: Params) -> Json:
        """POST order/cancel/all."""
        self._exchange.cancel_all(account, CancelAllRequest.from_body(params))
        return []  # T1

    def cancel_bulk(self, account: str, params: Params) -> Json:
        """POST order/cancel/bulk."""
        results = self._exchange.cancel_bulk(account, params.get("orders"))
        return [self._shapes.cancelled_leg(result) for result in results]

    def modify(self, account: str, params: Params) -> Json:
        """POST order/modify."""
        return self._shapes.order(self._exchange.modify(account, ModifyRequest.from_body(params)))

    def kill_switch(self, account: str, params: Params) -> Json:
        """POST order/kill-switch."""
        market = str(params.get("market"))
        if self._core.faults.take("kill_switch_refused", market=market):
            text = refusals.UNAVAILABLE_MARKET
            raise refusals.validation(refusals.MARKET, "market", text)
        timer = self._exchange.kill_switch(account, KillSwitchRequest.from_body(params))
        return [] if timer is None else self._shapes.timer(timer)  # T1

    def kill_switch_status(self, account: str, params: Params) -> Json:
        """POST order/kill-switch/status."""
        timers = self._exchange.kill_switch_status(account, params.get("market"))
        return [self._shapes.timer(timer) for timer in timers]

    def open_orders(self, account: str, params: Params) -> Json:
        """POST orders."""
        orders = self._exchange.open_orders(account, OpenOrdersQuery.from_body(params))
        return [self._shapes.listed_order(order) for order in orders]

    def balance(self, account: str, params: Params) -> Json:
        """POST trade-account/balance."""
        if params.get("ticker") is not None:
            return self._shapes.wallet(self._exchange.balance(account, params["ticker"]))  # T2
        wallets = self._exchange.balances(account)
        return {ticker: self._shapes.wallet(wallet) for ticker, wallet in wallets.items()}

    def order_deals(self, account: str, params: Params) -> Json:
        """POST trade-account/order."""
        deals, limit, offset = self._exchange.order_deals(
            account, OrderDealsQuery.from_body(params)
        )
        records = [self._shapes.order_deal(deal) for deal in deals]
        return {"records": records, "offset": offset, "limit": limit}

    def executed_history(self, account: str, params: Params) -> Json:
        """POST trade-account/executed-history."""
        query = ExecutedHistoryQuery.from_body(params)
        deals = self._exchange.executed_history(account, query)
        if query.market is not None:
            return [self._shapes.executed_deal(deal) for deal in deals]
        by_market = _by_market(deals)
        return {
            market: [self._shapes.executed_deal(deal) for deal in group]
            for market, group in by_market.items()
        } or []  # T3

    def order_history(self, account: str, params: Params) -> Json:
        """POST trade-account/order/history."""
        orders = self._exchange.order_history(account, OrderHistoryQuery.from_body(params))
        return {
            market: [self._shapes.finished_order(order) for order in group]
            for market, group in _by_market(orders).items()
        } or []  # T3


def _by_market(items: Iterable[_Record]) -> dict[str, list[_Record]]:
    groups: dict[str, list[_Record]] = {}
    for item in items:
        groups.setdefault(item.market, []).append(item)
    return groups
