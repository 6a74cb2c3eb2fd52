"""The core's short reading of an answer against the general reader."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.order_desk import MARKET, new_order, new_store
from whitewire.protocol.order_reducer import scale
from whitewire.protocol.order_states import Finish
from whitewire.protocol.orders import Order
from whitewire.protocol.replies import Ack, RequestKind, classify
from whitewire.protocol.replies_plain import PlainAck, plain_ack
from whitewire.protocol.replies_socket import SocketReply, classify_call

REST: dict[str, Any] = {
    "orderId": 4180284841,
    "clientOrderId": "ww-1",
    "market": "BTC_USDT",
    "side": "buy",
    "type": "limit",
    "timestamp": 1595792396.165973,
    "dealMoney": "0",
    "dealStock": "0",
    "amount": "0.01",
    "left": "0.01",
    "dealFee": "0",
    "feeAsset": "USDT",
    "price": "40000.5",
    "postOnly": False,
    "ioc": False,
    "status": "OPEN",
    "stp": "no",
    "rpi": False,
}
CALL: dict[str, Any] = {
    "id": 2423735990001,
    "market": "BTC_USDT",
    "type": 1,
    "side": 2,
    "ctime": 1785730136.5,
    "mtime": 1785730136.5,
    "price": "60000.5",
    "amount": "0.010",
    "left": "0.010",
    "deal_stock": "0.000",
    "deal_money": "0",
    "deal_fee": "0",
    "fee_asset": "USDT",
    "client_order_id": "ww-1",
    "post_only": True,
    "status": "OPEN",
    "stp": "no",
}


def order() -> Order:
    return new_order(new_store())


def short(document: object, is_call: bool = False) -> PlainAck | None:
    return plain_ack(order(), json.dumps(document).encode(), is_call)


def whole(text: bytes, is_call: bool) -> Ack | None:
    """What the general reader makes of a text."""
    if is_call:
        reply = classify_call(RequestKind.PLACE, SocketReply(1, 0, "", text))
    else:
        reply = classify(RequestKind.PLACE, 200, text)
    return reply if isinstance(reply, Ack) else None


def test_the_usual_answer_is_read_in_short() -> None:
    assert short(REST) == PlainAck(4180284841, 4_000_050, 10_000, None)
    assert short(CALL, True) == PlainAck(2423735990001, 6_000_050, 10_000, None)
    canceled = short({**REST, "status": "CANCELED"})
    assert canceled is not None
    assert canceled.finish is Finish.CANCELED
    for optional in ("clientOrderId", "side", "type", "timestamp", "dealMoney", "dealStock",
                     "dealFee", "feeAsset", "stp"):  # fmt: skip
        assert short({name: REST[name] for name in REST if name != optional}) == short(REST)
    assert short({**REST, "clientOrderId": ""}) == short(REST)
    assert short({**REST, "makerFee": {"a": [1, None]}, "oto": None}) == short(REST)


@pytest.mark.parametrize(
    "change",
    [
        {"orderId": -1},
        {"orderId": "4180284841"},
        {"orderId": 1.5},
        {"orderId": 10**18},
        {"clientOrderId": "ww-2"},
        {"clientOrderId": None},
        {"market": "ETH_USDT"},
        {"dealStock": "0.001", "status": "PARTIALLY_FILLED"},
        {"dealStock": "0.001"},
        {"dealStock": None},
        {"status": "FILLED"},
        {"status": "CANCELED_STP"},
        {"status": ""},
        {"price": None},
        {"price": "0"},
        {"price": "40000.123"},
        {"price": 40000.5},
        {"price": "4e4"},
        {"price": "-1"},
        {"amount": "0.0000001"},
        {"amount": "NaN"},
        {"amount": "1" * 33},
        {"left": "?"},
        {"dealFee": "1e999999"},
        {"dealMoney": "Infinity"},
        {"timestamp": "later"},
        {"side": 1},
        {"type": None},
        {"feeAsset": 5},
        {"market": "BTC_USDT\u00e9"},
    ],
)
def test_anything_else_is_left_to_the_general_reader(change: dict[str, object]) -> None:
    assert short({**REST, **change}) is None


@pytest.mark.parametrize("name", ["orderId", "market", "amount", "left", "price", "status"])
def test_what_it_takes_must_be_there(name: str) -> None:
    assert short({key: REST[key] for key in REST if key != name}) is None


def test_what_is_no_usual_text_is_left_to_the_general_reader() -> None:
    text = json.dumps(REST)
    for other in (
        "",
        "null",
        f"[{text}]",
        text[:-1],
        text + "x",
        text.replace('"OPEN"', '"\\u004fPEN"'),
        text.replace('"status"', '"\\u0073tatus"'),
        text[:-1] + ', "status": "OPEN"}',
        text[:-1] + f', "note": "{"x" * 5000}"' + "}",
        text.replace("{", "{,", 1),
    ):
        assert plain_ack(order(), other.encode()) is None
    assert plain_ack(order(), b" \n" + text.encode() + b"\t ") == short(REST)
    assert plain_ack(order(), text.encode(), True) is None
    assert plain_ack(order(), json.dumps(CALL).encode()) is None


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**19), 10**19),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(min_value=-1, max_value=10**9, places=8).map(str),
    st.sampled_from(
        [
            "0",
            "0.0",
            "00",
            ".",
            "0.",
            ".5",
            "1e3",
            "-0",
            "+1",
            "1_0",
            "NaN",
            "OPEN",
            "CANCELED",
            "FILLED",
            "BTC_USDT",
            "ww-1",
            "",
            " 1",
            "0.01",
            "7" * 30,
            "0." + "0" * 40,
        ]
    ),
    st.text(max_size=4),
    st.lists(st.integers(), max_size=2),
)


@st.composite
def texts(draw: st.DrawFn) -> tuple[bytes, bool]:
    """An answer that is nearly as usual."""
    is_call = draw(st.booleans())
    rows = [*(CALL if is_call else REST).items()]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(rows) - 1))
        change = draw(st.sampled_from(["value", "drop", "repeat", "move", "text"]))
        name, value = rows[at]
        if change == "value":
            rows[at] = name, draw(VALUES)
        elif change == "text":
            rows[at] = name, str(value)
        elif change == "drop" and len(rows) > 1:
            del rows[at]
        elif change == "repeat":
            rows.append((name, draw(VALUES)))
        else:
            rows.insert(draw(st.integers(0, len(rows) - 1)), rows.pop(at))
    colon, comma = draw(st.sampled_from([(":", ","), (": ", ", "), (" :\n", "\t,")]))
    members = [json.dumps(name) + colon + json.dumps(value) for name, value in rows]
    text = bytearray(b"{" + comma.join(members).encode() + b"}")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(text) - 1))
        text[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return bytes(text), is_call


@settings(deadline=None, max_examples=2_000)
@given(case=texts())
def test_what_is_read_in_short_means_the_same_to_the_general_reader(
    case: tuple[bytes, bool],
) -> None:
    text, is_call = case
    asked = order()
    plain = plain_ack(asked, text, is_call)
    if plain is None:
        return
    ack = whole(text, is_call)
    assert ack is not None
    row = ack.order
    assert row.client_id in ("", asked.client_id)
    assert row.market == MARKET.name
    assert scale(row.deal_stock, MARKET.amount_decimals) == 0
    assert row.price is not None
    ticks, lots = scale(row.price, MARKET.price_decimals), scale(row.amount, MARKET.amount_decimals)
    assert plain == PlainAck(row.venue_id, ticks, lots, row.finish)
    assert ticks > 0
    assert row.price == MARKET.price(ticks)
    assert isinstance(row.left, Decimal)


@settings(deadline=None, max_examples=500)
@given(data=st.binary(max_size=80))
def test_any_bytes_are_read_or_left(data: bytes) -> None:
    assert plain_ack(order(), data) is None
