"""Rows for the channels of the collateral account, each with a venue of its own."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.venue.fidelity.collateral_rows import PERP, pair, place, trade
from tests.venue.fidelity.recording import RecordingWs
from tests.venue.fidelity.ws_rows import Line, Row, family
from whitewire.venue import WireOptions
from whitewire.venue.engine.accounts import default_accounts
from whitewire.venue.exchange_options import ExchangeOptions

Json = Any


def _often() -> WireOptions:
    """Balances and positions leave often enough for a test to wait for them."""
    return WireOptions(margin_balance_interval_ms=20, positions_interval_ms=20)


def _balance(line: Line) -> None:
    with line.world.elsewhere(wire=_often()) as world, RecordingWs(world.venue, world.record) as ws:
        ws.authorize(world.rest)
        ws.call("balanceMargin_request")
        ws.call("balanceMargin_request", "BTC", "USDT")
        ws.call("balanceMargin_subscribe", "BTC", "USDT")
        trade(world)
        ws.push("balanceMargin_update")
        ws.call("balanceMargin_unsubscribe")
        ws.refused("balanceMargin_request", "NONE")


def _positions(line: Line) -> None:
    """Positions, and how orders against collateral look in the channels of all orders."""
    with line.world.elsewhere(wire=_often()) as world, RecordingWs(world.venue, world.record) as ws:
        ws.authorize(world.rest)
        ws.call("ordersPending_subscribe", PERP)
        ws.call("ordersExecuted_subscribe", [PERP], 0)
        ws.call("positionsMargin_subscribe")
        trade(world)
        while not ws.push("positionsMargin_update")["records"]:
            pass
        pair(world, reduceOnly=True)
        place(world.rest, "buy", "58000")
        ws.push("ordersPending_update")
        ws.push("ordersExecuted_update")
        ws.call("ordersPending_request", PERP, 0, 100)
        ws.call("ordersExecuted_request", {"market": PERP, "order_types": [7]}, 0, 100)
        ws.call("deals_request", PERP, 0, 100)
        ws.call("positionsMargin_unsubscribe")
        ws.refused("positionsMargin_subscribe", PERP)


def _dangers(line: Line) -> None:
    """A poor account goes long and the price falls."""
    engine = ExchangeOptions(margin_call_multiple=Decimal(2))
    poor, rich = default_accounts(1)
    poor = replace(poor, collateral={"USDT": Decimal(1_000)})
    options = {"wire": _often(), "engine": engine, "accounts": [poor, rich]}
    with line.world.elsewhere(**options) as world, RecordingWs(world.venue, world.record) as ws:
        ws.authorize(world.rest)
        ws.call("positionsAccountMargin_subscribe")
        ws.call("positionsMargin_subscribe")
        trade(world, "60000", "0.1")
        # A margin call, then liquidation into the rest of the second bid.
        for price, amount in (("50500", "0.01"), ("50200", "0.2")):
            place(world.other, "buy", price, amount)
            place(world.other, "sell", price, "0.01")
            ws.push("positionsAccountMargin_update")
            ws.push("positionsMargin_update")
        ws.call("positionsAccountMargin_unsubscribe")
        ws.refused("positionsAccountMargin_subscribe", PERP)


ROWS: dict[str, Row] = {
    "balanceMargin": Row(
        _balance,
        family("balanceMargin", "request", "subscribe", "unsubscribe"),
        ("balanceMargin_update",),
    ),
    "positions": Row(
        _positions,
        family("positionsMargin", "subscribe", "unsubscribe"),
        ("positionsMargin_update",),
    ),
    "marginPositionsEvents": Row(
        _dangers,
        family("positionsAccountMargin", "subscribe", "unsubscribe"),
        ("positionsAccountMargin_update",),
    ),
}
