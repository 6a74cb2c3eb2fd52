"""Methods of the WebSocket: answers, parameters, refusals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.venue.naive import Nonces, RestClient, WsClient
from whitewire.venue import Venue, WireOptions

SUCCESS = {"status": "success"}


@pytest.fixture
def ws(venue: Venue) -> Iterator[WsClient]:
    with WsClient(venue) as client:
        yield client


@pytest.fixture
def mine(ws: WsClient, rest: RestClient) -> WsClient:
    """Authorised for the account of `rest`."""
    token = rest.ok("profile/websocket_token")["websocket_token"]
    assert ws.call("authorize", token, "public") == SUCCESS
    return ws


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    """With room for a token for each test."""
    with Venue(traders=False, wire=WireOptions(rate_scale=100.0)) as running:
        yield running


def test_service_methods(ws: WsClient) -> None:
    assert ws.call("ping") == "pong"
    now = ws.call("time")
    assert type(now) is int
    assert abs(now - time.time()) < 5


PRIVATE = ["balanceSpot", "ordersPending", "ordersExecuted", "deals"]


@pytest.mark.parametrize("channel", PRIVATE)
@pytest.mark.parametrize("action", ["request", "subscribe", "unsubscribe"])
def test_private_methods_need_authorisation(ws: WsClient, channel: str, action: str) -> None:
    assert ws.refused(f"{channel}_{action}") == 6


@pytest.mark.parametrize("method", ["nope", "", "depth_update", "server.time"])
def test_unknown_methods(ws: WsClient, method: str) -> None:
    assert ws.refused(method) == 4


def test_authorize(ws: WsClient, rest: RestClient) -> None:
    assert ws.refused("authorize", "no such token", "public") == 11
    assert ws.refused("authorize", "only one") == 1
    assert ws.refused("authorize", 7, "public") == 1
    assert ws.refused("deals_subscribe", []) == 6
    token = rest.ok("profile/websocket_token")["websocket_token"]
    assert ws.call("authorize", token, "whatever") == SUCCESS
    assert ws.call("authorize", token, "") == SUCCESS
    assert ws.call("deals_subscribe", []) == SUCCESS


def test_a_token_serves_several_sockets_until_it_expires() -> None:
    now = [1_800_000_000.0]

    def clock() -> float:
        return now[0]

    with (
        Venue(traders=False, clock=clock) as venue,
        RestClient(venue, nonces=Nonces(clock)) as rest,
        WsClient(venue) as first,
        WsClient(venue) as second,
        WsClient(venue) as late,
    ):
        token = rest.ok("profile/websocket_token")["websocket_token"]
        assert first.call("authorize", token, "public") == SUCCESS
        assert second.call("authorize", token, "public") == SUCCESS
        now[0] += 60
        assert late.refused("authorize", token, "public") == 11
        assert first.call("balanceSpot_request", "USDT")["USDT"]["freeze"] == "0"


def test_the_code_of_a_failed_authorize_is_configuration() -> None:
    wire = WireOptions(authorize_failure_code=1)
    with Venue(traders=False, wire=wire) as venue, WsClient(venue) as ws:
        assert ws.request("authorize", ["x", "public"])["error"] == {
            "code": 1,
            "message": "invalid argument",
        }


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("ping", [1]),
        ("time", ["x"]),
        ("depth_request", ["BTC_USDT", 101, "0"]),
        ("depth_request", ["BTC_USDT", 0, "0"]),
        ("depth_request", ["BTC_USDT", 5, "7"]),
        ("depth_request", ["BTC_USDT", "5", "0"]),
        ("depth_request", ["BTC_USDT", 5]),
        ("depth_subscribe", ["BTC_USDT", 7, "0", True]),
        ("depth_subscribe", ["BTC_USDT", 5, "0", 1]),
        ("depth_subscribe", ["BTC_USDT", 5, 0, True]),
        ("depth_subscribe", [["BTC_USDT"], 5, "0", True]),
        ("depth_subscribe", []),
        ("depth_unsubscribe", ["BTC_USDT", "ETH_USDT"]),
        ("bookTicker_subscribe", ["BTC_USDT", "ETH_USDT"]),
        ("trades_subscribe", [1]),
        ("trades_request", ["BTC_USDT", 101, 0]),
        ("trades_request", ["BTC_USDT", 0, 0]),
        ("lastprice_subscribe", [["BTC_USDT"]]),
        ("lastprice_unsubscribe", ["BTC_USDT"]),
    ],
)
def test_wrong_arguments_of_public_methods(ws: WsClient, method: str, params: list[Any]) -> None:
    assert ws.refused(method, *params) == 1


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("balanceSpot_request", ["NOPE"]),
        ("balanceSpot_subscribe", [1]),
        ("ordersPending_request", ["BTC_USDT", 0, 101]),
        ("ordersPending_request", ["BTC_USDT", -1, 10]),
        ("ordersPending_request", ["BTC_USDT", 0]),
        ("ordersPending_subscribe", [["BTC_USDT"]]),
        ("ordersExecuted_request", [["BTC_USDT"], 0, 10]),
        ("ordersExecuted_request", [{"market": "BTC_USDT", "order_types": ["1"]}, 0, 10]),
        ("ordersExecuted_request", [{}, 0, 10]),
        ("ordersExecuted_subscribe", [["BTC_USDT"]]),
        ("ordersExecuted_subscribe", [["BTC_USDT"], 3]),
        ("ordersExecuted_subscribe", ["BTC_USDT", 0]),
        ("deals_subscribe", ["BTC_USDT"]),
        ("deals_subscribe", []),
        ("deals_request", ["BTC_USDT", 0, 0]),
    ],
)
def test_wrong_arguments_of_private_methods(mine: WsClient, method: str, params: list[Any]) -> None:
    assert mine.refused(method, *params) == 1


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("depth_subscribe", ["NOPE", 5, "0", True]),
        ("depth_unsubscribe", ["NOPE"]),
        ("depth_request", ["NOPE", 5, "0"]),
        ("bookTicker_subscribe", ["NOPE"]),
        ("bookTicker_unsubscribe", ["NOPE"]),
        ("trades_subscribe", ["BTC_USDT", "NOPE"]),
        ("trades_request", ["NOPE", 5, 0]),
        ("lastprice_request", ["NOPE"]),
        ("ordersPending_subscribe", ["NOPE"]),
        ("ordersExecuted_subscribe", [["NOPE"], 0]),
        ("deals_subscribe", [["NOPE"]]),
        ("deals_request", ["NOPE", 0, 5]),
    ],
)
def test_unknown_markets(mine: WsClient, method: str, params: list[Any]) -> None:
    reply = mine.request(method, params)
    assert reply["error"] == {"code": 9, "message": "market NOPE does not exist"}


def test_depth_request_shows_a_grouped_window_without_an_update_id(
    ws: WsClient, rest: RestClient
) -> None:
    for side, price in (("buy", "100.11"), ("buy", "100.19"), ("sell", "110.11")):
        rest.limit(side, price)
    book = ws.call("depth_request", "BTC_USDT", 2, "0")
    assert list(book) == ["timestamp", "asks", "bids"]
    assert book["bids"] == [["100.19", "0.1"], ["100.11", "0.1"]]
    grouped = ws.call("depth_request", "BTC_USDT", 2, "0.1")
    assert grouped["bids"] == [["100.1", "0.2"]]
    assert grouped["asks"] == [["110.2", "0.1"]]


def trade(rest: RestClient, other: RestClient, price: str) -> None:
    other.limit("sell", price)
    rest.limit("buy", price)


def test_trades_and_last_price_requests(ws: WsClient, rest: RestClient, other: RestClient) -> None:
    for price in ("100", "101", "102"):
        trade(rest, other, price)
    assert ws.call("lastprice_request", "BTC_USDT") == "102"
    assert ws.call("lastprice_request", "ETH_USDT") == "0"
    newest = ws.call("trades_request", "BTC_USDT", 2, 0)
    assert [item["price"] for item in newest] == ["102", "101"]
    assert list(newest[0]) == ["id", "time", "price", "amount", "type", "rpi"]
    older = ws.call("trades_request", "BTC_USDT", 100, newest[1]["id"])
    assert older[:2] == [newest[1], older[1]]
    assert older[1]["price"] == "100"


def test_balance_request(mine: WsClient, rest: RestClient) -> None:
    rest.limit("buy", "100", "0.5")
    everything = mine.call("balanceSpot_request")
    assert everything["USDT"]["freeze"] == "50"
    assert mine.call("balanceSpot_request", "USDT") == {"USDT": everything["USDT"]}


def test_orders_pending_request_pages_and_counts(mine: WsClient, rest: RestClient) -> None:
    for price in ("100", "101", "102"):
        rest.limit("buy", price, clientOrderId="c-" + price)
    page = mine.call("ordersPending_request", "BTC_USDT", 1, 1)
    assert (page["limit"], page["offset"], page["total"]) == (1, 1, 3)
    (order,) = page["records"]
    assert (order["client_order_id"], order["side"], order["type"]) == ("c-101", 2, 1)
    assert order["status"] == "OPEN"


def test_executed_orders_and_deals_requests(
    mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    trade(rest, other, "100")
    other.limit("sell", "100")
    rest.ok("order/market", market="BTC_USDT", side="buy", amount="10")
    wanted = {"market": "BTC_USDT", "order_types": [2]}
    executed = mine.call("ordersExecuted_request", wanted, 0, 10)
    assert list(executed) == ["limit", "offset", "records"]
    assert {record["type"] for record in executed["records"]} == {2}
    both = mine.call("ordersExecuted_request", {"market": "BTC_USDT"}, 0, 2)
    assert [record["type"] for record in both["records"]] == [2, 1]
    deals = mine.call("deals_request", "BTC_USDT", 0, 1)
    (deal,) = deals["records"]
    assert (deal["side"], deal["role"], deal["deal"]) == (2, 2, "10")
    assert deal["order_id"] == both["records"][0]["id"]


def test_unsubscribing_what_was_not_subscribed_succeeds(mine: WsClient) -> None:
    for channel in ["depth", "bookTicker", "trades", "lastprice", *PRIVATE]:
        assert mine.call(f"{channel}_unsubscribe") == SUCCESS
