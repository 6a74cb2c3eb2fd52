"""JSON in the venue's two handwritings.

Owns: `compact` (REST bodies: no white space, shortest floats) and `spaced` (WebSocket frames:
", " and ": " between tokens, reals with up to 17 significant digits, as the venue's C library
prints them), and reading JSON without ever making a float of a number. Must not know: what the
values mean. Invariant: money is text before it gets here; only times are floats; text nested too
deep to be read is not JSON.

JSON text is UTF-8. Decoders are made once, since making one costs as much as reading a request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sized
from decimal import Decimal
from json.encoder import encode_basestring_ascii
from typing import Any, TypeVar

__all__ = [
    "canonical",
    "compact",
    "is_evidently_canonical",
    "parse",
    "real",
    "spaced",
    "with_unknown",
]

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
    return _shallow(lambda: compact(_PLAIN.decode(body.decode())))


def is_evidently_canonical(body: bytes, members: Sized) -> bool:
    """Whether a look at `body` suffices to know that `canonical` would not change it.

    So it is with flat objects of plain texts, whole numbers and flags, without white space,
    escapes and repeated keys: what clients send nearly always. False means "perhaps not".

    Args:
        members: what `body` was decoded to.
    """
    # A key's end may also be found in a text, never too few times; a repeated key is one too many.
    return _FLAT.fullmatch(body) is not None and body.count(b'":') == len(members)


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

    return _shallow(lambda: compact(grown(_PLAIN.decode(body.decode()))))


def parse(text: bytes | str) -> Any:
    """Reads JSON; a number with a fraction or an exponent becomes an exact `Decimal`.

    Raises:
        ValueError: `text` is not JSON.
    """
    return _shallow(lambda: _EXACT.decode(text if isinstance(text, str) else text.decode()))


def _shallow(read: Callable[[], _T]) -> _T:
    try:
        return read()
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_PLAIN = json.JSONDecoder(parse_constant=_refuse_constant)
_EXACT = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse_constant)

_TEXT = rb'"[ !#-\[\]-~]*"'
_MEMBER = _TEXT + rb":(?:" + _TEXT + rb"|0|-?[1-9][0-9]*|true|false|null)"
_FLAT = re.compile(rb"\{" + _MEMBER + rb"(?:," + _MEMBER + rb")*\}")


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
        items = [
            encode_basestring_ascii(item) if type(item) is str else spaced(item) for item in value
        ]
        return f"[{', '.join(items)}]"
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
