"""Whatever bytes come as an answer: a whole document of its type, or one of two exceptions."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whitewire.errors import PeerError, VenueRefusal
from whitewire.protocol.replies import is_figure
from whitewire.transport.control import Control
from whitewire.transport.rest import Rest

POSITION = {
    "positionId": 1, "market": "BTC_PERP", "amount": "-0.5", "basePrice": "60000",
    "liquidationPrice": "70000", "pnl": "1", "positionSide": "BOTH",
}  # fmt: skip
ORDER = {"orderId": 1, "market": "M", "amount": "1", "left": "1", "price": "2", "stp": "no"}
MARKET = {
    "name": "M", "stock": "S", "money": "T", "stockPrec": "-6", "moneyPrec": "2",
    "minAmount": "1", "minTotal": "5", "maxTotal": "0",
}  # fmt: skip
BOOK = {"ticker_id": "M", "timestamp": 1, "asks": [["1", "2"]], "bids": None}
FEES = {"taker": "0.1", "maker": "-0.01", "custom_fee": {"M": {"taker": "1", "maker": "0"}}}
# Method, its arguments, and an answer that it takes.
READERS: list[tuple[str, tuple[Any, ...], Any]] = [
    ("positions", (), [POSITION]),
    ("open_orders", (), [ORDER]),
    ("bulk", ([],), [{"result": ORDER, "error": None}, {"result": None, "error": {"code": 1}}]),
    ("markets", (), [MARKET]),
    ("order_book", ("M",), BOOK),
    ("market_fee", (), FEES),
    ("collateral_balance", (), {"USDT": "1", "BTC": 2.5}),
    ("order_history", (), {"M": [{"id": 1, "amount": "1", "price": "0", "status": "FILLED"}]}),
    ("collateral_markets", (), {"result": ["M"]}),
]


class Answers:
    """Stands for a `Control` whose calls all have the same answer."""

    def __init__(self, status: int, body: bytes) -> None:
        self._answer = (status, body)

    async def call(self, name: str, fields: Mapping[str, Any] | None = None) -> tuple[int, bytes]:
        return self._answer


def answered(method: str, values: tuple[Any, ...], body: bytes, status: int = 200) -> Any:
    rest = Rest(cast("Control", Answers(status, body)))
    return asyncio.run(getattr(rest, method)(*values))


def decimals(document: object) -> list[Decimal]:
    """Every decimal anywhere in a document."""
    if isinstance(document, Decimal):
        return [document]
    if isinstance(document, msgspec.Struct):
        document = [getattr(document, name) for name in document.__struct_fields__]
    if isinstance(document, Mapping):
        document = list(document.values())
    if isinstance(document, list | tuple):
        return [found for part in document for found in decimals(part)]
    return []


leaves = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(width=32)
    | st.sampled_from(["", "NaN", "-Infinity", "1e999999", "0", "-1.5", "x", "1e-8"])
)  # fmt: skip


def mangled(data: st.DataObject, document: Any) -> Any:
    """The document with one part of it replaced or left out."""
    if isinstance(document, dict) and document and data.draw(st.booleans()):
        key = data.draw(st.sampled_from(sorted(document)))
        if data.draw(st.booleans()):
            return {**document, key: mangled(data, document[key])}
        return {name: value for name, value in document.items() if name != key}
    if isinstance(document, list) and document and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(document) - 1))
        return [*document[:at], mangled(data, document[at]), *document[at + 1 :]]
    return data.draw(leaves | st.lists(leaves, max_size=2) | st.dictionaries(st.text(), leaves))


@pytest.mark.parametrize(("method", "values", "document"), READERS, ids=lambda v: str(v)[:20])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_document_is_whole_or_refused(
    method: str, values: tuple[Any, ...], document: Any, data: st.DataObject
) -> None:
    body = json.dumps(mangled(data, document)).encode()
    cut = data.draw(st.integers(0, len(body) * 8))
    said: Any = None
    with contextlib.suppress(PeerError):
        said = answered(method, values, body[:cut] if cut < len(body) else body)
    assert all(is_figure(figure) for figure in decimals(said)), said


@pytest.mark.parametrize(("method", "values", "document"), READERS, ids=lambda v: str(v)[:20])
def test_each_reader_takes_its_document_and_tells_refusals_from_breakage(
    method: str, values: tuple[Any, ...], document: Any
) -> None:
    assert answered(method, values, json.dumps(document).encode())
    with pytest.raises(VenueRefusal) as caught:
        answered(method, values, b'{"code":31,"message":"no","errors":{"a":["b"]}}', 422)
    assert (caught.value.venue_code, caught.value.fields) == (31, {"a": ["b"]})
    with pytest.raises(PeerError, match="status 502"):
        answered(method, values, b"<html>", 502)


def test_an_empty_map_may_be_an_empty_array_but_no_other() -> None:
    assert answered("order_history", (), b"[]") == {}
    with pytest.raises(PeerError, match="an array of 1 where a map was expected"):
        answered("order_history", (), b"[1]")


def test_a_closed_position_has_no_prices() -> None:
    closed = POSITION | {"amount": "0", "basePrice": "", "liquidationPrice": "0"}
    [position] = answered("positions", (), json.dumps([closed]).encode())
    assert (position.entry, position.liquidation) == (None, None)
    [position] = answered("positions", (), json.dumps([POSITION]).encode())
    assert (position.entry, position.liquidation) == (60000, 70000)
