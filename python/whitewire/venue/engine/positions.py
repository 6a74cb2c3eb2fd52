"""Positions: what an account holds against its collateral in one market, and what it cost.

Owns: opening, adding, reducing and closing, with the profit that this realises. Must not know:
wallets, orders, prices other than the argument. Invariant: a position's cost is exactly what its
fills paid less what its closed parts had cost, so that profits of all parties sum to zero.

Rules:
    P1  Amounts are signed: a short position is negative, and so is its cost.
    P2  A fill on the position's side adds to it at the fill's price; one against it realises the
        difference to the average cost of the part that it closes.
    P3  A fill that is larger than the position it is against closes it and opens another one, with
        an id of its own, on the other side.
    P4  The average cost of a part is cut to twelve decimals; what is cut stays in the position.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from whitewire.venue.values.model import ZERO, PositionSide
from whitewire.venue.values.money import add, multiply, quotient, share_of, subtract


@dataclass(slots=True)
class Position:
    """One position; with amount zero it is closed.

    Attributes:
        side: BOTH in one-way mode.
        amount: signed stock (P1).
        cost: signed money that the amount stands for.
        opened: epoch seconds.
        modified: epoch seconds.
        realized: profit of closed parts, in money, without fees and funding.
        funding: paid so far, in money; negative was paid by the account.
        state: margin_call or liquidation, None otherwise.
    """

    id: int
    market: str
    side: PositionSide
    opened: float
    modified: float
    amount: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    funding: Decimal = ZERO
    state: str | None = None

    @property
    def base_price(self) -> Decimal:
        """Average price of what is held; zero for a closed position."""
        return quotient(self.cost, self.amount) if self.amount else ZERO

    def unrealized(self, mark: Decimal) -> Decimal:
        """Profit that closing all of it at `mark` would realise."""
        return subtract(multiply(self.amount, mark), self.cost)

    def takes(self, signed: Decimal) -> Decimal:
        """The part of a fill that this position takes; the rest is another one's (P3)."""
        if not self.amount or (signed > 0) == (self.amount > 0):
            return signed
        whole = self.amount.copy_negate()
        return max(signed, whole) if signed < 0 else min(signed, whole)

    def apply(self, signed: Decimal, price: Decimal, now: float) -> Decimal:
        """Applies a fill, or the part of one that `takes` allows; returns the realised profit."""
        money = multiply(signed, price)
        self.modified = now
        if not self.amount or (signed > 0) == (self.amount > 0):
            self.amount = add(self.amount, signed)
            self.cost = add(self.cost, money)
            return ZERO
        part = self._cost_of(signed.copy_negate())
        profit = subtract(money.copy_negate(), part)
        self.amount = add(self.amount, signed)
        self.cost = subtract(self.cost, part)
        self.realized = add(self.realized, profit)
        return profit

    def _cost_of(self, closed: Decimal) -> Decimal:
        """What a part of the position had cost (P4)."""
        return self.cost if closed == self.amount else share_of(self.cost, closed, self.amount)


@dataclass(frozen=True, slots=True)
class PositionRecord:
    """The state of a position after one order changed it.

    Attributes:
        fee: in money.
        realized: profit that this change realised.
        realized_funding: paid so far by the position.
    """

    position_id: int
    market: str
    side: PositionSide
    opened: float
    modified: float
    amount: Decimal
    base_price: Decimal
    realized_funding: Decimal
    liquidation_price: Decimal | None
    liquidation_state: str | None
    order_id: int
    trade_amount: Decimal
    price: Decimal
    fee: Decimal
    realized: Decimal


@dataclass(frozen=True, slots=True)
class FundingRecord:
    """One settlement of funding for one position; `amount` is negative where it was paid."""

    market: str
    time: float
    rate: Decimal
    amount: Decimal
    position_amount: Decimal
    settlement_price: Decimal
    rate_time: float
