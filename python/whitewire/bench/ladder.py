"""Ladders that rest far from the market, and the proof that they do.

Owns: prices and amounts of a bench's orders. Must not know: how they are sent. Invariant: a price
that is handed out is at least the demanded distance below the best bid that was given with it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from whitewire.errors import UsageError

if TYPE_CHECKING:
    from whitewire.market import Market

__all__ = ["FarLadder"]

# So much more than the venue's least total, since the price moves during a run.
ROOM = Decimal("1.25")


class FarLadder:
    """Bids, one price step under the other, all of the least amount that the venue takes.

    Args:
        market: where.
        distance_percent: of the best bid; the first bid is as far below it.
        best_bid: now, for the amount.
    """

    def __init__(self, market: Market, distance_percent: Decimal, best_bid: Decimal) -> None:
        self.market = market
        self._share = 1 - distance_percent / 100
        self._step = market.price(market.tick_size)
        least_total = market.min_total * ROOM
        lots = int(least_total / (best_bid * self._share) / market.amount(1)) + 1
        lots = max(lots, market.min_amount_lots)
        self.amount = market.amount(-(-lots // market.step_size) * market.step_size)

    def bids(self, best_bid: Decimal, legs: int) -> list[tuple[Decimal, Decimal]]:
        """(price, amount) of each leg, best first.

        Raises:
            UsageError: so many steps so far away would end below zero.
        """
        ticks = int(best_bid * self._share / self._step)
        if ticks < legs:
            raise UsageError(
                "bench-distance",
                f"{legs} steps of {self._step:f} so far below {best_bid:f} end below zero",
                "lower --distance-percent or --legs",
            )
        return [((ticks - leg) * self._step, self.amount) for leg in range(legs)]

    def notional(self, best_bid: Decimal, legs: int) -> Decimal:
        """Price times amount of so many legs, money; never less than what would rest."""
        return best_bid * self._share * self.amount * legs

    def is_far(self, price: Decimal, best_bid: Decimal) -> bool:
        """Whether a bid is as far from the market as was demanded."""
        return price <= best_bid * self._share
