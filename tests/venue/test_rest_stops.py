"""Stop orders and best-offer prices over the wire: REST shapes and what the WebSocket tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.venue.naive import RestClient, WsClient
from tests.venue.test_rest_private import ORDER_KEYS
from whitewire.venue import Venue

STOP_KEYS = {"activation_price", "activationCondition", "activated"}


@pytest.fixture
def mine(venue: Venue, rest: RestClient) -> Iterator[WsClient]:
    with WsClient(venue) as client:
        client.authorize(rest)
        yield client


@pytest.fixture(autouse=True)
def last_trade(rest: RestClient, other: RestClient) -> None:
    """The last trade was at 100; the fixtures of the clients empty the book afterwards."""
    trade(rest, other, "100")


def trade(seller: RestClient, buyer: RestClient, price: str, amount: str = "0.1") -> None:
    seller.limit("sell", price, amount)
    buyer.limit("buy", price, amount)


def stop_limit(rest: RestClient, side: str, trigger: str, price: str, **more: Any) -> Any:
    fields = {"market": "BTC_USDT", "side": side, "amount": "0.2", "price": price, **more}
    return rest.ok("order/stop_limit", activation_price=trigger, **fields)


def stop_market(rest: RestClient, side: str, trigger: str, amount: str, **more: Any) -> Any:
    fields = {"market": "BTC_USDT", "side": side, "amount": amount, **more}
    return rest.ok("order/stop_market", activation_price=trigger, **fields)


def usdt(rest: RestClient) -> str:
    frozen: str = rest.ok("trade-account/balance", ticker="USDT")["freeze"]
    return frozen


# REST


def test_a_stop_limit_waits(rest: RestClient) -> None:
    order = stop_limit(rest, "buy", "110.10", "111", clientOrderId="s-1", stp="cancel_new")
    assert set(order) == ORDER_KEYS | STOP_KEYS
    expected = {
        "clientOrderId": "s-1",
        "market": "BTC_USDT",
        "side": "buy",
        "type": "stop limit",
        "dealMoney": "0",
        "dealStock": "0",
        "amount": "0.2",
        "left": "0.2",
        "dealFee": "0",
        "price": "111",
        "postOnly": False,
        "ioc": False,
        "status": "OPEN",
        "stp": "cn",
        "rpi": False,
        "feeAsset": "BTC",
        "activation_price": "110.1",
        "activationCondition": "gte",
        "activated": 0,
    }
    assert {key: order[key] for key in expected} == expected
    assert rest.ok("orders", market="BTC_USDT") == [order]
    assert usdt(rest) == "22.2"
    status, book = rest.get("orderbook/BTC_USDT")
    assert (status, book["bids"], book["asks"]) == (200, [], [])
    ended = rest.ok("order/cancel", market="BTC_USDT", orderId=order["orderId"])
    assert ended == {**order, "status": "CANCELED"}
    assert usdt(rest) == "0"


def test_a_stop_market_has_no_price(rest: RestClient) -> None:
    buy = stop_market(rest, "buy", "110", "50")
    sell = stop_market(rest, "sell", "90", "0.5")
    assert set(buy) == set(sell) == (ORDER_KEYS | STOP_KEYS) - {"price", "postOnly", "ioc"}
    assert (buy["type"], buy["amount"], buy["left"]) == ("stop market", "50", "50")
    assert (buy["activationCondition"], sell["activationCondition"]) == ("gte", "lte")
    assert [order["type"] for order in rest.ok("orders")] == ["stop market", "stop market"]


def test_mass_cancels_end_waiting_stops(rest: RestClient) -> None:
    order = stop_limit(rest, "buy", "110", "111")
    stop_market(rest, "buy", "110", "50")
    (answer,) = rest.ok(
        "order/cancel/bulk", orders=[{"market": "BTC_USDT", "orderId": order["orderId"]}]
    )
    assert answer["error"] is None
    assert usdt(rest) == "50"
    assert rest.ok("order/cancel/all") == []
    assert rest.ok("orders") == []
    assert usdt(rest) == "0"


def test_modify_spells_the_activation_price_its_own_way(rest: RestClient) -> None:
    old = stop_limit(rest, "buy", "110", "111", clientOrderId="m")
    new = rest.ok(
        "order/modify", market="BTC_USDT", clientOrderId="m", price="113", activationPrice="112"
    )
    assert new["orderId"] > old["orderId"]
    assert (new["clientOrderId"], new["type"], new["amount"]) == ("m", "stop limit", "0.2")
    assert (new["price"], new["activation_price"], new["activated"]) == ("113", "112", 0)
    sized = stop_market(rest, "buy", "110", "50")
    moved = rest.ok("order/modify", market="BTC_USDT", orderId=sized["orderId"], total="60")
    assert (moved["amount"], moved["left"], "price" in moved) == ("60", "60", False)
    for fields, status, code in (
        ({"activationPrice": "100"}, 400, 101),
        ({"price": "99"}, 422, 159),
        ({"amount": "1"}, 422, 163),
    ):
        got, body = rest.post("order/modify", market="BTC_USDT", orderId=moved["orderId"], **fields)
        assert (got, body["code"]) == (status, code)
    plain = rest.limit("buy", "50")
    got, body = rest.post(
        "order/modify", market="BTC_USDT", orderId=plain["orderId"], activationPrice="99"
    )
    assert (got, body["code"], body["message"]) == (400, 158, "Inner validation failed")


@pytest.mark.parametrize(
    ("path", "fields", "code", "key"),
    [
        ("order/stop_limit", {"price": "1"}, 30, "activation_price"),
        ("order/stop_limit", {"price": "111", "activation_price": "100"}, 30, "activationPrice"),
        ("order/stop_limit", {"activation_price": "110"}, 30, "price"),
        ("order/stop_market", {"activation_price": "x"}, 30, "activation_price"),
        ("order/stop_market", {"activation_price": "110", "amount": "4"}, 32, "amount"),
    ],
)
def test_refusals(rest: RestClient, path: str, fields: dict[str, str], code: int, key: str) -> None:
    status, body = rest.post(path, **{"market": "BTC_USDT", "side": "buy", "amount": "9", **fields})
    assert (status, body["code"], body["message"]) == (422, code, "Validation failed")
    assert list(body["errors"]) == [key]


def test_a_market_without_trades_has_an_empty_history(rest: RestClient) -> None:
    fields = {"market": "ETH_USDT", "side": "buy", "amount": "10", "activation_price": "110"}
    status, body = rest.post("order/stop_market", **fields)
    assert (status, body["code"]) == (422, 30)
    assert body["errors"] == {"activationPrice": ["Empty history"]}


def test_history_prints_the_second_of_activation_and_a_sign(
    rest: RestClient, other: RestClient
) -> None:
    fired = stop_market(rest, "sell", "90", "0.1")
    unfired = stop_limit(rest, "buy", "110", "111")
    other.limit("buy", "90", "0.2")
    other.limit("sell", "90", "0.1")
    rest.ok("order/cancel", market="BTC_USDT", orderId=unfired["orderId"])
    history = rest.ok("trade-account/order/history", market="BTC_USDT", limit=2)["BTC_USDT"]
    cancelled, filled = history
    assert (filled["id"], filled["status"], filled["price"]) == (fired["orderId"], "FILLED", "0")
    assert (filled["type"], filled["activationPrice"]) == ("stop market", "90")
    assert filled["activationCondition"] == "<="
    assert filled["activated"] == int(filled["ftime"])
    assert (cancelled["id"], cancelled["activated"]) == (unfired["orderId"], 0)
    assert (cancelled["activationCondition"], cancelled["type"]) == (">=", "stop limit")
    other.limit("buy", "50")
    other.ok("order/cancel/all")
    plain = other.ok("trade-account/order/history", limit=1)["BTC_USDT"][0]
    assert plain.keys().isdisjoint({"activated", "activationPrice", "activationCondition"})


# WebSocket


def test_a_trigger_is_a_second_event_1_after_the_trade(
    mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    mine.call("ordersPending_subscribe", "BTC_USDT")
    mine.call("deals_subscribe", ["BTC_USDT"])
    placed = stop_limit(rest, "buy", "110", "120", clientOrderId="w")
    event, waiting = mine.push("ordersPending_update")
    assert (event, waiting["type"], waiting["status"]) == (1, 3, "OPEN")
    assert {key: waiting[key] for key in ("activation_price", "activation_condition")} == {
        "activation_price": "110",
        "activation_condition": "gte",
    }
    assert (waiting["activated"], waiting["price"]) == (0, "120")
    records = mine.call("ordersPending_request", "BTC_USDT", 0, 10)["records"]
    assert records == [waiting]
    for price in ("110", "111"):
        other.limit("sell", price, "0.1")
    other.limit("buy", "110", "0.1")
    event, active = mine.push("ordersPending_update")
    assert (event, active["id"], active["activated"]) == (1, placed["orderId"], 1)
    assert (active["type"], active["status"], active["left"]) == (3, "OPEN", "0.2")
    assert (active["ctime"], active["mtime"] >= active["ctime"]) == (waiting["ctime"], True)
    deal = mine.push("deals_update")
    assert deal[3:6] == [placed["orderId"], "111", "0.1"]
    event, partly = mine.push("ordersPending_update")
    assert (event, partly["status"], partly["left"]) == (2, "PARTIALLY_FILLED", "0.1")
    rest.ok("order/cancel", market="BTC_USDT", clientOrderId="w")
    event, ended = mine.push("ordersPending_update")
    assert (event, ended["id"], ended["status"]) == (3, placed["orderId"], "CANCELED")


def test_a_stop_market_that_fires_ends_without_resting(
    mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    mine.call("ordersPending_subscribe", "BTC_USDT")
    mine.call("ordersExecuted_subscribe", ["BTC_USDT"], 2)
    placed = stop_market(rest, "sell", "90", "0.1")
    other.limit("buy", "90", "0.2")
    other.limit("sell", "90", "0.1")
    events = [mine.push("ordersPending_update") for _ in range(3)]
    assert [(event, order["id"], order["activated"]) for event, order in events] == [
        (1, placed["orderId"], 0),
        (1, placed["orderId"], 1),
        (3, placed["orderId"], 1),
    ]
    assert {(order["type"], order["price"]) for _, order in events} == {(4, "0")}
    (executed,) = mine.push("ordersExecuted_update")
    assert (executed["id"], executed["status"]) == (placed["orderId"], "FILLED")


def test_a_waiting_stop_moves_neither_depth_nor_ticker(mine: WsClient, rest: RestClient) -> None:
    rest.limit("buy", "50")
    mine.call("bookTicker_subscribe", "BTC_USDT")
    mine.push("bookTicker_update")
    mine.call("depth_subscribe", "BTC_USDT", 100, "0", False)
    mine.push("depth_update")
    stop_limit(rest, "buy", "110", "111")
    assert mine.is_quiet(0.3)


# Best-offer prices


def test_best_offer_orders_appear_as_ordinary_limits(rest: RestClient, other: RestClient) -> None:
    fields = {"market": "BTC_USDT", "side": "buy", "amount": "0.1"}
    status, body = rest.post("order/new", **fields, bboRole=1)
    assert (status, body["code"]) == (400, 12)
    other.limit("buy", "90", "0.1")
    other.limit("sell", "95", "0.1")
    queued = rest.ok("order/new", **fields, bboRole=1)
    assert (queued["type"], queued["price"], queued["status"]) == ("limit", "90", "OPEN")
    legs = [
        {**fields, "bboRole": 1},
        {**fields, "bboRole": 2, "ioc": True},
        {**fields, "bboRole": 2},
        {**fields, "bboRole": 1, "postOnly": True},
    ]
    answers = rest.ok("order/bulk", orders=legs)
    assert [answer["result"] and answer["result"]["status"] for answer in answers] == [
        *("OPEN", "FILLED", None, None),
    ]
    assert [answer["error"] and answer["error"]["code"] for answer in answers] == [
        *(None, None, 12, 30),
    ]
    stop = rest.ok("order/stop_limit", **fields, bboRole=1, activation_price="110")
    assert (stop["type"], stop["price"], stop["activated"]) == ("stop limit", "90", 0)
    status, body = rest.post("order/stop_limit", **fields, bboRole=2, activation_price="110")
    assert (status, body["code"], list(body["errors"])) == (400, 12, ["bboRole"])
