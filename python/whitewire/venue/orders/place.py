"""From a request to place, alone to an order that the engine can take.

Owns: the validation of order fields and of their combinations. Must not know: funds, resting
orders beyond the best prices, or how matching works. Invariant: what comes out obeys every rule
of its market; what does not is refused with every problem that was found at once.

Rules:
    O1  post-only and ioc exclude each other (37), as do ioc and RPI (40), RPI and retail (41),
        RPI and an explicit post-only (30).
    O2  retail (42) and RPI (43) need the account's permission.
    O3  bboRole 1 takes the best price of the own side and can be neither post-only nor ioc;
        bboRole 2 takes the opposite one and cannot be post-only. An empty side is refused (12).
    O4  price x amount is at least the market's least total and at most its greatest, unless that
        is zero.
    O5  A market buy is sized in money: on the grid of prices, at least the least total.
    O6  By the rules of the WebSocket, RPI goes with an explicit post-only, and so does bboRole 1,
        which makes the order post-only by itself.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.matching import NewOrder
from whitewire.venue.orders.fields import (
    Markets,
    check_amount,
    check_price,
    read_client_id,
    read_flag,
    read_market,
    read_number_field,
    read_side,
    read_stp,
)
from whitewire.venue.values import refusals
from whitewire.venue.values.model import Level, MarketSpec, OrderType, Side
from whitewire.venue.values.money import is_multiple, multiply, to_text
from whitewire.venue.values.reasons import Reason
from whitewire.venue.values.refusals import Problems
from whitewire.venue.values.requests import LimitRequest, MarketRequest


class BestPrices(Protocol):
    """Where a best-offer order finds its price."""

    def __call__(self, market: str, side: Side) -> Level | None:
        """The best public level of a side."""


def read_limit(
    request: LimitRequest, account: Account, markets: Markets, best: BestPrices
) -> NewOrder:
    """Validates order/new or a leg of order/bulk.

    Raises:
        VenueError: 422 with 30 to 43, or 400 with 12 for an empty side (O3).
    """
    problems = Problems()
    spec = read_market(request.market, markets, problems)
    side = read_side(request.side, problems)
    amount = read_number_field(request.amount, "amount", refusals.AMOUNT, problems)
    role = read_bbo_role(request.bbo_role, problems)
    price: Decimal | None = None
    if request.bbo_role is None:
        price = read_number_field(request.price, "price", refusals.PRICE, problems)
    post_only = read_flag(request.post_only, "postOnly", problems)
    ioc = read_flag(request.ioc, "ioc", problems)
    rpi = read_flag(request.rpi, "rpi", problems)
    retail = read_flag(request.retail, "retail", problems)
    client_order_id = read_client_id(request.client_order_id, problems)
    stp = read_stp(request.stp, problems)
    posts = post_only and not (request.ws_rules and (rpi or role == 1))  # O6
    check_flags(account, post_only=posts, ioc=ioc, rpi=rpi, retail=retail, problems=problems)
    _check_bbo(role, post_only=posts, ioc=ioc, problems=problems)
    if spec is not None and amount is not None:
        check_amount(amount, spec, problems)
    if spec is not None and price is not None:
        check_price(price, spec, problems)
    problems.refuse()
    spec, side, amount = problems.given(spec), problems.given(side), problems.given(amount)
    if price is None:
        price = bbo_price(spec, side, role, best)
    check_total(price, amount, spec)
    return NewOrder(
        account=account,
        spec=spec,
        side=side,
        type=OrderType.LIMIT,
        amount=amount,
        price=price,
        client_order_id=client_order_id,
        stp=stp,
        post_only=post_only or (request.ws_rules and role == 1),  # O6
        ioc=ioc,
        rpi=rpi,
        retail=retail,
    )


def read_market_order(request: MarketRequest, account: Account, markets: Markets) -> NewOrder:
    """Validates order/market or order/stock_market.

    Raises:
        VenueError: 422 with 30, 31, 32 or 36.
    """
    problems = Problems()
    spec = read_market(request.market, markets, problems)
    side = read_side(request.side, problems)
    amount = read_number_field(request.amount, "amount", refusals.AMOUNT, problems)
    client_order_id = read_client_id(request.client_order_id, problems)
    stp = read_stp(request.stp, problems)
    if spec is not None and side is not None and amount is not None:
        if request.type is OrderType.MARKET and side is Side.BUY:
            check_money_amount(amount, spec, problems)
        else:
            check_amount(amount, spec, problems)
    problems.refuse()
    return NewOrder(
        account=account,
        spec=problems.given(spec),
        side=problems.given(side),
        type=request.type,
        amount=problems.given(amount),
        client_order_id=client_order_id,
        stp=stp,
    )


def check_total(price: Decimal, amount: Decimal, spec: MarketSpec) -> None:
    """Bounds of price x amount (O4).

    Raises:
        VenueError: 422 with 30 under `total`.
    """
    total = multiply(price, amount)
    if total < spec.min_total:
        text = f"Total (amount * price) is less than {to_text(spec.min_total)}"
        reason = Reason.AMOUNT_TOO_SMALL
    elif spec.max_total and total > spec.max_total:
        text = f"Total (amount * price) is greater than {to_text(spec.max_total)}"
        reason = Reason.TOTAL_TOO_BIG
    else:
        return
    bounds = (spec.min_total, spec.max_total)
    raise refusals.validation(refusals.REQUIRED, "total", text, reason=reason, bounds=bounds)


def check_money_amount(
    amount: Decimal,
    spec: MarketSpec,
    problems: Problems,
    key: str = "amount",
    code: int = refusals.AMOUNT,
) -> None:
    """Least size and grid of an amount of money (O5)."""
    if not is_multiple(amount, spec.tick_size):
        text = f"Min {key} step = {to_text(spec.tick_size)}"
        problems.add(code, key, text, reason=Reason.OFF_GRID)
    elif amount < spec.min_total:
        text = f"Total amount should be no less than {to_text(spec.min_total)} + trade fee"
        problems.add(code, key, text, reason=Reason.AMOUNT_TOO_SMALL)


def read_bbo_role(value: object, problems: Problems) -> int | None:
    """1 for the own side's best price, 2 for the opposite one, None where it is absent."""
    if value is None:
        return None
    if value in (1, 2) and isinstance(value, int) and not isinstance(value, bool):
        return value
    problems.add(refusals.REQUIRED, "bboRole", "BboRole field should contain only 1 or 2 values.")
    return None


