"""Order entry over the WebSocket: what each placement does and answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from tests.venue.naive import RestClient, WsClient
from tests.venue.order_socket import (
    MARKET,
    REPLY_KEYS,
    STOP_KEYS,
    STOP_REPLY_KEYS,
    OrderSocket,
    order_venue,
    part,
    token_of,
    trade,
)
from whitewire.venue import Venue, WireOptions
from whitewire.venue.options import PushOrder, ServiceModel


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with order_venue() as running:
        yield running


@pytest.fixture(scope="module")
def tokens(venue: Venue) -> list[str]:
    with RestClient(venue) as first, RestClient(venue, 1) as second:
        return [token_of(first), token_of(second)]


@pytest.fixture
def ws(venue: Venue, tokens: list[str], rest: RestClient) -> Iterator[OrderSocket]:
    """The first account's; the account is the one of `rest`."""
    with OrderSocket(venue, tokens[0]) as client:
        client.call("ordersPending_subscribe", MARKET)
        yield client


@pytest.fixture
def theirs(venue: Venue, tokens: list[str], other: RestClient) -> Iterator[OrderSocket]:
    """The second account's; the account is the one of `other`."""
    with OrderSocket(venue, tokens[1]) as client:
        yield client


# Placements


def test_a_limit_order_rests(ws: OrderSocket) -> None:
    order = ws.limit("buy", "60000.50", "0.010", client_order_id="q-7", post_only=True, stp="cn")
    assert list(order) == REPLY_KEYS
    expected = {
        "market": MARKET,
        "type": 1,
        "side": 2,
        "post_only": True,
        "ioc": False,
        "price": "60000.5",
        "amount": "0.01",
        "left": "0.01",
        "deal_stock": "0",
        "deal_money": "0",
        "deal_fee": "0",
        "client_order_id": "q-7",
        "stp": "cn",
        "status": "OPEN",
    }
    assert {key: order[key] for key in expected} == expected
    assert type(order["id"]) is int
    assert order["ctime"] == order["mtime"]
    assert type(order["ctime"]) is float
    assert ws.pending(1) == [(1, order["id"], "OPEN")]


def test_a_reply_is_in_the_captured_style(ws: OrderSocket) -> None:
    order = ws.limit("sell", "70000")
    text = next(text for text in ws.texts if text.startswith('{"error": null, "result": {"id"'))
    assert text.startswith(f'{{"error": null, "result": {{"id": {order["id"]}, "market": "BTC_')
    assert '"client_order_id": "", "stp": "no", "status": "OPEN"}, "id": ' in text


def test_long_prevention_names_are_answered_short(ws: OrderSocket) -> None:
    assert ws.limit("buy", "100", stp="cancel_both")["stp"] == "cb"


def test_a_limit_order_that_matches_answers_its_state(ws: OrderSocket, theirs: OrderSocket) -> None:
    theirs.limit("sell", "60000", "0.1")
    filled = ws.limit("buy", "60001", "0.05")
    assert part(filled, "status", "left", "deal_stock", "deal_money", "deal_fee", "price") == [
        *("FILLED", "0", "0.05", "3000", "0.00005", "60001"),
    ]
    partly = ws.limit("buy", "60001", "0.2")
    assert part(partly, "status", "left", "deal_stock") == ["PARTIALLY_FILLED", "0.15", "0.05"]
    assert ws.pending(2) == [
        (3, filled["id"], "FILLED"),
        (1, partly["id"], "PARTIALLY_FILLED"),
    ]


def test_an_ioc_order_never_rests(ws: OrderSocket, theirs: OrderSocket) -> None:
    nothing = ws.limit("buy", "60000", ioc=True)
    assert part(nothing, "ioc", "status", "left", "deal_stock") == [True, "CANCELED", "0.1", "0"]
    theirs.limit("sell", "60000", "0.03")
    some = ws.limit("buy", "60000", ioc=True)
    assert part(some, "status", "left", "deal_stock") == ["CANCELED", "0.07", "0.03"]


