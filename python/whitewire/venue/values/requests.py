"""What a client asks of the engine, as it came out of the JSON text.

Owns: one value for each request of the order family, with the wire's key names. Must not know:
whether a field is valid (that is `orders/place.py` and `orders/queries.py`), HTTP, or the engine's
state. Invariant: a field holds the decoded JSON value untouched; None stands for an absent key and
for JSON null alike, except for the kill switch's `timeout`, where null has a meaning of its own. A
field of type `bool` is no part of the request: it says by which wire's rules to read it.

JSON numbers with a fraction must have been decoded to `Decimal` (`parse_float=Decimal`): the
engine takes text, `int` and `Decimal` for money and refuses a binary fraction as not numeric.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from whitewire.venue.values.model import OrderType

Body = Mapping[str, object]


class Missing(Enum):
    """Marks a key that the body does not have, where that differs from null."""

    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class LimitRequest:
    """order/new and one leg of order/bulk.

    Attributes:
        ws_rules: whether flags combine by the rules of the WebSocket instead of REST's.
    """

    market: object = None
    side: object = None
    amount: object = None
    price: object = None
    client_order_id: object = None
    post_only: object = None
    ioc: object = None
    bbo_role: object = None
    stp: object = None
    rpi: object = None
    retail: object = None
    ws_rules: bool = False

    @classmethod
    def from_body(cls, body: Body) -> LimitRequest:
        """Picks the fields out of a REST body; unknown keys are ignored."""
        return cls(
            market=body.get("market"),
            side=body.get("side"),
            amount=body.get("amount"),
            price=body.get("price"),
            client_order_id=body.get("clientOrderId"),
            post_only=body.get("postOnly"),
            ioc=body.get("ioc"),
            bbo_role=body.get("bboRole"),
            stp=body.get("stp"),
            rpi=body.get("rpi"),
            retail=body.get("retail"),
        )


@dataclass(frozen=True, slots=True)
class MarketRequest:
    """order/market (amount in money for a buy) or order/stock_market (amount in stock)."""

    type: OrderType
    market: object = None
    side: object = None
    amount: object = None
    client_order_id: object = None
    stp: object = None

    @classmethod
    def from_body(cls, type: OrderType, body: Body) -> MarketRequest:
        """Picks the fields out of a REST body; `type` is MARKET or STOCK_MARKET."""
        return cls(
            type=type,
            market=body.get("market"),
            side=body.get("side"),
            amount=body.get("amount"),
            client_order_id=body.get("clientOrderId"),
            stp=body.get("stp"),
        )


@dataclass(frozen=True, slots=True)
class StopRequest:
    """order/stop_limit, or order/stop_market, which has neither `price` nor `bbo_role`.

    Attributes:
        type: STOP_LIMIT, STOP_MARKET, or the WebSocket's STOP_STOCK_MARKET.
        bbo_at_activation: whether the best-offer price is taken only then, as on the WebSocket.
    """

    type: OrderType
    market: object = None
    side: object = None
    amount: object = None
    price: object = None
    activation_price: object = None
    client_order_id: object = None
    bbo_role: object = None
    stp: object = None
    bbo_at_activation: bool = False

    @classmethod
    def from_body(cls, type: OrderType, body: Body) -> StopRequest:
        """Picks the fields out of a REST body; `type` is STOP_LIMIT or STOP_MARKET."""
        is_limit = type is OrderType.STOP_LIMIT
        return cls(
            type=type,
            market=body.get("market"),
            side=body.get("side"),
            amount=body.get("amount"),
            price=body.get("price") if is_limit else None,
            activation_price=body.get("activation_price"),
            client_order_id=body.get("clientOrderId"),
            bbo_role=body.get("bboRole") if is_limit else None,
            stp=body.get("stp"),
        )


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """order/cancel: exactly one of the two ids."""

    market: object = None
    order_id: object = None
    client_order_id: object = None

    @classmethod
    def from_body(cls, body: Body) -> CancelRequest:
        """Picks the fields out of a REST body."""
        return cls(body.get("market"), body.get("orderId"), body.get("clientOrderId"))


@dataclass(frozen=True, slots=True)
class CancelAllRequest:
    """order/cancel/all: `types` comes from the key `type`."""

    market: object = None
    types: object = None
    position_side: object = None

    @classmethod
    def from_body(cls, body: Body) -> CancelAllRequest:
        """Picks the fields out of a REST body."""
        return cls(body.get("market"), body.get("type"), body.get("positionSide"))


@dataclass(frozen=True, slots=True)
class ModifyRequest:
    """order/modify: exactly one of the two ids, and something to change.

    Attributes:
        keeps_stp: whether the prevention mode stays; REST's is what the request says.
    """

    market: object = None
    order_id: object = None
    client_order_id: object = None
    amount: object = None
    total: object = None
    price: object = None
    activation_price: object = None
    stp: object = None
    keeps_stp: bool = False

    @classmethod
    def from_body(cls, body: Body) -> ModifyRequest:
        """Picks the fields out of a REST body."""
        return cls(
            market=body.get("market"),
            order_id=body.get("orderId"),
            client_order_id=body.get("clientOrderId"),
            amount=body.get("amount"),
            total=body.get("total"),
            price=body.get("price"),
            activation_price=body.get("activationPrice"),
            stp=body.get("stp"),
        )


@dataclass(frozen=True, slots=True)
class KillSwitchRequest:
    """order/kill-switch: `timeout` None deletes the timer, MISSING is an error."""

    market: object = None
    timeout: object = Missing.MISSING
    types: object = None

    @classmethod
    def from_body(cls, body: Body) -> KillSwitchRequest:
        """Picks the fields out of a REST body."""
        return cls(body.get("market"), body.get("timeout", Missing.MISSING), body.get("types"))


@dataclass(frozen=True, slots=True)
class OpenOrdersQuery:
    """POST orders."""

    market: object = None
    order_id: object = None
    client_order_id: object = None
    limit: object = None
    offset: object = None

    @classmethod
    def from_body(cls, body: Body) -> OpenOrdersQuery:
        """Picks the fields out of a REST body."""
        return cls(
            body.get("market"),
            body.get("orderId"),
            body.get("clientOrderId"),
            body.get("limit"),
            body.get("offset"),
        )


@dataclass(frozen=True, slots=True)
class ExecutedHistoryQuery:
    """trade-account/executed-history; dates in whole epoch seconds."""

    market: object = None
    client_order_id: object = None
    start_date: object = None
    end_date: object = None
    limit: object = None
    offset: object = None

    @classmethod
    def from_body(cls, body: Body) -> ExecutedHistoryQuery:
        """Picks the fields out of a REST body."""
        return cls(
            body.get("market"),
            body.get("clientOrderId"),
            body.get("startDate"),
            body.get("endDate"),
            body.get("limit"),
            body.get("offset"),
        )


@dataclass(frozen=True, slots=True)
class OrderDealsQuery:
    """trade-account/order."""

    order_id: object = None
    limit: object = None
    offset: object = None

    @classmethod
    def from_body(cls, body: Body) -> OrderDealsQuery:
        """Picks the fields out of a REST body."""
        return cls(body.get("orderId"), body.get("limit"), body.get("offset"))


@dataclass(frozen=True, slots=True)
class OrderHistoryQuery:
    """trade-account/order/history; dates in whole epoch seconds."""

    market: object = None
    order_id: object = None
    client_order_id: object = None
    status: object = None
    start_date: object = None
    end_date: object = None
    limit: object = None
    offset: object = None

    @classmethod
    def from_body(cls, body: Body) -> OrderHistoryQuery:
        """Picks the fields out of a REST body."""
        return cls(
            market=body.get("market"),
            order_id=body.get("orderId"),
            client_order_id=body.get("clientOrderId"),
            status=body.get("status"),
            start_date=body.get("startDate"),
            end_date=body.get("endDate"),
            limit=body.get("limit"),
            offset=body.get("offset"),
        )
