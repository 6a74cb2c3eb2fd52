"""The channels of collateral trading, and what its orders look like on the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.venue.collateral.wire import (
    OCO,
    PERP,
    TRIGGER_MARKET,
    account,
    limit,
    market,
    trade,
)
from tests.venue.naive import Nonces, RestClient, WsClient
from whitewire.venue import Venue, VirtualClock, WireOptions

FAST = WireOptions(margin_balance_interval_ms=40, positions_interval_ms=40)
POSITION_KEYS = {
    *("id", "market", "ctime", "mtime", "amount", "amount_in_money", "base_price", "pnl"),
    *("liq_price", "liq_stage", "unrealized_funding", "funding", "margin", "free_margin"),
    *("realized_pnl", "position_side"),
}


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue(traders=False, wire=FAST) as running:
        yield running


@pytest.fixture
def mine(venue: Venue, rest: RestClient) -> Iterator[WsClient]:
    with WsClient(venue) as client:
        client.authorize(rest)
        yield client


def until(ws: WsClient, method: str, holds: Callable[[Any], object]) -> Any:
    """The first push of a method for which something holds."""
    for _ in range(100):
        params = ws.push(method)
        if holds(params):
            return params
    raise AssertionError(f"no {method} was as expected")


def record_where(ws: WsClient, key: str, value: str) -> Any:
    """The one position once it has a value."""
    method = "positionsMargin_update"
    return until(ws, method, lambda params: params["records"][0][key] == value)["records"][0]


def test_a_balance_query_spells_its_keys_out(mine: WsClient) -> None:
    every = mine.call("balanceMargin_request")
    assert set(every) >= {"BTC", "USDT", "ETH"}
    assert mine.call("balanceMargin_request", "USDT") == {
        "USDT": {
            "balance": "1000000",
            "borrow": "0",
            "available_without_borrow": "1000000",
            "available_with_borrow": "13000000",
        }
    }
    assert mine.refused("balanceMargin_request", "NOPE") == 1
    assert mine.refused("balanceMargin_request", 7) == 1


def test_balances_come_again_and_again_with_short_keys(
    mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    assert mine.call("balanceMargin_subscribe", "USDT") == {"status": "success"}
    shape = {"a": "USDT", "B": "1000000", "b": "0", "av": "1000000", "ab": "13000000"}
    assert [mine.push("balanceMargin_update") for _ in range(3)] == [[shape]] * 3
    trade(rest, other, "60000", "0.5")
    (entry,) = until(mine, "balanceMargin_update", lambda params: params[0] != shape)
    assert (entry["a"], entry["B"]) == ("USDT", "999997")
    mine.call("balanceMargin_subscribe", "BTC", "USDT")
    mine.pushes.clear()
    assert [asset["a"] for asset in mine.push("balanceMargin_update")] == ["BTC", "USDT"]
    mine.call("balanceMargin_subscribe")
    mine.pushes.clear()
    assert len(mine.push("balanceMargin_update")) > 2
    assert mine.refused("balanceMargin_subscribe", "NOPE") == 1
    mine.call("balanceMargin_unsubscribe")
    assert mine.is_quiet(0.15)


def test_margin_positions_borrow() -> None:
    accounts = [account("poor", "20000"), account("rich")]
    with (
        Venue(traders=False, wire=FAST, accounts=accounts) as small,
        RestClient(small) as rest,
        RestClient(small, 1) as other,
        WsClient(small) as ws,
    ):
        ws.authorize(rest)
        other.limit("sell", "60000", "1")
        market(rest, "buy", "1", market="BTC_USDT")
        balance = ws.call("balanceMargin_request", "USDT")["USDT"]
        assert balance["borrow"] == "40060"  # 60000 less what there was after a fee of 60


def test_positions_come_whole_every_time(
    mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    assert mine.call("positionsMargin_subscribe") == {"status": "success"}
    assert mine.push("positionsMargin_update") == {"total": 0, "records": []}
    trade(rest, other, "60000", "0.5")
    limit(other, "sell", "61000", "0.1")
    market(other, "buy", "0.1")
    update = until(mine, "positionsMargin_update", lambda params: params["total"])
    (record,) = update["records"]
    assert set(record) == POSITION_KEYS
    expected = {
        "market": PERP,
        "amount": "0.5",
        "amount_in_money": "30000",
        "base_price": "60000",
        "liq_price": "0",
        "liq_stage": None,
        "unrealized_funding": "0",
        "funding": "0",
        "realized_pnl": "0",
        "position_side": "BOTH",
    }
    assert {key: record[key] for key in expected} == expected
    (shown,) = rest.ok("collateral-account/positions/open")
    assert record["id"] == shown["positionId"]
    record = record_where(mine, "pnl", "500")
    assert (record["margin"], shown["margin"]) == ("3050", "3050")
    trade(other, rest, "61000", "0.2")
    record = record_where(mine, "amount", "0.3")
    assert (record["realized_pnl"], record["amount_in_money"]) == ("200", "18000")
    mine.call("positionsMargin_unsubscribe")
    mine.pushes.clear()
    assert mine.is_quiet(0.15)


@pytest.mark.parametrize("method", ["positionsMargin", "positionsAccountMargin", "balanceMargin"])
def test_who_may_subscribe_and_how(venue: Venue, rest: RestClient, method: str) -> None:
    with WsClient(venue) as ws:
        assert ws.refused(f"{method}_subscribe") == 6
        assert ws.refused(f"{method}_unsubscribe") == 6
        ws.authorize(rest)
        assert ws.refused(f"{method}_subscribe", 7) == 1
        assert ws.refused(f"{method}_unsubscribe", "x") == 1
        if method != "balanceMargin":
            assert ws.refused(f"{method}_request") == 4


def test_a_margin_call_and_a_liquidation_are_events() -> None:
    accounts = [account("poor", "1000"), account("rich")]
    with (
        Venue(traders=False, wire=FAST, accounts=accounts) as venue,
        RestClient(venue) as rest,
        RestClient(venue, 1) as other,
        WsClient(venue) as mine,
        WsClient(venue) as theirs,
    ):
        mine.authorize(rest)
        theirs.authorize(other)
        for ws in (mine, theirs):
            ws.call("positionsAccountMargin_subscribe")
        mine.call("ordersExecuted_subscribe", [PERP], 2)
        trade(rest, other, "60000", "0.1")
        waiting = limit(rest, "buy", "40000", "0.01")
        trade(other, other, "51000", "0.01")
        trade(other, other, "50500", "0.01")
        event, called = mine.push("positionsAccountMargin_update")
        assert (event, called["liq_stage"], called["amount"]) == (1, "margin_call", "0.1")
        assert set(called) == POSITION_KEYS
        assert (called["pnl"], called["liq_price"]) == ("-950", "50257.2")
        mine.call("ordersPending_subscribe", PERP)
        trade(other, other, "50400", "0.01")  # called once, not again
        limit(other, "buy", "50200", "0.2")
        limit(other, "sell", "50200", "0.01")
        event, ended = mine.push("positionsAccountMargin_update")
        assert (event, ended["liq_stage"], ended["id"]) == (2, "liquidation", called["id"])
        event, order = mine.push("ordersPending_update")
        assert (event, order["id"]) == (3, waiting["orderId"])
        assert order["status"] == "AUTO_CANCELED_LIQUIDATION"
        (forced,) = mine.push("ordersExecuted_update")
        assert (forced["type"], forced["side"], forced["reduce_only"]) == (8, 1, True)
        assert forced["status"] == "FILLED"
        records = mine.call("ordersExecuted_request", {"market": PERP}, 0, 10)["records"]
        sources = {record["id"]: record["source"] for record in records}
        assert (sources[forced["id"]], sources[waiting["orderId"]]) == ("liquidation", "api")
        mine.call("positionsMargin_subscribe")
        assert mine.push("positionsMargin_update") == {"total": 0, "records": []}
        assert theirs.is_quiet(0.1)
        mine.call("positionsAccountMargin_unsubscribe")


def test_orders_have_types_of_their_own_and_a_position_side(
    mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    trade(rest, other, "60000", "0.5")
    mine.call("ordersPending_subscribe", PERP, "BTC_USDT")
    mine.call("ordersExecuted_subscribe", [PERP], 1)
    mine.call("deals_subscribe", [PERP])
    resting = limit(rest, "sell", "61000", "0.1", reduceOnly=True, clientOrderId="w")
    event, order = mine.push("ordersPending_update")
    assert (event, order["id"], order["type"]) == (1, resting["orderId"], 7)
    assert (order["position_side"], order["reduce_only"]) == ("BOTH", True)
    stop_fields = {"market": PERP, "side": "buy", "activation_price": "62000"}
    rest.ok(TRIGGER_MARKET, **stop_fields, amount="0.1")
    _, trigger = mine.push("ordersPending_update")
    assert (trigger["type"], trigger["price"], trigger["activated"]) == (10, "0", 0)
    rest.limit("buy", "50000")
    _, spot = mine.push("ordersPending_update")
    assert spot["type"] == 1
    assert {"position_side", "reduce_only"}.isdisjoint(spot)
    market(other, "buy", "0.1")
    deal = mine.push("deals_update")
    assert deal[2:8] == [PERP, resting["orderId"], "61000", "0.1", "0.61", "w"]
    assert deal[8:] == [1, 1, "USDT"]
    event, filled = mine.push("ordersPending_update")
    assert (event, filled["status"], filled["type"]) == (3, "FILLED", 7)
    (executed,) = mine.push("ordersExecuted_update")
    assert (executed["id"], executed["type"]) == (resting["orderId"], 7)
    limit(other, "sell", "61500", "0.1")
    market(rest, "buy", "0.1")
    event, taken = mine.push("ordersPending_update")
    assert (event, taken["type"], taken["reduce_only"]) == (3, 8, False)
    query = {"market": PERP, "order_types": [7]}
    records = mine.call("ordersExecuted_request", query, 0, 10)["records"]
    assert {record["type"] for record in records} == {7}
    assert records[0]["reduce_only"] is True
    listed = mine.call("ordersPending_request", PERP, 0, 10)
    assert listed["records"] == [trigger]


def test_both_legs_of_an_oco_are_events(
    mine: WsClient, rest: RestClient, other: RestClient
) -> None:
    trade(rest, other, "60000", "0.5")
    mine.call("ordersPending_subscribe", PERP)
    fields = {"market": PERP, "side": "sell", "amount": "0.5", "price": "61000"}
    pair = rest.ok(OCO, **fields, activation_price="59000", stop_limit_price="58900")
    events = [mine.push("ordersPending_update") for _ in range(2)]
    assert [(event, order["id"], order["type"]) for event, order in events] == [
        (1, pair["stop_loss"]["orderId"], 9),
        (1, pair["take_profit"]["orderId"], 7),
    ]
    limit(other, "buy", "61000", "0.5")
    ends = {order["id"]: (event, order["status"]) for event, order in (
        mine.push("ordersPending_update") for _ in range(2)
    )}  # fmt: skip
    assert ends == {
        pair["stop_loss"]["orderId"]: (3, "CANCELED"),
        pair["take_profit"]["orderId"]: (3, "FILLED"),
    }


def test_the_cadence_is_that_of_the_documents() -> None:
    clock = VirtualClock()
    with (
        Venue(traders=False, clock=clock) as venue,
        RestClient(venue, nonces=Nonces(clock)) as rest,
        WsClient(venue) as ws,
        WsClient(venue) as gone,
    ):
        for socket in (ws, gone):
            socket.authorize(rest)
            socket.call("balanceMargin_subscribe")
            socket.call("positionsMargin_subscribe")
        gone.sock.close()
        clock.advance(9.0)
        ws.call("ping")
        counts = Counter(push["method"] for push in ws.pushes)
        assert counts == {"balanceMargin_update": 6, "positionsMargin_update": 9}
