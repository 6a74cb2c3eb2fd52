"""What a refusal that speaks of too many requests really is: a nonce, a limit or a ban.

Owns: the verdict on one answer. Must not know: buckets, clocks, connections. Invariant: an answer
is a nonce matter only by the venue's own JSON, and a limit or a ban only by its front's word.

Rules
-----
1. "Too many requests." in a JSON auth error is a *nonce* refusal (venue trap 34), under 401 and,
   should the status ever follow the text, under 429. It says nothing about how often we call: the
   nonces or the clock are wrong, and waiting does not mend them.
2. Any other 429 is a true limit: it comes from the front, whose body is text or HTML.
3. A 403 without the venue's JSON comes from the front as well: it has shut this address out. A 403
   with JSON is about permissions.
4. Everything else passed the front, whatever became of it behind. 5xx and no answer say nothing.
"""

from __future__ import annotations

from enum import StrEnum

from whitewire.protocol.replies import (
    Ack,
    Ambiguous,
    Refused,
    Reply,
    error_envelope,
    is_nonce_refusal,
    is_used_nonce,
)
from whitewire.protocol.replies_plain import PlainAck

__all__ = ["RateVerdict", "is_nonce_used", "rate_verdict", "verdict_of_reply"]


class RateVerdict(StrEnum):
    """What an answer says about how often we may call."""

    PASSED = "passed"
    SILENT = "silent"
    NONCE = "nonce"
    LIMIT = "limit"
    BAN = "ban"


def rate_verdict(status: int, body: bytes) -> RateVerdict:
    """The verdict on one answer (rules 1 to 4).

    Args:
        status: HTTP status.
        body: the answer's bytes.
    """
    if status < 400:
        return RateVerdict.PASSED
    if status >= 500:
        return RateVerdict.SILENT
    if status not in (401, 403, 429):
        return RateVerdict.PASSED
    envelope = error_envelope(body)
    if envelope is not None and is_nonce_refusal(status, envelope):
        return RateVerdict.NONCE
    if status == 429:
        return RateVerdict.LIMIT
    return RateVerdict.BAN if status == 403 and envelope is None else RateVerdict.PASSED


def is_nonce_used(status: int, body: bytes) -> bool:
    """Whether the venue did nothing because it knows the nonce already (rule 1).

    Another process of the same key used it, or an earlier one that ran ahead of the clock; the
    same request may pass with the next nonce.

    Args:
        status: HTTP status.
        body: the answer's bytes.
    """
    if rate_verdict(status, body) is not RateVerdict.NONCE:
        return False
    envelope = error_envelope(body)
    return envelope is not None and is_used_nonce(envelope)


def verdict_of_reply(status: int, reply: Reply) -> RateVerdict:
    """The same of an answer that was classified already, one of an order request.

    Args:
        status: HTTP status.
        reply: what `replies.classify` made of it; of a bulk any leg's.
    """
    if isinstance(reply, Ack | PlainAck):
        return RateVerdict.PASSED
    if isinstance(reply, Refused):
        if reply.reject.code == "nonce":
            return RateVerdict.NONCE
        is_limit = reply.reject.code == "throttled"  # 429, or a number of the WebSocket
        return RateVerdict.LIMIT if is_limit else RateVerdict.PASSED
    assert isinstance(reply, Ambiguous)
    return RateVerdict.BAN if status == 403 else RateVerdict.SILENT