def bbo_price(spec: MarketSpec, side: Side, role: int | None, best: BestPrices) -> Decimal:
    """The price that a best-offer order gets (O3).

    Raises:
        VenueError: 400 with 12 where that side is empty.
    """
    level = best(spec.name, side if role == 1 else side.opposite)  # O3
    if level is None:
        raise refusals.no_counterparty("bboRole")
    return level.price


def check_flags(
    account: Account, *, post_only: bool, ioc: bool, rpi: bool, retail: bool, problems: Problems
) -> None:
    """Notes flags that exclude each other (O1) or need a permission (O2)."""
    if ioc and post_only:  # O1
        text = "Either IOC or PostOnly flag in true state is allowed."
        problems.add(refusals.IOC_POST_ONLY, "ioc", text)
    if ioc and rpi:  # O1
        text = "Either IOC or RPI flag in true state is allowed."
        problems.add(refusals.IOC_RPI, "ioc", text)
    if rpi and retail:  # O1
        text = "api.tradeErrors.flagsCantBeCombined.rpiRetail"
        problems.add(refusals.RPI_RETAIL, "retail", text)
    if rpi and post_only:  # O1
        text = "Either RPI or PostOnly flag in true state is allowed."
        problems.add(refusals.REQUIRED, "rpi", text)
    if retail and not account.spec.retail_enabled:  # O2
        text = "api.validation.retail.not_allowed"
        problems.add(refusals.RETAIL_NOT_ALLOWED, "retail", text, reason=Reason.FORBIDDEN_FLAG)
    if rpi and not account.spec.rpi_enabled:  # O2
        text = "api.validation.rpi.not_allowed"
        problems.add(refusals.RPI_NOT_ALLOWED, "rpi", text, reason=Reason.FORBIDDEN_FLAG)


def _check_bbo(role: int | None, *, post_only: bool, ioc: bool, problems: Problems) -> None:
    if role is not None and post_only:  # O3
        text = "PostOnly flag is not allowed with bboRole."
        problems.add(refusals.REQUIRED, "bboRole", text)
    if role == 1 and ioc:  # O3
        problems.add(refusals.REQUIRED, "bboRole", "IOC flag is not allowed with bboRole 1.")
