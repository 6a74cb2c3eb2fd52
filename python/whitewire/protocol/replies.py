"""Answers to order requests: decoded, and judged as accepted, refused or neither.

Owns: the venue's order object, its error envelope, and the verdict on an order request. Must not
know: connections, order states, the control plane (`control_replies`). Invariant: a verdict
claims no more than the answer proves.

Rules
-----
1. Accepted: status 2xx and the documented object (for a modify also an array of one).
2. Refused: status 4xx and a JSON error envelope, whatever its fields. Also 429 and 404, which come
   from the proxy in front without JSON and never reach the engine.
3. Anything else proves nothing: 5xx, HTML, empty or undecodable bodies, an envelope under 2xx.
4. Code numbers mean something only together with their endpoint; fields are kept as they came.
5. "Too many requests." in a JSON auth error is about the nonce, not the rate (venue trap 34).
6. Bulk: item i answers leg i. After stop-on-fail the missing tail was not sent; without it a
   missing item proves nothing (venue trap 38).
7. The status text is judged by substring: CANCEL or DELISTING is dead, FILLED is dead, all else
   lives; no status falls back on what is left.
8. The usual answer is read in short (`replies_plain`); every other one is read here.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from whitewire.protocol.order_states import Finish
from whitewire.protocol.orders import Reject, RejectSource
from whitewire.protocol.replies_plain import PlainAck, plain_ack

if TYPE_CHECKING:
    from whitewire.protocol.orders import Order

__all__ = [
    "Ack",
    "Ambiguous",
    "ErrorEnvelope",
    "Figures",
    "OrderReply",
    "Refused",
    "Reply",
    "RequestKind",
    "Verdict",
    "classify",
    "classify_bulk",
    "error_envelope",
    "finish_of",
    "is_figure",
    "is_nonce_refusal",
]

_ZERO = Decimal(0)
# Far beyond any price, amount or time, and far within what Decimal computes exactly.
_MOST_DIGITS = 40


class RequestKind(StrEnum):
    """What a request asks for."""

    PLACE = "place"
    CANCEL = "cancel"
    MODIFY = "modify"
    BULK = "bulk"
    OTHER = "other"


def finish_of(status: str, left: Decimal) -> Finish | None:
    """How an order stands by the venue's status text (rule 7); None means alive."""
    if "CANCEL" in status or status == "DELISTING":
        return Finish.CANCELED
    if status == "FILLED" or (not status and left == 0):
        return Finish.FILLED
    return None


def is_figure(value: Decimal) -> bool:
    """Whether a decimal is a number that money can have."""
    return value.is_finite() and abs(value.adjusted()) <= _MOST_DIGITS


class Figures(msgspec.Struct, frozen=True):
    """A decoded object whose decimals are numbers that money can have.

    JSON text such as "NaN" or "1e999999" is a Decimal to the decoder; here it fails the decoding.
    """

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, Decimal) and not is_figure(value):
                raise ValueError(f"{name} was {value}")


class OrderReply(
    Figures,
    frozen=True,
    rename={
        "venue_id": "orderId",
        "client_id": "clientOrderId",
        "deal_stock": "dealStock",
        "deal_money": "dealMoney",
        "deal_fee": "dealFee",
        "fee_asset": "feeAsset",
    },
):
    """The venue's order object, in the answers of place, cancel, modify and the active list.

    Amounts are stock, `deal_money` is money, `timestamp` is the creation time in epoch seconds.
    """

    venue_id: int
    market: str
    amount: Decimal
    left: Decimal
    client_id: str = ""
    side: str = ""
    type: str = ""
    price: Decimal | None = None
    deal_stock: Decimal = _ZERO
    deal_money: Decimal = _ZERO
    deal_fee: Decimal = _ZERO
    fee_asset: str = ""
    status: str = ""
    timestamp: Decimal = _ZERO

    @property
    def finish(self) -> Finish | None:
        """How the order ended, None while it lives."""
        return finish_of(self.status, self.left)


class Ack(NamedTuple):
    """The venue accepted and says how the order stands."""

    order: OrderReply


