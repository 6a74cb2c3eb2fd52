"""What the core decodes from private and public frames, as named tuples.

Owns: names for the fields of the tuples that `_core.Engine.take_event` returns. Must not know:
who consumes them. Invariant: field order equals the core's (a test compares both). Money fields
are the venue's decimal texts, already checked to be numbers; times are epoch nanoseconds.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, NamedTuple

from whitewire.market import Side

__all__ = [
    "BalanceRow",
    "Danger",
    "Deal",
    "EventKind",
    "MarginBalanceRow",
    "OrderUpdate",
    "PositionRow",
    "PublicTrade",
    "Reply",
    "side_of",
]


class EventKind(IntEnum):
    """Kinds of a decoded frame; equal to the core's numbers (a test compares both)."""

    OTHER = 0
    BOOK_SNAPSHOT = 1
    BOOK_DELTA = 2
    BOOK_GAP = 3
    BOOK_STALE = 4
    BOOK_IGNORED = 5
    TICKER = 6
    TRADES = 7
    ORDER_PENDING = 8
    DEAL = 9
    BALANCES = 10
    REPLY = 11
    REPLY_ERROR = 12
    MALFORMED = 13
    ORDER_EXECUTED = 14
    ALARM = 15
    MARGIN_BALANCES = 16
    POSITIONS = 17
    DANGER = 18


class OrderUpdate(NamedTuple):
    """One `ordersPending` push: event 1 new, 2 changed, 3 finished (filled or canceled)."""

    event: int
    venue_id: int
    market: str
    order_type: int
    side: int
    post_only: bool
    ioc: bool
    rpi: bool
    ctime_ns: int
    mtime_ns: int
    price: str
    amount: str
    left: str
    deal_stock: str
    deal_money: str
    deal_fee: str
    client_id: str
    status: str
    stp: str
    fee_asset: str


class Deal(NamedTuple):
    """One of our fills from the `deals` channel; role 1 is maker, 2 taker."""

    deal_id: int
    time_ns: int
    market: str
    venue_id: int
    price: str
    amount: str
    fee: str
    client_id: str
    side: int
    role: int
    fee_asset: str


class BalanceRow(NamedTuple):
    """Absolute balance of one asset in the trade account."""

    asset: str
    available: str
    freeze: str


class MarginBalanceRow(NamedTuple):
    """One asset of the collateral account; what is available moves with the prices."""

    asset: str
    balance: str
    borrow: str
    available: str
    available_with_borrow: str


class PositionRow(NamedTuple):
    """One open position as the `positions` channel shows it each second.

    Texts are empty where the venue has no value. `amount` is stock, negative for a short position;
    `pnl` is unrealised; `liq_stage` is "margin_call" or "liquidation".
    """

    position_id: int
    market: str
    ctime_ns: int
    mtime_ns: int
    amount: str
    amount_in_money: str
    base_price: str
    pnl: str
    liq_price: str
    liq_stage: str
    unrealized_funding: str
    funding: str
    margin: str
    free_margin: str
    realized_pnl: str
    position_side: str


class Danger(NamedTuple):
    """A margin call (1) or a liquidation (2); `position` holds the fields of a `PositionRow`."""

    event: int
    position: tuple[Any, ...]


class Reply(NamedTuple):
    """Answer to one of our WebSocket requests; `error_code` 0 means success."""

    request_id: int
    error_code: int
    error_message: str
    result: str


class PublicTrade(NamedTuple):
    """One public trade; price in ticks, amount in lots, side is the taker's."""

    trade_id: int
    time_ns: int
    price_ticks: int
    amount_lots: int
    side: int
    rpi: bool


def side_of(number: int) -> Side:
    """Side of the venue's WebSocket number: 1 is sell and 2 is buy (venue trap 11)."""
    return Side.SELL if number == 1 else Side.BUY
