"""Every refusal of the order methods for margin and futures, by number and text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.venue.naive import RestClient
from tests.venue.order_socket import PERP, CollateralSocket, order_venue, token_of
from whitewire.venue import Venue

SPOT_ALONE = "DBTC_DUSDT"
MARGIN = "BTC_USDT"
ORDER = {"market": PERP, "side": "buy", "amount": "0.1"}
LIMIT = {**ORDER, "price": "59000"}
STOP = {**ORDER, "activation_price": "61000"}
OCO = {**LIMIT, "side": "sell", "price": "62000", "activation_price": "58000"}
OCO = {**OCO, "stop_limit_price": "57900"}
OTO = {
    "trigger_order_type": "margin_limit",
    "trigger_order": LIMIT,
    "conditional_order_type": "margin_market_oco",
    "take_profit": "62000",
    "stop_loss": "58000",
}
TPSL = {"market": PERP, "stop_loss_activation_price": "58000"}
CALLS: dict[str, dict[str, Any]] = {
    "limit": LIMIT,
    "market": ORDER,
    "stop_limit": {**STOP, "price": "61500"},
    "stop_market": STOP,
    "bbo": {**ORDER, "bbo_role": 1},
    "stop_bbo": {**STOP, "bbo_role": 1},
    "oco": OCO,
}
INVALID = "invalid argument"
REDUCED = (116, "margin order with reduce only is rejected")


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with order_venue() as running:
        yield running


@pytest.fixture(scope="module")
def sockets(venue: Venue) -> Iterator[list[CollateralSocket]]:
    clients = []
    for number in range(3):
        with RestClient(venue, number) as rest:
            clients.append(CollateralSocket(venue, token_of(rest)))
    clients[1].limit("sell", "60000", "0.001")
    clients[0].limit("buy", "60000", "0.001")
    clients[0].flatten(clients[1])
    yield clients
    for client in clients:
        client.sock.close()


@pytest.fixture
def theirs(sockets: list[CollateralSocket]) -> CollateralSocket:
    return sockets[1]


@pytest.fixture
def ws(sockets: list[CollateralSocket]) -> Iterator[CollateralSocket]:
    """The last trade was at 60000; there are neither orders nor positions."""
    yield sockets[0]
    for client in sockets:
        client.cancel_all()
    sockets[0].flatten(sockets[1])


def error(ws: CollateralSocket, kind: str, call: dict[str, Any]) -> tuple[int, str]:
    return ws.error(f"collateral_order_{kind}_place", call)


# Parameters


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"market": None}, 1, "market is required"),
        ({"market": "X_Y"}, 1, "market does not exist"),
        ({"market": SPOT_ALONE}, 19, "market is not margin market"),
        ({"side": "hold"}, 1, "side is invalid"),
        ({"amount": None}, 1, "amount is required"),
        ({"amount": "0.0001"}, 1, "amount: precision is greater than 3"),
        ({"amount": 1}, 1, INVALID),
        ({"stp": "all"}, 1, "stp is invalid"),
        ({"reduce_only": 1}, 1, INVALID),
        ({"position_side": "long"}, 1, INVALID),
        ({"position_side": 7}, 1, INVALID),
        (
            *({"market": MARGIN, "position_side": "LONG"}, 1),
            "position side can be used only with futures market",
        ),
    ],
)
def test_fields_of_every_placement(
    ws: CollateralSocket, kind: str, change: dict[str, Any], code: int, text: str
) -> None:
    assert error(ws, kind, {**CALLS[kind], **change}) == (code, text)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("limit", "price"),
        ("stop_limit", "price"),
        ("stop_limit", "activation_price"),
        ("stop_market", "activation_price"),
        ("stop_bbo", "activation_price"),
        ("oco", "price"),
        ("oco", "activation_price"),
        ("oco", "stop_limit_price"),
    ],
)
def test_prices_that_a_method_needs(ws: CollateralSocket, kind: str, key: str) -> None:
    assert error(ws, kind, {**CALLS[kind], key: None}) == (1, f"{key} is required")
    for wrong in (60000, "x", "0", "60000.01"):
        assert error(ws, kind, {**CALLS[kind], key: wrong}) == (1, INVALID)


@pytest.mark.parametrize(
    ("kind", "flags", "text"),
    [
        (
            *("limit", {"ioc": True, "post_only": True}),
            "flags: ioc=1 and post_only=1 can't be combined",
        ),
        ("limit", {"ioc": True, "rpi": True}, "flags: ioc=1 and rpi=1 can't be combined"),
        ("bbo", {"bbo_role": 2, "post_only": True}, "wrong flags combination"),
        ("bbo", {"bbo_role": 1, "ioc": True}, "wrong flags combination"),
        ("bbo", {"bbo_role": 3}, "bbo role must be an integer in range 1..2"),
        ("stop_bbo", {"bbo_role": None}, "bbo role must be an integer in range 1..2"),
        (
            *("oco", {"limit_client_order_id": "x", "stop_client_order_id": "x"}),
            "limit_client_order_id and stop_client_order_id cannot be equal",
        ),
    ],
)
def test_flags_and_ids(ws: CollateralSocket, kind: str, flags: dict[str, Any], text: str) -> None:
    assert error(ws, kind, {**CALLS[kind], **flags}) == (1, text)


BOTH = "take_profit and stop_loss are required"


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"trigger_order": None}, 1, INVALID),
        ({"trigger_order": [LIMIT]}, 1, INVALID),
        ({"trigger_order": {**LIMIT, "market": None}}, 1, "market is required"),
        ({"trigger_order": {**LIMIT, "market": SPOT_ALONE}}, 19, "market is not margin market"),
        ({"trigger_order": {**LIMIT, "price": None}}, 1, "price is required"),
        (
            *({"trigger_order": {**LIMIT, "rpi": True}}, 1),
            "flags: rpi=1 can't be set for trigger in oto",
        ),
        ({"trigger_order": {**LIMIT, "reduce_only": True}}, 1, INVALID),
        ({"trigger_order_type": None}, 1, "unknown order type"),
        ({"trigger_order_type": "limit"}, 201, "unknown trigger order type"),
        ({"trigger_order_type": "margin_oco"}, 201, "unknown trigger order type"),
        (
            *({"trigger_order_type": "margin_market_oco"}, 1),
            "trigger order can't be margin market OCO",
        ),
        ({"conditional_order_type": 7}, 1, "unknown order type"),
        ({"conditional_order_type": "margin_market"}, 200, "unknown conditional order type"),
        ({"take_profit": None}, 1, BOTH),
        ({"stop_loss": None}, 1, BOTH),
        ({"take_profit": 62000}, 1, INVALID),
        ({"conditional_order_type": "margin_limit"}, 1, "only take_profit is required"),
        ({"conditional_order_type": "margin_take_profit"}, 1, "only take_profit is required"),
        ({"conditional_order_type": "margin_stop_loss"}, 1, "only stop_loss is required"),
        ({"conditional_order_type": "margin_stop_limit"}, 1, "only stop_loss is required"),
        ({"take_profit": "58999"}, 105, "wrong activation price for take profit"),
        ({"stop_loss": "59001"}, 106, "wrong activation price for stop loss"),
    ],
)
def test_fields_of_an_oto(
    ws: CollateralSocket, change: dict[str, Any], code: int, text: str
) -> None:
    assert error(ws, "oto", {**OTO, **change}) == (code, text)


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"market": "X_Y"}, 1, "market does not exist"),
        ({"market": SPOT_ALONE}, 19, "market is not margin market"),
        ({"stop_loss_activation_price": None}, 1, "one of activations prices should be set"),
        ({"stop_loss_activation_price": 58000}, 1, INVALID),
        ({"stp": "x"}, 1, "stp is invalid"),
        ({"position_side": "x"}, 1, INVALID),
        ({"position_side": "LONG"}, 114, "position side does not match the user's setting"),
        ({}, 104, "margin position not exists"),
    ],
)
def test_fields_of_exits_for_a_position(
    ws: CollateralSocket, change: dict[str, Any], code: int, text: str
) -> None:
    assert error(ws, "tpsl", {**TPSL, **change}) == (code, text)


# The engine


@pytest.mark.parametrize("kind", CALLS)
def test_a_position_side_is_for_hedge_mode(
    ws: CollateralSocket, theirs: CollateralSocket, kind: str
) -> None:
    theirs.limit("buy", "59990")
    refusal = (114, "position side does not match the user's setting")
    assert error(ws, kind, {**CALLS[kind], "position_side": "SHORT"}) == refusal


@pytest.mark.parametrize(
    ("code", "text", "kind", "change"),
    [
        (11, "amount too small", "limit", {"amount": "0.001", "price": "3000"}),
        (12, "not enough traders", "market", {}),
        (12, "not enough traders", "bbo", {}),
        (17, "user margin balance not enough", "limit", {"market": MARGIN, "amount": "10000"}),
        (101, "activation price equals last price", "stop_limit", {"activation_price": "60000"}),
        (101, "activation price equals last price", "stop_market", {"activation_price": "60000"}),
        (101, "activation price equals last price", "stop_bbo", {"activation_price": "60000"}),
        (111, "margin position is too big", "limit", {"amount": "100"}),
        (*REDUCED, "limit", {"reduce_only": True}),
        (*REDUCED, "market", {"reduce_only": True}),
        (*REDUCED, "stop_market", {"reduce_only": True}),
        (*REDUCED, "oco", {"reduce_only": True}),
        (151, "wrong activation price for stop loss", "oco", {"activation_price": "60100"}),
    ],
)
def test_the_engine_refuses(
    ws: CollateralSocket, code: int, text: str, kind: str, change: dict[str, Any]
) -> None:
    assert error(ws, kind, {**CALLS[kind], **change}) == (code, text)


def test_an_order_that_would_take(ws: CollateralSocket, theirs: CollateralSocket) -> None:
    theirs.limit("sell", "60000")
    refusal = (14, "margin order by taker price")
    for flag in ("post_only", "rpi"):
        assert error(ws, "limit", {**LIMIT, "price": "60000", flag: True}) == refusal
    order = ws.limit("buy", "59000", post_only=True)
    call = {"market": PERP, "order_id": order["id"], "price": "60000"}
    assert ws.error("order_modify", call) == refusal


def test_orders_that_could_make_too_big_a_position(ws: CollateralSocket) -> None:
    assert error(ws, "limit", {**LIMIT, "amount": "99"}) == (111, "margin position is too big")
    ws.limit("buy", "59000", "50")
    refusal = (112, "margin pending orders value is too big")
    assert error(ws, "limit", {**LIMIT, "amount": "50"}) == refusal


def test_an_oco_whose_take_profit_would_take(
    ws: CollateralSocket, theirs: CollateralSocket
) -> None:
    theirs.limit("buy", "59000")
    refusal = (150, "take profit is not post only")
    assert error(ws, "oco", {**OCO, "price": "59000"}) == refusal


def test_client_ids_are_shared_by_all_products(ws: CollateralSocket) -> None:
    ws.call("order_limit_place", {**LIMIT, "market": MARGIN, "client_order_id": "used"})
    refusal = (43, "client order id already exists")
    assert error(ws, "limit", {**LIMIT, "market": MARGIN, "client_order_id": "used"}) == refusal
    ws.limit("buy", "59000", client_order_id="used")
    assert error(ws, "oco", {**OCO, "stop_client_order_id": "used"}) == refusal
    assert ws.call("ordersPending_request", PERP, 0, 10)["total"] == 1


def test_a_flag_that_the_account_may_not_send(sockets: list[CollateralSocket]) -> None:
    assert error(sockets[2], "limit", {**LIMIT, "rpi": True}) == (
        *(602, "order contains forbidden flags"),
    )


def test_exits_on_the_wrong_side_of_a_position(
    ws: CollateralSocket, theirs: CollateralSocket
) -> None:
    theirs.limit("sell", "60000", "0.1")
    ws.limit("buy", "60000", "0.1")
    call = {"market": PERP, "take_profit_activation_price": "59000"}
    assert error(ws, "tpsl", call) == (105, "wrong activation price for take profit")
    call = {"market": PERP, "stop_loss_activation_price": "61000"}
    assert error(ws, "tpsl", call) == (106, "wrong activation price for stop loss")
