"""The table of order methods, and that no parameters whatever make one of them fail."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from tests.venue.naive import WsClient
from whitewire.venue import Venue, VenueConfig
from whitewire.venue.server import VenueServer
from whitewire.venue.values.model import Order
from whitewire.venue.values.requests import LimitRequest
from whitewire.venue.values.ws_refusals import TEXTS, WsRefusal
from whitewire.venue.ws.orders import WsOrders, is_order_method, is_placement

PLACEMENTS = [
    "order_limit_place",
    "order_market_place",
    "order_market_stock_place",
    "order_stop_limit_place",
    "order_stop_market_place",
    "order_stop_market_stock_place",
    "order_bbo_place",
    "order_stop_bbo_place",
    "collateral_order_limit_place",
    "collateral_order_market_place",
    "collateral_order_stop_limit_place",
    "collateral_order_stop_market_place",
    "collateral_order_bbo_place",
    "collateral_order_stop_bbo_place",
    "collateral_order_oco_place",
    "collateral_order_oto_place",
    "collateral_order_tpsl_place",
]
OTHERS = ["order_modify", "order_cancel", "order_cancel_conditional", "order_cancel_all"]


class NoScope:
    """Nobody is told of pushes."""

    def begin_request(self) -> None:
        """Nothing happens."""

    def end_request(self) -> None:
        """Nothing happens."""


@pytest.fixture(scope="module")
def server() -> VenueServer:
    """A venue without sockets, whose last trade was at 60000."""
    built = VenueServer(VenueConfig(scenario="empty", tls=False), clock=lambda: 1_800_000_000.0)
    for account, side in (("account-1", "sell"), ("account-2", "buy")):
        built.exchange.place(account, LimitRequest("BTC_USDT", side, "0.1", "60000"))
    return built


@pytest.fixture(scope="module")
def orders(server: VenueServer) -> WsOrders:
    return WsOrders(server.core, NoScope())


def test_there_are_21_methods(orders: WsOrders) -> None:
    assert sorted(orders.names) == sorted([*PLACEMENTS, *OTHERS])
    assert len(orders.names) == 21
    assert all(is_order_method(name) for name in orders.names)
    assert [name for name in orders.names if is_placement(name)] == [
        name for name in orders.names if name in PLACEMENTS
    ]


@pytest.mark.parametrize("method", ["ordersPending_request", "ordersExecuted_subscribe", "ping"])
def test_queries_are_no_order_methods(method: str) -> None:
    assert not is_order_method(method)
    assert not is_placement(method)


def test_each_of_them_needs_authorization(venue: Venue) -> None:
    with WsClient(venue) as stranger:
        for method in (*PLACEMENTS, *OTHERS):
            reply = stranger.request(method, [{"market": "BTC_USDT"}])
            assert reply["error"] == {"code": 6, "message": "require authentication"}


PRICES = ["59000", "60000", "61000.5", "62000", "0.01"]
FIELDS: dict[str, list[Any]] = {
    "market": ["BTC_USDT", "BTC_PERP", "BTC_PERP", "DBTC_DUSDT"],
    "side": ["buy", "sell"],
    "amount": ["0.1", "0.001", "600", "0.0000001"],
    "price": PRICES,
    "activation_price": PRICES,
    "bbo_role": [1, 2],
    "stop_limit_price": PRICES,
    "take_profit": PRICES,
    "stop_loss": PRICES,
    "take_profit_activation_price": PRICES,
    "stop_loss_activation_price": PRICES,
    "total": PRICES,
    "client_order_id": ["a", "b", ""],
    "limit_client_order_id": ["a", "b"],
    "stop_client_order_id": ["a", "c"],
    "post_only": [True, False],
    "ioc": [True, False],
    "rpi": [True, False],
    "reduce_only": [True, False],
    "position_side": ["BOTH", "BOTH", "LONG"],
    "stp": ["no", "co", "cn", "cb"],
    "type": [["spot"], ["margin"], ["futures"], []],
    "trigger_order_type": ["margin_limit", "margin_stop_bbo", "margin_oco"],
    "conditional_order_type": ["margin_market_oco", "margin_limit", "x"],
}
NEEDED = {"market", "side", "amount", "price", "activation_price", "bbo_role"}
NEEDED |= {"stop_limit_price", "take_profit", "stop_loss"}
NEEDED |= {"trigger_order_type", "conditional_order_type"}
JUNK = [None, True, 0, -1, 10**40, Decimal("0.5"), "", "x", "1e5", "-1", [], [[]], {}, {"a": None}]


def draw_order(rng: random.Random, needed: set[str]) -> dict[str, Any]:
    """Fields of an order, most of them there and most of those good."""
    order = {}
    for key, good in FIELDS.items():
        if rng.random() < (0.97 if key in needed else 0.2):
            order[key] = rng.choice(JUNK if rng.random() < 0.02 else good)
    return order


def draw_params(rng: random.Random, needed: set[str], ids: list[tuple[str, int]]) -> list[Any]:
    """The parameters of a call: an order, with one inside, or nothing of the kind.

    One in two names an order or a group by an id that there may be, mostly on its market.
    """
    if rng.random() < 0.03:
        return rng.choices(JUNK, k=rng.randrange(3))
    inner = rng.choice(JUNK) if rng.random() < 0.03 else draw_order(rng, needed)
    order = {**draw_order(rng, needed), "trigger_order": inner}
    if rng.random() < 0.5:
        market, order["order_id"] = rng.choice(ids)
        if rng.random() < 0.8:
            order["market"] = market
    return [order]


def _ids(orders: list[Order]) -> list[tuple[str, int]]:
    """Market and id of orders and of their groups, and of nothing."""
    groups = [(order.market, order.group_id) for order in orders if order.group_id is not None]
    return [("BTC_USDT", 7), *groups, *groups, *((order.market, order.id) for order in orders)]


def test_whatever_is_sent_is_answered_or_refused_with_a_documented_number(
    server: VenueServer, orders: WsOrders
) -> None:
    rng = random.Random(2)
    answered: set[str] = set()
    for _ in range(12_000):
        account, method = rng.choice(["account-1", "account-2"]), rng.choice(orders.names)
        before = [order.snapshot() for order in server.exchange.open_orders_of(account)]
        if rng.random() < 0.3 and any(order.group_id is not None for order in before):
            method = "order_cancel_conditional"  # groups are rare
        needed = NEEDED if is_placement(method) else {"market"}
        ids = _ids(before)
        if method == "order_cancel_conditional":
            ids = [row for row in ids if row[1] not in {order.id for order in before}]
        params = draw_params(rng, needed, ids)
        try:
            result: Any = orders.call(method, account, params)
        except WsRefusal as refusal:
            result = refusal
        if isinstance(result, WsRefusal):
            assert result.code in TEXTS
            assert server.exchange.open_orders_of(account) == before
        else:
            assert isinstance(result, dict)
            answered.add(method)
    assert answered == set(orders.names)
