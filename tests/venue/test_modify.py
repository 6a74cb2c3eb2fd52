"""Modify: what may change on which kind of order, and how a refusal names what may not."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.venue.desk import MARKET, Desk, account, refusal
from whitewire.venue.exchange_options import ExchangeOptions
from whitewire.venue.values.activation import Condition
from whitewire.venue.values.model import Order, OrderType, Status, VenueError
from whitewire.venue.values.requests import ModifyRequest


@pytest.fixture(scope="module")
def desk() -> Desk:
    """An empty book that no test with this fixture changes."""
    return Desk(accounts=[account("plain")])


@pytest.fixture
def traded() -> Desk:
    """A market whose last trade was at 60000."""
    desk = Desk()
    desk.trade("60000")
    desk.said()
    return desk


@pytest.mark.parametrize(
    ("body", "status", "code", "key"),
    [
        ({"orderId": 1}, 422, 30, "amount"),
        ({"price": "1"}, 422, 30, "orderId"),
        ({"orderId": 1, "clientOrderId": "q", "price": "1"}, 422, 30, "orderId"),
        ({"orderId": "1", "price": "1"}, 422, 30, "orderId"),
        ({"orderId": 1, "price": "x"}, 422, 33, "price"),
        ({"orderId": 1, "amount": "x"}, 422, 32, "amount"),
        ({"orderId": 1, "amount": "1", "total": "1"}, 422, 30, "total"),
        ({"orderId": 1, "market": "X_Y", "price": "1"}, 422, 31, "market"),
        ({"orderId": 1, "price": "1"}, 400, 2, "orderId"),
        ({"clientOrderId": "q", "price": "1"}, 400, 2, "orderId"),
    ],
)
def test_modify_fields(
    desk: Desk, body: dict[str, object], status: int, code: int, key: str
) -> None:
    with pytest.raises(VenueError) as caught:
        desk.exchange.modify("plain", ModifyRequest.from_body({"market": MARKET, **body}))
    error = caught.value
    assert (error.http_status, error.code, list(error.errors)) == (status, code, [key])


@pytest.mark.parametrize(
    ("field", "status", "code"), [("activation_price", 400, 158), ("total", 422, 162)]
)
def test_modify_of_what_a_limit_order_does_not_have(field: str, status: int, code: int) -> None:
    desk = Desk()
    order = desk.limit("alice", "buy", "60000", "1")
    with pytest.raises(VenueError) as caught:
        desk.modify("alice", order, **{field: "100"})
    assert (caught.value.http_status, caught.value.code) == (status, code)


def test_modify_by_client_id_and_below_the_least_total() -> None:
    desk = Desk()
    desk.limit("alice", "buy", "60000", "1", client_order_id="q")
    body = {"market": MARKET, "clientOrderId": "q", "price": "4.99"}
    with pytest.raises(VenueError) as caught:
        desk.exchange.modify("alice", ModifyRequest.from_body(body))
    assert list(caught.value.errors) == ["total"]
    body["price"] = "5"
    assert desk.exchange.modify("alice", ModifyRequest.from_body(body)).price == 5


# Stops


def stop(desk: Desk, kind: str) -> Order:
    if kind == "limit":
        return desk.stop_limit("alice", "buy", "60100", "60200", "1", client_order_id="s")
    if kind == "market buy":
        return desk.stop_market("alice", "buy", "60100", "600", client_order_id="s")
    return desk.stop_market("alice", "sell", "59900", "1", client_order_id="s")


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("limit", {"total": "600"}, (422, 162, "total")),
        ("limit", {"total": "1"}, (422, 162, "total")),
        ("limit", {"amount": "0.00002"}, (422, 30, "total")),
        ("limit", {"activation_price": "60000"}, (400, 101, "activationPrice")),
        ("limit", {"activation_price": "x"}, (422, 30, "activationPrice")),
        ("limit", {"activation_price": "0"}, (422, 30, "activationPrice")),
        ("limit", {"activation_price": "1.001"}, (422, 30, "activationPrice")),
        ("limit", {"amount": "100"}, (422, 10, "amount")),
        ("market buy", {"price": "60000"}, (422, 159, "price")),
        ("market buy", {"amount": "1"}, (422, 163, "amount")),
        ("market buy", {"total": "4.99"}, (422, 30, "total")),
        ("market buy", {"total": "5.001"}, (422, 30, "total")),
        ("market buy", {"total": "x"}, (422, 30, "total")),
        ("market buy", {"total": "1000000.01"}, (422, 10, "amount")),
        ("market sell", {"price": "60000"}, (422, 159, "price")),
        ("market sell", {"total": "600"}, (422, 162, "total")),
        ("market sell", {"amount": "0.000001"}, (422, 32, "amount")),
        ("market sell", {"amount": "10.1"}, (422, 10, "amount")),
    ],
)
def test_what_a_stop_does_not_take_leaves_it_as_it_was(
    traded: Desk, kind: str, fields: dict[str, object], expected: tuple[int, int, str]
) -> None:
    order = stop(traded, kind)
    traded.said()
    status, code, _, errors = refusal(traded.modify, "alice", order, **fields)
    assert (status, code, *errors) == expected
    assert traded.said() == []
    assert traded.exchange.open_orders_of("alice") == [order]


def test_a_replacement_waits_at_the_back_under_a_new_id(traded: Desk) -> None:
    old = stop(traded, "limit")
    assert traded.wallet("alice", "USDT") == ("939800", "60200")
    traded.said()
    new = traded.modify("alice", old, price="60300", amount="2", activation_price="60150")
    assert traded.said("alice") == ["3 CANCELED 3?", "1 OPEN 4?", "balance USDT"]
    assert (new.type, new.price, new.amount) == (OrderType.STOP_LIMIT, 60300, 2)
    assert (new.client_order_id, new.status, new.is_waiting) == ("s", Status.OPEN, True)
    assert new.activation is not None
    assert new.activation.price == 60150
    assert traded.wallet("alice", "USDT") == ("879400", "120600")


def test_a_stop_market_buy_is_resized_by_total(traded: Desk) -> None:
    new = traded.modify("alice", stop(traded, "market buy"), total="700")
    assert (new.amount, new.left, new.frozen, new.price) == (700, 700, 700, None)
    assert traded.wallet("alice", "USDT") == ("999300", "700")
    kept = traded.modify("alice", new, activation_price="60500")
    assert (kept.amount, kept.frozen) == (700, 700)


def test_a_stop_market_sell_is_resized_by_amount(traded: Desk) -> None:
    new = traded.modify("alice", stop(traded, "market sell"), amount="2")
    assert (new.amount, new.frozen) == (2, 2)
    assert traded.wallet("alice", "BTC") == ("8", "2")


def test_a_replacement_that_is_met_already_fires_at_once(traded: Desk) -> None:
    order = stop(traded, "limit")
    traded.said()
    new = traded.modify("alice", order, activation_price="59900")
    assert (new.is_waiting, new.status) == (False, Status.OPEN)
    assert traded.said("alice")[:3] == ["3 CANCELED 3?", "1 OPEN 4?", "1 OPEN 4"]
    assert traded.bids() == [("60200", "1")]


def test_by_the_newer_rule_a_new_price_chooses_the_condition_again() -> None:
    desk = Desk(ExchangeOptions(activation_by_last_price=True))
    desk.trade("60000")
    new = desk.modify("alice", stop(desk, "limit"), activation_price="59900")
    assert new.activation is not None
    assert new.activation.condition is Condition.LTE
    assert new.is_waiting


def test_an_activated_stop_limit_stays_activated_and_has_no_trigger_to_change(
    traded: Desk,
) -> None:
    order = stop(traded, "limit")
    traded.trade("60100")
    (resting,) = traded.exchange.open_orders_of("alice")
    assert not resting.is_waiting
    assert refusal(traded.modify, "alice", order, activation_price="60500")[:2] == (400, 158)
    traded.said()
    new = traded.modify("alice", order, price="60050")
    assert traded.said("alice") == ["3 CANCELED 3", "1 OPEN 6", "balance USDT"]
    assert (new.type, new.activation) == (OrderType.STOP_LIMIT, resting.activation)
    assert traded.bids() == [("60050", "1")]
    assert new.frozen == Decimal(60050)
