"""Pushes about own orders, from the frame to their fields.

Owns: the rivals' readers of an order push. Must not know: how time is taken. Invariant: every case
hands over the same fields, checked for every frame.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import ccxt.pro
import orjson

from bench.micro.measure import Case, Ratio, Suite, expect
from bench.micro.native import FrameLoop, Library
from bench.micro.stream import AMOUNT_DECIMALS, MARKET, NO_LIMITS, PRICE_DECIMALS
from whitewire import _core
from whitewire.protocol.events import OrderUpdate

__all__ = ["CCXT", "EVENT", "JSON", "LOOP", "ORJSON", "suite"]

JSON = "json, members"
ORJSON = "orjson, members"
CCXT = f"ccxt.pro {ccxt.__version__}: orjson, parse_ws_order"
EVENT = "Engine.on_frame, take_event, OrderUpdate"
LOOP = "Feed::on_frame, native loop"

_SYMBOL = "BTC/USDT:USDT"

Fields = tuple[int, str, Decimal, Decimal, Decimal]


def _row(frame: bytes) -> dict[str, Any]:
    row: dict[str, Any] = json.loads(frame)["params"][-1]
    return row


def _fields(row: dict[str, Any]) -> Fields:
    numbers = (Decimal(row[name]) for name in ("price", "amount", "left"))
    return (int(row["id"]), str(row["client_order_id"]), *numbers)  # type: ignore[return-value]


def _case(
    name: str,
    read: Callable[[bytes], Any],
    fields: Callable[[Any], Fields],
    frames: Sequence[bytes],
) -> Case:
    def run(passes: int) -> None:
        for _ in range(passes):
            for frame in frames:
                read(frame)

    def check() -> None:
        for frame in frames:
            found = fields(read(frame))
            expect(found == _fields(_row(frame)), f"{frame!r} was read as {found}")

    return Case(name, run, check, items=len(frames))


def _members(loads: Callable[[bytes], Any]) -> Callable[[bytes], Fields]:
    return lambda frame: _fields(loads(frame)["params"][-1])


def _ccxt() -> Callable[[bytes], Any]:
    exchange = ccxt.pro.whitebit()
    market = exchange.safe_market_structure(
        {"id": MARKET, "symbol": _SYMBOL, "base": "BTC", "quote": "USDT", "swap": True}
    )
    exchange.set_markets({_SYMBOL: market})
    parse = exchange.parse_ws_order

    def read(frame: bytes) -> Any:
        params = orjson.loads(frame)["params"]
        # a finished order comes without the number of its event, which is 3
        return parse({**params[-1], "status": params[0] if len(params) > 1 else 3}, market)

    return read


def _ccxt_fields(order: Any) -> Fields:
    numbers = (Decimal(repr(order[name])) for name in ("price", "amount", "remaining"))
    return (int(order["id"]), order["clientOrderId"], *numbers)  # type: ignore[return-value]


def _ours() -> Callable[[bytes], OrderUpdate]:
    engine = _core.Engine(host="localhost", paths=("/", "/", "/", "/"), id_base="mm-")
    engine.add_market(MARKET, PRICE_DECIMALS, AMOUNT_DECIMALS, 100, NO_LIMITS)
    on_frame, take_event = engine.on_frame, engine.take_event
    return lambda frame: OrderUpdate._make(take_event(on_frame(frame, 1)))


def _our_fields(update: OrderUpdate) -> Fields:
    expect(isinstance(update.event, int), f"the frame left {update.event!r}, no order")
    numbers = (Decimal(update.price), Decimal(update.amount), Decimal(update.left))
    return (update.venue_id, update.client_id, *numbers)


def suite(frames: Sequence[bytes], library: Library) -> Suite:
    """Reading pushes about own orders; `frames` may hold others, which are left out."""
    orders = [frame for frame in frames if b'"orders' in frame]
    loop = FrameLoop(library, MARKET, orders)
    cases = [
        _case(CCXT, _ccxt(), _ccxt_fields, orders),
        _case(JSON, _members(json.loads), lambda fields: fields, orders),
        _case(ORJSON, _members(orjson.loads), lambda fields: fields, orders),
        _case(EVENT, _ours(), _our_fields, orders),
        Case(LOOP, loop.run, lambda: loop.run(1), items=len(orders)),
    ]
    ratios = [
        Ratio(CCXT, EVENT),
        Ratio(JSON, EVENT),
        Ratio(ORJSON, EVENT),
        Ratio(CCXT, LOOP),
        Ratio(ORJSON, LOOP),
    ]
    return Suite("push about an own order to its fields", "frame", cases, ratios)
