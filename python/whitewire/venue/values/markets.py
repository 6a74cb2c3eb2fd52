"""The markets that the embedded venue lists.

Owns: their rules and reference prices. Must not know: books or orders. Invariant: a market's grids
agree with its precisions, so a value on the grid never has too many decimals.
"""

from __future__ import annotations

from decimal import Decimal

from whitewire.venue.values.model import ZERO, MarketSpec

_FEE = Decimal("0.001")
FUTURES_MAKER_FEE = Decimal("0.0001")
FUTURES_TAKER_FEE = Decimal("0.00035")
# The greatest position in USDT that each leverage allows.
_BRACKETS = {
    1: 50_000_000,
    2: 30_000_000,
    3: 20_000_000,
    5: 10_000_000,
    10: 5_000_000,
    20: 2_000_000,
    50: 500_000,
    100: 100_000,
}


def _spot(
    name: str,
    *,
    stock_prec: int,
    money_prec: int,
    min_amount: str,
    min_total: str,
    reference_price: str,
    is_collateral: bool = False,
) -> MarketSpec:
    stock, _, money = name.partition("_")
    return MarketSpec(
        name=name,
        stock=stock,
        money=money,
        stock_prec=stock_prec,
        money_prec=money_prec,
        fee_prec=6,
        maker_fee=_FEE,
        taker_fee=_FEE,
        min_amount=Decimal(min_amount),
        min_total=Decimal(min_total),
        max_total=ZERO,
        tick_size=Decimal(1).scaleb(-money_prec),
        step_size=Decimal(1).scaleb(-stock_prec),
        reference_price=Decimal(reference_price),
        is_collateral=is_collateral,
    )


def _perpetual(
    name: str, *, stock_prec: int, money_prec: int, min_amount: str, reference_price: str
) -> MarketSpec:
    return MarketSpec(
        name=name,
        stock=name.partition("_")[0],
        money="USDT",
        stock_prec=stock_prec,
        money_prec=money_prec,
        fee_prec=6,
        maker_fee=FUTURES_MAKER_FEE,
        taker_fee=FUTURES_TAKER_FEE,
        min_amount=Decimal(min_amount),
        min_total=Decimal(5),
        max_total=ZERO,
        tick_size=Decimal(1).scaleb(-money_prec),
        step_size=Decimal(1).scaleb(-stock_prec),
        reference_price=Decimal(reference_price),
        type="futures",
        brackets=_BRACKETS,
    )


def default_markets() -> tuple[MarketSpec, ...]:
    """The listing of a venue that was told nothing else, in listing order."""
    return (
        _spot(
            "BTC_USDT",
            stock_prec=6,
            money_prec=2,
            min_amount="0.00001",
            min_total="5",
            reference_price="60000",
            is_collateral=True,
        ),
        _spot(
            "ETH_USDT",
            stock_prec=5,
            money_prec=2,
            min_amount="0.0001",
            min_total="5",
            reference_price="3000",
            is_collateral=True,
        ),
        _perpetual(
            "BTC_PERP",
            stock_prec=3,
            money_prec=1,
            min_amount="0.001",
            reference_price="60000",
        ),
        _perpetual(
            "ETH_PERP",
            stock_prec=2,
            money_prec=2,
            min_amount="0.01",
            reference_price="3000",
        ),
        _spot(
            "ETH_BTC",
            stock_prec=4,
            money_prec=6,
            min_amount="0.0001",
            min_total="0.000012",
            reference_price="0.05",
        ),
        _spot(
            "DBTC_DUSDT",
            stock_prec=6,
            money_prec=2,
            min_amount="0.00001",
            min_total="5",
            reference_price="60000",
        ),
        _spot(
            "SHIB_USDT",
            stock_prec=0,
            money_prec=9,
            min_amount="10000",
            min_total="5",
            reference_price="0.000012345",
        ),
        # A negative precision: amounts are whole millions.
        _spot(
            "PEPE_USDT",
            stock_prec=-6,
            money_prec=10,
            min_amount="1000000",
            min_total="5",
            reference_price="0.0000098765",
        ),
    )
