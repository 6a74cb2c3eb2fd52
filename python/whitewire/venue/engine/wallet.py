"""The collateral side of an account: its balances, its positions and what its open orders may do.

Owns: collateral balances, positions by market and side, pending order values, leverage, the
position mode and the records of all that. Must not know: prices, books, what is enough. Invariant:
a pending value is the sum of price x left over the open orders that could add to the position.

Rules:
    L1  Leverage is one of 1, 2, 3, 5, 10, 20, 50, 100 for the whole account.
    L2  In one-way mode a market has one position; in hedge mode a long one and a short one.
    L3  Reduce-only orders have no pending value.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from decimal import Decimal

from whitewire.venue.engine.positions import FundingRecord, Position, PositionRecord
from whitewire.venue.values.model import ZERO, PositionSide, Side
from whitewire.venue.values.money import add

LEVERAGES = (1, 2, 3, 5, 10, 20, 50, 100)
DEFAULT_LEVERAGE = 10

Key = tuple[str, PositionSide]


class CollateralWallet:
    """One account's collateral.

    Attributes:
        positions: open ones, by market and side (L2).
        pending: value in money of open orders, by market, side of the position, side.
        records: changes of positions, oldest first.
        fundings: settlements, oldest first.
    """

    __slots__ = (
        "_balances",
        "closed",
        "fundings",
        "is_hedged",
        "leverage",
        "pending",
        "positions",
        "records",
    )

    def __init__(self, balances: dict[str, Decimal], history_limit: int) -> None:
        self.leverage = DEFAULT_LEVERAGE
        self.is_hedged = False
        self.positions: dict[Key, Position] = {}
        self.pending: dict[tuple[str, PositionSide, Side], Decimal] = {}
        self.records: deque[PositionRecord] = deque(maxlen=history_limit)
        self.fundings: deque[FundingRecord] = deque(maxlen=history_limit)
        self.closed: deque[Position] = deque(maxlen=history_limit)
        self._balances = dict(balances)

    def balance(self, asset: str) -> Decimal:
        """What there is of an asset; negative for a debt."""
        return self._balances.get(asset, ZERO)

    def balances(self) -> Iterator[tuple[str, Decimal]]:
        """Assets that the wallet has ever held, with their balances."""
        return iter(self._balances.items())

    def credit(self, asset: str, amount: Decimal) -> None:
        """Adds a profit, a funding, or with a negative amount what is to be paid."""
        self._balances[asset] = add(self.balance(asset), amount)

    def held(self, market: str, side: PositionSide) -> Decimal:
        """Signed amount of a position; zero if there is none."""
        position = self.positions.get((market, side))
        return position.amount if position else ZERO

    def expect(self, market: str, position_side: PositionSide, side: Side, value: Decimal) -> None:
        """Adds to the pending value of a side, or with a negative value takes from it."""
        key = (market, position_side, side)
        left = add(self.pending.get(key, ZERO), value)
        if left:
            self.pending[key] = left
        else:
            self.pending.pop(key, None)

    @property
    def is_busy(self) -> bool:
        """Whether there is a position or an order against collateral.

        One that has no pending value reduces a position, or is a leg beside one that has.
        """
        return bool(self.positions or self.pending)
