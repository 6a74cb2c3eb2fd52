"""One market's public tape.

Owns: the newest trades and the totals since the start. Must not know: orders or accounts.
Invariant: the totals cover every trade that was ever added, also those no longer kept.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

from whitewire.venue.values.model import ZERO, PublicTrade
from whitewire.venue.values.money import add


@dataclass(frozen=True, slots=True)
class MarketStatistics:
    """What has been traded since the venue started; prices are None before the first trade."""

    market: str
    last_price: Decimal | None
    open_price: Decimal | None
    stock_volume: Decimal
    money_volume: Decimal


class Tape:
    """Public trades of one market.

    Attributes:
        last_price: price of the newest trade; None before the first one.
    """

    __slots__ = ("_market", "_money", "_open_price", "_stock", "_trades", "last_price")

    def __init__(self, market: str, limit: int) -> None:
        self._market = market
        self._trades: deque[PublicTrade] = deque(maxlen=limit)
        self._open_price: Decimal | None = None
        self._stock = ZERO
        self._money = ZERO
        self.last_price: Decimal | None = None

    def add(self, trade: PublicTrade) -> None:
        """Records a trade."""
        self._trades.append(trade)
        self._stock = add(self._stock, trade.amount)
        self._money = add(self._money, trade.money)
        self.last_price = trade.price
        if self._open_price is None:
            self._open_price = trade.price

    def newest(self, limit: int) -> list[PublicTrade]:
        """The newest trades, newest first."""
        return list(islice(reversed(self._trades), limit))

    def statistics(self) -> MarketStatistics:
        """Prices and volumes since the start."""
        return MarketStatistics(
            self._market, self.last_price, self._open_price, self._stock, self._money
        )
