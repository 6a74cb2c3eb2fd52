"""What an account can ask about its funds, orders and deals."""

from __future__ import annotations

import pytest

from tests.venue.desk import MARKET, START, Desk
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.model import Order, VenueError
from whitewire.venue.values.requests import (
    ExecutedHistoryQuery,
    OpenOrdersQuery,
    OrderDealsQuery,
    OrderHistoryQuery,
)

DAY = 86_400


@pytest.fixture
def desk() -> Desk:
    """Orders 1 (filled), 3 (cancelled after a partial fill), 5 (cancelled), 6 to 8 (open)."""
    desk = Desk()
    desk.limit("alice", "buy", "60000", "1", client_order_id="filled")
    desk.limit("bob", "sell", "60000", "1")
    part = desk.limit("alice", "buy", "60000", "1", client_order_id="part")
    desk.now += 10
    desk.limit("bob", "sell", "60000", "0.4")
    desk.cancel("alice", part)
    idle = desk.limit("alice", "buy", "3000", "1", client_order_id="idle", market="ETH_USDT")
    desk.now += 10
    desk.cancel("alice", idle)
    desk.limit("alice", "buy", "50000", "1", client_order_id="open")
    desk.limit("alice", "buy", "2000", "1", market="ETH_USDT")
    desk.limit("alice", "buy", "50001", "1")
    return desk


def numbers(desk: Desk, orders: list[Order]) -> list[int]:
    return [desk.number(order.id) for order in orders]


def open_orders(desk: Desk, **body: object) -> list[int]:
    return numbers(desk, desk.exchange.open_orders("alice", OpenOrdersQuery.from_body(body)))


def history(desk: Desk, **body: object) -> list[int]:
    return numbers(desk, desk.exchange.order_history("alice", OrderHistoryQuery.from_body(body)))


def deals(desk: Desk, **body: object) -> list[int]:
    query = ExecutedHistoryQuery.from_body(body)
    return [desk.number(deal.order_id) for deal in desk.exchange.executed_history("alice", query)]


def test_active_orders_newest_first_filtered_and_paged(desk: Desk) -> None:
    first = desk.exchange.options.first_order_id
    assert open_orders(desk) == [8, 7, 6]
    assert open_orders(desk, market=MARKET) == [8, 6]
    assert open_orders(desk, limit=1, offset=1) == [7]
    assert open_orders(desk, market=MARKET, orderId=first + 5) == [6]
    assert open_orders(desk, market=MARKET, clientOrderId="open") == [6]
    assert open_orders(desk, market="ETH_USDT", clientOrderId="open") == []
    assert open_orders(desk, offset=3) == []


@pytest.mark.parametrize(
    ("body", "code", "key", "text"),
    [
        ({"market": "X_Y"}, 31, "market", "Market is not available"),
        ({"orderId": 1}, 30, "market", "Market field is required."),
        ({"limit": 101}, 30, "limit", "The limit may not be greater than 100."),
        ({"limit": 0}, 30, "limit", "The limit must be at least 1."),
        ({"limit": "5"}, 30, "limit", "Limit field should be an integer."),
        ({"offset": -1}, 30, "offset", "The offset must be at least 0."),
        ({"offset": 2**32}, 30, "offset", "The offset may not be greater than 4294967295."),
        ({"market": MARKET, "orderId": "1"}, 30, "orderId", "OrderId field should be an integer."),
    ],
)
def test_refused_active_order_queries(
    desk: Desk, body: dict[str, object], code: int, key: str, text: str
) -> None:
    with pytest.raises(VenueError) as caught:
        open_orders(desk, **body)
    assert (caught.value.http_status, caught.value.code) == (422, code)
    assert caught.value.errors == {key: [text]}


