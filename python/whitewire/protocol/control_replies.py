"""Answers that the gateway itself needs: lists, balances, history, kill switch, token.

Owns: the shape of these answers, in the terms of the gateway's own records; `replies_orders`,
`replies_collateral` and `replies_public` have the documents of the whole API. Must not know:
connections, what the answers are for. Invariant: as `replies_reading`, whose rules 1 and 2 hold.

Rules
-----
3. Setting a kill switch answers an object, deleting it answers `[]` (venue trap 7).
4. The deals of one order carry neither its id nor its side; the question knows them.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from whitewire.protocol.events import BalanceRow, Deal
from whitewire.protocol.order_states import Finish
from whitewire.protocol.replies import Figures, OrderReply, finish_of
from whitewire.protocol.replies_reading import read, read_map, refusal

__all__ = [
    "FinishedOrder",
    "KillSwitchTimer",
    "read_balances",
    "read_executed_history",
    "read_kill_switch",
    "read_kill_switch_status",
    "read_open_order_ids",
    "read_open_orders",
    "read_order_deals",
    "read_order_history",
    "read_time",
    "read_websocket_token",
    "refusal",
]

_ZERO = Decimal(0)


class FinishedOrder(
    Figures,
    frozen=True,
    rename={
        "venue_id": "id",
        "client_id": "clientOrderId",
        "deal_stock": "dealStock",
        "deal_money": "dealMoney",
    },
):
    """One row of the finished orders' history; stock and money."""

    venue_id: int
    amount: Decimal
    status: str
    client_id: str = ""
    deal_stock: Decimal = _ZERO
    deal_money: Decimal = _ZERO

    @property
    def finish(self) -> Finish:
        """How the order ended; every row of the history is an ended order."""
        return finish_of(self.status, self.amount - self.deal_stock) or Finish.CANCELED


class KillSwitchTimer(
    msgspec.Struct,
    frozen=True,
    rename={"start_s": "startTime", "fires_s": "cancellationTime"},
):
    """One timer at the venue; epoch seconds."""

    market: str
    start_s: int
    fires_s: int
    types: list[str] | None = None


class _HistoryDeal(
    Figures,
    frozen=True,
    rename={"client_id": "clientOrderId", "venue_id": "orderId", "asset": "feeAsset"},
):
    id: int
    time: Decimal
    amount: Decimal
    price: Decimal
    fee: Decimal
    role: int = 0
    side: str = ""
    venue_id: int = 0
    client_id: str = ""
    asset: str = ""


class _OpenOrderId(msgspec.Struct, frozen=True, rename={"venue_id": "orderId"}):
    venue_id: int
    market: str


class _OrderDeals(msgspec.Struct):
    records: list[_HistoryDeal]


class _Balance(Figures, frozen=True):
    available: Decimal
    freeze: Decimal


class _Time(msgspec.Struct):
    time: int


class _Token(msgspec.Struct):
    websocket_token: str


# An empty map as an array (rule 2) decodes as the list.
_ORDERS = msgspec.json.Decoder(list[OrderReply])
_ORDER_IDS = msgspec.json.Decoder(list[_OpenOrderId])
_TIMER = msgspec.json.Decoder(KillSwitchTimer | list[Any])
_TIMERS = msgspec.json.Decoder(list[KillSwitchTimer])
_BALANCES = msgspec.json.Decoder(dict[str, _Balance] | list[Any])
_DEALS = msgspec.json.Decoder(list[_HistoryDeal])
_DEALS_BY_MARKET = msgspec.json.Decoder(dict[str, list[_HistoryDeal]] | list[Any])
_DEALS_OF_ORDER = msgspec.json.Decoder(_OrderDeals)
_FINISHED = msgspec.json.Decoder(dict[str, list[FinishedOrder]] | list[Any])
_TIME = msgspec.json.Decoder(_Time)
_TOKEN = msgspec.json.Decoder(_Token)


def read_open_orders(status: int, body: bytes) -> list[OrderReply]:
    """The active orders.

    Raises (as every reader here):
        VenueRefusal: status 4xx (rule 1).
        PeerError: any other failure.
    """
    return read(status, body, _ORDERS)


def read_open_order_ids(status: int, body: bytes) -> list[tuple[str, int]]:
    """Market and id of the active orders; nothing else of them has to be readable."""
    return [(row.market, row.venue_id) for row in read(status, body, _ORDER_IDS)]


def read_kill_switch(status: int, body: bytes) -> KillSwitchTimer | None:
    """The timer that was set, or None when it was deleted (rule 3)."""
    reply = read(status, body, _TIMER)
    return reply if isinstance(reply, KillSwitchTimer) else None


def read_kill_switch_status(status: int, body: bytes) -> list[KillSwitchTimer]:
    """The timers that run at the venue."""
    return read(status, body, _TIMERS)


def read_balances(status: int, body: bytes) -> list[BalanceRow]:
    """Every asset of the trade account; the question must not name a ticker (venue trap 46)."""
    assets = read_map(status, body, _BALANCES)
    return [BalanceRow(a, f"{b.available:f}", f"{b.freeze:f}") for a, b in assets.items()]


def read_executed_history(status: int, body: bytes, market: str = "") -> list[Deal]:
    """Our deals, newest first; name the market when the question did (rule 2)."""
    if market:
        return [_deal(row, market) for row in read(status, body, _DEALS)]
    by_market = read_map(status, body, _DEALS_BY_MARKET)
    return [_deal(row, name) for name, rows in by_market.items() for row in rows]


def read_order_deals(status: int, body: bytes, market: str, venue_id: int, side: int) -> list[Deal]:
    """The deals of one order; `side` is 1 for sell, 2 for buy (rule 4)."""
    rows = read(status, body, _DEALS_OF_ORDER).records
    return [_deal(row, market)._replace(venue_id=venue_id, side=side) for row in rows]


def read_order_history(status: int, body: bytes) -> list[FinishedOrder]:
    """The finished orders of all markets in the answer."""
    by_market = read_map(status, body, _FINISHED)
    return [row for rows in by_market.values() for row in rows]


def read_time(status: int, body: bytes) -> int:
    """The venue's clock, epoch seconds, cut off and not rounded."""
    return read(status, body, _TIME).time


def read_websocket_token(status: int, body: bytes) -> str:
    """The token that authorizes a WebSocket session."""
    return read(status, body, _TOKEN).websocket_token


def _deal(row: _HistoryDeal, market: str) -> Deal:
    return Deal(
        deal_id=row.id,
        time_ns=int(row.time.scaleb(9)),
        market=market,
        venue_id=row.venue_id,
        price=f"{row.price:f}",
        amount=f"{row.amount:f}",
        fee=f"{row.fee:f}",
        client_id=row.client_id,
        side=1 if row.side == "sell" else 2,
        role=row.role,
        fee_asset=row.asset,
    )
