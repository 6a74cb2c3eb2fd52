"""Answers of the control plane, as documented and as odd as captured."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from whitewire.errors import PeerError, VenueRefusal
from whitewire.protocol import control_replies as read
from whitewire.protocol.events import BalanceRow, Deal
from whitewire.protocol.order_states import Finish

DEAL = {
    "id": 160305483,
    "clientOrderId": "q-1",
    "time": 1594240477.849703,
    "side": "sell",
    "role": 2,
    "amount": "0.000076",
    "price": "9264.21",
    "deal": "0.70407996",
    "fee": "0.00070407996",
    "orderId": 5,
    "feeAsset": "USDT",
}
READERS: list[Callable[[int, bytes], object]] = [
    read.read_open_orders,
    read.read_kill_switch,
    read.read_kill_switch_status,
    read.read_balances,
    read.read_executed_history,
    read.read_order_history,
    read.read_websocket_token,
    lambda status, answer: read.read_order_deals(status, answer, "BTC_USDT", 5, 1),
]


def body(document: object) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize("reader", READERS)
def test_a_4xx_is_the_venues_refusal(reader: Callable[[int, bytes], object]) -> None:
    answer = body({"code": 31, "message": "Validation failed", "errors": {"market": ["no"]}})
    with pytest.raises(VenueRefusal) as caught:
        reader(422, answer)
    assert (caught.value.status, caught.value.venue_code) == (422, 31)
    assert caught.value.fields == {"market": ["no"]}


@pytest.mark.parametrize("reader", READERS)
def test_a_4xx_without_json_is_still_a_refusal(reader: Callable[[int, bytes], object]) -> None:
    with pytest.raises(VenueRefusal, match="Too Many Requests"):
        reader(429, b"Too Many Requests")
    with pytest.raises(VenueRefusal, match="status 404"):
        reader(404, b"")


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("status", "answer"), [(503, b"busy"), (500, b'{"error":["x"]}'), (302, b""), (200, b""),
                           (200, b"<html>"), (200, b"7"), (200, b"\xff")]
)  # fmt: skip
def test_anything_else_is_a_broken_peer(
    reader: Callable[[int, bytes], object], status: int, answer: bytes
) -> None:
    with pytest.raises(PeerError):
        reader(status, answer)


def test_open_orders() -> None:
    row = {"orderId": 9, "market": "BTC_USDT", "amount": "1", "left": "0.4", "clientOrderId": "a"}
    (order,) = read.read_open_orders(200, body([row]))
    assert (order.venue_id, order.left, order.client_id) == (9, Decimal("0.4"), "a")
    assert read.read_open_orders(200, b"[]") == []


def test_kill_switch_answers_an_object_or_an_empty_array() -> None:
    row: dict[str, object] = {
        "market": "BTC_USDT",
        "startTime": 10,
        "cancellationTime": 70,
        "types": None,
    }
    timer = read.read_kill_switch(200, body(row))
    assert timer is not None
    assert (timer.market, timer.start_s, timer.fires_s, timer.types) == ("BTC_USDT", 10, 70, None)
    assert read.read_kill_switch(200, b"[]") is None
    row["types"] = ["spot"]
    assert [t.types for t in read.read_kill_switch_status(200, body([row]))] == [["spot"]]


def test_balances() -> None:
    answer = body(
        {"BTC": {"available": "0.5", "freeze": "1e-8"}, "USDT": {"available": 7, "freeze": 0}}
    )
    assert read.read_balances(200, answer) == [
        BalanceRow("BTC", "0.5", "0.00000001"),
        BalanceRow("USDT", "7", "0"),
    ]
    assert read.read_balances(200, b"[]") == read.read_balances(200, b"{}") == []


def test_executed_history_comes_as_an_array_or_as_a_map() -> None:
    expected = Deal(
        160305483,
        1_594_240_477_849_703_000,
        "BTC_USDT",
        5,
        "9264.21",
        "0.000076",
        "0.00070407996",
        "q-1",
        1,
        2,
        "USDT",
    )
    assert read.read_executed_history(200, body([DEAL]), "BTC_USDT") == [expected]
    assert read.read_executed_history(200, body({"BTC_USDT": [DEAL]})) == [expected]
    assert read.read_executed_history(200, b"[]") == []
    (buy,) = read.read_executed_history(200, body([{**DEAL, "side": "buy"}]), "BTC_USDT")
    assert buy.side == 2


def test_deals_of_one_order_take_id_and_side_from_the_question() -> None:
    record = {k: v for k, v in DEAL.items() if k not in ("side", "orderId")}
    record["dealOrderId"] = 999
    answer = body({"records": [record], "offset": 0, "limit": 50})
    (deal,) = read.read_order_deals(200, answer, "BTC_USDT", 5, 1)
    assert (deal.venue_id, deal.side, deal.market) == (5, 1, "BTC_USDT")


@pytest.mark.parametrize(
    ("status", "stock", "finish"),
    [
        ("FILLED", "1", Finish.FILLED),
        ("CANCELED", "0.2", Finish.CANCELED),
        ("CANCELED_STP", "0", Finish.CANCELED),
        ("AUTO_CANCELED_REDUCE_ONLY", "0", Finish.CANCELED),
        ("PARTIALLY_FILLED", "0.5", Finish.CANCELED),
        ("", "1", Finish.FILLED),
    ],
)
def test_every_row_of_the_finished_orders_is_finished(
    status: str, stock: str, finish: Finish
) -> None:
    row = {"id": 4, "amount": "1", "status": status, "dealStock": stock, "dealMoney": "2"}
    (order,) = read.read_order_history(200, body({"BTC_USDT": [row]}))
    assert (order.venue_id, order.finish) == (4, finish)
    assert read.read_order_history(200, b"[]") == []


def test_websocket_token() -> None:
    assert read.read_websocket_token(200, body({"websocket_token": "t0k"})) == "t0k"
