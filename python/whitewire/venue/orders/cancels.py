"""From a request to cancel to the orders that it means.

Owns: the validation of the three ways to cancel. Must not know: matching, books or events.
Invariant: reading changes nothing; every order that comes out is open.

Rules:
    C1  A single cancel names its order by exactly one id; an order that is not open on that
        market is refused under 2, for a client id too under `orderId`.
    C2  Cancel-all takes one market or all of them, kinds of orders under `type`, and a position
        side in lower case, which only futures orders have.
    C3  A bulk cancel has 1 to 100 items and handles each of them; its items are refused with
        numbers of their own, among them 404 for an order that is not open.
"""

from __future__ import annotations

from collections.abc import Mapping

from whitewire.venue.engine.accounts import Account
from whitewire.venue.orders.fields import Markets, read_market, read_optional_market, read_order_id
from whitewire.venue.orders.kill_switch import ORDER_TYPES
from whitewire.venue.values import refusals
from whitewire.venue.values.model import Order, Product, VenueError
from whitewire.venue.values.refusals import Problems
from whitewire.venue.values.requests import CancelAllRequest, CancelRequest

CANCEL_ITEMS = 100
_POSITION_SIDES = ("both", "long", "short")


def read_cancel(request: CancelRequest, account: Account, markets: Markets) -> Order:
    """The order that a single cancel means (C1).

    Raises:
        VenueError: 422 with 30 or 31, 400 with 2.
    """
    problems = Problems()
    spec = read_market(request.market, markets, problems)
    order_id, client_order_id = read_order_id(request.order_id, request.client_order_id, problems)
    problems.refuse()
    order = account.find(problems.given(spec).name, order_id, client_order_id)
    if order is None:
        raise refusals.order_not_found()
    return order


def read_cancel_all(request: CancelAllRequest, account: Account, markets: Markets) -> list[Order]:
    """The orders that a cancel-all means, oldest first (C2).

    Raises:
        VenueError: 422 with 30 or 31.
    """
    problems = Problems()
    spec = read_optional_market(request.market, markets, problems)
    types = request.types
    if types is not None and not isinstance(types, list):
        problems.add(refusals.REQUIRED, "type", "The type must be an array.")
    elif types is not None and any(kind not in ORDER_TYPES for kind in types):
        problems.add(refusals.REQUIRED, "type", "The selected type is invalid.")
    side = request.position_side
    if side is not None and side not in _POSITION_SIDES:
        problems.add(refusals.REQUIRED, "positionSide", "The selected positionSide is invalid.")
    problems.refuse()
    market = None if spec is None else spec.name
    chosen = orders_of(account, market, tuple(types) if isinstance(types, list) else None)
    if side is None:
        return chosen
    return [
        order
        for order in chosen
        if order.product is Product.FUTURES and order.position_side.value.lower() == side
    ]


def orders_of(account: Account, market: str | None, types: tuple[str, ...] | None) -> list[Order]:
    """Open orders of one market or all, and of some products or all; oldest first."""
    return [
        order
        for order in account.open_orders.values()
        if (market is None or order.market == market)
        and (not types or order.product.value in types)
    ]


def read_cancel_items(orders: object) -> list[object]:
    """Validates the frame of a bulk cancel (C3).

    Raises:
        VenueError: 422 with 30.
    """
    if not isinstance(orders, list) or not orders:
        raise refusals.validation(refusals.REQUIRED, "orders", "validation.required")
    if len(orders) > CANCEL_ITEMS:
        raise refusals.validation(refusals.REQUIRED, "orders", "validation.between")
    return orders


def read_cancel_item(item: object, account: Account, markets: Markets) -> Order:
    """The order that one item of a bulk cancel means (C3).

    Raises:
        VenueError: 30, or 404 where the order is not open; the status line stays 200.
    """
    if not isinstance(item, Mapping):
        raise _wrong_item("request", "Invalid order format")
    request = CancelRequest.from_body(item)
    if request.market is None:
        raise _wrong_item("market", "validation.required")
    if not isinstance(request.market, str) or request.market not in markets:
        raise _wrong_item("market", "validation.market_not_exist")
    if request.order_id is None and request.client_order_id is None:
        raise _wrong_item("request", "validation.required")
    if request.order_id is not None and request.client_order_id is not None:
        raise _wrong_item("request", "api.validation.order.chooseOneId")
    problems = Problems()
    order_id, client_order_id = read_order_id(request.order_id, request.client_order_id, problems)
    problems.refuse()
    order = account.find(request.market, order_id, client_order_id)
    if order is None:
        text = "Order does not exist or already cancelled"
        raise VenueError(200, 404, "Order not found", {"orderId": [text]})
    return order


def _wrong_item(key: str, text: str) -> VenueError:
    return VenueError(200, refusals.REQUIRED, "Validation failed", {key: [text]})
