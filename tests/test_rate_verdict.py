"""A refusal that speaks of too many requests is a nonce, a limit or a ban."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.protocol.rate_verdict import RateVerdict, rate_verdict, verdict_of_reply
from whitewire.protocol.replies import Refused, RequestKind, classify
from whitewire.venue.access.auth import AuthRefusal

NONCE_BODY = b'{"code":0,"message":"Too many requests."}'
PERMISSION = b'{"code":4,"message":"This API Key is not authorized to perform this action."}'


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, b"[]", RateVerdict.PASSED),
        (401, NONCE_BODY, RateVerdict.NONCE),
        (429, NONCE_BODY, RateVerdict.NONCE),
        (
            401,
            b'{"code":0,"message":"Your nonce is more than 5 seconds lesser"}',
            RateVerdict.NONCE,
        ),
        (401, b'{"code":10,"message":"Unauthorized request."}', RateVerdict.PASSED),
        (429, b"Too Many Requests", RateVerdict.LIMIT),
        (429, b"Too many requests.", RateVerdict.LIMIT),  # the front's word, not the API's
        (429, b"<html>429 Too Many Requests</html>", RateVerdict.LIMIT),
        (429, b'{"message":"Too Many Requests"}', RateVerdict.LIMIT),
        (429, b"", RateVerdict.LIMIT),
        (403, b"<html>Forbidden</html>", RateVerdict.BAN),
        (403, b"", RateVerdict.BAN),
        (403, PERMISSION, RateVerdict.PASSED),
        (404, b"", RateVerdict.PASSED),
        (422, b'{"code":30,"message":"Validation failed"}', RateVerdict.PASSED),
        (500, b"", RateVerdict.SILENT),
        (503, b"<html>Too Many Requests</html>", RateVerdict.SILENT),
    ],
)
def test_the_table(status: int, body: bytes, verdict: RateVerdict) -> None:
    assert rate_verdict(status, body) is verdict
    if status >= 400:
        assert verdict_of_reply(status, classify(RequestKind.PLACE, status, body)) is verdict


def test_the_order_itself_hears_which_of_them_it_was() -> None:
    for status, body, code in ((429, NONCE_BODY, "nonce"), (429, b"slow down", "throttled")):
        reply = classify(RequestKind.PLACE, status, body)
        assert isinstance(reply, Refused)
        assert (reply.reject.code, reply.reject.retryable, reply.reject.untouched) == (
            code,
            True,
            True,
        )


@given(status=st.integers(100, 599), body=st.binary(max_size=60))
def test_no_answer_breaks_it_and_only_json_speaks_of_nonces(status: int, body: bytes) -> None:
    verdict = rate_verdict(status, body)
    if verdict is RateVerdict.NONCE:
        assert body.lstrip().startswith(b"{")
    if verdict in (RateVerdict.LIMIT, RateVerdict.BAN):
        assert status in (403, 429)


def test_every_auth_refusal_of_the_venue_is_told_apart() -> None:
    nonces = {AuthRefusal.NONCE_USED, AuthRefusal.NONCE_STALE, AuthRefusal.NONCE_MISSING}
    for refusal in AuthRefusal:
        status, code, message = refusal.value
        body = f'{{"code":{code},"message":"{message}"}}'.encode()
        is_nonce = rate_verdict(status, body) is RateVerdict.NONCE
        assert is_nonce is (refusal in nonces or refusal is AuthRefusal.WINDOW_INVALID)
