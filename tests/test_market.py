"""Ticks and lots: exact, or rounded to the stated side when asked to, or an error."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire import Market, NumberError, Side

BTC = Market("BTC_USDT", "BTC", "USDT", 2, 6)
COARSE = Market("X_Y", "X", "Y", 3, 0, tick_size=25, step_size=10)
PEPE = Market("PEPE_USDT", "PEPE", "USDT", 10, -6)


@pytest.mark.parametrize(
    ("market", "price", "side", "ticks"),
    [
        (BTC, "60000.10", None, 6_000_010),
        (BTC, 60000, None, 6_000_000),
        (BTC, 0.1 + 0.2, Side.BUY, 30),  # the float's own text is 0.30000000000000004
        (BTC, Decimal("0.019"), Side.BUY, 1),
        (BTC, Decimal("0.011"), Side.SELL, 2),
        (BTC, "1e3", None, 100_000),
        (COARSE, "1.050", None, 1_050),
        (COARSE, "1.051", Side.BUY, 1_050),
        (COARSE, "1.051", Side.SELL, 1_075),
        (COARSE, "1.0500000001", Side.SELL, 1_075),
        (PEPE, "0.0000098765", None, 98_765),
    ],
)
def test_prices(market: Market, price: object, side: Side | None, ticks: int) -> None:
    assert market.price_to_ticks(price, side) == ticks  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("market", "amount", "exact", "lots"),
    [
        (BTC, "0.01", True, 10_000),
        (BTC, "0.0000019", False, 1),
        (COARSE, 25, False, 20),
        (PEPE, 3_000_000, True, 3),
        (PEPE, "3999999.9", False, 3),
    ],
)
def test_amounts(market: Market, amount: object, exact: bool, lots: int) -> None:
    assert market.amount_to_lots(amount, exact=exact) == lots  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("60000.001", "BTC_USDT: price 60000.001 is not a multiple of 0.01; use 60000.00 or"),
        ("60000." + "0" * 40 + "1", "is not a multiple of 0.01"),
        ("0", "price 0 is not a positive finite number; give a price above zero"),
        (-1, "not a positive finite number"),
        ("NaN", "not a positive finite number"),
        ("Infinity", "not a positive finite number"),
        (float("nan"), "not a positive finite number"),
        ("sixty", "price 'sixty' is not a number; give a decimal such as '0.01'"),
        ("", "is not a number"),
        (None, "is not a number"),
        ([], "is not a number"),
        ("sNaN", "not a positive finite number"),
        ("1" + "0" * 30, "outside the market's range; the smallest is 0.01"),
        ("1e999", "outside the market's range"),
        (str(2**63 // 100 + 1), "outside the market's range"),
        ("0.1" + "1" * 200, "is not a number"),
    ],
)
def test_what_is_no_price_is_an_error(price: object, text: str) -> None:
    with pytest.raises(NumberError) as caught:
        BTC.price_to_ticks(price)  # type: ignore[arg-type]
    assert text in str(caught.value)


def test_rounding_to_nothing_is_an_error() -> None:
    with pytest.raises(NumberError, match=r"the smallest is 0\.01"):
        BTC.price_to_ticks("0.001", Side.BUY)
    assert BTC.price_to_ticks("0.001", Side.SELL) == 1
    with pytest.raises(NumberError, match="the smallest is 10"):
        COARSE.amount_to_lots("9.9", exact=False)


markets = st.builds(
    Market,
    st.just("M"),
    st.just("S"),
    st.just("T"),
    st.integers(0, 12),
    st.integers(-8, 12),
    tick_size=st.integers(1, 10_000),
    step_size=st.integers(1, 10_000),
)
numbers = st.decimals("1e-15", "1e12", allow_nan=False, allow_infinity=False)


@given(markets, numbers, st.sampled_from([Side.BUY, Side.SELL, None]))
def test_rounding_is_exact_and_never_to_the_aggressive_side(
    market: Market, price: Decimal, side: Side | None
) -> None:
    grid = Fraction(market.tick_size, 10**market.price_decimals)
    below = Fraction(price) // grid
    is_on_grid = Fraction(price) == below * grid
    steps = below if is_on_grid or side is not Side.SELL else below + 1
    ticks = steps * market.tick_size
    if (not is_on_grid and side is None) or not 0 < ticks < 2**63:
        with pytest.raises(NumberError):
            market.price_to_ticks(price, side)
        return
    assert market.price_to_ticks(price, side) == ticks
    assert market.price_to_ticks(f"{price:f}", side) == ticks


@given(markets, st.integers(1, 2**62))
def test_there_and_back(market: Market, number: int) -> None:
    ticks = max(1, number // market.tick_size) * market.tick_size
    lots = max(1, number // market.step_size) * market.step_size
    assert market.price_to_ticks(market.price(ticks)) == ticks
    assert market.amount_to_lots(market.amount(lots)) == lots
    assert market.amount_to_lots(market.amount(lots), exact=False) == lots


def test_sides() -> None:
    assert Side("buy") is Side.BUY
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY
