"""JSON in the venue's two handwritings.

Owns: `compact` (REST bodies: no white space, shortest floats) and `spaced` (WebSocket frames:
", " and ": " between tokens, reals with up to 17 significant digits, as the venue's C library
prints them), and reading JSON without ever making a float of a number. Must not know: what the
values mean. Invariant: money is text before it gets here; only times are floats; text nested too
deep to be read is not JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from json.encoder import encode_basestring_ascii
from typing import Any, TypeVar

__all__ = ["canonical", "compact", "parse", "real", "spaced", "with_unknown"]

_T = TypeVar("_T")

_COMPACT: Callable[[Any], str] = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def compact(value: Any) -> bytes:
    """Serialises a REST body.

    Raises:
        ValueError: a float is not finite.
        TypeError: a value has no JSON form.
    """
    return _COMPACT(value).encode()


def canonical(body: bytes) -> bytes:
    """Reads `body` and writes it again as the venue does before it compares signatures.

    White space goes, key order stays, a repeated key collapses, floats take their shortest form.

    Raises:
        ValueError: `body` is not JSON.
    """
    return _shallow(lambda: compact(json.loads(body, parse_constant=_refuse_constant)))


def with_unknown(body: bytes) -> bytes:
    """A REST body whose objects, or the body's own if it is one, have one more member.

    Raises:
        ValueError: `body` is not JSON.
    """

    def grown(value: Any) -> Any:
        if isinstance(value, list):
            return [grown(item) for item in value]
        if isinstance(value, dict):
            return {"unheardOf": {"nested": [None, True, 1, "text"]}, **value}
        return value

    return _shallow(lambda: compact(grown(json.loads(body, parse_constant=_refuse_constant))))


def parse(text: bytes | str) -> Any:
    """Reads JSON; a number with a fraction or an exponent becomes an exact `Decimal`.

    Raises:
        ValueError: `text` is not JSON.
    """
    return _shallow(lambda: json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant))


def _shallow(read: Callable[[], _T]) -> _T:
    try:
        return read()
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def real(seconds: float) -> str:
    """A time as the venue prints it: 17 significant digits, never without a decimal point."""
    text = format(seconds, ".17g")
    return text if "." in text or "e" in text else text + ".0"


def spaced(value: Any) -> str:
    """Serialises a WebSocket message.

    Raises:
        TypeError: a value has no JSON form.
    """
    kind = type(value)
    if kind is str:
        return encode_basestring_ascii(value)
    if kind is list or kind is tuple:
        return f"[{', '.join([spaced(item) for item in value])}]"
    if kind is dict:
        pairs = [f"{encode_basestring_ascii(key)}: {spaced(item)}" for key, item in value.items()]
        return f"{{{', '.join(pairs)}}}"
    if value is None:
        return "null"
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is float:
        return real(value)
    raise TypeError(f"{kind.__name__} has no JSON form")