class Refused(NamedTuple):
    """The venue said no: nothing happened by this request, as far as `reject.untouched` goes."""

    reject: Reject


class Ambiguous(NamedTuple):
    """The answer proves nothing (rule 3)."""

    reason: str


Verdict = Ack | Refused | Ambiguous
Reply = Verdict | PlainAck


class _BulkItem(msgspec.Struct):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")


_ORDER = msgspec.json.Decoder(OrderReply)
_ORDER_OR_LIST = msgspec.json.Decoder(OrderReply | list[OrderReply])
_BULK = msgspec.json.Decoder(list[_BulkItem])

_NONCE_USED = "Too many requests."
_NONCE_TEXTS = ("too many requests", "nonce")
_NO_ENGINE_STATUSES = frozenset({401, 403, 404, 429, 451, 453})
_VALIDATION_CODES = range(30, 38)
_RETRYABLE = frozenset({"throttled", "nonce", "busy", "would-take"})
_ENGINE_CODES = {
    10: "no-funds",
    11: "amount-too-small",
    12: "no-liquidity",
    13: "would-take",
    14: "would-take",
    15: "busy",
    16: "busy",
    17: "no-funds",
}
_FIELD_CODES = {30: "validation", 31: "market", 32: "amount", 33: "price", 36: "client-id"}
_PLACE_CODES = _ENGINE_CODES | _FIELD_CODES
_PLACE_CODES |= {37: "flags", 40: "flags", 41: "flags", 42: "retail-forbidden", 43: "rpi-forbidden"}
_PLACE_CODES |= {111: "position-limit", 112: "pending-limit", 113: "side-locked"}
_PLACE_CODES |= {114: "position-side", 115: "opposite-side", 116: "reduce-only"}
_CANCEL_CODES = _FIELD_CODES | {2: "not-found", 15: "busy", 16: "busy"}
_MODIFY_CODES = _ENGINE_CODES | _FIELD_CODES
_MODIFY_CODES |= {2: "not-found", 6: "not-found", 7: "not-found", 40: "not-post-only"}
_MODIFY_CODES |= {111: "position-limit", 112: "pending-limit"}
_MODIFY_CODES |= {42: "stp-group", 51: "market-closed", 250: "price-band", 251: "price-band"}
# Rule 4: the same number has another meaning at another endpoint.
_CODES: dict[RequestKind, dict[int, str]] = {
    RequestKind.PLACE: _PLACE_CODES,
    RequestKind.BULK: _PLACE_CODES,
    RequestKind.CANCEL: _CANCEL_CODES,
    RequestKind.MODIFY: _MODIFY_CODES,
    RequestKind.OTHER: _FIELD_CODES,
}


class ErrorEnvelope(NamedTuple):
    """The venue's error object; every part may be missing."""

    code: int | None
    message: str
    fields: dict[str, list[str]]


