"""Modify and cancel over the WebSocket, and its orders beside those of REST."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.venue.naive import RestClient
from tests.venue.order_socket import (
    MARKET,
    REPLY_KEYS,
    OrderSocket,
    order_venue,
    part,
    token_of,
    trade,
)
from whitewire.venue import Venue


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


# Modify


def modify(ws: OrderSocket, **fields: Any) -> Any:
    return ws.call("order_modify", {"market": MARKET, **fields})


def test_a_modify_makes_a_new_order_and_keeps_what_it_does_not_name(ws: OrderSocket) -> None:
    old = ws.limit("buy", "60000", client_order_id="m", post_only=True, stp="co")
    new = modify(ws, order_id=old["id"], price="59000")
    assert list(new) == REPLY_KEYS
    assert new["id"] > old["id"]
    assert new["ctime"] > old["ctime"]
    assert part(new, "price", "amount", "client_order_id", "post_only", "stp", "status") == [
        *("59000", "0.1", "m", True, "co", "OPEN"),
    ]
    assert ws.pending(3) == [
        *((1, old["id"], "OPEN"), (3, old["id"], "CANCELED"), (1, new["id"], "OPEN")),
    ]


def test_a_modify_finds_the_order_by_its_client_id_even_beside_an_id(ws: OrderSocket) -> None:
    named = ws.limit("buy", "60000", client_order_id="m-2")
    bystander = ws.limit("buy", "60000")
    first = modify(ws, client_order_id="m-2", amount="0.2")
    assert (first["client_order_id"], first["amount"]) == ("m-2", "0.2")
    second = modify(ws, client_order_id="m-2", order_id=bystander["id"], price="50000")
    assert (second["client_order_id"], second["price"]) == ("m-2", "50000")
    assert [event for event in ws.pending(6) if event[0] == 3] == [
        *((3, named["id"], "CANCELED"), (3, first["id"], "CANCELED")),
    ]


def test_an_amount_is_the_size_of_the_replacement(ws: OrderSocket, theirs: OrderSocket) -> None:
    old = ws.limit("buy", "60000", "0.1")
    theirs.limit("sell", "60000", "0.04")
    new = modify(ws, order_id=old["id"], amount="0.5")
    assert part(new, "amount", "left", "deal_stock", "status") == ["0.5", "0.5", "0", "OPEN"]


def test_stops_are_modified(ws: OrderSocket, theirs: OrderSocket) -> None:
    trade(ws, theirs, "60000")
    stop = ws.place("stop_market", "buy", "600", activation_price="61000")
    moved = modify(ws, order_id=stop["id"], activation_price="62000", total="700")
    assert part(moved, "activation_price", "amount", "type") == ["62000", "700", 4]


def test_a_refused_replacement_leaves_the_order(ws: OrderSocket, theirs: OrderSocket) -> None:
    order = ws.limit("buy", "60000", post_only=True, client_order_id="m-3")
    theirs.limit("sell", "60010")
    call = {"market": MARKET, "order_id": order["id"], "price": "60010"}
    assert ws.error("order_modify", call) == (13, "order by taker price")
    records = ws.call("ordersPending_request", MARKET, 0, 10)["records"]
    assert [part(record, "id", "price") for record in records] == [[order["id"], "60000"]]


# Cancels


def test_a_cancel_answers_the_order_as_it_ended(ws: OrderSocket, theirs: OrderSocket) -> None:
    order = ws.limit("buy", "60000", "0.1")
    theirs.limit("sell", "60000", "0.04")
    ended = ws.call("order_cancel", {"market": MARKET, "order_id": order["id"]})
    assert list(ended) == REPLY_KEYS
    assert part(ended, "id", "status", "left", "deal_stock", "ctime") == [
        *(order["id"], "CANCELED", "0.06", "0.04", order["ctime"]),
    ]
    assert ended["mtime"] > order["ctime"]
    assert ws.pending(3)[-1] == (3, order["id"], "CANCELED")


def test_in_a_cancel_the_client_id_wins(ws: OrderSocket) -> None:
    named = ws.limit("buy", "60000", client_order_id="c-1")
    bystander = ws.limit("buy", "60000")
    both = {"market": MARKET, "order_id": bystander["id"], "client_order_id": "c-1"}
    assert ws.call("order_cancel", both)["id"] == named["id"]
    assert ws.error("order_cancel", both) == (6, "order not found")
    empty = {**both, "client_order_id": ""}
    assert ws.call("order_cancel", empty)["id"] == bystander["id"]


def test_cancel_all_answers_nothing_and_cancels_before_it(ws: OrderSocket) -> None:
    ids = [ws.limit("buy", "60000")["id"] for _ in range(2)]
    call = {"market": MARKET, "type": ["spot", "margin", "futures"]}
    assert ws.call("order_cancel_all", call) == {}
    assert ws.call("ordersPending_request", MARKET, 0, 10)["total"] == 0
    assert ws.pending(4)[2:] == [(3, order_id, "CANCELED") for order_id in ids]
    assert ws.call("order_cancel_all", call) == {}


def test_cancel_all_spares_other_kinds_and_markets(ws: OrderSocket) -> None:
    ws.limit("buy", "60000")
    assert ws.call("order_cancel_all", {"market": MARKET, "type": ["futures", "margin"]}) == {}
    assert ws.call("order_cancel_all", {"market": "ETH_USDT", "type": ["spot"]}) == {}
    assert ws.call("ordersPending_request", MARKET, 0, 10)["total"] == 1


def test_cancel_all_ends_waiting_stops(ws: OrderSocket, theirs: OrderSocket) -> None:
    trade(ws, theirs, "60000")
    ws.place("stop_market", "buy", "600", activation_price="61000")
    assert ws.call("order_cancel_all", {"market": MARKET, "type": ["spot"]}) == {}
    assert ws.call("ordersPending_request", MARKET, 0, 10)["total"] == 0


def test_an_order_is_no_group(ws: OrderSocket) -> None:
    order = ws.limit("buy", "60000")
    call = {"market": MARKET, "order_id": order["id"]}
    assert ws.error("order_cancel_conditional", call) == (6, "order not found")
    assert ws.error("order_cancel_conditional", {"market": MARKET, "order_id": "7"})[0] == 1
    assert ws.error("order_cancel_conditional", {"market": MARKET})[0] == 1


def test_cancels_work_on_a_futures_market_too(ws: OrderSocket) -> None:
    call = {"market": "BTC_PERP", "order_id": 7}
    assert ws.error("order_cancel", call) == (6, "order not found")
    assert ws.call("order_cancel_all", {"market": "BTC_PERP", "type": ["futures"]}) == {}


# Beside REST


def test_an_order_of_the_socket_is_one_of_rest(ws: OrderSocket, rest: RestClient) -> None:
    order = ws.limit("buy", "60000", client_order_id="both-1")
    (found,) = rest.ok("orders", market=MARKET)
    assert part(found, "orderId", "clientOrderId", "price") == [order["id"], "both-1", "60000"]
    changed = rest.ok("order/modify", market=MARKET, clientOrderId="both-1", price="59000")
    ended = rest.ok("order/cancel", market=MARKET, orderId=changed["orderId"])
    assert ended["status"] == "CANCELED"
    call = {"market": MARKET, "client_order_id": "both-1"}
    assert ws.error("order_cancel", call) == (6, "order not found")
    assert [event for event, *_ in ws.pending(4)] == [1, 3, 1, 3]


def test_an_order_of_rest_is_one_of_the_socket(ws: OrderSocket, rest: RestClient) -> None:
    order = rest.limit("buy", "60000", stp="cb", retail=True)
    changed = modify(ws, order_id=order["orderId"], price="59000")
    assert changed["stp"] == "cb"
    assert ws.call("order_cancel", {"market": MARKET, "order_id": changed["id"]})["id"] > 0
    status, body = rest.post("order/cancel", market=MARKET, orderId=changed["id"])
    assert (status, body["code"]) == (400, 2)


def test_client_ids_are_one_namespace(ws: OrderSocket, rest: RestClient) -> None:
    rest.limit("buy", "60000", clientOrderId="one")
    call = {"market": MARKET, "side": "buy", "amount": "0.1", "price": "60000"}
    taken = (43, "client order id already exists")
    assert ws.error("order_limit_place", {**call, "client_order_id": "one"}) == taken
    ws.limit("buy", "60000", client_order_id="two")
    status, body = rest.post("order/new", **call, clientOrderId="two")
    assert (status, body["code"]) == (422, 36)


def test_orders_of_a_socket_are_pushed_on_every_channel(
    ws: OrderSocket, theirs: OrderSocket
) -> None:
    ws.call("deals_subscribe", [MARKET])
    ws.call("ordersExecuted_subscribe", [MARKET], 0)
    ws.call("balanceSpot_subscribe")
    theirs.limit("sell", "60000", "0.1")
    order = ws.limit("buy", "60000", "0.1")
    assert ws.push("deals_update")[3] == order["id"]
    assert ws.push("ordersExecuted_update")[0]["status"] == "FILLED"
    assert ws.pending(1) == [(3, order["id"], "FILLED")]
    assert set(ws.push("balanceSpot_update")[0]) == {"BTC", "USDT"}


def test_orders_outlive_their_socket(
    venue: Venue, tokens: list[str], ws: OrderSocket, rest: RestClient
) -> None:
    with OrderSocket(venue, tokens[0]) as second:
        order = second.limit("buy", "60000")
    assert ws.pending(1) == [(1, order["id"], "OPEN")]
    assert [found["orderId"] for found in rest.ok("orders", market=MARKET)] == [order["id"]]
