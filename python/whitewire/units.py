"""A strategy's numbers as whole ticks and lots, by the short way where there is one.

Owns: the short way. Must not know: grids that need rounding, errors (see `market`). Invariant: what
the short way finds is what `market` would have found; whatever it does not find is asked there.
"""

from __future__ import annotations

from whitewire._core import scaled
from whitewire.market import Market, Number, Side

__all__ = ["amount_lots", "price_ticks"]


def price_ticks(market: Market, price: Number, side: Side | None = None) -> int:
    """As `market.price_to_ticks`."""
    ticks = scaled(str(price), market.price_decimals)
    if ticks is not None and ticks > 0 and ticks % market.tick_size == 0:
        return ticks
    return market.price_to_ticks(price, side)


def amount_lots(market: Market, amount: Number, *, exact: bool = True) -> int:
    """As `market.amount_to_lots`."""
    lots = scaled(str(amount), market.amount_decimals)
    if lots is not None and lots > 0 and lots % market.step_size == 0:
        return lots
    return market.amount_to_lots(amount, exact=exact)
