"""What collateral is worth and what it has to carry.

Owns: equity, margins, the price of a liquidation and the amounts available. Must not know: orders,
books, or what happens to an account that has too little. Invariant: reading changes nothing.

Rules:
    G1  Collateral counts at the mark price of its asset in USDT; without such a market it counts
        nothing. The mark is the last trade's price, before the first one the reference price.
    G2  A position and the orders around it need the margin of the larger of two values: with every
        buy filled, or with every sell filled. The margin is that value over the leverage.
    G3  Maintenance is a fixed percentage of what is held; below it the account is liquidated.
        Below a multiple of it there is a margin call.
    G4  The liquidation price is where the account, everything else unchanged, has just its
        maintenance; there is none where that is no positive price.
    G5  Margin positions borrow what the wallet does not have: money for a long position, stock for
        a short one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from whitewire.venue.engine.positions import Position
from whitewire.venue.engine.wallet import CollateralWallet, Key
from whitewire.venue.values.model import ZERO, MarketSpec, PositionSide, Side
from whitewire.venue.values.money import add, floor_to, multiply, percent_of, quotient, subtract

_UNIT = "USDT"
Pending = tuple[str, PositionSide, Side]


@dataclass(frozen=True, slots=True)
class Summary:
    """An account's collateral at one moment; money in USDT."""

    equity: Decimal
    margin: Decimal
    free_margin: Decimal
    unrealized: Decimal
    leverage: int
    margin_fraction: Decimal


@dataclass(frozen=True, slots=True)
class AssetSummary:
    """One asset of the collateral wallet."""

    asset: str
    balance: Decimal
    borrow: Decimal
    available_without_borrow: Decimal
    available_with_borrow: Decimal


class Margins:
    """Values wallets at the mark prices of the moment."""

    def __init__(
        self,
        specs: Mapping[str, MarketSpec],
        mark: Callable[[str], Decimal],
        maintenance_percent: Decimal,
    ) -> None:
        """Takes every market there ever was, its mark price, and the rate of maintenance (G3)."""
        self._specs = specs
        self._maintenance_percent = maintenance_percent
        self.mark = mark

    def worth(self, asset: str) -> Decimal:
        """Price of a unit of collateral in USDT (G1)."""
        if asset == _UNIT:
            return Decimal(1)
        market = f"{asset}_{_UNIT}"
        return self.mark(market) if market in self._specs else ZERO

    def unrealized(self, wallet: CollateralWallet) -> Decimal:
        """Profit of all positions, in USDT."""
        total = ZERO
        for position in wallet.positions.values():
            profit = position.unrealized(self.mark(position.market))
            total = add(total, multiply(profit, self._money_worth(position.market)))
        return total

    def equity(self, wallet: CollateralWallet) -> Decimal:
        """What the account would have with every position closed at its mark."""
        total = self.unrealized(wallet)
        for asset, balance in wallet.balances():
            if balance:
                total = add(total, multiply(balance, self.worth(asset)))
        return total

    def required(
        self, wallet: CollateralWallet, changed: Mapping[Pending, Decimal] | None = None
    ) -> Decimal:
        """Margin of all positions and orders (G2).

        Args:
            changed: pending values to count with instead of the wallet's.
        """
        pending = {**wallet.pending, **(changed or {})}
        keys: dict[Key, None] = dict.fromkeys(wallet.positions)
        keys.update(dict.fromkeys((market, side) for market, side, _ in pending))
        total = ZERO
        for market, side in keys:
            value = self.value(wallet, market, side, pending)
            total = add(total, multiply(value, self._money_worth(market)))
        return quotient(total, Decimal(wallet.leverage))

    def value(
        self,
        wallet: CollateralWallet,
        market: str,
        side: PositionSide,
        pending: Mapping[Pending, Decimal],
    ) -> Decimal:
        """The larger value of a position with its orders, in money (G2)."""
        held = wallet.held(market, side)
        value = multiply(held, self.mark(market)) if held else ZERO
        bought = add(value, pending.get((market, side, Side.BUY), ZERO))
        sold = subtract(value, pending.get((market, side, Side.SELL), ZERO))
        return max(bought.copy_abs(), sold.copy_abs())

    def free(self, wallet: CollateralWallet) -> Decimal:
        """Equity that nothing needs; negative where there is too little."""
        return subtract(self.equity(wallet), self.required(wallet))

    def maintenance(self, wallet: CollateralWallet) -> Decimal:
        """The least equity that keeps the positions (G3), in USDT."""
        total = ZERO
        for position in wallet.positions.values():
            total = add(total, self._maintenance_of(position))
        return total

    def _maintenance_of(self, position: Position) -> Decimal:
        value = multiply(position.amount.copy_abs(), self.mark(position.market))
        need = percent_of(value, self._maintenance_percent)
        return multiply(need, self._money_worth(position.market))

    def margin_of(self, wallet: CollateralWallet, position: Position) -> Decimal:
        """Margin of one position, in money."""
        value = multiply(position.amount.copy_abs(), self.mark(position.market))
        return quotient(value, Decimal(wallet.leverage))

    def liquidation_price(self, wallet: CollateralWallet, position: Position) -> Decimal | None:
        """Where the account would be liquidated (G4), on the market's grid."""
        if not position.amount:
            return None
        spec, mark = self._specs[position.market], self.mark(position.market)
        worth = self._money_worth(position.market)
        rate = percent_of(position.amount.copy_abs(), self._maintenance_percent)
        slope = subtract(position.amount, rate)
        if not worth or not slope:
            return None
        others = subtract(self.maintenance(wallet), self._maintenance_of(position))
        spare = quotient(subtract(self.equity(wallet), others), worth)
        price = quotient(subtract(multiply(position.amount, mark), spare), slope)
        return floor_to(price, spec.tick_size) if price >= spec.tick_size else None

    def summary(self, wallet: CollateralWallet) -> Summary:
        """The whole account."""
        equity, margin = self.equity(wallet), self.required(wallet)
        return Summary(
            equity=equity,
            margin=margin,
            free_margin=subtract(equity, margin),
            unrealized=self.unrealized(wallet),
            leverage=wallet.leverage,
            margin_fraction=quotient(margin, equity) if equity > 0 else ZERO,
        )

    def assets(self, wallet: CollateralWallet, assets: tuple[str, ...]) -> dict[str, AssetSummary]:
        """Each asset: what there is, what is lent, and what may be used."""
        free = max(ZERO, self.free(wallet))
        return {asset: self._asset(wallet, asset, free) for asset in assets}

    def _asset(self, wallet: CollateralWallet, asset: str, free: Decimal) -> AssetSummary:
        worth, balance = self.worth(asset), wallet.balance(asset)
        own = quotient(free, worth) if worth else ZERO
        return AssetSummary(
            asset=asset,
            balance=balance,
            borrow=self._borrowed(wallet, asset),
            available_without_borrow=max(ZERO, min(balance, own)),
            available_with_borrow=multiply(own, Decimal(wallet.leverage)),
        )

    def _borrowed(self, wallet: CollateralWallet, asset: str) -> Decimal:
        """What margin positions took from the venue (G5)."""
        lent = ZERO
        for position in wallet.positions.values():
            spec = self._specs[position.market]
            if spec.is_futures:
                continue
            if position.amount > 0 and spec.money == asset:
                lent = add(lent, position.cost)
            elif position.amount < 0 and spec.stock == asset:
                lent = subtract(lent, position.amount)
        return max(ZERO, subtract(lent, max(ZERO, wallet.balance(asset)))) if lent else ZERO

    def _money_worth(self, market: str) -> Decimal:
        return self.worth(self._specs[market].money)
