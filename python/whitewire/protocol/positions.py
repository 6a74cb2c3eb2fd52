"""Inventory and profit of one run, from fills alone.

Owns: what our fills did to stock and money, market by market. Must not know: balances, orders.
Invariant: `stock` and `money` are exact sums of fills and fees; nothing is estimated but the
value of the inventory, at the price that the caller gives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from whitewire.market import Market, Side

if TYPE_CHECKING:
    from whitewire.protocol.orders import Fill

__all__ = ["Position"]


@dataclass(slots=True)
class Position:
    """What fills of one market changed since the start.

    Attributes:
        market: the market.
        stock: stock bought minus sold minus fees paid in stock.
        money: money received minus paid minus fees paid in money.
        bought, sold: stock, without fees.
        fills: number of fills.
        fees: fees paid by asset, rebates negative; stock and money are net of them already.
    """

    market: Market
    stock: Decimal = Decimal(0)
    money: Decimal = Decimal(0)
    bought: Decimal = Decimal(0)
    sold: Decimal = Decimal(0)
    fills: int = 0
    fees: dict[str, Decimal] = field(default_factory=dict)

    def apply(self, fill: Fill) -> None:
        """Adds one fill."""
        worth = fill.price * fill.amount
        if fill.side is Side.BUY:
            self.stock += fill.amount
            self.money -= worth
            self.bought += fill.amount
        else:
            self.stock -= fill.amount
            self.money += worth
            self.sold += fill.amount
        self.fills += 1
        # The venue charges spot buys in stock and sells in money; only its own word counts.
        if fill.fee_asset == self.market.stock:
            self.stock -= fill.fee
        elif fill.fee_asset == self.market.money:
            self.money -= fill.fee
        if fill.fee:
            self.fees[fill.fee_asset] = self.fees.get(fill.fee_asset, Decimal(0)) + fill.fee

    def profit(self, price: Decimal | None) -> Decimal | None:
        """Money gained with the inventory valued at `price`; None when it needs one."""
        if self.stock == 0:
            return self.money
        return None if price is None else self.money + self.stock * price
