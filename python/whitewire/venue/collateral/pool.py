"""The venue's own side of trading against collateral.

Owns: what the venue has lent and holds for positions, and the losses that it bore. Must not know:
accounts, orders, prices. Invariant: over all trade wallets, collateral wallets, fees and the pool,
each asset's sum never changes.

Rules:
    V1  A buy against collateral is paid by the pool, which keeps the stock; a sell is delivered by
        the pool, which keeps the money. Profits, losses and funding are settled with the account
        in money. Of futures both parties do so, and the pool's stock stays at zero.
    V2  What a liquidated account cannot pay is the pool's loss.
    V3  A position that the venue takes over becomes its own: the pool keeps what it holds for it.
"""

from __future__ import annotations

from decimal import Decimal

from whitewire.venue.values.model import ZERO
from whitewire.venue.values.money import add


class Pool:
    """Lender, custodian and insurer.

    Attributes:
        amounts: asset to what the pool has; negative is lent out (V1).
        losses: asset to what it paid for accounts that could not (V2).
        taken: market to the signed stock of the positions that it took over (V3).
    """

    def __init__(self) -> None:
        self.amounts: dict[str, Decimal] = {}
        self.losses: dict[str, Decimal] = {}
        self.taken: dict[str, Decimal] = {}

    def move(self, asset: str, amount: Decimal) -> None:
        """Takes in an amount, or with a negative one pays it out."""
        self.amounts[asset] = add(self.amounts.get(asset, ZERO), amount)

    def bear(self, asset: str, loss: Decimal) -> None:
        """Pays a loss for an account (V2)."""
        self.move(asset, loss.copy_negate())
        self.losses[asset] = add(self.losses.get(asset, ZERO), loss)

    def take_over(self, market: str, amount: Decimal) -> None:
        """Takes over a position of this signed amount (V3)."""
        self.taken[market] = add(self.taken.get(market, ZERO), amount)
