"""OCO and OTO over REST: their life, their listings, their cancels."""

from __future__ import annotations

from typing import Any

import pytest

from tests.venue.collateral.wire import LIMIT, OCO, PERP, limit, positions, refused, trade
from tests.venue.naive import RestClient

PAIR = {
    "market": PERP,
    "side": "sell",
    "amount": "0.5",
    "price": "61000",
    "activation_price": "59000",
    "stop_limit_price": "58900",
}
CREATED_LEG = {
    *("orderId", "clientOrderId", "market", "side", "type", "timestamp"),
    *("dealMoney", "dealStock", "amount", "takerFee", "makerFee", "left", "dealFee"),
    *("post_only", "mtime", "price", "status", "stp", "positionSide"),
}
LISTED_LEG = (CREATED_LEG - {"takerFee", "makerFee"}) | {"feeAsset", "reduceOnly"}
TRIGGER = {"activation_price", "activation_condition", "activated"}


@pytest.fixture(autouse=True)
def last_trade(rest: RestClient, other: RestClient) -> None:
    """The last trade was at 60000 and made the first account long."""
    trade(rest, other, "60000", "0.5")


def test_a_new_oco(rest: RestClient) -> None:
    pair = rest.ok(OCO, **PAIR, clientOrderId="pair", stp="cn")
    assert list(pair) == ["id", "reduceOnly", "stop_loss", "take_profit"]
    stop, take = pair["stop_loss"], pair["take_profit"]
    assert (set(stop), set(take)) == (CREATED_LEG | TRIGGER, CREATED_LEG)
    assert (stop["orderId"], take["orderId"]) == (pair["id"] + 1, pair["id"] + 2)
    assert (stop["type"], take["type"]) == ("stop limit", "limit")
    assert (stop["price"], take["price"]) == ("58900", "61000")
    assert (stop["activation_price"], stop["activation_condition"]) == ("59000", "lte")
    assert (stop["activated"], stop["stp"], take["stp"]) == (0, "cn", "cn")
    assert (take["takerFee"], take["makerFee"]) == ("0.00035", "0.0001")
    assert (take["status"], take["positionSide"], pair["reduceOnly"]) == ("OPEN", "BOTH", False)
    assert take["clientOrderId"] == "pair"


def test_listing_and_cancelling_an_oco(rest: RestClient) -> None:
    pair = rest.ok(OCO, **PAIR, reduceOnly=True, clientOrderId="pair")
    assert pair["reduceOnly"] is True
    (listed,) = rest.ok("oco-orders", market=PERP)
    assert set(listed) == {"id", "stop_loss", "take_profit"}
    assert set(listed["stop_loss"]) == LISTED_LEG | TRIGGER
    assert set(listed["take_profit"]) == LISTED_LEG
    assert listed["stop_loss"]["type"] == "margin stop limit"
    assert listed["take_profit"]["type"] == "margin limit"
    assert listed["take_profit"]["reduceOnly"] is True
    assert rest.ok("oco-orders", market="ETH_PERP") == []
    assert rest.ok("oco-orders", limit=1, offset=1) == []
    conditional = rest.ok("conditional-orders")
    assert (conditional["limit"], conditional["offset"], conditional["total"]) == (100, 0, 1)
    (record,) = conditional["records"]
    assert (record["id"], record["type"]) == (pair["id"], "oco")
    assert record["stopLoss"]["activationPrice"] == "59000"
    assert record["takeProfit"]["postOnly"] is False
    assert "post_only" not in record["takeProfit"]
    ended = rest.ok("order/oco-cancel", market=PERP, orderId=pair["id"])
    assert {leg["status"] for leg in (ended["stop_loss"], ended["take_profit"])} == {"CANCELED"}
    assert set(ended["stop_loss"]) == LISTED_LEG | TRIGGER
    assert rest.ok("oco-orders") == []
    assert rest.ok("orders") == []
    again = refused(rest, "order/oco-cancel", market=PERP, orderId=pair["id"])
    assert again == (400, 2, ["orderId"])


