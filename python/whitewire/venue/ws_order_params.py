"""The parameters of the order methods: one JSON object, read field by field.

Owns: which fields a method takes, their types, and the texts of error 1 about them. Must not know:
the engine's state beyond the list of markets. Invariant: what comes out is a request of the
engine; the first thing wrong with a call refuses it, and nothing has been executed by then.

Rules:

* P1  A call has exactly one object. Unknown keys are ignored; null is as good as absent.
* P2  Numbers are decimal texts; a JSON number is an invalid argument unless the options say
      otherwise. Flags are JSON booleans.
* P3  The market is looked at first, then its kind, then the fields. A `order_` placement is for
      markets that are not futures.
* P4  ioc excludes post_only and rpi; rpi with post_only is allowed.
* P5  bbo_role 1 sets post_only and excludes ioc; bbo_role 2 excludes post_only.
* P6  The amount of a market or stop-market buy is money, every other amount is stock.
* P7  An order is named by order_id or client_order_id; the latter wins where both are sent.
* P8  Cancel-all takes one market and a list of kinds without repetition.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from whitewire.venue.fields import STP_NAMES, Markets
from whitewire.venue.model import MarketSpec, OrderType
from whitewire.venue.money import is_multiple, read_number
from whitewire.venue.requests import (
    CancelAllRequest,
    CancelRequest,
    LimitRequest,
    MarketRequest,
    ModifyRequest,
    StopRequest,
)
from whitewire.venue.ws_refusals import invalid

__all__ = [
    "OrderParams",
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
]

_KINDS = ("spot", "margin", "futures")
_MONEY_SIZED = (OrderType.MARKET, OrderType.STOP_MARKET)


class OrderParams:
    """The object of one call.

    Attributes:
        market: the rules of the market that it names.
    """

    def __init__(self, params: list[Any], markets: Markets, *, takes_numbers: bool) -> None:
        """Takes the object and finds its market.

        Raises:
            WsRefusal: error 1.
        """
        if len(params) != 1 or not isinstance(params[0], dict):  # P1
            raise invalid()
        self._fields: Mapping[str, object] = params[0]
        self._takes_numbers = takes_numbers
        name = self._fields.get("market")
        if name is None:
            raise invalid("market is required")
        if not isinstance(name, str):
            raise invalid()
        if name not in markets:
            raise invalid("market does not exist")
        self.market: MarketSpec = markets[name]

    def get(self, key: str) -> object:
        """A field as it is; None where it is absent."""
        return self._fields.get(key)

    def price(self) -> Decimal | None:
        """The price that the call names, if it is one."""
        return read_number(self.get("price"))

    def require_spot(self) -> None:
        """Refuses a futures market (P3)."""
        if self.market.type == "futures":
            raise invalid("the market is futures")

    def side(self) -> str:
        """`buy` or `sell`."""
        side = self.get("side")
        if side not in ("buy", "sell"):
            raise invalid("side is invalid")
        return str(side)

    def stp(self) -> str | None:
        """A self-trade-prevention mode."""
        mode = self.get("stp")
        if mode is None:
            return None
        if not isinstance(mode, str) or mode not in STP_NAMES:
            raise invalid("stp is invalid")
        return mode

    def number(self, key: str) -> Decimal:
        """A positive number that must be there (P2)."""
        value = self.optional_number(key)
        if value is None:
            raise invalid(f"{key} is required")
        return value

    def optional_number(self, key: str) -> Decimal | None:
        """A positive number that may be absent (P2)."""
        value = self.get(key)
        if value is None:
            return None
        number = read_number(value)
        if number is None or number <= 0 or not (self._takes_numbers or isinstance(value, str)):
            raise invalid()
        return number

    def amount(self, kind: OrderType) -> Decimal:
        """The amount of an order, with no more decimals than its market allows (P6)."""
        amount = self.number("amount")
        is_money = kind in _MONEY_SIZED and self.get("side") == "buy"
        decimals = self.market.money_prec if is_money else self.market.stock_prec
        if not is_multiple(amount, Decimal(1).scaleb(-decimals)):
            raise invalid(f"amount: precision is greater than {decimals}")
        return amount

    def flag(self, key: str) -> bool:
        """A flag that is off where it is absent (P2)."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            raise invalid()
        return bool(value)

    def bbo_role(self) -> int:
        """1 for the own side's best price, 2 for the opposite one."""
        role = self.get("bbo_role")
        if type(role) is not int or role not in (1, 2):
            raise invalid("bbo role must be an integer in range 1..2")
        return role

    def order_name(self) -> tuple[int | None, str | None]:
        """The one id that names an order (P7); the text speaks of modify in a cancel too."""
        order_id, client_order_id = self.get("order_id"), self.get("client_order_id")
        if client_order_id not in (None, ""):
            if not isinstance(client_order_id, str):
                raise invalid()
            return None, client_order_id
        if order_id is None:
            raise invalid("order_id or client_order_id must be set for modify")
        if type(order_id) is not int:
            raise invalid()
        return order_id, None


def limit(params: OrderParams) -> LimitRequest:
    """order_limit_place."""
    params.require_spot()
    side, amount, price = params.side(), params.amount(OrderType.LIMIT), params.number("price")
    post_only, ioc, rpi = params.flag("post_only"), params.flag("ioc"), params.flag("rpi")
    for name, is_set in (("post_only", post_only), ("rpi", rpi)):
        if ioc and is_set:  # P4
            raise invalid(f"flags: ioc=1 and {name}=1 can't be combined")
    return LimitRequest(
        market=params.market.name,
        side=side,
        amount=amount,
        price=price,
        client_order_id=params.get("client_order_id"),
        post_only=post_only,
        ioc=ioc,
        stp=params.stp(),
        rpi=rpi,
        ws_rules=True,
    )


def bbo(params: OrderParams) -> LimitRequest:
    """order_bbo_place."""
    params.require_spot()
    side, amount, role = params.side(), params.amount(OrderType.LIMIT), params.bbo_role()
    post_only, ioc = params.flag("post_only"), params.flag("ioc")
    if (ioc and role == 1) or (post_only and role == 2):  # P5
        raise invalid("wrong flags combination")
    return LimitRequest(
        market=params.market.name,
        side=side,
        amount=amount,
        client_order_id=params.get("client_order_id"),
        post_only=post_only,
        ioc=ioc,
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
        amount=params.amount(kind),
        client_order_id=params.get("client_order_id"),
        stp=params.stp(),
    )


def stop_limit(params: OrderParams) -> StopRequest:
    """order_stop_limit_place."""
    return _stop(params, OrderType.STOP_LIMIT, has_price=True)


def stop_market(params: OrderParams) -> StopRequest:
    """order_stop_market_place."""
    return _stop(params, OrderType.STOP_MARKET)


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
        amount=params.amount(kind),
        activation_price=params.number("activation_price"),
        price=params.number("price") if has_price else None,
        bbo_role=params.bbo_role() if has_role else None,
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
    """order_cancel_all (P8)."""
    kinds = params.get("type")
    if not isinstance(kinds, list):
        raise invalid("order types must be an array")
    if not kinds:
        raise invalid("at least one order type should be specified")
    if any(kind not in _KINDS for kind in kinds) or len(set(kinds)) != len(kinds):
        raise invalid("invalid or duplicate order type")
    return CancelAllRequest(params.market.name, kinds)
