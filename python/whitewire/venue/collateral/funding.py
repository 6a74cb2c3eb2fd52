"""Funding: what longs and shorts of futures pay each other for the price being off its index.

Owns: the rate of the moment, the times of settlement, and the settlement. Must not know: orders,
margins, books. Invariant: what one settlement takes from accounts is what it gives to others; the
venue is one of them with what it took over.

Rules:
    U1  Settlement is at whole multiples of the interval since the epoch.
    U2  The rate is how far the mark price is from the index, the last price of the spot market of
        the same assets; within bounds, and cut to eight decimals. Without an index it is the base
        rate.
    U3  With a positive rate longs pay shorts: amount x mark price x rate.
    U4  Funding changes the balance; the position's own record of funding stays at zero.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from whitewire.venue.collateral.pool import Pool
from whitewire.venue.engine.accounts import Account
from whitewire.venue.engine.positions import FundingRecord
from whitewire.venue.values.model import ZERO, MarketSpec
from whitewire.venue.values.money import add, floor_to, multiply, quotient, subtract

CAP = Decimal("0.0075")
BASE_RATE = Decimal("0.0001")
_EIGHTH = Decimal("1e-8")
_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Prices:
    """Where funding sees prices."""

    mark: Callable[[str], Decimal]
    index: Callable[[MarketSpec], Decimal | None]


@dataclass(frozen=True, slots=True)
class Settlement:
    """One settlement of one market; `rate_time` is when its rate began to be that of the next."""

    market: str
    time: float
    rate: Decimal
    price: Decimal
    rate_time: float


class Funding:
    """The funding of all futures markets.

    Attributes:
        interval_s: seconds between settlements.
        settlements: of all markets, oldest first.
    """

    def __init__(
        self,
        specs: Mapping[str, MarketSpec],
        accounts: Mapping[str, Account],
        pool: Pool,
        prices: Prices,
        interval_s: int,
        now: float,
    ) -> None:
        self.interval_s = interval_s
        self.settlements: deque[Settlement] = deque(maxlen=_REMEMBERED)
        self._specs = specs
        self._accounts = accounts
        self._pool = pool
        self._prices = prices
        self._due = self._next_after(now)
        self._rate_time = now

    def next_due(self) -> float:
        """When the next settlement is, epoch seconds."""
        return self._due

    def rate(self, spec: MarketSpec) -> Decimal:
        """The rate that a settlement now would have (U2)."""
        index = self._prices.index(spec)
        if not index:
            return BASE_RATE
        premium = quotient(subtract(self._prices.mark(spec.name), index), index)
        size = floor_to(min(CAP, premium.copy_abs()), _EIGHTH)
        return size.copy_negate() if size and premium < 0 else size

    def settle(self) -> None:
        """Settles at the moment that was due."""
        for spec in self._specs.values():
            if spec.is_futures:
                rate, mark = self.rate(spec), self._prices.mark(spec.name)
                self.settlements.append(
                    Settlement(spec.name, self._due, rate, mark, self._rate_time)
                )
                for account in self._accounts.values():
                    self._settle_account(account, spec, rate, mark)
        self._rate_time = self._due
        self._due = self._next_after(self._due)

    def _settle_account(
        self, account: Account, spec: MarketSpec, rate: Decimal, mark: Decimal
    ) -> None:
        wallet = account.collateral
        for position in wallet.positions.values():
            if position.market != spec.name:
                continue
            paid = multiply(multiply(position.amount, mark), rate)  # U3
            amount = subtract(ZERO, paid)
            wallet.credit(spec.money, amount)
            self._pool.move(spec.money, paid)
            if not account.spec.is_internal:
                wallet.fundings.append(
                    FundingRecord(
                        market=spec.name,
                        time=self._due,
                        rate=rate,
                        amount=amount,
                        position_amount=position.amount,
                        settlement_price=mark,
                        rate_time=self._rate_time,
                    )
                )

    def _next_after(self, now: float) -> float:
        return float((math.floor(now / self.interval_s) + 1) * self.interval_s)  # U1


def open_interest(accounts: Iterable[Account], market: str) -> Decimal:
    """Sum of all long positions of a market."""
    total = ZERO
    for account in accounts:
        for position in account.collateral.positions.values():
            if position.market == market and position.amount > 0:
                total = add(total, position.amount)
    return total