def test_an_rpi_order_is_seen_by_its_owner_only(
    ws: OrderSocket, theirs: OrderSocket, other: RestClient
) -> None:
    order = ws.limit("sell", "60000", rpi=True, post_only=True)
    event, pushed = ws.push("ordersPending_update")
    assert (event, pushed["id"], pushed["rpi"]) == (1, order["id"], True)
    assert "rpi" not in order
    assert theirs.limit("buy", "60000")["status"] == "OPEN"
    taken = other.limit("buy", "60001", "0.1", retail=True)
    assert taken["status"] == "FILLED"


@pytest.mark.parametrize(("mode", "status"), [("cn", "CANCELED_STP"), ("cb", "CANCELED_STP")])
def test_self_trade_prevention_on_arrival_is_a_result(
    ws: OrderSocket, mode: str, status: str
) -> None:
    ws.limit("sell", "60000")
    assert ws.limit("buy", "60000", stp=mode)["status"] == status


def test_a_market_order_is_sized_in_money_on_a_buy(ws: OrderSocket, theirs: OrderSocket) -> None:
    theirs.limit("sell", "60000", "1")
    order = ws.place("market", "buy", "600", client_order_id="m-1")
    assert list(order) == REPLY_KEYS
    assert part(order, "type", "price", "amount", "left", "deal_stock", "deal_money", "status") == [
        *(2, "0", "600", "0", "0.01", "600", "FILLED"),
    ]
    assert order["client_order_id"] == "m-1"
    assert ws.pending(1) == [(3, order["id"], "FILLED")]


def test_a_market_order_is_sized_in_stock_on_a_sell(ws: OrderSocket, theirs: OrderSocket) -> None:
    theirs.limit("buy", "60000", "1")
    order = ws.place("market", "sell", "0.02")
    assert part(order, "side", "amount", "deal_money", "deal_fee", "status") == [
        *(1, "0.02", "1200", "1.2", "FILLED"),
    ]


@pytest.mark.parametrize(("side", "opposite"), [("buy", "sell"), ("sell", "buy")])
def test_a_stock_market_order_is_sized_in_stock(
    ws: OrderSocket, theirs: OrderSocket, side: str, opposite: str
) -> None:
    theirs.limit(opposite, "60000", "1")
    order = ws.place("market_stock", side, "0.02")
    assert part(order, "type", "amount", "deal_stock", "price", "status") == [
        *(202, "0.02", "0.02", "0", "FILLED"),
    ]


def test_a_stop_limit_waits_and_is_activated(ws: OrderSocket, theirs: OrderSocket) -> None:
    trade(ws, theirs, "60000")
    order = ws.place("stop_limit", "buy", "0.02", activation_price="61000.0", price="61500")
    assert list(order) == STOP_REPLY_KEYS
    assert part(order, "type", "price", "left", "status", *STOP_KEYS) == [
        *(3, "61500", "0.02", "OPEN", "61000", "gte", 0),
    ]
    theirs.limit("sell", "61000")
    theirs.limit("buy", "61000")
    assert ws.pending(2) == [(1, order["id"], "OPEN")] * 2
    assert ws.call("order_cancel", {"market": MARKET, "order_id": order["id"]})["activated"] == 1


@pytest.mark.parametrize(
    ("side", "amount", "trigger", "condition"),
    [("buy", "600", "61000", "gte"), ("sell", "0.01", "59000", "lte")],
)
def test_a_stop_market_has_no_price(
    ws: OrderSocket,
    theirs: OrderSocket,
    side: str,
    amount: str,
    trigger: str,
    condition: str,
) -> None:
    trade(ws, theirs, "60000")
    order = ws.place("stop_market", side, amount, activation_price=trigger)
    assert part(order, "type", "price", "amount", "status", *STOP_KEYS) == [
        *(4, "0", amount, "OPEN", trigger, condition, 0),
    ]


