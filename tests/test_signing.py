"""Signatures and order requests against the standard library, byte for byte."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from whitewire import NumberError, OrderTemplate, Side, Signer, UsageError
from whitewire._core import RequestTemplate

QUICK = settings(deadline=None, max_examples=200)
KEY, SECRET = "0123456789abcdef", "the secret"
PATH = "/api/v4/order/new"

VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F))
ID_CHARACTERS = string.ascii_letters + string.digits + "-"
keys = st.text(VISIBLE, min_size=1, max_size=64)
# longer than the hash's block of 128 bytes, too, where HMAC takes another way
secrets = st.text(min_size=1, max_size=200).filter(lambda text: _encodable(text))
hosts = st.text(VISIBLE, min_size=1, max_size=40)
paths = st.text(string.ascii_letters + string.digits + "/-_.~", max_size=60).map("/".__add__)
markets = st.text(string.ascii_uppercase + string.digits + "_", min_size=1, max_size=32)
nonces = st.integers(1, 2**64 - 1) | st.integers(1_700_000_000_000, 1_900_000_000_000)
numbers = st.from_regex(r"[0-9]{1,15}(\.[0-9]{1,15})?", fullmatch=True).filter(
    lambda text: Decimal(text) > 0
)
# what the venue allows together
flags = st.sampled_from([
    {"post_only": True}, {"post_only": False}, {"post_only": False, "ioc": True},
    {"post_only": False, "rpi": True},
])  # fmt: skip
modes = st.sampled_from([None, "no", "cb", "cn", "co"])


def _encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


# ---- the slow twin --------------------------------------------------------------------------


def naive_headers(key: str, secret: str, body: bytes) -> dict[str, str]:
    """The venue's authentication as its documentation words it."""
    payload = base64.b64encode(body)
    signature = hmac.new(secret.encode(), payload, hashlib.sha512).hexdigest()
    return {
        "Content-Type": "application/json",
        "X-TXC-APIKEY": key,
        "X-TXC-PAYLOAD": payload.decode(),
        "X-TXC-SIGNATURE": signature,
    }


