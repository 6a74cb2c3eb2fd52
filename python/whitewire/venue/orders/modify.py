"""From a request to modify to an open order and its replacement.

Owns: the validation of order/modify. Must not know: funds, the book, or how a replacement takes
place. Invariant: the replacement is an order of the same kind, account, market and side.

Rules:
    Y1  A modify names something to change. It keeps what it does not name; of REST, all but the
        prevention mode, which falls back to no.
    Y2  An amount is the whole size of the replacement; without one, what is left moves. `total` is
        the size of a stop-market buy, in money; every other order is sized by `amount`.
    Y3  Only a stop order that waits has an activation price to change (158); a stop-market order
        has no price (159), nor has a best-offer stop that waits (164); only a stop-market buy has
        a total (162), and it has no amount (163).
    Y4  A new activation price makes a new trigger; it must not be the last trade's price (101).
        Without one the replacement keeps the trigger, and stays activated if it was.
    Y5  A leg of a group cannot be modified (155), nor an exit of a whole position (160), which is
        the one kind of order that has no amount. An order keeps its product, its position and its
        being reduce-only, is then no larger than the position, and its total may
        be small.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.matching import NewOrder
from whitewire.venue.orders.fields import (
    Markets,
    check_amount,
    check_price,
    read_market,
    read_number_field,
    read_order_id,
    read_stp,
)
from whitewire.venue.orders.place import check_money_amount, check_total
from whitewire.venue.orders.stops import Triggers, check_activation_price
from whitewire.venue.values import refusals
from whitewire.venue.values.activation import Activation
from whitewire.venue.values.collateral_refusals import (
    conditional_not_modifiable,
    tpsl_not_modifiable,
)
from whitewire.venue.values.model import MarketSpec, Order, OrderType, Product, Side
from whitewire.venue.values.money import read_number
from whitewire.venue.values.reasons import Reason
from whitewire.venue.values.refusals import Problems
from whitewire.venue.values.requests import ModifyRequest


@dataclass(frozen=True, slots=True)
class _Changes:
    """What is to be different, in good numbers; None stays as it is."""

    amount: Decimal | None
    total: Decimal | None
    price: Decimal | None
    activation_price: Decimal | None


def read_modify(
    request: ModifyRequest, account: Account, markets: Markets, triggers: Triggers
) -> tuple[Order, NewOrder]:
    """Validates order/modify: the open order and its replacement.

    Raises:
        VenueError: 422 with 30 to 36, 159, 162 or 163, 400 with 2, 101 or 158.
    """
    problems = Problems()
    spec = read_market(request.market, markets, problems)
    order_id, client_order_id = read_order_id(request.order_id, request.client_order_id, problems)
    stp = read_stp(request.stp, problems)
    changes = _read_changes(request, spec, problems)
    problems.refuse()
    spec = problems.given(spec)
    old = account.find(spec.name, order_id, client_order_id)
    if old is None:
        raise refusals.order_not_found()
    if old.group_id is not None:
        raise conditional_not_modifiable()  # Y5
    if not old.amount:
        raise tpsl_not_modifiable()  # Y5
    _check_kind(old, changes)
    if changes.total is not None:
        check_money_amount(changes.total, spec, problems, "total", refusals.REQUIRED)
        problems.refuse()
    price = old.price if changes.price is None else changes.price
    size = changes.total if changes.amount is None else changes.amount
    amount = old.left if size is None else size  # Y2
    if old.reduce_only:
        held = account.collateral.held(spec.name, old.position_side)
        amount = min(amount, held.copy_abs())  # Y5
    elif price is not None:
        check_total(price, amount, spec)
    return old, NewOrder(
        account=account,
        spec=spec,
        side=old.side,
        type=old.type,
        amount=amount,
        price=price,
        client_order_id=old.client_order_id,
        stp=old.stp if request.keeps_stp else stp,
        post_only=old.post_only,
        rpi=old.rpi,
        retail=old.retail,
        activation=_activation(old, changes.activation_price, spec, triggers),
        bbo_role=old.bbo_role,
        product=old.product,
        position_side=old.position_side,
        reduce_only=old.reduce_only,
    )


def _read_changes(request: ModifyRequest, spec: MarketSpec | None, problems: Problems) -> _Changes:
    values = (request.amount, request.total, request.price, request.activation_price)
    if all(value is None for value in values):  # Y1
        text = "At least one of amount, total, price and activationPrice is required."
        problems.add(refusals.REQUIRED, "amount", text)
    if request.amount is not None and request.total is not None:
        problems.add(refusals.REQUIRED, "total", "Either amount or total field is allowed.")
    amount = total = price = None
    if request.amount is not None:
        amount = read_number_field(request.amount, "amount", refusals.AMOUNT, problems)
    if request.total is not None:
        total = read_number_field(request.total, "total", refusals.REQUIRED, problems)
    if request.price is not None:
        price = read_number_field(request.price, "price", refusals.PRICE, problems)
    activation_price = read_number(request.activation_price)
    if request.activation_price is not None and activation_price is None:
        text = "Activation price should be numeric string."
        problems.add(refusals.REQUIRED, "activationPrice", text)
    if spec is not None:
        if amount is not None:
            check_amount(amount, spec, problems)
        if price is not None:
            check_price(price, spec, problems)
        if activation_price is not None:
            check_activation_price(activation_price, spec, problems)
    return _Changes(amount, total, price, activation_price)


def _check_kind(old: Order, changes: _Changes) -> None:
    """Refuses to change what an order does not have (Y3)."""
    is_money_sized = (
        old.type is OrderType.STOP_MARKET and old.side is Side.BUY and old.product is Product.SPOT
    )
    if changes.activation_price is not None and not old.is_waiting:
        text = "Activation price is not allowed for a limit order."
        raise refusals.inner(158, "activationPrice", text, Reason.NO_ACTIVATION_PRICE)
    if changes.price is not None and old.bbo_role is not None and old.price is None:
        text = "Price is not allowed for this order type."
        raise refusals.validation(164, "price", text, reason=Reason.WRONG_PRICE)
    if changes.price is not None and old.price is None:
        text = "Price is not allowed for a stop market order."
        raise refusals.validation(159, "price", text, reason=Reason.NO_PRICE)
    if changes.total is not None and not is_money_sized:
        text = "Total is not allowed for this order type."
        raise refusals.validation(162, "total", text, reason=Reason.WRONG_TOTAL)
    if changes.amount is not None and is_money_sized:
        text = "Amount is not allowed for this order type."
        raise refusals.validation(163, "amount", text, reason=Reason.WRONG_AMOUNT)


def _activation(
    old: Order, price: Decimal | None, spec: MarketSpec, triggers: Triggers
) -> Activation | None:
    """The replacement's trigger (Y4)."""
    if price is None:
        return old.activation
    if price == triggers.last_price(spec.name):
        text = "Activation price should not be equal to the last price."
        raise refusals.inner(101, "activationPrice", text, Reason.ACTIVATION_IS_LAST_PRICE)
    return triggers.make(price, spec, old.side)