@pytest.mark.parametrize(("side", "trigger"), [("buy", "61000"), ("sell", "59000")])
def test_a_stock_stop_market_is_sized_in_stock(
    ws: OrderSocket, theirs: OrderSocket, side: str, trigger: str
) -> None:
    trade(ws, theirs, "60000")
    order = ws.place("stop_market_stock", side, "0.02", activation_price=trigger)
    assert list(order) == STOP_REPLY_KEYS
    assert part(order, "type", "price", "amount", "left", "status", "activated") == [
        *(203, "0", "0.02", "0.02", "OPEN", 0),
    ]
    theirs.limit("buy" if side == "sell" else "sell", trigger, "0.1")
    theirs.limit(side, trigger, "0.01")
    assert ws.pending(3) == [(1, order["id"], "OPEN")] * 2 + [(3, order["id"], "FILLED")]


def test_bbo_role_1_joins_its_own_side_and_posts(ws: OrderSocket, theirs: OrderSocket) -> None:
    theirs.limit("buy", "60000")
    theirs.limit("sell", "60010")
    for fields in ({}, {"post_only": True}):
        order = ws.place("bbo", "buy", "0.1", bbo_role=1, **fields)
        assert part(order, "type", "price", "post_only", "ioc", "status") == [
            *(1, "60000", True, False, "OPEN"),
        ]
    assert list(order) == REPLY_KEYS


def test_bbo_role_2_takes_the_other_side(ws: OrderSocket, theirs: OrderSocket) -> None:
    theirs.limit("sell", "60010", "0.03")
    order = ws.place("bbo", "buy", "0.1", bbo_role=2, ioc=True)
    assert part(order, "price", "post_only", "ioc", "status", "deal_stock") == [
        *("60010", False, True, "CANCELED", "0.03"),
    ]
    theirs.limit("sell", "60010", "0.03")
    resting = ws.place("bbo", "buy", "0.1", bbo_role=2)
    assert part(resting, "status", "left") == ["PARTIALLY_FILLED", "0.07"]


@pytest.mark.parametrize(
    ("role", "price", "status"), [(1, "60900", "OPEN"), (2, "61100", "FILLED")]
)
def test_a_stop_bbo_finds_its_price_at_its_activation(
    ws: OrderSocket, theirs: OrderSocket, role: int, price: str, status: str
) -> None:
    trade(ws, theirs, "60000")
    order = ws.place("stop_bbo", "buy", "0.02", activation_price="61000", bbo_role=role)
    assert list(order) == STOP_REPLY_KEYS
    assert part(order, "type", "price", "post_only", "ioc", "status", *STOP_KEYS) == [
        *(3, "0", False, False, "OPEN", "61000", "gte", 0),
    ]
    theirs.limit("buy", "60900")
    theirs.limit("sell", "61100")
    theirs.limit("sell", "61000")
    theirs.limit("buy", "61000")
    ws.pending(2)
    if status == "FILLED":
        assert ws.pending(1) == [(3, order["id"], "FILLED")]
    else:
        ended = ws.call("order_cancel", {"market": MARKET, "order_id": order["id"]})
        assert part(ended, "price", "activated") == [price, 1]


def test_a_stop_bbo_without_a_quote_is_dropped(ws: OrderSocket, theirs: OrderSocket) -> None:
    trade(ws, theirs, "60000")
    order = ws.place("stop_bbo", "buy", "0.02", activation_price="61000", bbo_role=1)
    theirs.limit("sell", "61000", "0.1")
    theirs.place("market_stock", "buy", "0.1")
    assert ws.pending(3) == [(1, order["id"], "OPEN")] * 2 + [(3, order["id"], "CANCELED")]