def naive_request(host: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """A whole HTTP/1.1 request."""
    lines = [f"POST {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's members; no key may be there twice."""
    document = dict(pairs)
    assert len(document) == len(pairs)
    return document


def members(body: bytes) -> dict[str, Any]:
    """The members of a compact JSON object without repeated keys."""
    document: dict[str, Any] = json.loads(body, object_pairs_hook=unique)
    assert json.dumps(document, separators=(",", ":"), ensure_ascii=True).encode() == body
    return document


def opened(request: bytes) -> dict[str, Any]:
    """The members of a request's body, after its frame and signature were checked."""
    _, _, body = request.partition(b"\r\n\r\n")
    host = request.split(b"\r\nHost: ")[1].split(b"\r\n")[0].decode()
    document = members(body)
    headers = naive_headers(KEY, SECRET, body)
    assert request == naive_request(host, document["request"], headers, body)
    return document


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer(KEY, SECRET)


# ---- headers --------------------------------------------------------------------------------


@given(key=keys, secret=secrets, body=st.binary(max_size=700))
@settings(QUICK)
@example(key="k", secret="s" * 128, body=b"")
@example(key="k", secret="s" * 129, body=b"x" * 96)
def test_headers_are_the_twins(key: str, secret: str, body: bytes) -> None:
    assert Signer(key, secret).headers(body) == naive_headers(key, secret, body)


@pytest.mark.parametrize("length", range(260))
def test_headers_of_every_length_around_the_blocks(signer: Signer, length: int) -> None:
    body = bytes(range(length % 256)) + b"y" * (length - length % 256)
    assert signer.headers(body) == naive_headers(KEY, SECRET, body)


@pytest.mark.parametrize(
    ("key", "secret"),
    [("", "s"), ("k", ""), ("k k", "s"), ("k\r\nX-Evil: 1", "s"), ("k\u00e9", "s"), ("\x7f", "s")],
)
def test_a_key_that_cannot_stand_in_a_header_is_refused(key: str, secret: str) -> None:
    with pytest.raises(UsageError) as caught:
        Signer(key, secret)
    assert caught.value.code == "bad-key"
    assert secret == "" or secret not in str(caught.value).split()


def test_a_signer_does_not_show_its_secret() -> None:
    made = Signer("visible-key", "invisible-secret")
    assert "secret" not in repr(made) + str(made)
    assert not [name for name in dir(made) if "secret" in name.lower()]


# ---- orders ---------------------------------------------------------------------------------


@given(
    key=keys, secret=secrets, host=hosts, path=paths, market=markets, side=st.sampled_from(Side),
    chosen=flags, stp=modes, prefix=st.text(ID_CHARACTERS, max_size=40),
    client_id=st.text(ID_CHARACTERS, min_size=1, max_size=24),
    price=numbers, amount=numbers, nonce=nonces,
)  # fmt: skip
@settings(QUICK, max_examples=400)
def test_any_order_is_the_twins_request(
    key: str, secret: str, host: str, path: str, market: str, side: Side,
    chosen: dict[str, bool], stp: str | None, prefix: str, client_id: str,
    price: str, amount: str, nonce: int,
) -> None:  # fmt: skip
    template = OrderTemplate(
        Signer(key, secret), market=market, side=side, host=host, path=path, stp=stp,
        client_id_prefix=prefix, **chosen,
    )  # fmt: skip
    request = template.encode(price=price, amount=amount, client_order_id=client_id, nonce=nonce)
    _, _, body = request.partition(b"\r\n\r\n")
    assert request == naive_request(host, path, naive_headers(key, secret, body), body)
    expected = {
        "request": path,
        "nonce": nonce,
        "nonceWindow": True,
        "market": market,
        "side": side.value,
        "clientOrderId": prefix + client_id,
        "price": price,
        "amount": amount,
        **({"stp": stp} if stp else {}),
    }
    names = {"post_only": "postOnly", "ioc": "ioc", "rpi": "rpi"}
    expected |= {names[name]: True for name, value in chosen.items() if value}
    said = members(body)
    # a flag that is off may be said or left out; RPI may not stand beside post-only at all
    assert {name: value for name, value in said.items() if value is not False} == expected
    assert not (chosen.get("rpi") and "postOnly" in said)
    assert type(said["nonce"]) is int


def order(signer: Signer, **options: Any) -> OrderTemplate:
    """A template that differs from the usual one by some options."""
    usual = {"market": "BTC_USDT", "side": Side.BUY, "host": "whitebit.test"}
    return OrderTemplate(signer, **usual | options)


def encoded(template: OrderTemplate, **fields: Any) -> dict[str, Any]:
    """The members of a request that differs from the usual one by some fields."""
    usual: dict[str, Any] = {
        "price": "60000.1",
        "amount": "0.01",
        "client_order_id": "q-1",
        "nonce": 1,
    }
    return opened(template.encode(**usual | fields))


def test_one_template_makes_many_independent_requests(signer: Signer) -> None:
    buys, sells = order(signer), order(signer, side=Side.SELL)
    for number in range(1, 50):
        for template, side in ((buys, "buy"), (sells, "sell")):
            said = encoded(template, price=str(number), client_order_id=f"q-{number}", nonce=number)
            wanted = (side, str(number), f"q-{number}", number)
            assert tuple(said[n] for n in ("side", "price", "clientOrderId", "nonce")) == wanted


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("60000.10", "60000.10"),
        (Decimal("60000.1"), "60000.1"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("6E+4"), "60000"),
        (60000, "60000"),
        (2**53 + 1, str(2**53 + 1)),
        (10**17 + 1, str(10**17 + 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("field", ["price", "amount"])
def test_a_number_is_sent_exactly(signer: Signer, field: str, given: Any, sent: str) -> None:
    assert encoded(order(signer), **{field: given})[field] == sent


class FloatOfALibrary(float):
    """As numpy's float64, which is a float by inheritance."""


@pytest.mark.parametrize("value", [0.1, 60000.0, FloatOfALibrary(0.1), float("nan")], ids=repr)
@pytest.mark.parametrize("field", ["price", "amount"])
def test_a_float_is_no_price_and_no_amount(signer: Signer, field: str, value: float) -> None:
    with pytest.raises(TypeError, match="float"):
        encoded(order(signer), **{field: value})


BAD_NUMBERS = ["", "0", "0.0", "-1", "+1", "1e5", "1E-8", ".5", "5.", "1,5", " 1", "1 ", "1.2.3",
               "NaN", "Infinity", "0x10", "1_000", "\u0661", '1","x":"2', "1" * 33]  # fmt: skip


@pytest.mark.parametrize("value", [*BAD_NUMBERS, 0, -1, Decimal("NaN"), Decimal("-0.1")], ids=str)
@pytest.mark.parametrize("field", ["price", "amount"])
def test_a_bad_number_never_reaches_the_wire(signer: Signer, field: str, value: Any) -> None:
    with pytest.raises(NumberError) as caught:
        encoded(order(signer), **{field: value})
    assert caught.value.code == "order-not-encodable"
    assert field in str(caught.value)


@pytest.mark.parametrize("value", ["", "a b", "a_b", "a.b", 'a"b', "a\\b", "\u00e9", "a" * 65])
def test_a_bad_client_id_never_reaches_the_wire(signer: Signer, value: str) -> None:
    with pytest.raises(NumberError, match="client id"):
        encoded(order(signer), client_order_id=value)


def test_a_client_id_has_at_most_64_characters_with_its_prefix(signer: Signer) -> None:
    template = order(signer, client_id_prefix="p" * 60)
    assert encoded(template, client_order_id="abcd")["clientOrderId"] == "p" * 60 + "abcd"
    with pytest.raises(NumberError, match="client id"):
        encoded(template, client_order_id="abcde")


@pytest.mark.parametrize("nonce", [1, 1_700_000_000_000, 2**63, 2**64 - 1])
def test_nonces_up_to_64_bits_are_integers(signer: Signer, nonce: int) -> None:
    assert encoded(order(signer), nonce=nonce)["nonce"] == nonce


@pytest.mark.parametrize("nonce", [0, -1, 2**64])
def test_a_nonce_out_of_range_is_refused(signer: Signer, nonce: int) -> None:
    with pytest.raises((NumberError, OverflowError)):
        encoded(order(signer), nonce=nonce)


@pytest.mark.parametrize("nonce", [1.0, "1", None])
def test_a_nonce_is_an_integer(signer: Signer, nonce: Any) -> None:
    with pytest.raises(TypeError):
        encoded(order(signer), nonce=nonce)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"post_only": True, "ioc": True}, "37"),
        ({"post_only": False, "ioc": True, "rpi": True}, "40"),
        ({"post_only": True, "rpi": True}, "30"),
        ({"market": "btc_usdt"}, "market"),
        ({"market": ""}, "market"),
        ({"market": 'X","side":"sell'}, "market"),
        ({"host": ""}, "host"),
        ({"host": "a\r\nX-Evil: 1"}, "host"),
        ({"path": "api"}, "path"),
        ({"path": '/"'}, "path"),
        ({"client_id_prefix": "a_b"}, "prefix"),
        ({"client_id_prefix": "p" * 64}, "prefix"),
        ({"side": "hold"}, "side"),
        ({"stp": "cancel_new"}, "stp"),
    ],
    ids=str,
)
def test_a_template_that_the_venue_would_refuse_is_not_made(
    signer: Signer, options: dict[str, Any], word: str
) -> None:
    with pytest.raises(UsageError, match=word):
        order(signer, **options)


