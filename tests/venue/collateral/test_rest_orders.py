"""Orders against collateral over REST: shapes, refusals, and the endpoints that spot shares."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venue.collateral.wire import (
    BULK,
    LIMIT,
    MARKET,
    PERP,
    STOP_LIMIT,
    TRIGGER_MARKET,
    account,
    limit,
    market,
    positions,
    refused,
    trade,
)
from tests.venue.naive import Nonces, RestClient
from whitewire.venue import Venue, VirtualClock, WireOptions

ORDER_KEYS = {
    *("orderId", "clientOrderId", "market", "side", "type", "timestamp"),
    *("dealMoney", "dealStock", "amount", "left", "dealFee"),
    *("status", "stp", "rpi", "feeAsset", "positionSide", "reduceOnly"),
}
PRICED = {"price", "postOnly", "ioc"}
STOP_KEYS = {"activation_price", "activationCondition", "activated"}


# New orders


def test_a_limit_order(rest: RestClient) -> None:
    order = limit(rest, "buy", "59000.0", "0.500", clientOrderId="c-1", stp="cancel_new")
    assert set(order) == ORDER_KEYS | PRICED | {"oto"}
    expected = {
        "clientOrderId": "c-1",
        "market": PERP,
        "side": "buy",
        "type": "limit",
        "dealMoney": "0",
        "dealStock": "0",
        "amount": "0.5",
        "left": "0.5",
        "dealFee": "0",
        "price": "59000",
        "postOnly": False,
        "ioc": False,
        "status": "OPEN",
        "stp": "cn",
        "rpi": False,
        "feeAsset": "USDT",
        "positionSide": "BOTH",
        "reduceOnly": False,
        "oto": None,
    }
    assert {key: order[key] for key in expected} == expected
    assert type(order["orderId"]) is int
    assert type(order["timestamp"]) is float


def test_a_market_order_is_sized_in_stock_on_both_sides_and_pays_in_money(
    rest: RestClient, other: RestClient
) -> None:
    limit(other, "sell", "60000", "1")
    bought = market(rest, "buy", "0.5")
    assert set(bought) == ORDER_KEYS | {"oto"}
    assert (bought["type"], bought["status"], bought["left"]) == ("market", "FILLED", "0")
    assert (bought["amount"], bought["dealStock"], bought["dealMoney"]) == ("0.5", "0.5", "30000")
    assert (bought["dealFee"], bought["feeAsset"]) == ("10.5", "USDT")
    limit(other, "buy", "59000", "1")
    sold = market(rest, "sell", "0.2")
    assert (sold["amount"], sold["dealMoney"], sold["dealFee"]) == ("0.2", "11800", "4.13")
    assert positions(rest) == {"BOTH": "0.3"}


def test_stop_orders_wait_and_fire(rest: RestClient, other: RestClient) -> None:
    trade(rest, other, "60000")
    fields = {"market": PERP, "side": "buy", "amount": "0.1", "activation_price": "61000"}
    stop = rest.ok(STOP_LIMIT, **fields, price="61500")
    trigger = rest.ok(TRIGGER_MARKET, **fields)
    assert set(stop) == ORDER_KEYS | PRICED | STOP_KEYS | {"oto"}
    assert set(trigger) == ORDER_KEYS | STOP_KEYS | {"oto"}
    assert (stop["type"], trigger["type"]) == ("stop limit", "stop market")
    for order in (stop, trigger):
        assert (order["activation_price"], order["activationCondition"]) == ("61000", "gte")
        assert (order["activated"], order["status"]) == (0, "OPEN")
    listed = rest.ok("orders", market=PERP)
    assert [order["type"] for order in listed] == ["margin stop market", "margin stop limit"]
    limit(other, "sell", "61000", "0.3")
    limit(other, "buy", "61000", "0.1")
    assert rest.ok("orders") == []
    filled = rest.ok("trade-account/order/history", market=PERP, limit=2)[PERP]
    for order in filled:
        assert (order["status"], order["dealMoney"]) == ("FILLED", "6100")
        assert (order["activationPrice"], order["activationCondition"]) == ("61000", ">=")
        assert order["activated"] == int(order["ftime"])
    assert {order["type"] for order in filled} == {"margin stop limit", "margin stop market"}
    assert positions(rest) == {"BOTH": "0.7"}


def test_spot_and_margin_share_a_book(rest: RestClient, other: RestClient) -> None:
    other.limit("sell", "60000", "0.5")
    bought = limit(rest, "buy", "60000", "0.5", market="BTC_USDT")
    assert (bought["status"], bought["dealMoney"]) == ("FILLED", "30000")
    assert (bought["dealFee"], bought["feeAsset"]) == ("30", "USDT")
    (position,) = rest.ok("collateral-account/positions/open", market="BTC_USDT")
    assert position["amount"] == "0.5"
    assert other.ok("collateral-account/positions/open") == []
    assert other.ok("trade-account/balance", ticker="BTC")["available"] == "19.5"


def test_a_bulk_has_a_result_or_a_refusal_for_each_leg(rest: RestClient) -> None:
    good = {"market": PERP, "side": "buy", "amount": "0.1", "price": "59000"}
    legs: list[Any] = [
        good,
        {**good, "price": "0"},
        {**good, "market": "ETH_PERP", "price": "2900", "clientOrderId": "leg"},
        {**good, "takeProfit": "61000"},
        {**good, "reduceOnly": True},
    ]
    answers = rest.ok(BULK, orders=legs)
    assert [set(answer) for answer in answers] == [{"result", "error"}] * 5
    assert [answer["error"] and answer["error"]["code"] for answer in answers] == [
        *(None, 33, None, None, 116),
    ]
    first, _, second, third, _ = (answer["result"] for answer in answers)
    assert set(first) == ORDER_KEYS | PRICED | {"oto"}
    assert (second["market"], second["clientOrderId"]) == ("ETH_PERP", "leg")
    assert third["oto"] == {"otoId": third["orderId"] - 1, "takeProfit": "61000"}
    stopped = rest.ok(BULK, orders=legs, stopOnFail=True)
    assert [answer["error"] is None for answer in stopped] == [True, False]
    assert refused(rest, BULK, orders="x") == (422, 30, ["orders"])
    assert refused(rest, BULK, orders=[good] * 21) == (422, 30, ["orders"])
    assert refused(rest, BULK, orders=[good], stopOnFail="yes") == (422, 30, ["stopOnFail"])


# Refusals

GOOD = {"market": PERP, "side": "buy", "amount": "0.1", "price": "60000"}
STOP = {**GOOD, "activation_price": "61000"}


@pytest.mark.parametrize(
    ("path", "fields", "code", "keys"),
    [
        (LIMIT, {}, 30, ["market", "side", "amount", "price"]),
        (MARKET, {}, 30, ["market", "side", "amount"]),
        (STOP_LIMIT, {}, 30, ["market", "side", "amount", "price", "activation_price"]),
        (TRIGGER_MARKET, {}, 30, ["market", "side", "amount", "activation_price"]),
        (LIMIT, {**GOOD, "side": "hold"}, 30, ["side"]),
        (LIMIT, {**GOOD, "market": "NO_SUCH"}, 31, ["market"]),
        (LIMIT, {**GOOD, "market": "ETH_BTC"}, 31, ["market"]),
        (LIMIT, {**GOOD, "amount": "0.0001"}, 32, ["amount"]),
        (MARKET, {**GOOD, "amount": "x"}, 32, ["amount"]),
        (LIMIT, {**GOOD, "price": "60000.05"}, 33, ["price"]),
        (LIMIT, {**GOOD, "amount": "0.001", "price": "4000"}, 30, ["total"]),
        (LIMIT, {**GOOD, "clientOrderId": "a b"}, 36, ["clientOrderId"]),
        (LIMIT, {**GOOD, "ioc": True, "postOnly": True}, 37, ["ioc"]),
        (LIMIT, {**GOOD, "ioc": True, "rpi": True}, 40, ["ioc"]),
        (LIMIT, {**GOOD, "postOnly": "yes"}, 30, ["postOnly"]),
        (LIMIT, {**GOOD, "stp": "maybe"}, 30, ["stp"]),
        (LIMIT, {**GOOD, "positionSide": "UP"}, 30, ["positionSide"]),
        (LIMIT, {**GOOD, "positionSide": "LONG"}, 114, ["positionSide"]),
        (LIMIT, {**GOOD, "reduceOnly": True, "stopLoss": "1000"}, 30, ["reduceOnly"]),
        (LIMIT, {**GOOD, "reduceOnly": True}, 116, ["reduceOnly"]),
        (LIMIT, {**GOOD, "takeProfit": "59000"}, 105, ["takeProfit"]),
        (LIMIT, {**GOOD, "stopLoss": "61000"}, 106, ["stopLoss"]),
        (LIMIT, {**GOOD, "stopLoss": "x"}, 30, ["stopLoss"]),
        (LIMIT, {**GOOD, "amount": "84"}, 111, ["amount"]),
        (STOP_LIMIT, {**STOP, "activation_price": "0"}, 30, ["activationPrice"]),
        (STOP_LIMIT, {**STOP, "activation_price": "x"}, 30, ["activation_price"]),
    ],
)
def test_refusals(
    rest: RestClient, path: str, fields: dict[str, Any], code: int, keys: list[str]
) -> None:
    status, number, found = refused(rest, path, **fields)
    assert (status, number, set(found)) == (422, code, set(keys))
    assert rest.ok("orders") == []


def test_refusals_that_need_a_market(rest: RestClient, other: RestClient) -> None:
    assert refused(rest, STOP_LIMIT, **STOP) == (422, 30, ["activationPrice"])  # no trade yet
    assert refused(rest, MARKET, market=PERP, side="buy", amount="1") == (400, 12, ["amount"])
    trade(rest, other, "60000", "0.001")
    at_last = {**STOP, "activation_price": "60000"}
    assert refused(rest, STOP_LIMIT, **at_last) == (422, 30, ["activationPrice"])
    limit(rest, "buy", "59000", "1", clientOrderId="taken")
    assert refused(rest, LIMIT, **GOOD, clientOrderId="taken") == (422, 36, ["clientOrderId"])
    limit(other, "sell", "60000", "0.1")
    assert refused(rest, LIMIT, **GOOD, postOnly=True) == (422, 14, ["postOnly"])
    assert refused(rest, LIMIT, **{**GOOD, "amount": "83"}) == (422, 112, ["amount"])


def test_too_little_collateral_and_a_flag_that_is_not_granted() -> None:
    poor = account("poor", "100", rpi_enabled=False)
    with Venue(traders=False, accounts=[poor]) as venue, RestClient(venue) as rest:
        assert refused(rest, LIMIT, **GOOD) == (422, 10, ["amount"])
        assert limit(rest, "buy", "60000", "0.016")["status"] == "OPEN"
        assert refused(rest, LIMIT, **{**GOOD, "amount": "0.001"}) == (422, 10, ["amount"])
        assert refused(rest, LIMIT, **GOOD, rpi=True) == (422, 43, ["rpi"])
        assert rest.ok("collateral-account/balance", ticker="USDT") == {"USDT": "100"}


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("order/new", {"price": "60000"}),
        ("order/market", {}),
        ("order/stock_market", {}),
        ("order/stop_limit", {"price": "60000", "activation_price": "61000"}),
        ("order/stop_market", {"activation_price": "61000"}),
    ],
)
def test_spot_orders_have_no_place_on_futures(
    rest: RestClient, path: str, fields: dict[str, str]
) -> None:
    asked = {"market": PERP, "side": "buy", "amount": "0.1", **fields}
    assert refused(rest, path, **asked) == (422, 31, ["market"])
    if path == "order/new":
        (answer,) = rest.ok("order/bulk", orders=[asked])
        assert answer["error"]["code"] == 31


# What spot orders share


def test_lists_and_histories_say_margin_and_the_rest_does_not(rest: RestClient) -> None:
    new = limit(rest, "buy", "59000", clientOrderId="m")
    spot = rest.limit("buy", "50000")
    listed = {order["market"]: order for order in rest.ok("orders")}
    assert listed[PERP] == {**{k: v for k, v in new.items() if k != "oto"}, "type": "margin limit"}
    assert listed["BTC_USDT"] == spot
    assert {"positionSide", "reduceOnly", "oto"}.isdisjoint(spot)
    moved = rest.ok("order/modify", market=PERP, clientOrderId="m", price="58000")
    assert moved["orderId"] > new["orderId"]
    assert (moved["type"], moved["positionSide"], moved["reduceOnly"]) == ("limit", "BOTH", False)
    assert (moved["price"], moved["amount"], "oto" in moved) == ("58000", "0.5", False)
    ended = rest.ok("order/cancel", market=PERP, clientOrderId="m")
    assert ended == {**moved, "status": "CANCELED"}
    history = rest.ok("trade-account/order/history")[PERP]
    assert [entry["type"] for entry in history] == ["margin limit"] * 2
    assert {(entry["positionSide"], entry["reduceOnly"]) for entry in history} == {("BOTH", False)}


def test_plain_names_everywhere_on_request() -> None:
    wire = WireOptions(margin_type_names=False)
    with Venue(traders=False, wire=wire) as venue, RestClient(venue) as rest:
        limit(rest, "buy", "59000")
        assert [order["type"] for order in rest.ok("orders")] == ["limit"]
        rest.ok("order/cancel/all")
        (entry,) = rest.ok("trade-account/order/history")[PERP]
        assert entry["type"] == "limit"


def test_deals_are_found_like_those_of_spot(rest: RestClient, other: RestClient) -> None:
    limit(other, "sell", "60000", "0.5")
    order = market(rest, "buy", "0.5", clientOrderId="d")
    (deal,) = rest.ok("trade-account/executed-history", market=PERP)
    assert (deal["orderId"], deal["fee"], deal["feeAsset"]) == (order["orderId"], "10.5", "USDT")
    assert rest.ok("trade-account/executed-history") == {PERP: [deal]}
    (record,) = rest.ok("trade-account/order", orderId=order["orderId"])["records"]
    assert (record["deal"], record["role"], record["clientOrderId"]) == ("30000", 2, "d")


def test_cancel_all_chooses_by_product_and_position_side(
    rest: RestClient, other: RestClient
) -> None:
    rest.ok("collateral-account/hedge-mode/update", hedgeMode=True)
    spot = rest.limit("buy", "50000")
    margin = limit(rest, "buy", "50000", market="BTC_USDT")
    long = limit(rest, "buy", "50000", positionSide="LONG")
    short = limit(rest, "sell", "70000", positionSide="SHORT")

    def left() -> set[int]:
        return {order["orderId"] for order in rest.ok("orders")}

    ids = {order["orderId"] for order in (spot, margin, long, short)}
    assert left() == ids
    assert rest.ok("order/cancel/all", market=PERP, positionSide="long") == []
    assert left() == ids - {long["orderId"]}
    assert rest.ok("order/cancel/all", type=["margin"]) == []
    assert left() == {spot["orderId"], short["orderId"]}
    assert rest.ok("order/cancel/all", type=["spot", "margin"]) == []
    assert left() == {short["orderId"]}
    (answer,) = rest.ok("order/cancel/bulk", orders=[{"market": PERP, "orderId": short["orderId"]}])
    assert answer["result"]["orderId"] == short["orderId"]
    assert refused(rest, "order/cancel/all", positionSide="LONG") == (422, 30, ["positionSide"])
    assert refused(rest, "order/cancel/all", type="spot") == (422, 30, ["type"])


def test_a_kill_switch_ends_its_types_alone() -> None:
    clock = VirtualClock()
    with (
        Venue(traders=False, clock=clock) as venue,
        RestClient(venue, nonces=Nonces(clock)) as rest,
    ):
        spot = rest.limit("buy", "50000")
        limit(rest, "buy", "50000", market="BTC_USDT")
        perp = limit(rest, "buy", "50000")
        fields = {"market": "BTC_USDT", "timeout": "5", "types": ["margin"]}
        assert rest.ok("order/kill-switch", **fields)["types"] == ["margin"]
        rest.ok("order/kill-switch", market=PERP, timeout="60", types=["futures"])
        clock.advance(6)
        ids = {order["orderId"] for order in rest.ok("orders")}
        assert ids == {spot["orderId"], perp["orderId"]}
        clock.advance(60)
        assert [order["orderId"] for order in rest.ok("orders")] == [spot["orderId"]]
        assert rest.ok("order/kill-switch/status") == []