def test_executed_history(desk: Desk) -> None:
    assert deals(desk) == [3, 1]
    assert deals(desk, market="ETH_USDT") == []
    assert deals(desk, clientOrderId="filled") == [1]
    assert deals(desk, clientOrderId="idle") == []
    assert deals(desk, startDate=int(START) + 5) == [3]
    assert deals(desk, endDate=int(START) + 5) == [1]
    assert deals(desk, limit=1, offset=1) == [1]
    with pytest.raises(VenueError, match=r"OrderHistory was not found\."):
        deals(desk, clientOrderId="never")
    with pytest.raises(VenueError, match="may not be greater than 500"):
        deals(desk, limit=501)


def test_executed_history_may_lag() -> None:
    desk = Desk(ExchangeOptions(history_lag_ms=500))
    desk.limit("alice", "buy", "60000", "1")
    desk.limit("bob", "sell", "60000", "1")
    assert deals(desk) == []
    desk.now += 0.5
    assert deals(desk) == [1]


def test_deals_of_one_order(desk: Desk) -> None:
    first = desk.exchange.options.first_order_id
    records, limit, offset = desk.exchange.order_deals("alice", OrderDealsQuery(first + 2))
    assert [desk.number(deal.counter_order_id) for deal in records] == [4]
    assert (limit, offset) == (50, 0)
    assert desk.exchange.order_deals("alice", OrderDealsQuery(first + 1, 10, 0)) == ([], 10, 0)
    with pytest.raises(VenueError, match=r"OrderId field is required\."):
        desk.exchange.order_deals("alice", OrderDealsQuery())


def test_order_history(desk: Desk) -> None:
    first = desk.exchange.options.first_order_id
    assert history(desk) == [5, 3, 1]
    assert history(desk, market=MARKET) == [3, 1]
    assert history(desk, status="FILLED") == [1]
    assert history(desk, status="CANCELED") == [5, 3]
    assert history(desk, status="PARTIALLY_FILLED") == [3]
    assert history(desk, startDate=int(START) + 5, endDate=int(START) + 15) == [3]
    assert history(desk, orderId=first, clientOrderId="idle", status="CANCELED") == [1]
    assert history(desk, orderId=1) == []
    assert history(desk, clientOrderId="idle", endDate=1) == [5]
    assert history(desk, limit=1, offset=1) == [3]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"clientOrderId": "never"}, "orderHistory"),
        ({"status": "OPEN"}, "status"),
        ({"startDate": int(START) - 40 * DAY}, "startDate"),
        ({"startDate": int(START), "endDate": int(START) - 5}, "startDate"),
        ({"endDate": "now"}, "endDate"),
        ({"clientOrderId": 5}, "clientOrderId"),
    ],
)
def test_refused_order_history_queries(desk: Desk, body: dict[str, object], key: str) -> None:
    with pytest.raises(VenueError) as caught:
        history(desk, **body)
    assert (caught.value.http_status, caught.value.code) == (422, 30)
    assert list(caught.value.errors) == [key]


def test_the_default_span_is_the_last_month(desk: Desk) -> None:
    desk.now = START + 32 * DAY
    assert history(desk) == []
    assert history(desk, startDate=int(START) - DAY, endDate=int(START) + DAY) == [5, 3, 1]


def test_balances(desk: Desk) -> None:
    balances = desk.exchange.balances("alice")
    assert list(balances) == sorted(balances)
    assert {"SHIB", "DUSDT"} <= set(balances)
    assert desk.exchange.balance("alice", "USDT") == balances["USDT"]
    for ticker, text in ((5, "Ticker field should be a string."), ("X", "Currency was not found.")):
        with pytest.raises(VenueError) as caught:
            desk.exchange.balance("alice", ticker)
        assert (caught.value.code, caught.value.errors) == (30, {"ticker": [text]})


def test_typed_readers_list_everything_newest_first(desk: Desk) -> None:
    assert numbers(desk, desk.exchange.open_orders_of("alice")) == [8, 7, 6]
    assert numbers(desk, desk.exchange.open_orders_of("alice", "ETH_USDT")) == [7]
    assert numbers(desk, desk.exchange.finished_orders_of("alice", MARKET)) == [3, 1]
    own = desk.exchange.deals_of("alice", MARKET)
    assert [desk.number(deal.order_id) for deal in own] == [3, 1]