def test_an_oco_on_a_margin_market_has_no_position_side(
    rest: RestClient, other: RestClient
) -> None:
    trade_fields = {"market": "BTC_USDT"}
    limit(rest, "buy", "60000", **trade_fields)
    limit(other, "sell", "60000", **trade_fields)
    rest.ok(OCO, **{**PAIR, "market": "BTC_USDT"})
    (listed,) = rest.ok("oco-orders")
    assert set(listed["take_profit"]) == LISTED_LEG - {"positionSide"}


def test_one_leg_takes_the_other_along(rest: RestClient, other: RestClient) -> None:
    taken = rest.ok(OCO, **PAIR)
    limit(other, "buy", "61000", "0.1")
    assert rest.ok("oco-orders") == []
    (left,) = rest.ok("orders")
    assert (left["orderId"], left["left"]) == (taken["take_profit"]["orderId"], "0.4")
    rest.ok("order/cancel/all")
    stopped = rest.ok(OCO, **PAIR)
    limit(other, "buy", "59000", "0.1")
    limit(other, "sell", "59000", "0.1")
    (left,) = rest.ok("orders")
    assert (left["orderId"], left["activated"]) == (stopped["stop_loss"]["orderId"], 1)


def test_cancelling_a_leg_cancels_the_pair(rest: RestClient) -> None:
    pair = rest.ok(OCO, **PAIR, clientOrderId="pair")
    rest.ok("order/cancel", market=PERP, orderId=pair["stop_loss"]["orderId"])
    assert rest.ok("orders") == []
    rest.ok(OCO, **PAIR, clientOrderId="pair")
    by_name = rest.ok("order/oco-cancel", market=PERP, clientOrderId="pair")
    assert by_name["take_profit"]["clientOrderId"] == "pair"
    leg = rest.ok(OCO, **PAIR)["take_profit"]
    answer = refused(rest, "order/modify", market=PERP, orderId=leg["orderId"], price="62000")
    assert answer == (422, 155, ["orderId"])


@pytest.mark.parametrize(
    ("changes", "code", "keys"),
    [
        ({"market": None, "amount": None}, 30, {"market", "amount"}),
        ({"stop_limit_price": None}, 30, {"stop_limit_price"}),
        ({"activation_price": None}, 30, {"activation_price"}),
        ({"market": "NO_SUCH"}, 31, {"market"}),
        ({"amount": "0.0001"}, 32, {"amount"}),
        ({"price": "61000.05"}, 33, {"price"}),
        ({"clientOrderId": "a b"}, 36, {"clientOrderId"}),
        ({"amount": "84"}, 111, {"amount"}),
        ({"positionSide": "SHORT"}, 114, {"positionSide"}),
        ({"side": "buy", "price": "59000", "reduceOnly": True}, 116, {"reduceOnly"}),
        ({"price": "59500"}, 150, {"price"}),
        ({"activation_price": "60500"}, 151, {"activation_price"}),
    ],
)
def test_refusals_of_an_oco(
    rest: RestClient, other: RestClient, changes: dict[str, Any], code: int, keys: set[str]
) -> None:
    limit(other, "buy", "59500", "0.1")
    status, number, found = refused(rest, OCO, **{**PAIR, **changes})
    assert (status, number, set(found)) == (422, code, keys)
    assert rest.ok("orders") == []


# OTO


def test_an_entry_places_its_exits_once_it_has_filled(rest: RestClient, other: RestClient) -> None:
    entry = limit(rest, "buy", "58000", "0.3", stopLoss="57000", takeProfit="62000")
    oto = {"otoId": entry["orderId"] - 1, "stopLoss": "57000", "takeProfit": "62000"}
    assert entry["oto"] == oto
    (listed,) = rest.ok("orders")
    assert listed == {**entry, "type": "margin limit"}
    (record,) = rest.ok("conditional-orders", market=PERP)["records"]
    assert record == {
        "id": oto["otoId"],
        "type": "oto",
        "stopLossPrice": "57000",
        "takeProfitPrice": "62000",
        "conditionalOrder": listed,
    }
    assert rest.ok("oco-orders") == []
    limit(other, "sell", "58000", "0.3")
    assert rest.ok("conditional-orders")["total"] == 0
    exits = {order["orderId"]: order for order in rest.ok("orders")}
    assert {order["type"] for order in exits.values()} == {"margin stop market"}
    assert all(order["reduceOnly"] and order["side"] == "sell" for order in exits.values())
    (position,) = rest.ok("collateral-account/positions/open")
    tpsl = position["tpsl"]
    assert (tpsl["takeProfit"], tpsl["stopLoss"]) == ("62000", "57000")
    assert {tpsl["takeProfitId"], tpsl["stopLossId"]} == set(exits)
    limit(other, "buy", "62000", "1")
    limit(other, "sell", "62000", "0.1")
    assert positions(rest) == {"BOTH": "0.5"}
    assert rest.ok("orders") == []


