"""From an answer's bytes to a typed document, or an exception that says why not.

Owns: the judgement on an answer's status, and decoding. Must not know: any endpoint. Invariant: a
reader returns the whole document or raises; it never returns a part.

Rules
-----
1. Status 4xx is a refusal (`VenueRefusal`); any other failure is a broken peer (`PeerError`).
2. An empty map may come as an empty array (venue trap 45).
3. Documents of every market or asset are large: they are parsed with pysimdjson.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import simdjson

from whitewire.errors import PeerError, VenueRefusal
from whitewire.protocol.replies import ErrorEnvelope, error_envelope

__all__ = ["convert", "read", "read_large", "read_map", "refusal"]

_T = TypeVar("_T")


def refusal(status: int, body: bytes) -> VenueRefusal:
    """The exception for a 4xx answer of a control endpoint; keeps code, message and fields."""
    envelope = error_envelope(body)
    if envelope is None:
        text = body[:200].decode("utf-8", "replace").strip()
        envelope = ErrorEnvelope(None, text or f"status {status}", {})
    return VenueRefusal(
        envelope.message, status=status, venue_code=envelope.code, fields=envelope.fields
    )


def _check(status: int, body: bytes) -> None:
    if 400 <= status < 500:
        raise refusal(status, body)
    if not 200 <= status < 300:
        raise PeerError("venue-unavailable", f"the venue answered status {status}", "try again")


def _unreadable(error: Exception) -> PeerError:
    return PeerError("venue-answer", f"the venue's answer cannot be read: {error}")


def read(status: int, body: bytes, decoder: msgspec.json.Decoder[_T]) -> _T:
    """The document of an answer.

    Raises:
        VenueRefusal: status 4xx (rule 1).
        PeerError: any other failure.
    """
    _check(status, body)
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(error) from error


def read_map(
    status: int, body: bytes, decoder: msgspec.json.Decoder[dict[str, _T] | list[Any]]
) -> dict[str, _T]:
    """A map of an answer, empty where it came as an empty array (rule 2).

    Raises:
        VenueRefusal, PeerError: as `read`; an array that is not empty is a broken peer.
    """
    document = read(status, body, decoder)
    if isinstance(document, dict):
        return document
    if document:
        raise _unreadable(ValueError(f"an array of {len(document)} where a map was expected"))
    return {}


def convert(document: object, kind: type[_T]) -> _T:
    """A part of a document that was decoded without its type.

    Raises:
        PeerError: it is not of that type.
    """
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise _unreadable(error) from error


def read_large(status: int, body: bytes, kind: type[_T]) -> _T:
    """A large document of an answer (rule 3).

    Raises:
        VenueRefusal, PeerError: as `read`.
    """
    _check(status, body)
    try:
        return msgspec.convert(simdjson.loads(body), kind)
    except (msgspec.ValidationError, ValueError, RuntimeError) as error:
        raise _unreadable(error) from error
