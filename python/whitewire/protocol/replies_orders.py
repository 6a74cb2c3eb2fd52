"""Answers about orders, whole: what `gw.rest` returns for placements, lists and cancels.

Owns: the shapes of order objects of every endpoint. Must not know: order states (the hot path
reads `replies.OrderReply` and nothing else). Invariant: optional is what the venue leaves out
somewhere; what it always sends is required.

Rules
-----
1. Trigger prices are `activation_price` in order objects, `activationPrice` in histories and in
   conditional lists (venue traps 1 and 3); legs of an OCO mix both spellings.
2. `activated` is a flag in order objects and the time of the trigger in histories (trap 4).
3. Of an item of a bulk answer exactly one of `result` and `error` is not null.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from whitewire.protocol.replies import Figures, OrderReply

__all__ = [
    "BulkItem",
    "CanceledItem",
    "ConditionalOrder",
    "ConditionalOrders",
    "DealRow",
    "FinishedDetail",
    "ItemError",
    "OcoLeg",
    "OcoOrder",
    "OrderDeal",
    "OrderDeals",
    "OrderDetail",
    "Oto",
]

_ZERO = Decimal(0)


class Oto(Figures, frozen=True, rename="camel"):
    """The exits that an order brings once it is filled."""

    oto_id: int
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None


class OrderDetail(
    OrderReply,
    frozen=True,
    rename={
        "post_only": "postOnly",
        "position_side": "positionSide",
        "reduce_only": "reduceOnly",
        "activation_condition": "activationCondition",
    },
):
    """An order object with everything that the venue says; rules 1 and 2."""

    post_only: bool = False
    ioc: bool = False
    rpi: bool = False
    stp: str = ""
    position_side: str = ""
    reduce_only: bool = False
    activation_price: Decimal | None = None
    activation_condition: str = ""
    activated: int = 0
    oto: Oto | None = None


class FinishedDetail(Figures, frozen=True, rename="camel"):
    """A row of the finished orders' history; times are epoch seconds, `activated` is one, too."""

    id: int
    amount: Decimal
    price: Decimal
    status: str
    type: str = ""
    client_order_id: str = ""
    side: str = ""
    ctime: Decimal = _ZERO
    ftime: Decimal = _ZERO
    deal_fee: Decimal = _ZERO
    deal_stock: Decimal = _ZERO
    deal_money: Decimal = _ZERO
    fee_asset: str = ""
    post_only: bool = False
    ioc: bool = False
    rpi: bool = False
    position_side: str = ""
    reduce_only: bool = False
    activated: int = 0
    activation_price: Decimal | None = None
    activation_condition: str = ""


class DealRow(Figures, frozen=True, rename="camel"):
    """One of our deals; role 1 is maker, 2 taker; `deal` is price times amount."""

    id: int
    time: Decimal
    side: str
    role: int
    amount: Decimal
    price: Decimal
    deal: Decimal
    fee: Decimal
    order_id: int = 0
    client_order_id: str = ""
    fee_asset: str = ""


class OrderDeal(Figures, frozen=True, rename="camel"):
    """One deal of one order; `deal_order_id` is the counterparty's order (venue trap 48)."""

    id: int
    time: Decimal
    price: Decimal
    amount: Decimal
    deal: Decimal
    fee: Decimal
    role: int
    deal_order_id: int = 0
    client_order_id: str = ""
    fee_asset: str = ""
    rpi: bool = False


class OrderDeals(msgspec.Struct, frozen=True):
    """A page of the deals of one order."""

    records: list[OrderDeal]
    offset: int = 0
    limit: int = 0


class ItemError(msgspec.Struct, frozen=True):
    """Why one item of a bulk request was refused; the code is scoped to the endpoint."""

    code: int = 0
    message: str = ""
    errors: dict[str, Any] | list[Any] = {}


class BulkItem(msgspec.Struct, frozen=True):
    """One item of a bulk placement (rule 3)."""

    result: OrderDetail | None = None
    error: ItemError | None = None


class _CanceledIds(msgspec.Struct, frozen=True, rename="camel"):
    order_id: int
    client_order_id: str
    market: str


class CanceledItem(msgspec.Struct, frozen=True):
    """One item of a bulk cancel: identifiers only, no state (rule 3)."""

    result: _CanceledIds | None = None
    error: ItemError | None = None


class OcoLeg(
    Figures,
    frozen=True,
    rename={
        "venue_id": "orderId",
        "client_id": "clientOrderId",
        "deal_money": "dealMoney",
        "deal_stock": "dealStock",
        "deal_fee": "dealFee",
        "position_side": "positionSide",
        "reduce_only": "reduceOnly",
    },
):
    """A leg of an OCO (rule 1); only the stop leg has a trigger."""

    venue_id: int
    market: str
    side: str
    amount: Decimal
    left: Decimal
    client_id: str = ""
    type: str = ""
    price: Decimal | None = None
    deal_money: Decimal = _ZERO
    deal_stock: Decimal = _ZERO
    deal_fee: Decimal = _ZERO
    status: str = ""
    stp: str = ""
    position_side: str = ""
    reduce_only: bool = False
    activation_price: Decimal | None = None
    activation_condition: str = ""
    activated: int = 0


class OcoOrder(msgspec.Struct, frozen=True):
    """A pair of which one cancels the other."""

    id: int
    stop_loss: OcoLeg
    take_profit: OcoLeg


class _ConditionalLeg(OcoLeg, frozen=True, rename="camel"):
    activation_price: Decimal | None = None
    activation_condition: str = ""


class ConditionalOrder(Figures, frozen=True, rename="camel"):
    """An OCO (two legs) or an OTO (the entry, and the prices of its exits)."""

    id: int
    type: str
    stop_loss: _ConditionalLeg | None = None
    take_profit: _ConditionalLeg | None = None
    stop_loss_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    conditional_order: OrderDetail | None = None


class ConditionalOrders(msgspec.Struct, frozen=True):
    """A page of conditional orders."""

    records: list[ConditionalOrder]
    total: int = 0
    offset: int = 0
    limit: int = 0
