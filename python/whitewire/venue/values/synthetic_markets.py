"""Made-up markets, as many as are wanted, for loads that a handful of markets cannot make.

Owns: their names and rules. Must not know: books, orders, or who lists them. Invariant: a market's
grids agree with its precisions; all names differ, and the same count gives the same markets.
"""

from __future__ import annotations

from decimal import Decimal

from whitewire.venue.values.model import ZERO, MarketSpec

__all__ = ["synthetic_markets"]

_FEE = Decimal("0.001")
# Reference prices, and the decimals that a market of such a price has: (money, stock).
_KINDS = (("60000", 2, 6), ("3000", 2, 5), ("150", 3, 3), ("2.5", 4, 2), ("0.08", 6, 0))


def synthetic_markets(count: int) -> tuple[MarketSpec, ...]:
    """Markets `S000_USDT`, `S001_USDT` and so on, of a few kinds in turn, in listing order.

    Raises:
        ValueError: `count` is not from 1 to 1000.
    """
    if not 1 <= count <= 1_000:
        raise ValueError(f"the number of markets was {count}, and is from 1 to 1000")
    return tuple(_market(number) for number in range(count))


def _market(number: int) -> MarketSpec:
    price, money_prec, stock_prec = _KINDS[number % len(_KINDS)]
    step = Decimal(1).scaleb(-stock_prec)
    return MarketSpec(
        name=f"S{number:03d}_USDT",
        stock=f"S{number:03d}",
        money="USDT",
        stock_prec=stock_prec,
        money_prec=money_prec,
        fee_prec=6,
        maker_fee=_FEE,
        taker_fee=_FEE,
        min_amount=step,
        min_total=Decimal(5),
        max_total=ZERO,
        tick_size=Decimal(1).scaleb(-money_prec),
        step_size=step,
        reference_price=Decimal(price),
    )