def test_an_entry_with_one_exit_prints_that_one(rest: RestClient) -> None:
    entry = limit(rest, "buy", "58000", "0.3", takeProfit="62000")
    assert set(entry["oto"]) == {"otoId", "takeProfit"}
    (record,) = rest.ok("conditional-orders")["records"]
    assert "stopLossPrice" not in record
    assert record["takeProfitPrice"] == "62000"


@pytest.mark.parametrize(
    ("path", "key"), [("order/oto-cancel", "otoId"), ("order/conditional-cancel", "id")]
)
def test_cancelling_an_oto(rest: RestClient, other: RestClient, path: str, key: str) -> None:
    entry = limit(rest, "buy", "58000", "0.3", stopLoss="57000")
    oto_id = entry["oto"]["otoId"]
    assert refused(rest, path, market=PERP) == (422, 30, [key])
    assert refused(rest, path, market="NO_SUCH", **{key: oto_id}) == (422, 31, ["market"])
    assert refused(rest, path, market=PERP, **{key: "x"})[:2] == (422, 30)
    assert refused(other, path, market=PERP, **{key: oto_id}) == (400, 2, [key])
    assert refused(rest, path, market="ETH_PERP", **{key: oto_id}) == (400, 2, [key])
    assert rest.ok(path, market=PERP, **{key: oto_id}) == []
    assert rest.ok("orders") == []
    assert refused(rest, path, market=PERP, **{key: oto_id}) == (400, 2, [key])


def test_each_cancel_knows_its_own_kind(rest: RestClient) -> None:
    pair = rest.ok(OCO, **PAIR)
    oto_id = limit(rest, "buy", "58000", "0.3", stopLoss="57000")["oto"]["otoId"]
    assert rest.ok("conditional-orders")["total"] == 2
    assert rest.ok("conditional-orders", market="ETH_PERP")["total"] == 0
    assert refused(rest, "order/oto-cancel", market=PERP, otoId=pair["id"])[:2] == (400, 2)
    assert refused(rest, "order/oco-cancel", market=PERP, orderId=oto_id)[:2] == (400, 2)
    both = {"market": PERP, "orderId": pair["id"], "clientOrderId": "x"}
    assert refused(rest, "order/oco-cancel", **both)[:2] == (422, 30)
    assert rest.ok("order/conditional-cancel", market=PERP, id=pair["id"]) == []
    assert rest.ok("oco-orders") == []


@pytest.mark.parametrize("path", ["oco-orders", "conditional-orders"])
def test_pages(rest: RestClient, path: str) -> None:
    for fields, code in (
        ({"limit": 0}, 30),
        ({"limit": 101}, 30),
        ({"offset": -1}, 30),
        ({"limit": "5"}, 30),
        ({"market": "NO_SUCH"}, 31),
        ({"market": "ETH_BTC"}, 31),
    ):
        assert refused(rest, path, **fields)[:2] == (422, code)
    first = rest.ok(OCO, **PAIR)
    second = rest.ok(OCO, **PAIR)
    whole = rest.ok(path)
    groups = whole if path == "oco-orders" else whole["records"]
    assert [group["id"] for group in groups] == [second["id"], first["id"]]
    page = rest.ok(path, limit=1, offset=1)
    groups = page if path == "oco-orders" else page["records"]
    assert [group["id"] for group in groups] == [first["id"]]


def test_an_exit_is_no_part_of_a_bulk_that_fails(rest: RestClient) -> None:
    fields = {"market": PERP, "side": "buy", "amount": "0.1", "price": "58000"}
    assert refused(rest, LIMIT, **fields, stopLoss="58500") == (422, 106, ["stopLoss"])
    assert rest.ok("conditional-orders")["records"] == []