def test_unknown_fields_are_ignored_and_null_is_absent(ws: OrderSocket) -> None:
    order = ws.limit("buy", "100", unheard_of=[1], stp=None, client_order_id=None, ioc=None)
    assert part(order, "stp", "client_order_id", "ioc") == ["no", "", False]


def test_every_order_method_needs_authorization(venue: Venue) -> None:
    with WsClient(venue) as stranger:
        for method in ("order_limit_place", "order_cancel", "order_cancel_all", "order_modify"):
            reply = stranger.request(method, [{}])
            assert reply["error"] == {"code": 6, "message": "require authentication"}


# Options


@pytest.mark.parametrize(("push_order", "is_first"), [("before", False), ("after", True)])
def test_a_reply_comes_before_its_pushes_or_after_them(push_order: str, is_first: bool) -> None:
    with (
        order_venue(WireOptions(push_order=PushOrder(push_order))) as venue,
        RestClient(venue) as rest,
        OrderSocket(venue, token_of(rest)) as ws,
    ):
        ws.call("ordersPending_subscribe", MARKET)
        for _ in range(5):
            ws.limit("buy", "100")
            assert len(ws.pushes) == (0 if is_first else 1)
            ws.pending(1)


def place_five(ws: OrderSocket, turn: int) -> float:
    """How long five orders sent at once take, ms; a ping behind them is answered at once."""
    begun = time.monotonic()
    fields = {"market": MARKET, "side": "buy", "amount": "0.1", "price": "100"}
    first = 10 * turn + 100
    for number in range(first, first + 5):
        ws.send(json.dumps({"id": number, "method": "order_limit_place", "params": [fields]}))
    ws.send(json.dumps({"id": first + 9, "method": "ping", "params": []}))
    assert [ws.message()["id"] for _ in range(6)] == [first + 9, *range(first, first + 5)]
    return (time.monotonic() - begun) * 1_000


@pytest.mark.parametrize(
    ("model", "least_ms", "most_ms"),
    [(ServiceModel.SERIAL, 90, 1_000), (ServiceModel.CONCURRENT, 18, 89)],
)
def test_service_time_is_modelled_for_orders_and_nothing_else_waits(
    model: ServiceModel, least_ms: float, most_ms: float
) -> None:
    with (
        order_venue(WireOptions(service_us=20_000, service_model=model)) as venue,
        RestClient(venue) as rest,
        OrderSocket(venue, token_of(rest)) as ws,
    ):
        took_ms = min(place_five(ws, turn) for turn in range(3))
        assert least_ms <= took_ms <= most_ms


def test_numbers_and_the_grid_can_be_treated_otherwise() -> None:
    with (
        order_venue(WireOptions(ws_takes_numbers=True, ws_off_grid_code=11)) as venue,
        RestClient(venue) as rest,
        OrderSocket(venue, token_of(rest)) as ws,
    ):
        call = {"market": MARKET, "side": "buy", "amount": 1, "price": 100.5}
        order = ws.call("order_limit_place", call)
        assert part(order, "amount", "price") == ["1", "100.5"]
        for wrong in (True, 0, -1.5):
            refusal = (1, "invalid argument")
            assert ws.error("order_limit_place", {**call, "price": wrong}) == refusal
        off = {**call, "price": "100.001"}
        assert ws.error("order_limit_place", off) == (11, "amount too small")


def test_a_reply_can_have_the_members_of_a_push() -> None:
    with (
        order_venue(WireOptions(ws_reply_flags=True, ws_modify_keeps_stp=False)) as venue,
        RestClient(venue) as rest,
        OrderSocket(venue, token_of(rest)) as ws,
    ):
        order = ws.limit("buy", "100", rpi=True, stp="cn")
        assert list(order) == [*REPLY_KEYS, "rpi", "fee_asset"]
        assert part(order, "rpi", "fee_asset", "stp") == [True, "BTC", "cn"]
        call = {"market": MARKET, "order_id": order["id"], "price": "101"}
        assert ws.call("order_modify", call)["stp"] == "no"
