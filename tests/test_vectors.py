"""The conformance vectors, run through the core and through the readers of answers.

`tests/vectors/README.md` says what a vector is. Every vector must be run by a test here, and every
key of its expectation must be compared.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.core_feed import CoreFeed
from whitewire import Book, BookEvent
from whitewire.errors import PeerError, VenueRefusal
from whitewire.protocol import control_replies
from whitewire.protocol.control_replies import FinishedOrder, KillSwitchTimer
from whitewire.protocol.events import (
    BalanceRow,
    Danger,
    Deal,
    EventKind,
    MarginBalanceRow,
    OrderUpdate,
    PositionRow,
    PublicTrade,
    Reply,
)
from whitewire.protocol.replies import (
    Ack,
    Ambiguous,
    OrderReply,
    Refused,
    RequestKind,
    classify,
    classify_bulk,
)

FOLDER = Path(__file__).parent / "vectors"
Vector = dict[str, Any]


def vectors(name: str) -> list[Vector]:
    """The vectors of one file."""
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    rows: list[Vector] = document["vectors"]
    return rows


def each(name: str) -> pytest.MarkDecorator:
    """Runs a test with every vector of a file."""
    return pytest.mark.parametrize("vector", vectors(name), ids=lambda vector: vector["name"])


def test_every_file_has_a_test_and_every_vector_a_source() -> None:
    names = {path.stem for path in FOLDER.glob("*.json")}
    marked = {
        mark.args[1][0]["name"]
        for test in globals().values()
        for mark in getattr(test, "pytestmark", ())
        if mark.name == "parametrize"
    }
    assert marked == {vectors(name)[0]["name"] for name in names}
    for name in names:
        rows = vectors(name)
        assert len({row["name"] for row in rows}) == len(rows), name
        for row in rows:
            assert set(row) - {"book", "market"} == {"name", "source", "input", "expected"}
            assert row["source"]


# ---- the stream -----------------------------------------------------------------------------


def levels(rows: list[tuple[Decimal, Decimal]]) -> list[list[str]]:
    """Levels as decimal texts."""
    return [[f"{price:f}", f"{amount:f}"] for price, amount in rows]


@each("depth")
def test_depth(vector: Vector) -> None:
    book = Book(**vector["book"])
    assert len(vector["input"]) == len(vector["expected"])
    for frame, expected in zip(vector["input"], vector["expected"], strict=True):
        assert book.apply(frame) == getattr(BookEvent, expected["event"])
        assert {
            "event": expected["event"],
            "update_id": book.update_id,
            "is_stale": book.is_stale,
            "asks": levels(book.asks()),
            "bids": levels(book.bids()),
            "ts_book_ns": book.ts_book_ns,
            "ts_exch_ns": book.ts_exch_ns,
        } == expected


@each("depth")
def test_depth_through_the_listener(vector: Vector) -> None:
    where = vector["book"]
    feed = CoreFeed(
        (where["market"], where["price_decimals"], where["amount_decimals"], where["depth"])
    )
    book = feed.engine.book(0, where["market"])
    for frame, expected in zip(vector["input"], vector["expected"], strict=True):
        said = feed.feed(frame)
        kind = expected["event"]
        if kind in ("SNAPSHOT", "DELTA"):
            assert said == [("book", 0)]
        elif kind == "GAP":
            assert said == [("event", EventKind.BOOK_GAP, 0, None)]
        else:
            assert [row[:2] for row in said if row[0] != "event" or row[1] != EventKind.OTHER] == []
        assert (book.update_id, book.is_stale) == (expected["update_id"], expected["is_stale"])
        assert levels(book.asks()) == expected["asks"]
        assert levels(book.bids()) == expected["bids"]


@each("bookTicker")
def test_book_ticker(vector: Vector) -> None:
    where = vector["book"]
    feed = CoreFeed(
        (where["market"], where["price_decimals"], where["amount_decimals"], where["depth"])
    )
    for frame, expected in zip(vector["input"], vector["expected"], strict=True):
        said = [list(row) for row in feed.feed(frame)]
        row = feed.engine.ticker(0)
        # the last field is when the frame was in hand here
        assert {"said": said, "ticker": row and list(row[:6])} == expected


ROWS: dict[EventKind, type[NamedTuple]] = {
    EventKind.TRADES: PublicTrade,
    EventKind.ORDER_PENDING: OrderUpdate,
    EventKind.ORDER_EXECUTED: OrderUpdate,
    EventKind.DEAL: Deal,
    EventKind.BALANCES: BalanceRow,
    EventKind.MARGIN_BALANCES: MarginBalanceRow,
    EventKind.POSITIONS: PositionRow,
    EventKind.DANGER: Danger,
    EventKind.REPLY: Reply,
    EventKind.REPLY_ERROR: Reply,
}
LISTS = frozenset(
    {EventKind.TRADES, EventKind.BALANCES, EventKind.MARGIN_BALANCES, EventKind.POSITIONS}
)
NO_MARKET = 0xFFFF


@each("events")
def test_events(vector: Vector) -> None:
    where = vector.get("market", {"market": "BTC_PERP", "price_decimals": 1, "amount_decimals": 3})
    feed = CoreFeed((where["market"], where["price_decimals"], where["amount_decimals"], 100))
    [said] = feed.feed(vector["input"])
    expected = vector["expected"]
    kind = EventKind[expected["kind"]]
    if kind is EventKind.MALFORMED:
        assert said[0] == "fault"
        assert said[1]
        assert expected == {"kind": "MALFORMED"}
        return
    _, said_kind, market, event = said
    assert said_kind == kind
    assert market == expected.pop("market", NO_MARKET)
    if kind is EventKind.OTHER:
        assert {"kind": "OTHER", "method": event} == expected
        return
    rows = event if kind in LISTS else [event]
    named = [ROWS[kind](*row)._asdict() for row in rows]
    if kind is EventKind.DANGER:
        named[0]["position"] = list(named[0]["position"])
    assert {"kind": expected["kind"], "rows": named} == expected


# ---- numbers --------------------------------------------------------------------------------


@each("decimals")
def test_decimals(vector: Vector) -> None:
    text, decimals = vector["input"]["text"], vector["input"]["decimals"]
    book = Book("M", 0, decimals, 1)
    body = {"timestamp": 1, "update_id": 1, "asks": [["1", text]], "event_time": 1}
    frame = json.dumps({"method": "depth_update", "params": [True, body, "M"], "id": None})
    if vector["expected"] == {"malformed": True}:
        with pytest.raises(PeerError) as caught:
            book.apply(frame)
        assert caught.value.code == "frame-malformed"
        assert book.is_stale
        return
    assert book.apply(frame) == BookEvent.SNAPSHOT
    amount = sum(lots for _, lots in book.asks())
    assert {"units": amount / Decimal(1).scaleb(-decimals)} == vector["expected"]


# ---- answers --------------------------------------------------------------------------------


def order_of(order: OrderReply) -> Vector:
    """An order object as decimal texts."""
    fields = {name: getattr(order, name) for name in order.__struct_fields__}
    texts = {
        name: f"{value:f}" if isinstance(value, Decimal) else value
        for name, value in fields.items()
    }
    zeros = {name: "0" for name in ("deal_stock", "deal_money", "deal_fee")
             if getattr(order, name) == 0}  # fmt: skip
    return texts | zeros | {"finish": order.finish and order.finish.name}


def verdict_of(reply: Ack | Refused | Ambiguous) -> Vector:
    """A verdict as a vector says it."""
    if isinstance(reply, Ack):
        return {"verdict": "ack", "order": order_of(reply.order)}
    if isinstance(reply, Ambiguous):
        assert reply.reason
        return {"verdict": "ambiguous"}
    reject = reply.reject
    names = ("code", "venue_code", "fields", "message", "retryable", "untouched")
    return {"verdict": "refused"} | {name: getattr(reject, name) for name in names}


@each("order_replies")
def test_order_replies(vector: Vector) -> None:
    asked = vector["input"]
    reply = classify(RequestKind(asked["kind"]), asked["status"], asked["body"].encode())
    assert verdict_of(reply) == vector["expected"]


@each("bulk_replies")
def test_bulk_replies(vector: Vector) -> None:
    asked = vector["input"]
    replies = classify_bulk(
        asked["status"], asked["body"].encode(), asked["legs"], asked["stop_on_fail"]
    )
    assert [verdict_of(reply) for reply in replies] == vector["expected"]


def plain(value: Any) -> Any:
    """What a reader returned, as a vector says it."""
    if isinstance(value, list):
        return [plain(row) for row in value]
    if isinstance(value, OrderReply):
        return order_of(value)
    if isinstance(value, Deal | BalanceRow):
        return value._asdict()
    if isinstance(value, FinishedOrder):
        names = ("amount", "deal_stock", "deal_money")
        return {
            "venue_id": value.venue_id,
            "client_id": value.client_id,
            "status": value.status,
            "finish": value.finish.name,
        } | {name: f"{getattr(value, name):f}" for name in names}
    if isinstance(value, KillSwitchTimer):
        return {name: getattr(value, name) for name in value.__struct_fields__}
    return value


@each("control_replies")
def test_control_replies(vector: Vector) -> None:
    asked, expected = vector["input"], vector["expected"]
    read = getattr(control_replies, f"read_{asked['reader']}")
    arguments = (asked["status"], asked["body"].encode())
    if isinstance(expected, dict) and "refusal" in expected:
        with pytest.raises(VenueRefusal) as refused:
            read(*arguments, **asked["arguments"])
        names = ("status", "venue_code", "fields")
        assert {name: getattr(refused.value, name) for name in names} == expected["refusal"]
    elif expected == {"peer_error": True}:
        with pytest.raises(PeerError):
            read(*arguments, **asked["arguments"])
    else:
        assert plain(read(*arguments, **asked["arguments"])) == expected
