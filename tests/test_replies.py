"""Verdicts on order requests."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.protocol.order_states import Finish
from whitewire.protocol.orders import RejectSource
from whitewire.protocol.replies import (
    Ack,
    Ambiguous,
    Refused,
    RequestKind,
    classify,
    classify_bulk,
    finish_of,
)

PLACE, CANCEL, MODIFY = RequestKind.PLACE, RequestKind.CANCEL, RequestKind.MODIFY
ORDER = {
    "orderId": 4180284841,
    "clientOrderId": "q-1",
    "market": "BTC_USDT",
    "side": "buy",
    "type": "limit",
    "timestamp": 1595792396.165973,
    "dealMoney": "0",
    "dealStock": "0",
    "amount": "0.01",
    "left": "0.01",
    "dealFee": "0",
    "price": "40000",
    "postOnly": False,
    "ioc": False,
    "status": "OPEN",
    "stp": "no",
    "rpi": False,
}


def body(document: object) -> bytes:
    return json.dumps(document).encode()


def error(code: int, message: str = "Inner validation failed", **fields: list[str]) -> bytes:
    return body({"code": code, "message": message, "errors": fields})


def ack(document: object, kind: RequestKind = PLACE, status: int = 200) -> Ack:
    reply = classify(kind, status, body(document))
    assert isinstance(reply, Ack)
    return reply


def refused(kind: RequestKind, status: int, answer: bytes) -> Refused:
    reply = classify(kind, status, answer)
    assert isinstance(reply, Refused)
    assert reply.reject.source is RejectSource.VENUE
    assert reply.reject.status == status
    return reply


@pytest.mark.parametrize("kind", [PLACE, CANCEL, MODIFY])
def test_the_documented_order_object_is_an_ack(kind: RequestKind) -> None:
    order = ack(ORDER, kind).order
    assert (order.venue_id, order.client_id, order.market) == (4180284841, "q-1", "BTC_USDT")
    assert (order.price, order.amount, order.left) == (Decimal(40000), Decimal("0.01"), order.left)
    assert order.timestamp == Decimal("1595792396.165973")
    assert order.finish is None


def test_modify_may_answer_an_array_of_one_and_nothing_longer() -> None:
    assert ack([ORDER], MODIFY).order.venue_id == 4180284841
    assert isinstance(classify(MODIFY, 200, body([ORDER, ORDER])), Ambiguous)
    assert isinstance(classify(MODIFY, 200, b"[]"), Ambiguous)
    assert isinstance(classify(PLACE, 200, body([ORDER])), Ambiguous)


def test_fields_may_be_missing_extra_or_exponents() -> None:
    least = {"orderId": 1, "market": "M", "amount": "1e-8", "left": "0e-8", "new": {"x": [1]}}
    order = ack(least).order
    assert (order.amount, order.left) == (Decimal("1e-8"), Decimal(0))
    assert order.price is None


@pytest.mark.parametrize(
    ("status", "left", "finish"),
    [
        ("OPEN", "1", None),
        ("NEW", "1", None),
        ("PARTIALLY_FILLED", "1", None),
        ("FILLED", "0", Finish.FILLED),
        ("FILLED", "0.00005257", Finish.FILLED),
        ("CANCELED", "1", Finish.CANCELED),
        ("CANCELED", "0", Finish.CANCELED),
        ("CANCELED_STP", "1", Finish.CANCELED),
        ("AUTO_CANCELED_LIQUIDATION", "1", Finish.CANCELED),
        ("DELISTING", "1", Finish.CANCELED),
        ("", "0", Finish.FILLED),
        ("", "1", None),
    ],
)
def test_status_texts_are_judged_by_substring(
    status: str, left: str, finish: Finish | None
) -> None:
    assert finish_of(status, Decimal(left)) is finish
    assert ack({**ORDER, "status": status, "left": left}).order.finish is finish


@pytest.mark.parametrize(
    ("kind", "status", "answer", "code", "untouched"),
    [
        (PLACE, 400, error(10, amount=["Not enough balance."]), "no-funds", False),
        (PLACE, 422, error(32, amount=["Not enough balance."]), "no-funds", True),
        (PLACE, 422, error(32, amount=["Given amount is less"]), "amount", True),
        (PLACE, 422, error(14, postOnly=["couldn't be executed"]), "would-take", False),
        (PLACE, 422, error(17, amount=["Not enough balance."]), "no-funds", False),
        (PLACE, 422, error(10, amount=["Not enough balance."]), "no-funds", False),
        (PLACE, 422, error(111, amount=["too big"]), "position-limit", False),
        (PLACE, 422, error(116, reduceOnly=["wrong side"]), "reduce-only", False),
        (MODIFY, 422, error(112, amount=["too big"]), "pending-limit", False),
        (PLACE, 400, error(13, postOnly=["couldn't be executed"]), "would-take", False),
        (PLACE, 400, error(15, error=["Please try again later."]), "busy", False),
        (PLACE, 422, error(36, clientOrderId=["already used"]), "client-id", True),
        (PLACE, 422, error(40, ioc=["x"]), "flags", False),
        (MODIFY, 422, error(40, postOnly=["Limit order is not post only"]), "not-post-only", False),
        (PLACE, 422, error(42, retail=["x"]), "retail-forbidden", False),
        (MODIFY, 422, error(42, stp=["trading group does not match"]), "stp-group", False),
        (CANCEL, 400, error(2, orderId=["Unexecuted order was not found."]), "not-found", False),
        (CANCEL, 400, error(2, order_id=["Unexecuted order was not found."]), "not-found", False),
        (MODIFY, 400, error(6), "not-found", False),
        (CANCEL, 422, error(30, market=["The market field is required."]), "validation", True),
        (MODIFY, 422, error(10, amount=["Not enough balance."]), "no-funds", False),
        (PLACE, 400, error(9, "Invalid payload."), "venue-9", False),
        (PLACE, 401, body({"code": 10, "message": "Unauthorized request."}), "unauthorized", True),
        (PLACE, 401, body({"code": 0, "message": "Too many requests."}), "nonce", True),
        (
            PLACE,
            401,
            body({"code": 0, "message": "Your nonce is more than 5 seconds lesser"}),
            "nonce",
            True,
        ),
        (PLACE, 403, body({"code": 4, "message": "not authorized"}), "unauthorized", True),
        (PLACE, 429, b"Too Many Requests", "throttled", True),
        (PLACE, 429, b"<html>slow down</html>", "throttled", True),
        (PLACE, 404, b"", "no-endpoint", True),
        (PLACE, 453, error(30, orderType=["not available"]), "not-available", True),
        (PLACE, 422, body({"message": "no code"}), "venue", False),
    ],
)
def test_a_refusal_keeps_its_meaning_at_its_endpoint(
    kind: RequestKind, status: int, answer: bytes, code: str, untouched: bool
) -> None:
    reject = refused(kind, status, answer).reject
    assert (reject.code, reject.untouched) == (code, untouched)
    assert reject.retryable == (code in {"throttled", "nonce", "busy", "would-take"})


def test_a_refusal_keeps_the_venues_words() -> None:
    answer = error(30, "Validation failed", amount=["required"], price=["required", "number"])
    reject = refused(PLACE, 422, answer).reject
    assert reject.message == "Validation failed"
    assert reject.venue_code == 30
    assert reject.fields == {"amount": ["required"], "price": ["required", "number"]}


@pytest.mark.parametrize("errors", [[], None, "text", {"a": "not a list"}])
def test_odd_error_maps_are_tolerated(errors: object) -> None:
    answer = body({"code": 30, "message": "Validation failed", "errors": errors})
    assert refused(PLACE, 422, answer).reject.code == "validation"


@pytest.mark.parametrize("kind", [PLACE, CANCEL, MODIFY])
@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (500, body({"error": ["Internal server error."]})),
        (502, b"<html>Bad Gateway</html>"),
        (503, error(10)),
        (200, b""),
        (200, b"<html></html>"),
        (200, b"{}"),
        (200, body({"code": 10, "message": "no"})),
        (200, b"\xff\xfe"),
        (302, b""),
        (400, b"<html>Bad Request</html>"),
        (403, b"<html>blocked</html>"),
        (408, b""),
        (400, b"[]"),
    ],
)
def test_anything_else_proves_nothing(kind: RequestKind, status: int, answer: bytes) -> None:
    assert isinstance(classify(kind, status, answer), Ambiguous)


@given(
    kind=st.sampled_from([PLACE, CANCEL, MODIFY]), status=st.integers(100, 599), answer=st.binary()
)
def test_no_answer_raises_and_noise_is_never_an_ack(
    kind: RequestKind, status: int, answer: bytes
) -> None:
    assert not isinstance(classify(kind, status, answer), Ack)


def leg(order_id: int) -> dict[str, object]:
    return {"result": {**ORDER, "orderId": order_id}, "error": None}


BAD_LEG = {
    "result": None,
    "error": {"code": 10, "message": "no", "errors": {"amount": ["Not enough balance."]}},
}


def test_bulk_answers_leg_by_leg() -> None:
    replies = classify_bulk(200, body([leg(1), BAD_LEG, leg(3)]), 3, False)
    assert [type(reply) for reply in replies] == [Ack, Refused, Ack]
    assert isinstance(replies[1], Refused)
    assert (replies[1].reject.code, replies[1].reject.venue_code) == ("no-funds", 10)
    assert isinstance(replies[2], Ack)
    assert replies[2].order.venue_id == 3


@pytest.mark.parametrize("tail", [[], [BAD_LEG]])
def test_after_stop_on_fail_the_missing_tail_was_not_sent(tail: list[object]) -> None:
    replies = classify_bulk(200, body([leg(1), *tail]), 4, True)
    missing = replies[1 + len(tail) :]
    assert len(replies) == 4
    for reply in missing:
        assert isinstance(reply, Refused)
        assert (reply.reject.source, reply.reject.code) == (RejectSource.LOCAL, "bulk-stopped")


def test_a_missing_tail_without_stop_on_fail_proves_nothing() -> None:
    replies = classify_bulk(200, body([leg(1)]), 3, False)
    assert [type(reply) for reply in replies] == [Ack, Ambiguous, Ambiguous]


def test_one_unreadable_leg_spoils_only_itself_and_what_may_have_followed() -> None:
    document = body([leg(1), {"result": {"x": 1}, "error": None}, {}, leg(4)])
    replies = classify_bulk(200, document, 5, True)
    assert [type(reply) for reply in replies] == [Ack, Ambiguous, Ambiguous, Ack, Ambiguous]


@pytest.mark.parametrize(("status", "answer"), [(200, b"{}"), (200, b""), (503, b"busy")])
def test_an_unusable_bulk_answer_leaves_every_leg_open(status: int, answer: bytes) -> None:
    replies = classify_bulk(status, answer, 3, True)
    assert [type(reply) for reply in replies] == [Ambiguous] * 3


def test_more_answers_than_legs_cannot_be_trusted() -> None:
    replies = classify_bulk(200, body([leg(1), leg(2)]), 1, False)
    assert [type(reply) for reply in replies] == [Ambiguous]


def test_a_refused_bulk_refuses_every_leg() -> None:
    answer = error(30, "Validation failed", orders=["validation.between"])
    replies = classify_bulk(422, answer, 2, False)
    assert [type(reply) for reply in replies] == [Refused, Refused]
