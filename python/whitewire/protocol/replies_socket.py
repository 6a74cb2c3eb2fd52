"""Replies of the WebSocket's order methods: decoded, and judged as accepted, refused or neither.

Owns: the envelope and order object of this transport, and its own error numbers. Must not know:
connections, order states, how REST says the same (`replies`). Invariant: a verdict claims no more
than the reply proves.

Rules
-----
1. Accepted: `error` is null, and the result is the documented object. An object that cannot be read
   proves nothing.
2. Refused by number; texts may change. The numbers are not REST's: the same one means another
   thing there.
3. 6 is two refusals: a session without authorization, or an order that is not open. For a placement
   it can only be the former; for a change the text tells, and where it does not, nothing is taken
   for done. 11 is an amount here.
4. 2, 3 and 5 come from a gateway that lost sight of its engine: the outcome is not known. So is 12
   and 42, which can follow executions.
5. 7, 10000 and 10001 are rate limits. Nothing happened.
6. A refusal of the gateway itself (parameters, limits, region) is untouched: no engine saw it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

import msgspec

from whitewire.errors import PeerError
from whitewire.protocol.orders import Reject, RejectSource
from whitewire.protocol.replies import (
    Ack,
    Ambiguous,
    Figures,
    OrderReply,
    Refused,
    RequestKind,
    Verdict,
)

__all__ = ["UNAUTHORIZED", "SocketReply", "classify_call", "read_reply"]

UNAUTHORIZED = "unauthorized"
_ZERO = Decimal(0)
_SIDES = {1: "sell", 2: "buy"}
_NOT_AUTHORIZED = 6
_UNKNOWN_OUTCOME = frozenset({2, 3, 5, 12, 42})  # rule 4
_UNTOUCHED = frozenset({1, 4, 7, 8, 9, 19, 601, 10000, 10001, *range(10006, 10011)})  # rule 6
_RETRYABLE = frozenset({"throttled", "busy", "would-take"})
_CODES = {
    1: "validation",
    4: "no-endpoint",
    7: "throttled",
    8: "asset",
    9: "market",
    10: "no-funds",
    11: "amount-too-small",
    13: "would-take",
    14: "would-take",
    15: "busy",
    16: "busy",
    17: "no-funds",
    19: "market",
    40: "flags",
    41: "flags",
    43: "client-id",
    51: "market-closed",
    103: "stop-limit",
    111: "position-limit",
    112: "pending-limit",
    113: "side-locked",
    114: "position-side",
    115: "opposite-side",
    116: "reduce-only",
    154: "price-band",
    155: "not-modifiable",
    156: "not-modifiable",
    160: "not-modifiable",
    162: "total",
    163: "amount",
    164: "price",
    250: "price-band",
    251: "price-band",
    601: "not-available",
    602: "flags",
    10000: "throttled",
    10001: "throttled",
    10006: "not-available",
    10007: "not-available",
    10008: "not-available",
    10009: "not-available",
    10010: "not-available",
}


class _Error(msgspec.Struct, frozen=True):
    code: int
    message: str = ""


class _Envelope(msgspec.Struct, frozen=True):
    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: _Error | None = None


class _CallOrder(Figures, frozen=True):
    """The order object of this transport, as far as it is read."""

    id: int
    market: str
    amount: Decimal
    left: Decimal
    side: int = 0
    price: Decimal | None = None
    deal_stock: Decimal = _ZERO
    deal_money: Decimal = _ZERO
    deal_fee: Decimal = _ZERO
    fee_asset: str = ""
    client_order_id: str = ""
    status: str = ""
    ctime: Decimal = _ZERO


class SocketReply(NamedTuple):
    """One text of the session.

    Attributes:
        call_id: of the call that it answers; None for a push.
        error_code, error_message: 0 and empty for success.
        result: JSON text.
    """

    call_id: int | None
    error_code: int
    error_message: str
    result: bytes


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_ORDER = msgspec.json.Decoder(_CallOrder)


def read_reply(text: bytes) -> SocketReply:
    """Decodes the envelope.

    Raises:
        PeerError: it is none.
    """
    try:
        envelope = _ENVELOPE.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PeerError("frame-malformed", f"a reply cannot be read: {error}") from error
    error_code, message = 0, ""
    if envelope.error is not None:
        error_code, message = envelope.error.code, envelope.error.message
        if error_code == 0:
            raise PeerError("frame-malformed", "a reply has an error without a number")
    return SocketReply(envelope.id, error_code, message, bytes(envelope.result))


def classify_call(kind: RequestKind, reply: SocketReply) -> Verdict:
    """Judges the reply to a place, modify or cancel (rules 1 to 6).

    Args:
        kind: what was asked.
        reply: as `read_reply` gave it.
    """
    if reply.error_code:
        return _refused(kind, reply.error_code, reply.error_message)
    try:
        order = _ORDER.decode(reply.result)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Ambiguous(f"a reply without error and with an unreadable order: {error}")
    return Ack(
        OrderReply(
            venue_id=order.id,
            market=order.market,
            amount=order.amount,
            left=order.left,
            client_id=order.client_order_id,
            side=_SIDES.get(order.side, ""),
            price=order.price,
            deal_stock=order.deal_stock,
            deal_money=order.deal_money,
            deal_fee=order.deal_fee,
            fee_asset=order.fee_asset,
            status=order.status,
            timestamp=order.ctime,
        )
    )


def _refused(kind: RequestKind, number: int, message: str) -> Refused | Ambiguous:
    if number in _UNKNOWN_OUTCOME:
        return Ambiguous(f"error {number}: {message}")
    if number == _NOT_AUTHORIZED:  # rule 3
        is_session = kind is RequestKind.PLACE or "authentication" in message.lower()
        code, is_untouched = (UNAUTHORIZED, True) if is_session else ("not-found", False)
    else:
        code, is_untouched = _CODES.get(number, f"venue-{number}"), number in _UNTOUCHED
    return Refused(
        Reject(
            RejectSource.VENUE,
            code,
            message,
            venue_code=number,
            retryable=code in _RETRYABLE,
            untouched=is_untouched,
        )
    )
