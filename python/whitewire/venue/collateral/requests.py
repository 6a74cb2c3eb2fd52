"""What a client asks about trading against collateral, as it came out of the JSON text.

Owns: one value for each request, with the wire's key names. Must not know: whether a field is
valid, HTTP, or the engine's state. Invariant: a field holds the decoded JSON value untouched; None
stands for an absent key and for JSON null alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from whitewire.venue.values.model import OrderType
from whitewire.venue.values.requests import Body


@dataclass(frozen=True, slots=True)
class CollateralRequest:
    """order/collateral/limit, market, stop-limit or trigger-market, and a leg of its bulk.

    Attributes:
        type: LIMIT, MARKET, STOP_LIMIT or STOP_MARKET.
        bbo_role: of the WebSocket's best-offer methods; REST has none.
    """

    type: OrderType
    market: object = None
    side: object = None
    amount: object = None
    price: object = None
    activation_price: object = None
    client_order_id: object = None
    stop_loss: object = None
    take_profit: object = None
    post_only: object = None
    ioc: object = None
    rpi: object = None
    bbo_role: object = None
    position_side: object = None
    reduce_only: object = None
    stp: object = None

    @classmethod
    def from_body(cls, type: OrderType, body: Body) -> CollateralRequest:
        """Picks the fields that this type has out of a REST body."""
        is_limit = type is OrderType.LIMIT
        is_stop = type in (OrderType.STOP_LIMIT, OrderType.STOP_MARKET)
        has_price = type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        return cls(
            type=type,
            market=body.get("market"),
            side=body.get("side"),
            amount=body.get("amount"),
            price=body.get("price") if has_price else None,
            activation_price=body.get("activation_price") if is_stop else None,
            client_order_id=body.get("clientOrderId"),
            stop_loss=body.get("stopLoss"),
            take_profit=body.get("takeProfit"),
            post_only=body.get("postOnly") if is_limit else None,
            ioc=body.get("ioc") if is_limit else None,
            rpi=body.get("rpi") if is_limit else None,
            position_side=body.get("positionSide"),
            reduce_only=body.get("reduceOnly"),
            stp=body.get("stp"),
        )


@dataclass(frozen=True, slots=True)
class OcoRequest:
    """order/collateral/oco: a limit leg that takes profit and a stop-limit leg that ends a loss.

    Attributes:
        price: of the limit leg.
        activation_price: trigger of the stop leg.
        stop_limit_price: limit of the stop leg.
        stop_client_order_id: the stop leg's own client id; the WebSocket has one for each leg.
    """

    market: object = None
    side: object = None
    amount: object = None
    price: object = None
    activation_price: object = None
    stop_limit_price: object = None
    client_order_id: object = None
    stop_client_order_id: object = None
    position_side: object = None
    reduce_only: object = None
    stp: object = None

    @classmethod
    def from_body(cls, body: Body) -> OcoRequest:
        """Picks the fields out of a REST body."""
        return cls(
            market=body.get("market"),
            side=body.get("side"),
            amount=body.get("amount"),
            price=body.get("price"),
            activation_price=body.get("activation_price"),
            stop_limit_price=body.get("stop_limit_price"),
            client_order_id=body.get("clientOrderId"),
            position_side=body.get("positionSide"),
            reduce_only=body.get("reduceOnly"),
            stp=body.get("stp"),
        )


@dataclass(frozen=True, slots=True)
class TpslRequest:
    """Take-profit and stop-loss for a whole position, of the WebSocket alone."""

    market: object = None
    take_profit: object = None
    stop_loss: object = None
    position_side: object = None
    stp: object = None


@dataclass(frozen=True, slots=True)
class PositionHistoryQuery:
    """collateral-account/positions/history; dates in whole epoch seconds."""

    market: object = None
    position_id: object = None
    start_date: object = None
    end_date: object = None
    limit: object = None
    offset: object = None

    @classmethod
    def from_body(cls, body: Body) -> PositionHistoryQuery:
        """Picks the fields out of a REST body."""
        return cls(
            market=body.get("market"),
            position_id=body.get("positionId"),
            start_date=body.get("startDate"),
            end_date=body.get("endDate"),
            limit=body.get("limit"),
            offset=body.get("offset"),
        )


@dataclass(frozen=True, slots=True)
class PageQuery:
    """funding-history, oco-orders and conditional-orders."""

    market: object = None
    limit: object = None
    offset: object = None

    @classmethod
    def from_body(cls, body: Body) -> PageQuery:
        """Picks the fields out of a REST body."""
        return cls(body.get("market"), body.get("limit"), body.get("offset"))


@dataclass(frozen=True, slots=True)
class ClosedPnlQuery:
    """collateral-account/positions/closed-pnl; dates in whole epoch seconds."""

    start_date: object = None
    end_date: object = None
    limit: object = None
    offset: object = None

    @classmethod
    def from_body(cls, body: Body) -> ClosedPnlQuery:
        """Picks the fields out of a REST body."""
        return cls(
            body.get("startDate"), body.get("endDate"), body.get("limit"), body.get("offset")
        )


@dataclass(frozen=True, slots=True)
class CloseRequest:
    """collateral-account/position/close."""

    market: object = None
    position_id: object = None
    position_side: object = None

    @classmethod
    def from_body(cls, body: Body) -> CloseRequest:
        """Picks the fields out of a REST body."""
        return cls(body.get("market"), body.get("positionId"), body.get("positionSide"))


@dataclass(frozen=True, slots=True)
class GroupCancelRequest:
    """oco-cancel, oto-cancel and conditional-cancel; `key` is the id's name on the wire."""

    key: str
    market: object = None
    group_id: object = None
    client_order_id: object = None
