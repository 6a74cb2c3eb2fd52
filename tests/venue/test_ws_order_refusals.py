"""Every refusal of the order methods that a call can provoke, by number and text."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.venue.naive import RestClient
from tests.venue.order_socket import MARKET, OrderSocket, limit_totals, order_venue, token_of
from whitewire.venue import Venue
from whitewire.venue.exchange_options import ExchangeOptions

LIMIT = {"market": MARKET, "side": "buy", "amount": "0.1", "price": "60000"}
MONEY = {"market": MARKET, "side": "buy", "amount": "600"}
STOCK = {"market": MARKET, "side": "sell", "amount": "0.1"}
STOP = {**LIMIT, "activation_price": "61000"}
BBO = {"market": MARKET, "side": "buy", "amount": "0.1", "bbo_role": 1}
ALL = {"market": MARKET, "type": ["spot"]}
NAMED = {"market": MARKET, "order_id": 7}
CALLS: dict[str, dict[str, Any]] = {
    "order_limit_place": LIMIT,
    "order_market_place": MONEY,
    "order_market_stock_place": STOCK,
    "order_stop_limit_place": STOP,
    "order_stop_market_place": {**MONEY, "activation_price": "61000"},
    "order_stop_market_stock_place": {**STOCK, "activation_price": "61000"},
    "order_bbo_place": BBO,
    "order_stop_bbo_place": {**BBO, "activation_price": "61000"},
}
INVALID = "invalid argument"


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    engine = ExchangeOptions(price_band_percent=Decimal(50))
    with order_venue(engine=engine) as running:
        limit_totals(running, "ETH_USDT", Decimal(1_000))
        yield running


@pytest.fixture(scope="module")
def sockets(venue: Venue) -> Iterator[list[OrderSocket]]:
    clients = []
    for number in range(3):
        with RestClient(venue, number) as rest:
            clients.append(OrderSocket(venue, token_of(rest)))
    clients[1].limit("sell", "60000")
    clients[0].limit("buy", "60000")
    yield clients
    for client in clients:
        client.sock.close()


@pytest.fixture
def ws(sockets: list[OrderSocket]) -> Iterator[OrderSocket]:
    """The last trade was at 60000, the book is empty, and so it is afterwards."""
    yield sockets[0]
    for client in sockets:
        for market in (MARKET, "ETH_USDT"):
            client.call("order_cancel_all", {**ALL, "market": market})


def without(call: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in call.items() if key not in keys}


# Parameters


@pytest.mark.parametrize("params", [[], [LIMIT, LIMIT], [7], ["text"], [[LIMIT]], [None]])
def test_a_call_has_one_object(ws: OrderSocket, params: list[Any]) -> None:
    assert ws.error("order_limit_place", *params) == (1, INVALID)


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"market": None}, "market is required"),
        ({"market": 7}, INVALID),
        ({"market": "X_Y"}, "market does not exist"),
        ({"market": "BTC_PERP"}, "the market is futures"),
        ({"side": None}, "side is invalid"),
        ({"side": 2}, "side is invalid"),
        ({"side": "BUY"}, "side is invalid"),
        ({"amount": None}, "amount is required"),
        ({"amount": 600}, INVALID),
        ({"amount": "six"}, INVALID),
        ({"amount": "-1"}, INVALID),
        ({"amount": "0"}, INVALID),
        ({"side": "sell", "amount": "0.1234567"}, "amount: precision is greater than 6"),
        ({"stp": "co "}, "stp is invalid"),
        ({"stp": True}, "stp is invalid"),
        ({"client_order_id": "no blanks"}, INVALID),
        ({"client_order_id": "x" * 65}, INVALID),
        ({"client_order_id": 7}, INVALID),
    ],
)
def test_fields_of_every_placement(
    ws: OrderSocket, method: str, change: dict[str, Any], text: str
) -> None:
    assert ws.error(method, {**CALLS[method], **change}) == (1, text)


@pytest.mark.parametrize("method", ["order_market_place", "order_stop_market_place"])
def test_the_precision_of_a_buy_is_that_of_money(ws: OrderSocket, method: str) -> None:
    call = {**CALLS[method], "amount": "600.123"}
    assert ws.error(method, call) == (1, "amount: precision is greater than 2")


@pytest.mark.parametrize(
    ("method", "key"),
    [
        ("order_limit_place", "price"),
        ("order_stop_limit_place", "price"),
        ("order_stop_limit_place", "activation_price"),
        ("order_stop_market_place", "activation_price"),
        ("order_stop_market_stock_place", "activation_price"),
        ("order_stop_bbo_place", "activation_price"),
    ],
)
def test_prices_that_a_method_needs(ws: OrderSocket, method: str, key: str) -> None:
    assert ws.error(method, without(CALLS[method], key)) == (1, f"{key} is required")
    for wrong in (60000, "x", "-5", "0", "60000.001"):
        assert ws.error(method, {**CALLS[method], key: wrong}) == (1, INVALID)


@pytest.mark.parametrize(
    ("method", "flags", "text"),
    [
        ("limit", {"ioc": 1}, INVALID),
        ("limit", {"post_only": "true"}, INVALID),
        ("limit", {"rpi": 0}, INVALID),
        (
            *("limit", {"ioc": True, "post_only": True}),
            "flags: ioc=1 and post_only=1 can't be combined",
        ),
        ("limit", {"ioc": True, "rpi": True}, "flags: ioc=1 and rpi=1 can't be combined"),
        ("bbo", {"bbo_role": 2, "post_only": True}, "wrong flags combination"),
        ("bbo", {"bbo_role": 1, "ioc": True}, "wrong flags combination"),
    ],
)
def test_flags(ws: OrderSocket, method: str, flags: dict[str, Any], text: str) -> None:
    name = f"order_{method}_place"
    assert ws.error(name, {**CALLS[name], **flags}) == (1, text)


@pytest.mark.parametrize("method", ["order_bbo_place", "order_stop_bbo_place"])
@pytest.mark.parametrize("role", [None, 0, 3, "1", True, 1.0])
def test_bbo_roles(ws: OrderSocket, method: str, role: object) -> None:
    text = "bbo role must be an integer in range 1..2"
    assert ws.error(method, {**CALLS[method], "bbo_role": role}) == (1, text)


NO_NAME = "order_id or client_order_id must be set for modify"
NO_CHANGE = "at least price or amount or total or activation price should be specified"


@pytest.mark.parametrize(
    ("method", "call", "text"),
    [
        ("cancel", {"market": MARKET}, NO_NAME),
        ("cancel", {**NAMED, "order_id": None, "client_order_id": ""}, NO_NAME),
        ("cancel", {**NAMED, "order_id": "7"}, INVALID),
        ("cancel", {**NAMED, "order_id": True}, INVALID),
        ("cancel", {**NAMED, "client_order_id": 7}, INVALID),
        ("cancel", {"order_id": 7}, "market is required"),
        ("cancel", {**NAMED, "market": "X_Y"}, "market does not exist"),
        ("modify", {"market": MARKET, "price": "1"}, NO_NAME),
        ("modify", NAMED, NO_CHANGE),
        (
            *("modify", {**NAMED, "amount": "1", "total": "1"}),
            "amount and total cannot be specified simultaneously",
        ),
        ("modify", {**NAMED, "price": 60000}, INVALID),
        ("modify", {**NAMED, "total": "-1"}, INVALID),
        ("modify", {**NAMED, "price": "60000.001"}, INVALID),
        ("modify", {**NAMED, "market": "X_Y", "price": "1"}, "market does not exist"),
        ("cancel_all", {"market": MARKET}, "order types must be an array"),
        ("cancel_all", {**ALL, "type": "spot"}, "order types must be an array"),
        ("cancel_all", {**ALL, "type": []}, "at least one order type should be specified"),
        ("cancel_all", {**ALL, "type": ["spot", "spot"]}, "invalid or duplicate order type"),
        ("cancel_all", {**ALL, "type": ["stop"]}, "invalid or duplicate order type"),
        ("cancel_all", {**ALL, "type": [[]]}, "invalid or duplicate order type"),
        ("cancel_all", without(ALL, "market"), "market is required"),
        ("cancel_all", {**ALL, "market": "X_Y"}, "market does not exist"),
        ("cancel_conditional", {**NAMED, "market": "X_Y"}, "market does not exist"),
    ],
)
def test_fields_of_the_other_methods(
    ws: OrderSocket, method: str, call: dict[str, Any], text: str
) -> None:
    assert ws.error(f"order_{method}", call) == (1, text)


def test_the_greatest_total(ws: OrderSocket) -> None:
    call = {**LIMIT, "market": "ETH_USDT"}
    assert ws.error("order_limit_place", call) == (1, "amount * price must be <= 1000")


@pytest.mark.parametrize("method", ["order_unheard_of", "order_limit_place_", "collateral_order_"])
def test_unknown_methods(ws: OrderSocket, method: str) -> None:
    assert ws.error(method, {}) == (4, "method not found")


# The engine


@pytest.mark.parametrize(
    ("code", "text", "method", "call"),
    [
        (6, "order not found", "order_cancel", NAMED),
        (6, "order not found", "order_cancel", {"market": MARKET, "client_order_id": "n-1"}),
        (6, "order not found", "order_modify", {**NAMED, "price": "1"}),
        (6, "order not found", "order_cancel_conditional", NAMED),
        (10, "balance not enough", "order_limit_place", {**LIMIT, "amount": "50"}),
        (10, "balance not enough", "order_market_place", {**MONEY, "amount": "9000000"}),
        (10, "balance not enough", "order_market_stock_place", {**STOCK, "amount": "101"}),
        (
            *(10, "balance not enough", "order_stop_limit_place"),
            {**STOP, "side": "sell", "amount": "101"},
        ),
        (11, "amount too small", "order_limit_place", {**LIMIT, "amount": "0.000001"}),
        (11, "amount too small", "order_limit_place", {**LIMIT, "amount": "0.00001"}),
        (11, "amount too small", "order_market_place", {**MONEY, "amount": "4.99"}),
        (11, "amount too small", "order_market_stock_place", {**STOCK, "amount": "0.000001"}),
        (11, "amount too small", "order_stop_limit_place", {**STOP, "amount": "0.00001"}),
        (12, "not enough traders", "order_market_place", MONEY),
        (12, "not enough traders", "order_market_stock_place", STOCK),
        (12, "not enough traders", "order_bbo_place", BBO),
        (
            *(101, "activation price equals last price", "order_stop_limit_place"),
            {**STOP, "activation_price": "60000"},
        ),
        (
            *(10, "balance not enough", "order_stop_market_stock_place"),
            {**STOCK, "side": "buy", "amount": "50", "activation_price": "61000"},
        ),
        (
            *(101, "activation price equals last price", "order_stop_bbo_place"),
            {**BBO, "activation_price": "60000"},
        ),
        (
            *(101, "activation price equals last price", "order_stop_market_place"),
            {**MONEY, "activation_price": "60000.0"},
        ),
        (250, "price must be >= 30000", "order_limit_place", {**LIMIT, "price": "29999"}),
        (250, "price must be <= 90000", "order_limit_place", {**LIMIT, "price": "90001"}),
        (
            *(251, "activation price is out of bands", "order_stop_limit_place"),
            {**STOP, "price": "90001"},
        ),
    ],
)
def test_the_engine_refuses(
    ws: OrderSocket, code: int, text: str, method: str, call: dict[str, Any]
) -> None:
    assert ws.error(method, call) == (code, text)


def test_a_post_only_order_that_would_take(ws: OrderSocket, sockets: list[OrderSocket]) -> None:
    sockets[1].limit("sell", "60000")
    ws.call("ordersPending_subscribe", MARKET)
    for flag in ("post_only", "rpi"):
        assert ws.error("order_limit_place", {**LIMIT, flag: True}) == (
            *(13, "order by taker price"),
        )
    ws.call("ordersPending_unsubscribe")
    assert not ws.pushes


def test_a_client_id_in_use(ws: OrderSocket) -> None:
    ws.limit("buy", "60000", client_order_id="used")
    for method in ("order_limit_place", "order_stop_limit_place"):
        assert ws.error(method, {**CALLS[method], "client_order_id": "used"}) == (
            *(43, "client order id already exists"),
        )
    ws.call("order_cancel", {"market": MARKET, "client_order_id": "used"})
    ws.limit("buy", "60000", client_order_id="used")


def test_a_flag_that_the_account_may_not_send(ws: OrderSocket, sockets: list[OrderSocket]) -> None:
    refusal = (602, "order contains forbidden flags")
    assert sockets[2].error("order_limit_place", {**LIMIT, "rpi": True}) == refusal
    assert ws.limit("buy", "60000", rpi=True)["status"] == "OPEN"


@pytest.mark.parametrize(
    ("code", "text", "kind", "change"),
    [
        (10, "balance not enough", "limit", {"amount": "50"}),
        (11, "amount too small", "limit", {"amount": "0.000001"}),
        (13, "order by taker price", "limit", {"price": "60100"}),
        (101, "activation price equals last price", "stop_limit", {"activation_price": "60000"}),
        (158, "wrong activation price for limit", "limit", {"activation_price": "50000"}),
        (159, "wrong limit price for stop market", "stop_market", {"price": "50000"}),
        (162, "wrong param total", "limit", {"total": "600"}),
        (162, "wrong param total", "stop_limit", {"total": "600"}),
        (163, "wrong param amount", "stop_market", {"amount": "0.1"}),
        (164, "wrong param price", "stop_bbo", {"price": "50000"}),
        (250, "price must be >= 30000", "limit", {"price": "29999"}),
        (251, "activation price is out of bands", "stop_limit", {"price": "90001"}),
    ],
)
def test_the_engine_refuses_a_modify(
    ws: OrderSocket,
    sockets: list[OrderSocket],
    code: int,
    text: str,
    kind: str,
    change: dict[str, Any],
) -> None:
    sockets[1].limit("sell", "60100")
    more = {"post_only": True} if kind == "limit" else {}
    method = f"order_{kind}_place"
    order = ws.call(method, {**CALLS[method], **more})
    call = {"market": MARKET, "order_id": order["id"], **change}
    assert ws.error("order_modify", call) == (code, text)
    assert ws.call("order_cancel", without(call, *change))["status"] == "CANCELED"
