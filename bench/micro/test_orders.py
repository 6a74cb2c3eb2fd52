"""Signing and building one order: every case's request is verified, then timed.

A time is that of a thousand orders, so milliseconds read as microseconds an order.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable

import pytest

from bench.micro.measure import Suite, WrongAnswerError
from bench.micro.native import Library, OrderLoop
from bench.micro.orders import (
    CCXT,
    CREATE,
    GUIDE,
    KEY,
    LOOP,
    SECRET,
    TEMPLATE,
    Form,
    verify,
    verify_http,
)

CheckAndTime = Callable[[Suite, str, int], None]

# The first test builds the native loops.
pytestmark = pytest.mark.timeout(900)

_NAMES = (GUIDE, CCXT, CREATE, TEMPLATE, LOOP)


@pytest.mark.parametrize("form", Form, ids=lambda form: form.name.lower())
@pytest.mark.parametrize("name", _NAMES)
def test_order(
    check_and_time: CheckAndTime, order_suites: dict[Form, Suite], form: Form, name: str
) -> None:
    check_and_time(order_suites[form], name, 1000)


@pytest.mark.parametrize("form", Form, ids=lambda form: form.name.lower())
def test_every_case_is_benchmarked(order_suites: dict[Form, Suite], form: Form) -> None:
    assert tuple(case.name for case in order_suites[form].cases) == _NAMES


@pytest.fixture
def request_bytes(library: Library) -> bytes:
    loop = OrderLoop(library, KEY, SECRET, "mm-", False)
    return loop.request(7, 629_573, 13, 1_785_730_136_175)


def _signed(body: bytes) -> dict[str, str]:
    payload = base64.b64encode(body)
    signature = hmac.new(SECRET.encode(), payload, hashlib.sha512).hexdigest()
    return {
        "X-TXC-APIKEY": KEY,
        "X-TXC-PAYLOAD": payload.decode(),
        "X-TXC-SIGNATURE": signature,
    }


def test_the_check_accepts_a_right_request(request_bytes: bytes) -> None:
    verify_http(request_bytes, Form.PLAIN, "mm-0000000007")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"amount":"0.013"', b'"amount":"0.014"'),
        (b"POST /api", b"POST /apl"),
        (b"Content-Length: 1", b"Content-Length: 2"),
        (b"X-TXC-SIGNATURE: ", b"X-TXC-SIGNATURE: 0"),
        (b"X-TXC-APIKEY: a", b"X-TXC-APIKEY: b"),
        (b"Host: whitebit.com", b"Host: whitebit.org"),
    ],
)
def test_the_check_refuses_a_changed_request(request_bytes: bytes, old: bytes, new: bytes) -> None:
    assert request_bytes.count(old) == 1
    with pytest.raises(WrongAnswerError):
        verify_http(request_bytes.replace(old, new), Form.PLAIN, "mm-0000000007")


def test_the_check_refuses_a_well_signed_order_for_something_else(request_bytes: bytes) -> None:
    body = request_bytes.partition(b"\r\n\r\n")[2]
    verify(body, _signed(body), Form.PLAIN, "mm-0000000007")
    dear = body.replace(b"62957.3", b"62957.4")
    with pytest.raises(WrongAnswerError, match="the body orders"):
        verify(dear, _signed(dear), Form.PLAIN, "mm-0000000007")
