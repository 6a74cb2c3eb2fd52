"""The order methods of the WebSocket: what each of them does with the engine.

Owns: the table of order methods, the order of checks before the engine, and the faults of a call.
Must not know: sockets, frames, how parameters are read, the subscriptions. Invariant: a call is at
most one command of the engine, the same that REST gives; its pushes are placed as those of REST.

Rules:

* O1  A call is looked at in this order: authorization (by the caller), region and other refusals
      on request, the account's own limits, parameters, the engine.
* O2  Names end in `_place` where an order is made; these have a budget of their own.
* O3  A placement, a modify and a cancel answer the order; cancel-all answers an empty object,
      whatever it met, once everything is cancelled.
* O4  A modify keeps flags and prevention mode; its result is the replacement with its new id.
* O5  The id of a group is none of an order, and an order's is none of a group: both are error 6.
      A group answers its id and its legs, a pair of exits for a position only the legs.
* O6  With error 5 the call may have been executed, and is by default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from whitewire.venue.access.core import VenueCore
from whitewire.venue.access.rate_limits import FixedWindow
from whitewire.venue.collateral.groups import Group, GroupKind
from whitewire.venue.collateral.requests import CollateralRequest
from whitewire.venue.options import RateLimit
from whitewire.venue.streams.shapes import WsShapes
from whitewire.venue.values.model import Order, VenueError
from whitewire.venue.values.requests import LimitRequest, MarketRequest, StopRequest
from whitewire.venue.values.ws_refusals import (
    ORDER_NOT_FOUND,
    SERVICE_TIMEOUT,
    TEXTS,
    TOO_MANY_USER_ORDERS,
    TOO_MANY_USER_REQUESTS,
    WsRefusal,
    engine_refusal,
)
from whitewire.venue.ws import collateral_params as collateral
from whitewire.venue.ws import spot_params as spot
from whitewire.venue.ws.order_params import OrderParams

__all__ = ["PushScope", "WsOrders", "is_order_method", "is_placement"]

Json = dict[str, Any]
PlaceRequest = LimitRequest | MarketRequest | StopRequest
_Run = Callable[[str, OrderParams], Json]
_OTO = "collateral_order_oto_place"

_PLACEMENTS: Mapping[str, Callable[[OrderParams], PlaceRequest]] = {
    "order_limit_place": spot.limit,
    "order_market_place": spot.market,
    "order_market_stock_place": spot.market_stock,
    "order_stop_limit_place": spot.stop_limit,
    "order_stop_market_place": spot.stop_market,
    "order_stop_market_stock_place": spot.stop_market_stock,
    "order_bbo_place": spot.bbo,
    "order_stop_bbo_place": spot.stop_bbo,
}


def is_order_method(method: str) -> bool:
    """Whether a method is one of order entry, by its name."""
    return method.startswith(("order_", "collateral_order_"))


def is_placement(method: str) -> bool:
    """Whether a method makes orders (O2)."""
    return is_order_method(method) and method.endswith("_place")


class PushScope(Protocol):
    """Told when a call's command starts and ends, to place its pushes before or after its reply."""

    def begin_request(self) -> None:
        """Pushes from here on belong to the call."""

    def end_request(self) -> None:
        """The command is executed."""


