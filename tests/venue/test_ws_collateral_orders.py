"""Order entry over the WebSocket for margin and futures: what each method does and answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.venue.naive import RestClient
from tests.venue.order_socket import (
    MARKET,
    REPLY_KEYS,
    STOP_KEYS,
    CollateralSocket,
    order_venue,
    part,
    token_of,
)
from whitewire.venue import Venue

PERP = "BTC_PERP"
COLLATERAL_KEYS = [*REPLY_KEYS[:6], "reduce_only", "position_side", *REPLY_KEYS[6:]]
COLLATERAL_STOP_KEYS = [*COLLATERAL_KEYS[:10], *STOP_KEYS, *COLLATERAL_KEYS[10:]]


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with order_venue() as running:
        yield running


@pytest.fixture(scope="module")
def tokens(venue: Venue) -> list[str]:
    with RestClient(venue) as first, RestClient(venue, 1) as second:
        return [token_of(first), token_of(second)]


@pytest.fixture
def theirs(venue: Venue, tokens: list[str]) -> Iterator[CollateralSocket]:
    with CollateralSocket(venue, tokens[1]) as client:
        yield client
        client.cancel_all()


@pytest.fixture
def ws(venue: Venue, tokens: list[str], theirs: CollateralSocket) -> Iterator[CollateralSocket]:
    """The last trade was at 60000; nobody has a position or an order, before and after a test."""
    with CollateralSocket(venue, tokens[0]) as client:
        theirs.limit("sell", "60000", "0.001")
        client.limit("buy", "60000", "0.001")
        client.flatten(theirs)
        client.call("ordersPending_subscribe", PERP)
        yield client
        client.cancel_all()
        theirs.cancel_all()
        client.flatten(theirs)


# Placements


def test_a_limit_order_rests(ws: CollateralSocket) -> None:
    order = ws.limit("buy", "59000.50", client_order_id="p-1", post_only=True, stp="cb")
    assert list(order) == COLLATERAL_KEYS
    assert part(order, "market", "type", "side", "price", "amount", "left", "status") == [
        *(PERP, 7, 2, "59000.5", "0.1", "0.1", "OPEN"),
    ]
    flags = part(order, "post_only", "ioc", "reduce_only", "position_side", "stp")
    assert flags == [True, False, False, "BOTH", "cb"]
    event, pushed = ws.push("ordersPending_update")
    assert (event, pushed["id"], pushed["position_side"]) == (1, order["id"], "BOTH")


def test_a_margin_order_is_one_of_the_spot_market(ws: CollateralSocket) -> None:
    order = ws.limit("buy", "50000", market=MARKET)
    assert part(order, "market", "type", "position_side") == [MARKET, 7, "BOTH"]
    call = {"market": MARKET, "type": ["spot", "futures"]}
    assert ws.call("order_cancel_all", call) == {}
    assert ws.call("ordersPending_request", MARKET, 0, 10)["total"] == 1
    ended = ws.call("order_cancel", {"market": MARKET, "order_id": order["id"]})
    assert part(ended, "type", "status") == [7, "CANCELED"]


def test_a_market_order_is_sized_in_stock_on_a_buy_too(
    ws: CollateralSocket, theirs: CollateralSocket
) -> None:
    theirs.limit("sell", "60000", "1")
    order = ws.place("market", "buy", "0.5")
    assert list(order) == COLLATERAL_KEYS
    assert part(order, "type", "price", "amount", "deal_stock", "deal_money", "status") == [
        *(8, "0", "0.5", "0.5", "30000", "FILLED"),
    ]
    assert order["deal_fee"] == "10.5"


def test_a_reduce_only_order_shrinks_a_position(
    ws: CollateralSocket, theirs: CollateralSocket
) -> None:
    theirs.limit("sell", "60000", "0.3")
    ws.limit("buy", "60000", "0.3")
    theirs.limit("buy", "60000", "1")
    order = ws.place("market", "sell", "0.2", reduce_only=True)
    assert part(order, "reduce_only", "deal_stock", "status") == [True, "0.2", "FILLED"]


def test_flags_of_limit_orders(ws: CollateralSocket) -> None:
    rpi = ws.limit("buy", "59000", rpi=True, post_only=True)
    assert part(rpi, "status", "ioc") == ["OPEN", False]
    ioc = ws.limit("buy", "59000", ioc=True)
    assert part(ioc, "status", "ioc", "left") == ["CANCELED", True, "0.1"]


@pytest.mark.parametrize(
    ("kind", "fields", "type_code", "price"),
    [("stop_limit", {"price": "61500"}, 9, "61500"), ("stop_market", {}, 10, "0")],
)
def test_stops_wait_and_are_activated(
    ws: CollateralSocket,
    theirs: CollateralSocket,
    kind: str,
    fields: dict[str, str],
    type_code: int,
    price: str,
) -> None:
    order = ws.place(kind, "buy", "0.2", activation_price="61000", **fields)
    assert list(order) == COLLATERAL_STOP_KEYS
    assert part(order, "type", "price", "amount", "status", *STOP_KEYS) == [
        *(type_code, price, "0.2", "OPEN", "61000", "gte", 0),
    ]
    theirs.limit("sell", "61000", "0.201")
    theirs.limit("buy", "61000", "0.001")
    assert ws.pending(3) == [(1, order["id"], "OPEN")] * 2 + [(3, order["id"], "FILLED")]


def test_best_offer_orders(ws: CollateralSocket, theirs: CollateralSocket) -> None:
    theirs.limit("buy", "59990")
    theirs.limit("sell", "60010", "0.03")
    joined = ws.place("bbo", "buy", "0.1", bbo_role=1)
    assert part(joined, "type", "price", "post_only", "status") == [7, "59990", True, "OPEN"]
    taken = ws.place("bbo", "buy", "0.1", bbo_role=2, ioc=True)
    assert part(taken, "price", "post_only", "deal_stock", "status") == [
        *("60010", False, "0.03", "CANCELED"),
    ]


def test_a_stop_bbo_finds_its_price_at_its_activation(
    ws: CollateralSocket, theirs: CollateralSocket
) -> None:
    order = ws.place("stop_bbo", "buy", "0.2", activation_price="61000", bbo_role=1)
    assert part(order, "type", "price", "status", "activated") == [9, "0", "OPEN", 0]
    theirs.limit("buy", "60900")
    theirs.limit("sell", "61000", "0.001")
    theirs.place("market", "buy", "0.001")
    assert ws.pending(2) == [(1, order["id"], "OPEN")] * 2
    ended = ws.call("order_cancel", {"market": PERP, "order_id": order["id"]})
    assert part(ended, "price", "activated") == ["60900", 1]


def test_a_position_side_in_hedge_mode(
    venue: Venue, ws: CollateralSocket, theirs: CollateralSocket
) -> None:
    def hedge(*, on: bool) -> None:
        venue.call(lambda exchange: exchange.collateral.set_hedge_mode("a", on))

    hedge(on=True)
    assert ws.limit("buy", "59000", position_side="LONG")["position_side"] == "LONG"
    for side in ({}, {"position_side": "BOTH"}):
        call = {"market": PERP, "side": "buy", "amount": "0.1", "price": "59000", **side}
        refusal = (114, "position side does not match the user's setting")
        assert ws.error("collateral_order_limit_place", call) == refusal
    theirs.limit("sell", "60000", "0.1")
    ws.limit("buy", "60000", "0.1", position_side="LONG")
    call = {"market": PERP, "side": "sell", "amount": "0.2", "position_side": "LONG"}
    assert ws.error("collateral_order_market_place", call) == (
        *(115, "would open the opposite position"),
    )
    theirs.limit("buy", "60000", "0.1")
    assert ws.place("market", "sell", "0.1", position_side="LONG")["status"] == "FILLED"
    ws.cancel_all()
    hedge(on=False)


# Modify


def test_orders_against_collateral_are_modified(ws: CollateralSocket) -> None:
    old = ws.limit("buy", "59000", client_order_id="m-1", post_only=True, stp="cn")
    call = {"market": PERP, "client_order_id": "m-1", "price": "58000", "amount": "0.2"}
    new = ws.call("order_modify", call)
    assert list(new) == COLLATERAL_KEYS
    assert new["id"] > old["id"]
    assert part(new, "type", "price", "amount", "post_only", "stp", "position_side") == [
        *(7, "58000", "0.2", True, "cn", "BOTH"),
    ]


# Groups


def oco(**fields: Any) -> dict[str, Any]:
    return {
        "market": PERP,
        "side": "sell",
        "amount": "0.1",
        "price": "62000",
        "activation_price": "58000",
        "stop_limit_price": "57900",
        **fields,
    }


def oto(**fields: Any) -> dict[str, Any]:
    entry = {"market": PERP, "side": "buy", "amount": "0.1", "price": "60000"}
    return {
        "trigger_order_type": "margin_limit",
        "trigger_order": entry,
        "conditional_order_type": "margin_market_oco",
        "take_profit": "62000",
        "stop_loss": "58000",
        **fields,
    }


def test_an_oco_is_two_legs_under_consecutive_ids(ws: CollateralSocket) -> None:
    ids = {"limit_client_order_id": "take", "stop_client_order_id": "loss"}
    group = ws.call("collateral_order_oco_place", oco(**ids, stp="co"))
    assert list(group) == ["type", "id", "stop_loss", "take_profit"]
    assert group["type"] == "oco"
    stop, limit = group["stop_loss"], group["take_profit"]
    assert [stop["id"], limit["id"]] == [group["id"] + 1, group["id"] + 2]
    assert list(stop) == COLLATERAL_STOP_KEYS
    assert list(limit) == COLLATERAL_KEYS
    assert part(stop, "type", "side", "price", "activation_price", "client_order_id", "stp") == [
        *(9, 1, "57900", "58000", "loss", "co"),
    ]
    assert part(limit, "type", "side", "price", "client_order_id", "stp", "status") == [
        *(7, 1, "62000", "take", "co", "OPEN"),
    ]


def test_a_leg_of_an_oco_takes_the_other_with_it(
    ws: CollateralSocket, theirs: CollateralSocket
) -> None:
    group = ws.call("collateral_order_oco_place", oco())
    theirs.limit("buy", "62000", "0.1")
    events = ws.pending(4)[2:]
    assert sorted(events) == [
        (3, group["stop_loss"]["id"], "CANCELED"),
        (3, group["take_profit"]["id"], "FILLED"),
    ]


def test_a_group_is_cancelled_whole(ws: CollateralSocket) -> None:
    group = ws.call("collateral_order_oco_place", oco())
    call = {"market": PERP, "order_id": group["id"]}
    assert ws.error("order_cancel", call) == (6, "order not found")
    ended = ws.call("order_cancel_conditional", call)
    assert list(ended) == list(group)
    legs = [ended["stop_loss"], ended["take_profit"]]
    assert [leg["status"] for leg in legs] == ["CANCELED"] * 2
    assert legs[0]["mtime"] == legs[1]["mtime"]
    assert ws.error("order_cancel_conditional", call) == (6, "order not found")


def test_only_groups_are_cancelled_as_such(ws: CollateralSocket) -> None:
    stop = ws.place("stop_market", "buy", "0.2", activation_price="61000")
    group = ws.call("collateral_order_oco_place", oco())
    for order_id in (stop["id"], group["stop_loss"]["id"]):
        call = {"market": PERP, "order_id": order_id}
        assert ws.error("order_cancel_conditional", call) == (6, "order not found")
    elsewhere = {"market": MARKET, "order_id": group["id"]}
    assert ws.error("order_cancel_conditional", elsewhere) == (6, "order not found")


def test_legs_cannot_be_modified(ws: CollateralSocket) -> None:
    group = ws.call("collateral_order_oco_place", oco())
    for leg in ("stop_loss", "take_profit"):
        call = {"market": PERP, "order_id": group[leg]["id"], "amount": "0.2"}
        assert ws.error("order_modify", call) == (155, "conditional order modification")


def test_an_oto_places_its_exits_once_its_entry_has_filled(
    ws: CollateralSocket, theirs: CollateralSocket
) -> None:
    group = ws.call("collateral_order_oto_place", oto())
    assert list(group) == [
        *("type", "id", "conditional_order_type", "take_profit_price", "stop_loss_price"),
        "trigger_order",
    ]
    entry = group["trigger_order"]
    assert part(group, "type", "conditional_order_type") == ["oto", "margin_market_oco"]
    assert part(group, "take_profit_price", "stop_loss_price") == ["62000", "58000"]
    assert entry["id"] == group["id"] + 1
    assert list(entry) == COLLATERAL_KEYS
    assert ws.pending(1) == [(1, entry["id"], "OPEN")]
    theirs.limit("sell", "60000", "0.1")
    ended, *exits = (ws.push("ordersPending_update") for _ in range(3))
    assert (ended[0], ended[1]["id"], ended[1]["status"]) == (3, entry["id"], "FILLED")
    found = [(event, *part(order, "type", "side", "activation_price")) for event, order in exits]
    assert found == [(1, 10, 1, "58000"), (1, 10, 1, "62000")]
    assert exits[0][1]["reduce_only"]


@pytest.mark.parametrize(
    ("kind", "exits"),
    [
        ("margin_take_profit", ("62000", None)),
        ("margin_limit", ("62000", None)),
        ("margin_stop_loss", (None, "58000")),
        ("margin_stop_limit", (None, "58000")),
    ],
)
def test_an_oto_can_have_one_exit(
    ws: CollateralSocket, kind: str, exits: tuple[str | None, str | None]
) -> None:
    prices = dict(zip(("take_profit", "stop_loss"), exits, strict=True))
    group = ws.call("collateral_order_oto_place", oto(conditional_order_type=kind, **prices))
    assert part(group, "conditional_order_type", "take_profit_price", "stop_loss_price") == [
        *(kind, *exits),
    ]


@pytest.mark.parametrize(
    ("kind", "change", "type_code"),
    [
        ("margin_stop_limit", {"activation_price": "61000"}, 9),
        ("margin_stop_market", {"activation_price": "61000"}, 10),
        ("margin_bbo", {"bbo_role": 1}, 7),
        ("margin_stop_bbo", {"activation_price": "61000", "bbo_role": 2}, 9),
    ],
)
def test_an_oto_can_have_any_entry(
    ws: CollateralSocket,
    theirs: CollateralSocket,
    kind: str,
    change: dict[str, Any],
    type_code: int,
) -> None:
    theirs.limit("buy", "59990")
    entry = {**oto()["trigger_order"], **change}
    group = ws.call("collateral_order_oto_place", oto(trigger_order_type=kind, trigger_order=entry))
    assert part(group["trigger_order"], "type", "status") == [type_code, "OPEN"]
    call = {"market": PERP, "order_id": group["id"]}
    ended = ws.call("order_cancel_conditional", call)
    assert part(ended, "type", "id", "conditional_order_type") == [
        *("oto", group["id"], "margin_market_oco"),
    ]
    assert ended["trigger_order"]["status"] == "CANCELED"


def test_an_oto_with_a_market_entry(ws: CollateralSocket, theirs: CollateralSocket) -> None:
    theirs.limit("sell", "60000", "0.1")
    group = ws.call("collateral_order_oto_place", oto(trigger_order_type="margin_market"))
    assert part(group["trigger_order"], "type", "status") == [8, "FILLED"]
    assert [event for event, *_ in ws.pending(3)] == [3, 1, 1]


def test_exits_for_a_position(ws: CollateralSocket, theirs: CollateralSocket) -> None:
    theirs.limit("sell", "60000", "0.1")
    ws.limit("buy", "60000", "0.1")
    prices = {"take_profit_activation_price": "62000", "stop_loss_activation_price": "58000"}
    pair = ws.call("collateral_order_tpsl_place", {"market": PERP, **prices})
    assert list(pair) == ["take_profit", "stop_loss"]
    for name, price in (("take_profit", "62000"), ("stop_loss", "58000")):
        assert list(pair[name]) == COLLATERAL_STOP_KEYS
        assert part(pair[name], "type", "side", "amount", "price", "activation_price") == [
            *(10, 1, "0", "0", price),
        ]
        call = {"market": PERP, "order_id": pair[name]["id"], "activation_price": "57000"}
        assert ws.error("order_modify", call) == (160, "tpsl order modification")
        call = {"market": PERP, "order_id": pair[name]["id"]}
        assert ws.error("order_cancel_conditional", call) == (6, "order not found")
        assert ws.call("order_cancel", call)["status"] == "CANCELED"


def test_one_exit_for_a_position(ws: CollateralSocket, theirs: CollateralSocket) -> None:
    theirs.limit("buy", "60000", "0.1")
    ws.limit("sell", "60000", "0.1")
    call = {"market": PERP, "stop_loss_activation_price": "62000"}
    pair = ws.call("collateral_order_tpsl_place", call)
    assert pair["take_profit"] is None
    assert part(pair["stop_loss"], "side", "activation_condition") == [2, "gte"]
