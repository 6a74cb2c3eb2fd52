"""The parameters of the order methods for spot, and of modify and cancel for every order.

Owns: which fields a method takes. Must not know: how a field is read, the engine's state.
Invariant: what comes out is a request of the engine.

Rules:

* Q1  The amount of a market or stop-market buy is money, every other amount is stock.
* Q2  The price of a BBO is found at once, that of a stop BBO at its activation.
* Q3  Cancel-all takes one market and a list of kinds without repetition.
"""

from __future__ import annotations

from whitewire.venue.values.model import OrderType
from whitewire.venue.values.requests import (
    CancelAllRequest,
    CancelRequest,
    LimitRequest,
    MarketRequest,
    ModifyRequest,
    StopRequest,
)
from whitewire.venue.values.ws_refusals import invalid
from whitewire.venue.ws.order_params import OrderParams, bbo_flags, limit_flags

__all__ = [
    "bbo",
    "cancel",
    "cancel_all",
    "limit",
    "market",
    "market_stock",
    "modify",
    "stop_bbo",
    "stop_limit",
    "stop_market",
    "stop_market_stock",
]

_KINDS = ("spot", "margin", "futures")
_MONEY_SIZED = (OrderType.MARKET, OrderType.STOP_MARKET)


def _is_money(params: OrderParams, kind: OrderType) -> bool:
    return kind in _MONEY_SIZED and params.get("side") == "buy"  # Q1


def limit(params: OrderParams) -> LimitRequest:
    """order_limit_place."""
    params.require_spot()
    side, amount, price = params.side(), params.amount(), params.number("price")
    flags = limit_flags(params)
    return LimitRequest(
        market=params.market.name,
        side=side,
        amount=amount,
        price=price,
        client_order_id=params.get("client_order_id"),
        post_only=flags.post_only,
        ioc=flags.ioc,
        stp=params.stp(),
        rpi=flags.rpi,
        ws_rules=True,
    )


def bbo(params: OrderParams) -> LimitRequest:
    """order_bbo_place."""
    params.require_spot()
    side, amount, role = params.side(), params.amount(), params.bbo_role()
    flags = bbo_flags(params, role)
    return LimitRequest(
        market=params.market.name,
        side=side,
        amount=amount,
        client_order_id=params.get("client_order_id"),
        post_only=flags.post_only,
        ioc=flags.ioc,
        bbo_role=role,
        stp=params.stp(),
        ws_rules=True,
    )


def market(params: OrderParams) -> MarketRequest:
    """order_market_place."""
    return _market(params, OrderType.MARKET)


def market_stock(params: OrderParams) -> MarketRequest:
    """order_market_stock_place."""
    return _market(params, OrderType.STOCK_MARKET)


def _market(params: OrderParams, kind: OrderType) -> MarketRequest:
    params.require_spot()
    return MarketRequest(
        type=kind,
        market=params.market.name,
        side=params.side(),
        amount=params.amount(is_money=_is_money(params, kind)),
        client_order_id=params.get("client_order_id"),
        stp=params.stp(),
    )


def stop_limit(params: OrderParams) -> StopRequest:
    """order_stop_limit_place."""
    return _stop(params, OrderType.STOP_LIMIT, has_price=True)


def stop_market(params: OrderParams) -> StopRequest:
    """order_stop_market_place."""
    return _stop(params, OrderType.STOP_MARKET)


def stop_market_stock(params: OrderParams) -> StopRequest:
    """order_stop_market_stock_place."""
    return _stop(params, OrderType.STOP_STOCK_MARKET)


def stop_bbo(params: OrderParams) -> StopRequest:
    """order_stop_bbo_place."""
    return _stop(params, OrderType.STOP_LIMIT, has_role=True)


def _stop(
    params: OrderParams, kind: OrderType, *, has_price: bool = False, has_role: bool = False
) -> StopRequest:
    params.require_spot()
    return StopRequest(
        type=kind,
        market=params.market.name,
        side=params.side(),
        amount=params.amount(is_money=_is_money(params, kind)),
        activation_price=params.number("activation_price"),
        price=params.number("price") if has_price else None,
        bbo_role=params.bbo_role() if has_role else None,
        bbo_at_activation=has_role,  # Q2
        client_order_id=params.get("client_order_id"),
        stp=params.stp(),
    )


def modify(params: OrderParams, *, keeps_stp: bool) -> ModifyRequest:
    """order_modify."""
    order_id, client_order_id = params.order_name()
    price, amount, total, activation_price = (
        params.optional_number(key) for key in ("price", "amount", "total", "activation_price")
    )
    if amount is not None and total is not None:
        raise invalid("amount and total cannot be specified simultaneously")
    if price is None and amount is None and total is None and activation_price is None:
        raise invalid("at least price or amount or total or activation price should be specified")
    return ModifyRequest(
        market=params.market.name,
        order_id=order_id,
        client_order_id=client_order_id,
        amount=amount,
        total=total,
        price=price,
        activation_price=activation_price,
        keeps_stp=keeps_stp,
    )


def cancel(params: OrderParams) -> CancelRequest:
    """order_cancel."""
    order_id, client_order_id = params.order_name()
    return CancelRequest(params.market.name, order_id, client_order_id)


def cancel_all(params: OrderParams) -> CancelAllRequest:
    """order_cancel_all (Q3)."""
    kinds = params.get("type")
    if not isinstance(kinds, list):
        raise invalid("order types must be an array")
    if not kinds:
        raise invalid("at least one order type should be specified")
    if any(kind not in _KINDS for kind in kinds) or len(set(kinds)) != len(kinds):
        raise invalid("invalid or duplicate order type")
    return CancelAllRequest(params.market.name, kinds)
