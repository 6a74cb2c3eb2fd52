"""The venue's own side of trading against collateral.

Owns: what the venue has lent and holds for positions, and the losses that it bore. Must not know:
accounts, orders, prices. Invariant: over all trade wallets, collateral wallets, fees and the pool,
each asset's sum never changes.

Rules:
    V1  A buy against collateral is paid by the pool, which keeps the stock; a sell is delivered by
        the pool, which keeps the money. Profits, losses and funding are settled with the account
        in money. Of futures both parties do so, and the pool's stock stays at zero.
    V2  What a liquidated account cannot pay is the pool's loss.
"""

from __future__ import annotations

from decimal import Decimal

from whitewire.venue.model import ZERO
from whitewire.venue.money import add


class Pool:
    """Lender, custodian and insurer.

    Attributes:
        amounts: asset to what the pool has; negative is lent out (V1).
        losses: asset to what it paid for accounts that could not (V2).
    """

    def __init__(self) -> None:
        self.amounts: dict[str, Decimal] = {}
        self.losses: dict[str, Decimal] = {}

    def move(self, asset: str, amount: Decimal) -> None:
        """Takes in an amount, or with a negative one pays it out."""
        self.amounts[asset] = add(self.amounts.get(asset, ZERO), amount)

    def bear(self, asset: str, loss: Decimal) -> None:
        """Pays a loss for an account (V2)."""
        self.move(asset, -loss)
        self.losses[asset] = add(self.losses.get(asset, ZERO), loss)
