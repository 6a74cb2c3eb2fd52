"""Answering what an account asks about its orders, deals and funds.

Owns: the validation of query fields, filters, order and paging. Must not know: matching, or how
an answer is printed. Invariant: reading changes nothing, and every list is newest first.

Rules:
    Q1  A page has 50 records unless the request says otherwise; offsets count from the newest.
    Q2  Active orders: an id needs its market; pages of at most 100.
    Q3  Executed history: pages of at most 500 over all markets together; a client id that no
        remembered order has is refused under `orderHistory`; deals may show up late.
    Q4  Deals of one order: an id that is unknown or another account's has no records.
    Q5  Order history: an id beats a client id, and both beat dates and status. Dates span at most
        31 days; without a start the last month is meant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TypeVar

from whitewire.venue.engine.accounts import Account
from whitewire.venue.orders.fields import Markets, read_market, read_optional_market
from whitewire.venue.values import refusals
from whitewire.venue.values.model import Deal, Order, Status, Wallet
from whitewire.venue.values.refusals import Problems
from whitewire.venue.values.requests import (
    ExecutedHistoryQuery,
    OpenOrdersQuery,
    OrderDealsQuery,
    OrderHistoryQuery,
)

_DEFAULT_LIMIT = 50
_ACTIVE_LIMIT = 100
_HISTORY_LIMIT = 500
_LARGEST_OFFSET = 4_294_967_295
_LONGEST_SPAN_S = 31 * 86_400
_MEMORY_S = 183 * 86_400
_STATUSES = ("ALL", "FILLED", "CANCELED", "PARTIALLY_FILLED")

Record = TypeVar("Record")


def balance(account: Account, ticker: object, assets: Iterable[str]) -> Wallet:
    """One asset of the trade wallet.

    Raises:
        VenueError: 422 with 30.
    """
    if not isinstance(ticker, str):
        raise refusals.validation(refusals.REQUIRED, "ticker", "Ticker field should be a string.")
    if ticker not in assets:
        raise refusals.validation(refusals.REQUIRED, "ticker", "Currency was not found.")
    return account.wallet(ticker)


def open_orders(account: Account, query: OpenOrdersQuery, markets: Markets) -> list[Order]:
    """Active orders (Q2).

    Raises:
        VenueError: 422 with 30 or 31.
    """
    problems = Problems()
    needs_market = query.order_id is not None or query.client_order_id is not None
    read = read_market if needs_market else read_optional_market
    spec = read(query.market, markets, problems, "Market is not available")
    order_id = read_int(query.order_id, "orderId", problems)
    client_order_id = _read_text(query.client_order_id, "clientOrderId", problems)
    limit, offset = read_page(query.limit, query.offset, _ACTIVE_LIMIT, problems)
    problems.refuse()
    orders = (
        order
        for order in reversed(account.open_orders.values())
        if (spec is None or order.market == spec.name)
        and (order_id is None or order.id == order_id)
        and (client_order_id is None or order.client_order_id == client_order_id)
    )
    return [order.snapshot() for order in page_of(orders, limit, offset)]


def executed_history(
    account: Account, query: ExecutedHistoryQuery, markets: Markets, visible_until: float
) -> list[Deal]:
    """Own deals (Q3).

    Args:
        visible_until: epoch seconds; younger deals are not visible yet.

    Raises:
        VenueError: 422 with 30 or 31.
    """
    problems = Problems()
    spec = read_optional_market(query.market, markets, problems)
    client_order_id = _read_text(query.client_order_id, "clientOrderId", problems)
    start = read_int(query.start_date, "startDate", problems)
    end = read_int(query.end_date, "endDate", problems)
    limit, offset = read_page(query.limit, query.offset, _HISTORY_LIMIT, problems)
    problems.refuse()
    if client_order_id is not None and not _knows(account, client_order_id):
        raise _no_history()
    earliest = max(start or 0, int(visible_until) - _MEMORY_S)
    latest = visible_until if end is None else min(visible_until, end)
    deals = (
        deal
        for deal in reversed(account.deals)
        if earliest <= deal.time <= latest
        and (spec is None or deal.market == spec.name)
        and (client_order_id is None or deal.client_order_id == client_order_id)
    )
    return page_of(deals, limit, offset)


def order_deals(account: Account, query: OrderDealsQuery) -> tuple[list[Deal], int, int]:
    """Deals of one order (Q4), and the limit and offset that were applied.

    Raises:
        VenueError: 422 with 30.
    """
    problems = Problems()
    if query.order_id is None:
        problems.add(refusals.REQUIRED, "orderId", "OrderId field is required.")
    order_id = read_int(query.order_id, "orderId", problems)
    limit, offset = read_page(query.limit, query.offset, _HISTORY_LIMIT, problems)
    problems.refuse()
    deals = (deal for deal in reversed(account.deals) if deal.order_id == order_id)
    return page_of(deals, limit, offset), limit, offset


def order_history(
    account: Account, query: OrderHistoryQuery, markets: Markets, now: float
) -> list[Order]:
    """Finished orders (Q5).

    Raises:
        VenueError: 422 with 30 or 31.
    """
    problems = Problems()
    spec = read_optional_market(query.market, markets, problems)
    order_id = read_int(query.order_id, "orderId", problems)
    client_order_id = _read_text(query.client_order_id, "clientOrderId", problems)
    start, end = _read_span(query, now, problems)
    status = "ALL" if query.status is None else query.status
    if status not in _STATUSES:
        problems.add(refusals.REQUIRED, "status", "The selected status is invalid.")
    limit, offset = read_page(query.limit, query.offset, _HISTORY_LIMIT, problems)
    problems.refuse()
    orders = (
        order for order in reversed(account.finished) if spec is None or order.market == spec.name
    )
    if order_id is not None:
        return page_of((order for order in orders if order.id == order_id), limit, offset)
    if client_order_id is not None:
        found = [order for order in orders if order.client_order_id == client_order_id]
        if not found:
            raise _no_history()
        return page_of(found, limit, offset)
    wanted = (
        order for order in orders if start <= order.mtime <= end and _has_status(order, status)
    )
    return page_of(wanted, limit, offset)


def of_market(records: Iterable[Order], market: str | None) -> list[Order]:
    """Copies of the orders of one market, or of all."""
    return [order.snapshot() for order in records if market is None or order.market == market]


def _has_status(order: Order, status: object) -> bool:
    if status == "FILLED":
        return order.status is Status.FILLED
    was_cancelled = order.status is not Status.FILLED
    if status == "CANCELED":
        return was_cancelled
    return status == "ALL" or (was_cancelled and bool(order.deal_stock))


def _read_span(query: OrderHistoryQuery, now: float, problems: Problems) -> tuple[float, float]:
    start = read_int(query.start_date, "startDate", problems)
    end = read_int(query.end_date, "endDate", problems)
    latest = now if end is None else min(now, end)
    earliest = latest - _LONGEST_SPAN_S if start is None else start
    if earliest > latest and start is not None and end is not None:
        problems.add(refusals.REQUIRED, "startDate", "StartDate should be less than endDate.")
    elif latest - earliest > _LONGEST_SPAN_S:
        text = "The period between startDate and endDate should not exceed 31 days."
        problems.add(refusals.REQUIRED, "startDate", text)
    return max(earliest, now - _MEMORY_S), latest


def read_int(value: object, key: str, problems: Problems) -> int | None:
    """A whole number, or None where it is absent."""
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    name = f"{key[0].upper()}{key[1:]}"
    problems.add(refusals.REQUIRED, key, f"{name} field should be an integer.")
    return None


def _read_text(value: object, key: str, problems: Problems) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    name = f"{key[0].upper()}{key[1:]}"
    problems.add(refusals.REQUIRED, key, f"{name} field should be a string.")
    return None


def read_page(
    limit: object,
    offset: object,
    largest: int,
    problems: Problems,
    default: int = _DEFAULT_LIMIT,
) -> tuple[int, int]:
    """Page size and offset with their defaults (Q1)."""
    size = read_int(limit, "limit", problems)
    start = read_int(offset, "offset", problems)
    if size is not None and size < 1:
        problems.add(refusals.REQUIRED, "limit", "The limit must be at least 1.")
    if size is not None and size > largest:
        text = f"The limit may not be greater than {largest}."
        problems.add(refusals.REQUIRED, "limit", text)
    if start is not None and start < 0:
        problems.add(refusals.REQUIRED, "offset", "The offset must be at least 0.")
    if start is not None and start > _LARGEST_OFFSET:
        text = f"The offset may not be greater than {_LARGEST_OFFSET}."
        problems.add(refusals.REQUIRED, "offset", text)
    return default if size is None else size, start or 0


def page_of(records: Iterable[Record], limit: int, offset: int) -> list[Record]:
    """The records of one page."""
    return list(islice(records, offset, offset + limit))


def _knows(account: Account, client_order_id: str) -> bool:
    known: Sequence[Iterable[Order]] = (account.open_orders.values(), account.finished)
    return any(order.client_order_id == client_order_id for orders in known for order in orders)


def _no_history() -> Exception:
    text = "OrderHistory was not found."
    return refusals.validation(refusals.REQUIRED, "orderHistory", text)
