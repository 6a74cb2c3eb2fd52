"""Happy shapes of the private endpoints, and the shapes of their refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venue.naive import RestClient

ORDER_KEYS = {
    "orderId",
    "clientOrderId",
    "market",
    "side",
    "type",
    "timestamp",
    "dealMoney",
    "dealStock",
    "amount",
    "left",
    "dealFee",
    "price",
    "postOnly",
    "ioc",
    "status",
    "stp",
    "rpi",
    "feeAsset",
}


def test_limit_order(rest: RestClient) -> None:
    order = rest.limit(
        "buy", "100.10", "0.1000", clientOrderId="q-1", postOnly=True, stp="cancel_new"
    )
    assert set(order) == ORDER_KEYS
    assert type(order["orderId"]) is int
    assert type(order["timestamp"]) is float
    expected = {
        "clientOrderId": "q-1",
        "market": "BTC_USDT",
        "side": "buy",
        "type": "limit",
        "dealMoney": "0",
        "dealStock": "0",
        "amount": "0.1",
        "left": "0.1",
        "dealFee": "0",
        "price": "100.1",
        "postOnly": True,
        "ioc": False,
        "status": "OPEN",
        "stp": "cn",
        "rpi": False,
    }
    assert {key: order[key] for key in expected} == expected


def test_numbers_may_be_json_numbers(rest: RestClient) -> None:
    order = rest.ok("order/new", market="BTC_USDT", side="buy", price=100.5, amount=1)
    assert (order["price"], order["amount"]) == ("100.5", "1")


def test_market_orders_have_no_price(rest: RestClient, other: RestClient) -> None:
    other.limit("sell", "100", "1")
    other.limit("buy", "90", "1")
    bought = rest.ok("order/market", market="BTC_USDT", side="buy", amount="20")
    assert set(bought) == ORDER_KEYS - {"price", "postOnly", "ioc"}
    assert (bought["type"], bought["status"]) == ("market", "FILLED")
    assert (bought["dealMoney"], bought["dealStock"], bought["amount"]) == ("20", "0.2", "20")
    sold = rest.ok("order/market", market="BTC_USDT", side="sell", amount="0.1")
    assert (sold["dealMoney"], sold["feeAsset"]) == ("9", "USDT")
    stock = rest.ok("order/stock_market", market="BTC_USDT", side="buy", amount="0.1")
    assert (stock["type"], stock["dealStock"]) == ("stock market", "0.1")


def test_bulk_answers_leg_by_leg(rest: RestClient) -> None:
    good = {"market": "BTC_USDT", "side": "buy", "price": "100", "amount": "0.1"}
    poor = {**good, "amount": "1000000"}
    answer = rest.ok("order/bulk", orders=[good, poor, good])
    assert [leg["error"] is None for leg in answer] == [True, False, True]
    assert answer[1] == {
        "result": None,
        "error": {
            "code": 10,
            "message": "Inner validation failed",
            "errors": {"amount": ["Not enough balance."]},
        },
    }
    assert set(answer[0]["result"]) == ORDER_KEYS
    stopped = rest.ok("order/bulk", orders=[good, poor, good], stopOnFail=True)
    assert [leg["error"] is None for leg in stopped] == [True, False]
    assert rest.post("order/bulk", orders="x")[0] == 422


def test_cancel_modify_and_open_orders(rest: RestClient) -> None:
    first = rest.limit("buy", "100", clientOrderId="keep")
    second = rest.limit("buy", "101")
    listed = rest.ok("orders", market="BTC_USDT")
    assert [order["orderId"] for order in listed] == [second["orderId"], first["orderId"]]
    assert rest.ok("orders", market="BTC_USDT", limit=1) == listed[:1]
    moved = rest.ok(
        "order/modify", market="BTC_USDT", clientOrderId="keep", price="99", amount="0.2"
    )
    assert moved["orderId"] > second["orderId"]
    assert (moved["clientOrderId"], moved["price"], moved["amount"]) == ("keep", "99", "0.2")
    ended = rest.ok("order/cancel", market="BTC_USDT", orderId=moved["orderId"])
    assert (ended["status"], ended["left"]) == ("CANCELED", "0.2")
    assert rest.post("order/cancel", market="BTC_USDT", orderId=moved["orderId"]) == (
        400,
        {
            "code": 2,
            "message": "Inner validation failed",
            "errors": {"orderId": ["Unexecuted order was not found."]},
        },
    )


def test_mass_cancels(rest: RestClient) -> None:
    orders = [rest.limit("buy", price) for price in ("100", "101", "102")]
    answer = rest.ok(
        "order/cancel/bulk",
        orders=[{"market": "BTC_USDT", "orderId": orders[0]["orderId"]}, {"market": "BTC_USDT"}],
    )
    assert answer[0] == {
        "result": {
            "orderId": orders[0]["orderId"],
            "clientOrderId": "",
            "market": "BTC_USDT",
        },
        "error": None,
    }
    assert answer[1]["result"] is None
    assert answer[1]["error"]["code"] == 30
    assert rest.ok("order/cancel/all", market="BTC_USDT", type=["spot"]) == []
    assert rest.ok("orders") == []


def test_kill_switch_is_an_object_when_set_and_a_list_when_deleted(rest: RestClient) -> None:
    timer = rest.ok("order/kill-switch", market="BTC_USDT", timeout="60", types=["spot"])
    assert timer == {
        "market": "BTC_USDT",
        "startTime": timer["startTime"],
        "cancellationTime": timer["startTime"] + 60,
        "types": ["spot"],
    }
    assert type(timer["startTime"]) is int
    assert rest.ok("order/kill-switch/status", market="BTC_USDT") == [timer]
    assert rest.ok("order/kill-switch", market="BTC_USDT", timeout=None) == []
    assert rest.ok("order/kill-switch/status") == []
    status, body = rest.post("order/kill-switch", market="BTC_USDT")
    assert (status, body["code"]) == (422, 30)


def test_balance_keyed_and_bare(rest: RestClient) -> None:
    rest.limit("buy", "100", "0.5")
    whole = rest.ok("trade-account/balance")
    assert whole["USDT"]["freeze"] == "50"
    assert set(whole["USDT"]) == {"available", "freeze"}
    assert rest.ok("trade-account/balance", ticker="USDT") == whole["USDT"]
    assert rest.post("trade-account/balance", ticker="NOPE")[0] == 422


def trade_once(maker: RestClient, taker: RestClient) -> tuple[Any, Any]:
    made = maker.limit("sell", "100", "0.2", clientOrderId="maker")
    took = taker.limit("buy", "100", "0.2", clientOrderId="taker")
    return made, took


def test_deals_of_an_order_name_the_other_partys_order(rest: RestClient, other: RestClient) -> None:
    made, took = trade_once(other, rest)
    answer = rest.ok("trade-account/order", orderId=took["orderId"])
    assert (answer["offset"], answer["limit"]) == (0, 50)
    (record,) = answer["records"]
    assert set(record) == {
        *("time", "fee", "price", "amount", "id", "dealOrderId"),
        *("clientOrderId", "role", "deal", "feeAsset", "rpi"),
    }
    assert (record["dealOrderId"], record["role"]) == (made["orderId"], 2)
    assert (record["deal"], record["fee"], record["feeAsset"]) == ("20", "0.0002", "BTC")
    empty = rest.ok("trade-account/order", orderId=made["orderId"])
    assert empty["records"] == []


def test_executed_history_is_a_list_or_a_map(rest: RestClient, other: RestClient) -> None:
    _, took = trade_once(other, rest)
    listed = rest.ok("trade-account/executed-history", market="BTC_USDT")
    assert set(listed[0]) == {
        *("id", "clientOrderId", "time", "side", "role", "amount"),
        *("price", "deal", "fee", "orderId", "feeAsset"),
    }
    assert (listed[0]["orderId"], listed[0]["side"]) == (took["orderId"], "buy")
    mapped = rest.ok("trade-account/executed-history")
    assert mapped == {"BTC_USDT": listed}
    assert rest.ok("trade-account/executed-history", market="ETH_USDT") == []
    assert rest.ok("trade-account/executed-history", startDate=4_000_000_000) == []


def test_order_history_is_always_keyed_by_market(rest: RestClient, other: RestClient) -> None:
    _, took = trade_once(other, rest)
    history = rest.ok("trade-account/order/history", market="BTC_USDT", orderId=took["orderId"])
    (entry,) = history["BTC_USDT"]
    assert (entry["id"], entry["status"], entry["price"]) == (took["orderId"], "FILLED", "100")
    assert entry["ftime"] >= entry["ctime"]
    other.limit("sell", "100", "0.1")
    market = rest.ok("order/market", market="BTC_USDT", side="buy", amount="10")
    history = rest.ok("trade-account/order/history", orderId=market["orderId"], market="BTC_USDT")
    assert history["BTC_USDT"][0]["price"] == "0"
    assert rest.ok("trade-account/order/history", market="ETH_USDT") == []


def test_market_fee_is_in_percent(rest: RestClient) -> None:
    fee = rest.ok("market/fee", market="BTC_USDT")
    assert (fee["maker"], fee["taker"], fee["error"]) == ("0.1", "0.1", None)
    assert isinstance(fee["custom_fee"], dict)


def test_websocket_token(rest: RestClient) -> None:
    token = rest.ok("profile/websocket_token")
    assert list(token) == ["websocket_token"]
    assert len(token["websocket_token"]) == 60


@pytest.mark.parametrize("path", ["order/new", "order/market", "order/cancel", "order/modify"])
def test_missing_parameters_are_all_named(rest: RestClient, path: str) -> None:
    status, body = rest.post(path)
    assert status == 422
    assert (body["code"], body["message"]) == (30, "Validation failed")
    assert "market" in body["errors"]
