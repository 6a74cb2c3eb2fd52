"""Replies of order calls: every documented number has a verdict, and none claims too much."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.errors import PeerError
from whitewire.protocol.order_states import Finish
from whitewire.protocol.replies import Ack, Ambiguous, Refused, Reply, RequestKind
from whitewire.protocol.replies_socket import classify_call, read_reply
from whitewire.venue.values.ws_refusals import TEXTS

PLACE, CANCEL, MODIFY = RequestKind.PLACE, RequestKind.CANCEL, RequestKind.MODIFY
ORDER = {
    "id": 2423735990001, "market": "BTC_USDT", "type": 1, "side": 2, "post_only": True,
    "ioc": False, "ctime": 1786460000.123456, "mtime": 1786460000.123456, "price": "60000.5",
    "amount": "0.01", "left": "0.004", "deal_stock": "0.006", "deal_money": "360.003",
    "deal_fee": "0.36", "client_order_id": "q-7", "stp": "cn", "status": "PARTIALLY_FILLED",
}  # fmt: skip
# Number: (code of a placement, whether the engine cannot have seen it); None is an open outcome.
VERDICTS: dict[int, tuple[str, bool] | None] = {
    1: ("validation", True), 2: None, 3: None, 4: ("no-endpoint", True), 5: None,
    6: ("unauthorized", True), 7: ("throttled", True), 8: ("asset", True), 9: ("market", True),
    10: ("no-funds", False), 11: ("amount-too-small", False), 12: None,
    13: ("would-take", False), 14: ("would-take", False), 15: ("busy", False),
    16: ("busy", False), 17: ("no-funds", False), 19: ("market", True), 40: ("flags", False),
    41: ("flags", False), 42: None, 43: ("client-id", False), 51: ("market-closed", False),
    101: ("venue-101", False), 103: ("stop-limit", False), 104: ("venue-104", False),
    105: ("venue-105", False), 106: ("venue-106", False), 108: ("venue-108", False),
    111: ("position-limit", False), 112: ("pending-limit", False), 113: ("side-locked", False),
    114: ("position-side", False), 115: ("opposite-side", False), 116: ("reduce-only", False),
    150: ("venue-150", False), 151: ("venue-151", False), 152: ("venue-152", False),
    153: ("venue-153", False), 154: ("price-band", False), 155: ("not-modifiable", False),
    156: ("not-modifiable", False), 158: ("venue-158", False), 159: ("venue-159", False),
    160: ("not-modifiable", False), 161: ("venue-161", False), 162: ("total", False),
    163: ("amount", False), 164: ("price", False), 200: ("venue-200", False),
    201: ("venue-201", False), 250: ("price-band", False), 251: ("price-band", False),
    601: ("not-available", True), 602: ("flags", False), 10000: ("throttled", True),
    10001: ("throttled", True), 10006: ("not-available", True), 10007: ("not-available", True),
    10008: ("not-available", True), 10009: ("not-available", True),
    10010: ("not-available", True),
}  # fmt: skip


def judged(kind: RequestKind, **members: Any) -> Reply:
    text = json.dumps({"error": None, "result": None, "id": 7, **members})
    return classify_call(kind, read_reply(text.encode()))


def test_an_order_is_read_as_that_of_rest() -> None:
    reply = judged(PLACE, result=ORDER)
    assert isinstance(reply, Ack)
    order = reply.order
    assert (order.venue_id, order.client_id, order.side) == (2423735990001, "q-7", "buy")
    assert (order.left, order.deal_stock) == (Decimal("0.004"), Decimal("0.006"))
    assert (order.price, order.finish) == (Decimal("60000.5"), None)
    for status in ("CANCELED", "CANCELED_STP", "CANCELED_TAKER_BAND", "AUTO_CANCELED_REDUCE_ONLY"):
        reply = judged(PLACE, result={**ORDER, "status": status})
        assert isinstance(reply, Ack)
        assert reply.order.finish is Finish.CANCELED


def test_the_table_has_every_documented_number() -> None:
    assert VERDICTS.keys() == TEXTS.keys()


@pytest.mark.parametrize("number", VERDICTS)
def test_a_placement_is_judged_by_number(number: int) -> None:
    reply = judged(PLACE, error={"code": number, "message": "some words"})
    wanted = VERDICTS[number]
    if wanted is None:
        assert isinstance(reply, Ambiguous)
        return
    assert isinstance(reply, Refused)
    reject = reply.reject
    assert ((reject.code, reject.untouched), reject.venue_code) == (wanted, number)
    assert reject.retryable is (reject.code in {"throttled", "busy", "would-take"})


@pytest.mark.parametrize("kind", [CANCEL, MODIFY])
def test_six_of_a_change_is_an_order_that_is_not_open(kind: RequestKind) -> None:
    reply = judged(kind, error={"code": 6, "message": "order not found"})
    assert isinstance(reply, Refused)
    assert (reply.reject.code, reply.reject.untouched) == ("not-found", False)


@pytest.mark.parametrize("kind", [PLACE, CANCEL, MODIFY])
def test_six_of_a_session_is_told_by_its_text(kind: RequestKind) -> None:
    reply = judged(kind, error={"code": 6, "message": "Require authentication"})
    assert isinstance(reply, Refused)
    assert (reply.reject.code, reply.reject.untouched) == ("unauthorized", True)


@pytest.mark.parametrize(
    "result", [None, {}, [], "text", {**ORDER, "amount": "NaN"}, {**ORDER, "id": "7"}]
)
def test_an_order_that_cannot_be_read_proves_nothing(result: object) -> None:
    assert isinstance(judged(PLACE, result=result), Ambiguous)


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"{", b'{"id":"7","result":{},"error":null}', b"\xff",
        b'{"id":7,"error":{"message":"no number"}}', b'{"id":7,"error":{"code":0}}',
    ],
)  # fmt: skip
def test_what_is_no_reply_is_the_peers_fault(text: bytes) -> None:
    with pytest.raises(PeerError):
        read_reply(text)


@given(text=st.binary(max_size=200), kind=st.sampled_from([PLACE, CANCEL, MODIFY]))
def test_any_bytes_end_in_a_verdict_or_a_fault(text: bytes, kind: RequestKind) -> None:
    try:
        reply = read_reply(text)
    except PeerError:
        return
    assert isinstance(classify_call(kind, reply), Ack | Refused | Ambiguous)
