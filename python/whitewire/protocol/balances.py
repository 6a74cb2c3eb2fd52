"""Balances of the trade account.

Owns: the latest absolute balance of each asset. Must not know: fills, positions, connections.
Invariant: a query never overwrites a push that came after the question was asked. Values lag fills
by up to a second (venue trap 27), so nothing here says what may be quoted.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from whitewire.protocol.events import BalanceRow

__all__ = ["Balance", "Balances"]


class Balance(NamedTuple):
    """One asset: free to use, and frozen in orders, in units of the asset."""

    asset: str
    available: Decimal
    freeze: Decimal

    @property
    def total(self) -> Decimal:
        """Free and frozen together."""
        return self.available + self.freeze


class Balances:
    """Every asset seen so far."""

    __slots__ = ("_assets", "_pushed_ns")

    def __init__(self) -> None:
        self._assets: dict[str, Balance] = {}
        self._pushed_ns: dict[str, int] = {}

    def apply(self, rows: Iterable[BalanceRow], now_ns: int) -> list[Balance]:
        """Take a push that arrived at `now_ns` (monotonic) and return what changed."""
        changed = []
        for row in rows:
            self._pushed_ns[row.asset] = now_ns
            changed += self._set(row)
        return changed

    def apply_query(self, rows: Iterable[BalanceRow], asked_ns: int) -> list[Balance]:
        """Take the answer to a question asked at `asked_ns` (monotonic); returns what changed."""
        changed = []
        for row in rows:
            if self._pushed_ns.get(row.asset, asked_ns) <= asked_ns:
                changed += self._set(row)
        return changed

    def get(self, asset: str) -> Balance:
        """The balance of an asset, zero when the venue never named it."""
        return self._assets.get(asset) or Balance(asset, Decimal(0), Decimal(0))

    def all(self) -> list[Balance]:
        """Every asset that the venue named."""
        return list(self._assets.values())

    def _set(self, row: BalanceRow) -> list[Balance]:
        balance = Balance(row.asset, Decimal(row.available), Decimal(row.freeze))
        if self._assets.get(row.asset) == balance:
            return []
        self._assets[row.asset] = balance
        return [balance]