# ---- any other request ----------------------------------------------------------------------

# Python leaves DEL as it is, the core wants it escaped; the venue has no use for it.
words = st.text(st.characters(exclude_characters="\x7f"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@given(path=paths, fields=st.dictionaries(words, values, max_size=6), nonce=nonces)
@settings(QUICK)
def test_any_members_are_framed_and_signed(path: str, fields: dict[str, Any], nonce: int) -> None:
    ours = ("request", "nonce", "nonceWindow")
    fields = {name: value for name, value in fields.items() if name not in ours}
    inside = json.dumps(fields, separators=(",", ":"))[1:-1].encode()
    request = RequestTemplate(Signer(KEY, SECRET), "h", path).encode(inside, nonce)
    ours_said = {"request": path, "nonceWindow": True, "nonce": nonce}
    assert opened(request) == ours_said | fields


@pytest.mark.parametrize(
    "fields",
    [b'"a":1}', b'"a":1,', b',"a":1', b'"a": 1', b'"a":1\n', b'"a', b'"a":[1', b'"a":[1}',
     b'"a":"\xc3\xa9"', b'"a":"\x00"', b'"a":"\\"'],
    ids=repr,
)  # fmt: skip
def test_members_cannot_leave_their_object(signer: Signer, fields: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        RequestTemplate(signer, "h", "/api/v4/orders").encode(fields, 1)
    assert caught.value.code == "request-not-encodable"
