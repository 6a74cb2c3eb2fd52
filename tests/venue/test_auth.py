"""Authentication without sockets: every refusal, in the order in which they are made."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.venue.access.auth import (
    ApiKey,
    Authenticator,
    AuthRefusal,
    NonceMemory,
    SignedRequest,
)
from whitewire.venue.options import PayloadCheck, WireOptions
from whitewire.venue.values.model import VenueError

PATH = "/api/v4/orders"
NOW = 1_700_000_000.0
NOW_MS = 1_700_000_000_000
NONCE_TEXTS = (AuthRefusal.NONCE_USED.value[2], AuthRefusal.NONCE_STALE.value[2])


def make_key(**changes: Any) -> ApiKey:
    return ApiKey("public", "private", "account-1", **changes)


def sign(
    body: bytes,
    *,
    payload: bytes | None = None,
    secret: str = "private",
    path: str = PATH,
    ip: str = "10.0.0.1",
    **headers: str | None,
) -> SignedRequest:
    encoded = base64.b64encode(body if payload is None else payload)
    given_headers: dict[str, str | None] = {
        "x-txc-apikey": "public",
        "x-txc-payload": encoded.decode(),
        "x-txc-signature": hmac.new(secret.encode(), encoded, "sha512").hexdigest(),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    kept = {name: value for name, value in given_headers.items() if value is not None}
    return SignedRequest(path, kept, body, ip)


def body_of(**changes: Any) -> bytes:
    params = {"market": "BTC_USDT", "request": PATH, "nonce": NOW_MS, "nonceWindow": True}
    params |= changes
    kept = {name: value for name, value in params.items() if value != "absent"}
    return json.dumps(kept, separators=(",", ":")).encode()


def refusal(
    request: SignedRequest, *, key: ApiKey | None = None, options: WireOptions | None = None
) -> VenueError:
    authenticator = Authenticator([key or make_key()], options or WireOptions())
    with pytest.raises(VenueError) as caught:
        authenticator.authenticate(request, NOW)
    return caught.value


def test_a_good_request_yields_its_account_and_parameters() -> None:
    authenticator = Authenticator([make_key()], WireOptions())
    caller = authenticator.authenticate(sign(body_of(limit=5)), NOW)
    assert caller.key.account == "account-1"
    assert caller.params["limit"] == 5
    assert caller.params["market"] == "BTC_USDT"


@pytest.mark.parametrize(
    ("request_", "key", "expected"),
    [
        (sign(body_of(), x_txc_apikey=None), make_key(), AuthRefusal.UNAUTHORIZED),
        (sign(body_of(), x_txc_payload=None), make_key(), AuthRefusal.PAYLOAD_MISSING),
        (sign(body_of(), x_txc_payload=""), make_key(), AuthRefusal.PAYLOAD_MISSING),
        (sign(body_of(), x_txc_apikey="other"), make_key(), AuthRefusal.BAD_SIGNATURE),
        (sign(body_of()), make_key(enabled=False), AuthRefusal.KEY_DISABLED),
        (
            sign(body_of(), ip="10.0.0.2"),
            make_key(allowed_ips=frozenset({"10.0.0.1"})),
            AuthRefusal.KEY_DISABLED,
        ),
        (sign(body_of(), secret="wrong"), make_key(), AuthRefusal.BAD_SIGNATURE),
        (sign(body_of(), x_txc_signature=None), make_key(), AuthRefusal.BAD_SIGNATURE),
        (sign(body_of(), payload=b"{}"), make_key(), AuthRefusal.PAYLOAD_INVALID),
        (sign(b"[1]"), make_key(), AuthRefusal.PAYLOAD_INVALID),
        (sign(b"{"), make_key(), AuthRefusal.PAYLOAD_INVALID),
        (sign(b'{"a":NaN}'), make_key(), AuthRefusal.PAYLOAD_INVALID),
        (sign(b""), make_key(), AuthRefusal.PAYLOAD_MISSING),
        (sign(body_of(request="absent")), make_key(), AuthRefusal.REQUEST_MISSING),
        (sign(body_of(request="/api/v4/order/new")), make_key(), AuthRefusal.BAD_SIGNATURE),
        (sign(body_of(nonceWindow="true")), make_key(), AuthRefusal.WINDOW_INVALID),
        (sign(body_of(nonce="absent")), make_key(), AuthRefusal.NONCE_MISSING),
        (sign(body_of(nonce="12a")), make_key(), AuthRefusal.NONCE_MISSING),
        (sign(body_of(nonce=True)), make_key(), AuthRefusal.NONCE_MISSING),
        (sign(body_of(nonce=2**63)), make_key(), AuthRefusal.NONCE_MISSING),
        (sign(body_of(nonce=str(2**63))), make_key(), AuthRefusal.NONCE_MISSING),
        (sign(body_of(nonce="1" * 5_000)), make_key(), AuthRefusal.NONCE_MISSING),
        (sign(body_of(nonce=NOW_MS - 5_001)), make_key(), AuthRefusal.NONCE_STALE),
        (sign(body_of(nonce=NOW_MS + 5_001)), make_key(), AuthRefusal.NONCE_STALE),
        (sign(body_of()), make_key(denied_paths=frozenset({PATH})), AuthRefusal.NOT_PERMITTED),
    ],
)
def test_every_refusal_has_its_status_code_and_text(
    request_: SignedRequest, key: ApiKey, expected: AuthRefusal
) -> None:
    error = refusal(request_, key=key)
    assert (error.http_status, error.code, error.message) == expected.value
    assert error.errors == {}


def test_a_status_can_be_configured_for_each_refusal() -> None:
    options = WireOptions(auth_status={"BAD_SIGNATURE": 403})
    assert refusal(sign(body_of(), secret="wrong"), options=options).http_status == 403
    assert refusal(sign(body_of(nonce="absent")), options=options).http_status == 401
    with pytest.raises(KeyError):
        Authenticator([], WireOptions(auth_status={"NO_SUCH": 400}))


SPACED = json.dumps(json.loads(body_of())).encode()


@pytest.mark.parametrize(
    ("check", "body", "payload", "accepted"),
    [
        (PayloadCheck.CANONICAL, body_of(), body_of(), True),
        (PayloadCheck.CANONICAL, SPACED, body_of(), True),
        (PayloadCheck.CANONICAL, SPACED, SPACED, False),
        (PayloadCheck.CANONICAL, body_of(), SPACED, False),
        (PayloadCheck.BYTES, SPACED, SPACED, True),
        (PayloadCheck.BYTES, SPACED, body_of(), False),
        (PayloadCheck.LENIENT, SPACED, SPACED, True),
        (PayloadCheck.LENIENT, body_of(), SPACED, True),
        (PayloadCheck.LENIENT, body_of(), body_of(limit=1), False),
    ],
)
def test_payload_is_held_against_the_body_as_configured(
    check: PayloadCheck, body: bytes, payload: bytes, accepted: bool
) -> None:
    authenticator = Authenticator([make_key()], WireOptions(payload_check=check))
    request = sign(body, payload=payload)
    if accepted:
        assert authenticator.authenticate(request, NOW).params["market"] == "BTC_USDT"
    else:
        with pytest.raises(VenueError, match=r"Invalid payload\."):
            authenticator.authenticate(request, NOW)


@pytest.mark.parametrize("payload", ["not base64!", "YWJj\n", "YQ"])
def test_a_payload_that_is_not_base64_is_invalid(payload: str) -> None:
    signature = hmac.new(b"private", payload.encode(), "sha512").hexdigest()
    request = sign(body_of(), x_txc_payload=payload, x_txc_signature=signature)
    assert refusal(request).code == 9


def call(authenticator: Authenticator, nonce: int | str, *, window: bool, now: float = NOW) -> bool:
    request = sign(body_of(nonce=nonce, nonceWindow=window))
    try:
        authenticator.authenticate(request, now)
    except VenueError as error:
        if error.message not in NONCE_TEXTS:
            raise
        return False
    return True


@given(st.lists(st.integers(min_value=-3, max_value=30), max_size=20))
def test_default_mode_accepts_exactly_the_growing_nonces(nonces: list[int]) -> None:
    authenticator = Authenticator([make_key()], WireOptions())
    highest = 0
    for nonce in nonces:
        assert call(authenticator, nonce, window=False) == (nonce > highest)
        highest = max(highest, nonce)


@given(st.lists(st.integers(min_value=-5_002, max_value=5_002), max_size=30))
def test_window_mode_accepts_each_near_nonce_once(offsets: list[int]) -> None:
    authenticator = Authenticator([make_key()], WireOptions())
    used: set[int] = set()
    for offset in offsets:
        expected = abs(offset) <= 5_000 and offset not in used
        assert call(authenticator, NOW_MS + offset, window=True) == expected
        if expected:
            used.add(offset)


def test_window_nonces_stay_used_for_as_long_as_they_could_come_again() -> None:
    authenticator = Authenticator([make_key()], WireOptions())
    assert call(authenticator, NOW_MS + 5_000, window=True, now=NOW)
    for second in range(1, 10):
        assert call(authenticator, NOW_MS + second * 1_000 + 1, window=True, now=NOW + second)
    assert not call(authenticator, NOW_MS + 5_000, window=True, now=NOW + 10)


def test_window_nonces_are_forgotten_in_the_end() -> None:
    key = make_key()
    authenticator = Authenticator([key], WireOptions())
    for second in range(60):
        assert call(authenticator, NOW_MS + second * 1_000, window=True, now=NOW + second)
    assert len(key.window_nonces) <= 12


@pytest.mark.parametrize(("offset", "is_good"), [(-1_000, True), (1_000, True), (1_001, False)])
def test_the_width_of_the_window_is_an_option(offset: int, is_good: bool) -> None:
    authenticator = Authenticator([make_key()], WireOptions(nonce_window_ms=1_000))
    assert call(authenticator, NOW_MS + offset, window=True) == is_good


@pytest.mark.parametrize(("memory_ms", "is_forgotten"), [(10_000, False), (1_000, True)])
def test_how_long_nonces_are_remembered_is_an_option(memory_ms: int, is_forgotten: bool) -> None:
    authenticator = Authenticator([make_key()], WireOptions(nonce_memory_ms=memory_ms))
    assert call(authenticator, NOW_MS, window=True)
    assert call(authenticator, NOW_MS, window=True, now=NOW + 3) == is_forgotten


def test_window_mode_leaves_the_default_modes_mark_alone() -> None:
    authenticator = Authenticator([make_key()], WireOptions())
    assert call(authenticator, 10, window=False)
    assert call(authenticator, NOW_MS, window=True)
    assert call(authenticator, 11, window=False)


def test_a_nonce_may_be_a_string_of_digits() -> None:
    authenticator = Authenticator([make_key()], WireOptions())
    assert call(authenticator, str(NOW_MS), window=True)
    assert not call(authenticator, NOW_MS, window=True)


def test_a_refused_request_does_not_use_its_nonce() -> None:
    key = make_key(denied_paths=frozenset({PATH}))
    authenticator = Authenticator([key], WireOptions())
    with pytest.raises(VenueError, match="not authorized"):
        authenticator.authenticate(sign(body_of()), NOW)
    key.denied_paths = frozenset()
    assert authenticator.authenticate(sign(body_of()), NOW).key is key


@given(secret=st.text(st.characters(codec="utf-8"), max_size=200), payload=st.binary(max_size=400))
def test_a_signature_is_the_plain_hmac(secret: str, payload: bytes) -> None:
    plain = hmac.new(secret.encode(), payload, hashlib.sha512).hexdigest()
    assert ApiKey("key", secret, "account").signature(payload) == plain


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 20_000)), max_size=60),
    st.integers(0, 20_000),
)
def test_nonces_are_remembered_until_the_floor_and_no_second_longer(
    steps: list[tuple[bool, int]], probe: int
) -> None:
    memory, plain = NonceMemory(), set[int]()
    floor = 0
    for is_floor, number in steps:
        if is_floor:
            floor = max(floor, number)
            memory.forget(floor)
            plain = {nonce for nonce in plain if nonce >= floor}
        else:
            memory.add(number)
            plain.add(number)
        if probe >= floor:
            assert (probe in memory) == (probe in plain)
    memory.forget(floor + 1_000)
    assert len(memory) <= len({nonce for nonce in plain if nonce >= floor})
