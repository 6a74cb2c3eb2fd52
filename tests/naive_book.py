"""The slow twin of the core's book: the standard library's JSON, a dict, Decimal, nothing clever.

Owns: the meaning of a depth message, written a second time. Must not know: the core. Invariant:
every step starts from the text; no number is ever binary floating point.

Rules
-----
1. A snapshot replaces the book, whatever came before.
2. A delta counts only while the book is fresh. One that is not newer is ignored; one that does not
   start where the book stands is a gap, and the book is stale until the next snapshot.
3. An amount is the level's new size; zero removes the level. A missing side is unchanged.
4. After each message the best `depth` levels of a side are kept.
5. A book whose best bid reaches its best ask is not real: stale, as after a gap.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

Levels = list[tuple[Decimal, Decimal]]


class NaiveBook:
    """One market's book.

    Attributes:
        update_id: counter of the last message applied.
        is_stale: whether the levels may not be trusted.
    """

    def __init__(self, market: str, price_decimals: int, amount_decimals: int, depth: int) -> None:
        self.market = market
        self.depth = depth
        self.update_id = 0
        self.is_stale = True
        self._tick = Decimal(1).scaleb(-price_decimals)
        self._lot = Decimal(1).scaleb(-amount_decimals)
        self._sides: dict[str, dict[Decimal, Decimal]] = {"asks": {}, "bids": {}}

    @property
    def asks(self) -> Levels:
        """Lowest price first."""
        return sorted(self._sides["asks"].items())

    @property
    def bids(self) -> Levels:
        """Highest price first."""
        return sorted(self._sides["bids"].items(), reverse=True)

    def apply(self, frame: str) -> str:
        """Takes one message; the name of what it did, as the core's events are called.

        Raises:
            ValueError: this is no message that a book can be kept from.
        """
        document = json.loads(frame, parse_float=Decimal)
        if document.get("method") != "depth_update":
            return "OTHER"
        is_snapshot, body, market = document["params"][:3]
        if market != self.market:
            return "OTHER"
        changes = {side: self._read(body.get(side) or []) for side in self._sides}
        update_id = self._counter(body["update_id"])
        if is_snapshot is True:
            self._sides = {"asks": {}, "bids": {}}
            self.is_stale = False
            event = "SNAPSHOT"
        else:
            past_update_id = self._counter(body["past_update_id"])
            if self.is_stale:
                return "STALE"
            if update_id <= self.update_id:
                return "IGNORED"
            if past_update_id != self.update_id:
                self.is_stale = True
                return "GAP"
            event = "DELTA"
        self.update_id = update_id
        for side, levels in changes.items():
            self._change(side, levels)
        bids, asks = self.bids, self.asks
        if bids and asks and bids[0][0] >= asks[0][0]:
            self.is_stale = True
            return "GAP"
        return event

    def _read(self, rows: list[Any]) -> Levels:
        levels = [(Decimal(price), Decimal(amount)) for price, amount in rows]
        for price, amount in levels:
            if price <= 0 or amount < 0 or price % self._tick or amount % self._lot:
                raise ValueError(f"{price} x {amount} is no level of {self.market}")
        return levels

    @staticmethod
    def _counter(value: Any) -> int:
        if value != int(value):
            raise ValueError(f"{value} is no counter")
        return int(value)

    def _change(self, side: str, levels: Levels) -> None:
        book = self._sides[side]
        for price, amount in levels:
            if amount == 0:
                book.pop(price, None)
            else:
                book[price] = amount
        best_first = self.asks if side == "asks" else self.bids
        self._sides[side] = dict(best_first[: self.depth])