def classify(kind: RequestKind, status: int, body: bytes) -> Verdict:
    """Judge the answer to a place, cancel or modify by rules 1 to 5, whatever it looks like.

    Args:
        kind: what was asked; BULK has its own function.
        status: HTTP status.
        body: the answer's bytes.
    """
    if 200 <= status < 300:
        try:
            if kind is RequestKind.MODIFY:
                reply = _ORDER_OR_LIST.decode(body)
            else:
                return Ack(_ORDER.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Ambiguous(f"status {status} with an unreadable body: {error}")
        if isinstance(reply, OrderReply):
            return Ack(reply)
        if len(reply) == 1:
            return Ack(reply[0])
        return Ambiguous(f"status {status} with {len(reply)} orders where one was expected")
    return _refused(kind, status, body)


def classify_bulk(
    status: int, body: bytes, legs: int, stop_on_fail: bool, orders: Sequence[Order] = ()
) -> tuple[Reply, ...]:
    """Judge the answer to a bulk placement, one verdict for each leg (rule 6).

    Args:
        status: HTTP status.
        body: the answer's bytes.
        legs: how many orders were sent.
        stop_on_fail: what the request asked for.
        orders: the legs, where usual answers about them are wanted in short (rule 8).
    """
    if not 200 <= status < 300:
        return (_refused(RequestKind.BULK, status, body),) * legs
    try:
        items = _BULK.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return (Ambiguous(f"status {status} with an unreadable body: {error}"),) * legs
    if len(items) > legs:
        return (Ambiguous(f"{len(items)} answers to {legs} orders"),) * legs
    verdicts = [
        _bulk_leg(status, item, order) for item, order in zip_longest(items, orders[: len(items)])
    ]
    missing: Reply = Ambiguous("no answer for this leg")
    if stop_on_fail and not any(isinstance(verdict, Ambiguous) for verdict in verdicts):
        missing = Refused(
            Reject(
                RejectSource.LOCAL,
                "bulk-stopped",
                "an earlier leg of the bulk failed, so this one was not sent to the engine",
                retryable=True,
                untouched=True,
            )
        )
    return (*verdicts, *[missing] * (legs - len(items)))


def _bulk_leg(status: int, item: _BulkItem, order: Order | None) -> Reply:
    text = bytes(item.result)
    if text != b"null":
        plain = None if order is None else plain_ack(order, text)
        if plain is not None:
            return plain
        try:
            return Ack(_ORDER.decode(text))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return Ambiguous(f"unreadable leg: {error}")
    envelope = error_envelope(bytes(item.error))
    if envelope is None:
        return Ambiguous("leg with neither order nor error")
    return Refused(_reject(RequestKind.BULK, status, envelope))


def _refused(kind: RequestKind, status: int, body: bytes) -> Refused | Ambiguous:
    if not 400 <= status < 500:
        return Ambiguous(f"status {status}")
    envelope = error_envelope(body)
    if envelope is None:
        if status not in (404, 429):
            return Ambiguous(f"status {status} without an error envelope")
        envelope = ErrorEnvelope(None, body[:200].decode("utf-8", "replace").strip(), {})
    return Refused(_reject(kind, status, envelope))


def _reject(kind: RequestKind, status: int, envelope: ErrorEnvelope) -> Reject:
    code = _reject_code(kind, status, envelope)
    is_untouched = status in _NO_ENGINE_STATUSES or envelope.code in _VALIDATION_CODES
    return Reject(
        RejectSource.VENUE,
        code,
        envelope.message,
        status=status,
        venue_code=envelope.code,
        fields=envelope.fields,
        retryable=code in _RETRYABLE,
        untouched=is_untouched,
    )


def _reject_code(kind: RequestKind, status: int, envelope: ErrorEnvelope) -> str:
    if is_nonce_refusal(status, envelope):
        return "nonce"
    if status == 429:
        return "throttled"
    if status == 404:
        return "no-endpoint"
    if status in (401, 403):
        return "unauthorized"
    if status in (451, 453):
        return "not-available"
    if envelope.code is None:
        return "venue"
    if envelope.code == 32 and "Not enough balance." in envelope.fields.get("amount", ()):
        return "no-funds"
    return _CODES[kind].get(envelope.code, f"venue-{envelope.code}")


def is_nonce_refusal(status: int, envelope: ErrorEnvelope) -> bool:
    """Whether an auth error is about the nonce (rule 5); the front's own 429 has no code."""
    if status == 429:
        return envelope.code is not None and is_used_nonce(envelope)
    text = envelope.message.lower()
    return status in (401, 403) and any(part in text for part in _NONCE_TEXTS)


def is_used_nonce(envelope: ErrorEnvelope) -> bool:
    """Whether an auth error says that the nonce was used before (rule 5)."""
    return envelope.message == _NONCE_USED


def error_envelope(body: bytes) -> ErrorEnvelope | None:
    """The error envelope in `body`, tolerant of its documented variants, or None."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(document, dict) or not document.keys() & {"code", "message", "errors"}:
        return None
    code = document.get("code")
    message = document.get("message")
    errors = document.get("errors")
    fields: dict[str, list[str]] = {}
    if isinstance(errors, dict):
        for name, texts in errors.items():
            fields[name] = [str(t) for t in texts] if isinstance(texts, list) else [str(texts)]
    return ErrorEnvelope(
        code if isinstance(code, int) and not isinstance(code, bool) else None,
        message if isinstance(message, str) else "",
        fields,
    )
