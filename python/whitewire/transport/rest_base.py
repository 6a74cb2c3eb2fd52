"""What every typed call shares: one endpoint, one answer, one type.

Owns: leaving out parameters that were not given, and handing the answer to its reader. Must not
know: any endpoint's parameters. Invariant: a call is made once; what it returns is whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec

from whitewire.errors import NumberError
from whitewire.market import Number
from whitewire.protocol.replies_reading import read, read_large, read_map

if TYPE_CHECKING:
    from whitewire.transport.control import Answer, Control

__all__ = ["RestBase", "number"]

_T = TypeVar("_T")


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def number(value: Number | None) -> str | None:
    """The plain decimal text of a number, as the venue takes it.

    Raises:
        NumberError: not a finite number.
    """
    if value is None:
        return None
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value)
    except (InvalidOperation, TypeError, ValueError):
        exact = Decimal("NaN")
    if not exact.is_finite():
        raise NumberError("number-syntax", f"{value!r} is not a number", "give a decimal")
    return f"{exact:f}"


class RestBase:
    """Calls through one account's `Control`.

    Every method raises `VenueRefusal` where the venue says no, `PeerError` where there is no
    usable answer (a request that changes something may have been carried out), `StartupError`
    where the host cannot be reached and nothing was sent.

    Args:
        control: carries the calls.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    async def call(self, name: str, fields: Mapping[str, Any] | None = None) -> Answer:
        """Calls an endpoint of the table by name; (HTTP status, body) as they came."""
        return await self._control.call(name, fields)

    async def _one(self, name: str, kind: type[_T], **fields: Any) -> _T:
        answer = await self._control.call(name, _given(fields))
        document: _T = read(*answer, _decoder(cast("Any", kind)))
        return document

    async def _list(self, name: str, kind: type[_T], **fields: Any) -> list[_T]:
        answer = await self._control.call(name, _given(fields))
        document: list[_T] = read(*answer, _decoder(list[kind]))  # type: ignore[valid-type]
        return document

    async def _map(self, name: str, kind: type[_T], **fields: Any) -> dict[str, _T]:
        answer = await self._control.call(name, _given(fields))
        decoder = _decoder(dict[str, kind] | list[Any])  # type: ignore[valid-type]
        return read_map(*answer, decoder)

    async def _large(self, name: str, kind: type[_T], **fields: Any) -> _T:
        answer = await self._control.call(name, _given(fields))
        return read_large(*answer, kind)
