"""Ladders far from the market: always as far as demanded, always what the venue takes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whitewire.bench.ladder import FarLadder
from whitewire.errors import UsageError
from whitewire.market import Market, Side

MARKETS = st.builds(
    lambda price_decimals, amount_decimals, tick, step, least, total: Market(
        "X_Y", "X", "Y", price_decimals, amount_decimals, tick, step, least, Decimal(total)
    ),
    st.integers(0, 8),
    st.integers(0, 8),
    st.sampled_from([1, 5, 10]),
    st.sampled_from([1, 2, 10]),
    st.integers(1, 50),
    st.sampled_from(["0", "5.05", "10"]),
)


@given(MARKETS, st.integers(1, 10_000), st.integers(1, 90), st.integers(1, 20))
def test_every_leg_is_far_enough_on_the_grid_and_large_enough(
    market: Market, steps: int, distance: int, legs: int
) -> None:
    best_bid = market.price(steps * market.tick_size * 1000)
    ladder = FarLadder(market, Decimal(distance), best_bid)
    bids = ladder.bids(best_bid, legs)
    prices = [price for price, _ in bids]
    assert prices == sorted(set(prices), reverse=True)
    for price, amount in bids:
        assert price <= best_bid * (100 - distance) / 100
        assert ladder.is_far(price, best_bid)
        # exact: neither is rounded on its way to the wire
        ticks, lots = market.price_to_ticks(price), market.amount_to_lots(amount)
        assert market.price_to_ticks(price, Side.BUY) == ticks
        assert lots >= market.min_amount_lots
    assert sum(price * amount for price, amount in bids) <= ladder.notional(best_bid, legs)


def test_the_least_total_has_room_for_a_price_that_falls() -> None:
    market = Market("BTC_USDT", "BTC", "USDT", 2, 6, min_total=Decimal("5.05"))
    ladder = FarLadder(market, Decimal(10), Decimal(60_000))
    fallen = ladder.bids(Decimal(50_000), 20)
    assert all(price * amount >= market.min_total for price, amount in fallen)


def test_a_near_price_is_not_far() -> None:
    market = Market("BTC_USDT", "BTC", "USDT", 2, 6)
    ladder = FarLadder(market, Decimal(10), Decimal(60_000))
    assert ladder.is_far(Decimal(54_000), Decimal(60_000))
    assert not ladder.is_far(Decimal("54000.01"), Decimal(60_000))
    # the market fell since the price was made
    assert not ladder.is_far(Decimal(54_000), Decimal(59_999))


def test_a_market_without_room_below_is_refused() -> None:
    market = Market("A_B", "A", "B", 0, 0)
    ladder = FarLadder(market, Decimal(90), Decimal(100))
    with pytest.raises(UsageError, match="end below zero"):
        ladder.bids(Decimal(100), 20)
