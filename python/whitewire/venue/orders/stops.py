"""From a request to place a stop order to an order that the engine can take.

Owns: the validation of stop orders and the choice of their condition. Must not know: funds, which
orders wait, or how they are activated. Invariant: what comes out has a trigger that differs from
the last trade's price.

Rules:
    S1  The activation price is on the grid of prices. It is missing or malformed under the key
        `activation_price`, and has a wrong value under `activationPrice`.
    S2  A market without a trade has no stop orders.
    S3  A buy is activated at or above its activation price, a sell at or below it. By the newer
        rule the trigger's place decides instead: above the last trade it is met at or above.
    S4  A stop-limit is sized in stock and has a price of its own, or with bboRole the best one at
        its placement, or if it says so the best one at its activation. A stop-market buy is sized
        in money, a sell in stock; a stop-stock-market in stock on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.matching import NewOrder
from whitewire.venue.orders.fields import (
    Markets,
    check_amount,
    check_price,
    read_client_id,
    read_market,
    read_number_field,
    read_side,
    read_stp,
)
from whitewire.venue.orders.place import (
    BestPrices,
    bbo_price,
    check_money_amount,
    check_total,
    read_bbo_role,
)
from whitewire.venue.values import refusals
from whitewire.venue.values.activation import Activation, Condition
from whitewire.venue.values.model import MarketSpec, OrderType, Side
from whitewire.venue.values.money import is_multiple, read_number, to_text
from whitewire.venue.values.reasons import Reason
from whitewire.venue.values.refusals import Problems
from whitewire.venue.values.requests import StopRequest

_WRONG_VALUE = "activationPrice"


class LastPrice(Protocol):
    """What trigger prices are compared with."""

    def __call__(self, market: str) -> Decimal | None:
        """Price of a market's last trade; None before the first one."""


@dataclass(frozen=True, slots=True)
class Triggers:
    """How a venue makes triggers.

    Attributes:
        by_last_price: whether the newer rule chooses the condition (S3).
    """

    last_price: LastPrice
    by_last_price: bool

    def make(self, price: Decimal, spec: MarketSpec, side: Side) -> Activation:
        """The trigger at an activation price."""
        rises = side is Side.BUY  # S3
        last = self.last_price(spec.name)
        if self.by_last_price and last is not None:
            rises = price > last
        return Activation(price, Condition.GTE if rises else Condition.LTE)


def read_stop_order(
    request: StopRequest, account: Account, markets: Markets, best: BestPrices, triggers: Triggers
) -> NewOrder:
    """Validates order/stop_limit, order/stop_market, or the WebSocket's stops beyond these.

    Raises:
        VenueError: 422 with 30 to 33 or 36, or 400 with 12 where bboRole finds an empty side.
    """
    problems = Problems()
    is_limit = request.type is OrderType.STOP_LIMIT
    spec = read_market(request.market, markets, problems)
    side = read_side(request.side, problems)
    amount = read_number_field(request.amount, "amount", refusals.AMOUNT, problems)
    role = read_bbo_role(request.bbo_role, problems)
    price: Decimal | None = None
    if is_limit and request.bbo_role is None:
        price = read_number_field(request.price, "price", refusals.PRICE, problems)
    trigger = read_activation_price(request.activation_price, problems)
    client_order_id = read_client_id(request.client_order_id, problems)
    stp = read_stp(request.stp, problems)
    if spec is not None:
        is_stock = request.type is not OrderType.STOP_MARKET
        if amount is not None and side is Side.BUY and not is_stock:
            check_money_amount(amount, spec, problems)  # S4
        elif amount is not None and (side is not None or is_stock):
            check_amount(amount, spec, problems)
        if price is not None:
            check_price(price, spec, problems)
        if trigger is not None:
            check_activation_price(trigger, spec, problems)
            check_last_price(trigger, triggers.last_price(spec.name), problems)
    problems.refuse()
    spec, side, amount = problems.given(spec), problems.given(side), problems.given(amount)
    takes_price_later = is_limit and role is not None and request.bbo_at_activation  # S4
    if is_limit and price is None and not takes_price_later:
        price = bbo_price(spec, side, role, best)
    if price is not None:
        check_total(price, amount, spec)
    return NewOrder(
        account=account,
        spec=spec,
        side=side,
        type=request.type,
        amount=amount,
        price=price,
        client_order_id=client_order_id,
        stp=stp,
        activation=triggers.make(problems.given(trigger), spec, side),
        bbo_role=role if takes_price_later else None,
    )


def check_activation_price(price: Decimal, spec: MarketSpec, problems: Problems) -> None:
    """Sign, least size and grid of an activation price (S1)."""
    step = f"Min activation price step = {to_text(spec.tick_size)}"
    if price <= 0:
        text = "Activation price should be greater than 0."
        problems.add(refusals.REQUIRED, _WRONG_VALUE, text)
    elif price < spec.tick_size:
        least = f"Activation price should be at least {to_text(spec.tick_size)}"
        problems.add(refusals.REQUIRED, _WRONG_VALUE, least, step)
    elif not is_multiple(price, spec.tick_size):
        problems.add(refusals.REQUIRED, _WRONG_VALUE, step, reason=Reason.OFF_GRID)


def read_activation_price(value: object, problems: Problems) -> Decimal | None:
    """The activation price of a new stop order, whatever its grid (S1)."""
    number = None if value is None else read_number(value)
    if value is None:
        text = "Activation price field is required."
    elif number is None:
        text = "Activation price should be numeric string."
    else:
        return number
    problems.add(refusals.REQUIRED, "activation_price", text)
    return None


def check_last_price(price: Decimal, last: Decimal | None, problems: Problems) -> None:
    """Whether an activation price differs from the last trade's, if there was one (S2)."""
    if last is None:  # S2
        problems.add(refusals.REQUIRED, _WRONG_VALUE, "Empty history")
    elif price == last:
        text = "Activation price should not be equal to the last price."
        reason = Reason.ACTIVATION_IS_LAST_PRICE
        problems.add(refusals.REQUIRED, _WRONG_VALUE, text, reason=reason)
