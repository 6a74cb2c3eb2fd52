"""The parameters of the order methods for margin and futures.

Owns: which fields these methods take beside those of `order_params`, and the texts and numbers
of refusals about them. Must not know: positions, margins, the engine's state. Invariant: what comes
out is a request of the engine; the first thing wrong with a call refuses it.

Rules:

* Q1  A market of spot alone is no margin market (19).
* Q2  Every amount is stock. Flags and best-offer roles are those of spot.
* Q3  A position side is BOTH, LONG or SHORT, and other than BOTH on futures markets only.
* Q4  The entry of an OTO is an object of its own, which has the market; it is never rpi. Its type
      is one of six (201), that of its exits one of five (200) and names the exits that it needs.
* Q5  The two legs of an OCO have different client ids.
* Q6  A pair of exits for a position has at least one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from whitewire.venue.collateral.requests import (
    CollateralRequest,
    GroupCancelRequest,
    OcoRequest,
    TpslRequest,
)
from whitewire.venue.values.model import OrderType, PositionSide
from whitewire.venue.values.ws_refusals import invalid, refused
from whitewire.venue.ws.order_params import OrderParams, bbo_flags, limit_flags

__all__ = [
    "EXITS",
    "ORDERS",
    "group_cancel",
    "oco",
    "oto",
    "tpsl",
]


def _position_side(params: OrderParams) -> str | None:
    side = params.get("position_side")
    if side is None:
        return None
    if not isinstance(side, str) or side not in PositionSide.__members__:
        raise invalid()
    if side != "BOTH" and not params.market.is_futures:  # Q3
        raise invalid("position side can be used only with futures market")
    return side


def _common(params: OrderParams, kind: OrderType) -> CollateralRequest:
    params.require_collateral()
    return CollateralRequest(
        type=kind,
        market=params.market.name,
        side=params.side(),
        amount=params.amount(),
        client_order_id=params.get("client_order_id"),
        stp=params.stp(),
        reduce_only=params.flag("reduce_only"),
        position_side=_position_side(params),
    )


def _limit(params: OrderParams) -> CollateralRequest:
    common = _common(params, OrderType.LIMIT)
    price, flags = params.number("price"), limit_flags(params)
    # RPI is post-only by itself; the engine refuses the explicit flag beside it.
    post_only = flags.post_only and not flags.rpi
    return replace(common, price=price, post_only=post_only, ioc=flags.ioc, rpi=flags.rpi)


def _market(params: OrderParams) -> CollateralRequest:
    return _common(params, OrderType.MARKET)


def _stop_limit(params: OrderParams) -> CollateralRequest:
    common = _common(params, OrderType.STOP_LIMIT)
    trigger, price = params.number("activation_price"), params.number("price")
    return replace(common, activation_price=trigger, price=price)


def _stop_market(params: OrderParams) -> CollateralRequest:
    common = _common(params, OrderType.STOP_MARKET)
    return replace(common, activation_price=params.number("activation_price"))


def _bbo(params: OrderParams) -> CollateralRequest:
    common, role = _common(params, OrderType.LIMIT), params.bbo_role()
    return replace(common, bbo_role=role, ioc=bbo_flags(params, role).ioc)


def _stop_bbo(params: OrderParams) -> CollateralRequest:
    common, trigger = _common(params, OrderType.STOP_LIMIT), params.number("activation_price")
    return replace(common, activation_price=trigger, bbo_role=params.bbo_role())


ORDERS: Mapping[str, Callable[[OrderParams], CollateralRequest]] = {
    "limit": _limit,
    "market": _market,
    "stop_limit": _stop_limit,
    "stop_market": _stop_market,
    "bbo": _bbo,
    "stop_bbo": _stop_bbo,
}
# Whether each type of exits has a take-profit, a stop-loss (Q4).
EXITS: Mapping[str, tuple[bool, bool]] = {
    "margin_market_oco": (True, True),
    "margin_take_profit": (True, False),
    "margin_limit": (True, False),
    "margin_stop_loss": (False, True),
    "margin_stop_limit": (False, True),
}
_EXIT_TEXTS = {
    (True, True): "take_profit and stop_loss are required",
    (True, False): "only take_profit is required",
    (False, True): "only stop_loss is required",
}


def oto(params: OrderParams) -> CollateralRequest:
    """collateral_order_oto_place: the entry with its exits (Q4)."""
    outer = params.outer
    entry_type, exit_type = outer.get("trigger_order_type"), outer.get("conditional_order_type")
    if not isinstance(entry_type, str) or not isinstance(exit_type, str):
        raise invalid("unknown order type")
    if entry_type == "margin_market_oco":
        raise invalid("trigger order can't be margin market OCO")
    read = ORDERS.get(entry_type.removeprefix("margin_"))
    if read is None or not entry_type.startswith("margin_"):
        raise refused(201)
    if exit_type not in EXITS:
        raise refused(200)
    take_profit = params.read_number(outer.get("take_profit"))
    stop_loss = params.read_number(outer.get("stop_loss"))
    wanted = EXITS[exit_type]
    if (take_profit is not None, stop_loss is not None) != wanted:
        raise invalid(_EXIT_TEXTS[wanted])
    if params.flag("rpi"):
        raise invalid("flags: rpi=1 can't be set for trigger in oto")
    return replace(read(params), take_profit=take_profit, stop_loss=stop_loss)


def oco(params: OrderParams) -> OcoRequest:
    """collateral_order_oco_place."""
    common = _common(params, OrderType.LIMIT)
    price, trigger = params.number("price"), params.number("activation_price")
    stop_price = params.number("stop_limit_price")
    limit_id = params.get("limit_client_order_id") or None
    stop_id = params.get("stop_client_order_id") or None
    if limit_id is not None and limit_id == stop_id:  # Q5
        raise invalid("limit_client_order_id and stop_client_order_id cannot be equal")
    return OcoRequest(
        market=common.market,
        side=common.side,
        amount=common.amount,
        price=price,
        activation_price=trigger,
        stop_limit_price=stop_price,
        client_order_id=limit_id,
        stop_client_order_id=stop_id,
        position_side=common.position_side,
        reduce_only=common.reduce_only,
        stp=common.stp,
    )


def tpsl(params: OrderParams) -> TpslRequest:
    """collateral_order_tpsl_place."""
    params.require_collateral()
    take_profit = params.optional_number("take_profit_activation_price")
    stop_loss = params.optional_number("stop_loss_activation_price")
    if take_profit is None and stop_loss is None:  # Q6
        raise invalid("one of activations prices should be set")
    return TpslRequest(
        market=params.market.name,
        take_profit=take_profit,
        stop_loss=stop_loss,
        position_side=_position_side(params),
        stp=params.stp(),
    )


def group_cancel(params: OrderParams) -> GroupCancelRequest:
    """order_cancel_conditional: by the id of the group alone."""
    group_id = params.get("order_id")
    if type(group_id) is not int:
        raise invalid()
    return GroupCancelRequest("order_id", params.market.name, group_id)