class WsOrders:
    """Answers the order methods of all sockets.

    Attributes:
        names: the methods that there are.
    """

    def __init__(self, core: VenueCore, scope: PushScope) -> None:
        self._core = core
        self._exchange = core.exchange
        self._scope = scope
        self._shapes = WsShapes(core.number_text)
        self._runs: dict[str, _Run] = {
            **{name: self._placement(read_one) for name, read_one in _PLACEMENTS.items()},
            **{
                f"collateral_order_{kind}_place": self._collateral_placement(read_one)
                for kind, read_one in collateral.ORDERS.items()
            },
            "collateral_order_oco_place": self._oco,
            _OTO: self._oto,
            "collateral_order_tpsl_place": self._tpsl,
            "order_modify": self._modify,
            "order_cancel": self._cancel,
            "order_cancel_conditional": self._cancel_conditional,
            "order_cancel_all": self._cancel_all,
        }
        self.names = tuple(self._runs)
        self._requests: dict[str, FixedWindow] = {}
        self._orders: dict[str, FixedWindow] = {}

    def call(self, method: str, account: str, params: list[Any]) -> Json:
        """Runs one method of `names` for an authorized account (O1).

        Raises:
            WsRefusal: the documented refusal.
        """
        faults = self._core.faults
        refused = faults.take("ws_refused", method=method)
        if refused:
            code = int(refused.values["error"])
            raise WsRefusal(code, TEXTS[code])
        self._count(method, account)
        timeout = faults.take("ws_timeout", method=method)
        if timeout and timeout.values["when"] == "before":
            raise WsRefusal(*SERVICE_TIMEOUT)
        try:
            result = self._run(method, account, params)
        except WsRefusal as refusal:
            if timeout and refusal.from_engine:
                raise WsRefusal(*SERVICE_TIMEOUT, from_engine=True) from refusal
            raise
        if timeout:
            raise WsRefusal(*SERVICE_TIMEOUT, from_engine=True)  # O6
        return result

    def _count(self, method: str, account: str) -> None:
        """Refuses a call beyond the account's own limits.

        Raises:
            WsRefusal: error 10000 or 10001.
        """
        options = self._core.options
        now = self._core.clock()
        wanted: list[tuple[dict[str, FixedWindow], RateLimit | None, tuple[int, str]]] = [
            (self._requests, options.ws_user_requests, TOO_MANY_USER_REQUESTS)
        ]
        if is_placement(method):
            wanted.append((self._orders, options.ws_user_orders, TOO_MANY_USER_ORDERS))
        windows = []
        for counters, limit, refusal in wanted:
            if limit is None:
                continue
            window = counters.setdefault(account, FixedWindow())
            if not window.has_room(limit, now):
                raise WsRefusal(*refusal)
            windows.append(window)
        for window in windows:
            window.count += 1

    def _run(self, method: str, account: str, params: list[Any]) -> Json:
        fields = OrderParams(
            params,
            self._exchange.markets,
            takes_numbers=self._core.options.ws_takes_numbers,
            inside="trigger_order" if method == _OTO else None,
        )
        self._scope.begin_request()
        try:
            return self._runs[method](account, fields)
        except VenueError as error:
            off_grid_code = self._core.options.ws_off_grid_code
            raise engine_refusal(error, fields.price(), off_grid_code) from error
        finally:
            self._scope.end_request()

    def _placement(self, read_one: Callable[[OrderParams], PlaceRequest]) -> _Run:
        def place(account: str, fields: OrderParams) -> Json:
            return self._order(self._exchange.place(account, read_one(fields)))

        return place

    def _modify(self, account: str, fields: OrderParams) -> Json:
        request = spot.modify(fields, keeps_stp=self._core.options.ws_modify_keeps_stp)  # O4
        return self._order(self._exchange.modify(account, request))

    def _cancel(self, account: str, fields: OrderParams) -> Json:
        return self._order(self._exchange.cancel(account, spot.cancel(fields)))

    def _cancel_conditional(self, account: str, fields: OrderParams) -> Json:
        request = collateral.group_cancel(fields)
        if not fields.is_collateral:
            raise WsRefusal(*ORDER_NOT_FOUND)  # O5
        return self._group(self._exchange.collateral.cancel_group(account, request))

    def _cancel_all(self, account: str, fields: OrderParams) -> Json:
        self._exchange.cancel_all(account, spot.cancel_all(fields))
        return {}  # O3

    def _collateral_placement(self, read_one: Callable[[OrderParams], CollateralRequest]) -> _Run:
        def place(account: str, fields: OrderParams) -> Json:
            return self._order(self._exchange.collateral.place(account, read_one(fields)))

        return place

    def _oco(self, account: str, fields: OrderParams) -> Json:
        return self._group(self._exchange.collateral.place_oco(account, collateral.oco(fields)))

    def _oto(self, account: str, fields: OrderParams) -> Json:
        group = self._exchange.collateral.place_oto(account, collateral.oto(fields))
        return self._group(group, str(fields.outer.get("conditional_order_type")))

    def _tpsl(self, account: str, fields: OrderParams) -> Json:
        request = collateral.tpsl(fields)
        stop_loss, take_profit = self._exchange.collateral.place_tpsl(account, request)
        return {
            "take_profit": None if take_profit is None else self._order(take_profit),
            "stop_loss": None if stop_loss is None else self._order(stop_loss),
        }

    def _group(self, group: Group, exit_type: str | None = None) -> Json:
        """A group as it is answered (O5); the type of an OTO's exits as asked for, if known."""
        if group.kind is GroupKind.OCO:
            return {
                "type": "oco",
                "id": group.id,
                "stop_loss": self._order(group.stop_leg),
                "take_profit": self._order(group.limit_leg),
            }
        exits = group.entry.exits
        if exits is None:
            raise ValueError(f"group {group.id} is no OTO")
        prices = (exits.take_profit, exits.stop_loss)
        needs = tuple(price is not None for price in prices)
        if exit_type is None:
            exit_type = next(name for name, has in collateral.EXITS.items() if has == needs)
        take_profit, stop_loss = (
            None if price is None else self._shapes.text(price) for price in prices
        )
        return {
            "type": "oto",
            "id": group.id,
            "conditional_order_type": exit_type,
            "take_profit_price": take_profit,
            "stop_loss_price": stop_loss,
            "trigger_order": self._order(group.entry),
        }

    def _order(self, order: Order) -> Json:
        return self._shapes.order_reply(order, flags=self._core.options.ws_reply_flags)
