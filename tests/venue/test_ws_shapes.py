"""Message bytes and optional members of the WebSocket's objects."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from tests.venue.test_rest_shapes import ORDER
from whitewire.venue.streams.shapes import SUCCESS, WsShapes, error_reply, push, reply
from whitewire.venue.values.model import Level, OrderType, Side, Top
from whitewire.venue.values.money import to_text

SHAPES = WsShapes(to_text)


def test_replies_are_byte_for_byte_the_captured_ones() -> None:
    assert reply(SUCCESS, 2000001) == (
        '{"error": null, "result": {"status": "success"}, "id": 2000001}'
    )
    assert reply("pong", 177472028786210) == (
        '{"error": null, "result": "pong", "id": 177472028786210}'
    )
    assert error_reply(1, "invalid argument", 7) == (
        '{"error": {"code": 1, "message": "invalid argument"}, "result": null, "id": 7}'
    )


def test_a_book_ticker_push_is_byte_for_byte_the_captured_one() -> None:
    top = Top(
        "BTC_PERP",
        1785732678.2802551,
        22217102542,
        Level(Decimal("62965.8"), Decimal("0.005")),
        Level(Decimal("62974.2"), Decimal("0.017")),
    )
    assert push("bookTicker_update", [SHAPES.book_ticker(top, 1785732678.2810941)]) == (
        '{"method": "bookTicker_update", "params": [[1785732678.2802551, 1785732678.2810941, '
        '"BTC_PERP", 22217102542, "62965.8", "0.005", "62974.2", "0.017"]], "id": null}'
    )


def test_an_empty_side_of_the_book_ticker_is_two_zeros() -> None:
    top = Top("BTC_USDT", 1.5, 7, None, None)
    assert SHAPES.book_ticker(top, 2.5) == [1.5, 2.5, "BTC_USDT", 7, "0", "0", "0", "0"]


def test_orders_use_the_venues_numbers() -> None:
    shape = SHAPES.order(ORDER)
    assert (shape["side"], shape["type"], shape["price"]) == (2, 1, "1.5")
    market = replace(ORDER, side=Side.SELL, type=OrderType.STOCK_MARKET, price=None)
    shape = SHAPES.order(market)
    assert (shape["side"], shape["type"], shape["price"]) == (1, 202, "0")


def test_retail_is_printed_only_where_it_was_sent() -> None:
    assert "retail" not in SHAPES.order(ORDER)
    assert SHAPES.order(replace(ORDER, retail=True))["retail"] is True


def test_an_executed_record_has_an_end_and_no_remainder() -> None:
    shape = SHAPES.executed_order(ORDER)
    assert shape["ftime"] == ORDER.mtime
    assert shape["source"] == "api"
    assert not {"left", "stp", "mtime"} & set(shape)
