"""Inventory and profit of one run, from fills; positions of markets that have them.

Owns: what our fills did to stock and money, market by market, and to a position against collateral.
Must not know: balances, orders. Invariant: `stock` and `money` are exact sums of fills and fees;
nothing is estimated but the value of the inventory, at the price that the caller gives. For a
position, `realized - cost` is exactly what its fills brought since it was taken over.

Rules of positions
------------------
1. Amounts are signed: a short position is negative, and so is its cost.
2. A fill on the position's side adds to it at the fill's price; one against it realises the
   difference to the average cost of the part that it closes.
3. A fill larger than the position that it is against closes it and opens the rest on the other
   side, at the fill's price.
4. The average cost of a part is cut to twelve decimals; what is cut stays in the position.
5. Fees and funding are kept apart from what is realised, and count in `profit`.
6. What the account held before us, and what the venue says after a mismatch, is taken over as it
   is: it realises nothing.
7. A margin call ends when the venue shows the position without it. A liquidation does not end: a
   human has to look at it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Context, Decimal
from typing import TYPE_CHECKING

from whitewire.market import Market, Side

if TYPE_CHECKING:
    from whitewire.protocol.events import PositionRow
    from whitewire.protocol.orders import Fill

__all__ = ["MarginPosition", "Position", "position_in"]

_ZERO = Decimal(0)
_TWELFTH = Decimal("1e-12")
# Products of two venue numbers have at most 80 digits; nothing but a division is ever cut.
_EXACT = Context(prec=100)
LIQUIDATION = "liquidation"


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


@dataclass(slots=True)
class MarginPosition(Position):
    """A position against collateral: ours, computed from fills, and beside it the venue's.

    `stock` and `money` are what our fills changed since the start, as in every market; `amount` and
    what follows are the whole position, with what the account held before.

    Attributes:
        amount: stock, negative for a short position.
        cost: signed money that the amount stands for.
        realized: profit of closed parts since the start, without fees and funding.
        funding: settled since the start, negative where we paid; from the venue's history.
        venue: what the venue showed last; None before the first time and where it shows none.
        danger: "margin_call" or "liquidation", empty for neither; the market is reducing then.
    """

    amount: Decimal = _ZERO
    cost: Decimal = _ZERO
    realized: Decimal = _ZERO
    funding: Decimal = _ZERO
    venue: PositionRow | None = None
    danger: str = ""

    @property
    def average(self) -> Decimal | None:
        """Average price of entry; None where nothing is held."""
        return self.cost / self.amount if self.amount else None

    @property
    def side(self) -> Side | None:
        """BUY for a long position, SELL for a short one."""
        if not self.amount:
            return None
        return Side.BUY if self.amount > 0 else Side.SELL

    def apply(self, fill: Fill) -> None:
        """Adds one fill (rules 2 to 5)."""
        Position.apply(self, fill)
        signed = fill.amount if fill.side is Side.BUY else -fill.amount
        if self.amount and (signed > 0) != (self.amount > 0):
            closed = max(signed, -self.amount) if signed < 0 else min(signed, -self.amount)
            self._close(closed, fill.price)
            signed = _EXACT.subtract(signed, closed)
        if signed:
            self.amount = _EXACT.add(self.amount, signed)
            self.cost = _EXACT.fma(signed, fill.price, self.cost)

    def _close(self, signed: Decimal, price: Decimal) -> None:
        if signed == -self.amount:
            part = self.cost
        else:
            share = _EXACT.divide(_EXACT.multiply(self.cost, -signed), self.amount)
            part = share.quantize(_TWELFTH, ROUND_DOWN, _EXACT)  # rule 4
        brought = _EXACT.subtract(_EXACT.multiply(-signed, price), part)
        self.realized = _EXACT.add(self.realized, brought)
        self.amount = _EXACT.add(self.amount, signed)
        self.cost = _EXACT.subtract(self.cost, part)

    def take_over(self, amount: Decimal, price: Decimal | None) -> None:
        """Takes the venue's word for amount and average entry (rule 6)."""
        self.amount = amount
        self.cost = _EXACT.multiply(amount, price or _ZERO)

    def show(self, row: PositionRow | None) -> bool:
        """Notes what the venue shows, None for no position; whether that is news (rule 7)."""
        is_news = row != self.venue
        self.venue = row
        if self.danger != LIQUIDATION:
            self.danger = "" if row is None else row.liq_stage
        return is_news

    def unrealized(self, price: Decimal) -> Decimal:
        """What closing all of it at `price` would realise."""
        return _EXACT.subtract(_EXACT.multiply(self.amount, price), self.cost)

    def profit(self, price: Decimal | None) -> Decimal | None:
        """Money gained since the start: realised, unrealised at `price`, funding, less fees."""
        if price is None and self.amount:
            return None
        held = _ZERO if price is None else self.unrealized(price)
        fees = self.fees.get(self.market.money, _ZERO)
        total = _EXACT.add(_EXACT.add(self.realized, held), self.funding)
        return _EXACT.subtract(total, fees)


def position_in(market: Market) -> Position:
    """An empty position of the kind that a market has."""
    return MarginPosition(market) if market.is_collateral else Position(market)
