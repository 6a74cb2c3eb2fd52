"""Three ways to cancel."""

from __future__ import annotations

import pytest

from tests.venue.desk import MARKET, Desk
from whitewire.venue.values.model import Status, VenueError
from whitewire.venue.values.requests import CancelAllRequest, CancelRequest


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize(
    ("body", "status", "code", "errors"),
    [
        (
            {},
            422,
            30,
            {"market": ["Market field is required."], "orderId": ["OrderId field is required."]},
        ),
        (
            {"market": MARKET, "orderId": "7"},
            422,
            30,
            {"orderId": ["OrderId field should be an integer."]},
        ),
        (
            {"market": MARKET, "orderId": 7, "clientOrderId": "q"},
            422,
            30,
            {"orderId": ["Either orderId or clientOrderId field should be given, not both."]},
        ),
        (
            {"market": MARKET, "clientOrderId": 7},
            422,
            36,
            {"clientOrderId": ["ClientOrderId field should be a string."]},
        ),
        ({"market": "X_Y", "orderId": 7}, 422, 31, {"market": ["Market is not available."]}),
        (
            {"market": MARKET, "orderId": 7},
            400,
            2,
            {"orderId": ["Unexecuted order was not found."]},
        ),
        (
            {"market": MARKET, "clientOrderId": "q"},
            400,
            2,
            {"orderId": ["Unexecuted order was not found."]},
        ),
    ],
)
def test_refused_cancels(
    desk: Desk, body: dict[str, object], status: int, code: int, errors: object
) -> None:
    with pytest.raises(VenueError) as caught:
        desk.exchange.cancel("alice", CancelRequest.from_body(body))
    error = caught.value
    assert (error.http_status, error.code, error.errors) == (status, code, errors)


def test_only_the_owner_cancels_and_only_once(desk: Desk) -> None:
    order = desk.limit("alice", "buy", "60000", "1", client_order_id="q")
    for who, market in (("bob", MARKET), ("alice", "ETH_USDT")):
        with pytest.raises(VenueError, match="Unexecuted order"):
            desk.exchange.cancel(who, CancelRequest(market, order.id))
    ended = desk.exchange.cancel("alice", CancelRequest(MARKET, None, "q"))
    assert (ended.id, ended.status, ended.is_finished) == (order.id, Status.CANCELED, True)
    with pytest.raises(VenueError, match="Unexecuted order"):
        desk.cancel("alice", order)


def test_a_filled_order_cannot_be_cancelled(desk: Desk) -> None:
    order = desk.limit("alice", "buy", "60000", "1")
    desk.limit("bob", "sell", "60000", "1")
    with pytest.raises(VenueError, match="Unexecuted order"):
        desk.cancel("alice", order)


def test_cancel_all_takes_one_market_or_all_of_one_account(desk: Desk) -> None:
    for _ in range(2):
        desk.limit("alice", "buy", "60000", "1")
        desk.limit("alice", "buy", "3000", "1", market="ETH_USDT")
        desk.limit("bob", "buy", "60000", "1")
    ended = desk.exchange.cancel_all("alice", CancelAllRequest(MARKET))
    assert [desk.number(order.id) for order in ended] == [1, 4]
    assert {order.status for order in ended} == {Status.CANCELED}
    assert desk.exchange.cancel_all("alice", CancelAllRequest(None, ["margin"])) == []
    assert len(desk.exchange.cancel_all("alice", CancelAllRequest(None, ["spot"]))) == 2
    assert desk.exchange.cancel_all("alice", CancelAllRequest()) == []
    assert len(desk.exchange.open_orders_of("bob")) == 2


@pytest.mark.parametrize(
    ("body", "code", "errors"),
    [
        ({"type": "spot"}, 30, {"type": ["The type must be an array."]}),
        ({"type": ["swap"]}, 30, {"type": ["The selected type is invalid."]}),
        ({"market": "nonsense"}, 31, {"market": ["Market field format is invalid."]}),
        ({"market": "X_Y"}, 31, {"market": ["Market is not available."]}),
    ],
)
def test_refused_cancel_alls(
    desk: Desk, body: dict[str, object], code: int, errors: object
) -> None:
    with pytest.raises(VenueError) as caught:
        desk.exchange.cancel_all("alice", CancelAllRequest.from_body(body))
    assert (caught.value.http_status, caught.value.code, caught.value.errors) == (
        422,
        code,
        errors,
    )


def test_every_item_of_a_bulk_cancel_is_handled(desk: Desk) -> None:
    first = desk.limit("alice", "buy", "60000", "1", client_order_id="q")
    second = desk.limit("alice", "buy", "60000", "1")
    results = desk.exchange.cancel_bulk(
        "alice",
        [
            {"market": MARKET, "clientOrderId": "q"},
            "nonsense",
            {"orderId": 1},
            {"market": "X_Y", "orderId": 1},
            {"market": MARKET},
            {"market": MARKET, "orderId": 1, "clientOrderId": "q"},
            {"market": MARKET, "orderId": first.id},
            {"market": MARKET, "orderId": "1"},
            {"market": MARKET, "orderId": second.id},
        ],
    )
    texts = [
        (result.code, result.message, result.errors)
        if isinstance(result, VenueError)
        else result.id
        for result in results
    ]
    failed = "Validation failed"
    assert texts == [
        first.id,
        (30, failed, {"request": ["Invalid order format"]}),
        (30, failed, {"market": ["validation.required"]}),
        (30, failed, {"market": ["validation.market_not_exist"]}),
        (30, failed, {"request": ["validation.required"]}),
        (30, failed, {"request": ["api.validation.order.chooseOneId"]}),
        (404, "Order not found", {"orderId": ["Order does not exist or already cancelled"]}),
        (30, failed, {"orderId": ["OrderId field should be an integer."]}),
        second.id,
    ]


@pytest.mark.parametrize(
    ("orders", "text"),
    [
        (None, "validation.required"),
        ([], "validation.required"),
        ({}, "validation.required"),
        ([{}] * 101, "validation.between"),
    ],
)
def test_refused_bulk_cancels(desk: Desk, orders: object, text: str) -> None:
    with pytest.raises(VenueError) as caught:
        desk.exchange.cancel_bulk("alice", orders)
    assert (caught.value.http_status, caught.value.code) == (422, 30)
    assert caught.value.errors == {"orders": [text]}
